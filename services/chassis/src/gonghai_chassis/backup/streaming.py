"""A master's snapshot over the wire, as a replica gets it that wants nothing after it.

`SYNC` lets the server fork and send what it holds at that moment. It goes on serving, writes
nothing to its own disk, and counts nobody as a replica: with `rdb-only` there is nothing to
acknowledge, so that neither WAIT nor min-replicas-to-write takes a backup for a replica that keeps
the data.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from redis.exceptions import RedisError

from gonghai_chassis.backup.failures import BackupFailed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from redis.asyncio import Redis

_SILENCE: Final = 60.0
"""Seconds without a byte after which the server is given up; it sends newlines while it forks."""

_PIECE: Final = 1 << 20
_MARK: Final = 40
"""Bytes of the mark that ends a snapshot of unknown length."""


@dataclass(frozen=True, slots=True)
class Streamed:
    """A snapshot that arrived.

    Attributes:
        bytes: its size.
        sha256: its sum, hexadecimal.
    """

    bytes: int
    sha256: str


async def stream_snapshot(client: Redis, path: Path) -> Streamed:
    """Writes what a master holds into a file, and onto the disk.

    Raises:
        BackupFailed: the server refused, or broke off.
    """
    connection: Any = await client.connection_pool.get_connection()  # type: ignore[no-untyped-call]
    try:
        for words in (("REPLCONF", "capa", "eof"), ("REPLCONF", "rdb-only", "1")):
            await connection.send_command(*words)
            await connection.read_response()
        await connection.send_command("SYNC")
        # redis-py has no way to read what is no answer; all answers before were read.
        reader = cast("asyncio.StreamReader", connection._reader)  # noqa: SLF001
        return await _written(_snapshot(reader), path)
    except (RedisError, OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        raise BackupFailed(f"The server sent no snapshot: {error!r}.") from error
    finally:
        await connection.disconnect(nowait=True)
        await client.connection_pool.release(connection)


async def _written(pieces: AsyncGenerator[bytes, None], path: Path) -> Streamed:
    size, seen = 0, hashlib.sha256()
    with await asyncio.to_thread(path.open, "xb") as file:
        async for piece in pieces:
            size += len(piece)
            seen.update(piece)
            await asyncio.to_thread(file.write, piece)
        file.flush()
        await asyncio.to_thread(os.fsync, file.fileno())
    return Streamed(size, seen.hexdigest())


async def _snapshot(reader: asyncio.StreamReader) -> AsyncGenerator[bytes, None]:
    header = b""
    while not header.strip():
        header = await _before_long(reader.readline())
        if not header:
            raise BackupFailed("The server closed the connection.")
    if not header.startswith(b"$"):
        raise BackupFailed(f"The server refused: {header.decode(errors='replace').strip()}")
    told = header[1:].strip()
    if told.startswith(b"EOF:"):
        async for piece in _until_mark(reader, told.removeprefix(b"EOF:")):
            yield piece
        return
    left = int(told)
    while left:
        piece = await _before_long(reader.read(min(left, _PIECE)))
        if not piece:
            raise BackupFailed("The server broke off in the middle.")
        left -= len(piece)
        yield piece


async def _until_mark(reader: asyncio.StreamReader, mark: bytes) -> AsyncGenerator[bytes, None]:
    if len(mark) != _MARK:
        raise BackupFailed("The server's answer has no form that is known.")
    # The mark may come in two pieces: its length is always kept back.
    held = b""
    while not held.endswith(mark):
        piece = await _before_long(reader.read(_PIECE))
        if not piece:
            raise BackupFailed("The server broke off in the middle.")
        held += piece
        if len(held) > _MARK:
            yield held[:-_MARK]
            held = held[-_MARK:]


async def _before_long(reading: Any) -> bytes:  # noqa: ANN401 - a coroutine of a stream reader
    async with asyncio.timeout(_SILENCE):
        return cast("bytes", await reading)
