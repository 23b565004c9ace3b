"""Two levels and no loops."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonghai_two_tier.sponsors import SponsorError, check

NAMES = ("a", "b", "c", "d", "e", "f")


@pytest.mark.requirement("D3")
@pytest.mark.parametrize(
    ("sponsors", "distributor", "says"),
    [
        ({"a": "a"}, "a", "its own sponsor"),
        ({"a": "b", "b": "a"}, "a", "its own sponsor"),
        ({"a": "b", "b": "c", "c": "a"}, "a", "its own sponsor"),
        ({"a": None, "b": "a", "c": "b"}, "c", "of the second level"),
        ({"a": "b", "b": "c", "c": "b"}, "a", "of the second level"),
        ({"a": "x"}, "a", "is not known"),
    ],
)
def test_a_chain_that_is_longer_or_bites_its_tail_is_refused(
    sponsors: dict[str, str | None], distributor: str, says: str
) -> None:
    with pytest.raises(SponsorError, match=says) as refused:
        check(sponsors)
    assert refused.value.distributor == distributor


@pytest.mark.requirement("D3")
@given(
    st.dictionaries(st.sampled_from(NAMES), st.one_of(st.none(), st.sampled_from(NAMES))),
)
def test_what_passes_has_two_levels_exactly(sponsors: dict[str, str | None]) -> None:
    two_levels = all(
        sponsor is None or (sponsor in sponsors and sponsors[sponsor] is None)
        for sponsor in sponsors.values()
    )
    if two_levels:
        check(sponsors)
        return
    with pytest.raises(SponsorError):
        check(sponsors)
