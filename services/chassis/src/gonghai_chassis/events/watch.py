"""Watching a stream: from a cursor on, for as long as the watcher likes."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from collections.abc import Set as AbstractSet

    from gonghai_chassis.events.cursors import Cursor
    from gonghai_chassis.events.stream import EventStream
    from gonghai_chassis.events.tail import Tail
    from gonghai_chassis.events.values import Batch
    from gonghai_chassis.store.partitions import Partition

HEARTBEAT = 1.0
"""Seconds after which an idle watch says that it is alive."""

PASSING = 0.02
"""Seconds after which a watch says how far it is when all that came was not for the watcher."""


async def watch(
    stream: EventStream,
    tail: Tail,
    partition: Partition,
    cursor: Cursor,
    *,
    tenant: str | None = None,
    kinds: AbstractSet[str] = frozenset(),
    limit: int = 500,
    heartbeat: float = HEARTBEAT,
) -> AsyncGenerator[Batch, None]:
    """Yields what comes after the cursor, at once and then as it happens.

    It reads only when the watcher asks for more, so a slow one holds up nobody and nothing piles
    up. When it has caught up it yields too, without events if need be, so that the watcher knows
    up to when its picture is complete; then again with each change and each second.

    Args:
        stream: the area's stream.
        tail: what wakes it.
        partition: which partition.
        cursor: where to start.
        tenant: only this tenant's events; None for all of the partition.
        kinds: only events of these kinds; empty for all.
        limit: most events of a batch, before filtering.
        heartbeat: seconds without news after which to yield all the same.

    Raises:
        CursorTooOld: the stream no longer has the cursor's entry, at the start or because the
            watcher fell behind what is kept.
        StoreUnavailable: the store did not answer.
    """
    promised = -1
    told = cursor
    spoke = 0.0
    while True:
        seen = tail.changes(partition)
        batch = await stream.read_together(partition, cursor, limit=limit, heard=seen)
        cursor = batch.cursor
        if tenant is not None or kinds:
            batch = replace(
                batch,
                events=tuple(
                    event
                    for event in batch.events
                    if (tenant is None or event.tenant == tenant)
                    and (not kinds or event.kind in kinds)
                ),
            )
        news = batch.events or batch.changes_through > promised
        # A place alone, past events that are not for this watcher, is told soon but not each time.
        silence = heartbeat if cursor == told else min(heartbeat, PASSING)
        if news or monotonic() - spoke >= silence:
            promised = max(promised, batch.changes_through)
            told = cursor
            silence = heartbeat
            spoke = monotonic()
            yield batch
        if batch.at_head:
            idle = max(0.0, spoke + silence - monotonic())
            await tail.wait(partition, seen, min(idle, tail.poll))
