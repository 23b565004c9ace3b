"""The RPCs about pools, members, limits and quotas."""

# ruff: noqa: N802 - methods are named as the contract names them
from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gonghai.pool.v1 import pool_pb2
from gonghai.pool.v1 import pool_service_pb2 as pb
from gonghai.pool.v1 import pool_service_pb2_grpc as pb_grpc
from gonghai_chassis.field_masks import apply_update
from gonghai_chassis.ids import new_id
from gonghai_chassis.instants import set_instant
from gonghai_chassis.names import LimitsName, PoolName, RepName, TenantName, check_id
from gonghai_chassis.page_tokens import page_place, page_size, page_token
from gonghai_pool.commands.pools import with_members, without_members
from gonghai_pool.messages import claim_limits_message, limits_message, pool_message
from gonghai_pool.reading import limits_of, members_of, pool_of
from gonghai_pool.servicers.circumstances import order_of

if TYPE_CHECKING:
    from gonghai_pool.commands.limits import TenantLimits
    from gonghai_pool.commands.pools import CountedPool, Pools
    from gonghai_pool.pools import Limits, Pool


class PoolRpcs(pb_grpc.PoolServiceServicer):
    """What a tenant sets up."""

    _pools: Pools
    _limits: TenantLimits

    async def CreatePool(
        self,
        request: pb.CreatePoolRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> pool_pb2.Pool:
        """Make a pool."""
        tenant = TenantName.parse(request.parent, "parent").tenant
        order = order_of(request)
        # A repeated request without an id of its own must meet the pool that it made.
        made = order.request.fingerprint or new_id()
        ident = check_id(request.pool_id or made, "pool_id")
        pool = pool_of(request.pool, ident, tenant)
        counted = await self._pools.create(tenant, pool, order, trial=request.validate_only)
        return _message(tenant, counted)

    async def GetPool(
        self,
        request: pb.GetPoolRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> pool_pb2.Pool:
        """Get a pool."""
        name = PoolName.parse(request.name)
        return _message(name.tenant, await self._pools.get(name, order_of(request)))

    async def UpdatePool(
        self,
        request: pb.UpdatePoolRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> pool_pb2.Pool:
        """Change a pool."""
        name = PoolName.parse(request.pool.name, "pool.name")

        def change(pool: Pool) -> Pool:
            current = pool_message(name.tenant, pool)
            updated = apply_update(current, request.pool, request.update_mask, "pool")
            read = pool_of(updated, pool.id, name.tenant)
            return replace(read, created=pool.created)

        counted = await self._pools.update(name, change, order_of(request), etag=request.pool.etag)
        return _message(name.tenant, counted)

    async def ListPools(
        self,
        request: pb.ListPoolsRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> pb.ListPoolsResponse:
        """List the pools that the caller may know of."""
        tenant = TenantName.parse(request.parent, "parent").tenant
        place = page_place(request, str)
        found, more = await self._pools.listed(
            tenant, place[0] if place else "", page_size(request), order_of(request)
        )
        answer = pb.ListPoolsResponse(pools=[_message(tenant, one) for one in found])
        if more and found:
            answer.next_page_token = page_token(request, [found[-1].pool.id])
        return answer

    async def DeletePool(
        self,
        request: pb.DeletePoolRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> pb.DeletePoolResponse:
        """Delete an empty pool."""
        name = PoolName.parse(request.name)
        await self._pools.delete(name, order_of(request), etag=request.etag)
        return pb.DeletePoolResponse()

    async def AddPoolMembers(
        self,
        request: pb.AddPoolMembersRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> pool_pb2.Pool:
        """Add members and managers."""
        name = PoolName.parse(request.pool, "pool")
        members = members_of(request.members, name.tenant, "members")
        managers = members_of(request.managers, name.tenant, "managers")
        counted = await self._pools.update(
            name,
            lambda pool: with_members(pool, members, managers),
            order_of(request),
            manages=True,
        )
        return _message(name.tenant, counted)

    async def RemovePoolMembers(
        self,
        request: pb.RemovePoolMembersRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> pool_pb2.Pool:
        """Take members and managers off."""
        name = PoolName.parse(request.pool, "pool")
        members = members_of(request.members, name.tenant, "members")
        managers = members_of(request.managers, name.tenant, "managers")
        counted = await self._pools.update(
            name,
            lambda pool: without_members(pool, members, managers),
            order_of(request),
            manages=True,
        )
        return _message(name.tenant, counted)

    async def GetLimits(
        self,
        request: pb.GetLimitsRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> pool_pb2.Limits:
        """Get the tenant's limits."""
        name = LimitsName.parse(request.name)
        return limits_message(name.tenant, await self._limits.get(name.tenant, order_of(request)))

    async def UpdateLimits(
        self,
        request: pb.UpdateLimitsRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> pool_pb2.Limits:
        """Change the tenant's limits."""
        name = LimitsName.parse(request.limits.name, "limits.name")

        def change(limits: Limits) -> Limits:
            current = limits_message(name.tenant, limits)
            updated = apply_update(current, request.limits, request.update_mask, "limits")
            return limits_of(updated, name.tenant)

        limits = await self._limits.update(
            name.tenant, change, order_of(request), etag=request.limits.etag
        )
        return limits_message(name.tenant, limits)

    async def GetQuota(
        self,
        request: pb.GetQuotaRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> pool_pb2.Quota:
        """Say how far a rep has used his limits."""
        rep = RepName.parse(request.rep, "rep")
        quota = await self._limits.quota(rep, order_of(request))
        message = pool_pb2.Quota(
            rep=str(rep),
            holdings=quota.use.holdings,
            weight_milli=quota.use.weight,
            holding_limit=quota.holding_limit,
            claimed_today=quota.use.today,
            claimed_this_week=quota.use.week,
            claimed_total=quota.use.claimed,
            claim_limits=claim_limits_message(quota.limits.claim_limits),
        )
        if quota.use.last is not None:
            set_instant(message.last_claim_time, quota.use.last)
        return message


def _message(tenant: str, counted: CountedPool) -> pool_pb2.Pool:
    return pool_message(tenant, counted.pool, counted.customers)
