"""Activities that are told of again, by a snapshot or by the stream, count once or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gonghai.archive.v1 import events_pb2
from gonghai_chassis.events import SnapshotItem
from gonghai_chassis.events.rebuilds import begin_rebuild
from gonghai_chassis.instants import timestamp
from gonghai_policy_service.values import to_value
from gonghai_pool import activities
from gonghai_pool.projections.archive import ArchiveProjection
from gonghai_pool.projections.comparing import OfArchive

from .hands import hands
from .sea import DAY, HOUR, START, TENANT, customer_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gonghai_chassis.store import StoreSettings
    from gonghai_pool.custody import Custody

    from .hands import Hands

NOW: Final = START + 8 * DAY


@dataclass(frozen=True, slots=True)
class Told:
    """An activity, as the archive recorded it."""

    id: str
    at: int
    kind: str = "follow_up"
    corrects: str = ""
    reached: bool = True

    def message(self, customer: str) -> events_pb2.ActivityFacts:
        message = events_pb2.ActivityFacts(
            customer=customer_name(customer),
            activity=self.id,
            kind=self.kind,
            occur_time=timestamp(self.at),
            record_time=timestamp(NOW),
            corrects=self.corrects,
        )
        outcome = "reached" if self.reached else "not_reached"
        message.qualities["outcome"].CopyFrom(to_value(outcome))
        return message

    def item(self, customer: str) -> SnapshotItem:
        packed = self.message(customer).SerializeToString()
        return SnapshotItem("activity_recorded", TENANT, customer, 1, packed)


async def live(world: Hands, customer: str, told: Iterable[Told]) -> None:
    for one in told:
        message = one.message(customer)
        await world._archive("activity_recorded", customer, 1, message)


async def snapshot(world: Hands, customer: str, told: Iterable[Told]) -> None:
    """Make anew what is kept of the archive; the cursor stays where it was."""
    parts, p = world.parts, world.lease.partition
    projection = ArchiveProjection(parts.custodies, parts.policies, parts.book, lambda: None)
    rebuild = await begin_rebuild(world.store, p, "archive")
    for one in told:
        await projection.load(p, rebuild.generation, one.item(customer))
    client: Any = world.store.client(p)
    await client.hdel(p.cursor_key("archive"), "rebuilding")


async def differing(world: Hands, customer: str, told: Sequence[Told]) -> list[str]:
    """The activities by which the doctor would find that the holding differs."""
    comparing = OfArchive(world.parts.custodies)
    items = [one.item(customer) for one in told]
    partition = world.lease.partition
    # The first look tells which there are that correct others.
    await comparing.look(partition, TENANT, "activity_recorded", items)
    sights = await comparing.look(partition, TENANT, "activity_recorded", items)
    pairs = zip(told, sights, strict=True)
    return [one.id for one, sight in pairs if sight.told != sight.known]


async def holding(world: Hands, *customers: str) -> None:
    """Customers who are held since the start; it is eight days later."""
    await world.team("sales")
    for rep in ("wang", "zhao"):
        await world.rep(rep)
    await world.pool("east")
    for customer in customers:
        await world.customer(customer)
        await world.claim(customer, "wang")
    await world.at(NOW)


def due(custody: Custody) -> int:
    assert custody.plan is not None
    assert custody.plan.due_at is not None
    return custody.plan.due_at


WRONG = Told("wrong", START + 7 * DAY)
RIGHT = Told("right", START + DAY, corrects="wrong")


async def test_what_was_corrected_does_not_come_back_with_a_rebuild(
    store_settings: StoreSettings,
) -> None:
    async with hands(store_settings) as world:
        await holding(world, "c1", "c2")
        before_he_had_it = replace(RIGHT, at=START - DAY)
        for customer, right in (("c1", RIGHT), ("c2", before_he_had_it)):
            without = due(await world.custody(customer))
            await live(world, customer, [WRONG])
            assert due(await world.custody(customer)) == without + 7 * DAY
            await live(world, customer, [right])
            before = await world.custody(customer)
            assert due(before) == without + (DAY if right is RIGHT else 0)
            # Nor for the moment until its correction is told of again.
            for told in ([WRONG], [WRONG, right]):
                await snapshot(world, customer, told)
                assert await world.custody(customer) == before
                await live(world, customer, told)
                assert await world.custody(customer) == before
            assert await differing(world, customer, [WRONG, right]) == []


async def test_what_counts_although_it_was_corrected_is_found_and_mended(
    store_settings: StoreSettings,
) -> None:
    """As an older version left it, or somebody's hand."""
    async with hands(store_settings) as world:
        await holding(world, "c1", "c2")
        await live(world, "c1", [WRONG, RIGHT])
        await live(world, "c2", [WRONG, replace(RIGHT, corrects="")])
        assert await differing(world, "c1", [WRONG, RIGHT]) == []
        assert await differing(world, "c2", [WRONG, RIGHT]) == ["right"]
        await snapshot(world, "c2", [WRONG, RIGHT])
        mended = await world.custody("c2")
        assert due(mended) == due(await world.custody("c1"))
        assert ([one.id for one in mended.activities], mended.follow_ups) == (["right"], 1)
        assert await differing(world, "c2", [WRONG, RIGHT]) == []


