"""A Cluster whose slots move and whose master dies while callers count."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import redis
from redis.asyncio import Redis

from gonghai_chassis.embedded import LOOPBACK, EmbeddedSettings, EmbeddedStore, free_port
from gonghai_chassis.events import Tail
from gonghai_chassis.store import Store, StoreSettings
from gonghai_chassis.store.failures import StoreUnavailable
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.counting import Counters
from gonghai_chassis.testing.plugin import PARTITIONS, cluster_options, flush, form_cluster

from .programs import program, programs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
def settings(store_cluster: str) -> StoreSettings:
    flush(store_cluster)
    return StoreSettings(url=store_cluster, partitions=PARTITIONS)


@pytest.fixture
async def store(settings: StoreSettings) -> AsyncIterator[Store]:
    store = await Store.open(settings, area="pool")
    yield store
    await store.close()


async def count_until(store: Store, subject: str, enough: asyncio.Event) -> int:
    """Counts again and again, each time until it is answered; gives how often."""
    done = 0
    while not enough.is_set():
        done += 1
        request_id = f"{subject}-{done}"

        async def once(request_id: str = request_id) -> bool:
            try:
                await Counters(store).count("acme", subject, request_id=request_id)
            except StoreUnavailable:
                return False
            return True

        await eventually(once, within=60)
    return done


async def test_wake_ups_are_heard_across_the_cluster(store: Store, settings: StoreSettings) -> None:
    other = await Store.open(settings, area="pool")
    tail = await Tail.open(store)
    await tail.hears()
    for number, p in enumerate(store.partitions):
        tenant = next(t for t in map(str, range(1000)) if store.partition(t) == p)
        before = tail.changes(p)
        await Counters(other).count(tenant, "a")
        async with asyncio.timeout(5):
            await tail.wait(p, before, 5)
        assert tail.changes(p) > before, number
    await tail.close()
    await other.close()


@pytest.mark.parametrize("name", programs())
async def test_counting_goes_on_after_a_master_died(tmp_path: Path, name: str) -> None:
    server = program(name)
    async with AsyncExitStack() as stack:
        buses = [free_port() for _ in range(6)]

        async def start(name: str, bus: int) -> EmbeddedStore:
            options = cluster_options(bus)
            node = EmbeddedStore(
                EmbeddedSettings(tmp_path / name, fsync="no", binary=server, extra=options)
            )
            # Who is asked to end waits for replicas that may come back.
            stack.push_async_callback(node.kill)
            await node.start()
            return node

        masters = [await start(f"m{i}", buses[i]) for i in range(3)]
        form_cluster({master.port: bus for master, bus in zip(masters, buses, strict=False)})
        ids = {await at(master, "CLUSTER MYID"): master for master in masters}
        for i, master_id in enumerate(ids):
            replica = await start(f"r{i}", buses[3 + i])
            await at(replica, "CLUSTER", "MEET", LOOPBACK, masters[0].port, buses[0])
            await eventually(partial(at, replica, "CLUSTER", "REPLICATE", master_id))
        url = "cluster://" + ",".join(f"{LOOPBACK}:{master.port}" for master in masters)
        settings = StoreSettings(url=url, partitions=PARTITIONS, wait_replicas=1)
        store = await Store.open(settings, area="pool")
        stack.push_async_callback(store.close)
        await eventually(lambda: counts(store), within=60)
        p = store.partition("acme")
        enough = asyncio.Event()
        callers = [asyncio.create_task(count_until(store, f"s{i}", enough)) for i in range(4)]
        await eventually(lambda: counted(store, "s0", 5))
        port = store.client(p).connection_pool.connection_kwargs["port"]
        victim = next(master for master in masters if master.port == port)
        before = await Counters(store).value("acme", "s0")
        await victim.kill()
        await eventually(partial(promoted, masters, victim), within=60)
        # It comes back as the replica without which nothing is confirmed.
        await victim.start()
        await eventually(lambda: counted(store, "s0", before + 5), within=60)
        enough.set()
        for i, times in enumerate(await asyncio.gather(*callers)):
            assert await Counters(store).value("acme", f"s{i}") == times


async def at(server: EmbeddedStore, *words: object) -> Any:  # noqa: ANN401
    """One command's answer, or nothing when it was refused."""
    async with Redis(host=LOOPBACK, port=server.port) as client:
        try:
            return await order(client, *words)
        except redis.ResponseError:
            return None


async def order(client: Redis, *words: object) -> Any:  # noqa: ANN401 - as the server answers
    return await client.execute_command(*words)  # type: ignore[no-untyped-call]


async def node_id(client: Redis) -> str:
    found: bytes = await order(client, "CLUSTER", "MYID")
    return found.decode()


async def counts(store: Store) -> bool:
    try:
        await Counters(store).count("acme", "warm")
    except StoreUnavailable:
        return False
    return True


async def counted(store: Store, subject: str, goal: int) -> bool:
    try:
        return await Counters(store).value("acme", subject) >= goal
    except StoreUnavailable:
        return False


async def promoted(masters: list[EmbeddedStore], victim: EmbeddedStore) -> bool:
    """Whether the others have put a replica in the dead master's place."""
    witness = next(master for master in masters if master is not victim)
    info = await at(witness, "CLUSTER INFO")
    nodes = await at(witness, "CLUSTER NODES")
    dead = [node for address, node in nodes.items() if address.endswith(f":{victim.port}")]
    return info["cluster_state"] == "ok" and all(not node["slots"] for node in dead)
