"""Pools are made, changed and deleted; members come and go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gonghai_chassis.errors import (
    AlreadyExists,
    FieldViolation,
    InvalidRequest,
    NotFound,
    PreconditionFailed,
    PreconditionViolation,
    Reason,
)
from gonghai_chassis.etags import check_etag
from gonghai_chassis.names import PoolName
from gonghai_pool.deciding import settled
from gonghai_pool.messages import pool_message
from gonghai_pool.store.setups import PoolInUse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gonghai_pool.commands.order import Order
    from gonghai_pool.ground import Ground
    from gonghai_pool.pools import Member, Pool
    from gonghai_pool.store.custodies import CustodyStore
    from gonghai_pool.store.setups import SetupStore


@dataclass(frozen=True, slots=True)
class CountedPool:
    """A pool, and how many customers are in it."""

    pool: Pool
    customers: int


class Pools:
    """What can be done with a tenant's pools."""

    def __init__(self, custodies: CustodyStore, setups: SetupStore) -> None:
        """Take what it reads and writes."""
        self._custodies = custodies
        self._setups = setups

    async def create(
        self, tenant: str, pool: Pool, order: Order, *, trial: bool = False
    ) -> CountedPool:
        """Make a pool; `pool` has the id and everything that a caller may say.

        Raises:
            AlreadyExists: a pool of this id exists.
            InvalidRequest: it would be a second fallback.
        """
        name = PoolName(tenant, pool.id)

        async def attempt() -> CountedPool:
            ground = await self._custodies.ground(tenant, order.deadline)
            if pool.id in ground.setup.pools:
                raise AlreadyExists(name)
            _check_fallback(ground, pool)
            made = replace(pool, version=1, created=ground.now, updated=ground.now)
            return await self._write(ground, None, made, order, trial=trial)

        async def recall() -> CountedPool | None:
            stored = await self._setups.recall_pool(tenant, order.request, order.deadline)
            return None if stored is None else CountedPool(stored, 0)

        return await settled(attempt, name, recall)

    async def update(
        self,
        name: PoolName,
        change: Callable[[Pool], Pool],
        order: Order,
        *,
        etag: str = "",
        manages: bool = False,
    ) -> CountedPool:
        """Change a pool: `change` gets it as it is and returns it as it should be.

        Args:
            name: the pool.
            change: pure; it may be asked again.
            order: the circumstances.
            etag: what the caller saw; "" for anything.
            manages: it is enough that the caller runs the pool.

        Raises:
            NotFound: there is no such pool.
            EtagMismatch: it is not the one that the caller saw.
            NotAllowed: the caller does not run it.
            InvalidRequest: it would be a second fallback.
        """

        async def attempt() -> CountedPool:
            ground = await self._custodies.ground(name.tenant, order.deadline)
            pool = ground.setup.pools.get(name.id)
            if pool is None:
                raise NotFound(name)
            if manages:
                order.viewer.require_pool(ground.setup, name.id)
            check_etag(etag, pool.version, name)
            changed = replace(change(pool), version=pool.version, updated=pool.updated)
            _check_fallback(ground, changed)
            if changed == pool:
                return await self._with_count(name.tenant, pool, order)
            changed = replace(changed, version=pool.version + 1, updated=ground.now)
            return await self._write(ground, pool, changed, order)

        async def recall() -> CountedPool | None:
            pool = await self._setups.recall_pool(name.tenant, order.request, order.deadline)
            return None if pool is None else await self._with_count(name.tenant, pool, order)

        return await settled(attempt, name, recall)

    async def delete(self, name: PoolName, order: Order, *, etag: str = "") -> None:
        """Delete a pool that no customer is in, is offered from, or is to go on to.

        Raises:
            NotFound: there is no such pool.
            EtagMismatch: it is not the one that the caller saw.
            PreconditionFailed: customers need it, or it is the fallback.
        """

        async def attempt() -> bool:
            ground = await self._custodies.ground(name.tenant, order.deadline)
            pool = ground.setup.pools.get(name.id)
            if pool is None:
                raise NotFound(name)
            check_etag(etag, pool.version, name)
            if pool.fallback:
                raise _in_use(name, "it is the tenant's fallback pool; make another one that first")
            try:
                await self._setups.delete_pool(
                    ground.setup,
                    pool,
                    str(name).encode(),
                    request=(order.request.id, order.request.fingerprint),
                    deadline=order.deadline,
                )
            except PoolInUse as used:
                raise _in_use(name, _needed(used)) from used
            return True

        async def recall() -> bool | None:
            done = await self._setups.deleted_before(name.tenant, order.request, order.deadline)
            return True if done else None

        await settled(attempt, name, recall)

    async def get(self, name: PoolName, order: Order) -> CountedPool:
        """Return a pool.

        Raises:
            NotFound: there is no such pool, or the caller may not know of it.
        """
        setup = await self._setups.current(name.tenant, order.deadline)
        pool = setup.pools.get(name.id)
        if pool is None or not order.viewer.sees_pool(setup, pool):
            raise NotFound(name)
        return await self._with_count(name.tenant, pool, order)

    async def listed(
        self, tenant: str, after: str, limit: int, order: Order
    ) -> tuple[list[CountedPool], bool]:
        """Return the pools that the caller may know of, by id, and whether there are more."""
        setup = await self._setups.current(tenant, order.deadline)
        seen = [
            pool
            for pool in setup.pools.values()
            if pool.id > after and order.viewer.sees_pool(setup, pool)
        ]
        page = seen[:limit]
        counts = await self._setups.count(tenant, [pool.id for pool in page], order.deadline)
        return [CountedPool(pool, counts[pool.id]) for pool in page], len(seen) > limit

    async def _write(
        self, ground: Ground, before: Pool | None, pool: Pool, order: Order, *, trial: bool = False
    ) -> CountedPool:
        fallback_moved = pool.fallback != (before.fallback if before is not None else False)
        stored = await self._setups.write_pool(
            ground.setup,
            pool,
            pool_message(ground.tenant, pool).SerializeToString(),
            request=(order.request.id, order.request.fingerprint),
            # Customers may have waited for such a pool.
            recompute=before is None or fallback_moved,
            trial=trial,
            deadline=order.deadline,
        )
        if before is None:
            return CountedPool(stored, 0)
        return await self._with_count(ground.tenant, stored, order)

    async def _with_count(self, tenant: str, pool: Pool, order: Order) -> CountedPool:
        counts = await self._setups.count(tenant, [pool.id], order.deadline)
        return CountedPool(pool, counts[pool.id])


