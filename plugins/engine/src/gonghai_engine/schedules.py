"""When each of many holdings is warned of and taken back: `clocks.schedule` for a population.

What is rare is left to `clocks.schedule` itself, a row at a time: a clock that stops push beyond
the tables of days, and stops that few holdings share.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from gonghai_engine.calendar import DAY, HOUR
from gonghai_engine.clocks import NextAction, longer_by, reach, resets, schedule
from gonghai_engine.column_decisions import FAILED
from gonghai_engine.column_numbers import distinct
from gonghai_engine.day_columns import Days, add_hours
from gonghai_engine.holdings import NEVER
from gonghai_engine.outcomes import ClockUnit, ReclaimPlan, StartsFrom

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from gonghai_engine.calendar import Calendar, Stops
    from gonghai_engine.column_decisions import Decided
    from gonghai_engine.columns import Ints, Mask
    from gonghai_engine.day_columns import Free
    from gonghai_engine.holdings import Holdings
    from gonghai_engine.outcomes import Clock

ACTIONS: Final = (NextAction.NONE, NextAction.WARN, NextAction.RECLAIM)
"""What the codes of `Schedules.action` stand for."""

_WARN: Final = ACTIONS.index(NextAction.WARN)
_RECLAIM: Final = ACTIONS.index(NextAction.RECLAIM)
_NO_CLOCK: Final = -1
_FAR: Final = 20 * 366 * DAY
"""After the latest start of custody: as far as the tables of days reach at most."""

_FEW: Final = 8
"""Holdings that are faster scheduled one by one than together."""


@dataclass(frozen=True, slots=True)
class Schedules:
    """What happens next to each holding; see `clocks.Schedule` for the fields.

    Instants are `NEVER` where there is none. ``clock`` is a place in ``names``, -1 where no clock
    runs. A holding whose plan could not be decided is frozen: a reclaim does not happen.
    """

    names: tuple[str, ...]
    action: NDArray[np.int8]
    at: Ints
    clock: Ints
    due_at: Ints
    warn_at: Ints
    reclaim_at: Ints
    frozen: Mask
    provisional: Mask


@dataclass(frozen=True, slots=True)
class Ends:
    """When each holding is taken back (`NEVER`: not), and by which clock of ``names``."""

    names: tuple[str, ...]
    at: Ints
    clock: Ints


def schedules(decided: Decided, holdings: Holdings, calendar: Calendar) -> Schedules:
    """Return what is due next to each holding, by the plan that a reclaim policy decided for it."""
    population = _Population(decided, holdings, calendar)
    rows = len(holdings)
    found = Schedules(
        names=population.names,
        action=np.zeros(rows, dtype=np.int8),
        at=_all(NEVER, rows),
        clock=_all(_NO_CLOCK, rows),
        due_at=_all(NEVER, rows),
        warn_at=_all(NEVER, rows),
        reclaim_at=_all(NEVER, rows),
        frozen=population.frozen,
        provisional=np.zeros(rows, dtype=np.bool_),
    )
    for group in population.groups():
        _schedule_group(population, group, found)
    return found


def ends(decided: Decided, holdings: Holdings, calendar: Calendar, now: int) -> Ends:
    """Return when each holding is taken back if nobody acts from ``now`` on.

    Warnings go out as soon as they are due, a holding is taken back as soon as it may be, and the
    facts that the plan was decided by stay as they are.
    """
    population = _Population(decided, holdings, calendar)
    rows = len(holdings)
    found = Ends(population.names, _all(NEVER, rows), _all(_NO_CLOCK, rows))
    for group in population.groups():
        _end_group(population, group, now, found)
    return found


@dataclass(frozen=True, slots=True)
class _Group:
    """Holdings with the same plan and the same stops of their own."""

    plan: ReclaimPlan
    rows: Ints
    stops_code: int


@dataclass(frozen=True, slots=True)
class _Running:
    """A clock for the holdings of a group."""

    name: int
    runs: Mask
    due_at: Ints
    warn_at: Ints
    warned_at: Ints
    warned: Mask
    notice: Ints
    after_grace: Ints

    @property
    def reclaim_at(self) -> Ints:
        last = np.where(self.warned, self.warned_at, self.warn_at)
        return np.maximum(self.after_grace, last + self.notice)


class _Population:
    """What all groups share: the tables of days, and the latest of each row's activities."""

    def __init__(self, decided: Decided, holdings: Holdings, calendar: Calendar) -> None:
        plans: list[ReclaimPlan] = []
        for outcome in decided.outcomes:
            if not isinstance(outcome, ReclaimPlan):
                raise TypeError(f"{type(outcome).__name__} is no plan of a reclaim")
            plans.append(outcome)
        self.plans = tuple(plans)
        self.holdings = holdings
        self.calendar = calendar
        self.names = tuple(sorted({clock.name for plan in plans for clock in plan.clocks}))
        self.places = {name: place for place, name in enumerate(self.names)}
        self._plan_of = decided.outcome
        open_ended = [any(span.end is None for span in spans) for spans in holdings.stops.distinct]
        # A row without stops of its own has code -1 or the code of (): the last place.
        self.frozen = (
            holdings.locked
            | np.array([*open_ended, False])[holdings.stops.codes]
            | (decided.outcome == FAILED)
        )
        self._latest: dict[tuple[str, tuple[str, ...]], Ints] = {}
        self._warned: dict[str, Ints] = {}
        last = holdings.since.copy()
        np.maximum.at(last, holdings.activities.entries.rows, holdings.activities.at)
        self.last = np.maximum(last, np.maximum(holdings.protected_until, 0))
        if len(holdings):
            earliest, latest = int(holdings.since.min()), int(holdings.since.max())
            longest = max((reach(plan) for plan in plans), default=0)
            latest = min(int(self.last.max()) + longest, latest + _FAR)
            self.days = Days(calendar, earliest - 2 * DAY, latest)
            self.horizon = latest

    def groups(self) -> Iterator[_Group]:
        """Part the holdings that are not frozen."""
        rows = np.flatnonzero(~self.frozen)
        if not len(rows):
            return
        kinds = len(self.holdings.stops.distinct) + 1
        stops = self.holdings.stops.codes[rows].astype(np.int64) + 1
        codes, count = distinct(self._plan_of[rows] * kinds + stops)
        if count > 1:
            order = np.argsort(codes, kind="stable")
            rows, codes = rows[order], codes[order]
        bounds = np.searchsorted(codes, np.arange(count + 1))
        for begin, end in pairwise(bounds):
            first = int(rows[begin])
            yield _Group(
                self.plans[self._plan_of[first]],
                rows[begin:end],
                int(self.holdings.stops.codes[first]),
            )

    def latest(self, clock: Clock) -> Ints:
        """Return for each row when an activity that counts for a clock last happened."""
        key = clock.name, resets(clock)
        if key not in self._latest:
            acts = self.holdings.activities
            kinds = np.array([*(kind in key[1] for kind in acts.kind.distinct), False])
            rows = acts.entries.rows
            counted = self._qualified(clock) & kinds[acts.kind.codes]
            found = np.full(len(self.holdings), NEVER, dtype=np.int64)
            np.maximum.at(found, rows[counted], acts.at[counted])
            self._latest[key] = found
        return self._latest[key]

    def warned(self, clock: Clock) -> Ints:
        """Return for each row when it was last warned of a clock."""
        if clock.name not in self._warned:
            warned = self.holdings.warned
            found = np.full(len(self.holdings), NEVER, dtype=np.int64)
            if clock.name in warned.clock.distinct:
                its = warned.clock.codes == warned.clock.distinct.index(clock.name)
                found[warned.entries.rows[its]] = warned.at[its]
            self._warned[clock.name] = found
        return self._warned[clock.name]

    def granted(self, clock: Clock, rows: Ints, started_at: Ints) -> Ints:
        """Return how many days were granted to the run of a clock."""
        granted = self.holdings.extensions
        total = np.zeros(len(rows), dtype=np.int64)
        if not len(granted.at):
            return total
        of_row, place = granted.entries.of_rows(rows)
        clocks = np.array([*(name == clock.name for name in granted.clock.distinct), True])
        counts = clocks[granted.clock.codes[place]] & (granted.at[place] >= started_at[of_row])
        np.add.at(total, of_row[counts], granted.days[place[counts]])
        return total

    def extended(self, clock: Clock, rows: Ints, started_at: Ints) -> Ints:
        """Return how much longer activities made the run of a clock, in its unit."""
        by = longer_by(clock)
        total = np.zeros(len(rows), dtype=np.int64)
        if not by:
            return total
        acts = self.holdings.activities
        longer = np.array([*(by.get(kind, 0) for kind in acts.kind.distinct), 0], dtype=np.int64)
        of_row, place = acts.entries.of_rows(rows)
        counts = self._qualified(clock)[place] & (acts.at[place] >= started_at[of_row])
        np.add.at(total, of_row[counts], longer[acts.kind.codes[place[counts]]])
        return np.minimum(total, clock.extended_at_most)

    def _qualified(self, clock: Clock) -> Mask:
        """Return which activities count for a clock, if their kind does."""
        acts = self.holdings.activities
        clocks = np.array([*(clock.name in named for named in acts.clocks.distinct), True])
        qualified: Mask = acts.counts & clocks[acts.clocks.codes]
        return qualified & (acts.at >= self.holdings.since[acts.entries.rows])


