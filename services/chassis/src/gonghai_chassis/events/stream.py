"""The producer's side of a stream: reading it from a cursor, its head, and trimming it."""

from __future__ import annotations

import asyncio
import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gonghai_chassis.events.cursors import Cursor
from gonghai_chassis.events.values import Batch, Event
from gonghai_chassis.store import records
from gonghai_chassis.store.failures import CursorTooOld
from gonghai_chassis.store.scripts import Script

if TYPE_CHECKING:
    from gonghai_chassis.store.partitions import Partition
    from gonghai_chassis.store.store import Store

_READ = Script("gonghai_chassis.store", "read_stream", repeatable=True)
_HEAD = Script("gonghai_chassis.store", "stream_head")
_TRIM = Script("gonghai_chassis.store", "trim_stream", repeatable=True)

PROMISE_STEP = 100_000
"""µs by which a running clock's promise is moved at least, so that not every read is a write."""

_TRIM_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class EventStream:
    """The area's own stream, in each partition.

    Attributes:
        store: where it is.
        due_kinds: kinds of time-driven work whose oldest undone entry holds `changes_through` back
            (`Partition.due_key`).
    """

    store: Store
    due_kinds: tuple[str, ...] = ()
    _under_way: dict[tuple[int, Cursor, int], tuple[int, asyncio.Task[Batch]]] = field(
        default_factory=dict, repr=False, compare=False
    )

    async def read_together(
        self, partition: Partition, cursor: Cursor, *, limit: int, heard: int
    ) -> Batch:
        """The same as `read`, once for all who ask from the same place at the same moment.

        Args:
            partition: whose stream.
            cursor: where to begin.
            limit: most events.
            heard: how many changes the caller had heard of (`Tail.changes`): a reading that began
                earlier than the last of them may lack its events, and is not shared with him.
        """
        place = (partition.index, cursor, limit)
        began, reading = self._under_way.get(place, (-1, None))
        if reading is None or began < heard:
            reading = asyncio.create_task(self.read(partition, cursor, limit=limit))
            self._under_way[place] = (heard, reading)
            reading.add_done_callback(functools.partial(self._done, place))
        return await asyncio.shield(reading)

    def _done(self, place: tuple[int, Cursor, int], reading: asyncio.Task[Batch]) -> None:
        if self._under_way.get(place, (0, None))[1] is reading:
            del self._under_way[place]
        if not reading.cancelled():
            # Nobody may be left to ask how it ended.
            reading.exception()

    async def read(
        self,
        partition: Partition,
        cursor: Cursor,
        *,
        limit: int = 500,
        deadline: float | None = None,
    ) -> Batch:
        """Events after the cursor, oldest first, at most `limit`.

        Raises:
            CursorTooOld: the entry that the cursor points at is no longer there, or another one
                is in its place.
            StoreUnavailable: no answer came.
        """
        reply = await self.store.run(
            _READ,
            partition,
            keys={"dues": [partition.due_key(kind) for kind in self.due_kinds]},
            args={
                "incarnation": cursor.incarnation,
                "position": cursor.position,
                "mark": cursor.nonce,
                "limit": limit,
                "granularity": PROMISE_STEP,
            },
            deadline=deadline,
        )
        fields = reply.fields
        if reply.status == "old":
            raise CursorTooOld(Cursor(fields["incarnation"], fields["position"], fields["nonce"]))
        events = tuple(_event(entry) for entry in records.sequence(fields["entries"]))
        if events:
            cursor = events[-1].cursor(fields["incarnation"])
        return Batch(events, cursor, fields["through"], reply.now, fields["at_head"])

    async def head(self, partition: Partition, *, deadline: float | None = None) -> Cursor:
        """The place after the newest event; `Cursor.START` while there is none."""
        reply = await self.store.run(_HEAD, partition, keys={}, args={}, deadline=deadline)
        fields = reply.fields
        return Cursor(fields["incarnation"], fields["position"], fields["nonce"])

    async def trim(
        self,
        partition: Partition,
        *,
        max_length: int | None = None,
        older_than: int | None = None,
    ) -> int:
        """Drops old entries but never the last one.

        Args:
            partition: whose stream.
            max_length: how many entries to keep at most.
            older_than: real age (µs) beyond which entries go; at most a thousand at a time.

        Returns:
            How many were dropped.
        """
        reply = await self.store.run(
            _TRIM,
            partition,
            keys={},
            args={"max_length": max_length, "older_than": older_than, "limit": _TRIM_AT_ONCE},
        )
        trimmed: int = reply.fields["trimmed"]
        return trimmed


def _event(entry: list[Any]) -> Event:
    position, flat = entry
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    return Event(
        position=int(position.partition("-")[0]),
        kind=fields["kind"],
        tenant=fields["tenant"],
        subject=fields["subject"],
        version=int(fields["version"]),
        time=int(fields["time"]),
        schema=int(fields["schema"]),
        payload=records.blob(fields["payload"]),
        nonce=fields["nonce"],
    )
