"""Servers that refuse, forget or hang up: callers hear it in one way, and nothing is half done.

Each promise on an embedded Valkey, on Redis 7.0 and on a Cluster.
"""

from __future__ import annotations

import asyncio
import shutil
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gonghai_chassis.embedded import EmbeddedSettings, EmbeddedStore
from gonghai_chassis.events import Cursor, EventStream
from gonghai_chassis.store import Store, StoreSettings
from gonghai_chassis.store.failures import StoreFull, StoreRefused, StoreUnavailable
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.counting import Counters
from gonghai_chassis.testing.failing_scripts import contents
from gonghai_chassis.testing.plugin import PARTITIONS, flush

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from redis.asyncio import Redis

SINGLE = ("store_server", "redis_server")
TENANT = "acme"


@pytest.fixture(params=[*SINGLE, "store_cluster"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    async with opened(request.getfixturevalue(request.param)) as store:
        yield store


@pytest.fixture(params=SINGLE)
async def single(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """Where every command goes to one server that does as it is told."""
    async with opened(request.getfixturevalue(request.param)) as store:
        yield store


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Store]:
    flush(url)
    store = await Store.open(StoreSettings(url=url, partitions=PARTITIONS), area="pool")
    try:
        yield store
    finally:
        await store.close()


def home(store: Store) -> Redis:
    """The server that has the tenant."""
    return store.client(store.partition(TENANT))


@asynccontextmanager
async def told(server: Redis, **settings: str) -> AsyncIterator[None]:
    """Lets a server have other settings for a while."""
    async with AsyncExitStack() as stack:
        for name, value in settings.items():
            setting = name.replace("_", "-")
            before = str((await server.config_get(setting))[setting])
            stack.push_async_callback(server.config_set, setting, before)
            await server.config_set(setting, value)
        yield


async def changes_nothing(store: Store, failure: type[StoreUnavailable], match: str) -> None:
    """A step is refused as told, in a crowd, too, and leaves everything as it was."""
    counters = Counters(store)
    before = await contents(store)
    with pytest.raises(failure, match=match):
        await counters.count(TENANT, "a", request_id="refused", due_at=1, intent="i")
    crowd = await asyncio.gather(
        *(counters.count(TENANT, f"s{n}", request_id=f"r{n}") for n in range(30)),
        return_exceptions=True,
    )
    assert {type(answer) for answer in crowd} == {failure}
    assert await contents(store) == before


async def goes_on(store: Store) -> None:
    """The same request is carried out now, as if it had never been sent before."""
    reply = await Counters(store).count(TENANT, "a", request_id="refused", due_at=1, intent="i")
    assert not reply.replayed
    assert reply.fields["count"] == 2


async def test_a_full_server_takes_nothing_and_still_answers(store: Store) -> None:
    counters = Counters(store)
    await counters.count(TENANT, "a")
    async with told(home(store), maxmemory="1"):
        await changes_nothing(store, StoreFull, "full")
        assert await counters.value(TENANT, "a") == 1
        head = await EventStream(store).head(store.partition(TENANT))
        assert head.position == 1
    await goes_on(store)


async def test_a_server_that_fills_up_under_load_stops_between_steps(store: Store) -> None:
    counters = Counters(store)
    await counters.count(TENANT, "a")
    server = home(store)
    used = (await server.info("memory"))["used_memory"]
    acknowledged = dict.fromkeys((f"s{n}" for n in range(8)), 0)
    refused = 0

    async def caller(subject: str) -> None:
        nonlocal refused
        while refused < 20:
            try:
                # A key of its own for each request: it grows by what it remembers.
                await counters.count(
                    TENANT, subject, request_id=f"{subject}-{acknowledged[subject]}" * 20
                )
            except StoreFull:
                refused += 1
            else:
                acknowledged[subject] += 1

    async with told(server, maxmemory=str(used + 400_000)):
        await asyncio.gather(*map(caller, acknowledged))
    assert sum(acknowledged.values()) > 50
    for subject, count in acknowledged.items():
        assert await counters.value(TENANT, subject) == count
    batch = await EventStream(store).read(store.partition(TENANT), Cursor.START, limit=100_000)
    assert len(batch.events) == 1 + sum(acknowledged.values())


async def test_one_full_master_does_not_stop_the_others(store_cluster: str) -> None:
    async with opened(store_cluster) as store:
        counters = Counters(store)
        full = home(store)
        other = next(
            tenant
            for tenant in map(str, range(1000))
            if store.client(store.partition(tenant)) is not full
        )
        async with told(full, maxmemory="1"):
            answers = await asyncio.gather(
                counters.count(TENANT, "a"), counters.count(other, "a"), return_exceptions=True
            )
        assert isinstance(answers[0], StoreFull)
        assert await counters.value(other, "a") == 1


async def test_too_few_replicas(store: Store) -> None:
    await Counters(store).count(TENANT, "a")
    async with told(home(store), min_replicas_to_write="3"):
        await changes_nothing(store, StoreRefused, "NOREPLICAS")
    await goes_on(store)


async def test_a_server_that_cannot_save(store: Store) -> None:
    await Counters(store).count(TENANT, "a")
    server = home(store)
    # Where the snapshot is to go stands something that no file replaces.
    obstacle = Path(str((await server.config_get("dir"))["dir"])) / "dump.rdb"
    async with told(server, save="3600 1000000"):
        await asyncio.to_thread(obstacle.mkdir)
        try:
            await server.bgsave()
            await eventually(lambda: _last_save(server, "err"))
            await changes_nothing(store, StoreRefused, "MISCONF")
        finally:
            await asyncio.to_thread(obstacle.rmdir)
        await server.bgsave()
        await eventually(lambda: _last_save(server, "ok"))
        await asyncio.to_thread(obstacle.unlink)
    await goes_on(store)


@pytest.mark.parametrize("kind", SINGLE)
async def test_a_server_that_is_still_reading_its_data(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    binary = None
    if kind == "redis_server":
        request.getfixturevalue(kind)
        binary = Path(shutil.which("redis-server") or "")
    # 2 ms for each key, and an ear for callers in between.
    slowly = ("--key-load-delay", "2000", "--loading-process-events-interval-bytes", "1024")
    server = EmbeddedStore(EmbeddedSettings(tmp_path / "store", binary=binary, extra=slowly))
    async with server:
        store = await Store.open(StoreSettings(url=server.url, partitions=1), area="pool")
        counters = Counters(store)
        for number in range(150):
            await counters.count(TENANT, f"s{number}")
        await store.client().bgrewriteaof()
        await eventually(lambda: _is_rewritten(store.client()))
        await server.kill()
        starting = asyncio.create_task(server.start())
        heard: list[str] = []

        async def answered() -> bool:
            try:
                await counters.count(TENANT, "a", request_id="r")
            except StoreUnavailable as failure:
                heard.append(str(failure))
                return False
            return True

        await eventually(answered, within=30)
        await starting
        assert any("is loading the dataset" in message for message in heard)
        values = [await counters.value(TENANT, f"s{number}") for number in range(150)]
        assert values == [1] * 150
        assert await counters.value(TENANT, "a") == 1
        await store.close()


async def test_a_primary_that_became_a_replica(single: Store) -> None:
    await Counters(single).count(TENANT, "a")
    server = home(single)
    await server.replicaof("127.0.0.1", 1)
    try:
        await changes_nothing(single, StoreRefused, "READONLY|read only")
        async with told(server, replica_serve_stale_data="no"):
            with pytest.raises(StoreRefused, match="down"):
                await Counters(single).value(TENANT, "a")
    finally:
        await server.replicaof("NO", "ONE")
    await goes_on(single)


async def _last_save(server: Redis, status: str) -> bool:
    about: dict[str, Any] = await server.info("persistence")
    return bool(about["rdb_last_bgsave_status"] == status and not about["rdb_bgsave_in_progress"])


async def _is_rewritten(server: Redis) -> bool:
    about: dict[str, Any] = await server.info("persistence")
    return not (about["aof_rewrite_in_progress"] or about["aof_rewrite_scheduled"])


class TestForgetful:
    """Servers that forget scripts or close connections, in the middle of everything."""

    async def test_scripts_that_are_forgotten_again_and_again(self, store: Store) -> None:
        server = home(store)

        async def forget() -> None:
            await server.script_flush()

        await self.counts_once_whatever(store, forget)

    async def test_connections_that_are_cut_again_and_again(self, store: Store) -> None:
        server = home(store)

        async def cut() -> None:
            await server.client_kill_filter(_type="normal", skipme=True)

        await self.counts_once_whatever(store, cut)

    async def counts_once_whatever(
        self, store: Store, nuisance: Callable[[], Awaitable[None]]
    ) -> None:
        """Sixteen callers count, and ask again with the same id where they got no answer."""
        counters = Counters(store)
        done = dict.fromkeys((f"s{n}" for n in range(16)), 0)
        over = asyncio.Event()

        async def caller(subject: str) -> None:
            while not over.is_set():
                request_id = f"{subject}-{done[subject]}"

                async def once(request_id: str = request_id) -> bool:
                    try:
                        reply = await counters.count(TENANT, subject, request_id=request_id)
                    except StoreUnavailable:
                        return False
                    assert reply.fields["count"] == done[subject] + 1
                    return True

                await eventually(once)
                done[subject] += 1

        callers = [asyncio.create_task(caller(subject)) for subject in done]
        for _ in range(40):
            before = sum(done.values())
            await nuisance()
            await eventually(lambda: sum(done.values()) > before + 3)  # noqa: B023 - awaited here
        over.set()
        await asyncio.gather(*callers)
        for subject, count in done.items():
            assert await counters.value(TENANT, subject) == count
        batch = await EventStream(store).read(store.partition(TENANT), Cursor.START, limit=100_000)
        assert len(batch.events) == sum(done.values())


async def test_a_server_whose_time_a_stranger_takes_refuses(single: Store) -> None:
    counters = Counters(single)
    await counters.count(TENANT, "a")
    before = await contents(single)
    server = home(single)
    async with told(server, busy_reply_threshold="50"):
        hog = asyncio.create_task(_order(server, "EVAL", _HOG, 0))
        partition = single.partition(TENANT)

        async def busy() -> bool:
            try:
                await single.read(partition, [partition.keys.meta])
            except StoreRefused as refused:
                return "BUSY" in str(refused)
            return False

        await eventually(busy)
        with pytest.raises(StoreRefused, match="BUSY"):
            await counters.count(TENANT, "a", request_id="refused", due_at=1, intent="i")
        await hog
    assert await contents(single) == before
    await goes_on(single)


_HOG = """
local began = redis.call('TIME')
repeat
  local now = redis.call('TIME')
until now[1] - began[1] + (now[2] - began[2]) / 1e6 > 0.6
"""


async def test_who_may_not_run_scripts_hears_that_the_store_refuses(single: Store) -> None:
    counters = Counters(single)
    await counters.count(TENANT, "a")
    server = home(single)
    await _order(server, "ACL", "SETUSER", "default", "-evalsha")
    try:
        await changes_nothing(single, StoreRefused, "permissions")
    finally:
        await _order(server, "ACL", "SETUSER", "default", "+evalsha")
    await goes_on(single)


async def _order(client: Redis, *words: object) -> Any:  # noqa: ANN401 - as the server answers
    return await client.execute_command(*words)  # type: ignore[no-untyped-call]
