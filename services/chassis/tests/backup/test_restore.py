"""A restored store: who may write to it, who is refused, and what its followers hear."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from redis.asyncio import Redis
from services.chassis.tests.backup.stores import fill, readout

from gonghai_chassis.backup import (
    BackupFailed,
    RestoreFailed,
    RestoreRefused,
    create,
    restoration,
    restore_to_store,
)
from gonghai_chassis.dev_clock import DevClock
from gonghai_chassis.embedded import EmbeddedSettings, EmbeddedStore
from gonghai_chassis.events import Cursor, EventStream, Tail, watch
from gonghai_chassis.leases import Lease, Leases
from gonghai_chassis.store import Store, StoreSettings
from gonghai_chassis.store.failures import (
    CursorTooOld,
    LeaseLost,
    StoreFailure,
    StoreUnusable,
)
from gonghai_chassis.testing.counting import DO_DUE, DUE_KIND, Counters
from gonghai_chassis.testing.plugin import PARTITIONS, flush

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from gonghai_chassis.backup.copying import Piece


def settings_of(url: str) -> StoreSettings:
    return StoreSettings(url=url, partitions=PARTITIONS)


@pytest.fixture
async def settings(tmp_path: Path) -> AsyncIterator[StoreSettings]:
    """Of a store that each test backs up, empties, and restores in its place."""
    async with EmbeddedStore(EmbeddedSettings(tmp_path / "store", fsync="no")) as server:
        yield settings_of(server.url)


async def restored(backup: Path, settings: StoreSettings) -> Store:
    """The store restored in its place, by an area that comes new to it."""
    flush(settings.url)
    await restore_to_store(backup, settings)
    return await Store.open(settings, area="pool")


async def test_followers_beyond_the_backup_hear_of_it_also_when_others_wrote_there_since(
    settings: StoreSettings, tmp_path: Path
) -> None:
    store = await Store.open(settings, area="pool")
    p = store.partition("acme")
    for _ in range(3):
        await Counters(store).count("acme", "a")
    kept = await EventStream(store).head(p)
    await create(tmp_path / "backup", settings)
    for _ in range(3):
        await Counters(store).count("acme", "a")
    lost = await EventStream(store).head(p)
    await store.close()

    store = await restored(tmp_path / "backup", settings)
    stream = EventStream(store)
    with pytest.raises(CursorTooOld):
        await stream.read(p, lost)
    # Who had heard no more than was kept goes on.
    assert (await stream.read(p, kept)).events == ()
    for _ in range(9):
        await Counters(store).count("acme", "a")
    tail = await Tail.open(store)
    with pytest.raises(CursorTooOld):
        await anext(watch(stream, tail, p, lost))
    batch = await stream.read(p, kept)
    assert [event.version for event in batch.events] == list(range(4, 13))
    assert (await stream.read(p, Cursor.START)).events[2].cursor(kept.incarnation) == kept
    await tail.close()
    await store.close()


async def test_a_lease_of_the_time_before_is_worth_nothing(
    settings: StoreSettings, tmp_path: Path
) -> None:
    store = await Store.open(settings, area="pool")
    before = Leases(store, ttl=600)
    await before.acquire(PARTITIONS)
    p = store.partition("acme")
    await Counters(store).count("acme", "a", due_at=1)
    await do_due(store, before.held[p.index], "a")
    await Counters(store).count("acme", "b", due_at=1)
    await create(tmp_path / "backup", settings)
    await store.close()

    store = await restored(tmp_path / "backup", settings)
    with pytest.raises(LeaseLost):
        await do_due(store, before.held[p.index], "b")
    # Nobody has to wait until it runs out, and the same number in other hands is another lease.
    after = Leases(store)
    await after.acquire(PARTITIONS)
    assert after.held[p.index].token == before.held[p.index].token
    with pytest.raises(LeaseLost):
        await do_due(store, before.held[p.index], "b")
    await do_due(store, after.held[p.index], "b")
    await store.close()


async def test_time_does_not_go_back(settings: StoreSettings, tmp_path: Path) -> None:
    store = await Store.open(settings, area="pool")
    clock = DevClock(store, {})
    now = (await clock.read()).now
    ahead = (await clock.set(now + 86_400_000_000, frozen=False)).now
    await create(tmp_path / "backup", settings)
    await store.close()

    store = await restored(tmp_path / "backup", settings)
    assert (await DevClock(store, {}).read()).now >= ahead
    await store.close()


async def test_what_was_answered_before_the_backup_is_remembered(
    settings: StoreSettings, tmp_path: Path
) -> None:
    store = await Store.open(settings, area="pool")
    await Counters(store).count("acme", "a", request_id="r1")
    await create(tmp_path / "backup", settings)
    await Counters(store).count("acme", "a", request_id="r2")
    await store.close()

    store = await restored(tmp_path / "backup", settings)
    assert (await Counters(store).count("acme", "a", request_id="r1")).replayed
    # What came after it never was, nor was its request.
    again = await Counters(store).count("acme", "a", request_id="r2")
    assert not again.replayed
    assert again.fields["count"] == 2
    await store.close()


async def test_no_service_starts_on_half_a_store_and_the_restore_goes_on_when_it_is_run_again(
    settings: StoreSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(settings)
    whole = await readout(settings)
    await create(tmp_path / "backup", settings)
    await create(tmp_path / "another", settings)
    flush(settings.url)
    write = restoration._Restoring.write
    batches = 0

    async def break_off(self: restoration._Restoring, pieces: list[Piece]) -> None:
        nonlocal batches
        batches += 1
        if batches == 2:
            raise ConnectionError("made to fail")
        await write(self, pieces)

    with monkeypatch.context() as patch:
        patch.setattr(restoration._Restoring, "write", break_off)
        with pytest.raises(RestoreFailed, match="run it again"):
            await restore_to_store(tmp_path / "backup", settings)
    half = await readout(settings)
    assert 0 < len(half) <= len(whole)
    assert half != whole
    with pytest.raises(StoreUnusable, match="half restored"):
        await Store.open(settings, area="pool")
    with pytest.raises(BackupFailed, match="half restored"):
        await create(tmp_path / "of-half", settings)
    with pytest.raises(RestoreRefused, match="another backup"):
        await restore_to_store(tmp_path / "another", settings)
    await restore_to_store(tmp_path / "backup", settings)
    assert await readout(settings) == whole
    await (await Store.open(settings, area="pool")).close()


async def test_a_store_in_use_is_left_as_it_is(settings: StoreSettings, tmp_path: Path) -> None:
    await fill(settings)
    whole = await readout(settings)
    await create(tmp_path / "backup", settings)
    with pytest.raises(RestoreRefused, match="not empty"):
        await restore_to_store(tmp_path / "backup", settings)
    assert await readout(settings) == whole
    await (await Store.open(settings, area="pool")).close()

    flush(settings.url)
    async with Redis.from_url(settings.url) as client:
        await client.set("somebody else's", "x")
        with pytest.raises(RestoreRefused, match="not empty"):
            await restore_to_store(tmp_path / "backup", settings)
        assert await client.keys() == [b"somebody else's"]


async def test_services_that_are_still_connected_keep_a_restore_away(
    settings: StoreSettings, tmp_path: Path
) -> None:
    store = await Store.open(settings, area="pool")
    await create(tmp_path / "backup", settings)
    flush(settings.url)
    with pytest.raises(RestoreRefused, match="Services are connected"):
        await restore_to_store(tmp_path / "backup", settings)
    assert await readout(settings) == {}
    await store.close()
    await restore_to_store(tmp_path / "backup", settings)


async def test_somebody_who_writes_meanwhile_is_noticed(
    settings: StoreSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(settings)
    await create(tmp_path / "backup", settings)
    flush(settings.url)
    write = restoration._Restoring.write

    async def beside(self: restoration._Restoring, pieces: list[Piece]) -> None:
        await write(self, pieces)
        async with Redis.from_url(settings.url) as client:
            await client.set("gh:{p00}:pool:-:intruder", "x")

    monkeypatch.setattr(restoration._Restoring, "write", beside)
    with pytest.raises(RestoreFailed, match="nobody else"):
        await restore_to_store(tmp_path / "backup", settings)
    with pytest.raises(StoreUnusable):
        await Store.open(settings, area="pool")


async def test_of_a_service_and_a_restore_that_begin_at_once_at_most_one_goes_on(
    settings: StoreSettings, tmp_path: Path
) -> None:
    await fill(settings)
    await create(tmp_path / "backup", settings)
    for _ in range(10):
        flush(settings.url)
        opened, done = await asyncio.gather(
            Store.open(settings, area="pool"),
            restore_to_store(tmp_path / "backup", settings),
            return_exceptions=True,
        )
        if isinstance(opened, Store):
            assert isinstance(done, RestoreRefused | RestoreFailed)
            await opened.close()
        else:
            assert isinstance(opened, StoreUnusable | StoreFailure)


async def do_due(store: Store, lease: Lease, member: str) -> None:
    p = lease.partition
    await store.run(
        DO_DUE,
        p,
        keys={**lease.keys(), "due": p.due_key(DUE_KIND), "done": p.key("done")},
        args={**lease.args(), "member": member, "again": None},
    )
