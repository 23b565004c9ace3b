"""A restore that is broken off after any of its commands, and run again."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from redis.asyncio import Redis

from gonghai_chassis.backup import (
    Manifest,
    RestoreFailed,
    RestoreRefused,
    create,
    restoration,
    restore_to_store,
)
from gonghai_chassis.backup.scratch import loaded
from gonghai_chassis.store import Store, StoreSettings
from gonghai_chassis.store.connection import INSTALL_KEY, SERVICE_CONNECTION, connect
from gonghai_chassis.store.failures import StoreUnusable
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.counting import Counters
from gonghai_chassis.testing.plugin import PARTITIONS, flush

from .stores import readout

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path


COMMANDS = 15
"""Fewest commands of a restore of the small store."""


@dataclass
class Counted:
    """A connection that tells, after each command that was carried out, how many there were."""

    connection: Any
    then: Callable[[int], Awaitable[None]]
    sent: int = 0
    known: dict[Any, CountedTrips] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """All else is as it was."""
        return getattr(self.connection, name)

    async def told(self) -> None:
        self.sent += 1
        await self.then(self.sent)

    def trips(self, partition: Any) -> CountedTrips:  # noqa: ANN401
        trips = self.connection.trips(partition)
        return self.known.setdefault(trips, CountedTrips(self, trips))

    def servers(self) -> list[CountedTrips]:
        return [self.known.setdefault(t, CountedTrips(self, t)) for t in self.connection.servers()]

    async def redirected(self, words: Any) -> Any:  # noqa: ANN401
        await self.then(self.sent)
        answer = await self.connection.redirected(words)
        await self.told()
        return answer


@dataclass(eq=False)
class CountedTrips:
    """Its round trips, a command each."""

    counted: Counted
    trips: Any

    async def exchange(self, commands: Any) -> list[Any]:  # noqa: ANN401
        answers: list[Any] = []
        for words in commands:
            await self.counted.then(self.counted.sent)
            answers += await self.trips.exchange([words])
            await self.counted.told()
        return answers


@pytest.fixture
def settings(store_server: str) -> StoreSettings:
    flush(store_server)
    return StoreSettings(url=store_server, partitions=PARTITIONS)


@pytest.fixture
async def backup(settings: StoreSettings, tmp_path: Path) -> Path:
    """Of a store with little in it."""
    store = await Store.open(settings, area="pool")
    await Counters(store).count("acme", "a", due_at=1)
    await store.close()
    await create(tmp_path / "backup", settings)
    return tmp_path / "backup"


@pytest.fixture
async def watched(
    backup: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[[Callable[[int], Awaitable[None]]], None]]:
    """Has something done at each command of the restores from then on; the file loads once."""
    manifest = Manifest.of(backup)
    async with loaded(backup, manifest.snapshots[0], manifest.database, None) as source:

        @asynccontextmanager
        async def at_once(*_: object) -> AsyncIterator[Redis]:
            yield source

        def watch(then: Callable[[int], Awaitable[None]]) -> None:
            async def counted(settings: StoreSettings, name: str) -> Counted:
                return Counted(await connect(settings, name), then)

            monkeypatch.setattr(restoration, "connect", counted)

        monkeypatch.setattr(restoration, "loaded", at_once)
        yield watch


def breaking_after(commands: int) -> Callable[[int], Awaitable[None]]:
    """Breaks the connection when so many were carried out; the last one's answer is lost."""

    async def then(sent: int) -> None:
        if sent >= commands:
            raise ConnectionError("made to fail")

    return then


async def no_more(_sent: int) -> None:
    """Lets all go through."""


async def noted(settings: StoreSettings) -> dict[str, str]:
    """The record of the installation, but for the secret that services leave there."""
    async with Redis.from_url(settings.url, decode_responses=True) as client:
        found: Any = client.hgetall(INSTALL_KEY)
        return {name: value for name, value in (await found).items() if name != "secret"}


async def test_an_empty_store_is_restored_by_a_second_run_wherever_the_first_broke_off(
    settings: StoreSettings,
    backup: Path,
    watched: Callable[[Callable[[int], Awaitable[None]]], None],
) -> None:
    whole = await readout(settings)
    for broken_after in count():
        flush(settings.url)
        watched(breaking_after(broken_after))
        try:
            await restore_to_store(backup, settings)
        except RestoreFailed:
            pass
        else:
            break
        finally:
            watched(no_more)
        half = await noted(settings)
        if await readout(settings) and "restored" not in half:
            assert half.pop("run")
            assert half == {
                "partitions": str(PARTITIONS),
                "restoring": f"writing:{Manifest.of(backup).id}",
            }
        if half:
            assert half["partitions"] == str(PARTITIONS)
        if "restored" in half and "restoring" not in half:
            # The answer to the last command of all was lost.
            with pytest.raises(RestoreRefused, match="was restored from this backup"):
                await restore_to_store(backup, settings)
        else:
            if half:
                with pytest.raises(StoreUnusable, match="half restored"):
                    await Store.open(settings, area="pool")
            await restore_to_store(backup, settings)
        assert await readout(settings) == whole
        after = await noted(settings)
        assert after.keys() == {"partitions", "restored"}
        assert after["partitions"] == str(PARTITIONS)
    assert broken_after >= COMMANDS


