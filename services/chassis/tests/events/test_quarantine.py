"""Quarantine: what cannot be processed waits with what comes behind it, and all others go on."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gonghai_chassis.errors import PeerUnavailable, Reason, Refusal
from gonghai_chassis.events import (
    EventStream,
    Quarantine,
    SnapshotItem,
    Subscriber,
    Tail,
    read_progress,
)
from gonghai_chassis.events.faults import passes_by_itself, problem_of
from gonghai_chassis.events.rebuilds import begin_rebuild
from gonghai_chassis.events.retrier import Retrier
from gonghai_chassis.store import Store
from gonghai_chassis.store.failures import ScriptFailed, StaleStep, StoreFull, VersionsMoved
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.counting import FOLLOW, Counters
from gonghai_chassis.testing.feeds import LocalFeed
from gonghai_chassis.testing.plugin import flush

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gonghai_chassis.events import Event, Step
    from gonghai_chassis.store import Partition, StoreSettings

SUBJECTS = ("a", "b", "c")


@dataclass
class Stumbling:
    """A projection that notes what it has seen, and breaks off at some subjects."""

    store: Store
    poisoned: set[str]
    side_by_side: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    loaded: list[str] = field(default_factory=list)

    async def apply(self, step: Step, event: Event) -> bool:
        # Others take their turn in between.
        await asyncio.sleep(0)
        if event.subject in self.poisoned:
            raise RuntimeError("stumbled")
        await step.turn()
        await self.store.run(
            FOLLOW,
            step.partition,
            keys={**step.keys(), "seen": step.partition.key("seen")},
            args={**step.args(), "what": f"{event.subject}:{event.version}", "intent": None},
        )
        return True

    async def load(self, partition: Partition, generation: str, item: SnapshotItem) -> None:  # noqa: ARG002
        if item.subject in self.poisoned:
            raise RuntimeError("stumbled")
        self.loaded.append(item.subject)

    async def finish_rebuild(self, partition: Partition, generation: str) -> None:
        pass

    async def checkpoint(self, partition: Partition, changes_through: int) -> None:
        pass


@dataclass
class World:
    """A source, a follower, and what runs between them."""

    source: Store
    follower: Store
    feed: LocalFeed
    p: Partition
    projection: Stumbling
    quarantine: Quarantine
    running: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        subscriber = Subscriber(
            self.follower, self.p, source="pool", feed=self.feed, projection=self.projection
        )
        self.running.append(asyncio.create_task(subscriber.run()))

    async def kill(self) -> None:
        tasks, self.running = self.running, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def count(self, subject: str) -> None:
        await Counters(self.source).count("acme", subject)

    async def seen(self) -> list[str]:
        found = await self.follower.client(self.p).lrange(self.p.key("seen"), 0, -1)
        return [one.decode() for one in found if isinstance(one, bytes)]

    async def caught_up(self) -> None:
        """Wait until the cursor is at the head."""
        head = await self.feed.stream.head(self.source.partition("acme"))

        async def there() -> bool:
            return (await read_progress(self.follower, self.p, "pool")).cursor == head

        await eventually(there)

    async def queue(self, subject: str) -> int:
        return (await self.quarantine.head(f"acme/{subject}"))[1]

    @property
    def retrier(self) -> Retrier:
        return Retrier(self.quarantine, self.projection)


@asynccontextmanager
async def opened(store_settings: StoreSettings, *, side_by_side: bool) -> AsyncIterator[World]:
    source = await Store.open(store_settings, area="pool")
    follower = await Store.open(store_settings, area="assignment")
    tail = await Tail.open(source)
    p = follower.partition("acme")
    kinds = frozenset({"Counted"} if side_by_side else ())
    world = World(
        source,
        follower,
        LocalFeed(EventStream(source), tail),
        p,
        Stumbling(follower, set(), kinds),
        Quarantine(follower, p, "pool"),
    )
    try:
        await tail.hears()
        yield world
    finally:
        await world.kill()
        await tail.close()
        await follower.close()
        await source.close()


@pytest.fixture(params=[False, True], ids=["one-by-one", "side-by-side"])
async def world(
    store_settings: StoreSettings, request: pytest.FixtureRequest
) -> AsyncIterator[World]:
    async with opened(store_settings, side_by_side=request.param) as world:
        yield world


async def test_one_subject_waits_and_all_others_go_on(world: World) -> None:
    world.projection.poisoned.add("a")
    for subject in ("b", "a", "c", "a", "b"):
        await world.count(subject)
    world.start()
    await world.caught_up()
    await world.count("a")
    await world.caught_up()
    assert await world.seen() == ["b:1", "c:1", "b:2"]
    entry, count = await world.quarantine.head("acme/a")
    assert entry is not None
    assert (count, entry.attempts, entry.event.version, entry.event.kind) == (3, 3, 1, "Counted")
    assert entry.problem.startswith("RuntimeError (incident ")
    listed = await world.quarantine.listed("acme", "", 0, 10)
    assert [(one.index, one.entry.event.version, one.entry.attempts) for one in listed] == [
        (0, 1, 3),
        (1, 2, 0),
        (2, 3, 0),
    ]
    assert await world.quarantine.subjects() == {("acme", "a")}

    # A restart tries again; what is mended is processed in order, and later ones follow.
    world.projection.poisoned.clear()
    await world.kill()
    world.start()
    await eventually(lambda: _empty(world))
    await world.count("a")
    await world.caught_up()
    assert (await world.seen())[3:] == ["a:1", "a:2", "a:3", "a:4"]


async def test_two_retries_at_once_process_each_event_once(world: World) -> None:
    world.projection.poisoned.add("a")
    for _ in range(6):
        await world.count("a")
    world.start()
    await world.caught_up()
    world.projection.poisoned.clear()
    await asyncio.gather(*(world.retrier.retry("acme/a") for _ in range(4)))
    await eventually(lambda: _empty(world))
    assert await world.seen() == [f"a:{version}" for version in range(1, 7)]


async def test_an_event_that_comes_when_the_queue_was_emptied_is_simply_applied(
    world: World,
) -> None:
    world.projection.poisoned.add("a")
    await world.count("a")
    world.start()
    await world.caught_up()
    world.projection.poisoned.clear()
    await world.retrier.retry("acme/a")
    assert await world.queue("a") == 0
    # The subscriber believes still that there is a queue.
    await world.count("a")
    await world.caught_up()
    assert await world.seen() == ["a:1", "a:2"]


async def test_a_retry_that_fails_is_noted(world: World) -> None:
    world.projection.poisoned.add("a")
    await world.count("a")
    world.start()
    await world.caught_up()
    retried = await world.retrier.retry("acme/a")
    assert retried.processed == 0
    assert retried.failed is not None
    entry, count = await world.quarantine.head("acme/a")
    assert (entry, count) == (retried.failed, 1)
    assert retried.failed.attempts == 4


async def test_whoever_holds_the_lease_answers_a_wish(world: World) -> None:
    world.projection.poisoned.add("a")
    for _ in range(2):
        await world.count("a")
    world.start()
    await world.caught_up()
    world.projection.poisoned.clear()
    token = await world.quarantine.ask("acme/a")
    assert token is not None
    assert await world.quarantine.ask("acme/b") is None

    async def answered() -> bool:
        return await world.quarantine.answered(token) == 2

    await eventually(answered)
    assert await world.seen() == ["a:1", "a:2"]


async def test_who_is_kept_waiting_keeps_nobody_else_waiting(world: World) -> None:
    others = ["b0", "b1", "b2"]
    world.projection.poisoned.update({"a", *others})
    for subject in ("a", *others):
        await world.count(subject)
    world.start()
    await world.caught_up()
    await world.kill()
    world.projection.poisoned.clear()
    away = True

    async def apply(step: Step, event: Event) -> bool:
        if away and event.subject == "a":
            raise PeerUnavailable("pool")
        return await Stumbling.apply(world.projection, step, event)

    world.projection.apply = apply  # type: ignore[method-assign]
    # Somebody asks for the one that cannot be helped, and for another one.
    waiting = await world.quarantine.ask("acme/a")
    token = await world.quarantine.ask("acme/b2")
    assert waiting is not None
    assert token is not None
    world.start()
    await eventually(lambda: _only(world, "a"))
    assert await world.quarantine.answered(token) == 1
    assert await world.quarantine.answered(waiting) is None
    away = False
    # It is not left for the next round of all.
    await world.quarantine.ask("acme/a")
    await eventually(lambda: _empty(world))
    assert await world.seen() == ["b2:1", "b0:1", "b1:1", "a:1"]


async def test_where_nothing_gets_on_few_are_tried_and_others_the_next_time(world: World) -> None:
    names = [f"s{n:02}" for n in range(10)]
    world.projection.poisoned.update(names)
    for name in names:
        await world.count(name)
    world.start()
    await world.caught_up()
    await world.kill()
    tried: list[str] = []

    async def apply(step: Step, event: Event) -> bool:  # noqa: ARG001
        tried.append(event.subject)
        raise PeerUnavailable("pool")

    world.projection.apply = apply  # type: ignore[method-assign]
    retrier = world.retrier
    retrier._left = {f"acme/{name}": None for name in names}
    for _ in range(2):
        await retrier._retry_left()
    assert tried == [*names, *names[:6]]


async def test_a_retry_goes_on_behind_what_another_one_took(world: World) -> None:
    world.projection.poisoned.add("a")
    for _ in range(3):
        await world.count("a")
    world.start()
    await world.caught_up()
    await world.kill()
    world.projection.poisoned.clear()
    first, _ = await world.quarantine.head("acme/a")
    assert first is not None

    async def apply(step: Step, event: Event) -> bool:
        if event.version == 1:
            await world.quarantine.pass_over(first)
        return await Stumbling.apply(world.projection, step, event)

    world.projection.apply = apply  # type: ignore[method-assign]
    assert (await world.retrier.retry("acme/a")).processed == 2
    assert await world.seen() == ["a:2", "a:3"]


async def test_a_retry_during_a_rebuild_is_not_taken_for_done(world: World) -> None:
    world.projection.poisoned.add("a")
    await world.count("a")
    world.start()
    await world.caught_up()
    await world.kill()
    world.projection.poisoned.clear()
    await begin_rebuild(world.follower, world.p, "pool")
    with pytest.raises(StaleStep):
        await world.retrier.retry("acme/a")


async def test_a_rebuild_frees_what_was_quarantined_and_keeps_what_cannot_be_loaded(
    world: World,
) -> None:
    world.projection.poisoned.update({"a", "b"})
    for subject in ("a", "a", "b", "c"):
        await world.count(subject)
    world.start()
    await world.caught_up()
    assert await world.quarantine.subjects() == {("acme", "a"), ("acme", "b")}
    await world.kill()
    world.projection.poisoned.discard("a")
    world.feed.items = [
        SnapshotItem("Counted", "acme", subject, version, b"")
        for subject, version in (("a", 2), ("b", 1), ("c", 1))
    ]
    await begin_rebuild(world.follower, world.p, "pool")
    # While it is under way no quarantined event is taken.
    entry, _ = await world.quarantine.head("acme/a")
    assert entry is not None
    with pytest.raises(StaleStep):
        await world.quarantine.pass_over(entry)
    world.start()
    await eventually(lambda: _only(world, "b"))
    assert world.projection.loaded == ["a", "c"]
    world.projection.poisoned.clear()
    await world.retrier.retry("acme/b")
    assert (await world.seen())[-1] == "b:1"
    assert await world.quarantine.subjects() == set()


async def test_what_is_not_the_events_fault_is_waited_for(world: World) -> None:
    failures = 4

    async def apply(step: Step, event: Event) -> bool:
        nonlocal failures
        if failures:
            failures -= 1
            raise PeerUnavailable("pool")
        return await Stumbling.apply(world.projection, step, event)

    world.projection.apply = apply  # type: ignore[method-assign]
    await world.count("a")
    world.start()
    await world.caught_up()
    assert await world.seen() == ["a:1"]
    assert failures == 0


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (VersionsMoved("x"), True),
        (StaleStep("x"), True),
        (StoreFull("x"), True),
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (PeerUnavailable("pool"), True),
        (ScriptFailed("x"), False),
        (KeyError("x"), False),
        (Refusal(Reason.WRONG_STATE, "x"), False),
    ],
)
def test_whose_fault_a_failure_is(error: Exception, *, passing: bool) -> None:
    assert passes_by_itself(error) is passing


def test_a_problem_says_nothing_of_what_the_event_says() -> None:
    refusal = Refusal(Reason.WRONG_STATE, "Customer 王老板 is held by wang.")
    assert problem_of(refusal).startswith("WRONG_STATE (incident ")
    assert problem_of(KeyError("王老板")).startswith("KeyError (incident ")


@dataclass(frozen=True)
class Round:
    """Some subjects fail; then some are mended, retried and told of, all at the same time."""

    poisoned: frozenset[str]
    told: list[str]
    mended: frozenset[str]
    retried: list[str]
    asked: list[str]
    told_meanwhile: list[str]
    second: bool
    killed: bool


subjects = st.sampled_from(SUBJECTS)
rounds = st.builds(
    Round,
    poisoned=st.frozensets(subjects),
    told=st.lists(subjects, min_size=1, max_size=6),
    mended=st.frozensets(subjects),
    retried=st.lists(subjects, max_size=5),
    asked=st.lists(subjects, max_size=2),
    told_meanwhile=st.lists(subjects, max_size=4),
    second=st.booleans(),
    killed=st.booleans(),
)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(course=st.lists(rounds, min_size=2, max_size=4), side_by_side=st.booleans())
def test_whatever_happens_each_event_is_effective_once_and_in_its_subjects_order(
    store_settings: StoreSettings, course: list[Round], *, side_by_side: bool
) -> None:
    flush(store_settings.url)
    asyncio.run(_run(store_settings, course, side_by_side=side_by_side))


async def _run(store_settings: StoreSettings, course: list[Round], *, side_by_side: bool) -> None:
    async with opened(store_settings, side_by_side=side_by_side) as world:
        counted = dict.fromkeys(SUBJECTS, 0)
        retries: list[asyncio.Task[object]] = []

        async def tell(subjects: list[str]) -> None:
            for subject in subjects:
                counted[subject] += 1
                await world.count(subject)

        for each in course:
            world.start()
            world.projection.poisoned |= each.poisoned
            await tell(each.told)
            await world.caught_up()
            world.projection.poisoned -= each.mended
            if each.second:
                world.start()
            retries += [
                asyncio.create_task(world.retrier.retry(f"acme/{one}")) for one in each.retried
            ]
            for one in each.asked:
                await world.quarantine.ask(f"acme/{one}")
            await tell(each.told_meanwhile)
            if each.killed:
                for task in retries:
                    task.cancel()
            await world.kill()
        world.projection.poisoned.clear()
        await asyncio.gather(*retries, return_exceptions=True)
        world.start()
        await world.caught_up()
        await eventually(lambda: _empty(world))
        seen = await world.seen()
        for subject, count in counted.items():
            of_subject = [one for one in seen if one.startswith(f"{subject}:")]
            assert of_subject == [f"{subject}:{version}" for version in range(1, count + 1)]


async def _empty(world: World) -> bool:
    return not await world.quarantine.subjects()


async def _only(world: World, subject: str) -> bool:
    progress = await read_progress(world.follower, world.p, "pool")
    return not progress.rebuilding and await world.quarantine.subjects() == {("acme", subject)}
