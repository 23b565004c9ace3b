"""Watch as outsiders meet it: over real gRPC, from a real store, however slowly they read."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gonghai.pool.v1 import custody_pb2, events_pb2, pool_service_pb2
from gonghai.pool.v1.pool_service_pb2_grpc import (
    PoolServiceServicer,
    PoolServiceStub,
    add_PoolServiceServicer_to_server,
)
from gonghai.type.v1 import watch_pb2
from gonghai_chassis.context import current
from gonghai_chassis.dev_clock import DevClock
from gonghai_chassis.events import EventStream, SnapshotItem, Tail
from gonghai_chassis.instants import instant_of
from gonghai_chassis.settings import Settings
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.counting import DUE_KIND
from gonghai_chassis.testing.refusals import refused
from gonghai_chassis.testing.serving import Served, dev_settings, serving
from gonghai_chassis.watching import WatchServer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    import pytest

    from gonghai_chassis.assembly import Assembly
    from gonghai_chassis.events import Batch, Cursor
    from gonghai_chassis.store import Partition, Store, StoreSettings

TENANT = "acme"
PARENT = f"tenants/{TENANT}"
MIB = 1 << 20


@dataclass
class Watched(PoolServiceServicer):
    """A service that has nothing but a stream."""

    watching: WatchServer | None = None
    store: Store | None = None
    snapshot: list[SnapshotItem] = field(default_factory=list)
    written: int = 0

    async def assemble(self, assembly: Assembly[Settings]) -> None:
        self.store = store = await assembly.open_store()
        tail = await Tail.open(store)
        assembly.on_close("tail", tail.close)
        self.watching = WatchServer(
            store,
            EventStream(store, (DUE_KIND,)),
            tail,
            events_pb2.Event,
            pool_service_pb2.WatchResponse,
            pool_service_pb2.ExportSnapshotResponse,
            self.items,
        )
        assembly.serve(add_PoolServiceServicer_to_server, self)

    async def items(
        self, partition: Partition, tenant: str | None
    ) -> AsyncGenerator[SnapshotItem, None]:
        del partition, tenant
        for item in self.snapshot:
            yield item

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802, ANN401
        del context
        assert self.watching is not None
        async for response in self.watching.watch(request):
            yield response

    async def ExportSnapshot(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802, ANN401
        del context
        assert self.watching is not None
        async for response in self.watching.export(request):
            yield response

    async def write(self, count: int, size: int, tenant: str = TENANT) -> None:
        """Appends events of about so many bytes, as a script of the service would."""
        assert self.store is not None
        p = self.store.partition(tenant)
        client = self.store.client(p)
        for _ in range(count):
            self.written += 1
            await client.xadd(
                p.keys.stream,
                {
                    "kind": "custody_changed",
                    "tenant": tenant,
                    "subject": f"c{self.written}",
                    "version": 1,
                    "time": 1,
                    "real": 1,
                    "nonce": f"{self.written:016x}",
                    "schema": 1,
                    "payload": changed("x" * size),
                },
                id=f"{self.written}-0",
            )
            life: Any = {"incarnation": "0123456789abcdef", "seq": str(self.written)}
            await client.hset(p.keys.meta, mapping=life)
        await client.publish("gh:wake:pool", str(p.index))


def changed(reason: str) -> bytes:
    return events_pb2.CustodyChanged(custody=custody_pb2.Custody(reason=reason)).SerializeToString()


@asynccontextmanager
async def watched(store: StoreSettings) -> AsyncIterator[tuple[Watched, Served[Settings]]]:
    service = Watched()
    async with serving("pool", service.assemble, dev_settings(Settings, store=store)) as served:
        yield service, served


def ask(**more: Any) -> pool_service_pb2.WatchRequest:  # noqa: ANN401
    scope = watch_pb2.WatchScope(tenant=more.pop("tenant", PARENT))
    return pool_service_pb2.WatchRequest(scope=scope, **more)


async def positions(call: Any, until: int) -> list[int]:  # noqa: ANN401
    """Of what comes, up to a position."""
    seen: list[int] = []
    while not seen or seen[-1] < until:
        response = await call.read()
        seen += [event.position for event in response.events]
    return seen


async def test_who_does_not_read_is_paused_and_holds_up_nobody(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    of_stream = EventStream.read_together

    async def counted(
        self: EventStream, partition: Partition, cursor: Cursor, *, limit: int, heard: int
    ) -> Batch:
        batch = await of_stream(self, partition, cursor, limit=limit, heard=heard)
        if current().principal.subject == "admin:slow":
            read.extend(event.position for event in batch.events)
        return batch

    async with watched(store_settings) as (service, served):
        stub: Any = served.stub(PoolServiceStub, principal=f"admin:slow@{TENANT}")
        await service.write(1, 10)
        slow = stub.Watch(ask())
        assert [event.position for event in (await slow.read()).events] == [1]
        monkeypatch.setattr(EventStream, "read_together", counted)
        # Some 40 MiB, of which he reads nothing: more than any buffer between him and the server.
        for _ in range(20):
            await service.write(40, MIB // 20)
        total = service.written
        quick: Any = served.stub(PoolServiceStub)
        one = quick.Watch(ask())
        assert await positions(one, total) == list(range(1, total + 1))
        one.cancel()
        # For the slow one the server has read what the connection takes, and what is next.
        assert 0 < len(read) < total / 2
        # When he goes on, he has missed nothing.
        assert await positions(slow, total) == list(range(2, total + 1))


async def test_who_stopped_reading_until_the_stream_was_trimmed_is_told_so(
    store_settings: StoreSettings,
) -> None:
    async with watched(store_settings) as (service, served):
        stub: Any = served.stub(PoolServiceStub)
        slow = stub.Watch(ask())
        await anext(aiter(slow))
        for _ in range(20):
            await service.write(40, MIB // 20)
        assert service.store is not None
        await EventStream(service.store).trim(service.store.partition(TENANT), max_length=1)
        seen = 0

        async def goes_on() -> None:
            nonlocal seen
            async for response in slow:
                for event in response.events:
                    assert event.position == seen + 1
                    seen = event.position

        assert (await refused(goes_on())).reason == "CURSOR_TOO_OLD"
        assert seen < service.written


async def test_messages_are_small_enough_for_any_client(store_settings: StoreSettings) -> None:
    async with watched(store_settings) as (service, served):
        stub: Any = served.stub(PoolServiceStub)
        # A batch would be 12 MiB, three times what a client takes.
        await service.write(48, MIB // 4)
        call = stub.Watch(ask())
        seen: list[int] = []
        while not seen or seen[-1] < 48:
            response = await call.read()
            assert response.ByteSize() < 2 * MIB
            seen += [event.position for event in response.events]
            assert response.checkpoint.cursor.position == seen[-1]
            assert response.checkpoint.HasField("changes_through") == (seen[-1] == 48)
            if seen[-1] == 4:
                # Who comes back in the middle of a batch goes on there.
                call.cancel()
                call = stub.Watch(ask(cursor=response.checkpoint.cursor))
        assert seen == list(range(1, 49))
        item = SnapshotItem("custody_changed", TENANT, "c1", 1, changed("x" * (MIB // 4)))
        service.snapshot = [item] * 48
        scope = watch_pb2.WatchScope(tenant=PARENT)
        request = pool_service_pb2.ExportSnapshotRequest(scope=scope)
        count = 0
        async for exported in stub.ExportSnapshot(request):
            assert exported.ByteSize() < 2 * MIB
            count += len(exported.events)
        assert count == 48


async def test_a_watch_is_filtered_resumed_and_refused_by_cursor(
    store_settings: StoreSettings,
) -> None:
    async with watched(store_settings) as (service, served):
        stub: Any = served.stub(PoolServiceStub)
        await service.write(3, 10)
        call = stub.Watch(ask(kinds=["pool_changed"]))
        response = await call.read()
        assert not response.events
        assert response.checkpoint.cursor.position == 3
        await service.write(1, 10)
        call = stub.Watch(ask(cursor=response.checkpoint.cursor))
        assert [event.position for event in (await call.read()).events] == [4]
        cursor = watch_pb2.Cursor()
        cursor.CopyFrom(response.checkpoint.cursor)
        cursor.nonce = "f" * 16
        lost = stub.Watch(ask(cursor=cursor))
        assert (await refused(anext(aiter(lost)))).reason == "CURSOR_TOO_OLD"
        cursor.partition += 1
        other = stub.Watch(ask(cursor=cursor))
        assert (await refused(anext(aiter(other)))).reason == "INVALID_CURSOR"
        unknown = stub.Watch(ask(kinds=["nonsense"]))
        assert (await refused(anext(aiter(unknown)))).reason == "INVALID_FIELD"


async def test_what_was_promised_stands_after_a_restart(store_settings: StoreSettings) -> None:
    async with watched(store_settings) as (service, served):
        assert service.store is not None
        p = service.store.partition(TENANT)
        clock = DevClock(service.store, {})
        now = (await clock.set(None, frozen=True)).now
        first: Any = served.stub(PoolServiceStub)
        promised = instant_of((await first.Watch(ask()).read()).checkpoint.changes_through)
        assert promised == now
        # Work that fell due earlier is found undone, as after a loss: the promise stays.
        await service.store.client().zadd(p.due_key(DUE_KIND), {"late": now - 1000})
    async with watched(store_settings) as (_, served):
        stub: Any = served.stub(PoolServiceStub)
        call = stub.Watch(ask())

        async def again() -> bool:
            response = await call.read()
            return instant_of(response.checkpoint.changes_through) == promised

        await eventually(again)
