"""Fixtures for tests that need a store: a real server, started once, empty for each test."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import threading
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from gonghai_chassis import logs
from gonghai_chassis.embedded import LOOPBACK, bundled_binary, free_port
from gonghai_chassis.store.settings import StoreSettings
from gonghai_chassis.store.store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

# As a person reads them in dev. Left alone, structlog draws each traceback with every local
# variable, which takes seconds where a test lets something fail.
logs.configure("debug", "console", "test")
_LOGS = structlog.get_config()

PARTITIONS = 4
_READY_TRIES = 1000
_SLOTS = 16384
_PAUSE = threading.Event()


class OpenStore(Protocol):
    """Opens stores that are closed when the test ends."""

    async def __call__(self, area: str, settings: StoreSettings | None = None) -> Store:
        """A store of the area on the test's server."""


@pytest.fixture(autouse=True)
def _plain_logs() -> None:
    """Log as above, whatever the test before left behind."""
    structlog.configure(**_LOGS)


@contextmanager
def _serve(binary: Path, directory: Path, *extra: str) -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen(  # noqa: S603 - our own server, with our own arguments
        [
            str(binary),
            *("--bind", LOOPBACK, "--port", str(port), "--dir", str(directory)),
            *("--save", "", "--appendonly", "no", "--logfile", str(directory / "store.log")),
            *("--repl-diskless-sync-delay", "0"),
            *extra,
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with redis.Redis(host=LOOPBACK, port=port, retry=Retry(NoBackoff(), 0)) as client:
            for _ in range(_READY_TRIES):
                with suppress(redis.RedisError):
                    client.ping()
                    break
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.01)
                    pytest.fail("The store ended at once.")
            else:
                pytest.fail("The store did not start.")
        yield port
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def store_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of an embedded Valkey that lasts for the whole run; it writes nothing to the disk."""
    with _serve(bundled_binary(), tmp_path_factory.mktemp("valkey")) as port:
        yield f"redis://{LOOPBACK}:{port}/0"


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of the machine's own redis-server; skips, visibly, where there is none."""
    with _serve(own_redis(), tmp_path_factory.mktemp("redis")) as port:
        yield f"redis://{LOOPBACK}:{port}/0"


def own_redis() -> Path:
    """The machine's own redis-server; skips, visibly, where there is none."""
    found = shutil.which("redis-server")
    if found is None:
        pytest.skip("There is no redis-server on the PATH.")
    return Path(found)


@pytest.fixture(scope="session")
def store_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a Cluster of three embedded masters with a replica each, which never takes over."""
    with _cluster(bundled_binary(), tmp_path_factory, replicas=True) as url:
        yield url


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a Cluster of three masters of the machine's own redis-server, or a visible skip."""
    with _cluster(own_redis(), tmp_path_factory, replicas=False) as url:
        yield url


@contextmanager
def _cluster(
    binary: Path, tmp_path_factory: pytest.TempPathFactory, *, replicas: bool
) -> Iterator[str]:
    with ExitStack() as servers:

        def server(bus: int, *extra: str) -> int:
            folder = tmp_path_factory.mktemp("cluster")
            return servers.enter_context(_serve(binary, folder, *cluster_options(bus), *extra))

        buses = [free_port() for _ in range(3)]
        ports = [server(bus) for bus in buses]
        form_cluster(dict(zip(ports, buses, strict=True)))
        if replicas:
            never = ("--cluster-replica-no-failover", "yes")
            _follow(ports, [server(free_port(), *never) for _ in ports], buses[0])
        yield "cluster://" + ",".join(f"{LOOPBACK}:{port}" for port in ports)


def _follow(masters: Sequence[int], replicas: Sequence[int], bus: int) -> None:
    """Gives each master a replica, and waits until it has all that the master has."""
    with ExitStack() as clients:
        pairs = [
            (
                clients.enter_context(redis.Redis(host=LOOPBACK, port=master)),
                clients.enter_context(redis.Redis(host=LOOPBACK, port=replica)),
            )
            for master, replica in zip(masters, replicas, strict=True)
        ]
        for _, replica in pairs:
            _order(replica, "CLUSTER", "MEET", LOOPBACK, masters[0], bus)
        for master, replica in pairs:
            name = _order(master, "CLUSTER", "MYID")
            _until("The replica did not learn of its master.", partial(_replicates, replica, name))
        for _, replica in pairs:
            _until("The replica did not catch up.", partial(_caught_up, replica))


def _replicates(replica: redis.Redis, master: str) -> bool:
    with suppress(redis.ResponseError):
        return bool(_order(replica, "CLUSTER", "REPLICATE", master))
    return False


def _caught_up(replica: redis.Redis) -> bool:
    return bool(replica.info("replication").get("master_link_status") == "up")


def cluster_options(bus: int) -> tuple[str, ...]:
    """Arguments of a server that is to join a Cluster, and talks with the others on a port."""
    return (
        *("--cluster-enabled", "yes", "--cluster-port", str(bus)),
        *("--cluster-node-timeout", "1000", "--repl-diskless-sync-delay", "0"),
    )


def form_cluster(buses: Mapping[int, int]) -> None:
    """Makes masters into a Cluster with the slots spread over them; waits until all agree.

    Args:
        buses: by the port of a master the port on which it talks with the others.
    """
    clients = [redis.Redis(host=LOOPBACK, port=port) for port in buses]
    try:
        bounds = [_SLOTS * i // len(clients) for i in range(len(clients) + 1)]
        for client, first, end in zip(clients, bounds, bounds[1:], strict=False):
            _order(client, "CLUSTER", "ADDSLOTSRANGE", first, end - 1)
        for port, bus in buses.items():
            _order(clients[0], "CLUSTER", "MEET", LOOPBACK, port, bus)
        for client in clients:
            _until("The Cluster did not form.", partial(_agreed, client, len(clients)))
    finally:
        for client in clients:
            client.close()


def _order(client: redis.Redis, *words: object) -> Any:  # noqa: ANN401 - as the server answers
    return client.execute_command(*words)  # type: ignore[no-untyped-call]


def _agreed(client: redis.Redis, masters: int) -> bool:
    info = _order(client, "CLUSTER INFO")
    return bool(info["cluster_state"] == "ok" and int(info["cluster_size"]) == masters)


def _until(failure: str, condition: Callable[[], bool]) -> None:
    for _ in range(_READY_TRIES):
        if condition():
            return
        _PAUSE.wait(0.01)
    pytest.fail(failure)


def flush(url: str) -> None:
    """Empties the servers of a URL."""
    scheme, _, rest = url.partition("://")
    urls = [f"redis://{place}" for place in rest.split(",")] if scheme == "cluster" else [url]
    for one in urls:
        with redis.Redis.from_url(one) as client:
            client.flushall()


@pytest.fixture
def store_settings(store_server: str) -> StoreSettings:
    """Settings for a fresh, empty store with few partitions."""
    flush(store_server)
    return StoreSettings(url=store_server, partitions=PARTITIONS)


@pytest.fixture
async def open_store(store_settings: StoreSettings) -> AsyncIterator[OpenStore]:
    """Opens stores of any area on the test's server, and closes them afterwards."""
    opened: list[Store] = []

    async def open_one(area: str, settings: StoreSettings | None = None) -> Store:
        store = await Store.open(settings or store_settings, area=area)
        opened.append(store)
        return store

    yield open_one
    await asyncio.gather(*(store.close() for store in opened))
