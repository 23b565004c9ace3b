"""Filters and orders: what is documented is understood, the rest refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonghai_chassis.errors import InvalidRequest, Reason
from gonghai_chassis.filters import Field, Kind, Order, Term, parse_filter, parse_order
from gonghai_chassis.statuses import rfc3339

FIELDS = {
    "tier": Field(Kind.STRING),
    "region": Field(Kind.STRING, ops=("=", ":")),
    "orders": Field(Kind.INT),
    "locked": Field(Kind.BOOL),
    "last_order_time": Field(Kind.INSTANT),
}


def test_nothing_takes_everything() -> None:
    assert parse_filter("", FIELDS) == ()
    assert parse_filter("   ", FIELDS) == ()
    assert parse_order("", FIELDS) == ()


def test_terms_are_read_in_order() -> None:
    text = 'tier = "A" AND orders>=3 AND locked=false AND region:"华东/上海" AND tier != B'

    assert parse_filter(text, FIELDS) == (
        Term("tier", "=", "A"),
        Term("orders", ">=", 3),
        Term("locked", "=", value=False),
        Term("region", ":", "华东/上海"),
        Term("tier", "!=", "B"),
    )


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_string_can_be_quoted(value: str) -> None:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')

    assert parse_filter(f'tier = "{quoted}"', FIELDS) == (Term("tier", "=", value),)


@given(st.integers(0, 4_000_000_000_000_000))
def test_moments_are_read_to_the_microsecond(instant: int) -> None:
    text = f'last_order_time < "{rfc3339(instant)}"'

    assert parse_filter(text, FIELDS) == (Term("last_order_time", "<", instant),)


def test_moments_may_have_a_zone() -> None:
    (term,) = parse_filter('last_order_time >= "2026-01-01T08:00:00+08:00"', FIELDS)

    assert term.value == int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        'tier = "A" OR tier = "B"',
        'NOT tier = "A"',
        '(tier = "A")',
        'tier = "A" tier = "B"',
        'tier = "A" AND',
        'AND tier = "A"',
        "tier",
        "tier =",
        'tier "A"',
        'tier == "A"',
        'tier = "A',
        "tier = 'A B'",
        'owner = "x"',
        'tier < "A"',
        'region != "x"',
        "orders = many",
        'orders = "3"',
        "orders = 3.5",
        "orders = " + "9" * 30,
        "locked = yes",
        'last_order_time < "yesterday"',
        'last_order_time < "2026-13-01T00:00:00Z"',
        'last_order_time < "2026-01-01T00:00:00"',
        " AND ".join(["orders = 1"] * 21),
    ],
)
def test_what_is_outside_the_subset_is_refused_never_ignored(text: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        parse_filter(text, FIELDS)

    assert raised.value.reason is Reason.INVALID_FILTER
    assert raised.value.metadata == {"filter": text}
    assert [violation.field for violation in raised.value.fields] == ["filter"]


@given(st.text())
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        terms = parse_filter(text, FIELDS)
    except InvalidRequest:
        return
    assert bool(terms) == bool(text.strip())


def test_orders_are_read() -> None:
    assert parse_order("tier desc, orders ,locked asc", FIELDS) == (
        Order("tier", descending=True),
        Order("orders"),
        Order("locked"),
    )


@pytest.mark.parametrize(
    "text", ["owner", "tier down", "tier,", ",", "tier, tier desc", "tier a b"]
)
def test_other_orders_are_refused(text: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        parse_order(text, FIELDS)

    assert raised.value.reason is Reason.INVALID_FILTER
