"""A stream that was lost, a lease that was lost: nothing is done twice, and nothing is missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gonghai.pool.v1 import custody_pb2
from gonghai_chassis.instants import instant_of
from gonghai_chassis.leases import Leases
from gonghai_chassis.store.failures import LeaseLost
from gonghai_chassis.testing.eventually import eventually
from gonghai_engine.clocks import Custody as EngineCustody
from gonghai_engine.clocks import schedule
from gonghai_engine.outcomes import Clock, ClockUnit, ReclaimPlan
from gonghai_plugin.texts import Text
from gonghai_pool.alterations import AFTER
from gonghai_pool.consistency import audit
from gonghai_pool.custody import State
from gonghai_pool.policies import _of_day
from gonghai_pool.store import keys

from .hands import hands
from .sea import HOUR, START, at, rep_name, sea
from .sea_plugin import sea_engine

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings


async def test_a_consumer_that_fell_behind_rebuilds_and_misses_no_activity(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.customer("c1")
        await world.claim("c1")
        await world.pass_days(5)
        world.archive.away = True
        world.archive._wake()
        world.tell_customer("c1", tier="A", tier_rank=90)
        world.tell_activity("c1", rep=rep_name("wang"))
        world.tell_customer("c2")
        world.archive.forgotten = True
        world.archive.away = False

        async def rebuilt() -> bool:
            return (await world.custody("c1")).tier == "A"

        await eventually(rebuilt, within=20)
        world.archive.forgotten = False
        world.archive._wake()
        await world.taken_in()
        custody = await world.custody("c1")
        assert custody.holder.rep == rep_name("wang")
        assert instant_of(custody.due_time) == at(2060, 3, 19)
        assert (await world.custody("c2")).state == custody_pb2.CUSTODY_STATE_IN_POOL
        assert await audit(world.parts.store) == []


async def test_a_sweeper_that_lost_its_lease_changes_nothing(
    store_settings: StoreSettings,
) -> None:
    async with hands(store_settings) as world:
        await world.team("sales")
        await world.rep("wang")
        await world.pool("east")
        await world.customer("c1")
        await world.sweep()
        await world.claim("c1", "wang")
        await world.at(at(2060, 3, 11) + HOUR)
        due = await world.due(keys.CLOCK)
        assert len(due) == 1

        await world.leases.release([world.lease])
        other = Leases(world.store, ttl=600.0)
        await other.acquire(other.share)

        with pytest.raises(LeaseLost):
            await world.clocks.handle(due, world.now)
        assert (await world.custody("c1")).version == 2
        assert await audit(world.store) == []


async def test_a_reclaim_waits_for_the_watermark_inside_its_step(
    store_settings: StoreSettings,
) -> None:
    """Even where the sweeper believed that the archive was heard out."""
    async with hands(store_settings) as world:
        await world.team("sales")
        await world.rep("wang")
        await world.pool("east")
        await world.customer("c1")
        await world.sweep()
        await world.claim("c1", "wang")
        await world.pass_to(at(2060, 3, 13))
        await world.at(at(2060, 3, 14) + AFTER, promise=False)
        (due,) = await world.due(keys.CLOCK)
        await world.clocks.work("acme", ["c1"])
        assert (await world.custody("c1")).state is State.HELD
        await world.promise(due.at - AFTER)
        await world.clocks.work("acme", ["c1"])
        assert (await world.custody("c1")).state is State.HELD
        await world.promise(due.at)
        await world.clocks.work("acme", ["c1"])
        assert (await world.custody("c1")).state is State.IN_POOL


@pytest.mark.parametrize("unit", list(ClockUnit))
@pytest.mark.parametrize("length", [1, 5, 30])
def test_the_schedule_that_a_days_claims_share_is_the_one_that_each_would_get(
    unit: ClockUnit, length: int
) -> None:
    calendar = sea_engine().tenant("acme").calendar
    plan = ReclaimPlan((Clock("c", length, Text("x", "x"), unit, resets_on=("follow_up",)),))
    shared = _of_day(plan, calendar, calendar.local_day(START))
    if unit is ClockUnit.HOURS:
        assert shared is None
        return
    assert shared is not None
    for since in (START, START - 10 * HOUR, START + 14 * HOUR - 1):
        own = schedule(plan, EngineCustody(since=since), calendar)
        assert (own.at, own.due_at, own.warn_at, own.reclaim_at, own.next_action) == (
            shared.at,
            shared.due_at,
            shared.warn_at,
            shared.reclaim_at,
            shared.next_action,
        )
        assert [clock.started_at for clock in own.clocks] == [since]
