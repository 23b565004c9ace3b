"""What becomes of a custody, verb by verb: pure, each returns the record as it is afterwards.

`at` is the domain time at which the verb was decided (instant).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gonghai_plugin import Text
from gonghai_policy_service.reasons import NO_REASON
from gonghai_pool.custody import (
    Change,
    Custody,
    Facts,
    Holder,
    HolderKind,
    OutCause,
    Reservation,
    State,
    Way,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_LOST = 50
"""How many former owners' losses are remembered, the latest."""


def held(
    custody: Custody,
    holder: Holder,
    at: int,
    change: Change,
    *,
    reason: Text = NO_REASON,
    rule: str = "",
) -> Custody:
    """Somebody holds it from now on; his clocks start now."""
    claimed = change is Change.CLAIMED
    return replace(
        custody,
        version=custody.version + 1,
        term=custody.term + 1,
        state=State.HELD,
        since=at,
        change=change,
        holder=holder,
        reason=reason,
        rule=rule,
        clock="",
        entered=None,
        freed=None,
        way=Way.ENTERED,
        onward=None,
        embargo_until=None,
        self_sourced=change is Change.SELF_SOURCED,
        times_claimed=custody.times_claimed + claimed,
        dealt=False,
        follow_ups=0,
        orders=0,
        out_cause=None,
        reservation=None,
        activities=(),
        passed={},
        plan=None,
        extensions=(),
        denied_before=0,
        weight=0,
    )


def transferred(custody: Custody, rep: str, at: int, reason: Text) -> Custody:
    """Another rep holds it from now on; who had it is a former owner."""
    return held(_lost(custody, at), Holder.rep(rep), at, Change.TRANSFERRED, reason=reason)


def pooled(
    custody: Custody,
    pool: str,
    at: int,
    change: Change,
    *,
    reason: Text = NO_REASON,
    rule: str = "",
    clock: str = "",
    way: Way = Way.ENTERED,
) -> Custody:
    """It is in a pool from now on, or waits for one if that is "". Entering starts the embargo.

    Whom the admission policy puts there is `Way.CHOSEN_ANEW` until he is where it wants him.
    """
    lost = _lost(custody, at) if custody.state is State.HELD else custody
    reclaimed = change is Change.RECLAIMED
    return replace(
        lost,
        version=custody.version + 1,
        state=State.IN_POOL if pool else State.OUT,
        since=at,
        change=change,
        pool=pool,
        holder=None,
        reason=reason,
        rule=rule,
        clock=clock,
        entered=at if pool else None,
        freed=at if pool else None,
        way=way,
        onward=None,
        embargo_until=None,
        times_reclaimed=custody.times_reclaimed + reclaimed,
        self_sourced=False,
        weight=0,
        dealt=False,
        follow_ups=0,
        orders=0,
        out_cause=None if pool else OutCause.WAITING,
        reservation=None,
        activities=(),
        passed={},
        plan=None,
        extensions=(),
        denied_before=0,
    )


def withdrawn(custody: Custody, at: int, cause: OutCause, reason: Text) -> Custody:
    """It is out of circulation: deleted or merged."""
    gone = pooled(custody, "", at, Change.WITHDRAWN, reason=reason)
    return replace(gone, out_cause=cause)


def reserved(
    custody: Custody | None, customer: str, reservation: Reservation, at: int, weight: int
) -> Custody:
    """A place is kept. For an offer the customer stays in its pool's books, with its entry time."""
    if custody is None:
        custody = Custody(customer, 0, State.OUT, at, Change.RESERVED)
    return replace(
        custody,
        version=custody.version + 1,
        state=State.RESERVED,
        since=at,
        change=Change.RESERVED,
        reason=NO_REASON,
        rule="",
        reservation=reservation,
        weight=weight,
        out_cause=None,
    )


def unreserved(custody: Custody, at: int, reason: Text) -> Custody:
    """A place that was kept is given up: the customer is where it was before.

    An offered customer has been in its pool all the time: its entry, and with it the embargo, is
    what it was. When it should have gone on to another pool meanwhile, it does so now.
    """
    offered = custody.offered
    onward = custody.onward
    if onward is not None and onward.at < at:
        onward = replace(onward, at=at)
    return replace(
        custody,
        version=custody.version + 1,
        state=State.IN_POOL if offered else State.OUT,
        since=custody.freed if offered and custody.freed is not None else at,
        onward=onward,
        change=Change.RESERVATION_ENDED,
        reason=reason,
        reservation=None,
        weight=0,
        out_cause=None if offered else OutCause.NEVER_CREATED,
    )


def admitted(custody: Custody | None, customer: str, facts: Facts, pool: str, at: int) -> Custody:
    """A customer that the archive told of falls into a pool, or waits for one."""
    new = custody or Custody(customer, 0, State.OUT, at, Change.ADMITTED)
    reason = facts.admission_reason if pool else _why_waiting(facts)
    admitted_ = pooled(
        new,
        pool,
        at,
        Change.ADMITTED,
        reason=reason,
        rule=facts.admission_rule,
        way=Way.CHOSEN_ANEW,
    )
    return replace(admitted_, facts=facts)


def went_on(custody: Custody, pool: str, at: int, *, way: Way, reason: Text, rule: str) -> Custody:
    """It is in another pool from now on, without having had an owner; no embargo begins."""
    return replace(
        custody,
        version=custody.version + 1,
        change=Change.MOVED,
        pool=pool,
        entered=at,
        way=way,
        onward=None,
        reason=reason,
        rule=rule,
        clock="",
    )


def _why_waiting(facts: Facts) -> Text:
    pool = facts.admission_pool
    if not facts.admission_rule and not pool:
        return Text("waits: the admission policy has not decided yet", "等待：入池策略尚未作出决定")
    if not pool:
        return Text(
            "waits: the admission policy names no pool, and there is no fallback pool",
            "等待：入池策略未指定公海，也没有后备公海",
        )
    return Text(
        f"waits: there is no pool {pool}, and no fallback pool",
        f"等待：没有公海 {pool}，也没有后备公海",
    )


def _lost(custody: Custody, at: int) -> Custody:
    """Note who loses it, and when."""
    holder = custody.holder
    if holder is None or holder.kind is not HolderKind.REP:
        return replace(custody, former_owner="", former_owner_at=None) if holder else custody
    lost: Mapping[str, int] = {**custody.lost, holder.id: at}
    if len(lost) > _MOST_LOST:
        latest = sorted(lost.items(), key=lambda one: (-one[1], one[0]))[:_MOST_LOST]
        lost = dict(latest)
    return replace(custody, former_owner=holder.id, former_owner_at=at, lost=lost)
