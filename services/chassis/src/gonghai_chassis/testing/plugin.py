"""Fixtures for tests that need a store: a real server, started once, empty for each test."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
import redis

from gonghai_chassis.embedded import LOOPBACK, bundled_binary, free_port
from gonghai_chassis.store.settings import StoreSettings
from gonghai_chassis.store.store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

PARTITIONS = 4
_READY_TRIES = 1000


class OpenStore(Protocol):
    """Opens stores that are closed when the test ends."""

    async def __call__(self, area: str, settings: StoreSettings | None = None) -> Store:
        """A store of the area on the test's server."""


def _binary(kind: str) -> Path:
    if kind == "valkey":
        return bundled_binary()
    found = shutil.which("redis-server")
    if found is None:
        pytest.skip("There is no redis-server on the PATH.")
    return Path(found)


def _serve(binary: Path, directory: Path) -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen(  # noqa: S603 - our own server, with our own arguments
        [
            str(binary),
            *("--bind", LOOPBACK, "--port", str(port), "--dir", str(directory)),
            *("--save", "", "--appendonly", "no", "--logfile", str(directory / "store.log")),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with redis.Redis(host=LOOPBACK, port=port) as client:
            for _ in range(_READY_TRIES):
                with suppress(redis.RedisError):
                    client.ping()
                    break
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.01)
                    pytest.fail("The store ended at once.")
            else:
                pytest.fail("The store did not start.")
        yield f"redis://{LOOPBACK}:{port}/0"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def store_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of an embedded Valkey that lasts for the whole run; it writes nothing to the disk."""
    yield from _serve(_binary("valkey"), tmp_path_factory.mktemp("valkey"))


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of the machine's own redis-server; skips, visibly, where there is none."""
    yield from _serve(_binary("redis"), tmp_path_factory.mktemp("redis"))


@pytest.fixture
def store_settings(store_server: str) -> StoreSettings:
    """Settings for a fresh, empty store with few partitions."""
    with redis.Redis.from_url(store_server) as client:
        client.flushall()
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
