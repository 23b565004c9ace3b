"""Reading keys out of one server as the commands that make them in another one.

Not by DUMP and RESTORE: their form belongs to a version of the server, and a newer one's is refused
by an older one. These commands mean the same to every server since Redis 7.0, and a large key goes
over in pieces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import RedisError

from gonghai_chassis.backup.failures import BackupDamaged

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Container, Sequence

    from gonghai_chassis.store.round_trips import RoundTrips

Words = tuple[Any, ...]

_SCANNED: Final = 500
"""Keys of a batch, about."""

_MEMBERS: Final = 500
"""Members of a key that are read at once, about."""

_OURS: Final = re.compile(rb"gh:\{p(\d+)\}:(?![^:]+:-:lease$)")
"""A key of a partition, but for the leases: whoever held one when the backup was made is to find
that he holds none, should he come back to a store that was restored in its place."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Commands that make a key, or its next part.

    Attributes:
        key: which.
        partition: where it lives.
        commands: to be carried out in order; the first of a key's pieces begins by removing it.
        last: whether the key is whole then.
        lasting: whether it never expires.
    """

    key: bytes
    partition: int
    commands: list[Words]
    last: bool
    lasting: bool


@dataclass(frozen=True, slots=True)
class _Kind:
    """How keys of a kind are read and made.

    Attributes:
        start: where reading begins.
        read: what to ask for a part, by the key and the place.
        write: the commands by the key, the place and the answers; and the next place, if any.
    """

    start: bytes
    read: Callable[[bytes, bytes], list[Words]]
    write: Callable[[bytes, bytes, list[Any]], tuple[list[Words], bytes | None]]


@dataclass(slots=True)
class _Reading:
    key: bytes
    partition: int
    kind: _Kind
    expires: int
    place: bytes
    first: bool = True


async def pieces_of(
    trips: RoundTrips, partitions: Container[int]
) -> AsyncGenerator[list[Piece], None]:
    """Gives all keys of the partitions, batch by batch; nobody else may use the server.

    Raises:
        BackupDamaged: a key is of a kind that no service writes.
    """
    cursor = b"0"
    while True:
        cursor, found = await _one(trips, ("SCAN", cursor, "COUNT", _SCANNED))
        readings = await _begin(trips, found, partitions)
        while readings:
            pieces, readings = await _read(trips, readings)
            yield pieces
        if cursor == b"0":
            return


async def _begin(
    trips: RoundTrips, keys: Sequence[bytes], partitions: Container[int]
) -> list[_Reading]:
    ours = []
    for key in keys:
        tag = _OURS.match(key)
        if tag is not None and int(tag[1]) in partitions:
            ours.append((key, int(tag[1])))
    words: list[Words] = []
    for key, _ in ours:
        words += [("TYPE", key), ("PEXPIRETIME", key)]
    answers = await _all(trips, words)
    readings = []
    for (key, partition), name, expires in zip(ours, answers[::2], answers[1::2], strict=True):
        if name == b"none":
            # It expired just now.
            continue
        kind = _KINDS.get(name)
        if kind is None:
            raise BackupDamaged(f"{key!r} is a {name.decode()}, which no service writes.")
        readings.append(_Reading(key, partition, kind, expires, kind.start))
    return readings


async def _read(
    trips: RoundTrips, readings: Sequence[_Reading]
) -> tuple[list[Piece], list[_Reading]]:
    asked = [reading.kind.read(reading.key, reading.place) for reading in readings]
    answers = await _all(trips, [words for each in asked for words in each])
    pieces, unfinished, taken = [], [], 0
    for reading, words in zip(readings, asked, strict=True):
        answer = answers[taken : taken + len(words)]
        taken += len(words)
        commands, place = reading.kind.write(reading.key, reading.place, answer)
        if reading.first:
            # What an interrupted restore left of it.
            commands.insert(0, ("DEL", reading.key))
        if place is None and reading.expires >= 0:
            commands.append(("PEXPIREAT", reading.key, reading.expires))
        pieces.append(
            Piece(reading.key, reading.partition, commands, place is None, reading.expires < 0)
        )
        if place is not None:
            reading.place, reading.first = place, False
            unfinished.append(reading)
    return pieces, unfinished


async def _one(trips: RoundTrips, words: Words) -> Any:  # noqa: ANN401 - as the server answers
    return (await _all(trips, [words]))[0]


async def _all(trips: RoundTrips, words: Sequence[Words]) -> list[Any]:
    if not words:
        return []
    answers = await trips.exchange(words)
    for answer in answers:
        if isinstance(answer, RedisError):
            raise BackupDamaged(f"The snapshot cannot be read: {answer}") from answer
    return answers


def _scanning(scan: str, add: str, *, swapped: bool = False) -> _Kind:
    """A kind that is read by cursor, and made by one command that takes many members."""

    def read(key: bytes, place: bytes) -> list[Words]:
        return [(scan, key, place, "COUNT", _MEMBERS)]

    def write(key: bytes, _place: bytes, answers: list[Any]) -> tuple[list[Words], bytes | None]:
        cursor, members = answers[0]
        if swapped:
            # ZSCAN gives member and score, ZADD takes score and member.
            members = [
                part for pair in zip(members[1::2], members[::2], strict=True) for part in pair
            ]
        commands: list[Words] = [(add, key, *members)] if members else []
        return commands, None if cursor == b"0" else cursor

    return _Kind(b"0", read, write)


def _read_string(key: bytes, _place: bytes) -> list[Words]:
    return [("GET", key)]


def _write_string(
    key: bytes, _place: bytes, answers: list[Any]
) -> tuple[list[Words], bytes | None]:
    return [("SET", key, answers[0])] if answers[0] is not None else [], None


def _read_list(key: bytes, place: bytes) -> list[Words]:
    return [("LRANGE", key, int(place), int(place) + _MEMBERS - 1)]


def _write_list(key: bytes, place: bytes, answers: list[Any]) -> tuple[list[Words], bytes | None]:
    values = answers[0]
    following = b"%d" % (int(place) + _MEMBERS) if len(values) == _MEMBERS else None
    return [("RPUSH", key, *values)] if values else [], following


def _read_stream(key: bytes, place: bytes) -> list[Words]:
    return [("XRANGE", key, place, "+", "COUNT", _MEMBERS), ("XINFO", "STREAM", key)]


def _write_stream(
    key: bytes, _place: bytes, answers: list[Any]
) -> tuple[list[Words], bytes | None]:
    entries, about = answers
    commands: list[Words] = [("XADD", key, place, *fields) for place, fields in entries]
    if len(entries) == _MEMBERS:
        return commands, b"(" + entries[-1][0]
    told = dict(zip(about[::2], about[1::2], strict=True))
    if told[b"groups"] or not told[b"length"]:
        raise BackupDamaged(f"{key!r} is a stream of a form that no service writes.")
    # Its counts, too, so that it goes on where it stood.
    commands.append(
        (
            *("XSETID", key, told[b"last-generated-id"]),
            *("ENTRIESADDED", told[b"entries-added"]),
            *("MAXDELETEDID", told[b"max-deleted-entry-id"]),
        )
    )
    return commands, None


_KINDS: Final[dict[bytes, _Kind]] = {
    b"string": _Kind(b"", _read_string, _write_string),
    b"hash": _scanning("HSCAN", "HSET"),
    b"set": _scanning("SSCAN", "SADD"),
    b"zset": _scanning("ZSCAN", "ZADD", swapped=True),
    b"list": _Kind(b"0", _read_list, _write_list),
    b"stream": _Kind(b"-", _read_stream, _write_stream),
}
