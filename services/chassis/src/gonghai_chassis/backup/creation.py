"""Making a backup of a store while services use it."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from gonghai_chassis.backup.directories import is_free, whole
from gonghai_chassis.backup.failures import BackupFailed
from gonghai_chassis.backup.manifest import Manifest, Snapshot
from gonghai_chassis.backup.masters import (
    CONNECTION,
    installed_partitions,
    masters_of,
    partitions_of,
)
from gonghai_chassis.backup.streaming import stream_snapshot
from gonghai_chassis.backup.verification import counted
from gonghai_chassis.store.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gonghai_chassis.backup.masters import Master
    from gonghai_chassis.store.connection import Connection
    from gonghai_chassis.store.settings import StoreSettings


async def create(
    directory: Path,
    settings: StoreSettings,
    *,
    server: Path | None = None,
    check: bool = True,
    report: Callable[[str], None] = lambda _line: None,
) -> Manifest:
    """Makes a backup; the store may be in use, and nothing waits for it.

    Each partition is the whole of one moment: all three services' records of a tenant, with their
    events, cursors and intents. What was acknowledged before the call is there.

    Args:
        directory: where to; it must not exist, or be empty.
        settings: of the store, as the services have them (the number of partitions is found out).
        server: program to load the files with; the one that comes along when None.
        check: whether to load each file once it is there, to see that it can be.
        report: is told, in a sentence each, what happens.

    Raises:
        BackupFailed: there is no backup; the message says why.
        BackupDamaged: what arrived cannot be loaded.
    """
    if not is_free(directory):
        raise BackupFailed(f"{directory} is not empty: give each backup a directory of its own.")
    try:
        connection = await connect(settings, CONNECTION)
    except (OSError, RuntimeError, RedisError) as error:
        raise BackupFailed(f"The store could not be reached: {error}") from error
    try:
        with whole(directory) as unfinished:
            manifest = await _snapshots(connection, unfinished, report)
            if check:
                parts = [
                    await counted(unfinished, manifest, part, server=server, report=report)
                    for part in manifest.snapshots
                ]
                manifest = manifest.model_copy(update={"snapshots": tuple(parts)})
            await asyncio.to_thread(manifest.write, unfinished)
    except (OSError, RuntimeError, RedisError) as error:
        raise BackupFailed(f"The backup broke off: {error}") from error
    finally:
        await connection.close()
    return manifest


async def _snapshots(
    connection: Connection, directory: Path, report: Callable[[str], None]
) -> Manifest:
    partitions = partitions_of(await installed_partitions(connection))
    before = await masters_of(connection, partitions)
    _check_settled(before)
    parts = []
    for number, master in enumerate(before, 1):
        name = f"master-{number}.rdb"
        report(f"{name}: {len(master.partitions)} partitions of {master.server}")
        streamed = await stream_snapshot(master.client, directory / name)
        parts.append(
            Snapshot(
                file=name,
                server=master.server,
                taken=master.time,
                partitions=master.partitions,
                bytes=streamed.bytes,
                sha256=streamed.sha256,
            )
        )
    # Whoever was no master any more, or gave a partition away, sent what may be no moment of it.
    await connection.refresh()
    after = await masters_of(connection, partitions)
    if _standings(after) != _standings(before):
        raise BackupFailed(
            "Partitions moved to other masters meanwhile (a fail-over, or slots under way):"
            " run it again."
        )
    return Manifest(
        id=secrets.token_hex(8),
        partitions=len(partitions),
        database=connection.database,
        began=min(master.time for master in before),
        ended=max(master.time for master in after),
        snapshots=tuple(parts),
    )


def _check_settled(masters: Sequence[Master]) -> None:
    for master in masters:
        if master.standing.role != "master":
            raise BackupFailed("The server is a replica: give the address of the primary.")
        if master.standing.moving:
            raise BackupFailed("A slot is moving between masters: run it again afterwards.")


def _standings(masters: Sequence[Master]) -> list[object]:
    return [(master.partitions, master.standing) for master in masters]
