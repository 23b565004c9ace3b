"""The stream of events: order, cursors, promises, trimming, watching."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonghai_chassis.dev_clock import DevClock
from gonghai_chassis.events import Cursor, EventStream, Tail, watch
from gonghai_chassis.store.failures import CursorTooOld
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.counting import DUE_KIND, Counters

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gonghai_chassis.events import Batch
    from gonghai_chassis.store import Store
    from gonghai_chassis.testing.plugin import OpenStore


@pytest.fixture
async def store(open_store: OpenStore) -> Store:
    return await open_store("pool")


@pytest.fixture
async def tail(store: Store) -> AsyncIterator[Tail]:
    tail = await Tail.open(store)
    await tail.hears()
    yield tail
    await tail.close()


async def count(store: Store, times: int = 1, tenant: str = "acme") -> None:
    for _ in range(times):
        await Counters(store).count(tenant, "a")


@given(
    st.builds(
        Cursor,
        st.text("0123456789abcdef", min_size=1),
        st.integers(min_value=1),
        st.text("0123456789abcdef", min_size=1),
    )
    | st.just(Cursor.START)
)
def test_a_cursor_comes_back_from_its_token(cursor: Cursor) -> None:
    assert Cursor.parse(cursor.token()) == cursor


@given(st.binary(min_size=1))
def test_other_bytes_are_no_cursor_or_one_that_writes_them(token: bytes) -> None:
    try:
        cursor = Cursor.parse(token)
    except ValueError:
        return
    assert cursor.position > 0


async def test_events_come_in_order_and_from_the_cursor_on(store: Store) -> None:
    stream, p = EventStream(store), store.partition("acme")
    await count(store, 5)
    first = await stream.read(p, Cursor.START, limit=2)
    second = await stream.read(p, first.cursor)
    assert [event.version for event in first.events + second.events] == [1, 2, 3, 4, 5]
    assert [event.position for event in first.events + second.events] == [1, 2, 3, 4, 5]
    assert (first.at_head, second.at_head) == (False, True)
    assert second.cursor == await stream.head(p)
    assert first.changes_through == 0 < second.changes_through


async def test_an_empty_stream_is_read_from_the_start(store: Store) -> None:
    stream, p = EventStream(store), store.partition("acme")
    batch = await stream.read(p, Cursor.START)
    assert (batch.events, batch.cursor) == ((), Cursor.START)
    assert batch.changes_through > 0


async def test_a_cursor_of_an_entry_that_was_replaced_is_too_old(store: Store) -> None:
    stream, p = EventStream(store), store.partition("acme")
    await count(store, 2)
    kept = [(key, await store.client().dump(key)) for key in (p.keys.stream, p.keys.meta)]
    await count(store)
    lost = (await stream.read(p, Cursor.START)).cursor
    # A fail-over loses the last entry, and another takes its place.
    for key, dumped in kept:
        assert dumped is not None
        await store.client().restore(key, 0, dumped, replace=True)
    await count(store)
    with pytest.raises(CursorTooOld) as raised:
        await stream.read(p, lost)
    assert raised.value.oldest.position == 1


async def test_a_cursor_of_another_incarnation_is_too_old(store: Store) -> None:
    stream, p = EventStream(store), store.partition("acme")
    await count(store, 1)
    cursor = (await stream.read(p, Cursor.START)).cursor
    other = Cursor("0" * 16, cursor.position, cursor.nonce)
    with pytest.raises(CursorTooOld):
        await stream.read(p, other)


async def test_a_stream_that_was_lost_altogether_is_noticed(store: Store) -> None:
    stream, p = EventStream(store), store.partition("acme")
    await count(store, 2)
    cursor = (await stream.read(p, Cursor.START)).cursor
    await store.client().delete(p.keys.stream, p.keys.meta)
    with pytest.raises(CursorTooOld) as raised:
        await stream.read(p, cursor)
    assert raised.value.oldest == Cursor.START


async def test_trimming_keeps_the_last_entry_and_is_noticed_by_who_is_behind(store: Store) -> None:
    stream, p = EventStream(store), store.partition("acme")
    await count(store, 5)
    head = await stream.head(p)
    assert await stream.trim(p, max_length=3) == 2
    with pytest.raises(CursorTooOld) as raised:
        await stream.read(p, Cursor.START)
    assert [e.position for e in (await stream.read(p, raised.value.oldest)).events] == [4, 5]
    assert await stream.trim(p, older_than=-1_000_000) == 2
    assert await stream.trim(p, max_length=0) == 0
    assert (await stream.read(p, head)).events == ()


async def test_completeness_stops_at_undone_work(store: Store) -> None:
    p = store.partition("acme")
    clock = DevClock(store, {})
    start = (await clock.set(None, frozen=True)).now
    stream = EventStream(store, due_kinds=(DUE_KIND,))
    await Counters(store).count("acme", "a", due_at=start + 10)
    await clock.set(start + 100, frozen=True)
    assert (await stream.read(p, Cursor.START)).changes_through == start + 10
    await store.client().delete(p.due_key(DUE_KIND))
    assert (await stream.read(p, Cursor.START)).changes_through == start + 100


async def test_nothing_is_dated_before_what_was_promised(store: Store) -> None:
    stream, p = EventStream(store), store.partition("acme")
    promised = (await stream.read(p, Cursor.START)).changes_through
    # The store loses its clock, and the machine's is an hour behind.
    await store.client().hset(p.keys.clock, "offset", "-3600000000")
    await store.client().hdel(p.keys.clock, "real")
    await count(store)
    batch = await stream.read(p, Cursor.START)
    assert batch.events[0].time >= promised
    assert batch.changes_through >= promised


async def test_a_watch_begins_with_what_there_is_and_goes_on(store: Store, tail: Tail) -> None:
    stream, p = EventStream(store), store.partition("acme")
    await count(store, 2)
    async with aclosing(watch(stream, tail, p, Cursor.START)) as batches:
        assert [e.version for e in (await anext(batches)).events] == [1, 2]
        await count(store)
        assert [e.version for e in (await next_events(batches)).events] == [3]


async def test_a_watch_wakes_for_the_changes_of_another_process(
    open_store: OpenStore, store: Store, tail: Tail
) -> None:
    stream, p = EventStream(store), store.partition("acme")
    other = await open_store("pool")
    async with aclosing(watch(stream, tail, p, Cursor.START, heartbeat=60)) as batches:
        assert (await anext(batches)).events == ()
        waiting = asyncio.ensure_future(next_events(batches))
        await count(other)
        # Well before the next look that polling would take.
        async with asyncio.timeout(0.9):
            assert len((await waiting).events) == 1


async def test_watchers_at_the_same_place_share_a_reading_of_what_they_heard_of(
    store: Store, tail: Tail
) -> None:
    stream, p = EventStream(store), store.partition("acme")
    await count(store)
    heard = tail.changes(p)
    readings = [stream.read_together(p, Cursor.START, limit=9, heard=heard) for _ in range(3)]
    one, two, three = await asyncio.gather(*readings)
    assert one is two is three
    # Who heard of a change after a reading began does not take part in it.
    early = asyncio.ensure_future(stream.read_together(p, Cursor.START, limit=9, heard=heard))
    await asyncio.sleep(0)
    await count(store)
    late = await stream.read_together(p, Cursor.START, limit=9, heard=tail.changes(p))
    assert len(late.events) == 2
    assert len((await early).events) in {1, 2}


async def test_a_process_is_woken_once_by_its_own_step(store: Store, tail: Tail) -> None:
    p = store.partition("acme")
    before = tail.changes(p)
    await count(store)
    assert tail.changes(p) == before + 1
    # A later hint of another kind shows that the step's own was heard, and passed over.
    await store.client().publish("gh:wake:pool", str(p.index))
    await eventually(lambda: tail.changes(p) > before + 1)
    assert tail.changes(p) == before + 2


async def test_a_watch_filters_by_tenant_and_kind(store: Store, tail: Tail) -> None:
    tenants = [f"t{i}" for i in range(20)]
    p = store.partition(tenants[0])
    other = next(t for t in tenants[1:] if store.partition(t) == p)
    stream = EventStream(store)
    await count(store, 1, tenants[0])
    await count(store, 1, other)
    batch = await anext(watch(stream, tail, p, Cursor.START, tenant=other))
    assert [event.tenant for event in batch.events] == [other]
    assert batch.cursor.position == 2
    batch = await anext(watch(stream, tail, p, Cursor.START, kinds={"Else"}))
    assert batch.events == ()


async def test_a_watch_tells_its_place_when_all_that_came_was_for_others(
    store: Store, tail: Tail
) -> None:
    stream, p = EventStream(store), store.partition("acme")
    # The clock stands, so that no promise moves either.
    await DevClock(store, {}).set(None, frozen=True)
    async with aclosing(
        watch(stream, tail, p, Cursor.START, kinds={"Else"}, heartbeat=60)
    ) as batches:
        assert (await anext(batches)).cursor == Cursor.START
        await count(store, 3)
        async with asyncio.timeout(5):
            batch = await anext(batches)
            while batch.cursor.position < 3:
                batch = await anext(batches)
    assert batch.events == ()


async def test_an_idle_watch_says_that_it_is_alive(store: Store, tail: Tail) -> None:
    stream, p = EventStream(store), store.partition("acme")
    await DevClock(store, {}).set(None, frozen=True)
    async with aclosing(watch(stream, tail, p, Cursor.START, heartbeat=0.05)) as batches:
        first = await anext(batches)
        second = await anext(batches)
    assert first.changes_through == second.changes_through


async def test_a_watch_says_at_once_that_the_clock_moved(store: Store, tail: Tail) -> None:
    stream, p = EventStream(store), store.partition("acme")
    clock = DevClock(store, {})
    start = (await clock.set(None, frozen=True)).now
    async with aclosing(watch(stream, tail, p, Cursor.START, heartbeat=60)) as batches:
        assert (await anext(batches)).changes_through == start
        waiting = asyncio.ensure_future(anext(batches))
        await clock.set(start + 1, frozen=True)
        async with asyncio.timeout(0.9):
            assert (await waiting).changes_through == start + 1


async def next_events(batches: AsyncIterator[Batch]) -> Batch:
    """The next batch that has events, past heartbeats."""
    async for batch in batches:
        if batch.events:
            return batch
    raise AssertionError("The watch ended.")
