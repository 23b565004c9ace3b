"""A primary behind Sentinel that dies while callers count."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gonghai_chassis.embedded import LOOPBACK, EmbeddedSettings, EmbeddedStore, free_port
from gonghai_chassis.events import Cursor, EventStream
from gonghai_chassis.store import Store, StoreSettings
from gonghai_chassis.store.failures import StoreUnavailable, StoreUnusable
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.counting import Counters

from .programs import program, programs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PATIENCE = 90.0
"""Seconds; a guard that was itself held up for two of them does nothing for half a minute."""


async def test_a_sentinel_url_names_its_service() -> None:
    with pytest.raises(StoreUnusable, match="names the service"):
        await Store.open(StoreSettings(url="sentinel://127.0.0.1:1"), area="pool")


async def test_a_url_of_an_unknown_form_is_refused() -> None:
    with pytest.raises(StoreUnusable, match="unknown form"):
        await Store.open(StoreSettings(url="http://127.0.0.1:1"), area="pool")


@pytest.fixture(params=programs())
def server(request: pytest.FixtureRequest) -> Path:
    """The program that plays the primary, its replicas and the guard."""
    return program(request.param)


@pytest.fixture
async def guard(tmp_path: Path, server: Path) -> AsyncIterator[int]:
    """The port of a guard that is told later what to guard."""
    port = free_port()
    config = tmp_path / "sentinel.conf"
    config.write_text(f"port {port}\nbind {LOOPBACK}\ndir {tmp_path}\n")
    process = await asyncio.create_subprocess_exec(
        str(server),
        str(config),
        "--sentinel",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    yield port
    process.terminate()
    await process.wait()


async def test_nothing_confirmed_is_lost_when_the_primary_dies(
    tmp_path: Path, guard: int, server: Path
) -> None:
    async with AsyncExitStack() as stack:

        async def start(name: str, *extra: str) -> EmbeddedStore:
            settings = EmbeddedSettings(tmp_path / name, fsync="no", binary=server, extra=extra)
            store = EmbeddedStore(settings)
            # Who is asked to end waits ten seconds for replicas that may come back.
            stack.push_async_callback(store.kill)
            await store.start()
            return store

        async def follow(leader: EmbeddedStore, name: str) -> EmbeddedStore:
            return await start(name, "--replicaof", LOOPBACK, str(leader.port))

        primary = await start("primary")
        # With two replicas and one confirmation the other one may be promoted: Sentinel looks at
        # their offsets every ten seconds only.
        replica = await follow(primary, "replica")
        client = await stack.enter_async_context(Redis(host=LOOPBACK, port=guard))
        await eventually(lambda: answers(client))
        for words in (
            ("MONITOR", "gonghai", LOOPBACK, primary.port, 1),
            ("SET", "gonghai", "down-after-milliseconds", 300),
            # An attempt that the machine interrupts is made again in seconds, not in minutes.
            ("SET", "gonghai", "failover-timeout", 5000),
        ):
            await client.execute_command("SENTINEL", *words)  # type: ignore[no-untyped-call]
        await eventually(lambda: knows_replicas(client, 1), within=PATIENCE)
        url = f"sentinel://{LOOPBACK}:{guard}/gonghai"
        settings = StoreSettings(url=url, partitions=4, wait_replicas=1)
        store = await Store.open(settings, area="pool")
        stack.push_async_callback(store.close)
        counters = Counters(store)

        async def once(number: int) -> bool:
            try:
                await counters.count("acme", "a", request_id=f"r{number}")
            except StoreUnavailable:
                return False
            return True

        for number in range(30):
            if number == 10:
                await primary.kill()
                await eventually(lambda: promoted(client, replica.port), within=PATIENCE)
                # Without a new replica nothing would be confirmed.
                await follow(replica, "next")
            await eventually(partial(once, number), within=PATIENCE)
        assert await counters.value("acme", "a") == 30
        batch = await EventStream(store).read(store.partition("acme"), Cursor.START)
        assert [event.version for event in batch.events] == list(range(1, 31))


async def answers(client: Redis) -> bool:
    try:
        return bool(await client.ping())
    except RedisError:
        return False


async def knows_replicas(client: Redis, count: int) -> bool:
    known = await client.execute_command("SENTINEL REPLICAS", "gonghai")  # type: ignore[no-untyped-call]
    return len(known) == count


async def promoted(client: Redis, port: int) -> bool:
    words = ("SENTINEL GET-MASTER-ADDR-BY-NAME", "gonghai")
    address = await client.execute_command(*words)  # type: ignore[no-untyped-call]
    return int(address[1]) == port
