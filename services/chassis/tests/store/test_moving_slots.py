"""Slots that move to another master while callers count: nobody is refused, nothing is lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest
from redis.crc import key_slot
from services.chassis.tests.backup.stores import tenant_of

from gonghai_chassis import assembly
from gonghai_chassis.embedded import LOOPBACK
from gonghai_chassis.events import (
    Cursor,
    Event,
    EventStream,
    Quarantine,
    Quarantined,
    Step,
    read_progress,
)
from gonghai_chassis.settings import Settings
from gonghai_chassis.store import Store, StoreSettings
from gonghai_chassis.store.connection import ClusterConnection
from gonghai_chassis.store.failures import StoreUnavailable, StoreUnusable
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.counting import Counters
from gonghai_chassis.testing.plugin import PARTITIONS, flush
from gonghai_chassis.testing.serving import dev_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from redis.asyncio import Redis

    from gonghai_chassis.store import Partition

TENANT = "acme"
PATIENCE = 30.0
"""Seconds after which what does not come is held to come never."""


class Move:
    """A tenant's slot on its way from the master that has it to another one."""

    def __init__(self, store: Store) -> None:
        self.partition = store.partition(TENANT)
        self.slot = key_slot(self.partition.keys.clock.encode())
        self.source = store.client(self.partition)
        clients = [store.client(other) for other in store.partitions]
        self.target = next(client for client in clients if client is not self.source)

    async def begin(self) -> None:
        """From here on each side has some of the keys."""
        source, target = await node_id(self.source), await node_id(self.target)
        await order(self.target, "CLUSTER", "SETSLOT", self.slot, "IMPORTING", source)
        await order(self.source, "CLUSTER", "SETSLOT", self.slot, "MIGRATING", target)

    async def some(self, count: int) -> int:
        """Moves some keys; answers how many there were."""
        keys = await order(self.source, "CLUSTER", "GETKEYSINSLOT", self.slot, count)
        if keys:
            await self.these(*keys)
        return len(keys)

    async def these(self, *keys: str | bytes) -> None:
        """Moves these keys."""
        port = self.target.connection_pool.connection_kwargs["port"]
        await order(self.source, "MIGRATE", LOOPBACK, port, "", 0, 5000, "KEYS", *keys)

    async def end(self) -> None:
        """From here on the other master has the slot."""
        new = await node_id(self.target)
        for client in (self.target, self.source):
            await order(client, "CLUSTER", "SETSLOT", self.slot, "NODE", new)

    async def whole(self) -> None:
        """Begins, moves everything, ends."""
        await self.begin()
        while await self.some(100):
            pass
        await self.end()

    async def refusals(self) -> Counter[str]:
        """How often the two servers refused, by the word they said."""
        found: Counter[str] = Counter()
        for client in (self.source, self.target):
            for name, about in (await client.info("errorstats")).items():
                found[name.removeprefix("errorstat_")] += about["count"]
        return found


@asynccontextmanager
async def moving(
    url: str, *, replicas: int = 0, patience: float = 5
) -> AsyncIterator[tuple[Store, Move]]:
    """A store and a slot that can be moved; in the end it is where it was."""
    flush(url)
    settings = StoreSettings(
        url=url, partitions=PARTITIONS, wait_replicas=replicas, default_deadline=patience
    )
    store = await Store.open(settings, area="pool")
    move = Move(store)
    try:
        yield store, move
    finally:
        await store.close()
        settled = await Store.open(settings, area="pool")
        back = Move(settled)
        home = move.source.connection_pool.connection_kwargs["port"]
        if back.source.connection_pool.connection_kwargs["port"] != home:
            assert isinstance(settled.connection, ClusterConnection)
            back.target = settled.connection._at(LOOPBACK, home)[0]
            await back.whole()
        await settled.close()


@pytest.mark.parametrize(("kind", "replicas"), [("store_cluster", 1), ("redis_cluster", 0)])
async def test_callers_notice_nothing_of_a_slot_that_moves_key_by_key(
    kind: str, replicas: int, request: pytest.FixtureRequest
) -> None:
    async with moving(request.getfixturevalue(kind), replicas=replicas) as (store, move):
        before = await move.refusals()

        async def heard(word: str) -> bool:
            return (await move.refusals())[word] > before[word]

        async def work(counted: Callable[[int], Awaitable[None]]) -> None:
            await move.target.script_flush()
            await move.begin()
            await move.some(20)
            # Some keys are here and some there.
            await eventually(lambda: heard("TRYAGAIN"))
            while await move.some(20):
                pass
            # All that there are are there, and new ones are not taken yet.
            await eventually(lambda: heard("ASK"))
            await move.end()
            await counted(20)
            for word in ("MOVED", "NOSCRIPT"):
                assert await heard(word)

        await counted_throughout(store, work)
        assert store.client(move.partition) is move.target


