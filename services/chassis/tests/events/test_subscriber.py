"""Following a stream: each event takes effect once, in order, whatever dies in between."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from gonghai_chassis.dev_clock import DevClock
from gonghai_chassis.events import (
    Cursor,
    Event,
    EventStream,
    SnapshotItem,
    Step,
    Subscriber,
    Tail,
    read_progress,
)
from gonghai_chassis.events.rebuilds import begin_rebuild
from gonghai_chassis.intents import Intent, IntentWorker
from gonghai_chassis.store.failures import StaleStep
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.counting import FOLLOW, Counters
from gonghai_chassis.testing.feeds import LocalFeed
from gonghai_chassis.upkeep.rebuilding import rebuilt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from gonghai_chassis.store import Partition, Store
    from gonghai_chassis.testing.plugin import OpenStore


@dataclass
class Followed:
    """A projection that notes the versions it has seen."""

    store: Store
    kinds: frozenset[str] = frozenset()
    side_by_side: frozenset[str] = frozenset()
    fail_at: set[int] = field(default_factory=set)
    with_intents: bool = False
    promised: list[int] = field(default_factory=list)
    loaded: list[SnapshotItem] = field(default_factory=list)
    finished: int = 0
    pass_over: set[int] = field(default_factory=set)

    async def apply(self, step: Step, event: Event) -> bool:
        if event.version in self.pass_over:
            return False
        if event.version in self.fail_at:
            self.fail_at.discard(event.version)
            raise RuntimeError("made to fail")
        await self.store.run(
            FOLLOW,
            step.partition,
            keys={**step.keys(), "seen": step.partition.key("seen")},
            args={
                **step.args(),
                "what": str(event.version),
                "intent": f"i{event.version}" if self.with_intents else None,
            },
        )
        return True

    async def load(self, partition: Partition, generation: str, item: SnapshotItem) -> None:  # noqa: ARG002
        assert generation
        self.loaded.append(item)

    async def finish_rebuild(self, partition: Partition, generation: str) -> None:  # noqa: ARG002
        self.finished += 1

    async def checkpoint(self, partition: Partition, changes_through: int) -> None:  # noqa: ARG002
        self.promised.append(changes_through)

    async def seen(self, partition: Partition) -> list[int]:
        found = await self.store.client().lrange(partition.key("seen"), 0, -1)
        return [int(version) for version in found]


@dataclass
class Pair:
    """A source, a follower, and what runs between them."""

    source: Store
    follower: Store
    feed: LocalFeed
    p: Partition
    source_p: Partition
    running: list[asyncio.Task[None]] = field(default_factory=list)

    def subscribe(self, projection: Followed) -> Callable[[], object]:
        """Follows until what is returned is called."""
        subscriber = Subscriber(
            self.follower, self.p, source="pool", feed=self.feed, projection=projection
        )
        task = asyncio.create_task(subscriber.run())
        self.running.append(task)
        return task.cancel

    async def count(self, times: int) -> None:
        for _ in range(times):
            await Counters(self.source).count("acme", "a")


@pytest.fixture
async def pair(open_store: OpenStore) -> AsyncIterator[Pair]:
    source, follower = await open_store("pool"), await open_store("assignment")
    tail = await Tail.open(source)
    await tail.hears()
    feed = LocalFeed(EventStream(source), tail)
    pair = Pair(source, follower, feed, follower.partition("acme"), source.partition("acme"))
    yield pair
    for task in pair.running:
        task.cancel()
    await asyncio.gather(*pair.running, return_exceptions=True)
    await tail.close()


async def test_every_event_takes_effect_once_and_in_order(pair: Pair) -> None:
    projection = Followed(pair.follower)
    await pair.count(10)
    pair.subscribe(projection)
    await pair.count(10)
    await eventually(lambda: _seen(projection, pair.p, 20))
    assert await projection.seen(pair.p) == list(range(1, 21))


async def test_an_event_that_fails_is_tried_again_before_the_next(pair: Pair) -> None:
    projection = Followed(pair.follower, fail_at={3, 4})
    await pair.count(6)
    pair.subscribe(projection)
    await eventually(lambda: _seen(projection, pair.p, 6))
    assert await projection.seen(pair.p) == [1, 2, 3, 4, 5, 6]
    assert projection.fail_at == set()


@pytest.mark.parametrize("seed", range(5))
async def test_nothing_is_lost_or_doubled_when_it_is_killed(pair: Pair, seed: int) -> None:
    chance = random.Random(seed)
    projection = Followed(pair.follower, with_intents=True)
    total = 60
    await pair.count(total)
    while len(await projection.seen(pair.p)) < total:
        kill = pair.subscribe(projection)
        goal = len(await projection.seen(pair.p)) + chance.randint(1, 15)
        await _reached(projection, pair.p, min(goal, total))
        for _ in range(chance.randint(0, 5)):
            await asyncio.sleep(0)
        kill()
    assert await projection.seen(pair.p) == list(range(1, total + 1))
    assert await pair.follower.client().zcard(pair.p.keys.intents) == total


async def test_two_at_the_same_time_do_no_harm(pair: Pair) -> None:
    first, second = Followed(pair.follower), Followed(pair.follower)
    pair.subscribe(first)
    pair.subscribe(second)
    await pair.count(50)
    await eventually(lambda: _seen(first, pair.p, 50))
    assert await first.seen(pair.p) == list(range(1, 51))


async def test_events_without_effect_move_the_cursor(pair: Pair) -> None:
    projection = Followed(pair.follower, pass_over={1, 2, 5})
    await pair.count(5)
    pair.subscribe(projection)
    await eventually(lambda: projection.promised)
    assert await projection.seen(pair.p) == [3, 4]
    progress = await read_progress(pair.follower, pair.p, "pool")
    assert progress.cursor == await pair.feed.stream.head(pair.source_p)
    assert progress.changes_through == projection.promised[0]


async def test_other_kinds_are_passed_over(pair: Pair) -> None:
    projection = Followed(pair.follower, kinds=frozenset({"Else"}))
    await pair.count(3)
    pair.subscribe(projection)
    await eventually(lambda: projection.promised)
    assert await projection.seen(pair.p) == []


async def test_the_watermark_follows_the_clock(pair: Pair) -> None:
    clock = DevClock(pair.source, {})
    start = (await clock.set(None, frozen=True)).now
    projection = Followed(pair.follower)
    pair.subscribe(projection)
    await eventually(lambda: projection.promised == [start])
    await clock.set(start + 5, frozen=True)
    await eventually(lambda: projection.promised == [start, start + 5])
    assert (await read_progress(pair.follower, pair.p, "pool")).changes_through == start + 5


async def test_who_fell_behind_rebuilds_from_a_snapshot(pair: Pair) -> None:
    projection = Followed(pair.follower)
    await pair.count(5)
    await pair.feed.stream.trim(pair.source_p, max_length=2)
    pair.feed.items = [SnapshotItem("Counter", "acme", "a", 5, b"5")]
    pair.subscribe(projection)
    await eventually(lambda: projection.finished == 1)
    await eventually(lambda: projection.promised)
    await pair.count(2)
    await eventually(lambda: _seen(projection, pair.p, 2))
    assert projection.loaded == pair.feed.items
    assert await projection.seen(pair.p) == [6, 7]
    assert projection.finished == 1


async def test_a_rebuild_that_was_cut_off_starts_again(pair: Pair) -> None:
    projection = Followed(pair.follower)
    await pair.count(2)
    await pair.follower.client().hset(
        pair.p.cursor_key("pool"), mapping={"rebuilding": "earlier", "through": "0"}
    )
    pair.subscribe(projection)
    await eventually(lambda: projection.finished == 1)
    progress = await eventually(lambda: _rebuilt(pair))
    assert progress is True
    assert await projection.seen(pair.p) == []


async def test_a_cursor_that_the_source_lost_leads_to_a_rebuild(pair: Pair) -> None:
    projection = Followed(pair.follower)
    await pair.count(2)
    kill = pair.subscribe(projection)
    await eventually(lambda: _seen(projection, pair.p, 2))
    kill()
    await pair.source.client().delete(pair.source_p.keys.stream, pair.source_p.keys.meta)
    pair.subscribe(projection)
    await eventually(lambda: projection.finished == 1)
    await pair.count(1)
    await eventually(lambda: _seen(projection, pair.p, 3))
    assert await projection.seen(pair.p) == [1, 2, 3]


async def test_intents_are_carried_out_in_order_until_answered(pair: Pair) -> None:
    projection = Followed(pair.follower, with_intents=True)
    tail = await Tail.open(pair.follower)
    carried: list[tuple[str, bytes, int]] = []

    async def carry_out(intent: Intent) -> None:
        carried.append((intent.id, intent.payload, intent.attempt))
        if intent.id == "i2" and intent.attempt < 2:
            raise ConnectionError("not answered")

    await pair.count(4)
    pair.subscribe(projection)
    worker = IntentWorker(pair.follower, tail, pair.p, carry_out)
    pair.running.append(asyncio.create_task(worker.run()))
    await eventually(lambda: carried and carried[-1][0] == "i4")
    assert carried == [
        ("i1", b"1", 0),
        ("i2", b"2", 0),
        ("i2", b"2", 1),
        ("i2", b"2", 2),
        ("i3", b"3", 0),
        ("i4", b"4", 0),
    ]
    await eventually(lambda: _no_intents(pair))
    await tail.close()


async def test_an_intent_that_waits_does_not_stop_others_where_several_may_run(pair: Pair) -> None:
    tail = await Tail.open(pair.follower)
    projection = Followed(pair.follower, with_intents=True)
    carried: set[str] = set()
    release = asyncio.Event()

    async def carry_out(intent: Intent) -> None:
        if intent.id == "i1":
            await release.wait()
        carried.add(intent.id)

    await pair.count(4)
    pair.subscribe(projection)
    await eventually(lambda: _seen(projection, pair.p, 4))
    worker = IntentWorker(pair.follower, tail, pair.p, carry_out, concurrency=2)
    pair.running.append(asyncio.create_task(worker.run()))
    await eventually(lambda: carried == {"i2", "i3", "i4"})
    release.set()
    await eventually(lambda: _no_intents(pair))
    await tail.close()


@dataclass
class Slow(Followed):
    """A projection that takes its time to decide, the longer the earlier the event."""

    deciding: int = 0
    most: int = 0

    async def apply(self, step: Step, event: Event) -> bool:
        self.deciding += 1
        self.most = max(self.most, self.deciding)
        try:
            for _ in range(max(0, 60 - 5 * event.position)):
                await asyncio.sleep(0)
            if event.position in self.pass_over:
                return False
            if event.position in self.fail_at:
                self.fail_at.discard(event.position)
                raise RuntimeError("made to fail")
            await step.turn()
            await self.store.run(
                FOLLOW,
                step.partition,
                keys={**step.keys(), "seen": step.partition.key("seen")},
                args={**step.args(), "what": str(event.position), "intent": None},
            )
        finally:
            self.deciding -= 1
        return True


async def test_events_of_different_subjects_are_decided_on_together_and_stored_in_order(
    pair: Pair,
) -> None:
    projection = Slow(
        pair.follower,
        side_by_side=frozenset({"Counted"}),
        fail_at={4, 9},
        pass_over={6},
    )
    for number in range(12):
        await Counters(pair.source).count("acme", f"s{number}")
    await Counters(pair.source).count("acme", "s11")
    pair.subscribe(projection)
    wanted = [number for number in range(1, 14) if number != 6]
    await eventually(lambda: _seen(projection, pair.p, len(wanted)))
    assert await projection.seen(pair.p) == wanted
    assert projection.most > 3


async def test_events_of_one_subject_are_decided_on_one_after_the_other(pair: Pair) -> None:
    projection = Slow(pair.follower, side_by_side=frozenset({"Counted"}))
    await pair.count(6)
    pair.subscribe(projection)
    await eventually(lambda: _seen(projection, pair.p, 6))
    assert await projection.seen(pair.p) == [1, 2, 3, 4, 5, 6]
    assert projection.most == 1


async def test_an_offered_intent_is_carried_out_once_and_at_once(pair: Pair) -> None:
    tail = await Tail.open(pair.follower)
    projection = Followed(pair.follower, with_intents=True)
    carried: list[str] = []

    async def carry_out(intent: Intent) -> bool:
        carried.append(intent.id)
        # As if a later event of the peer removed it.
        return intent.id == "i3"

    worker = IntentWorker(pair.follower, tail, pair.p, carry_out, concurrency=2, offered=True)
    pair.running.append(asyncio.create_task(worker.run()))
    await pair.count(2)
    pair.subscribe(projection)
    # Nobody offered these: they are found.
    await eventually(lambda: sorted(carried) == ["i1", "i2"])
    await eventually(lambda: _no_intents(pair))
    worker.offer(Intent(3, "i3", "call", b"3"))
    await eventually(lambda: "i3" in carried)
    await pair.count(1)
    await eventually(lambda: _seen(projection, pair.p, 3))
    worker.offer(Intent(3, "i3", "call", b"3"))
    await pair.count(1)
    await eventually(lambda: "i4" in carried)
    assert sorted(carried) == ["i1", "i2", "i3", "i4"]
    await tail.close()


async def _seen(projection: Followed, p: Partition, count: int) -> bool:
    return len(await projection.seen(p)) >= count


async def _reached(projection: Followed, p: Partition, goal: int) -> None:
    await eventually(lambda: _seen(projection, p, goal))


async def _no_intents(pair: Pair) -> bool:
    return bool(await pair.follower.client().zcard(pair.p.keys.intents) == 0)


async def _rebuilt(pair: Pair) -> bool:
    progress = await read_progress(pair.follower, pair.p, "pool")
    return not progress.rebuilding and progress.cursor != Cursor.START


async def test_a_rebuild_that_is_asked_for_here_is_made_with_the_next_batch(pair: Pair) -> None:
    projection = Followed(pair.follower)
    await pair.count(2)
    pair.feed.heartbeat = 0.05
    pair.subscribe(projection)
    await eventually(lambda: _seen(projection, pair.p, 2))
    pair.feed.items = [SnapshotItem("Counter", "acme", "a", 2, b"2")]
    told = [rebuilding async for rebuilding in rebuilt(pair.follower, pair.p, "pool")]
    assert told == [True, False]
    assert (projection.loaded, projection.finished) == (pair.feed.items, 1)


async def test_a_rebuild_that_another_replica_was_asked_for_is_made_with_the_next_step(
    pair: Pair, open_store: OpenStore
) -> None:
    projection = Followed(pair.follower)
    await pair.count(2)
    pair.subscribe(projection)
    await eventually(lambda: _seen(projection, pair.p, 2))
    other = await open_store("assignment")
    asked = asyncio.create_task(_last(rebuilt(other, pair.p, "pool")))
    await eventually(lambda: _rebuilding(pair))
    await pair.count(1)
    assert await asked is False
    assert projection.finished == 1
    await pair.count(1)
    await eventually(lambda: _saw(projection, pair.p, 4))


async def test_no_event_is_taken_in_while_a_rebuild_is_asked_for(pair: Pair) -> None:
    await begin_rebuild(pair.follower, pair.p, "pool")
    await pair.count(1)
    step = Step(pair.p, "pool", Cursor.START, await pair.feed.stream.head(pair.source_p))
    event = Event(1, "Counted", "acme", "a", 1, 0, 1, b"", step.after.nonce)
    with pytest.raises(StaleStep):
        await Followed(pair.follower).apply(step, event)


async def _last(states: AsyncIterator[bool]) -> bool | None:
    last = None
    async for state in states:
        last = state
    return last


async def _rebuilding(pair: Pair) -> bool:
    return bool((await read_progress(pair.follower, pair.p, "pool")).rebuilding)


async def _saw(projection: Followed, p: Partition, version: int) -> bool:
    return version in await projection.seen(p)
