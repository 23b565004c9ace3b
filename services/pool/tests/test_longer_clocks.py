"""Clocks that activities make longer, each once and up to a maximum (活动延期)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gonghai.pool.v1 import pool_service_pb2 as pb
from gonghai_chassis.instants import instant_of
from gonghai_engine import Engine
from gonghai_plugin.facts import setting
from gonghai_plugin.outcomes import Clock, Extends, Plan
from gonghai_plugin.policies import Reclaim
from gonghai_plugin.rules import all_hits, first_hit, otherwise
from gonghai_plugin.texts import Text
from gonghai_pool.activities import MOST_KEPT, with_activity
from gonghai_pool.alterations import AFTER
from gonghai_pool.consistency import audit
from gonghai_pool.custody import Activity, Change, Custody, State

from .sea import DAY, HOUR, TENANT, customer_name, sea
from .sea_plugin import SEA
from .test_clocks import DUE, WARN, changes, held
from .test_extensions import approve, ask

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings

RECLAIM = Reclaim(
    first_hit(
        otherwise(
            Plan(
                (
                    Clock(
                        "no_order",
                        setting("follow_up_days"),
                        Text("no order for too long", "太久未下单"),
                        resets_on=("purchase",),
                        extended_by=(Extends(("visit", "training"), 2), Extends(("interest",), 1)),
                        extended_at_most=5,
                    ),
                ),
                warn_before_days=setting("warn_days"),
                max_extension_days=setting("extension_days"),
            ),
            Text("by orders", "按订单"),
        )
    ),
    all_hits(otherwise=Text("no stop", "不停表")),
)


def engine() -> Engine:
    others = [one for one in SEA.policies if not isinstance(one, Reclaim)]
    return Engine({"standard": replace(SEA, sdk="1.3", policies=(*others, RECLAIM))})


@pytest.mark.requirement("B6", "B7")
async def test_an_activity_makes_the_clock_longer_and_the_reader_is_told_how_far(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings, engine=engine()) as world:
        await held(world)
        (clock,) = (await world.custody("c1")).clocks
        assert [(list(one.kinds), one.by) for one in clock.extended_by] == [
            (["visit", "training"], "2 calendar days"),
            (["interest"], "1 calendar days"),
        ]
        assert (clock.extended, clock.extended_at_most) == ("", "5 calendar days")

        await world.pass_days(1)
        await world.activity("c1", "visit")
        custody = await world.custody("c1")
        assert instant_of(custody.due_time) == DUE + 2 * DAY
        assert instant_of(custody.warn_time) == WARN + 2 * DAY
        (clock,) = custody.clocks
        assert (clock.length, clock.extended) == ("10 calendar days", "2 calendar days")
        assert instant_of(clock.start_time) == instant_of(custody.since)

        explained = await world.stub.ExplainCustody(
            pb.ExplainCustodyRequest(customer=customer_name("c1"))
        )
        assert list(explained.reset_by) == ["purchase"]
        assert list(explained.extended_by) == ["visit", "training", "interest"]

        await world.move_to(DUE + AFTER)
        assert changes(await world.history("c1"))[-1] == "WARNED"
        await world.move_to(DUE + 2 * DAY + AFTER)
        assert changes(await world.history("c1"))[-1] == "RECLAIMED"
        assert await audit(world.parts.store) == []


@pytest.mark.requirement("B6")
async def test_each_counts_once_up_to_the_maximum_and_an_order_begins_anew(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings, engine=engine()) as world:
        await held(world)
        await world.pass_days(1)
        await world.activity("c1", "visit", ident="one")
        await world.activity("c1", "visit", ident="one")
        assert instant_of((await world.custody("c1")).due_time) == DUE + 2 * DAY
        await world.activity("c1", "training")
        await world.activity("c1", "visit")
        assert instant_of((await world.custody("c1")).due_time) == DUE + 5 * DAY
        await approve(world, (await ask(world, days=3)).name)
        custody = await world.custody("c1")
        assert instant_of(custody.due_time) == DUE + 8 * DAY
        assert custody.clocks[0].extended == "5 calendar days"
        assert custody.clocks[0].extension.ToTimedelta().days == 3

        await world.pass_days(1)
        await world.activity("c1", "purchase")
        custody = await world.custody("c1")
        assert instant_of(custody.due_time) == DUE + 2 * DAY
        assert custody.clocks[0].extended == ""
        await world.activity("c1", "interest", when=world.now + HOUR)
        assert instant_of((await world.custody("c1")).due_time) == DUE + 3 * DAY


@pytest.mark.requirement("B6")
async def test_a_correction_takes_back_what_the_activity_gave(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings, engine=engine()) as world:
        await held(world)
        await world.pass_days(1)
        wrong = world.tell_activity("c1", "visit")
        await world.taken_in()
        assert instant_of((await world.custody("c1")).due_time) == DUE + 2 * DAY
        await world.activity("c1", "interest", corrects=f"{customer_name('c1')}/activities/{wrong}")
        assert instant_of((await world.custody("c1")).due_time) == DUE + DAY
        assert await audit(world.parts.store) == []


@pytest.mark.requirement("B6")
async def test_one_that_comes_after_the_warning_makes_that_void(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings, engine=engine()) as world:
        await held(world)
        await world.move_to(WARN + DAY)
        assert (await world.custody("c1")).warned
        await world.activity("c1", "visit")
        assert not (await world.custody("c1")).warned
        await world.move_to(WARN + 2 * DAY + AFTER)
        assert (await world.custody("c1")).warned


@pytest.mark.requirement("B6")
async def test_of_very_many_those_that_are_kept_suffice_for_the_maximum(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings, engine=engine()) as world:
        await held(world)
        for minute in range(MOST_KEPT + 5):
            world.tell_activity("c1", "interest", when=world.now + minute)
        await world.taken_in()
        custody = (await world.parts.custodies.situation(TENANT, "c1")).custody
        assert custody is not None
        assert len(custody.activities) == MOST_KEPT
        assert instant_of((await world.custody("c1")).due_time) == DUE + 5 * DAY


@pytest.mark.requirement("B6")
def test_many_calls_do_not_push_out_the_few_visits() -> None:
    custody = Custody("c1", 1, State.HELD, 0, Change.CLAIMED)
    for number in range(3):
        custody = with_activity(custody, Activity(f"visit-{number}", "follow_up", number))
    for number in range(3 * MOST_KEPT):
        call = Activity(f"call-{number}", "follow_up", 10 + number, clocks=("no_follow_up",))
        custody = with_activity(custody, call)
    assert len(custody.activities) == MOST_KEPT
    visits = [one.id for one in custody.activities if one.clocks is None]
    assert visits == ["visit-0", "visit-1", "visit-2"]
    assert custody.activities[-1].id == f"call-{3 * MOST_KEPT - 1}"
    assert custody.follow_ups == 3 + 3 * MOST_KEPT
