"""The present state, for those who rebuild what they keep of the pool service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gonghai_chassis.events import SnapshotItem
from gonghai_pool.messages import limits_message, pool_message, snapshot_event

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from gonghai_chassis.store import Partition
    from gonghai_pool.store.custodies import CustodyStore

_BATCH: Final = 200


class Snapshot:
    """Reads pools, limits and custodies, tenant by tenant, in batches."""

    def __init__(self, custodies: CustodyStore) -> None:
        """Take what it reads."""
        self._custodies = custodies

    async def __call__(
        self, partition: Partition, tenant: str | None
    ) -> AsyncGenerator[SnapshotItem, None]:
        """Yield each subject of a partition, or of one tenant in it, as it is now."""
        tenants = [tenant] if tenant else await self._custodies.tenants(partition)
        for one in tenants:
            async for item in self._setup(one):
                yield item
            after = ""
            while customers := await self._custodies.customers(one, after, _BATCH):
                for situation in await self._custodies.situations(one, customers):
                    custody = situation.custody
                    if custody is not None:
                        yield SnapshotItem(
                            "custody_changed",
                            one,
                            custody.customer,
                            custody.version,
                            snapshot_event(one, custody),
                        )
                after = customers[-1]

    async def _setup(self, tenant: str) -> AsyncGenerator[SnapshotItem, None]:
        setup = (await self._custodies.ground(tenant)).setup
        for pool in setup.pools.values():
            payload = pool_message(tenant, pool).SerializeToString()
            yield SnapshotItem("pool_changed", tenant, pool.id, pool.version, payload)
        if setup.limits.version:
            payload = limits_message(tenant, setup.limits).SerializeToString()
            yield SnapshotItem("limits_changed", tenant, tenant, setup.limits.version, payload)
