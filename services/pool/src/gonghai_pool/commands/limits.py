"""A tenant's limits, and how far a rep has used them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gonghai_chassis.etags import check_etag
from gonghai_chassis.names import LimitsName
from gonghai_pool.custody import Holder
from gonghai_pool.deciding import settled
from gonghai_pool.messages import limits_message
from gonghai_pool.obstacles import counted
from gonghai_pool.pools import MILLI, ClaimLimits, Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from gonghai_chassis.names import RepName
    from gonghai_pool.commands.order import Order
    from gonghai_pool.store.custodies import CustodyStore, QuotaUse
    from gonghai_pool.store.setups import SetupStore


@dataclass(frozen=True, slots=True)
class Quota:
    """What a rep has used, and what he may; `holding_limit` in customers, 0 for none."""

    use: QuotaUse
    limits: Limits
    holding_limit: int


class TenantLimits:
    """Reads and changes limits."""

    def __init__(self, custodies: CustodyStore, setups: SetupStore) -> None:
        """Take what it reads and writes."""
        self._custodies = custodies
        self._setups = setups

    async def get(self, tenant: str, order: Order) -> Limits:
        """Return the tenant's limits; none are set at first."""
        return (await self._setups.current(tenant, order.deadline)).limits

    async def update(
        self, tenant: str, change: Callable[[Limits], Limits], order: Order, *, etag: str = ""
    ) -> Limits:
        """Change the limits; holdings are weighed anew where that matters.

        Raises:
            EtagMismatch: they are not those that the caller saw.
        """
        name = LimitsName(tenant)

        async def attempt() -> Limits:
            ground = await self._custodies.ground(tenant, order.deadline)
            limits = ground.setup.limits
            check_etag(etag, limits.version, name)
            changed = replace(change(limits), version=limits.version, updated=limits.updated)
            if changed == limits and limits.version:
                return limits
            weighed = (limits.tier_weights, limits.deals_exempt)
            changed = replace(changed, version=limits.version + 1, updated=ground.now)
            return await self._setups.write_limits(
                ground.setup,
                changed,
                limits_message(tenant, changed).SerializeToString(),
                request=(order.request.id, order.request.fingerprint),
                recompute=weighed != (changed.tier_weights, changed.deals_exempt),
                deadline=order.deadline,
            )

        return await settled(
            attempt,
            name,
            lambda: self._setups.recall_limits(tenant, order.request, order.deadline),
        )

    async def quota(self, rep: RepName, order: Order) -> Quota:
        """Return how far a rep has used his limits.

        Raises:
            NotAllowed: the caller may not look at him.
        """
        ground = await self._custodies.ground(rep.tenant, order.deadline)
        order.viewer.require_holdings(ground.setup, Holder.rep(rep.id))
        use = await self._custodies.quota(
            rep.tenant, counted(ground, rep.id, ClaimLimits(), 0, 0), order.deadline
        )
        limit = ground.setup.holding_limit(Holder.rep(rep.id))
        return Quota(use, ground.setup.limits, limit // MILLI)
