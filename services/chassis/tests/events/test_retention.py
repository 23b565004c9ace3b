"""Streams are kept for as long as they are meant to be, and no longer."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from gonghai_chassis.events import Cursor, EventStream
from gonghai_chassis.events.retention import Retention
from gonghai_chassis.store.failures import CursorTooOld
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.counting import Counters

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gonghai_chassis.store import Store
    from gonghai_chassis.testing.plugin import OpenStore

ALL = 1_000_000
LONG = 1000.0
AT_ONCE = 1e-12


@asynccontextmanager
async def kept(store: Store, *, events: int = ALL, days: float = LONG) -> AsyncIterator[None]:
    retention = Retention(
        EventStream(store), store.partition("acme"), events=events, days=days, every=0.01
    )
    running = asyncio.create_task(retention.run())
    yield
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def positions(store: Store) -> list[int]:
    stream, p = EventStream(store), store.partition("acme")
    try:
        batch = await stream.read(p, Cursor.START)
    except CursorTooOld as behind:
        # The oldest that is left, and what follows it.
        batch = await stream.read(p, behind.oldest)
        return [behind.oldest.position, *(event.position for event in batch.events)]
    return [event.position for event in batch.events]


async def five(open_store: OpenStore) -> Store:
    store = await open_store("pool")
    for _ in range(5):
        await Counters(store).count("acme", "a")
    return store


async def test_of_too_many_events_the_oldest_go(open_store: OpenStore) -> None:
    store = await five(open_store)
    async with kept(store, events=3):
        await eventually(lambda: _are(store, [3, 4, 5]))


async def test_old_events_go_but_never_the_last(open_store: OpenStore) -> None:
    store = await five(open_store)
    async with kept(store, days=AT_ONCE):
        await eventually(lambda: _are(store, [5]))


async def test_what_may_be_kept_stays(open_store: OpenStore) -> None:
    store = await five(open_store)
    # One that takes from all partitions but this would have had its time.
    async with kept(store):
        await Counters(store).count("acme", "a")
    assert await positions(store) == [1, 2, 3, 4, 5, 6]


async def _are(store: Store, expected: list[int]) -> bool:
    return await positions(store) == expected
