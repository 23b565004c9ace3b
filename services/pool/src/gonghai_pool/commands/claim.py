"""A rep takes a customer out of a pool (领取)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gonghai_chassis.errors import EtagMismatch, Refusal
from gonghai_engine import Decision
from gonghai_pool.alterations import altered
from gonghai_pool.custody import Change, Custody, Holder, State
from gonghai_pool.deciding import settled
from gonghai_pool.obstacles import (
    FROZEN,
    Obstacle,
    claim_limits,
    counted,
    holding_limit,
    in_order,
    obstacles,
    of_limits,
    refusal,
    unexplained,
)
from gonghai_pool.policies import (
    claim_question,
    plan_of,
    reclaim_question,
    verdict_of,
    weight_of,
)
from gonghai_pool.store.custodies import Changed
from gonghai_pool.transitions import held

if TYPE_CHECKING:
    from gonghai_chassis.names import CustomerName, RepName
    from gonghai_policy_service.hidden_fields import Concealment
    from gonghai_pool.commands.order import Order
    from gonghai_pool.ground import Situation
    from gonghai_pool.policies import Policies
    from gonghai_pool.store.custodies import CustodyStore


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed, for whom, and what the caller saw.

    Attributes:
        pool: id of the pool that he saw it in; "" for wherever it is.
        expected: version of the custody that he saw; None for any.
        trial: check everything and change nothing.
    """

    customer: CustomerName
    rep: RepName
    pool: str = ""
    expected: int | None = None
    trial: bool = False


@dataclass(frozen=True, slots=True)
class _Prepared:
    found: list[Obstacle]
    after: Custody | None
    limits: dict[str, object]


class ClaimCustomer:
    """Checks everything, then takes the one step that counts limits and makes the claim."""

    def __init__(self, custodies: CustodyStore, policies: Policies) -> None:
        """Take what it reads and asks."""
        self._custodies = custodies
        self._policies = policies

    async def __call__(self, claim: Claim, order: Order) -> Changed:
        """Claim.

        Raises:
            NotFound: there is no such customer, or the caller may not know of him.
            NotAllowed: the rep is somebody whom the caller may not act for.
            EtagMismatch: the custody is not the one that the caller saw.
            PreconditionFailed: rules stand in the way; it names every one, and limits beside them.
            LimitReached: nothing but limits stands in the way.
            Contention: it moved too often while deciding.
        """
        return await settled(lambda: self._attempt(claim, order), claim.customer)

    async def _attempt(self, claim: Claim, order: Order) -> Changed:
        customer, deadline = claim.customer, order.deadline
        situation = await self._custodies.situation(customer.tenant, customer.id, deadline)
        ground = situation.ground
        try:
            custody = _checked(claim, situation, order)
        except Refusal:
            answered = await self._custodies.recall(customer.tenant, order.request, deadline)
            if answered is None:
                raise
            return answered
        concealed = order.viewer.concealed(ground, custody)
        prepared = await self._prepare(claim, situation, custody, concealed)
        alteration = None
        if prepared.after is not None and not prepared.found:
            alteration = altered(situation, prepared.after, order.actor)
        outcome = await self._custodies.claim(
            situation,
            alteration,
            prepared.limits,
            request=order.request,
            trial=claim.trial,
            deadline=deadline,
        )
        if isinstance(outcome, Changed):
            # By a mere trial he learns no more than he may read.
            return replace(outcome, concealed=concealed) if claim.trial else outcome
        raise refusal(
            customer,
            claim.rep,
            in_order(
                [
                    *prepared.found,
                    *([FROZEN] if outcome.frozen else []),
                    *of_limits(outcome.limits),
                ]
            ),
            ground.now,
            custody=custody,
            sees_owner=order.viewer.sees_owner(ground.setup, custody, ground.now),
            language=order.viewer.language,
        )

    async def _prepare(
        self, claim: Claim, situation: Situation, custody: Custody, concealed: Concealment
    ) -> _Prepared:
        ground, rep = situation.ground, claim.rep.id
        if custody.state is not State.IN_POOL:
            found = obstacles(ground, custody, rep, None, pool=claim.pool)
            limits = claim_limits(ground, custody, None)
            weight = weight_of(ground, custody, None)
            holding = holding_limit(ground, rep, None)
            return _Prepared(found, None, counted(ground, rep, limits, holding, weight))
        after = held(custody, Holder.rep(rep), ground.now, Change.CLAIMED)
        may, reclaim = await self._policies.decide(
            [claim_question(ground, custody, rep), reclaim_question(ground, after)]
        )
        verdict = verdict_of(may)
        weight = weight_of(ground, after, verdict.limits if verdict is not None else None)
        after = replace(after, weight=weight, plan=plan_of(ground, after, reclaim))
        found = obstacles(ground, custody, rep, may, pool=claim.pool)
        if isinstance(may, Decision) and not concealed.explains(may):
            found = unexplained(found)
        limits = claim_limits(ground, custody, verdict)
        holding = holding_limit(ground, rep, verdict)
        return _Prepared(found, after, counted(ground, rep, limits, holding, weight))


def _checked(claim: Claim, situation: Situation, order: Order) -> Custody:
    """Return the custody to claim, unless the caller has no business with it as it is."""
    setup = situation.ground.setup
    order.viewer.require_rep(setup, claim.rep.id)
    custody = order.viewer.require_known(
        setup, claim.customer, situation.custody, situation.ground.now
    )
    if claim.expected not in {None, custody.version}:
        raise EtagMismatch(claim.customer)
    return custody
