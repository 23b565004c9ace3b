"""When a holding is warned of and taken back: a plan's clocks over what happened in custody.

Pure: the answer depends on the arguments alone, and stands until one of them changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from gonghai_engine.calendar import DAY, HOUR, Calendar
from gonghai_engine.outcomes import Clock, ClockUnit, ReclaimPlan, StartsFrom

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gonghai_engine.calendar import Span, Stops
    from gonghai_engine.outcomes import Extends
    from gonghai_plugin import outcomes as declared
    from gonghai_plugin.texts import Text

_STARTED_BY: Final[Mapping[StartsFrom, tuple[str, ...]]] = {
    StartsFrom.LAST_FOLLOW_UP: ("follow_up", "visit"),
    StartsFrom.LAST_ORDER: ("purchase",),
    StartsFrom.LAST_OPPORTUNITY: ("opportunity",),
    StartsFrom.LAST_DEAL: ("deal",),
}
_YEAR: Final = 366 * DAY


class NextAction(StrEnum):
    """What is to be done next."""

    WARN = "warn"
    RECLAIM = "reclaim"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Activity:
    """Something that happened in custody, as the qualification policy judged it.

    ``clocks`` None: it counts for every clock that its kind resets.
    """

    kind: str
    at: int
    counts: bool = True
    clocks: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Extension:
    """More days, granted at ``at``: for the clock named, or for each one that ran then."""

    days: int
    at: int
    clock: str | None = None


@dataclass(frozen=True, slots=True)
class Custody:
    """What the clocks depend on.

    ``warned`` holds for each clock when its last warning went out. A stop without an end (a
    dispute, say) and a lock stop everything. ``protected_until`` is a protection granted to this
    custody beside the plan's.
    """

    since: int
    activities: Sequence[Activity] = ()
    extensions: Sequence[Extension] = ()
    stops: Sequence[Span] = ()
    warned: Mapping[str, int] = field(default_factory=dict)
    locked: bool = False
    protected_until: int | None = None


@dataclass(frozen=True, slots=True)
class RunningClock:
    """A clock that runs: it falls due at ``due_at`` unless one of ``resets_on`` happens before."""

    name: str
    started_at: int
    started_by: str
    """``custody``, ``protection`` or the kind of activity that restarted it."""
    due_at: int
    warn_at: int
    reclaim_at: int
    """The earliest instant it may be taken back at: after the grace, and the notice in full."""
    warned: bool
    """A warning for this due time went out."""
    resets_on: tuple[str, ...]
    extended_days: int
    """Days that were granted."""
    reason: Text
    extended: int = 0
    """How much longer activities have made this run, in the clock's unit."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """What happens next to a holding.

    ``due_at``, ``warn_at`` and ``reclaim_at`` are those of ``clock``, the first to fall due.
    ``at`` is when ``next_action`` is to be done, for the clocks named in ``for_clocks``; the answer
    stands until ``valid_before``, if nothing else changes. A frozen holding has no due time.
    """

    next_action: NextAction
    at: int | None
    for_clocks: tuple[str, ...]
    clock: str
    due_at: int | None
    warn_at: int | None
    reclaim_at: int | None
    clocks: tuple[RunningClock, ...]
    frozen: bool
    provisional: bool
    calendar_version: str

    @property
    def valid_before(self) -> int | None:
        """Return the instant from which something is due; None: never."""
        return self.at


def schedule(plan: ReclaimPlan, custody: Custody, calendar: Calendar) -> Schedule:
    """Return what is due next to a holding, by which clock, and what would reset it."""
    version = calendar.version
    if custody.locked or any(span.end is None for span in custody.stops):
        return Schedule(
            NextAction.NONE, None, (), "", None, None, None, (),
            frozen=True, provisional=False, calendar_version=version,
        )  # fmt: skip
    stops = _stops(plan, custody, calendar)
    clocks = sorted(
        (
            running
            for clock in plan.clocks
            for running in (_run(clock, plan, custody, calendar, stops),)
            if running is not None
        ),
        key=lambda clock: (clock.due_at, clock.name),
    )
    if not clocks:
        return Schedule(
            NextAction.NONE, None, (), "", None, None, None, (),
            frozen=False, provisional=False, calendar_version=version,
        )  # fmt: skip
    first = clocks[0]
    action, at = _next(clocks)
    return Schedule(
        next_action=action,
        at=at,
        for_clocks=tuple(clock.name for clock in clocks if _act(clock) == (at, action)),
        clock=first.name,
        due_at=first.due_at,
        warn_at=first.warn_at,
        reclaim_at=first.reclaim_at,
        clocks=tuple(clocks),
        frozen=False,
        provisional=any(
            calendar.provisional(calendar.local_day(clock.reclaim_at)) for clock in clocks
        ),
        calendar_version=version,
    )


def resets(clock: Clock | declared.Clock) -> tuple[str, ...]:
    """Return the kinds of activity that restart (or end) a clock."""
    return tuple(dict.fromkeys((*clock.resets_on, *_STARTED_BY.get(clock.starts_from, ()))))


def extends(clock: Clock) -> tuple[Extends, ...]:
    """Return what makes a clock longer, less what does not under the tenant's settings."""
    if not clock.extended_at_most:
        return ()
    return tuple(one for one in clock.extended_by if one.by)


