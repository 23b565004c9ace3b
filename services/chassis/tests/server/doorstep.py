"""A small service behind the real door, for the tests of this folder."""

# A servicer's methods have the names and arguments that grpc gives them.
# ruff: noqa: N802, ARG002, ANN401

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from gonghai.archive.v1 import archive_service_pb2 as archive
from gonghai.archive.v1 import archive_service_pb2_grpc as archive_grpc
from gonghai.pool.v1 import custody_pb2
from gonghai.pool.v1 import pool_service_pb2 as pool
from gonghai.pool.v1 import pool_service_pb2_grpc as pool_grpc
from gonghai_chassis.context import RequestContext, current
from gonghai_chassis.settings import Settings
from gonghai_chassis.testing.serving import dev_settings, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from gonghai_chassis.assembly import Assembly
    from gonghai_chassis.testing.serving import Served


async def _nothing() -> None:
    pass


class Pool(pool_grpc.PoolServiceServicer):
    """Does what a test puts into `act`, and remembers what it was called with."""

    def __init__(self) -> None:
        self.act: Callable[[], Awaitable[None]] = _nothing
        self.contexts: list[RequestContext] = []
        self.entered = asyncio.Event()
        self.closed = asyncio.Event()

    async def GetCustody(
        self, request: pool.GetCustodyRequest, context: Any
    ) -> custody_pb2.Custody:
        self.contexts.append(current())
        self.entered.set()
        await self.act()
        return custody_pb2.Custody(name=request.name)

    async def ClaimCustomer(
        self, request: pool.ClaimCustomerRequest, context: Any
    ) -> custody_pb2.Custody:
        self.contexts.append(current())
        self.entered.set()
        await self.act()
        return custody_pb2.Custody(name=f"{request.customer}/custody")

    async def Watch(
        self, request: pool.WatchRequest, context: Any
    ) -> AsyncIterator[pool.WatchResponse]:
        self.contexts.append(current())
        try:
            while True:
                yield pool.WatchResponse()
                await self.act()
        finally:
            self.closed.set()


class Archive(archive_grpc.ArchiveServiceServicer):
    """Counts what is streamed in."""

    async def IngestActivities(
        self, request_iterator: AsyncIterator[archive.IngestActivitiesRequest], context: Any
    ) -> archive.IngestActivitiesResponse:
        recorded = 0
        async for request in request_iterator:
            recorded += len(request.activities)
        return archive.IngestActivitiesResponse(recorded=recorded)


def door(
    servicer: Pool, settings: Settings | None = None, **more: Any
) -> AbstractAsyncContextManager[Served[Settings]]:
    """Serve the servicer behind the whole chain."""

    async def assemble(assembly: Assembly[Settings]) -> None:
        assembly.serve(pool_grpc.add_PoolServiceServicer_to_server, servicer)
        assembly.serve(archive_grpc.add_ArchiveServiceServicer_to_server, Archive())

    return serving("pool", assemble, settings or dev_settings(Settings, **more))


GET = pool.GetCustodyRequest(name="tenants/acme/customers/c1/custody")
CLAIM = pool.ClaimCustomerRequest(
    customer="tenants/acme/customers/c1", rep="tenants/acme/reps/wang", request_id="r1"
)
