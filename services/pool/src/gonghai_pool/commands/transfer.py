"""A holding goes from its owner to another rep (转移)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai_chassis.errors import (
    EtagMismatch,
    PreconditionViolation,
    Reason,
)
from gonghai_policy_service.reasons import verbatim
from gonghai_pool.alterations import altered
from gonghai_pool.commands.requirements import no_room, require, unfit
from gonghai_pool.custody import Holder, State
from gonghai_pool.deciding import settled
from gonghai_pool.obstacles import holding_limit
from gonghai_pool.policies import held_questions, keep, verdict_of
from gonghai_pool.store.custodies import TRANSFER, Changed
from gonghai_pool.transitions import transferred

if TYPE_CHECKING:
    from gonghai_chassis.names import CustomerName, RepName
    from gonghai_pool.commands.order import Order
    from gonghai_pool.policies import Policies
    from gonghai_pool.store.custodies import CustodyStore


@dataclass(frozen=True, slots=True)
class Transfer:
    """What goes to whom, and why; `expected` is the version that the caller saw, None for any."""

    customer: CustomerName
    rep: RepName
    reason: str
    expected: int | None = None


class TransferCustomer:
    """Moves a holding to another rep, whose holding limit counts and whose clocks start anew."""

    def __init__(self, custodies: CustodyStore, policies: Policies) -> None:
        """Take what it reads and asks."""
        self._custodies = custodies
        self._policies = policies

    async def __call__(self, transfer: Transfer, order: Order) -> Changed:
        """Transfer.

        Raises:
            NotFound: there is no such customer.
            NotAllowed: the holding is not the caller's to dispose of.
            EtagMismatch: the custody is not the one that the caller saw.
            PreconditionFailed: nobody holds it, he does already, or he does not work.
            LimitReached: the rep may hold no more.
            Contention: it moved too often while deciding.
        """
        customer = transfer.customer
        return await settled(
            lambda: self._attempt(transfer, order),
            customer,
            lambda: self._custodies.recall(customer.tenant, order.request, order.deadline),
        )

    async def _attempt(self, transfer: Transfer, order: Order) -> Changed:
        customer, rep = transfer.customer, transfer.rep
        situation = await self._custodies.situation(customer.tenant, customer.id, order.deadline)
        ground = situation.ground
        custody = order.viewer.require_known(ground.setup, customer, situation.custody, ground.now)
        order.viewer.require_holder(ground.setup, custody.holder, custody.pool)
        if transfer.expected is not None and transfer.expected != custody.version:
            raise EtagMismatch(customer)
        holder = Holder.rep(rep.id)
        further = unfit(customer.tenant, ground.setup, holder, given=True)
        if custody.state is State.HELD and custody.holder == holder:
            message = "the rep holds the customer already"
            further.append(PreconditionViolation(Reason.WRONG_STATE, str(customer), message))
        require(
            customer,
            custody,
            states=(State.HELD,),
            reason=Reason.CUSTOMER_NOT_HELD,
            further=further,
        )
        after = transferred(custody, rep.id, ground.now, verbatim(transfer.reason))
        reclaim, claim = await self._policies.decide(held_questions(ground, after))
        after = keep(ground, after, reclaim, claim)
        outcome = await self._custodies.give(
            TRANSFER,
            altered(situation, after, order.actor),
            limit=holding_limit(ground, rep.id, verdict_of(claim)),
            request=order.request,
            deadline=order.deadline,
        )
        if isinstance(outcome, Changed):
            return outcome
        raise no_room(customer.tenant, holder, outcome, order.viewer.language)