def longer_by(clock: Clock) -> dict[str, int]:
    """Return by how much an activity of a kind makes a clock longer; other kinds do not."""
    return {kind: one.by for one in extends(clock) for kind in one.kinds}


def reach(plan: ReclaimPlan) -> int:
    """Return how far after the last thing that happened a clock could ever run."""
    longest = max((clock.length + clock.extended_at_most for clock in plan.clocks), default=0)
    days = longest + plan.max_extension_days + plan.grace_days + plan.protection_days
    # Twice over covers working days and a stop of half of each year; a year more, the rest.
    return 2 * days * DAY + _YEAR


def _next(clocks: Sequence[RunningClock]) -> tuple[NextAction, int]:
    at, action = min(
        (_act(clock) for clock in clocks),
        # At the same instant the reclaim comes first: the warning would be for nothing.
        key=lambda act: (act[0], act[1] is not NextAction.RECLAIM),
    )
    return action, at


def _act(clock: RunningClock) -> tuple[int, NextAction]:
    if clock.warned:
        return clock.reclaim_at, NextAction.RECLAIM
    return clock.warn_at, NextAction.WARN


def _run(
    clock: Clock, plan: ReclaimPlan, custody: Custody, calendar: Calendar, stops: Stops
) -> RunningClock | None:
    if clock.length == 0:
        return None
    kinds = resets(clock)
    qualified = [
        activity
        for activity in custody.activities
        if activity.counts
        and activity.at >= custody.since
        and (activity.clocks is None or clock.name in activity.clocks)
    ]
    counted = [activity for activity in qualified if activity.kind in kinds]
    if counted and clock.ends_when_reset:
        return None
    protected = _protected_until(plan, custody, calendar)
    started_at, started_by = custody.since, "custody"
    if clock.starts_from is StartsFrom.PROTECTION_END and protected > started_at:
        started_at, started_by = protected, "protection"
    for activity in counted:
        if activity.at > started_at:
            started_at, started_by = activity.at, activity.kind
    by = longer_by(clock)
    extended = min(
        sum(by.get(activity.kind, 0) for activity in qualified if activity.at >= started_at),
        clock.extended_at_most,
    )
    due_at = _lasts(clock, clock.length + extended, started_at, calendar, stops)
    granted = min(
        sum(
            extension.days
            for extension in custody.extensions
            if extension.clock in {None, clock.name} and extension.at >= started_at
        ),
        plan.max_extension_days,
    )
    if granted:
        due_at = _later(clock, due_at, granted, calendar, stops)
    due_at = max(due_at, protected)
    notice_from = _notice_from(clock, plan, due_at, calendar)
    warn_at = max(started_at, notice_from)
    warned_at = custody.warned.get(clock.name)
    warned = warned_at is not None and warned_at >= warn_at
    reclaim_at = _later(clock, due_at, plan.grace_days, calendar, stops)
    last_warning = warned_at if warned and warned_at is not None else warn_at
    return RunningClock(
        name=clock.name,
        started_at=started_at,
        started_by=started_by,
        due_at=due_at,
        warn_at=warn_at,
        reclaim_at=max(reclaim_at, last_warning + due_at - notice_from),
        warned=warned,
        resets_on=kinds,
        extended_days=granted,
        reason=clock.reason,
        extended=extended,
    )


def _protected_until(plan: ReclaimPlan, custody: Custody, calendar: Calendar) -> int:
    granted = custody.protected_until or custody.since
    if not plan.protection_days:
        return max(custody.since, granted)
    return max(calendar.add_days(custody.since, plan.protection_days), granted)


def _stops(plan: ReclaimPlan, custody: Custody, calendar: Calendar) -> Stops:
    """Return the stops from the start of custody on, as far as any clock could ever run."""
    first = max([custody.since, *(activity.at for activity in custody.activities)])
    until = max(first, custody.protected_until or 0) + reach(plan)
    return calendar.stops(plan.stop_clocks, custody.since, until, custody.stops)


def _lasts(clock: Clock, length: int, start: int, calendar: Calendar, stops: Stops) -> int:
    if clock.unit is ClockUnit.HOURS:
        return calendar.add_hours(start, length, stops)
    working = clock.unit is ClockUnit.WORKING_DAYS
    return calendar.add_days(start, length, working=working, stops=stops)


def _later(clock: Clock, instant: int, days: int, calendar: Calendar, stops: Stops) -> int:
    """Return ``instant`` and ``days`` calendar days more, stops left out."""
    if not days:
        return instant
    if clock.unit is ClockUnit.HOURS:
        return calendar.add_hours(instant, days * DAY // HOUR, stops)
    return calendar.add_days(instant - 1, days, stops=stops)


def _notice_from(clock: Clock, plan: ReclaimPlan, due_at: int, calendar: Calendar) -> int:
    """Return when the notice should begin: half of a short clock at most, else the plan's days."""
    if clock.unit is ClockUnit.HOURS:
        return due_at - min(plan.warn_before_days * DAY // HOUR, (clock.length + 1) // 2) * HOUR
    return calendar.midnight_after(due_at, -min(plan.warn_before_days, (clock.length + 1) // 2))