async def test_callers_notice_nothing_of_a_slot_that_moves_at_one_stroke(
    store_cluster: str,
) -> None:
    async with moving(store_cluster) as (store, move):

        async def work(counted: Callable[[int], Awaitable[None]]) -> None:
            slot, target = move.slot, await node_id(move.target)
            words = ("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", target)
            await order(move.source, *words)
            await eventually(lambda: _serves(move.target, slot), within=30)
            await counted(20)

        await counted_throughout(store, work)
        assert store.client(move.partition) is move.target


async def counted_throughout(
    store: Store, work: Callable[[Callable[[int], Awaitable[None]]], Awaitable[None]]
) -> None:
    """Lets eight callers count, who do not ask twice, while something is done to the store."""
    counters = Counters(store)
    done = dict.fromkeys((f"s{n}" for n in range(8)), 0)
    over = asyncio.Event()

    async def caller(subject: str) -> None:
        while not over.is_set():
            request_id = f"{subject}-{done[subject]}"
            await counters.count(TENANT, subject, request_id=request_id, deadline=monotonic() + 20)
            done[subject] += 1

    async def counted(more: int) -> None:
        goal = sum(done.values()) + more
        await eventually(lambda: sum(done.values()) >= goal)

    callers = [asyncio.create_task(caller(subject)) for subject in done]
    await counted(100)
    await work(counted)
    over.set()
    await asyncio.gather(*callers)
    for subject, count in done.items():
        assert await counters.value(TENANT, subject) == count
    batch = await EventStream(store).read(store.partition(TENANT), Cursor.START, limit=100_000)
    assert [event.position for event in batch.events] == list(range(1, sum(done.values()) + 1))


async def test_who_cannot_wait_for_a_slot_under_way_is_refused_and_nothing_is_done(
    store_cluster: str,
) -> None:
    # Without his own deadline he would wait for ever.
    async with moving(store_cluster, patience=600) as (store, move):
        counters = Counters(store)
        await counters.count(TENANT, "a")
        await move.begin()
        await move.some(1)
        with pytest.raises(StoreUnavailable):
            async with asyncio.timeout(PATIENCE):
                await counters.count(TENANT, "a", request_id="r", deadline=monotonic() + 0.2)
        while await move.some(100):
            pass
        await move.end()
        assert await counters.value(TENANT, "a") == 1
        assert not (await counters.count(TENANT, "a", request_id="r")).replayed


@pytest.mark.parametrize("kind", ["store_cluster", "redis_cluster"])
async def test_other_partitions_are_served_while_a_slot_is_under_way(
    kind: str, request: pytest.FixtureRequest
) -> None:
    async with moving(request.getfixturevalue(kind), patience=600) as (store, move):
        counters = Counters(store)
        await counters.count(TENANT, "a")
        await move.begin()
        await move.some(1)
        # More than go in all its round trips at once.
        room = store.settings.batch * store.settings.pipelines
        waiting = [
            asyncio.create_task(counters.count(TENANT, "a", request_id=f"r{number}"))
            for number in range(room + 1)
        ]
        async with asyncio.timeout(PATIENCE):
            for partition in store.partitions:
                if partition != move.partition:
                    tenant = tenant_of(store, partition.index)
                    assert (await counters.count(tenant, "b")).fields["count"] == 1
                    assert await counters.value(tenant, "b") == 1
        assert not any(each.done() for each in waiting)
        while await move.some(100):
            pass
        await move.end()
        counted = [reply.fields["count"] for reply in await asyncio.gather(*waiting)]
        assert sorted(counted) == list(range(2, room + 3))


async def test_a_service_is_ready_while_a_slot_is_under_way(
    store_cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assembly, "_ANSWERS_WITHIN", 0.1)
    async with moving(store_cluster) as (_, move):
        settings = StoreSettings(url=store_cluster, partitions=PARTITIONS)
        service = assembly.Assembly("pool", dev_settings(Settings, settings))
        await service.open_store()
        await move.begin()
        before = (await move.refusals())["TRYAGAIN"]

        async def ready() -> bool:
            try:
                for _ in range(PARTITIONS):
                    await service.probes["store"]()
            except StoreUnavailable:
                # The machine stood still, perhaps.
                return False
            return True

        await eventually(ready)
        assert (await move.refusals())["TRYAGAIN"] > before
        await move.end()
        await service.closing.close(10)


