"""How a service does: who works in each partition, how far it follows the others, what waits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from gonghai_chassis.events.cursors import Cursor
from gonghai_chassis.events.subscriber import read_progress
from gonghai_chassis.store.failures import StoreUnavailable
from gonghai_chassis.store.scripts import Script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redis.asyncio import Redis

    from gonghai_chassis.events.subscriber import Progress
    from gonghai_chassis.store.partitions import Partition
    from gonghai_chassis.store.store import Store

_READ: Final = Script("gonghai_chassis.store", "read_condition")

_ASKED: Final = ("maxmemory", "maxmemory-policy", "appendonly", "appendfsync", "save")


@dataclass(frozen=True, slots=True)
class PartitionCondition:
    """How an area does in one partition.

    Attributes:
        index: of the partition.
        holder: the replica that holds the lease; "" when nobody does.
        head: the last entry of the own stream.
        followed: how far each source was followed.
        due: how many pieces of work are due and undone.
        oldest_due_age: how long the oldest of them has been due (µs of domain time).
        intents: how many calls to other services are still to be answered.
    """

    index: int
    holder: str
    head: Cursor
    followed: Mapping[str, Progress]
    due: int
    oldest_due_age: int
    intents: int


@dataclass(frozen=True, slots=True)
class AreaCondition:
    """Looks at an area.

    Attributes:
        store: the area's store.
        due_kinds: its kinds of time-driven work (`Partition.due_key`).
        sources: the areas whose streams it follows.
        queue_kinds: due indexes whose members are numbered instead of timed.
        settled: whether what is acknowledged is to survive; not so in dev mode, where losing the
            last second is no matter.
    """

    store: Store
    due_kinds: Sequence[str]
    sources: Sequence[str]
    queue_kinds: Sequence[str] = ()
    settled: bool = True

    async def partitions(self) -> list[PartitionCondition]:
        """How it does in each partition.

        Raises:
            StoreUnavailable: the store did not answer.
        """
        return await asyncio.gather(*(self._read(p) for p in self.store.partitions))

    async def _read(self, partition: Partition) -> PartitionCondition:
        dues = [partition.due_key(kind) for kind in (*self.due_kinds, *self.queue_kinds)]
        followed = await asyncio.gather(
            *(read_progress(self.store, partition, source) for source in self.sources)
        )
        reply = await self.store.run(
            _READ, partition, keys={"dues": dues}, args={"timed": len(self.due_kinds)}
        )
        fields = reply.fields
        oldest = fields.get("oldest")
        return PartitionCondition(
            partition.index,
            fields["holder"],
            Cursor(*fields["head"]),
            dict(zip(self.sources, followed, strict=True)),
            fields["due"],
            0 if oldest is None else reply.now - oldest,
            fields["intents"],
        )

    async def warnings(self) -> list[str]:
        """What is set in the store in a way that breaks a promise, a sentence each.

        Raises:
            StoreUnavailable: the store did not answer.
        """
        clients = dict.fromkeys(self.store.client(partition) for partition in self.store.partitions)
        found: dict[str, None] = {}
        for client in clients:
            found.update(dict.fromkeys(await self._look(client)))
        return list(found)

    async def _look(self, client: Redis) -> list[str]:
        try:
            async with asyncio.timeout(self.store.settings.socket_timeout):
                told = await client.config_get(*_ASKED)
        except (TimeoutError, ConnectionError, OSError) as error:
            raise StoreUnavailable(f"The store's settings could not be read: {error}") from error
        except RedisError as error:
            return [
                (
                    f"The store does not tell its settings ({error}): see in its provider's console"
                    " that it never evicts (maxmemory-policy noeviction) and that it persists"
                    " (appendonly yes)."
                )
            ]
        texts = {_text(name): _text(value) for name, value in told.items()}
        return list(_complaints(texts, settled=self.settled))


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _complaints(told: Mapping[str, str], *, settled: bool) -> list[str]:
    found = []
    policy = told.get("maxmemory-policy", "noeviction")
    if policy != "noeviction":
        found.append(
            f"maxmemory-policy is {policy}: the store may drop records when its memory is full."
            " Set it to noeviction."
        )
    if settled and told.get("appendonly") == "no":
        found.append(
            "appendonly is no: what was acknowledged is lost when the store's process ends."
            " Set it to yes."
        )
    elif settled and told.get("appendfsync", "always") != "always":
        found.append(
            f"appendfsync is {told['appendfsync']}: about a second of what was acknowledged may be"
            " lost when the store's machine fails. Set it to always, or wait for replicas"
            " (GONGHAI_STORE__WAIT_REPLICAS)."
        )
    return found