def with_members(pool: Pool, members: Sequence[Member], managers: Sequence[Member]) -> Pool:
    """Return a pool with these members and managers beside those it has."""
    return replace(
        pool,
        members=tuple(dict.fromkeys((*pool.members, *members))),
        managers=tuple(dict.fromkeys((*pool.managers, *managers))),
    )


def without_members(pool: Pool, members: Sequence[Member], managers: Sequence[Member]) -> Pool:
    """Return a pool without these members and managers."""
    return replace(
        pool,
        members=tuple(one for one in pool.members if one not in members),
        managers=tuple(one for one in pool.managers if one not in managers),
    )


def _check_fallback(ground: Ground, pool: Pool) -> None:
    other = ground.setup.fallback
    if pool.fallback and other not in {"", pool.id}:
        raise InvalidRequest(
            FieldViolation("pool.fallback", f"pool {other} is the tenant's fallback already")
        )


def _needed(used: PoolInUse) -> str:
    said = (
        (used.customers, "customers are in it"),
        (used.offered, "are kept for an offer out of it"),
        (used.coming, "are to go on to it"),
    )
    return ", ".join(f"{count} {words}" for count, words in said if count)


def _in_use(name: PoolName, message: str) -> PreconditionFailed:
    return PreconditionFailed(
        Reason.POOL_IN_USE,
        message,
        [PreconditionViolation(Reason.POOL_IN_USE, str(name), message)],
        metadata={"pool": str(name)},
    )