async def test_activities_that_are_not_kept_are_counted_once(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activities, "MOST_KEPT", 10)
    told = [Told(f"f{n}", START + n * HOUR) for n in range(14)]
    told += [Told(f"p{n}", START + n * HOUR, kind="purchase") for n in range(12)]
    corrected = [
        Told("of one that is kept", NOW, corrects="f13"),
        Told("of one that is not", START - DAY, corrects="f0"),
        Told("of an order", START - DAY, corrects="p0", kind="purchase"),
    ]
    async with hands(store_settings) as world:
        await holding(world, "c1")
        await live(world, "c1", told)
        before = await world.custody("c1")
        assert (before.follow_ups, before.orders, len(before.activities)) == (14, 12, 20)
        for _ in range(2):
            await snapshot(world, "c1", told)
            assert await world.custody("c1") == before
        await live(world, "c1", corrected)
        after = await world.custody("c1")
        assert (after.follow_ups, after.orders) == (13, 11)
        for _ in range(2):
            await snapshot(world, "c1", [*told, *corrected])
            assert await world.custody("c1") == after
        assert await differing(world, "c1", [*told, *corrected]) == []
        # Who holds it next begins from nothing.
        await world.transfer("c1", "zhao")
        fresh = await world.custody("c1")
        assert (fresh.follow_ups, fresh.activities, fresh.passed) == (0, (), {})


@st.composite
def histories(draw: st.DrawFn) -> list[Told]:
    """Any activities, in the order in which they were recorded, each corrected at most once."""
    told: list[Told] = []
    standing: list[Told] = []
    for number in range(draw(st.integers(1, 14))):
        corrected = draw(st.one_of(st.none(), st.sampled_from(standing))) if standing else None
        one = Told(
            f"a{number}",
            START + draw(st.integers(-48, 8 * 24)) * HOUR,
            draw(st.sampled_from(["follow_up", "purchase"]))
            if corrected is None
            else corrected.kind,
            "" if corrected is None else corrected.id,
            reached=draw(st.booleans()),
        )
        if corrected is not None:
            standing.remove(corrected)
        told.append(one)
        standing.append(one)
    return told


deliveries = st.lists(
    st.tuples(st.sampled_from(["live", "snapshot"]), st.integers(0, 14), st.integers(0, 14)),
    max_size=3,
)
"""How far each part goes, and from where what it brings was told of before."""


async def lived(store: StoreSettings, told: list[Told], parts: list[tuple[str, int, int]]) -> None:
    async with hands(store) as world:
        await holding(world, "live", "whole", "parts")
        await live(world, "live", told)
        await snapshot(world, "whole", told)
        reached = 0
        for way, until, since in parts:
            before, reached = reached, max(reached, min(until, len(told)))
            if way == "live":
                await live(world, "parts", told[min(since, before) : reached])
            else:
                await snapshot(world, "parts", told[:reached])
        await snapshot(world, "parts", told)
        await live(world, "parts", told)
        one = await world.custody("live")
        for other in ("whole", "parts"):
            custody = await world.custody(other)
            assert replace(custody, customer="live", plan=one.plan) == one
            assert custody.plan is not None
            assert one.plan is not None
            assert custody.plan.observable == one.plan.observable
            assert (custody.plan.action, custody.plan.at) == (one.plan.action, one.plan.at)
            assert await differing(world, other, told) == []
        gone = {each.corrects for each in told}
        count = [each.kind for each in told if each.id not in gone and each.at >= START]
        assert one.follow_ups == count.count("follow_up")
        assert one.orders == count.count("purchase")


@pytest.mark.requirement("B6")
@pytest.mark.timeout(300)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(told=histories(), parts=deliveries)
def test_any_history_leaves_the_same_custody_however_it_is_told(
    store_settings: StoreSettings,
    told: list[Told],
    parts: list[tuple[str, int, int]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(activities, "MOST_KEPT", 3)
        with redis.Redis.from_url(store_settings.url) as client:
            client.flushall()
        asyncio.run(lived(store_settings, told, parts))
