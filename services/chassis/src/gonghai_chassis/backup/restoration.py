"""Making a store from a backup: in an empty one of any arrangement, or in a new data directory."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import RedisError

from gonghai_chassis.backup.copying import pieces_of
from gonghai_chassis.backup.directories import is_free, sync, whole
from gonghai_chassis.backup.failures import RestoreFailed, RestoreRefused
from gonghai_chassis.backup.manifest import Manifest
from gonghai_chassis.backup.masters import CONNECTION, partitions_of, text
from gonghai_chassis.backup.scratch import loaded
from gonghai_chassis.backup.verification import check_sum, key_counts
from gonghai_chassis.embedded import EmbeddedSettings, EmbeddedStore
from gonghai_chassis.store.connection import (
    INSTALL_KEY,
    SERVICE_CONNECTION,
    check_server,
    connect,
)
from gonghai_chassis.store.failures import StoreFailure
from gonghai_chassis.store.round_trips import RoundTrips
from gonghai_chassis.store.settings import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from gonghai_chassis.backup.copying import Piece, Words
    from gonghai_chassis.store.connection import Connection

_ANSWERS_WITHIN: Final = 60.0
_TOLD_EVERY: Final = 100_000
STORE: Final = "store"
"""Where in a data directory `gonghai dev` keeps the store."""


async def restore_to_directory(
    backup: Path,
    directory: Path,
    *,
    server: Path | None = None,
    report: Callable[[str], None] = lambda _line: None,
) -> Manifest:
    """Makes a data directory for the embedded store; it is there whole or not at all.

    Args:
        backup: directory of the backup.
        directory: where to; it must not exist, or be empty.
        server: program to load the files with; the one that comes along when None.
        report: is told, in a sentence each, what happens.

    Raises:
        RestoreRefused: the directory is not empty.
        BackupDamaged: the backup is not to be trusted.
        RestoreFailed: it broke off; nothing is there.
    """
    if not is_free(directory):
        raise RestoreRefused(f"{directory} is not empty: restore into a directory of its own.")
    with whole(directory) as unfinished:
        settings = EmbeddedSettings(unfinished / STORE, fsync="no")
        async with EmbeddedStore(settings) as store:
            manifest = await restore_to_store(
                backup, StoreSettings(url=store.url), server=server, report=report
            )
        for path in await asyncio.to_thread(lambda: [*unfinished.rglob("*")]):
            await asyncio.to_thread(sync, path)
    return manifest


async def restore_to_store(
    backup: Path,
    settings: StoreSettings,
    *,
    server: Path | None = None,
    report: Callable[[str], None] = lambda _line: None,
) -> Manifest:
    """Fills an empty store. One that breaks off can be run again, and no service starts before.

    Args:
        backup: directory of the backup.
        settings: of the store (the number of partitions comes from the backup).
        server: program to load the files with; the one that comes along when None.
        report: is told, in a sentence each, what happens.

    Raises:
        RestoreRefused: the store is in use; nothing was changed.
        BackupDamaged: the backup is not to be trusted.
        RestoreFailed: it broke off; run it again.
    """
    manifest = await asyncio.to_thread(Manifest.of, backup)
    for snapshot in manifest.snapshots:
        await asyncio.to_thread(check_sum, backup, snapshot)
    try:
        connection = await connect(settings, CONNECTION)
    except (OSError, RuntimeError, RedisError) as error:
        raise RestoreRefused(f"The store could not be reached: {error}") from error
    restoring = _Restoring(connection, manifest, report)
    try:
        await check_server(connection)
        await restoring.begin()
        for snapshot in manifest.snapshots:
            async with loaded(backup, snapshot, manifest.database, server) as client:
                source = RoundTrips(client, _ANSWERS_WITHIN)
                async for pieces in pieces_of(source, frozenset(snapshot.partitions)):
                    await restoring.write(pieces)
                await source.drop()
        await restoring.end()
    except (OSError, RuntimeError, RedisError, StoreFailure, TimeoutError) as error:
        raise RestoreFailed(
            f"The restore broke off: {error!r}. The store is marked as half restored; run it again."
        ) from error
    finally:
        await connection.close()
    return manifest


class _Restoring:
    """One run of a restore against one store."""

    def __init__(
        self, connection: Connection, manifest: Manifest, report: Callable[[str], None]
    ) -> None:
        self._connection = connection
        self._manifest = manifest
        self._report = report
        self._partitions = partitions_of(manifest.partitions)
        self._keys = 0
        self._lasting = 0

    async def begin(self) -> None:
        """Marks the store, so that no service starts on it.

        The mark is set before the number of partitions, and services look for it before and after
        they set that: of a service and a restore that begin on an empty store at the same moment
        at most one goes on.
        """
        await self._refuse_while_used()
        ask = self._connection.redirected
        mine = self._manifest.id
        if not await ask(("HSETNX", INSTALL_KEY, "restoring", mine)):
            found = text(await ask(("HGET", INSTALL_KEY, "restoring")) or b"")
            if found != mine:
                raise RestoreRefused(
                    f"The store is half restored from another backup ({found}): empty it first."
                )
            self._report("going on with a restore that broke off")
            return
        words = ("HSETNX", INSTALL_KEY, "partitions", self._manifest.partitions)
        fresh = await ask(words)
        if not fresh or await self._stored() != (1, 1):
            await ask(("HDEL", INSTALL_KEY, "restoring", *(("partitions",) if fresh else ())))
            raise RestoreRefused("The store is not empty: a restore needs one that holds nothing.")

    async def write(self, pieces: Iterable[Piece]) -> None:
        """Makes the keys.

        Raises:
            RestoreFailed: the store refused.
        """
        together: dict[RoundTrips, list[Words]] = {}
        before = self._keys
        for piece in pieces:
            trips = self._connection.trips(self._partitions[piece.partition])
            together.setdefault(trips, []).extend(piece.commands)
            if piece.last:
                self._keys += 1
                self._lasting += piece.lasting
        answered = await asyncio.gather(
            *(trips.exchange(commands) for trips, commands in together.items())
        )
        for answer in (answer for answers in answered for answer in answers):
            if isinstance(answer, RedisError):
                raise RestoreFailed(
                    f"The store refused: {answer}. It is marked as half restored; run it again."
                ) from answer
        if self._keys // _TOLD_EVERY != before // _TOLD_EVERY:
            self._report(f"{self._keys} keys")

    async def end(self) -> None:
        """Takes the mark away, when the store has what the backup has.

        Raises:
            RestoreFailed: it has not; somebody else writes there.
        """
        await self._refuse_while_used()
        _, lasting = await self._stored()
        # The record of the installation is of this run, not of the backup.
        if lasting != self._lasting + 1:
            raise RestoreFailed(
                f"The store has {lasting} keys that do not expire, not {self._lasting + 1}."
                " Empty it and run it again, and see that nobody else uses it."
            )
        now = datetime.now(UTC).isoformat(timespec="seconds")
        words = ("HSET", INSTALL_KEY, "restored", f"{self._manifest.id} {now}")
        await self._connection.redirected(words)
        await self._connection.redirected(("HDEL", INSTALL_KEY, "restoring"))
        self._report(f"{self._keys} keys in {self._manifest.partitions} partitions")

    async def _refuse_while_used(self) -> None:
        for trips in self._connection.servers():
            for line in text(await _one(trips, ("CLIENT", "LIST"))).splitlines():
                if f"name={SERVICE_CONNECTION}" in line.split():
                    raise RestoreRefused("Services are connected to the store: stop them first.")

    async def _stored(self) -> tuple[int, int]:
        keys, lasting = 0, 0
        for trips in self._connection.servers():
            some, never = key_counts(
                await _one(trips, ("INFO", "keyspace")), self._connection.database
            )
            keys, lasting = keys + some, lasting + never
        return keys, lasting


async def _one(trips: RoundTrips, words: Words) -> Any:  # noqa: ANN401 - as the server answers
    (answer,) = await trips.exchange([words])
    if isinstance(answer, RedisError):
        raise answer
    return answer
