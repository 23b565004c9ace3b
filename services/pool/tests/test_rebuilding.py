"""What pool keeps of its peers after they lost the tail of their streams, and wrote on."""

# ruff: noqa: ANN401 - what goes into a step

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gonghai.archive.v1 import events_pb2 as archive_events
from gonghai.assignment.v1 import rep_pb2
from gonghai.pool.v1 import custody_pb2
from gonghai_chassis.events import SnapshotItem
from gonghai_chassis.events.rebuilds import begin_rebuild
from gonghai_chassis.instants import instant_of, timestamp
from gonghai_chassis.store import Store
from gonghai_chassis.store.failures import ScriptFailed, StaleStep
from gonghai_chassis.testing.eventually import eventually
from gonghai_chassis.testing.failing_scripts import contents, failing_at
from gonghai_pool.consistency import audit
from gonghai_pool.custody import State
from gonghai_pool.projections.archive import ArchiveProjection
from gonghai_pool.projections.assignment import AssignmentProjection
from gonghai_pool.staff import RepState

from .hands import hands
from .sea import PARENT, TENANT, at, customer_name, pool_name, rep_name, sea

if TYPE_CHECKING:
    from typing import Any

    from gonghai_chassis.events import Projection
    from gonghai_chassis.store import Partition, Reply, Script, StoreSettings

    from .hands import Hands
    from .sea import Sea

DUE = at(2060, 3, 14)


async def tier_of(world: Sea, customer: str) -> str:
    return (await world.custody(customer)).tier


def forget(world: Sea, *what: str) -> None:
    """The peer's own versions went with its tail."""
    for one in what:
        del world._versions[one]


