"""May a rep claim a customer, and if not why; when is it reclaimed, and what would reset it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gonghai_chassis.events import read_progress
from gonghai_engine import DecisionFailure
from gonghai_plugin import Text
from gonghai_policy_service.reasons import NO_REASON, joined
from gonghai_pool.alterations import AFTER, clock_at
from gonghai_pool.custody import Change, Custody, Holder, State
from gonghai_pool.freezing import BECAUSE
from gonghai_pool.obstacles import (
    FROZEN,
    Obstacle,
    claim_limits,
    counted,
    holding_limit,
    in_order,
    obstacles,
    of_limits,
    unexplained,
)
from gonghai_pool.policies import claim_question, reclaim_question, verdict_of, weight_of
from gonghai_pool.store import keys
from gonghai_pool.transitions import held

if TYPE_CHECKING:
    from gonghai_chassis.names import CustomerName, RepName
    from gonghai_engine import Explanation
    from gonghai_policy_service.hidden_fields import Concealment
    from gonghai_pool.commands.order import Order
    from gonghai_pool.custody import Extension
    from gonghai_pool.freezing import Frozen
    from gonghai_pool.ground import Ground, Situation
    from gonghai_pool.policies import Policies
    from gonghai_pool.store.custodies import CustodyStore

_LOCK: Final = Text("the lock", "等待解锁")
_DISPUTE: Final = Text("the dispute", "等待撞单裁决")
_ARCHIVE: Final = Text(
    "the archive: something that keeps the customer where it is may be under way",
    "等待客户档案：可能有使客户保留原处的变化尚在途中",
)
_NOBODY: Final = Text("nobody holds it", "无人负责")
_UNDECIDED: Final = Text("not while its policy cannot decide", "策略无法作出决定期间不回收")
_NEVER: Final = Text("never: no clock runs", "不会回收：没有倒计时在运行")


@dataclass(frozen=True, slots=True)
class Explained:
    """An explanation.

    Attributes:
        owner: whether the reader may see the owner, and with him the clocks.
        concealed: what is left out beside these.
        found: what stands in the rep's way, in the order of telling; None when no rep was named.
        claim: the decision of the claim policy with the truth of its conditions.
        reclaim: the decision about clocks, likewise.
        summary: when it will be reclaimed, in a sentence.
        reset_by: the kinds of activity that start a clock again.
        extended_by: those that make one longer.
        extensions: the requests for more time of this custody.
        waits_for: what a due reclaim waits for; empty when it does not.
    """

    custody: Custody
    owner: bool
    concealed: Concealment
    found: list[Obstacle] | None
    claim: Explanation | None
    reclaim: Explanation | None
    summary: Text
    reset_by: tuple[str, ...]
    extended_by: tuple[str, ...]
    extensions: tuple[Extension, ...]
    waits_for: Text


class ExplainCustody:
    """Explains on what is known now; nothing is changed."""

    def __init__(self, custodies: CustodyStore, policies: Policies) -> None:
        """Take what it reads and asks."""
        self._custodies = custodies
        self._policies = policies

    async def __call__(
        self, customer: CustomerName, rep: RepName | None, order: Order
    ) -> Explained:
        """Explain a custody and, if a rep is named, whether he may claim it.

        Raises:
            NotFound: nothing is known of the customer, or the caller may not know of him.
            NotAllowed: the rep is none of the caller's business.
        """
        situation = await self._custodies.situation(customer.tenant, customer.id, order.deadline)
        ground = situation.ground
        custody = order.viewer.require_known(ground.setup, customer, situation.custody, ground.now)
        owner = order.viewer.sees_owner(ground.setup, custody, ground.now)
        concealed = order.viewer.concealed(ground, custody)
        frozen = await self._custodies.frozen(customer.tenant, custody, order.deadline)
        found: list[Obstacle] | None = None
        claim: Explanation | None = None
        if rep is not None:
            order.viewer.require_rep(ground.setup, rep.id)
            found, claim = await self._claim(situation, custody, rep, order)
            if claim is not None and not concealed.explains(claim.decision):
                found = unexplained(found)
            if frozen.claim:
                found = in_order([*found, FROZEN])
        reclaim: Explanation | None = None
        if custody.state is State.HELD:
            explained = await self._policies.explain(reclaim_question(ground, custody))
            reclaim = None if isinstance(explained, DecisionFailure) else explained
        plan = custody.plan
        clocks = plan.clocks if plan is not None else ()
        reset_by = [kind for clock in clocks for kind in clock.reset_by]
        longer = [kind for clock in clocks if clock.longer for kind in clock.longer.kinds]
        return Explained(
            custody,
            owner,
            concealed,
            found,
            claim,
            reclaim if owner else None,
            _summary(ground, custody) if owner else NO_REASON,
            tuple(dict.fromkeys(reset_by)) if owner else (),
            tuple(dict.fromkeys(longer)) if owner else (),
            custody.extensions if owner else (),
            await self._waits_for(ground, custody, frozen) if owner else NO_REASON,
        )

    async def _claim(
        self, situation: Situation, custody: Custody, rep: RepName, order: Order
    ) -> tuple[list[Obstacle], Explanation | None]:
        ground = situation.ground
        explained: Explanation | DecisionFailure | None = None
        if custody.state is State.IN_POOL:
            explained = await self._policies.explain(claim_question(ground, custody, rep.id))
        claim = None if isinstance(explained, DecisionFailure) else explained
        answer = claim.decision if claim is not None else None
        failed = explained if isinstance(explained, DecisionFailure) else None
        found = obstacles(ground, custody, rep.id, answer or failed)
        verdict = verdict_of(answer) if answer is not None else None
        after = held(custody, Holder.rep(rep.id), ground.now, Change.CLAIMED)
        use = await self._custodies.quota(
            rep.tenant,
            counted(
                ground,
                rep.id,
                claim_limits(ground, custody, verdict),
                holding_limit(ground, rep.id, verdict),
                weight_of(ground, after, verdict.limits if verdict is not None else None),
            ),
            order.deadline,
        )
        return [*found, *of_limits(use.reached)], claim

    async def _waits_for(self, ground: Ground, custody: Custody, frozen: Frozen) -> Text:
        plan = custody.plan
        if custody.locked or custody.disputed:
            return _LOCK if custody.locked else _DISPUTE
        if plan is not None and plan.frozen_because is not None:
            return joined("a decision of the policy", "策略作出决定", plan.frozen_because)
        if frozen.reclaim and (custody.state is State.HELD or custody.onward is not None):
            return BECAUSE
        waits = custody.onward is not None or (plan is not None and plan.action == "reclaim")
        due = clock_at(custody)
        if not waits or due is None or due - AFTER > ground.now:
            return NO_REASON
        store = self._custodies.store
        progress = await read_progress(store, store.partition(ground.tenant), keys.ARCHIVE)
        if progress.changes_through <= due - AFTER:
            return _ARCHIVE
        return NO_REASON


def _summary(ground: Ground, custody: Custody) -> Text:
    plan, onward = custody.plan, custody.onward
    if custody.state is State.IN_POOL and onward is not None:
        day = ground.calendar.local_day(onward.at)
        return Text(
            f"nobody holds it; it goes on to {onward.pool} on {day}",
            f"无人负责；{day} 转入 {onward.pool}",
        )
    if custody.state is not State.HELD or plan is None:
        return _NOBODY
    if plan.frozen_because is not None:
        return _UNDECIDED
    if plan.due_at is None or plan.reclaim_at is None:
        return _NEVER
    calendar = ground.calendar
    clock = plan.clocks[0].name if plan.clocks else ""
    due = calendar.local_day(plan.due_at - 1)
    taken = calendar.local_day(plan.reclaim_at)
    return Text(
        f"{clock} runs out at the end of {due}; it is taken back on {taken}",
        f"{clock} 于 {due} 结束时到期；{taken} 回收",
    )
