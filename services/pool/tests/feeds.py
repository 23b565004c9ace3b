"""The peers' streams as a test writes them: what the pool service follows, fed by hand."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gonghai_chassis.events import Batch, Cursor, Event, SnapshotItem, SnapshotStart
from gonghai_chassis.store.failures import CursorTooOld
from gonghai_chassis.store.partitions import partition_index
from gonghai_chassis.testing.plugin import PARTITIONS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

INCARNATION = "0123456789abcdef"


class HandFeed:
    """One stream for each partition. Nothing is promised until a test promises it."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._events: dict[int, list[Event]] = {index: [] for index in range(PARTITIONS)}
        self._through = 0
        self._lives = 0
        self._changed = asyncio.Event()
        self.away = False
        self.forgotten = False

    def tell(
        self, tenant: str, kind: str, subject: str, version: int, payload: bytes, time: int
    ) -> None:
        """Append an event."""
        events = self._events[partition_index(tenant, PARTITIONS)]
        position = len(events) + 1
        nonce = f"{self._lives:08x}{position:08x}"
        events.append(Event(position, kind, tenant, subject, version, time, 1, payload, nonce))
        self._wake()

    def promise(self, through: int) -> None:
        """Say that everything before this moment is in the stream."""
        self._through = max(self._through, through)
        self._wake()

    def lose(self, tenant: str, count: int) -> None:
        """Lose the last events in a fail-over, and with them whatever they told of."""
        del self._events[partition_index(tenant, PARTITIONS)][-count:]
        self._lives += 1
        self._wake()

    def head(self, tenant: str) -> int:
        """How many events there are in the tenant's partition."""
        return len(self._events[partition_index(tenant, PARTITIONS)])

    async def watch(self, partition: int, cursor: Cursor) -> AsyncGenerator[Batch, None]:
        """Yield what comes after the cursor, and each promise."""
        position, said = cursor.position, 0
        while True:
            if self.away:
                raise ConnectionError("the peer is away")
            if self.forgotten and cursor.position < len(self._events[partition]):
                raise CursorTooOld(Cursor.START)
            last = self._events[partition][: cursor.position]
            if cursor.position and (len(last) < cursor.position or last[-1].nonce != cursor.nonce):
                raise CursorTooOld(Cursor.START)
            changed = self._changed
            new = tuple(self._events[partition][position:])
            if new or self._through > said:
                said = self._through
                if new:
                    position = new[-1].position
                    cursor = new[-1].cursor(INCARNATION)
                yield Batch(new, cursor, said, said)
                continue
            await changed.wait()

    async def snapshot(self, partition: int) -> AsyncGenerator[SnapshotStart | SnapshotItem, None]:
        """Yield every event as an item: versions say which of a subject's is the newest."""
        events = self._events[partition]
        last = events[-1].cursor(INCARNATION) if events else Cursor.START
        yield SnapshotStart(last)
        for event in events:
            yield SnapshotItem(
                event.kind, event.tenant, event.subject, event.version, event.payload
            )

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
