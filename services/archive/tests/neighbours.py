"""Pool and assignment as the archive meets them: real servers with made-up answers."""

# ruff: noqa: ANN401, N802 - methods as in the contracts, of messages of three of them
from __future__ import annotations

import asyncio
import base64
from collections import defaultdict
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from zlib import crc32

import grpc
from grpc_status import rpc_status

from gonghai.assignment.v1 import assignment_service_pb2
from gonghai.assignment.v1 import assignment_service_pb2_grpc as assignment_grpc
from gonghai.assignment.v1 import events_pb2 as assignment_events
from gonghai.pool.v1 import (
    custody_pb2,
    events_pb2,
    pool_pb2,
    pool_service_pb2,
    pool_service_pb2_grpc,
)
from gonghai.type.v1 import watch_pb2
from gonghai_chassis.errors import LimitReached, QuotaViolation, Reason
from gonghai_chassis.statuses import status_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PARTITIONS = 4


class Stream:
    """A peer's stream: events by partition, told to whoever watches."""

    def __init__(self, event: Any, response: Any) -> None:
        self._event = event
        self._response = response
        self._events: dict[int, list[Any]] = defaultdict(list)
        self._more = asyncio.Condition()
        self.snapshots = 0

    async def tell(self, tenant: str, subject: str, version: int, **what: Any) -> str:
        """Append an event, and return the consistency token that names it."""
        partition = crc32(tenant.encode()) % PARTITIONS
        events = self._events[partition]
        message = self._event(
            tenant=f"tenants/{tenant}",
            subject=subject,
            version=version,
            position=len(events) + 1,
            nonce=f"n{len(events) + 1}",
            schema=1,
            **what,
        )
        async with self._more:
            events.append(message)
            self._more.notify_all()
        return _token(f"{partition}:life:{len(events)}")

    async def watch(self, request: Any) -> AsyncIterator[Any]:
        partition = request.scope.partition
        position = request.cursor.position
        while True:
            events = self._events[partition][position:]
            position += len(events)
            cursor = watch_pb2.Cursor(partition=partition)
            if position:
                cursor.incarnation, cursor.position, cursor.nonce = "life", position, f"n{position}"
            yield self._response(events=events, checkpoint=watch_pb2.Checkpoint(cursor=cursor))
            async with self._more:
                while len(self._events[partition]) <= position:
                    await self._more.wait()


def _token(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


class FakePool(pool_service_pb2_grpc.PoolServiceServicer):
    """Keeps places for owners up to a limit each, and tells what it is told to tell."""

    def __init__(self, limit: int = 1000) -> None:
        self.limit = limit
        self.reserved: dict[str, tuple[str, str]] = {}
        self.cancelled: list[str] = []
        self.requests: list[str] = []
        self.stream = Stream(events_pb2.Event, pool_service_pb2.WatchResponse)

    async def ReserveCustody(self, request: Any, context: Any) -> custody_pb2.Custody:
        self.requests.append(request.request_id)
        held = [customer for customer, (rep, _) in self.reserved.items() if rep == request.rep]
        if request.customer not in held and len(held) >= self.limit:
            refusal = LimitReached(
                Reason.HOLDING_LIMIT,
                "he holds enough",
                [QuotaViolation(request.rep, "he holds enough")],
                metadata={"rep": request.rep},
            )
            await context.abort_with_status(rpc_status.to_status(status_of(refusal)))
        token = f"token-{request.request_id}"
        self.reserved[request.customer] = (request.rep, token)
        return custody_pb2.Custody(
            customer=request.customer, reservation=custody_pb2.Reservation(token=token)
        )

    async def CancelReservation(self, request: Any, context: Any) -> Any:
        del context
        self.cancelled.append(request.customer)
        self.reserved.pop(request.customer, None)
        return pool_service_pb2.CancelReservationResponse()

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        del context
        async for response in self.stream.watch(request):
            yield response

    async def custody(
        self, tenant: str, customer: str, version: int, state: str, **what: Any
    ) -> str:
        """Tell of a custody; what: pool, owner, team, helpers (rep names)."""
        holder = None
        if "owner" in what:
            holder = custody_pb2.Holder(rep=f"tenants/{tenant}/reps/{what['owner']}")
        elif "team" in what:
            holder = custody_pb2.Holder(team=f"tenants/{tenant}/teams/{what['team']}")
        custody = custody_pb2.Custody(
            customer=f"tenants/{tenant}/customers/{customer}",
            state=custody_pb2.CustodyState.Value(f"CUSTODY_STATE_{state}"),
            pool=f"tenants/{tenant}/pools/{what['pool']}" if "pool" in what else "",
            holder=holder,
            version=version,
            collaborators=[
                custody_pb2.Collaborator(rep=f"tenants/{tenant}/reps/{rep}")
                for rep in what.get("helpers", ())
            ],
        )
        return await self.stream.tell(
            tenant, customer, version, custody_changed=events_pb2.CustodyChanged(custody=custody)
        )

    async def pool(self, tenant: str, pool: str, version: int, **what: Any) -> str:
        """Tell of a pool; what: members, managers, hidden_fields."""
        message = pool_pb2.Pool(name=f"tenants/{tenant}/pools/{pool}", display_name=pool, **what)
        return await self.stream.tell(tenant, pool, version, pool_changed=message)


class FakeAssignment(assignment_grpc.AssignmentServiceServicer):
    """Tells what it is told to tell."""

    def __init__(self) -> None:
        self.stream = Stream(assignment_events.Event, assignment_service_pb2.WatchResponse)

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        del context
        async for response in self.stream.watch(request):
            yield response


class Neighbours:
    """Both peers, served."""

    def __init__(self, pool: FakePool, assignment: FakeAssignment, address: str) -> None:
        self.pool = pool
        self.assignment = assignment
        self.address = address


@asynccontextmanager
async def neighbours(limit: int = 1000) -> AsyncIterator[Neighbours]:
    """Serve pool and assignment on one free port."""
    server = grpc.aio.server()
    pool, assignment = FakePool(limit), FakeAssignment()
    pool_service_pb2_grpc.add_PoolServiceServicer_to_server(pool, server)
    assignment_grpc.add_AssignmentServiceServicer_to_server(assignment, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield Neighbours(pool, assignment, f"127.0.0.1:{port}")
    finally:
        await server.stop(0)
