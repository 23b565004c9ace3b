"""What callers see, and what is kept, when the store is killed, stopped, full or read-only."""

from __future__ import annotations

import asyncio
import random
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from gonghai_chassis.embedded import EmbeddedSettings, EmbeddedStore
from gonghai_chassis.events import EventStream, Tail, watch
from gonghai_chassis.events.cursors import Cursor
from gonghai_chassis.store import Store, StoreSettings
from gonghai_chassis.store.connection import connect
from gonghai_chassis.store.failures import (
    StoreFull,
    StoreRefused,
    StoreUnavailable,
    StoreUnusable,
)
from gonghai_chassis.store.round_trips import RoundTrips
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.counting import Counters

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

AT_ONCE = ("--repl-diskless-sync-delay", "0")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedStore]:
    async with EmbeddedStore(EmbeddedSettings(tmp_path / "store", extra=AT_ONCE)) as server:
        yield server
        if server.pid is not None:
            server.resume()


@pytest.fixture
async def store(server: EmbeddedStore) -> AsyncIterator[Store]:
    store = await Store.open(StoreSettings(url=server.url, partitions=4), area="pool")
    yield store
    await store.close()


async def until_counted(store: Store, subject: str, request_id: str) -> int:
    """Counts as a client would: the same request again until there is an answer."""

    async def once() -> int:
        try:
            reply = await Counters(store).count("acme", subject, request_id=request_id)
        except StoreUnavailable:
            return 0
        return int(reply.fields["count"])

    return await eventually(once, within=30)


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_acknowledged_is_lost_and_nothing_counted_twice_by_kills(
    server: EmbeddedStore, store: Store, seed: int
) -> None:
    chance = random.Random(seed)
    callers, each = 8, 40
    acknowledged = 0

    async def caller(number: int) -> None:
        nonlocal acknowledged
        for i in range(each):
            await until_counted(store, f"s{number}", f"{number}-{i}")
            acknowledged += 1

    async def reached(goal: int) -> None:
        await eventually(lambda: acknowledged >= goal, within=60)

    work = asyncio.gather(*(caller(number) for number in range(callers)))
    for goal in sorted(chance.sample(range(20, callers * each - 20), 3)):
        await reached(goal)
        await server.kill()
        await server.start()
    await work
    for number in range(callers):
        assert await Counters(store).value("acme", f"s{number}") == each
    batch = await EventStream(store).read(store.partition("acme"), Cursor.START)
    assert len(batch.events) == callers * each
    assert [event.position for event in batch.events] == list(range(1, callers * each + 1))


async def test_a_store_that_hangs_holds_nobody_beyond_his_deadline(
    server: EmbeddedStore, store: Store
) -> None:
    counters = Counters(store)
    await counters.count("acme", "a")
    server.pause()
    started = monotonic()
    answers = await asyncio.gather(
        *(counters.count("acme", "a", deadline=started + 0.3) for _ in range(600)),
        return_exceptions=True,
    )
    assert monotonic() - started < 2
    assert {type(answer) for answer in answers} == {StoreUnavailable, StoreRefused}
    server.resume()
    # What was in the socket came too late, what had not been sent never went.
    again = await eventually(lambda: _counted(counters))
    assert again == 2


async def test_watching_goes_on_after_a_restart(server: EmbeddedStore, store: Store) -> None:
    tail = await Tail.open(store)
    await tail.hears()
    stream, p = EventStream(store), store.partition("acme")
    await Counters(store).count("acme", "a")
    first = await anext(watch(stream, tail, p, Cursor.START))
    await server.kill()
    await server.start()
    await until_counted(store, "a", "r")
    await eventually(lambda: tail.poll > 0.5)
    again = await anext(watch(stream, tail, p, first.cursor))
    assert [event.version for event in again.events] == [2]
    await tail.close()


async def test_a_full_store_says_so_and_changes_nothing(store: Store) -> None:
    counters = Counters(store)
    await counters.count("acme", "a")
    await store.client().config_set("maxmemory", "1")
    with pytest.raises(StoreFull):
        await counters.count("acme", "a")
    assert await counters.value("acme", "a") == 1
    await store.client().config_set("maxmemory", "0")
    assert (await counters.count("acme", "a")).fields["count"] == 2


async def test_a_store_without_its_replicas_refuses_writes_whole(store: Store) -> None:
    counters = Counters(store)
    await counters.count("acme", "a")
    await store.client().config_set("min-replicas-to-write", "1")
    with pytest.raises(StoreRefused):
        await counters.count("acme", "a")
    await store.client().config_set("min-replicas-to-write", "0")
    assert await counters.value("acme", "a") == 1


async def test_a_write_that_no_replica_confirmed_is_not_acknowledged(
    server: EmbeddedStore,
) -> None:
    settings = StoreSettings(url=server.url, partitions=4, wait_replicas=1, wait_timeout=0.05)
    store = await Store.open(settings, area="pool")
    with pytest.raises(StoreUnavailable, match="replicas"):
        await Counters(store).count("acme", "a")
    await store.close()


async def test_writes_are_acknowledged_once_the_replica_has_them(
    server: EmbeddedStore, tmp_path: Path
) -> None:
    of_primary = ("--replicaof", "127.0.0.1", str(server.port))
    replica = EmbeddedSettings(tmp_path / "replica", fsync="no", extra=of_primary)
    async with EmbeddedStore(replica) as follower:
        settings = StoreSettings(url=server.url, partitions=4, wait_replicas=1)
        store = await Store.open(settings, area="pool")
        await until_counted(store, "a", "r")
        await server.kill()
        of_follower = StoreSettings(url=follower.url, partitions=4)
        following = Store(await connect(of_follower), of_follower, "pool")
        assert await Counters(following).value("acme", "a") == 1
        await following.close()
        await store.close()


async def test_a_store_that_ends_at_once_is_reported(tmp_path: Path) -> None:
    server = EmbeddedStore(EmbeddedSettings(tmp_path, extra=("--no-such-thing", "x")))
    with pytest.raises(StoreUnavailable, match=r"store\.log"):
        await server.start()


async def test_a_server_that_is_too_old_is_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def old(_: object, commands: object) -> list[bytes]:
        assert commands == [("INFO", "server")]
        return [b"# Server\r\nredis_version:6.2.14\r\n"]

    monkeypatch.setattr(RoundTrips, "exchange", old)
    with pytest.raises(StoreUnusable, match="too old"):
        await Store.open(store.settings, area="pool")


async def _counted(counters: Counters) -> int:
    try:
        return int((await counters.count("acme", "a")).fields["count"])
    except StoreUnavailable:
        return 0
