"""Two levels and no loops; who takes over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonghai_two_tier.sponsors import SponsorError, check, re_parented

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


@pytest.mark.requirement("D3")
def test_a_leaving_sponsors_second_level_goes_to_the_largest_of_its_region() -> None:
    sponsors = {"a": None, "b": None, "c": None, "k": "a", "l": "a", "m": "b", "n": "a"}
    regions = {"a": "east", "b": "east", "c": "east", "k": "east", "l": "west", "n": "east"}
    amounts = {"a": 900, "b": 50, "c": 50, "k": 999}
    # b and c are as large as each other; nobody of the first level is left in the west.
    assert re_parented("a", sponsors, regions, amounts) == {"k": "b", "l": None, "n": "b"}
    assert re_parented("a", sponsors, regions, amounts | {"c": 51})["k"] == "c"
    assert re_parented("c", sponsors, regions, amounts) == {}
