"""A backup of a store in use is whole, can be trusted, and becomes any other store again."""

from __future__ import annotations

import asyncio
import hashlib
import os
from typing import TYPE_CHECKING

import pytest
from redis.asyncio import Redis
from redis.crc import key_slot
from services.chassis.tests.backup.stores import fill, readout

from gonghai_chassis.backup import (
    BackupDamaged,
    BackupFailed,
    Manifest,
    RestoreRefused,
    create,
    restore_to_directory,
    restore_to_store,
    verify,
)
from gonghai_chassis.embedded import EmbeddedSettings, EmbeddedStore
from gonghai_chassis.events import Cursor, EventStream
from gonghai_chassis.store import Store, StoreSettings
from gonghai_chassis.store.failures import StoreUnavailable
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.counting import Counters
from gonghai_chassis.testing.plugin import PARTITIONS, flush

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

STORES = ("store_server", "redis_server", "store_cluster")


def settings_of(url: str) -> StoreSettings:
    return StoreSettings(url=url, partitions=PARTITIONS)


@pytest.fixture
async def embedded(tmp_path: Path) -> AsyncIterator[EmbeddedStore]:
    async with EmbeddedStore(EmbeddedSettings(tmp_path / "store", fsync="no")) as server:
        yield server


@pytest.fixture
async def backup(embedded: EmbeddedStore, tmp_path: Path) -> Path:
    """A backup of a small store."""
    await fill(settings_of(embedded.url))
    await create(tmp_path / "backup", settings_of(embedded.url))
    return tmp_path / "backup"