async def test_a_store_in_use_is_neither_touched_nor_marked_wherever_a_restore_breaks_off(
    settings: StoreSettings,
    backup: Path,
    watched: Callable[[Callable[[int], Awaitable[None]]], None],
) -> None:
    store = await Store.open(settings, area="pool")
    for _ in range(5):
        await Counters(store).count("acme", "a")
    await store.close()
    live, record = await readout(settings), await noted(settings)
    assert record == {"partitions": str(PARTITIONS)}
    refused = False
    for broken_after in count():
        watched(breaking_after(broken_after))
        try:
            await restore_to_store(backup, settings)
        except RestoreRefused as refusal:
            refused = "not empty" in str(refusal)
            break
        except RestoreFailed:
            pass
        assert (await readout(settings), await noted(settings)) == (live, record)
        watched(no_more)
        with pytest.raises(RestoreRefused, match="not empty"):
            await restore_to_store(backup, settings)
        assert (await readout(settings), await noted(settings)) == (live, record)
    assert refused
    assert broken_after >= 3
    assert (await readout(settings), await noted(settings)) == (live, record)


async def test_a_run_that_broke_off_before_it_wrote_is_no_leave_to_write_over_what_came_since(
    settings: StoreSettings,
    backup: Path,
    watched: Callable[[Callable[[int], Awaitable[None]]], None],
) -> None:
    async def once_marked(_sent: int) -> None:
        if "restoring" in await noted(settings):
            raise ConnectionError("made to fail")

    flush(settings.url)
    watched(once_marked)
    with pytest.raises(RestoreFailed):
        await restore_to_store(backup, settings)
    assert (await noted(settings))["restoring"].startswith("checking:")
    watched(no_more)
    async with Redis.from_url(settings.url) as client:
        await client.set("gh:{p00}:pool:-:other", "x")
        with pytest.raises(RestoreRefused, match="not empty"):
            await restore_to_store(backup, settings)
        assert sorted(await client.keys()) == [b"gh:install", b"gh:{p00}:pool:-:other"]
        await client.delete("gh:{p00}:pool:-:other")
    await restore_to_store(backup, settings)


@pytest.mark.parametrize("partitions", ["", str(PARTITIONS * 2)])
async def test_a_restore_does_not_go_on_where_the_number_of_partitions_is_another(
    settings: StoreSettings, backup: Path, partitions: str
) -> None:
    flush(settings.url)
    record: dict[Any, Any] = {"restoring": f"writing:{Manifest.of(backup).id}"}
    if partitions:
        record["partitions"] = partitions
    async with Redis.from_url(settings.url) as client:
        setting: Any = client.hset(INSTALL_KEY, mapping=record)
        await setting
    with pytest.raises(RestoreRefused, match="empty it first"):
        await restore_to_store(backup, settings)
    assert await noted(settings) == record
    assert await readout(settings) == {}


async def test_a_service_that_starts_between_any_two_commands_keeps_what_it_writes_or_is_refused(
    settings: StoreSettings,
    backup: Path,
    watched: Callable[[Callable[[int], Awaitable[None]]], None],
) -> None:
    whole = await readout(settings)
    served = 0
    for between in count():
        flush(settings.url)
        started = Started(settings, between)
        watched(started.then)
        try:
            await restore_to_store(backup, settings)
        except RestoreRefused:
            served += 1
            assert started.wrote
            assert await noted(settings) == {"partitions": str(PARTITIONS)}
            store = await Store.open(settings, area="pool")
            assert await Counters(store).value("acme", "b") == 1
            assert await Counters(store).value("acme", "a") == 0
            await store.close()
            continue
        if started.wrote:
            # The restore had come to its end.
            break
        assert await readout(settings) == whole
    assert between >= COMMANDS
    # The looks before the first mark.
    assert 3 <= served < COMMANDS


@dataclass
class Started:
    """A service that starts when a restore has sent some commands, writes something, and ends."""

    settings: StoreSettings
    after: int
    tried: bool = False
    wrote: bool = False

    async def then(self, sent: int) -> None:
        if sent < self.after or self.tried:
            return
        self.tried = True
        try:
            store = await Store.open(self.settings, area="pool")
        except StoreUnusable:
            pass
        else:
            self.wrote = True
            await Counters(store).count("acme", "b")
            await store.close()
        async with Redis.from_url(self.settings.url) as client:
            await eventually(lambda: self._gone(client))

    async def _gone(self, client: Redis) -> bool:
        return all(one["name"] != SERVICE_CONNECTION for one in await client.client_list())
