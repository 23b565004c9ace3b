"""An owner gives a customer back to a pool (退回)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai_chassis.errors import EtagMismatch, NotFound, Reason
from gonghai_chassis.names import PoolName
from gonghai_policy_service.reasons import verbatim
from gonghai_pool.alterations import altered
from gonghai_pool.commands.requirements import require
from gonghai_pool.custody import Change, State, Way
from gonghai_pool.deciding import settled
from gonghai_pool.entering import pool_for, settled_in, way_back
from gonghai_pool.policies import claim_question
from gonghai_pool.store.custodies import RELEASE, Changed
from gonghai_pool.transitions import pooled

if TYPE_CHECKING:
    from gonghai_chassis.names import CustomerName
    from gonghai_pool.commands.order import Order
    from gonghai_pool.policies import Policies
    from gonghai_pool.store.custodies import CustodyStore
    from gonghai_pool.tenant_setup import TenantSetup


@dataclass(frozen=True, slots=True)
class Release:
    """What is given back, why, and where to.

    Attributes:
        pool: id of the pool; "" lets the policy say.
        expected: version of the custody that the caller saw; None for any.
    """

    customer: CustomerName
    reason: str
    pool: str = ""
    expected: int | None = None


class ReleaseCustomer:
    """Puts a holding back into a pool; its former owner is remembered, and its embargo begins."""

    def __init__(self, custodies: CustodyStore, policies: Policies) -> None:
        """Take what it reads and asks."""
        self._custodies = custodies
        self._policies = policies

    async def __call__(self, release: Release, order: Order) -> Changed:
        """Release.

        Raises:
            NotFound: there is no such customer or pool.
            NotAllowed: the holding is not the caller's to dispose of.
            EtagMismatch: the custody is not the one that the caller saw.
            PreconditionFailed: nobody holds it, or it is locked or disputed.
            Contention: it moved too often while deciding.
        """
        customer = release.customer
        return await settled(
            lambda: self._attempt(release, order),
            customer,
            lambda: self._custodies.recall(customer.tenant, order.request, order.deadline),
        )

    async def _attempt(self, release: Release, order: Order) -> Changed:
        customer = release.customer
        situation = await self._custodies.situation(customer.tenant, customer.id, order.deadline)
        ground = situation.ground
        custody = order.viewer.require_known(ground.setup, customer, situation.custody, ground.now)
        order.viewer.require_holder(ground.setup, custody.holder, custody.pool)
        if release.expected is not None and release.expected != custody.version:
            raise EtagMismatch(customer)
        require(customer, custody, states=(State.HELD,), reason=Reason.CUSTOMER_NOT_HELD)
        named = self._pool(release, order, ground.setup)
        after = pooled(
            custody,
            named or pool_for(ground.setup, custody),
            ground.now,
            Change.RELEASED,
            reason=verbatim(release.reason),
            way=Way.ENTERED if named else way_back(custody),
        )
        (claim,) = await self._policies.decide([claim_question(ground, after, "")])
        return await self._custodies.put_back(
            RELEASE,
            altered(situation, settled_in(ground, after, claim), order.actor),
            request=order.request,
            deadline=order.deadline,
        )

    @staticmethod
    def _pool(release: Release, order: Order, setup: TenantSetup) -> str:
        if not release.pool:
            return ""
        pool = setup.pools.get(release.pool)
        if pool is None or not order.viewer.sees_pool(setup, pool):
            raise NotFound(PoolName(release.customer.tenant, release.pool))
        return pool.id
