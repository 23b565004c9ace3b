"""Archive and pool as assignment meets them: real gRPC servers that say what a test wants."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
from grpc_status import rpc_status

from gonghai.archive.v1 import archive_service_pb2
from gonghai.archive.v1 import events_pb2 as archive_events
from gonghai.archive.v1.archive_service_pb2_grpc import (
    ArchiveServiceServicer,
    add_ArchiveServiceServicer_to_server,
)
from gonghai.pool.v1 import custody_pb2, pool_pb2, pool_service_pb2
from gonghai.pool.v1 import events_pb2 as pool_events
from gonghai.pool.v1.pool_service_pb2_grpc import (
    PoolServiceServicer,
    add_PoolServiceServicer_to_server,
)
from gonghai_chassis.errors import (
    AlreadyExists,
    Contention,
    EtagMismatch,
    LimitReached,
    PreconditionFailed,
    PreconditionViolation,
    QuotaViolation,
    Reason,
    Refusal,
    WrongState,
)
from gonghai_chassis.names import CustomerName, PoolName, RepName, TenantName
from gonghai_chassis.statuses import status_of
from gonghai_chassis.store.partitions import partition_index
from gonghai_policy_service.values import to_values

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TENANT = "acme"
PARTITIONS = 4
_HEARTBEAT = 0.2


class Stream:
    """The events of a service, in memory, one list for all tests' tenants of one partition."""

    def __init__(self, watched: type[Any], exported: type[Any]) -> None:
        self._watched = watched
        self._exported = exported
        self.events: list[Any] = []
        self.snapshot: list[Any] = []
        self.first = 1
        self._news = asyncio.Event()

    def append(self, event: Any, tenant: str, subject: str, version: int) -> None:  # noqa: ANN401 - two contracts
        event.tenant = str(TenantName(tenant))
        event.position = self.first + len(self.events)
        event.nonce = f"n{event.position}"
        event.subject = subject
        event.version = version
        event.schema = 1
        self.events.append(event)
        self._news.set()

    @property
    def head(self) -> int:
        return self.first - 1 + len(self.events)

    def forget(self, snapshot: list[Any]) -> None:
        """As if the retained events were gone, and only a snapshot were left."""
        self.first += len(self.events)
        self.events.clear()
        self.snapshot = snapshot
        self._news.set()

    async def watch(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: ANN401
        partition = request.scope.partition
        position = request.cursor.position
        if position < self.first - 1:
            await context.abort_with_status(rpc_status.to_status(status_of(_too_old())))
        while True:
            self._news.clear()
            response = self._watched()
            new = [event for event in self.events if event.position > position]
            mine = partition == partition_index(TENANT, PARTITIONS)
            response.events.extend(new if mine else [])
            position = self.head if mine else 0
            _cursor(response, position, partition)
            yield response
            try:
                async with asyncio.timeout(_HEARTBEAT):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def export(self, request: Any) -> AsyncIterator[Any]:  # noqa: ANN401
        response = self._exported()
        _cursor(response, self.head, request.scope.partition)
        yield response
        if request.scope.partition == partition_index(TENANT, PARTITIONS):
            response = self._exported()
            response.events.extend(self.snapshot)
            yield response


def _cursor(response: Any, position: int, partition: int) -> None:  # noqa: ANN401
    cursor = response.checkpoint.cursor
    cursor.partition = partition
    if position:
        cursor.incarnation = "life"
        cursor.position = position
        cursor.nonce = f"n{position}"


def _too_old() -> Refusal:
    return Refusal(Reason.CURSOR_TOO_OLD, "gone", metadata={"oldest_cursor": "-"})


class FakeArchive(ArchiveServiceServicer):
    """Tells of customers."""

    def __init__(self) -> None:
        self.stream = Stream(
            archive_service_pb2.WatchResponse, archive_service_pb2.ExportSnapshotResponse
        )

    def tell(self, customer: str, *, version: int = 1, tenant: str = TENANT, **facts: Any) -> None:  # noqa: ANN401
        """A customer was made or changed."""
        event = archive_events.Event(
            customer_changed=customer_facts(customer, version=version, tenant=tenant, **facts)
        )
        self.stream.append(event, tenant, customer, version)

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: ANN401, N802
        async for response in self.stream.watch(request, context):
            yield response

    async def ExportSnapshot(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: ANN401, ARG002, N802
        async for response in self.stream.export(request):
            yield response


def customer_facts(
    customer: str,
    *,
    version: int = 1,
    tenant: str = TENANT,
    tier: str = "key",
    rank: int = 90,
    region: str = "",
    stage: str = "",
    group: str = "",
    **facts: Any,  # noqa: ANN401 - as the plugin likes
) -> archive_events.CustomerFacts:
    return archive_events.CustomerFacts(
        customer=str(CustomerName(tenant, customer)),
        version=version,
        tier=tier,
        tier_rank=rank,
        region=region,
        stage=stage,
        group=group,
        facts=to_values(facts),
    )


@dataclass(slots=True)
class Fault:
    """What goes wrong with the next call.

    Attributes:
        refusal: it is refused so.
        lost: it is carried out, and the answer is lost.
        unreachable: it never arrives.
        hangs: it is carried out, and nothing is said about it.
        fails: it ends with an error of which nothing can be concluded.
    """

    refusal: Refusal | None = None
    lost: bool = False
    unreachable: bool = False
    hangs: bool = False
    fails: bool = False


@dataclass(slots=True)
class FakePool(PoolServiceServicer):
    """Holds customers, and assigns them as pool promises to."""

    stream: Stream = field(
        default_factory=lambda: Stream(
            pool_service_pb2.WatchResponse, pool_service_pb2.ExportSnapshotResponse
        )
    )
    custodies: dict[str, custody_pb2.Custody] = field(default_factory=dict)
    calls: list[pool_service_pb2.AssignCustomerRequest] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    full: set[str] = field(default_factory=set)
    answered: dict[str, custody_pb2.Custody] = field(default_factory=dict)
    poisoned: set[str] = field(default_factory=set)
    """Customers about whom every call ends with a fault of pool's own."""
    quiet: bool = False
    """Whether assignments are not told of until `tell_held`."""
    untold: list[str] = field(default_factory=list)

    def admit(self, customer: str, *, tenant: str = TENANT, **changes: Any) -> None:  # noqa: ANN401
        """A customer entered a pool."""
        self.change(
            customer,
            tenant=tenant,
            state=custody_pb2.CUSTODY_STATE_IN_POOL,
            holder=None,
            pool=str(PoolName(tenant, "open")),
            **changes,
        )

    def hold(self, customer: str, rep: str, *, tenant: str = TENANT, **changes: Any) -> None:  # noqa: ANN401
        """A rep got a customer by another way than by assignment."""
        self.change(
            customer,
            tenant=tenant,
            state=custody_pb2.CUSTODY_STATE_HELD,
            holder=custody_pb2.Holder(rep=str(RepName(tenant, rep))),
            **changes,
        )

    def change(
        self,
        customer: str,
        *,
        tenant: str = TENANT,
        stays: bool = False,
        tell: bool = True,
        **changes: Any,  # noqa: ANN401 - fields of Custody
    ) -> custody_pb2.Custody:
        """Change a custody and tell of it; `stays` leaves the term as it is."""
        name = str(CustomerName(tenant, customer))
        before = self.custodies.get(name) or custody_pb2.Custody(
            customer=name, archive_version=1, weight_milli=1000
        )
        after = custody_pb2.Custody()
        after.CopyFrom(before)
        for key, value in changes.items():
            after.ClearField(key)  # type: ignore[arg-type]
            if isinstance(value, (str, int, bool)):
                setattr(after, key, value)
            elif value is not None:
                getattr(after, key).CopyFrom(value)
        after.version += 1
        if not stays:
            after.term += 1
        self.custodies[name] = after
        if tell:
            self._tell(after, tenant)
        else:
            self.untold.append(name)
        return after

    def limit_cool_down(self, *, days: int) -> None:
        """The tenant's limits have a cool-down."""
        limits = pool_pb2.Limits(
            name=f"{TenantName(TENANT)}/limits",
            claim_limits=pool_pb2.ClaimLimits(cool_down_days=days),
        )
        self.stream.append(pool_events.Event(limits_changed=limits), TENANT, TENANT, 1)

    def tell_held(self) -> None:
        """Tell of the assignments kept quiet so far."""
        untold, self.untold = self.untold, []
        for name in untold:
            self._tell(self.custodies[name], CustomerName.parse(name).tenant)

    def _tell(self, custody: custody_pb2.Custody, tenant: str) -> None:
        changed = pool_events.CustodyChanged()
        changed.custody.CopyFrom(custody)
        event = pool_events.Event(custody_changed=changed)
        self.stream.append(event, tenant, CustomerName.parse(custody.customer).id, custody.version)

    async def AssignCustomer(self, request: Any, context: Any) -> custody_pb2.Custody:  # noqa: ANN401, N802
        """Give a customer in a pool to somebody."""
        message = pool_service_pb2.AssignCustomerRequest()
        message.CopyFrom(request)
        self.calls.append(message)
        fault = self.faults.pop(0) if self.faults else Fault()
        if fault.unreachable:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "not there")
        if fault.fails or message.customer in self.poisoned:
            await context.abort(grpc.StatusCode.INTERNAL, "a fault of pool's own")
        refusal = fault.refusal or self._refusal(message)
        if refusal is not None:
            await context.abort_with_status(rpc_status.to_status(status_of(refusal)))
        known = self.answered.get(message.request_id)
        if known is None:
            name = CustomerName.parse(message.customer)
            known = self.change(
                name.id,
                tenant=name.tenant,
                tell=not self.quiet,
                state=custody_pb2.CUSTODY_STATE_HELD,
                holder=message.holder,
            )
            self.answered[message.request_id] = known
        if fault.lost:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the answer is lost")
        if fault.hangs:
            await asyncio.Event().wait()
        return known

    def _refusal(self, message: pool_service_pb2.AssignCustomerRequest) -> Refusal | None:
        if message.request_id in self.answered:
            return None
        custody = self.custodies[message.customer]
        if custody.state != custody_pb2.CUSTODY_STATE_IN_POOL:
            return not_in_pool(message.customer)
        if custody.term != message.custody_term:
            return EtagMismatch(message.customer)
        if message.holder.rep and RepName.parse(message.holder.rep).id in self.full:
            return holding_limit(message.holder.rep)
        return None

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: ANN401, N802
        """Stream the changes."""
        async for response in self.stream.watch(request, context):
            yield response

    async def ExportSnapshot(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: ANN401, ARG002, N802
        """Stream the present state."""
        async for response in self.stream.export(request):
            yield response

    def holder(self, customer: str) -> str:
        """Id of the rep who holds a customer, or ""."""
        custody = self.custodies[str(CustomerName(TENANT, customer))]
        return custody.holder.rep.rpartition("/")[2]


def not_in_pool(customer: str) -> Refusal:
    return WrongState(
        customer,
        "HELD",
        "somebody holds it",
        reason=Reason.CUSTOMER_NOT_IN_POOL,
        metadata={"customer": customer, "state": "HELD"},
    )


def holding_limit(rep: str) -> Refusal:
    return LimitReached(
        Reason.HOLDING_LIMIT, "no room", [QuotaViolation(rep, "no room")], metadata={"rep": rep}
    )


def not_active(rep: str) -> Refusal:
    violation = PreconditionViolation(Reason.REP_NOT_ACTIVE, rep, "has left")
    return PreconditionFailed(Reason.REP_NOT_ACTIVE, "has left", [violation], metadata={"rep": rep})


def contended(customer: str) -> Refusal:
    return Contention(customer)


def exists(name: str) -> Refusal:
    return AlreadyExists(name)


@dataclass(frozen=True, slots=True)
class Peers:
    """Both, being served."""

    archive: FakeArchive
    pool: FakePool
    archive_address: str
    pool_address: str

    def admit(self, customer: str, **changes: Any) -> None:  # noqa: ANN401
        """A new customer: archive tells, then pool."""
        self.archive.tell(customer)
        self.pool.admit(customer, **changes)


@asynccontextmanager
async def serving_peers() -> AsyncIterator[Peers]:
    """Serve archive and pool."""
    archive, pool = FakeArchive(), FakePool()
    servers = []
    addresses = []
    for add, servicer in (
        (add_ArchiveServiceServicer_to_server, archive),
        (add_PoolServiceServicer_to_server, pool),
    ):
        server = grpc.aio.server()
        add(servicer, server)  # type: ignore[arg-type]
        addresses.append(f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}")
        await server.start()
        servers.append(server)
    try:
        yield Peers(archive, pool, *addresses)
    finally:
        for server in servers:
            await server.stop(0)
