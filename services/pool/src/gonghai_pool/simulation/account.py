"""What a simulation comes to: the counts by day, holder and clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gonghai.pool.v1 import pool_service_pb2 as pb
from gonghai_engine import Decision
from gonghai_engine.outcomes import ReclaimPlan
from gonghai_pool.custody import Change as CustodyChange
from gonghai_pool.custody import HolderKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gonghai_engine.calendar import Calendar
    from gonghai_pool.custody import HistoryEntry, Holder, RunningClock
    from gonghai_pool.simulation.scratch import Change

TOLD: Final = frozenset(CustodyChange) - {CustodyChange.RESCHEDULED}
"""The changes that a forecast names: not that clocks were counted anew, which is no news to say."""

LEAVE: Final = "leave"
"""The stop-clock of a rep who is away."""

_COUNTED: Final = {
    CustodyChange.WARNED: "warned",
    CustodyChange.RECLAIMED: "reclaimed",
    CustodyChange.ASSIGNED: "assigned",
    CustodyChange.MOVED: "moved",
}


@dataclass(slots=True)
class Account:
    """Counts as a simulation goes on."""

    tenant: str
    calendar: Calendar
    holdings: int
    all: pb.SimulatedCount = field(default_factory=pb.SimulatedCount)
    days: dict[str, pb.SimulatedCount] = field(default_factory=dict)
    holders: dict[str, pb.SimulatedCount] = field(default_factory=dict)
    clocks: dict[str, pb.SimulatedCount] = field(default_factory=dict)

    def count(self, entry: HistoryEntry) -> None:
        """Count a change."""
        name = _COUNTED.get(entry.change)
        if name is None:
            return
        lost = entry.change is CustodyChange.RECLAIMED
        holder = entry.former_holder if lost else entry.holder
        day = str(self.calendar.local_day(entry.time))
        counts = [self.all, _of(self.days, day)]
        if holder is not None:
            counts.append(_of(self.holders, _name(self.tenant, holder)))
        if entry.clock:
            counts.append(_of(self.clocks, entry.clock))
        for count in counts:
            setattr(count, name, getattr(count, name) + 1)

    def summary(self, *, shortened: bool) -> pb.SimulationSummary:
        """Return what it comes to."""
        losers = sorted(self.holders.values(), key=lambda one: (-one.reclaimed, one.key))
        return pb.SimulationSummary(
            holdings=self.holdings,
            warned=self.all.warned,
            reclaimed=self.all.reclaimed,
            assigned=self.all.assigned,
            moved=self.all.moved,
            days=_sorted(self.days),
            holders=losers,
            clocks=_sorted(self.clocks),
            shortened=shortened,
        )


def clock_of(change: Change) -> RunningClock | None:
    """Return the clock that a change is about, as it ran until then; None where there is none."""
    held, name = change.alteration.situation.custody, change.alteration.clock
    if held is None or held.plan is None or not name:
        return None
    return next((one for one in held.plan.clocks if one.name == name), None)


def stops_in(change: Change, calendar: Calendar) -> list[str]:
    """Return the stop-clocks in which the clock that a change is about stood still."""
    held = change.alteration.situation.custody
    clock = clock_of(change)
    if held is None or held.plan is None or not held.plan.decision or clock is None:
        return []
    outcome = Decision.from_record(held.plan.decision).outcome
    if not isinstance(outcome, ReclaimPlan):
        return []
    names = [
        stop.name
        for stop in outcome.stop_clocks
        if stop.name and calendar.spans(stop, clock.start, clock.due)
    ]
    if _was_away(change, clock.start, clock.due):
        names.append(LEAVE)
    return list(dict.fromkeys(names))


def _was_away(change: Change, start: int, end: int) -> bool:
    """Whether the rep who holds it is on leave in a span."""
    situation = change.alteration.situation
    holder = situation.custody.holder if situation.custody is not None else None
    if holder is None or holder.kind is not HolderKind.REP:
        return False
    rep = situation.ground.setup.reps.get(holder.id)
    leaves = rep.leaves if rep is not None else ()
    return any(begins < end and start < (ends or end) for begins, ends in leaves)


def _of(counts: dict[str, pb.SimulatedCount], key: str) -> pb.SimulatedCount:
    if key not in counts:
        counts[key] = pb.SimulatedCount(key=key)
    return counts[key]


def _sorted(counts: dict[str, pb.SimulatedCount]) -> Iterable[pb.SimulatedCount]:
    return [counts[key] for key in sorted(counts)]


def _name(tenant: str, holder: Holder) -> str:
    if holder.kind is HolderKind.REP:
        return f"tenants/{tenant}/reps/{holder.id}"
    if holder.kind is HolderKind.TEAM:
        return f"tenants/{tenant}/teams/{holder.id}"
    return holder.id
