"""Whether a backup is what was made, and whether a server can load it."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

from gonghai_chassis.backup.failures import BackupDamaged
from gonghai_chassis.backup.manifest import Manifest
from gonghai_chassis.backup.masters import info
from gonghai_chassis.backup.scratch import loaded
from gonghai_chassis.store.connection import INSTALL_KEY
from gonghai_chassis.store.round_trips import RoundTrips

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gonghai_chassis.backup.manifest import Snapshot

_ANSWERS_WITHIN = 60.0


async def verify(
    directory: Path,
    *,
    server: Path | None = None,
    report: Callable[[str], None] = lambda _line: None,
) -> Manifest:
    """Compares each file with its sum, loads it, and compares what is in it.

    Args:
        directory: of the backup.
        server: program to load the files with; the one that comes along when None.
        report: is told, in a sentence each, what happens.

    Raises:
        BackupDamaged: the backup is not to be trusted; the message says why.
    """
    manifest = await asyncio.to_thread(Manifest.of, directory)
    for snapshot in manifest.snapshots:
        await asyncio.to_thread(check_sum, directory, snapshot)
        found = await counted(directory, manifest, snapshot, server=server, report=report)
        # Keys that expire may have done so since.
        if snapshot.lasting is not None and found.lasting != snapshot.lasting:
            raise BackupDamaged(
                f"{snapshot.file} has {found.lasting} keys that do not expire, not"
                f" {snapshot.lasting}."
            )
    return manifest


def check_sum(directory: Path, snapshot: Snapshot) -> None:
    """Compares a file with its sum.

    Raises:
        BackupDamaged: it is missing, or another one.
    """
    path = directory / snapshot.file
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BackupDamaged(f"{path} cannot be read: {error}") from None
    if found != snapshot.sha256:
        raise BackupDamaged(f"{path} was changed since the backup was made: its sum is another.")


async def counted(
    directory: Path,
    manifest: Manifest,
    snapshot: Snapshot,
    *,
    server: Path | None,
    report: Callable[[str], None],
) -> Snapshot:
    """Loads a file; gives the snapshot with the number of its keys.

    Raises:
        BackupDamaged: it cannot be loaded, or is of another installation.
    """
    async with loaded(directory, snapshot, manifest.database, server) as client:
        trips = RoundTrips(client, _ANSWERS_WITHIN)
        keyspace, partitions = await trips.exchange(
            [("INFO", "keyspace"), ("HGET", INSTALL_KEY, "partitions")]
        )
        await trips.drop()
    if partitions is not None and int(partitions) != manifest.partitions:
        raise BackupDamaged(
            f"{snapshot.file} is of an installation of {int(partitions)} partitions, not"
            f" {manifest.partitions}."
        )
    keys, lasting = key_counts(keyspace, manifest.database)
    report(f"{snapshot.file}: {keys} keys, {snapshot.bytes} bytes")
    return snapshot.model_copy(update={"keys": keys, "lasting": lasting})


def key_counts(keyspace: bytes, database: int) -> tuple[int, int]:
    """How many keys a database has, by an answer to INFO, and how many of these never expire."""
    said = info(keyspace).get(f"db{database}", "")
    counts = dict(part.split("=") for part in said.split(",")) if said else {}
    keys = int(counts.get("keys", 0))
    return keys, keys - int(counts.get("expires", 0))
