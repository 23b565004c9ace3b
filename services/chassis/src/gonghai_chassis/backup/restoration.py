"""Making a store from a backup: in an empty one of any arrangement, or in a new data directory."""

from __future__ import annotations

import asyncio
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from secrets import token_hex
from time import monotonic
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
_CHECKING: Final = "checking:"
"""Mark of a restore that has written nothing yet, before the id of the backup."""
_WRITING: Final = "writing:"
"""Mark of one that writes, or has broken off while it wrote."""
_GONE_WITHIN: Final = 2.0
"""Seconds in which a server hears that a process has ended which was connected to it."""
_LOOK_AGAIN: Final = 0.05
_NOTE: Final = """\
-- KEYS the record of the installation
-- ARGV partitions, mark, run and restored as they are expected, and as they are to be; '' for none
-- Returns 1 | 0 when they are others
local names = {'partitions', 'restoring', 'run', 'restored'}
local found = redis.call('HMGET', KEYS[1], unpack(names))
for n = 1, #names do
  if (found[n] or '') ~= ARGV[n] then return 0 end
end
for n, name in ipairs(names) do
  local value = ARGV[#names + n]
  if value == '' then
    redis.call('HDEL', KEYS[1], name)
  else
    redis.call('HSET', KEYS[1], name, value)
  end
end
return 1
"""
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
    try:
        with whole(directory) as unfinished:
            settings = EmbeddedSettings(unfinished / STORE, fsync="no")
            async with EmbeddedStore(settings) as store:
                manifest = await restore_to_store(
                    backup, StoreSettings(url=store.url), server=server, report=report
                )
            for path in await asyncio.to_thread(lambda: [*unfinished.rglob("*")]):
                await asyncio.to_thread(sync, path)
    except OSError as error:
        if not is_free(directory):
            raise RestoreRefused(
                f"Something else was put into {directory} meanwhile: another restore, perhaps."
            ) from error
        raise RestoreFailed(f"The data directory could not be made: {error}") from error
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
        run = token_hex(8)
        connection = await connect(settings, _connection_of(run))
    except (OSError, RuntimeError, RedisError) as error:
        raise RestoreRefused(f"The store could not be reached: {error}") from error
    restoring = _Restoring(connection, manifest, run, report)
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
            f"The restore broke off: {error!r}. If it had begun to write, no service starts on the"
            " store before it has come to its end: run it again."
        ) from error
    finally:
        await connection.close()
    return manifest


@dataclass(frozen=True, slots=True)
class _Noted:
    """What a store's record of the installation says.

    Attributes:
        partitions: their number; "" when no service and no restore has begun on the store.
        mark: of a restore that has not come to its end, with the id of its backup; else "".
        run: id of the last run of that restore, after which its connections are called; else "".
        restored: which restore made the store, and when; "" if none did.
    """

    partitions: str = ""
    mark: str = ""
    run: str = ""
    restored: str = ""


_NOTHING: Final = _Noted()


def _connection_of(run: str) -> str:
    """What connections of a run of a restore are called."""
    return f"{CONNECTION}-{run}"


