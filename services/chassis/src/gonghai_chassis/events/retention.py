"""Retention: streams do not grow for ever; who fell behind what is kept builds anew."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from gonghai_chassis.clock import MICROSECONDS
from gonghai_chassis.workers import PartitionTask

if TYPE_CHECKING:
    from gonghai_chassis.events.stream import EventStream
    from gonghai_chassis.settings import Settings
    from gonghai_chassis.store.partitions import Partition

EVERY: Final = 60.0
"""Seconds between two looks at a stream."""

_DAY: Final = 86_400 * MICROSECONDS


class Retention:
    """Drops what a partition's stream has kept long enough; run it under the partition's lease.

    Args:
        stream: the area's.
        partition: whose.
        events: how many are kept at most.
        days: of real time, how long they are kept at most; the last one always stays.
        every: seconds between two looks.
    """

    def __init__(
        self,
        stream: EventStream,
        partition: Partition,
        *,
        events: int,
        days: float,
        every: float = EVERY,
    ) -> None:
        self._stream = stream
        self._partition = partition
        self._events = events
        self._age = int(days * _DAY)
        self._every = every

    async def run(self) -> None:
        """Drops, now and again, until it is cancelled."""
        while True:
            # A step looks at a thousand entries: the store has others to serve.
            trimmed = await self._stream.trim(
                self._partition, max_length=self._events, older_than=self._age
            )
            await asyncio.sleep(0 if trimmed else self._every)


def retaining(stream: EventStream, partition: Partition, settings: Settings) -> PartitionTask:
    """The task that a service runs for each partition whose lease it holds."""
    retention = Retention(
        stream,
        partition,
        events=settings.event_retention_count,
        days=settings.event_retention_days,
        every=settings.event_retention_every,
    )
    return PartitionTask("retention", retention.run)
