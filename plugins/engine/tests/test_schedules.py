"""A population is scheduled as each holding is alone, by law: any plan, any custody."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gonghai_engine.calendar import DAY, HOUR, Calendar, Span, WorkingDays
from gonghai_engine.clocks import Activity, Custody, Extension, NextAction, schedule
from gonghai_engine.column_decisions import FAILED
from gonghai_engine.holdings import NEVER, Holdings
from gonghai_engine.outcomes import (
    Clock,
    ClockUnit,
    Extends,
    FestivalSpan,
    Qualification,
    ReclaimPlan,
    StartsFrom,
    StopClock,
    YearlySpan,
)
from gonghai_engine.schedules import ACTIONS, ends, schedules
from gonghai_plugin import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_engine.column_decisions import Decided
    from gonghai_engine.outcomes import Outcome

WHY = Text("why", "为何")
BASE = 1_772_000_000_000_000  # in February 2026
KINDS = ("follow_up", "visit", "purchase", "deal", "opportunity")
NAMES = ("a", "b", "c")
ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "America/Havana", "Asia/Kathmandu")

instants = st.integers(0, 500 * 24).map(lambda hours: BASE + hours * HOUR) | st.integers(
    BASE, BASE + 500 * DAY
)
spans = st.builds(
    lambda start, length: Span(start, start + length), instants, st.integers(0, 40 * DAY)
)
yearly = st.builds(
    YearlySpan,
    start_month=st.integers(1, 12),
    start_day=st.integers(1, 31),
    end_month=st.integers(1, 12),
    end_day=st.integers(1, 31),
    start_hour=st.sampled_from((0, 0, 12)),
    end_hour=st.sampled_from((0, 0, 17)),
)
festivals = st.builds(
    FestivalSpan,
    st.sampled_from(("spring_festival", "national_day", "mid_autumn")),
    st.integers(0, 5),
    st.integers(0, 5),
)
clocks = st.builds(
    Clock,
    name=st.sampled_from(NAMES),
    length=st.integers(0, 60),
    reason=st.just(WHY),
    unit=st.sampled_from(tuple(ClockUnit)),
    starts_from=st.sampled_from(tuple(StartsFrom)),
    resets_on=st.lists(st.sampled_from(KINDS), max_size=2).map(tuple),
    ends_when_reset=st.booleans(),
    extended_by=st.lists(
        st.builds(
            Extends,
            st.lists(st.sampled_from(KINDS), min_size=1, max_size=3).map(tuple),
            st.integers(0, 9),
        ),
        max_size=2,
    ).map(tuple),
    extended_at_most=st.sampled_from((0, 5, 12, 40)),
)
plans = st.builds(
    ReclaimPlan,
    clocks=st.lists(clocks, max_size=3, unique_by=lambda clock: clock.name).map(tuple),
    warn_before_days=st.integers(0, 10),
    grace_days=st.integers(0, 5),
    protection_days=st.sampled_from((0, 0, 3, 20)),
    max_extension_days=st.integers(0, 30),
    stop_clocks=st.lists(
        st.builds(
            StopClock, st.lists(yearly | festivals, min_size=1, max_size=2).map(tuple), st.just("s")
        ),
        max_size=2,
    ).map(tuple),
)
begun = st.shared(instants, key="begun")
"""When a custody begins: what happens, happens about then, or at any time."""
happening = (
    begun | st.builds(lambda since, hours: since + hours * HOUR, begun, st.integers(-9, 1500))
) | instants
custodies = st.builds(
    Custody,
    since=begun | instants,
    activities=st.lists(
        st.builds(
            Activity,
            st.sampled_from(KINDS),
            happening,
            st.sampled_from((True, True, True, False)),
            st.none() | st.lists(st.sampled_from(NAMES), max_size=2).map(tuple),
        ),
        max_size=5,
    ),
    extensions=st.lists(
        st.builds(Extension, st.integers(0, 12), happening, st.none() | st.sampled_from(NAMES)),
        max_size=2,
    ),
    stops=st.just(()) | st.lists(spans, max_size=2).map(tuple) | st.just((Span(BASE, None),)),
    warned=st.dictionaries(st.sampled_from(NAMES), instants, max_size=3),
    locked=st.sampled_from((False, False, False, True)),
    protected_until=st.sampled_from((None, None, None)) | instants,
)
calendars = st.builds(Calendar, st.sampled_from(ZONES), st.sampled_from(tuple(WorkingDays)))


def _decided(outcomes: Sequence[Outcome], outcome_of: Sequence[int]) -> Decided:
    """Stand in for what a policy decided: which outcome each row has."""
    outcome = np.array(outcome_of, dtype=np.int64)
    made: Any = SimpleNamespace(outcomes=tuple(outcomes), outcome=outcome)
    return cast("Decided", made)


def _instant(found: int) -> int | None:
    return None if found == NEVER else int(found)


@given(
    st.lists(plans, min_size=1, max_size=2), st.lists(custodies, min_size=1, max_size=40), calendars
)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_each_holding_is_scheduled_as_it_would_be_alone(
    plans: list[ReclaimPlan], custodies: list[Custody], calendar: Calendar
) -> None:
    # Many times over, so that they are not too few to be scheduled together.
    custodies = custodies * 10
    plan_of = [place % len(plans) for place in range(len(custodies))]
    decided = _decided(plans, plan_of)
    holdings = Holdings.of(custodies)
    found = schedules(decided, holdings, calendar)
    over = ends(decided, holdings, calendar, NOW)
    for row, custody in enumerate(custodies):
        plan = plans[plan_of[row]]
        said = schedule(plan, custody, calendar)
        assert ACTIONS[found.action[row]] == said.next_action
        assert _instant(found.at[row]) == said.at
        assert (found.names[found.clock[row]] if found.clock[row] >= 0 else "") == said.clock
        assert _instant(found.due_at[row]) == said.due_at
        assert _instant(found.warn_at[row]) == said.warn_at
        assert _instant(found.reclaim_at[row]) == said.reclaim_at
        assert bool(found.frozen[row]) == said.frozen
        assert bool(found.provisional[row]) == said.provisional
        if row < len(custodies) // 10:
            assert _instant(over.at[row]) == _lived(plan, custody, calendar)


@pytest.mark.requirement("B6")
@pytest.mark.parametrize("unit", ClockUnit)
@pytest.mark.parametrize("stopped", [False, True])
def test_activities_extend_the_clocks_of_a_population_as_they_would_alone(
    unit: ClockUnit, *, stopped: bool
) -> None:
    chance = Random(17)
    hours = 24 if unit is ClockUnit.HOURS else 1
    clock = Clock(
        "a",
        12 * hours,
        WHY,
        unit=unit,
        resets_on=("purchase",),
        extended_by=(Extends(("visit", "deal"), 3 * hours), Extends(("follow_up",), hours)),
        extended_at_most=8 * hours,
    )
    other = Clock("b", 25, WHY, starts_from=StartsFrom.PROTECTION_END, resets_on=("visit",))
    stop = StopClock((FestivalSpan("labour_day", 2, 9),), "s")
    plan = ReclaimPlan(
        (clock, other),
        protection_days=4,
        max_extension_days=5,
        stop_clocks=(stop,) if stopped else (),
    )
    custodies = [
        Custody(
            since,
            [
                Activity(
                    chance.choice(KINDS),
                    since + chance.choice((0, -1, 1, *(day * DAY for day in range(-2, 30)))),
                    chance.random() < 0.8,
                    chance.choice((None, None, ("a",), ("b", "c"))),
                )
                for _ in range(chance.randrange(6))
            ],
            [Extension(3, since + chance.randrange(9) * DAY)] * (chance.random() < 0.3),
        )
        for since in (BASE + chance.randrange(60 * 24) * HOUR for _ in range(400))
    ]
    found = schedules(_decided([plan], [0] * len(custodies)), Holdings.of(custodies), Calendar())
    extended = []
    for row, custody in enumerate(custodies):
        said = schedule(plan, custody, Calendar())
        assert (_instant(found.at[row]), _instant(found.due_at[row])) == (said.at, said.due_at)
        assert found.names[found.clock[row]] == said.clock
        extended.append(next(one.extended for one in said.clocks if one.name == "a") // hours)
    assert {0, 1, 2, 3, 4, 6, 7, 8} <= set(extended)


NOW = BASE + 250 * DAY


def _lived(plan: ReclaimPlan, custody: Custody, calendar: Calendar) -> int | None:
    """Do what is due, one thing after another, until the holding is taken back."""
    warned, now = dict(custody.warned), NOW
    while True:
        said = schedule(
            plan,
            Custody(
                custody.since,
                custody.activities,
                custody.extensions,
                custody.stops,
                warned,
                custody.locked,
                custody.protected_until,
            ),
            calendar,
        )
        if said.at is None:
            return None
        now = max(now, said.at)
        if said.next_action is NextAction.RECLAIM:
            return now
        warned |= dict.fromkeys(said.for_clocks, now)


def test_custodies_come_out_of_the_columns_as_they_went_in() -> None:
    custody = Custody(
        BASE,
        (Activity("visit", BASE + 1, counts=False, clocks=("a",)), Activity("deal", BASE + 2)),
        (Extension(3, BASE + 4, "a"), Extension(2, BASE + 5)),
        (Span(BASE, BASE + 9, "storm", WHY),),
        {"a": BASE + 6},
        protected_until=BASE + 7,
    )
    plain = Custody(BASE + 1)
    holdings = Holdings.of([custody, plain, custody])
    assert [holdings.custody(row) for row in range(3)] == [custody, plain, custody]


def test_activities_are_counted_anew_as_a_changed_policy_decides() -> None:
    short = Activity("follow_up", BASE + DAY)
    custody = Custody(BASE, (short, Activity("visit", BASE + 2 * DAY), short))
    holdings = Holdings.of([custody, Custody(BASE), custody])
    assert len(holdings.activities.at) == 6
    verdicts = (Qualification(counts=True, clocks=("a",)), Qualification(counts=False))
    decided = _decided(verdicts, [1, 0, FAILED, FAILED, 1, 0])
    judged = holdings.judged(decided)
    assert [(one.counts, one.clocks) for one in judged.custody(0).activities] == [
        (False, None),
        (True, ("a",)),
        (True, None),  # what could not be decided counts
    ]
    assert [one.counts for one in judged.custody(2).activities] == [True, False, True]
    assert [one.at for one in judged.custody(2).activities] == [
        one.at for one in custody.activities
    ]
    assert judged.custody(1) == Custody(BASE)


@pytest.mark.parametrize("rows", [1, 50])
def test_a_holding_without_a_plan_is_not_taken_back(rows: int) -> None:
    plan = ReclaimPlan((Clock("a", 3, WHY),))
    found = schedules(
        _decided([plan], [0, FAILED] * rows), Holdings.of([Custody(BASE)] * rows * 2), Calendar()
    )
    assert found.frozen.tolist() == [False, True] * rows
    assert [ACTIONS[action] for action in found.action] == [NextAction.WARN, NextAction.NONE] * rows
    assert (found.at[1::2] == NEVER).all()


def test_nobody_is_nothing_to_do() -> None:
    assert len(schedules(_decided([], []), Holdings.of([]), Calendar()).at) == 0