async def test_facts_that_the_archive_lost_give_way_to_those_it_has(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang")
        await world.customer("c1", tier="B", tier_rank=50)
        await world.customer("c1", tier="A", tier_rank=90)
        await world.customer("c1", tier="S", tier_rank=99)
        assert await tier_of(world, "c1") == "S"
        # The archive loses the two last versions; another customer takes their places.
        world.archive.lose(TENANT, 2)
        world._versions["customer c1"] = 1
        world.tell_customer("c2")
        world.tell_customer("c3")

        async def rebuilt() -> bool:
            return await tier_of(world, "c1") == "B"

        await eventually(rebuilt)
        # And the second version comes again, with another content.
        await world.customer("c1", tier="C", tier_rank=10)
        assert await tier_of(world, "c1") == "C"
        assert await audit(world.parts.store) == []


async def test_a_customer_made_again_after_he_was_lost_is_another_one(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang")
        await world.pool("west", members=[])
        await world.customer("c0")
        world.tell_customer("c1", tier="B", create_time=timestamp(world.now))
        world.tell_customer("c1", tier="A", create_time=timestamp(world.now))
        await world.taken_in()
        world.archive.lose(TENANT, 2)
        forget(world, "customer c1")
        later = timestamp(world.now + 1)
        world.tell_customer("c1", tier="C", admission_pool=pool_name("west"), create_time=later)

        async def other() -> bool:
            custody = await world.custody("c1")
            return custody.tier == "C" and custody.pool == pool_name("west")

        await eventually(other)
        assert await audit(world.parts.store) == []


async def test_a_holding_that_the_archive_forgot_is_kept_with_its_follow_ups(
    store_settings: StoreSettings,
) -> None:
    """To take a holding away because a record is missing would be the unsafe side."""
    async with sea(store_settings) as world:
        await world.staffed("wang")
        await world.customer("c0")
        await world.customer("c1")
        await world.claim("c1")
        await world.pass_days(5)
        await world.activity("c1")
        assert instant_of((await world.custody("c1")).due_time) == at(2060, 3, 19)
        world.archive.lose(TENANT, 2)
        world.tell_customer("c0", tier="A", tier_rank=90)

        async def rebuilt() -> bool:
            return await tier_of(world, "c0") == "A"

        await eventually(rebuilt)
        custody = await world.custody("c1")
        assert custody.state == custody_pb2.CUSTODY_STATE_HELD
        assert instant_of(custody.due_time) == at(2060, 3, 19)


async def test_reps_that_assignment_lost_give_way_to_those_it_has(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang")
        await world.customer("c1")
        await world.claim("c1")
        leave = rep_pb2.Leave(
            start_time=timestamp(at(2060, 3, 5)), end_time=timestamp(at(2060, 3, 8))
        )
        team = f"{PARENT}/teams/sales"
        await world.rep("wang", team=team, leaves=[leave])
        await world.rep("liu", team=team)
        await world.quiet()
        assert instant_of((await world.custody("c1")).due_time) == at(2060, 3, 17)
        # The leave is lost, and liu is; who comes in their places has nothing to do with them.
        world.assignment.lose(TENANT, 2)
        world._versions["rep_changed wang"] = 1
        forget(world, "rep_changed liu")
        await world.rep("zhao", team=team)
        await world.rep("zhou", team=team)

        async def rebuilt() -> bool:
            return instant_of((await world.custody("c1")).due_time) == DUE

        await eventually(rebuilt)
        # Made again, in a state in which he may not claim: his first version is believed.
        await world.rep("liu", team=team, state=rep_pb2.REP_STATE_LEFT)
        setup = await world.parts.setups.current(TENANT)
        assert setup.reps["liu"].version == 1
        assert setup.reps["liu"].state is RepState.LEFT
        assert setup.reps["wang"].leaves == ()


def facts(customer: str) -> SnapshotItem:
    message = archive_events.CustomerFacts(
        customer=customer_name(customer),
        version=9,
        admission_pool=pool_name("east"),
        admission_rule="region",
    )
    return SnapshotItem("customer_changed", TENANT, customer, 9, message.SerializeToString())


def person(rep: str) -> SnapshotItem:
    message = rep_pb2.Rep(name=rep_name(rep), state=rep_pb2.REP_STATE_ACTIVE)
    return SnapshotItem("rep_changed", TENANT, rep, 9, message.SerializeToString())


def told_to(world: Hands) -> tuple[tuple[str, Projection, SnapshotItem], ...]:
    """Both projections, each with an item of its peer's snapshot."""
    parts = world.parts
    archive = ArchiveProjection(parts.custodies, parts.policies, parts.book, lambda: None)
    return (
        ("archive", archive, facts("c9")),
        ("assignment", AssignmentProjection(parts.setups), person("wong")),
    )


async def test_a_slow_rebuild_takes_no_step_once_another_has_begun(
    store_settings: StoreSettings,
) -> None:
    async with hands(store_settings) as world:
        p = world.lease.partition
        for source, projection, item in told_to(world):
            slow = await begin_rebuild(world.store, p, source)
            await begin_rebuild(world.store, p, source)
            with pytest.raises(StaleStep):
                await projection.load(p, slow.generation, item)


class _Failing:
    """Lets each step of a rebuild fail at each of its reads before it is taken."""

    def __init__(self, run: Any) -> None:
        self._run = run
        self.tried: dict[str, int] = {}

    async def run(self, store: Store, script: Script, partition: Partition, **given: Any) -> Reply:
        name = script.name.rpartition(".")[2]
        if not name.startswith("load_") or name in self.tried:
            reply: Reply = await self._run(store, script, partition, **given)
            return reply
        before = await contents(store)
        self.tried[name] = 0
        while True:
            try:
                at_read = failing_at(script, self.tried[name] + 1)
                reply = await self._run(store, at_read, partition, **given)
            except ScriptFailed:
                assert await contents(store) == before
                self.tried[name] += 1
            else:
                return reply


async def test_a_step_of_a_rebuild_that_fails_at_a_read_leaves_nothing_behind(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = _Failing(Store.run)

    async def run(store: Store, script: Script, p: Partition, **given: Any) -> Reply:
        return await failing.run(store, script, p, **given)

    async with hands(store_settings) as world:
        await world.pool("east")
        monkeypatch.setattr(Store, "run", run)
        p = world.lease.partition
        for source, projection, item in told_to(world):
            rebuild = await begin_rebuild(world.store, p, source)
            await projection.load(p, rebuild.generation, item)
        assert set(failing.tried) == {"load_archive", "load_staff"}
        assert all(reads > 2 for reads in failing.tried.values())
        assert (await world.custody("c9")).state is State.IN_POOL
        assert "wong" in (await world.parts.setups.current(TENANT)).reps
