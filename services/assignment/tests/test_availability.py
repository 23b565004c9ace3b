"""When a rep may be given customers: state, leave and working hours in the tenant's zone (C5)."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonghai_assignment import availability
from gonghai_assignment.reps import Leave, Rep, RepState, WorkingHours

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")


def at(zone: ZoneInfo, *parts: int) -> int:
    moment = datetime(*parts, tzinfo=zone)  # type: ignore[misc,arg-type]
    return int(moment.timestamp()) * 1_000_000


def rep(**fields: object) -> Rep:
    return Rep(tenant="acme", id="li", display_name="Li", **fields)  # type: ignore[arg-type]


OFFICE = tuple(WorkingHours(day, 9 * 60, 18 * 60) for day in range(1, 6))


@pytest.mark.requirement("C5")
@pytest.mark.parametrize(
    ("moment", "obstacle"),
    [
        ((2026, 11, 20, 8, 59), "hours"),  # a Friday
        ((2026, 11, 20, 9, 0), None),
        ((2026, 11, 20, 17, 59), None),
        ((2026, 11, 20, 18, 0), "hours"),
        ((2026, 11, 21, 12, 0), "hours"),  # a Saturday
    ],
)
def test_working_hours_are_those_of_the_tenants_zone(
    moment: tuple[int, ...], obstacle: str | None
) -> None:
    li = rep(working_hours=OFFICE)
    assert availability.obstacle(li, at(SHANGHAI, *moment), SHANGHAI) == obstacle
    # The same wall-clock time elsewhere is another instant.
    assert availability.obstacle(li, at(BERLIN, *moment), BERLIN) == obstacle


@pytest.mark.requirement("C5")
def test_leave_keeps_customers_away_until_it_ends() -> None:
    li = rep(leaves=(Leave(100, 200), Leave(300, None)))
    found = [
        availability.obstacle(li, instant, SHANGHAI) for instant in (99, 100, 199, 200, 300, 10**9)
    ]
    assert found == [None, "leave", "leave", None, "leave", "leave"]


@pytest.mark.requirement("C5")
@pytest.mark.parametrize("state", [RepState.PAUSED, RepState.LEFT])
def test_only_active_reps_are_given_customers(state: RepState) -> None:
    assert availability.obstacle(rep(state=state), 5, SHANGHAI) == "state"


def test_no_hours_mean_always() -> None:
    assert availability.obstacle(rep(), at(SHANGHAI, 2026, 11, 22, 3, 0), SHANGHAI) is None


def test_nine_is_nine_on_the_day_when_clocks_change() -> None:
    sunday = rep(working_hours=(WorkingHours(7, 9 * 60, 10 * 60),))
    opening = at(BERLIN, 2026, 10, 25, 9, 0)
    assert availability.obstacle(sunday, opening, BERLIN) is None
    assert availability.obstacle(sunday, opening - 1, BERLIN) == "hours"
    start, end = availability.window([sunday], opening, BERLIN)
    assert (start, end) == (opening, at(BERLIN, 2026, 10, 25, 10, 0))


spans = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda span: span[0] < span[1])
hours = st.builds(lambda day, span: WorkingHours(day, *span), st.integers(1, 7), spans)
BASE = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()) * 1_000_000
WEEK = 7 * 86_400_000_000
instants = st.integers(BASE, BASE + WEEK)
leaves = st.builds(
    lambda start, length: Leave(start, start + length if length else None),
    instants,
    st.integers(0, WEEK),
)


@given(
    st.lists(st.tuples(st.lists(hours, max_size=3), st.lists(leaves, max_size=2)), max_size=3),
    instants,
    st.floats(0, 1),
)
def test_nothing_changes_within_a_window(
    people: list[tuple[list[WorkingHours], list[Leave]]], now: int, place: float
) -> None:
    reps = [rep(working_hours=tuple(h), leaves=tuple(leave)) for h, leave in people]
    start, end = availability.window(reps, now, SHANGHAI)
    assert start <= now
    assert end is None or now < end
    last = end - 1 if end is not None else now + WEEK
    probe = start + int((last - start) * place) if start else now
    for one in reps:
        expected = availability.obstacle(one, now, SHANGHAI)
        assert availability.obstacle(one, probe, SHANGHAI) == expected