class _Restoring:
    """One run of a restore against one store.

    Args:
        connection: to the store, by the run's name for its connections.
        manifest: of the backup.
        run: its id.
        report: is told what happens.
    """

    def __init__(
        self,
        connection: Connection,
        manifest: Manifest,
        run: str,
        report: Callable[[str], None],
    ) -> None:
        self._connection = connection
        self._manifest = manifest
        self._report = report
        self._partitions = partitions_of(manifest.partitions)
        self._checking = _Noted(str(manifest.partitions), _CHECKING + manifest.id, run)
        self._writing = replace(self._checking, mark=_WRITING + manifest.id)
        self._keys = 0
        self._lasting = 0

    async def begin(self) -> None:
        """Marks the store, so that no service starts on it, when it holds nothing.

        Nothing is changed before the store was seen to be empty. Then number and first mark are
        set in one step, if neither is there: a service that notes its number before keeps the
        restore away, and one that comes later finds the mark. The second mark is set when the
        store was seen to be empty since; only where it stands does another run go on.

        Of two runs at once one goes on: each step names the run that the record is to have by then,
        and whose run stands there is left alone as long as it is connected.

        Raises:
            RestoreRefused: the store is in use, or half restored from another backup, or another
                restore is under way.
        """
        await self._refuse_while_used()
        before = await self._noted()
        await self._refuse_beside(before.run)
        if before.mark.startswith(_WRITING):
            await self._go_on(before)
            return
        checking = self._checking
        if not await self._empty(before) or not await self._note(before, checking):
            now = await self._noted()
            raise _another() if now.mark and now != before else self._not_empty(now)
        try:
            await self._refuse_while_used()
            if not await self._empty(checking):
                raise self._not_empty()
        except RestoreRefused:
            await self._note(checking, _NOTHING)
            raise
        if not await self._note(checking, self._writing):
            raise _another()

    async def _go_on(self, before: _Noted) -> None:
        if before.mark != self._writing.mark:
            raise RestoreRefused(
                "The store is half restored from another backup"
                f" ({before.mark.removeprefix(_WRITING)}): empty it first."
            )
        if before.partitions != self._writing.partitions:
            raise RestoreRefused(
                f"The store was installed with {before.partitions or 'no'} partitions meanwhile,"
                f" and the backup has {self._manifest.partitions}: empty it first."
            )
        if not await self._note(before, self._writing):
            raise _another()
        self._report("going on with a restore that broke off")

    async def _empty(self, noted: _Noted) -> bool:
        """Whether the store holds nothing, but for what a restore noted before it wrote."""
        if noted == _NOTHING:
            return await self._stored() == (0, 0)
        return noted.mark.startswith(_CHECKING) and await self._stored() == (1, 1)

    def _not_empty(self, noted: _Noted = _NOTHING) -> RestoreRefused:
        backup, _, when = noted.restored.partition(" ")
        if backup == self._manifest.id:
            return RestoreRefused(
                f"The store is not empty: it was restored from this backup, at {when}."
            )
        return RestoreRefused("The store is not empty: a restore needs one that holds nothing.")

    async def write(self, pieces: Iterable[Piece]) -> None:
        """Makes the keys.

        Raises:
            RestoreFailed: the store refused, or another run has gone on with the restore.
        """
        if await self._noted() != self._writing:
            raise RestoreFailed(
                "Another run has taken over: this one was not connected to the store for a while."
            )
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
        try:
            await self._refuse_while_used()
        except RestoreRefused as used:
            raise RestoreFailed(f"{used} Then run it again.") from used
        _, lasting = await self._stored()
        # The record of the installation is of this run, not of the backup.
        if lasting != self._lasting + 1:
            raise RestoreFailed(
                f"The store has {lasting} keys that do not expire, not {self._lasting + 1}."
                " Empty it and run it again, and see that nobody else uses it."
            )
        now = datetime.now(UTC).isoformat(timespec="seconds")
        whole = _Noted(self._writing.partitions, restored=f"{self._manifest.id} {now}")
        if not await self._note(self._writing, whole):
            raise RestoreFailed("Another run has taken over, and brings the restore to its end.")
        self._report(f"{self._keys} keys in {self._manifest.partitions} partitions")

    async def _noted(self) -> _Noted:
        """What stands in the record of the installation."""
        words = ("HMGET", INSTALL_KEY, "partitions", "restoring", "run", "restored")
        found = await self._connection.redirected(words)
        return _Noted(*(text(value or b"") for value in found))

    async def _note(self, before: _Noted, after: _Noted) -> bool:
        """Notes it, if what was seen before stands there still."""
        words = ("EVAL", _NOTE, 1, INSTALL_KEY, *astuple(before), *astuple(after))
        return bool(await self._connection.redirected(words))

    async def _refuse_beside(self, run: str) -> None:
        """Refuses while another run is connected; one that was killed is not for long."""
        until = monotonic() + _GONE_WITHIN
        while run and await self._connected(_connection_of(run)):
            if monotonic() > until:
                raise RestoreRefused(
                    "Another restore is under way on the store: let it come to its end. (When its"
                    f" machine is gone, end its connections, called {_connection_of(run)} in CLIENT"
                    " LIST, by CLIENT KILL, and run it again.)"
                )
            await asyncio.sleep(_LOOK_AGAIN)

    async def _refuse_while_used(self) -> None:
        if await self._connected(SERVICE_CONNECTION):
            raise RestoreRefused("Services are connected to the store: stop them first.")

    async def _connected(self, name: str) -> bool:
        """Whether a connection of that name is there, on any server."""
        for trips in self._connection.servers():
            for line in text(await _one(trips, ("CLIENT", "LIST"))).splitlines():
                if f"name={name}" in line.split():
                    return True
        return False

    async def _stored(self) -> tuple[int, int]:
        keys, lasting = 0, 0
        for trips in self._connection.servers():
            some, never = key_counts(
                await _one(trips, ("INFO", "keyspace")), self._connection.database
            )
            keys, lasting = keys + some, lasting + never
        return keys, lasting


def _another() -> RestoreRefused:
    return RestoreRefused("Another restore has begun on the store: let it come to its end.")


async def _one(trips: RoundTrips, words: Words) -> Any:  # noqa: ANN401 - as the server answers
    (answer,) = await trips.exchange([words])
    if isinstance(answer, RedisError):
        raise answer
    return answer
