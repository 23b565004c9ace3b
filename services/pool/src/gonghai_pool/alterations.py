"""A change of custody that was decided: before and after, by whom, and what is told of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from gonghai_pool.custody import Change, Custody, HistoryEntry, State
from gonghai_pool.messages import custody_event, custody_message
from gonghai_pool.store.custody_records import pack_custody, pack_entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gonghai.pool.v1 import custody_pb2
    from gonghai_plugin import Text
    from gonghai_pool.ground import Actor, Situation

NO_DUE: Final = 2**53 - 1
"""Where a holding without a clock stands in an index by due time: last."""
AFTER: Final = 1_000_000
"""µs between the moment at which something falls due and the look at it.

What the archive does at that very moment (at a midnight, as a rule) comes first: it is in once the
archive's stream is known to be complete beyond the moment.
"""


@dataclass(frozen=True, slots=True)
class Beside:
    """Something that happened to a custody and left it as it is: a warning, clocks counted anew."""

    change: Change
    reason: Text
    decision: Mapping[str, Any] = field(default_factory=dict)
    """Record of the decision that it came of; {} where no rule decided."""


def altered(
    situation: Situation,
    after: Custody,
    actor: Actor,
    clock: str = "",
    due_at: int | None = None,
    beside: Beside | None = None,
) -> Alteration:
    """Return what is to become of a custody; its term grows where the place is another."""
    before = situation.custody
    if before is None:
        term = 1
    else:
        moved = (before.state, before.pool, before.holder) != (
            after.state,
            after.pool,
            after.holder,
        )
        term = before.term + moved
    if after.term != term:
        after = replace(after, term=term)
    return Alteration(situation, after, actor, clock, due_at, beside)


@dataclass(frozen=True)
class Alteration:
    """What is to become of one customer's custody.

    Attributes:
        situation: what was decided on; the step is taken only while that stands.
        after: the record from then on. With the version of before, nothing that others see has
            changed: the record is kept without an entry and an event.
        clock: the clock that a warning or reclaim is about.
        due_at: when the holding was due, for a warning (instant).
        beside: what is told and kept in the history instead of how the custody came to be, where
            state and holder stay.
    """

    situation: Situation
    after: Custody
    actor: Actor
    clock: str = ""
    due_at: int | None = None
    beside: Beside | None = None

    @cached_property
    def message(self) -> custody_pb2.Custody:
        """The custody from then on, for the event, and for who asked in the events' language."""
        return custody_message(self.situation.ground.tenant, self.after)

    @property
    def told(self) -> bool:
        """Whether it makes a version of its own, with an entry and an event."""
        before = self.situation.custody
        return before is None or self.after.version != before.version

    def args(self) -> dict[str, Any]:
        """What the include `custody` writes."""
        situation, after = self.situation, self.after
        before = situation.custody
        change: dict[str, Any] = {
            "customer": situation.customer,
            "seen": situation.seen,
            "version": after.version,
            "record": pack_custody(after),
            "before": _place(before),
            "after": _place(after),
        }
        if self.told:
            change["entry"] = pack_entry(self.entry())
            change["event"] = custody_event(
                situation.ground.tenant,
                before,
                self.message,
                change=self._change,
                clock=self.clock,
                due_at=self.due_at,
                actor=(self.actor.principal, self.actor.on_behalf_of),
            )
        return change

    @property
    def _change(self) -> Change:
        return self.after.change if self.beside is None else self.beside.change

    def entry(self) -> HistoryEntry:
        """What the customer's history keeps of it."""
        before, after, beside = self.situation.custody, self.after, self.beside
        counted = after.counted
        return HistoryEntry(
            version=after.version,
            time=self.situation.ground.now,
            change=self._change,
            state=after.state,
            pool=after.pool,
            holder=after.holder,
            former_holder=before.holder if before is not None else None,
            principal=self.actor.principal,
            on_behalf_of=self.actor.on_behalf_of,
            reason=after.reason if beside is None else beside.reason,
            rule=after.rule if beside is None else str(beside.decision.get("r", "")),
            clock=self.clock,
            term=after.term,
            counted=counted.key if counted is not None else "",
            weight=after.weight,
            decision=beside.decision if beside is not None else {},
        )


def unchanged(situation: Situation) -> dict[str, Any]:
    """What the include `custody` compares where nothing is to be written."""
    return {
        "customer": situation.customer,
        "seen": situation.seen,
        "version": 0,
        "before": {},
        "after": {"weight": 0},
    }


def clock_at(custody: Custody) -> int | None:
    """Return when the sweeper looks at a customer: a moment after what comes next falls due.

    That is a holding's next action, or that a customer without an owner goes on to another pool;
    while he is locked or disputed, he does not.
    """
    plan, onward = custody.plan, custody.onward
    if custody.state is State.IN_POOL:
        if onward is None or custody.locked or custody.disputed:
            return None
        return onward.at + AFTER
    if custody.state is not State.HELD or plan is None or not plan.action or plan.at is None:
        return None
    return plan.at + AFTER


def reservation_at(custody: Custody) -> int | None:
    """Return when the sweeper looks at a reservation: a moment after it ends."""
    if custody.state is not State.RESERVED or custody.reservation is None:
        return None
    return custody.reservation.expires + AFTER


def _place(custody: Custody | None) -> dict[str, Any]:
    """Where a custody stands in the indexes and quotas."""
    if custody is None:
        return {"weight": 0}
    in_pool = custody.state is State.IN_POOL
    held = custody.state is State.HELD
    counted = custody.counted
    plan = custody.plan
    due = plan.due_at if plan is not None else None
    onward = custody.onward
    return {
        "pool": custody.pool if in_pool else None,
        "rank": custody.facts.tier_rank if custody.facts is not None else 0,
        "entered": custody.entered,
        "offered": custody.pool if custody.offered else None,
        "coming": onward.pool if onward is not None else None,
        "coming_at": onward.at if onward is not None else None,
        "holder": custody.holder.key if held and custody.holder is not None else None,
        "due": NO_DUE if due is None else due,
        "counted": counted.key if counted is not None else None,
        "weight": custody.weight if counted is not None else 0,
        "waiting": custody.waiting or None,
        "clock_at": clock_at(custody),
        "reservation_at": reservation_at(custody),
    }
