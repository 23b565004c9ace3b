"""A server of our own, for as long as it takes to read a file of a backup."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from redis.asyncio import Redis

from gonghai_chassis.backup.failures import BackupDamaged
from gonghai_chassis.embedded import LOOPBACK, EmbeddedSettings, EmbeddedStore
from gonghai_chassis.store.failures import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gonghai_chassis.backup.manifest import Snapshot

_LOADED_WITHIN: Final = 3600.0
_DATABASES: Final = 16


@asynccontextmanager
async def loaded(
    directory: Path, snapshot: Snapshot, database: int, server: Path | None
) -> AsyncIterator[Redis]:
    """Gives a client of a server that has loaded a snapshot; it ends with the block.

    Raises:
        BackupDamaged: it cannot be loaded; the message has what the server said.
    """
    with tempfile.TemporaryDirectory(prefix="gonghai-backup-") as place:
        (Path(place) / "snapshot.rdb").symlink_to((directory / snapshot.file).absolute())
        store = EmbeddedStore(
            EmbeddedSettings(
                Path(place),
                fsync="no",
                binary=server,
                ready_within=_LOADED_WITHIN,
                extra=(
                    *("--appendonly", "no", "--dbfilename", "snapshot.rdb"),
                    *("--databases", str(max(_DATABASES, database + 1))),
                ),
            )
        )
        try:
            await _started(store, snapshot)
            client = Redis(host=LOOPBACK, port=store.port, db=database, protocol=2)
            try:
                yield client
            finally:
                await client.aclose()
        finally:
            # It has nothing to keep; and who is broken off while it loads leaves it behind no more.
            await store.kill()


async def _started(store: EmbeddedStore, snapshot: Snapshot) -> None:
    try:
        await store.start()
    except StoreUnavailable:
        said = await asyncio.to_thread(_last_words, store.log_path)
        raise BackupDamaged(
            f"{snapshot.file}, written by {snapshot.server}, cannot be loaded: {said}"
        ) from None


def _last_words(log: Path) -> str:
    try:
        lines = log.read_text("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return "the server did not start."
    said = " ".join(line.partition(" # ")[2] for line in lines[-4:] if " # " in line)
    if "RDB format version" in said:
        return (
            f"{said} Give --server a redis-server or valkey-server of the kind that wrote it,"
            " of that version or a later one."
        )
    return said or "the server ended at once."
