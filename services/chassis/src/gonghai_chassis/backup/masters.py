"""Which masters hold which partitions, and whether that stayed so while snapshots were taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import RedisError

from gonghai_chassis.backup.failures import BackupFailed
from gonghai_chassis.store.connection import INSTALL_KEY, version_of
from gonghai_chassis.store.partitions import Partition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.asyncio import Redis

    from gonghai_chassis.store.connection import Connection
    from gonghai_chassis.store.round_trips import RoundTrips


CONNECTION: Final = "gonghai-backup"
"""What connections of backups and restores are called, where a server lists its clients."""


def partitions_of(count: int) -> list[Partition]:
    """The partitions of an installation; backups look at no area in particular."""
    return [Partition(index, "backup") for index in range(count)]


@dataclass(frozen=True, slots=True)
class Standing:
    """What must be the same before and after a snapshot.

    Attributes:
        run: id of the server's process.
        role: `master`, or it is none any more.
        slots: of a Cluster, what the server says that it serves.
    """

    run: str
    role: str
    slots: str

    @property
    def moving(self) -> bool:
        """Whether a slot is under way to or from this server."""
        return "[" in self.slots


@dataclass(frozen=True, slots=True)
class Master:
    """A master with the partitions that it holds.

    Attributes:
        client: of the server.
        trips: to it.
        partitions: indexes of the partitions.
        server: name and version.
        time: the server's own time when it was asked.
        standing: as it was then.
    """

    client: Redis
    trips: RoundTrips
    partitions: tuple[int, ...]
    server: str
    time: datetime
    standing: Standing


async def installed_partitions(connection: Connection) -> int:
    """How many partitions the installation has.

    Raises:
        BackupFailed: there is none, or one that is half restored.
    """
    words = ("HMGET", INSTALL_KEY, "partitions", "restoring")
    partitions, restoring = await connection.redirected(words)
    if restoring is not None:
        raise BackupFailed("The store is half restored itself: finish that restore first.")
    if partitions is None:
        raise BackupFailed("The store has no Gonghai in it: no service was ever started on it.")
    return int(partitions)


async def masters_of(connection: Connection, partitions: Sequence[Partition]) -> list[Master]:
    """The masters that hold the partitions.

    Raises:
        BackupFailed: one did not answer.
    """
    held: dict[RoundTrips, list[Partition]] = {}
    for partition in partitions:
        held.setdefault(connection.trips(partition), []).append(partition)
    return [await _master(connection, trips, theirs) for trips, theirs in held.items()]


async def _master(
    connection: Connection, trips: RoundTrips, partitions: Sequence[Partition]
) -> Master:
    words: list[tuple[Any, ...]] = [("INFO", "server"), ("INFO", "replication"), ("TIME",)]
    if connection.per_partition:
        words.append(("CLUSTER", "NODES"))
    answers = await trips.exchange(words)
    for answer in answers:
        if isinstance(answer, RedisError):
            raise BackupFailed(f"The server does not say how it stands: {answer}") from answer
    about, replication = info(answers[0]), info(answers[1])
    seconds, microseconds = (int(part) for part in answers[2])
    slots = ""
    if connection.per_partition:
        mine = next(line for line in text(answers[3]).splitlines() if "myself" in line)
        # node id, address, flags, master, two times, epoch, link, and then the slots.
        slots = " ".join(mine.split()[8:])
    return Master(
        client=connection.client(partitions[0]),
        trips=trips,
        partitions=tuple(partition.index for partition in partitions),
        server=version_of(about),
        time=datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds),
        standing=Standing(about["run_id"], replication["role"], slots),
    )


def info(section: bytes | str) -> dict[str, str]:
    """The fields of an answer to INFO."""
    lines = (line.partition(":") for line in text(section).splitlines())
    return {name: value for name, _, value in lines if value}


def text(answer: bytes | str) -> str:
    """An answer as text."""
    return answer if isinstance(answer, str) else answer.decode(errors="replace")
