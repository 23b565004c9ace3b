"""The virtual clock: it goes from due moment to due moment and waits for quiet at each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gonghai_chassis.dev_clock import (
    AreaWork,
    ClockRunsForward,
    Consumed,
    DevClock,
    Stop,
    Work,
    is_quiet,
)
from gonghai_chassis.events import Cursor, EventStream, Subscriber, Tail
from gonghai_chassis.leases import Leases
from gonghai_chassis.sweeper import Due, Sweeper
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.counting import DO_DUE, DUE_KIND, FOLLOW, Counters
from gonghai_chassis.testing.feeds import LocalFeed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_chassis.events import Event, SnapshotItem, Step
    from gonghai_chassis.store import Partition, Store
    from gonghai_chassis.testing.plugin import OpenStore

DAY = 86_400_000_000


async def test_the_clock_runs_stands_still_and_runs_on(open_store: OpenStore) -> None:
    store = await open_store("pool")
    clock = DevClock(store, {})
    assert (await clock.read()).frozen is False
    stopped = await clock.set(None, frozen=True)
    assert await clock.read() == stopped
    ahead = await clock.set(stopped.now + DAY, frozen=True)
    assert ahead.now == stopped.now + DAY
    assert await clock.read() == ahead
    await clock.set(None, frozen=False)
    running = await clock.read()
    assert running.frozen is False
    assert ahead.now < running.now < ahead.now + 60_000_000


async def test_all_areas_and_partitions_share_the_clock(open_store: OpenStore) -> None:
    pool, archive = await open_store("pool"), await open_store("archive")
    state = await DevClock(pool, {}).set(None, frozen=True)
    for p in archive.partitions:
        assert (await archive.read(p, [p.keys.meta])).now == state.now


async def test_domain_time_never_goes_back(open_store: OpenStore) -> None:
    store = await open_store("pool")
    clock = DevClock(store, {})
    state = await clock.set(None, frozen=True)
    with pytest.raises(ClockRunsForward):
        await clock.set(state.now - 1, frozen=True)
    with pytest.raises(ClockRunsForward):
        await anext(clock.advance(state.now - 1))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(
    moves=st.lists(st.tuples(st.integers(0, 3 * DAY), st.booleans()), min_size=1, max_size=6),
    back=st.integers(0, DAY),
)
async def test_neither_clock_goes_back_whatever_is_done(
    open_store: OpenStore, moves: list[tuple[int, bool]], back: int
) -> None:
    store = await open_store("pool")
    clock = DevClock(store, {})
    p = store.partition("acme")
    last_now = last_real = 0
    for step, frozen in moves:
        # As if the machine's clock had been ahead when it was last written down.
        real = (await store.read(p, [p.keys.meta])).real
        await store.client().hset(p.keys.clock, "real", str(real + back))
        await clock.set((await clock.read()).now + 1_000_000 + step, frozen=frozen)
        reply = await Counters(store).count("acme", "a")
        read = await store.read(p, [p.keys.meta])
        assert last_now <= reply.now <= read.now
        assert last_real <= reply.real <= read.real
        last_now, last_real = read.now, read.real
    await store.client().flushall()


class World:
    """A pool whose work is done again each day three times, and a follower of its events."""

    def __init__(self, pool: Store, follower: Store) -> None:
        self.pool, self.follower = pool, follower
        self.p = pool.partition("acme")
        self.done: list[int] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.tails: list[Tail] = []

    async def start(self) -> DevClock:
        works = {
            "pool": AreaWork(self.pool, (DUE_KIND,), ()),
            "assignment": AreaWork(self.follower, (), ("pool",)),
        }
        for work in works.values():
            await work.register()
        tail = await Tail.open(self.pool)
        self.tails.append(tail)
        leases = await Leases(self.pool, ttl=60).acquire(64)
        (self.lease,) = [lease for lease in leases if lease.partition == self.p]
        sweeper = Sweeper(self.pool, tail, self.p, due_kind=DUE_KIND, handle=self.handle)
        self.tasks.append(asyncio.create_task(sweeper.run()))
        feed = LocalFeed(EventStream(self.pool, (DUE_KIND,)), tail)
        for p in self.follower.partitions:
            subscriber = Subscriber(self.follower, p, source="pool", feed=feed, projection=self)
            self.tasks.append(asyncio.create_task(subscriber.run()))
        return DevClock(self.pool, works)

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for tail in self.tails:
            await tail.close()

    async def handle(self, dues: Sequence[Due], now: int) -> None:
        for due in dues:
            self.done.append(now)
            left = int(due.member)
            await self.pool.run(
                DO_DUE,
                self.p,
                keys={
                    **self.lease.keys(),
                    "due": self.p.due_key(DUE_KIND),
                    "done": self.p.key("d"),
                },
                args={**self.lease.args(), "member": due.member, "again": None},
            )
            if left:
                await Counters(self.pool).count("acme", str(left - 1), due_at=due.at + DAY)

    kinds: frozenset[str] = frozenset()
    side_by_side: frozenset[str] = frozenset()

    async def apply(self, step: Step, event: Event) -> bool:
        keys = {**step.keys(), "seen": step.partition.key("seen")}
        args = {**step.args(), "what": event.subject, "intent": None}
        await self.follower.run(FOLLOW, step.partition, keys=keys, args=args)
        return True

    async def load(self, partition: Partition, generation: str, item: SnapshotItem) -> None:  # noqa: ARG002
        raise AssertionError

    async def finish_rebuild(self, partition: Partition, generation: str) -> None:  # noqa: ARG002
        raise AssertionError

    async def checkpoint(self, partition: Partition, changes_through: int) -> None:
        """Nothing waits for it."""


async def test_it_stops_at_each_due_moment_until_all_is_done(open_store: OpenStore) -> None:
    world = World(await open_store("pool"), await open_store("assignment"))
    clock = await world.start()
    start = (await clock.set(None, frozen=True)).now
    await Counters(world.pool).count("acme", "2", due_at=start + DAY)
    stops = [stop async for stop in clock.advance(start + 10 * DAY)]
    assert stops == [
        Stop(start + DAY, 1),
        Stop(start + 2 * DAY, 1),
        Stop(start + 3 * DAY, 1),
        Stop(start + 10 * DAY, 0),
    ]
    assert world.done == [start + DAY, start + 2 * DAY, start + 3 * DAY]
    p = world.follower.partition("acme")
    assert await world.follower.client().lrange(p.key("seen"), 0, -1) == [b"2", b"1", b"0"]
    await world.stop()


async def test_it_waits_where_a_follower_is_behind(open_store: OpenStore) -> None:
    pool, follower = await open_store("pool"), await open_store("assignment")
    works = {
        "pool": AreaWork(pool, (DUE_KIND,), ()),
        "assignment": AreaWork(follower, (), ("pool",)),
    }
    clock = DevClock(pool, works)
    assert await clock.await_quiet() > 0
    await Counters(pool).count("acme", "a")
    waiting = asyncio.ensure_future(clock.await_quiet())
    work = await works["pool"].work()
    assert not is_quiet({"pool": work, "assignment": await works["assignment"].work()})
    p = follower.partition("acme")
    head = work.heads[p.index]
    assert not waiting.done()
    await follower.client().hset(
        p.cursor_key("pool"),
        mapping={
            "incarnation": head.incarnation,
            "position": str(head.position),
            "nonce": head.nonce,
        },
    )
    await eventually(waiting.done)
    await waiting


@pytest.mark.parametrize(
    ("change", "quiet"),
    [
        ({}, True),
        ({"due": 1}, False),
        ({"intents": 1}, False),
        ({"next_due": 5}, True),
        ({"consumed": {"archive": {}}}, False),
        ({"consumed": {"archive": {3: Consumed(Cursor("i", 6, "n"), 0)}}}, False),
        ({"consumed": {"archive": {3: Consumed(Cursor("i", 7, "other"), 0)}}}, False),
    ],
)
def test_quiet_means_that_nothing_is_left_to_do(change: dict[str, object], quiet: object) -> None:
    head = Cursor("i", 7, "n")
    archive = Work(None, 0, 0, {3: head}, {})
    pool: dict[str, object] = {
        "next_due": None,
        "due": 0,
        "intents": 0,
        "heads": {},
        "consumed": {"archive": {3: Consumed(head, 0)}},
    }
    works = {"archive": archive, "pool": Work(**{**pool, **change})}  # type: ignore[arg-type]
    assert is_quiet(works) is quiet