@pytest.mark.parametrize(
    ("kind", "moved"),
    [
        ("store_cluster", "cursor"),
        ("store_cluster", "quarantine"),
        ("store_cluster", "quarantined"),
        ("redis_cluster", "quarantined"),
    ],
)
async def test_an_event_is_quarantined_whole_or_not_at_all_while_its_slot_is_under_way(
    kind: str, moved: str, request: pytest.FixtureRequest
) -> None:
    async with moving(request.getfixturevalue(kind), patience=0.3) as (store, move):
        p = move.partition
        quarantine = Quarantine(store, p, "archive")
        assert await quarantine.keep(*broken(p, 1))
        await move.begin()
        # Its queue is new: it has not moved, and is in the way of what would make it.
        await move.these(broken(p, 2)[0].keys()[moved])
        with pytest.raises(StoreUnavailable):
            await quarantine.keep(*broken(p, 2))
        while await move.some(100):
            pass
        await move.end()

        async def again() -> bool:
            try:
                return await quarantine.keep(*broken(p, 2))
            except StoreUnavailable:
                return False

        await eventually(again)
        assert (await read_progress(store, p, "archive")).cursor.position == 2
        for n in (1, 2):
            entry, count = await quarantine.head(f"{TENANT}/s{n}")
            assert entry is not None
            assert (entry.event.position, count) == (n, 1)


@pytest.mark.parametrize("kind", ["store_cluster", "redis_cluster"])
async def test_an_event_is_quarantined_whole_when_its_slot_is_under_way_but_not_its_keys(
    kind: str, request: pytest.FixtureRequest
) -> None:
    async with moving(request.getfixturevalue(kind)) as (store, move):
        p = move.partition
        quarantine = Quarantine(store, p, "archive")
        assert await quarantine.keep(*broken(p, 1))
        await move.begin()
        # It needs no key but those that are there, so it is taken at once, and all of it.
        assert await quarantine.keep(*broken(p, 2))
        while await move.some(100):
            pass
        await move.end()

        async def there() -> bool:
            try:
                return (await quarantine.head(f"{TENANT}/s2"))[1] == 1
            except StoreUnavailable:
                return False

        await eventually(there)
        assert (await read_progress(store, p, "archive")).cursor.position == 2


async def test_a_read_waits_as_well_while_a_slot_is_under_way_key_by_key(
    store_cluster: str,
) -> None:
    async with moving(store_cluster, patience=0.3) as (store, move):
        p = move.partition
        quarantine = Quarantine(store, p, "archive")
        await Counters(store).count(TENANT, "a")
        await move.begin()
        # Nothing has moved yet. A key that there is not may be on the other side by now.
        with pytest.raises(StoreUnavailable):
            await quarantine.found([(TENANT, "a")])
        while await move.some(100):
            pass
        await move.end()

        async def heard() -> bool:
            try:
                return await quarantine.found([(TENANT, "a")]) == set()
            except StoreUnavailable:
                return False

        await eventually(heard)


def broken(p: Partition, position: int) -> tuple[Step, Quarantined]:
    """A subject's only event, and the step that sets it aside."""

    def place(at: int) -> Cursor:
        return Cursor("life", at, f"n{at}") if at else Cursor.START

    subject = f"s{position}"
    event = Event(position, "counted", TENANT, subject, 1, 1, 1, b"x", f"n{position}")
    step = Step(p, "archive", place(position - 1), place(position))
    return step, Quarantined(event, "life", 1).failed("why")


async def test_closing_does_not_wait_for_a_slot_under_way(store_cluster: str) -> None:
    async with moving(store_cluster) as (store, move):
        counters = Counters(store)
        await counters.count(TENANT, "a")
        await move.begin()
        await move.some(1)
        waiting = asyncio.create_task(counters.count(TENANT, "a", request_id="r"))
        before = (await move.refusals())["TRYAGAIN"]

        async def refused() -> bool:
            return (await move.refusals())["TRYAGAIN"] > before

        await eventually(refused)
        async with asyncio.timeout(2):
            await store.close()
        with pytest.raises(StoreUnavailable):
            await waiting
        while await move.some(100):
            pass
        await move.end()


async def test_a_url_that_forgets_the_cluster_is_told_so(store_cluster: str) -> None:
    places = store_cluster.removeprefix("cluster://").split(",")
    answers = await asyncio.gather(
        *(
            Store.open(StoreSettings(url=f"redis://{place}/0", partitions=PARTITIONS), area="pool")
            for place in places
        ),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers].count(StoreUnusable) >= len(places) - 1
    assert all("cluster://" in str(answer) for answer in answers)


async def order(client: Redis, *words: object) -> Any:  # noqa: ANN401 - as the server answers
    return await client.execute_command(*words)  # type: ignore[no-untyped-call]


async def node_id(client: Redis) -> str:
    found: bytes = await order(client, "CLUSTER", "MYID")
    return found.decode()


async def _serves(client: Redis, slot: int) -> bool:
    found: bytes = await order(client, "CLUSTER", "COUNTKEYSINSLOT", slot)
    nodes = await order(client, "CLUSTER NODES")
    mine = next(node for node in nodes.values() if "myself" in node["flags"])
    bounds = [(int(part[0]), int(part[-1])) for part in mine["slots"]]
    return bool(found) and any(first <= slot <= last for first, last in bounds)
