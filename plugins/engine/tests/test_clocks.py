"""When a holding is warned of and taken back."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonghai_engine.calendar import DAY, HOUR, MINUTE, Calendar, Span
from gonghai_engine.clocks import (
    Activity,
    Custody,
    Extension,
    NextAction,
    Schedule,
    extends,
    reach,
    schedule,
)
from gonghai_engine.outcomes import (
    Clock,
    ClockUnit,
    Extends,
    FestivalSpan,
    ReclaimPlan,
    StartsFrom,
    StopClock,
)
from gonghai_plugin import Text

CALENDAR = Calendar()
WHY = Text("why", "为何")


def at(text: str) -> int:
    """Return an instant of Shanghai time."""
    return int(dt.datetime.fromisoformat(text + "+08:00").timestamp()) * 1_000_000


SINCE = at("2026-03-02T10:30")
CONTACT = Clock("no-follow-up", 10, WHY, resets_on=("follow_up", "visit"))
PLAN = ReclaimPlan((CONTACT,), warn_before_days=3, grace_days=1, max_extension_days=10)


def _schedule(plan: ReclaimPlan = PLAN, **facts: object) -> Schedule:
    return schedule(plan, Custody(**{"since": SINCE, **facts}), CALENDAR)  # type: ignore[arg-type] # its fields


@pytest.mark.requirement("B6", "B7")
def test_ten_days_end_at_midnight_warned_three_days_before_with_a_day_of_grace() -> None:
    said = _schedule()
    assert said.due_at == at("2026-03-13T00:00")
    assert (said.next_action, said.at) == (NextAction.WARN, at("2026-03-10T00:00"))
    assert said.reclaim_at == at("2026-03-14T00:00")
    assert said.for_clocks == ("no-follow-up",)
    assert said.valid_before == said.at


def test_after_the_warning_comes_the_reclaim() -> None:
    warned = _schedule(warned={"no-follow-up": at("2026-03-10T00:00")})
    assert (warned.next_action, warned.at) == (NextAction.RECLAIM, at("2026-03-14T00:00"))


def test_a_late_warning_moves_the_reclaim_so_that_the_notice_is_whole() -> None:
    late = at("2026-03-20T09:00")
    said = _schedule(warned={"no-follow-up": late})
    assert (said.next_action, said.at) == (NextAction.RECLAIM, late + 3 * DAY)
    assert said.due_at == at("2026-03-13T00:00")


def test_an_activity_starts_the_clock_anew_and_makes_an_old_warning_void() -> None:
    warned = {"no-follow-up": at("2026-03-10T00:00")}
    said = _schedule(warned=warned, activities=[Activity("follow_up", at("2026-03-11T16:00"))])
    assert said.due_at == at("2026-03-22T00:00")
    assert (said.next_action, said.at) == (NextAction.WARN, at("2026-03-19T00:00"))
    assert said.clocks[0].started_by == "follow_up"


@pytest.mark.parametrize(
    "activity",
    [
        Activity("purchase", at("2026-03-11T16:00")),
        Activity("follow_up", at("2026-03-11T16:00"), counts=False),
        Activity("follow_up", at("2026-03-11T16:00"), clocks=("other",)),
        Activity("follow_up", SINCE - 1),
    ],
)
def test_an_activity_that_does_not_count_changes_nothing(activity: Activity) -> None:
    assert _schedule(activities=[activity]) == _schedule()


def test_a_first_follow_up_ends_its_clock_for_good() -> None:
    first = dataclasses.replace(CONTACT, name="first", length=2, ends_when_reset=True)
    plan = dataclasses.replace(PLAN, clocks=(first, CONTACT))
    assert _schedule(plan).clock == "first"
    done = _schedule(plan, activities=[Activity("visit", SINCE + HOUR)])
    assert [clock.name for clock in done.clocks] == ["no-follow-up"]


def test_working_days_skip_the_weekend_and_the_holiday() -> None:
    plan = dataclasses.replace(
        PLAN, clocks=(dataclasses.replace(CONTACT, length=5, unit=ClockUnit.WORKING_DAYS),)
    )
    # From Thursday 30 April 2026: off 1 to 5 May; 6 to 8 worked, Saturday 9 too, 11 the fifth.
    said = _schedule(plan, since=at("2026-04-30T12:00"))
    assert said.due_at == at("2026-05-12T00:00")


def test_hours_run_to_the_full_minute_with_half_of_them_as_notice() -> None:
    hours = dataclasses.replace(CONTACT, length=24, unit=ClockUnit.HOURS)
    said = _schedule(dataclasses.replace(PLAN, clocks=(hours,), grace_days=0))
    assert said.due_at == SINCE + 24 * HOUR
    assert said.at == SINCE + 12 * HOUR
    assert _schedule(dataclasses.replace(PLAN, clocks=(hours,)), since=SINCE + 1).due_at == (
        SINCE + 24 * HOUR + MINUTE
    )


@pytest.mark.requirement("B8")
def test_an_extension_counts_for_the_run_it_was_granted_in_and_up_to_the_maximum() -> None:
    granted = Extension(4, at("2026-03-05T00:00"))
    assert _schedule(extensions=[granted]).due_at == at("2026-03-17T00:00")
    assert _schedule(extensions=[granted] * 5).due_at == at("2026-03-23T00:00")
    other = dataclasses.replace(granted, clock="other")
    assert _schedule(extensions=[other]) == _schedule()
    reset = Activity("follow_up", at("2026-03-06T12:00"))
    assert _schedule(extensions=[granted], activities=[reset]) == _schedule(activities=[reset])


ORDER = Clock(
    "no-order",
    10,
    WHY,
    resets_on=("purchase",),
    extended_by=(Extends(("visit",), 3), Extends(("training", "interest"), 1)),
    extended_at_most=7,
)
ORDERS = dataclasses.replace(PLAN, clocks=(ORDER,))


@pytest.mark.requirement("B6")
def test_an_activity_makes_a_clock_longer_each_once_and_up_to_the_maximum() -> None:
    visit = Activity("visit", at("2026-03-05T09:00"))
    assert _schedule(ORDERS).due_at == at("2026-03-13T00:00")
    once = _schedule(ORDERS, activities=[visit])
    assert once.due_at == at("2026-03-16T00:00")
    assert once.at == at("2026-03-13T00:00")  # the notice moves along
    assert (once.clocks[0].extended, once.clocks[0].started_by) == (3, "custody")
    training = Activity("training", at("2026-03-06T09:00"))
    twice = _schedule(ORDERS, activities=[visit, visit, training])
    assert (twice.due_at, twice.clocks[0].extended) == (at("2026-03-20T00:00"), 7)
    thrice = _schedule(ORDERS, activities=[visit] * 3)
    assert (thrice.due_at, thrice.clocks[0].extended) == (at("2026-03-20T00:00"), 7)


@pytest.mark.requirement("B6")
def test_what_does_not_count_for_a_clock_does_not_extend_it() -> None:
    moment = at("2026-03-05T09:00")
    for activity in (
        Activity("visit", moment, counts=False),
        Activity("visit", moment, clocks=("other",)),
        Activity("visit", SINCE - 1),
        Activity("follow_up", moment),
    ):
        assert _schedule(ORDERS, activities=[activity]) == _schedule(ORDERS)


@pytest.mark.requirement("B6")
def test_each_run_of_a_clock_is_extended_by_what_happened_in_it() -> None:
    before = Activity("visit", at("2026-03-05T09:00"))
    order = Activity("purchase", at("2026-03-06T09:00"))
    after = Activity("visit", at("2026-03-07T09:00"))
    assert _schedule(ORDERS, activities=[before, order]) == _schedule(ORDERS, activities=[order])
    again = _schedule(ORDERS, activities=[before, order, after])
    assert (again.due_at, again.clocks[0].extended) == (at("2026-03-20T00:00"), 3)
    # Whoever takes the order back takes its run back, and the visit before counts again.
    assert _schedule(ORDERS, activities=[before, after]).clocks[0].extended == 6


@pytest.mark.requirement("B6", "B8")
def test_what_was_granted_comes_on_top_of_what_activities_gave() -> None:
    visits = [Activity("visit", at("2026-03-05T09:00"))] * 3
    said = _schedule(ORDERS, activities=visits, extensions=[Extension(4, at("2026-03-05T10:00"))])
    assert said.due_at == at("2026-03-24T00:00")
    assert (said.clocks[0].extended, said.clocks[0].extended_days) == (7, 4)


@pytest.mark.requirement("B6")
def test_a_clock_is_extended_in_its_own_unit_and_not_over_a_stop() -> None:
    visit = Activity("visit", at("2026-05-01T09:00"))
    working = dataclasses.replace(ORDER, length=5, unit=ClockUnit.WORKING_DAYS)
    plan = dataclasses.replace(ORDERS, clocks=(working,))
    since = at("2026-04-30T12:00")
    # 6, 7, 8, 9 (worked) and 11 May; three working days more: 12, 13, 14.
    assert _schedule(plan, since=since, activities=[visit]).due_at == at("2026-05-15T00:00")
    stopped = dataclasses.replace(
        plan, stop_clocks=(StopClock((FestivalSpan("labour_day", 0, 7),), "festival", WHY),)
    )
    late = _schedule(stopped, since=since, activities=[visit]).due_at
    assert late == at("2026-05-23T00:00")
    hours = dataclasses.replace(ORDER, length=24, unit=ClockUnit.HOURS)
    plan = dataclasses.replace(ORDERS, clocks=(hours,), grace_days=0)
    visit = Activity("visit", SINCE + HOUR)
    assert _schedule(plan, activities=[visit]).due_at == SINCE + 27 * HOUR


@pytest.mark.requirement("B6")
@pytest.mark.parametrize(
    "off", [{"extended_at_most": 0}, {"extended_by": (Extends(("visit",), 0),)}]
)
def test_nothing_extends_a_clock_that_the_settings_do_not_let_it(off: dict[str, object]) -> None:
    clock = dataclasses.replace(ORDER, **off)  # type: ignore[arg-type] # its fields
    plan = dataclasses.replace(ORDERS, clocks=(clock,))
    visit = Activity("visit", at("2026-03-05T09:00"))
    assert extends(clock) == ()
    assert _schedule(plan, activities=[visit]).due_at == at("2026-03-13T00:00")


def test_stops_are_looked_for_as_far_as_activities_may_extend_a_clock() -> None:
    far = dataclasses.replace(ORDER, extended_at_most=900)
    plan = dataclasses.replace(ORDERS, clocks=(far,))
    assert reach(plan) - reach(ORDERS) == 2 * 893 * DAY


def test_protection_holds_every_clock_back() -> None:
    plan = dataclasses.replace(PLAN, protection_days=20)
    assert _schedule(plan).due_at == at("2026-03-23T00:00")
    after = dataclasses.replace(CONTACT, starts_from=StartsFrom.PROTECTION_END)
    said = _schedule(dataclasses.replace(plan, clocks=(after,)))
    assert said.due_at == at("2026-04-03T00:00")
    assert said.clocks[0].started_by == "protection"
    granted = _schedule(protected_until=at("2026-03-30T00:00"))
    assert granted.due_at == at("2026-03-30T00:00")


@pytest.mark.parametrize("facts", [{"locked": True}, {"stops": (Span(SINCE, None),)}])
def test_a_lock_or_an_open_dispute_freezes_everything(facts: dict[str, object]) -> None:
    said = _schedule(PLAN, **facts)
    assert said.frozen
    assert (said.next_action, said.at, said.due_at) == (NextAction.NONE, None, None)


def test_a_festival_stops_the_clock_over_its_days() -> None:
    stop = StopClock((FestivalSpan("labour_day", 1, 1),), "festival", WHY)
    plan = dataclasses.replace(PLAN, stop_clocks=(stop,))
    plain = _schedule(since=at("2026-04-25T08:00"))
    stopped = _schedule(plan, since=at("2026-04-25T08:00"))
    assert plain.due_at == at("2026-05-06T00:00")
    assert stopped.due_at == at("2026-05-13T00:00")  # 30 April to 6 May are not counted


def test_clocks_are_warned_of_one_by_one_and_the_first_takes_it_back() -> None:
    order = Clock("no-order", 12, WHY, resets_on=("purchase",))
    plan = dataclasses.replace(PLAN, clocks=(CONTACT, order))
    warned = {"no-follow-up": at("2026-03-10T00:00")}
    said = _schedule(plan, warned=warned)
    assert (said.next_action, said.for_clocks) == (NextAction.WARN, ("no-order",))
    both = warned | {"no-order": at("2026-03-12T00:00")}
    said = _schedule(plan, warned=both)
    assert (said.next_action, said.for_clocks) == (NextAction.RECLAIM, ("no-follow-up",))
    saved = _schedule(plan, warned=both, activities=[Activity("visit", at("2026-03-13T12:00"))])
    assert (saved.next_action, saved.for_clocks, saved.at) == (
        NextAction.RECLAIM,
        ("no-order",),
        at("2026-03-16T00:00"),
    )


def test_a_plan_without_running_clocks_takes_nothing_back() -> None:
    said = _schedule(dataclasses.replace(PLAN, clocks=(dataclasses.replace(CONTACT, length=0),)))
    assert (said.next_action, said.at, said.frozen) == (NextAction.NONE, None, False)


def test_days_beyond_the_announced_calendar_are_called_provisional() -> None:
    assert not _schedule().provisional
    assert _schedule(since=at("2029-01-01T00:00")).provisional


@given(
    st.integers(1, 40),
    st.integers(0, 10),
    st.integers(0, 5),
    st.sampled_from(tuple(ClockUnit)),
    st.lists(st.integers(0, 60 * 24), max_size=4),
    st.lists(st.integers(0, 80 * 24), max_size=3),
)
@settings(deadline=None)
def test_living_by_the_schedule_never_reclaims_without_the_whole_notice(
    length: int, notice: int, grace: int, unit: ClockUnit, hours: list[int], outages: list[int]
) -> None:
    clock = dataclasses.replace(CONTACT, length=length, unit=unit)
    plan = ReclaimPlan((clock,), warn_before_days=notice, grace_days=grace)
    activities = [Activity("follow_up", SINCE + hour * HOUR) for hour in sorted(hours)]
    late = iter(outages)
    warned: dict[str, int] = {}
    now = SINCE
    for _ in range(20):
        known = [activity for activity in activities if activity.at <= now]
        said = schedule(plan, Custody(SINCE, known, warned=warned), CALENDAR)
        assert said.at is not None
        upcoming = next((one.at for one in activities if one.at > now), None)
        if upcoming is not None and upcoming <= said.at:
            now = upcoming
            continue
        now = max(now, said.at)
        if said.next_action is NextAction.RECLAIM:
            break
        now += next(late, 0) * HOUR  # the warning goes out late now and then
        warned["no-follow-up"] = now
    else:
        pytest.fail("never reclaimed")
    (running,) = said.clocks
    assert running.due_at <= now
    assert warned["no-follow-up"] >= running.started_at
    assert now - warned["no-follow-up"] >= running.due_at - max(
        running.warn_at, warned["no-follow-up"]
    )
    assert all(one.at <= running.started_at for one in activities if one.at <= now)