class _Course:
    """The clocks of one group."""

    def __init__(self, population: _Population, group: _Group) -> None:
        self._population = population
        self._plan = group.plan
        self._rows = group.rows
        holdings, calendar = population.holdings, population.calendar
        self._since = holdings.since[group.rows]
        until = population.last[group.rows] + reach(group.plan)
        own = () if group.stops_code < 0 else holdings.stops.distinct[group.stops_code]
        end = min(int(until.max()), population.horizon)
        self._stops: Stops = calendar.stops(
            group.plan.stop_clocks, int(self._since.min()), end, own
        )
        self._limit = np.minimum(until, population.horizon)
        self._free = population.days.free(self._stops)
        self.beyond = np.zeros(len(group.rows), dtype=np.bool_)
        """Holdings that the tables do not reach."""
        protected = np.maximum(self._since, holdings.protected_until[group.rows])
        if group.plan.protection_days:
            every_day = population.days.free(calendar.stops((), int(self._since.min()), end))
            granted = self._checked(every_day.add(self._since, group.plan.protection_days))
            protected = np.maximum(protected, granted)
        self._protected = protected

    def clocks(self) -> Iterator[_Running]:
        """Return the clocks by name."""
        for clock in sorted(self._plan.clocks, key=lambda clock: clock.name):
            if clock.length:
                yield self._run(clock)

    def _run(self, clock: Clock) -> _Running:
        population, plan, rows = self._population, self._plan, self._rows
        latest = population.latest(clock)[rows]
        started_at = self._since
        if clock.starts_from is StartsFrom.PROTECTION_END:
            started_at = self._protected
        started_at = np.maximum(started_at, latest)
        runs = np.ones(len(rows), dtype=np.bool_)
        if clock.ends_when_reset:
            runs = latest == NEVER
        length = clock.length + population.extended(clock, rows, started_at)
        due_at = self._checked(self._lasts(clock, length, started_at))
        granted = np.minimum(population.granted(clock, rows, started_at), plan.max_extension_days)
        due_at = np.maximum(self._later(clock, due_at, granted), self._protected)
        notice_from = self._notice_from(clock, due_at)
        warn_at = np.maximum(started_at, notice_from)
        warned_at = population.warned(clock)[rows]
        running = _Running(
            population.places[clock.name],
            runs,
            due_at,
            warn_at,
            warned_at,
            warned_at >= warn_at,
            due_at - notice_from,
            self._later(clock, due_at, plan.grace_days),
        )
        self._checked(running.reclaim_at)
        return running

    def _lasts(self, clock: Clock, length: Ints, started_at: Ints) -> Ints:
        if clock.unit is ClockUnit.HOURS:
            return add_hours(started_at, length, self._stops)
        free: Free = self._free
        if clock.unit is ClockUnit.WORKING_DAYS:
            free = self._population.days.free(self._stops, working=True)
        return free.add(started_at, length)

    def _later(self, clock: Clock, instants: Ints, days: Ints | int) -> Ints:
        if not np.any(days):
            return instants
        if clock.unit is ClockUnit.HOURS:
            later = add_hours(instants, days * (DAY // HOUR), self._stops)
        else:
            later = self._free.add(instants - 1, days)
        return self._checked(np.where(np.asarray(days) == 0, instants, later))

    def _notice_from(self, clock: Clock, due_at: Ints) -> Ints:
        half = (clock.length + 1) // 2
        if clock.unit is ClockUnit.HOURS:
            return due_at - min(self._plan.warn_before_days * (DAY // HOUR), half) * HOUR
        days = self._population.days
        return days.midnight(days.of(due_at) - min(self._plan.warn_before_days, half))

    def _checked(self, instants: Ints) -> Ints:
        self.beyond |= instants > self._limit
        return instants


def _schedule_group(population: _Population, group: _Group, found: Schedules) -> None:
    rows = group.rows
    if len(rows) <= _FEW:
        _schedule_rows(population, group.plan, rows, found)
        return
    course = _Course(population, group)
    # What falls due first, and what is to be done first.
    for running in course.clocks():
        reclaim_at = running.reclaim_at
        days = population.days
        found.provisional[rows] |= running.runs & days.provisional[days.of(reclaim_at)]
        clock = found.clock[rows]
        earlier = running.runs & ((clock == _NO_CLOCK) | (running.due_at < found.due_at[rows]))
        here = rows[earlier]
        found.clock[here] = running.name
        found.due_at[here] = running.due_at[earlier]
        found.warn_at[here] = running.warn_at[earlier]
        found.reclaim_at[here] = reclaim_at[earlier]
        at = np.where(running.warned, reclaim_at, running.warn_at)
        action = np.where(running.warned, _RECLAIM, _WARN)
        known, until = found.action[rows], found.at[rows]
        # At the same instant the reclaim comes first.
        sooner = running.runs & ((known == 0) | (at < until) | ((at == until) & (action > known)))
        found.at[rows[sooner]] = at[sooner]
        found.action[rows[sooner]] = action[sooner]
    _schedule_rows(population, group.plan, rows[course.beyond], found)


def _schedule_rows(
    population: _Population, plan: ReclaimPlan, rows: Sequence[int] | Ints, found: Schedules
) -> None:
    for row in rows:
        said = schedule(plan, population.holdings.custody(int(row)), population.calendar)
        found.action[row] = ACTIONS.index(said.next_action)
        found.at[row] = _or_never(said.at)
        found.clock[row] = population.places.get(said.clock, _NO_CLOCK)
        found.due_at[row] = _or_never(said.due_at)
        found.warn_at[row] = _or_never(said.warn_at)
        found.reclaim_at[row] = _or_never(said.reclaim_at)
        found.provisional[row] = said.provisional


def _end_group(population: _Population, group: _Group, now: int, found: Ends) -> None:
    rows = group.rows
    if len(rows) <= _FEW:
        _end_rows(population, group.plan, rows, now, found)
        return
    course = _Course(population, group)
    due_at = np.full(len(rows), NEVER, dtype=np.int64)
    for running in course.clocks():
        warned_at = np.where(running.warned, running.warned_at, np.maximum(running.warn_at, now))
        at = np.maximum(np.maximum(running.after_grace, warned_at + running.notice), now)
        until = found.at[rows]
        sooner = running.runs & (
            (found.clock[rows] == _NO_CLOCK)
            | (at < until)
            | ((at == until) & (running.due_at < due_at))
        )
        found.at[rows[sooner]] = at[sooner]
        found.clock[rows[sooner]] = running.name
        due_at[sooner] = running.due_at[sooner]
    _end_rows(population, group.plan, rows[course.beyond], now, found)


def _end_rows(
    population: _Population, plan: ReclaimPlan, rows: Sequence[int] | Ints, now: int, found: Ends
) -> None:
    for row in rows:
        found.at[row], name = _end(plan, population, int(row), now)
        found.clock[row] = population.places.get(name, _NO_CLOCK)


def _end(plan: ReclaimPlan, population: _Population, row: int, now: int) -> tuple[int, str]:
    custody = population.holdings.custody(row)
    said = schedule(plan, custody, population.calendar)
    warned = dict(custody.warned)
    for clock in said.clocks:
        if not clock.warned:
            warned[clock.name] = max(clock.warn_at, now)
    said = schedule(plan, dataclasses.replace(custody, warned=warned), population.calendar)
    ends = [(max(clock.reclaim_at, now), clock.name) for clock in said.clocks]
    return min(ends, key=lambda end: end[0], default=(NEVER, ""))


def _all(value: int, rows: int) -> Ints:
    return np.full(rows, value, dtype=np.int64)


def _or_never(instant: int | None) -> int:
    return NEVER if instant is None else instant
