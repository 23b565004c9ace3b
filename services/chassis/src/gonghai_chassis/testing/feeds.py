"""Feeds without gRPC, for tests: one store's streams, followed in the same process."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gonghai_chassis.events import SnapshotItem, SnapshotStart, watch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from gonghai_chassis.events import Batch, Cursor, EventStream, Tail


@dataclass(slots=True)
class LocalFeed:
    """A source's stream in each partition, and its snapshot as given."""

    stream: EventStream
    tail: Tail
    items: list[SnapshotItem] = field(default_factory=list)
    heartbeat: float = 1.0

    async def watch(self, partition: int, cursor: Cursor) -> AsyncGenerator[Batch, None]:
        """Batches after the cursor."""
        p = self.stream.store.partitions[partition]
        batches = watch(self.stream, self.tail, p, cursor, limit=7, heartbeat=self.heartbeat)
        async with aclosing(batches) as following:
            async for batch in following:
                yield batch

    async def snapshot(self, partition: int) -> AsyncGenerator[SnapshotStart | SnapshotItem, None]:
        """The items as given, from the head on."""
        head = await self.stream.head(self.stream.store.partitions[partition])
        yield SnapshotStart(head)
        for item in self.items:
            yield item
