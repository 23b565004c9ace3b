"""What time alone brings about, each decided anew on current facts.

Holdings are warned of and taken back as clocks run out (提前提醒, 回收); whom nobody takes goes on
to his next pool.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import structlog

from gonghai_chassis.events import read_progress
from gonghai_engine import Decision
from gonghai_engine.outcomes import ReclaimPlan
from gonghai_plugin import Text
from gonghai_pool.alterations import AFTER, Alteration, Beside, altered, clock_at
from gonghai_pool.custody import Change, Custody, Plan, State
from gonghai_pool.entering import on_his_way, pool_for, settled_in, way_back
from gonghai_pool.ground import SYSTEM
from gonghai_pool.policies import claim_question, held_questions, keep, plan_of
from gonghai_pool.reconsidering import goes_on, moved, rescheduled
from gonghai_pool.store import keys
from gonghai_pool.store.custodies import MOVE_ON, RECLAIM, RESCHEDULE, WARN
from gonghai_pool.transitions import pooled
from gonghai_pool.workers.due import by_tenant, each_for_itself

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_chassis.leases import Lease
    from gonghai_chassis.sweeper import Due
    from gonghai_pool.ground import Ground, Situation
    from gonghai_pool.policies import Answer, Policies
    from gonghai_pool.store.custodies import CustodyStore

_log = structlog.get_logger(__name__)

_MINUTE: Final = 60_000_000
_FROZEN: Final = "frozen"


@dataclass(frozen=True, slots=True)
class _Sorted:
    warn: list[Alteration]
    reclaim: list[Alteration]
    move_on: list[Alteration]
    reschedule: list[Alteration]


class Clocks:
    """Handles customers for whom the time of something has come, under the partition's lease.

    Nothing happens before the archive's stream is known to be complete beyond the moment at which
    it fell due: an activity of before that keeps the customer, however late its event comes; and
    which pool comes next may be decided otherwise.
    """

    def __init__(self, custodies: CustodyStore, policies: Policies, lease: Lease) -> None:
        """Take what it reads and asks, and the lease that it works under."""
        self._custodies = custodies
        self._policies = policies
        self._lease = lease

    async def handle(self, dues: Sequence[Due], now: int) -> None:  # noqa: ARG002
        """Warn, reclaim, move on or compute anew, in the order in which they fell due."""
        store, partition = self._custodies.store, self._lease.partition
        through = (await read_progress(store, partition, keys.ARCHIVE)).changes_through
        ready = [due for due in dues if due.at <= through]
        for batch in by_tenant(ready):
            await each_for_itself(self._custodies, self._lease, keys.CLOCK, batch, self.work)

    async def work(self, tenant: str, customers: Sequence[str]) -> None:
        """Do what has fallen due with these customers."""
        situations = await self._custodies.situations(tenant, customers)
        ground = situations[0].ground
        due = [
            (situation, situation.custody)
            for situation in situations
            if situation.custody is not None and _is_due(situation.custody, ground.now)
        ]
        sorted_ = _Sorted([], [], [], [])
        for situation, custody in due:
            if custody.state is State.IN_POOL:
                await self._on_its_way(situation, custody, sorted_)
        due = [one for one in due if one[1].state is State.HELD]
        answers = await self._policies.decide(
            [question for _, custody in due for question in held_questions(ground, custody)]
        )
        for (situation, custody), reclaim, claim in zip(
            due, answers[::2], answers[1::2], strict=True
        ):
            await self._sort(situation, custody, reclaim, claim, sorted_)
        for script, alterations in (
            (WARN, sorted_.warn),
            (RECLAIM, sorted_.reclaim),
            (MOVE_ON, sorted_.move_on),
            (RESCHEDULE, sorted_.reschedule),
        ):
            verdicts = await self._custodies.sweep(script, self._lease, ground, alterations)
            for alteration, verdict in zip(alterations, verdicts, strict=True):
                if verdict == _FROZEN:
                    _log.warning(
                        "held_back_by_quarantine",
                        tenant=tenant,
                        customer=alteration.situation.customer,
                    )

    async def _sort(
        self,
        situation: Situation,
        custody: Custody,
        reclaim: Answer,
        claim: Answer,
        sorted_: _Sorted,
    ) -> None:
        ground = situation.ground
        fresh = keep(ground, custody, reclaim, claim)
        plan = fresh.plan
        if plan is None or plan.at is None or plan.at >= ground.now:
            # It is not due any more: something has moved it.
            sorted_.reschedule.append(rescheduled(situation, fresh, SYSTEM))
        elif plan.action == "warn":
            sorted_.warn.append(_warned(situation, fresh, plan, reclaim))
        elif plan.action == "reclaim":
            after = await self._reclaimed(ground, fresh, plan)
            clock = plan.for_clocks[0] if plan.for_clocks else ""
            sorted_.reclaim.append(altered(situation, after, SYSTEM, clock, plan.due_at))
        else:
            sorted_.reschedule.append(rescheduled(situation, fresh, SYSTEM))

    async def _on_its_way(self, situation: Situation, custody: Custody, sorted_: _Sorted) -> None:
        ground = situation.ground
        fresh = on_his_way(ground, custody)
        onward = fresh.onward
        if onward is None or onward.at > ground.now:
            # Something has moved it.
            sorted_.reschedule.append(goes_on(situation, fresh, SYSTEM))
            return
        after = await moved(self._policies, ground, fresh, onward)
        sorted_.move_on.append(altered(situation, after, SYSTEM))

    async def _reclaimed(self, ground: Ground, fresh: Custody, plan: Plan) -> Custody:
        clock = plan.for_clocks[0] if plan.for_clocks else ""
        after = pooled(
            fresh,
            pool_for(ground.setup, fresh),
            ground.now,
            Change.RECLAIMED,
            reason=_why(plan, clock),
            rule=str(plan.decision.get("r", "")),
            clock=clock,
            way=way_back(fresh),
        )
        (claim,) = await self._policies.decide([claim_question(ground, after, "")])
        return settled_in(ground, after, claim)


def _is_due(custody: Custody, now: int) -> bool:
    at = clock_at(custody)
    return at is not None and at <= now


def _warned(situation: Situation, fresh: Custody, plan: Plan, reclaim: Answer) -> Alteration:
    """Note the warning, which moves the reclaim where the warning comes late."""
    ground = situation.ground
    at = plan.at or ground.now
    # In time it counts as of the moment it fell due; late, as of the next full minute, so that the
    # notice is never cut.
    out = at if ground.now <= at + AFTER else -(-ground.now // _MINUTE) * _MINUTE
    told = replace(plan, warned={**plan.warned, **dict.fromkeys(plan.for_clocks, out)})
    clock = plan.for_clocks[0] if plan.for_clocks else ""
    warned = replace(fresh, version=fresh.version + 1)
    after = replace(warned, plan=plan_of(ground, replace(warned, plan=told), reclaim))
    beside = Beside(Change.WARNED, _why(plan, clock))
    return altered(situation, after, SYSTEM, clock, plan.due_at, beside)


def _why(plan: Plan, clock: str) -> Text:
    """The plugin's sentence about a clock."""
    if plan.decision:
        outcome = Decision.from_record(plan.decision).outcome
        if isinstance(outcome, ReclaimPlan):
            for one in outcome.clocks:
                if one.name == clock:
                    return one.reason
    return Text(f"the clock {clock} ran out", f"倒计时 {clock} 已到期")
