"""Identifiers come into one form each, or are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonghai_archive.identifiers import IdentifierKind, normalise
from gonghai_chassis.errors import InvalidRequest, Reason

PHONE, CODE, EMAIL = IdentifierKind.PHONE, IdentifierKind.CREDIT_CODE, IdentifierKind.EMAIL
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def check_character(body: str) -> str:
    """The check character of 17 characters, as GB 32100-2015 says it."""
    total = sum(ALPHABET.index(c) * w for c, w in zip(body, WEIGHTS, strict=True))
    return ALPHABET[(31 - total % 31) % 31]


credit_bodies = st.tuples(
    st.sampled_from(["91", "92", "51", "11"]),
    st.text("0123456789", min_size=6, max_size=6),
    st.text(ALPHABET, min_size=9, max_size=9),
).map("".join)
mobiles = st.tuples(
    st.sampled_from(["130", "138", "150", "186", "199"]), st.integers(0, 99_999_999)
).map(lambda parts: f"{parts[0]}{parts[1]:08d}")


@pytest.mark.requirement("A2")
@given(number=mobiles, form=st.sampled_from(["{}", "+86{}", "0086 {}", " {} ", "+86-{}"]))
def test_a_number_has_one_form_however_it_is_written(number: str, form: str) -> None:
    spaced = f"{number[:3]} {number[3:7]}-{number[7:]}"
    for text in (form.format(number), form.format(spaced)):
        assert normalise(PHONE, text, "f") == f"+86{number}"
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in number)
    assert normalise(PHONE, wide, "f") == f"+86{number}"


@pytest.mark.requirement("A2")
@given(body=credit_bodies, data=st.data())
def test_a_credit_code_is_known_by_its_check_character(body: str, data: st.DataObject) -> None:
    right = check_character(body)
    assert normalise(CODE, f" {(body + right).lower()} ", "f") == body + right
    wrong = data.draw(st.sampled_from([c for c in ALPHABET if c != right]))
    with pytest.raises(InvalidRequest) as refused:
        normalise(CODE, body + wrong, "customer.identifiers[0].value")
    assert refused.value.reason == Reason.INVALID_IDENTIFIER
    assert refused.value.metadata == {"identifier": "unified_social_credit_code"}
    assert refused.value.fields[0].field == "customer.identifiers[0].value"


@pytest.mark.requirement("A2")
def test_a_real_credit_code_checks() -> None:
    assert normalise(CODE, "91110000600037341L", "f") == "91110000600037341L"


@pytest.mark.requirement("A2")
@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (PHONE, "12345"),
        (PHONE, "call me"),
        (PHONE, "+86 999 9999 9999"),
        (CODE, "91110000600037341"),
        (CODE, "9111000060003734IL"),
        (EMAIL, "nobody"),
        (EMAIL, "a@b"),
        (EMAIL, "a b@example.com"),
        (EMAIL, "a@example..com"),
    ],
)
def test_what_does_not_check_is_refused(kind: IdentifierKind, text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        normalise(kind, text, "f")
    assert refused.value.reason == Reason.INVALID_IDENTIFIER


@pytest.mark.requirement("A2")
@given(st.sampled_from(list(IdentifierKind)), st.text(max_size=40))
def test_normal_is_normal_already(kind: IdentifierKind, text: str) -> None:
    try:
        once = normalise(kind, text, "f")
    except InvalidRequest:
        return
    assert normalise(kind, once, "f") == once


@pytest.mark.requirement("A2")
def test_addresses_are_kept_in_lower_case() -> None:
    assert normalise(EMAIL, " Wang.Fang＠Example.COM ", "f") == "wang.fang@example.com"
