"""A customer in a pool is given to a rep, a team, or self-service (分配)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai_chassis.errors import EtagMismatch, NotAllowed, NotFound, Reason
from gonghai_chassis.principals import Reach
from gonghai_policy_service.reasons import NO_REASON
from gonghai_pool.alterations import altered
from gonghai_pool.commands.requirements import no_room, require, unfit
from gonghai_pool.custody import Change, Custody, Holder, HolderKind, State
from gonghai_pool.deciding import settled
from gonghai_pool.obstacles import holding_limit
from gonghai_pool.policies import held_questions, keep, verdict_of
from gonghai_pool.store.custodies import ASSIGN, Changed
from gonghai_pool.transitions import held

if TYPE_CHECKING:
    from gonghai_chassis.names import CustomerName
    from gonghai_plugin import Text
    from gonghai_pool.commands.order import Order
    from gonghai_pool.policies import Policies
    from gonghai_pool.store.custodies import CustodyStore
    from gonghai_pool.tenant_setup import TenantSetup
    from gonghai_pool.viewing import Viewer


@dataclass(frozen=True, slots=True)
class Assignment:
    """What is given to whom, and why.

    Attributes:
        term: term of the custody that the choice was based on; None for any.
        rule: the rule or strategy that chose.
    """

    customer: CustomerName
    holder: Holder
    reason: Text = NO_REASON
    term: int | None = None
    rule: str = ""


class AssignCustomer:
    """Gives a customer in a pool to a holder, whose holding limit counts."""

    def __init__(self, custodies: CustodyStore, policies: Policies) -> None:
        """Take what it reads and asks."""
        self._custodies = custodies
        self._policies = policies

    async def __call__(self, assignment: Assignment, order: Order) -> Changed:
        """Assign.

        Raises:
            NotFound: there is no such customer or team.
            NotAllowed: neither pool nor rep is the caller's to manage.
            EtagMismatch: the custody is not the one that the choice was based on.
            PreconditionFailed: it is in no pool, or the rep does not work.
            LimitReached: the rep may hold no more.
            Contention: it moved too often while deciding.
        """
        customer = assignment.customer
        return await settled(
            lambda: self._attempt(assignment, order),
            customer,
            lambda: self._custodies.recall(customer.tenant, order.request, order.deadline),
        )

    async def _attempt(self, assignment: Assignment, order: Order) -> Changed:
        customer, holder = assignment.customer, assignment.holder
        situation = await self._custodies.situation(customer.tenant, customer.id, order.deadline)
        custody, ground = situation.custody, situation.ground
        if custody is None:
            raise NotFound(customer)
        _require_manager(order.viewer, ground.setup, custody, holder)
        if assignment.term is not None and assignment.term != custody.term:
            raise EtagMismatch(customer)
        require(
            customer,
            custody,
            states=(State.IN_POOL,),
            reason=Reason.CUSTOMER_NOT_IN_POOL,
            further=unfit(customer.tenant, ground.setup, holder, given=True),
        )
        after = held(
            custody,
            holder,
            ground.now,
            Change.ASSIGNED,
            reason=assignment.reason,
            rule=assignment.rule,
        )
        reclaim, claim = await self._policies.decide(held_questions(ground, after))
        after = keep(ground, after, reclaim, claim)
        rep = holder.id if holder.kind is HolderKind.REP else ""
        outcome = await self._custodies.give(
            ASSIGN,
            altered(situation, after, order.actor),
            limit=holding_limit(ground, rep, verdict_of(claim)) if rep else 0,
            request=order.request,
            deadline=order.deadline,
        )
        if isinstance(outcome, Changed):
            return outcome
        raise no_room(customer.tenant, holder, outcome, order.viewer.language)


def _require_manager(viewer: Viewer, setup: TenantSetup, custody: Custody, holder: Holder) -> None:
    """A manager gives what is in his pools, or to his people what they could claim themselves."""
    try:
        viewer.require_pool(setup, custody.pool)
    except NotAllowed:
        pool = setup.pools.get(custody.pool)
        own = viewer.reach is Reach.TEAM and setup.manages_holder(viewer.rep, holder)
        if not own or pool is None or not setup.is_member(pool, holder.id):
            raise