@pytest.mark.parametrize("target", STORES)
@pytest.mark.parametrize("source", STORES)
async def test_any_store_becomes_any_other(
    source: str, target: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = request.getfixturevalue(source)
    flush(url)
    await fill(settings_of(url))
    before = await readout(settings_of(url))
    manifest = await create(tmp_path / "backup", settings_of(url))
    assert manifest.partitions == PARTITIONS
    url = request.getfixturevalue(target)
    flush(url)
    await restore_to_store(tmp_path / "backup", settings_of(url))
    assert await readout(settings_of(url)) == before
    # And the services start on it.
    await (await Store.open(settings_of(url), area="pool")).close()


async def test_a_data_directory_is_made_that_a_store_starts_from(
    backup: Path, embedded: EmbeddedStore, tmp_path: Path
) -> None:
    before = await readout(settings_of(embedded.url))
    await restore_to_directory(backup, tmp_path / "data")
    async with EmbeddedStore(EmbeddedSettings(tmp_path / "data" / "store")) as restored:
        assert await readout(settings_of(restored.url)) == before
    with pytest.raises(RestoreRefused, match="not empty"):
        await restore_to_directory(backup, tmp_path / "data")
    assert names(tmp_path) == ["backup", "data", "store"]


async def test_the_store_serves_meanwhile_and_each_step_is_there_whole_or_not_at_all(
    embedded: EmbeddedStore, tmp_path: Path
) -> None:
    settings = settings_of(embedded.url)
    store = await Store.open(settings, area="pool")
    counters = Counters(store)
    p = store.partition("acme")
    subjects = [f"s{n}" for n in range(60)]
    for subject in subjects:
        await counters.count("acme", subject)
    # Each key of the snapshot takes 5 ms: it lasts for as long as hundreds of steps.
    await store.client().config_set("rdb-key-save-delay", "5000")
    acknowledged = dict.fromkeys(subjects, 1)
    over = asyncio.Event()

    async def caller(mine: list[str]) -> None:
        while not over.is_set():
            for subject in mine:
                await counters.count("acme", subject)
                acknowledged[subject] += 1

    callers = [asyncio.create_task(caller(subjects[n::4])) for n in range(4)]
    await eventually(lambda: acknowledged["s0"] > 3)
    before = dict(acknowledged)
    await create(tmp_path / "backup", settings)
    during = sum(acknowledged.values()) - sum(before.values())
    over.set()
    await asyncio.gather(*callers)
    await store.close()
    assert during > 100

    await restore_to_directory(tmp_path / "backup", tmp_path / "data")
    async with EmbeddedStore(EmbeddedSettings(tmp_path / "data" / "store")) as server:
        restored = await Store.open(settings_of(server.url), area="pool")
        values = {s: await Counters(restored).value("acme", s) for s in subjects}
        batch = await EventStream(restored).read(p, Cursor.START, limit=100_000)
        await restored.close()
    assert all(before[subject] <= values[subject] <= acknowledged[subject] for subject in subjects)
    told: dict[str, list[int]] = {subject: [] for subject in subjects}
    for event in batch.events:
        told[event.subject].append(event.version)
    assert told == {subject: list(range(1, values[subject] + 1)) for subject in subjects}


async def test_a_backup_under_way_confirms_no_write(
    embedded: EmbeddedStore, tmp_path: Path
) -> None:
    await fill(settings_of(embedded.url))
    careful = StoreSettings(
        url=embedded.url, partitions=PARTITIONS, wait_replicas=1, wait_timeout=0.05
    )
    store = await Store.open(careful, area="pool")
    await store.client().config_set("rdb-key-save-delay", "5000")
    backup = asyncio.create_task(create(tmp_path / "backup", settings_of(embedded.url)))

    async def sending() -> bool:
        return bool((await store.client().info("persistence"))["rdb_bgsave_in_progress"])

    await eventually(sending)
    with pytest.raises(StoreUnavailable, match="replicas"):
        await Counters(store).count("acme", "a")
    assert await sending()
    await store.client().config_set("rdb-key-save-delay", "0")
    backup.cancel()
    await asyncio.gather(backup, return_exceptions=True)
    await store.close()


async def test_a_backup_that_is_cut_off_leaves_nothing_that_looks_like_one(
    embedded: EmbeddedStore, tmp_path: Path
) -> None:
    await fill(settings_of(embedded.url))
    store = await Store.open(settings_of(embedded.url), area="pool")
    await store.client().config_set("rdb-key-save-delay", "50000")
    backup = asyncio.create_task(create(tmp_path / "backup", settings_of(embedded.url)))
    await eventually(lambda: any(tmp_path.glob(".backup.*.unfinished/master-1.rdb")))
    await embedded.kill()
    with pytest.raises(BackupFailed):
        await backup
    assert names(tmp_path) == ["store"]
    await store.close()


async def test_a_slot_that_moves_is_waited_for(store_cluster: str, tmp_path: Path) -> None:
    flush(store_cluster)
    settings = settings_of(store_cluster)
    await fill(settings)
    store = await Store.open(settings, area="pool")
    p = store.partitions[0]
    source = store.client(p)
    other = next(c for c in map(store.client, store.partitions) if c is not source)
    there = (await other.execute_command("CLUSTER", "MYID")).decode()  # type: ignore[no-untyped-call]
    slot = key_slot(p.keys.clock.encode())
    await source.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", there)  # type: ignore[no-untyped-call]
    with pytest.raises(BackupFailed, match="moving"):
        await create(tmp_path / "backup", settings)
    await source.execute_command("CLUSTER", "SETSLOT", slot, "STABLE")  # type: ignore[no-untyped-call]
    await create(tmp_path / "backup", settings)
    await store.close()


async def test_where_no_service_ever_ran_there_is_nothing_to_back_up(
    embedded: EmbeddedStore, tmp_path: Path
) -> None:
    with pytest.raises(BackupFailed, match="no Gonghai"):
        await create(tmp_path / "backup", settings_of(embedded.url))
    with pytest.raises(BackupFailed, match="connecting"):
        await create(tmp_path / "backup", settings_of("redis://127.0.0.1:1/0"))


async def test_a_replica_is_no_source(embedded: EmbeddedStore, tmp_path: Path) -> None:
    await fill(settings_of(embedded.url))
    extra = ("--replicaof", "127.0.0.1", str(embedded.port))
    async with (
        EmbeddedStore(EmbeddedSettings(tmp_path / "replica", extra=extra)) as replica,
        Redis.from_url(replica.url) as client,
    ):
        await eventually(client.dbsize)
        with pytest.raises(BackupFailed, match="replica"):
            await create(tmp_path / "backup", settings_of(replica.url))


async def test_only_the_database_of_the_url_is_restored(
    embedded: EmbeddedStore, tmp_path: Path
) -> None:
    third = settings_of(embedded.url.removesuffix("0") + "3")
    await fill(third)
    before = await readout(third)
    store = await Store.open(settings_of(embedded.url), area="pool")
    await Counters(store).count("acme", "somebody else's")
    await store.close()
    await create(tmp_path / "backup", third)
    async with EmbeddedStore(EmbeddedSettings(tmp_path / "other")) as other:
        await restore_to_store(tmp_path / "backup", settings_of(other.url))
        assert await readout(settings_of(other.url)) == before


async def test_who_is_broken_off_while_a_file_loads_leaves_no_server_behind(
    backup: Path, tmp_path: Path
) -> None:
    # A server that never comes up, and says who it is.
    slow = tmp_path / "slow-server"
    slow.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n")
    slow.chmod(0o755)
    checking = asyncio.create_task(verify(backup, server=slow))
    pid = await eventually(lambda: _number_in(tmp_path / "pid"))
    checking.cancel()
    await asyncio.gather(checking, return_exceptions=True)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def _number_in(path: Path) -> int:
    return int(path.read_text() or 0) if path.exists() else 0


class TestTrust:
    async def test_a_good_one_is_believed(self, backup: Path) -> None:
        lines: list[str] = []
        manifest = await verify(backup, report=lines.append)
        assert manifest == Manifest.of(backup)
        assert f"{manifest.snapshots[0].keys} keys" in lines[0]

    async def test_a_changed_file_is_noticed(self, backup: Path) -> None:
        file = backup / "master-1.rdb"
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
        with pytest.raises(BackupDamaged, match="sum"):
            await verify(backup)

    async def test_a_file_that_no_server_loads_is_noticed(self, backup: Path) -> None:
        cut = (backup / "master-1.rdb").read_bytes()[:-20]
        rewrite(backup, cut)
        with pytest.raises(BackupDamaged, match="cannot be loaded"):
            await verify(backup)

    async def test_a_file_of_a_newer_server_names_the_way_out(self, backup: Path) -> None:
        content = (backup / "master-1.rdb").read_bytes()
        rewrite(backup, content[:5] + b"0099" + content[9:])
        with pytest.raises(BackupDamaged, match="--server"):
            await verify(backup)

    async def test_a_file_of_another_installation_is_noticed(self, backup: Path) -> None:
        manifest = Manifest.of(backup)
        partitions = tuple(range(PARTITIONS + 1))
        part = manifest.snapshots[0].model_copy(update={"partitions": partitions})
        manifest.model_copy(update={"partitions": PARTITIONS + 1, "snapshots": (part,)}).write(
            backup
        )
        with pytest.raises(BackupDamaged, match="installation of 4"):
            await verify(backup)

    async def test_a_partition_that_no_file_has_is_noticed(self, backup: Path) -> None:
        manifest = Manifest.of(backup)
        manifest.model_copy(update={"partitions": PARTITIONS + 1}).write(backup)
        with pytest.raises(BackupDamaged, match="each partition"):
            await verify(backup)

    async def test_what_has_no_manifest_is_no_backup(self, backup: Path) -> None:
        (backup / "manifest.json").unlink()
        with pytest.raises(BackupDamaged, match="no backup"):
            await verify(backup)


def rewrite(backup: Path, content: bytes) -> None:
    """Puts another file into a backup, as if it had been made so."""
    (backup / "master-1.rdb").write_bytes(content)
    manifest = Manifest.of(backup)
    changes = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    part = manifest.snapshots[0].model_copy(update=changes)
    manifest.model_copy(update={"snapshots": (part,)}).write(backup)


def names(directory: Path) -> list[str]:
    """What stands in a directory."""
    return sorted(path.name for path in directory.iterdir())
