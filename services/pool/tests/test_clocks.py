"""Clocks (回收倒计时): warnings, reclaims, and what keeps a customer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gonghai.assignment.v1 import rep_pb2
from gonghai.pool.v1 import custody_pb2
from gonghai.pool.v1 import pool_service_pb2 as pb
from gonghai_chassis.instants import instant_of, timestamp
from gonghai_chassis.testing.eventually import eventually
from gonghai_engine import Policy
from gonghai_pool.alterations import AFTER
from gonghai_pool.consistency import audit

from .moody import Moody
from .sea import DAY, HOUR, MINUTE, PARENT, START, Sea, at, customer_name, pool_name, rep_name, sea
from .sea_plugin import sea_engine

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings

DUE = at(2060, 3, 14)
"""The midnight that ends the tenth day after the 3rd of March."""
WARN = at(2060, 3, 11)

_CHANGES = custody_pb2.CustodyChange


def changes(entries: list[custody_pb2.CustodyHistoryEntry]) -> list[str]:
    """What happened, in short."""
    return [_CHANGES.Name(entry.change).removeprefix("CUSTODY_CHANGE_") for entry in entries]


async def held(world: Sea, customer: str = "c1", rep: str = "wang", **fields: object) -> None:
    """A customer whom a rep has claimed."""
    await world.staffed("wang", "zhao")
    await world.customer(customer, **fields)
    await world.claim(customer, rep)


@pytest.mark.requirement("B6", "B7")
async def test_a_neglected_customer_is_warned_of_then_taken_back(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await held(world)
        custody = await world.custody("c1")
        assert instant_of(custody.due_time) == DUE
        assert instant_of(custody.warn_time) == WARN
        assert instant_of(custody.reclaim_time) == DUE
        assert not custody.warned
        (clock,) = custody.clocks
        assert (clock.length, list(clock.reset_by)) == ("10 calendar days", ["follow_up", "visit"])

        await world.move_to(WARN)
        assert changes(await world.history("c1")) == ["ADMITTED", "CLAIMED"]
        await world.move_to(WARN + AFTER)
        custody = await world.custody("c1")
        assert custody.warned
        assert custody.state == custody_pb2.CUSTODY_STATE_HELD
        assert custody.change == custody_pb2.CUSTODY_CHANGE_CLAIMED
        assert instant_of(custody.reclaim_time) == DUE

        await world.move_to(DUE)
        assert (await world.custody("c1")).state == custody_pb2.CUSTODY_STATE_HELD
        await world.move_to(DUE + AFTER)
        custody = await world.custody("c1")
        assert custody.state == custody_pb2.CUSTODY_STATE_IN_POOL
        assert custody.pool == pool_name("east")
        assert custody.former_owner == rep_name("wang")
        history = await world.history("c1")
        assert changes(history) == ["ADMITTED", "CLAIMED", "WARNED", "RECLAIMED"]
        assert history[-1].clock == "no_follow_up"
        assert history[-1].rule == "otherwise"
        assert history[-1].former_holder.rep == rep_name("wang")
        assert history[-1].actor.principal == "system:pool"
        assert await audit(world.parts.store) == []


async def test_peer_10_a_claim_starts_the_clock_anew(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await held(world)
        await world.move_to(DUE + HOUR)
        claimed = await world.claim("c1", "zhao")
        assert instant_of(claimed.due_time) == at(2060, 3, 25)
        await world.pass_days(9)
        assert (await world.custody("c1")).holder.rep == rep_name("zhao")


async def test_a_follow_up_moves_the_due_time(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await held(world)
        await world.pass_days(5)
        await world.activity("c1", rep=rep_name("wang"))

        custody = await world.custody("c1")
        assert instant_of(custody.due_time) == at(2060, 3, 19)
        assert changes(await world.history("c1"))[-1] == "RESCHEDULED"
        await world.move_to(DUE + DAY)
        assert (await world.custody("c1")).holder.rep == rep_name("wang")


async def test_only_what_qualifies_counts(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await held(world)
        await world.pass_days(5)
        await world.activity("c1", qualities={"outcome": "not_reached"})
        await world.activity("c1", kind="purchase")
        assert instant_of((await world.custody("c1")).due_time) == DUE
        assert changes(await world.history("c1")) == ["ADMITTED", "CLAIMED"]


async def test_an_activity_counts_when_its_qualification_fails(
    store_settings: StoreSettings,
) -> None:
    engine = sea_engine()
    moody = Moody(engine)
    async with sea(store_settings, engine=engine, decider=moody) as world:
        await held(world)
        await world.pass_days(5)
        moody.failing = {Policy.QUALIFICATION}
        await world.activity("c1", qualities={"outcome": "not_reached"})
        assert instant_of((await world.custody("c1")).due_time) == at(2060, 3, 19)


async def test_a_correction_takes_the_place_of_what_it_corrects(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await held(world)
        await world.pass_days(5)
        wrong = world.tell_activity("c1")
        await world.taken_in()
        await world.activity(
            "c1",
            corrects=f"{customer_name('c1')}/activities/{wrong}",
            qualities={"outcome": "not_reached"},
        )
        assert instant_of((await world.custody("c1")).due_time) == DUE


async def test_a_correction_from_before_the_custody_still_takes_away_what_it_corrects(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await held(world)
        await world.pass_days(5)
        wrong = world.tell_activity("c1")
        await world.taken_in()
        assert instant_of((await world.custody("c1")).due_time) == at(2060, 3, 19)
        await world.activity(
            "c1", when=START - DAY, corrects=f"{customer_name('c1')}/activities/{wrong}"
        )
        assert instant_of((await world.custody("c1")).due_time) == DUE


async def test_however_many_calls_reach_nobody_the_follow_up_before_them_counts(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await held(world)
        await world.pass_days(5)
        await world.activity("c1")
        for number in range(120):
            world.tell_activity(
                "c1", when=world.now + (number + 1) * MINUTE, qualities={"outcome": "not_reached"}
            )
        await world.taken_in()
        assert instant_of((await world.custody("c1")).due_time) == at(2060, 3, 19)

        # And of those that count, the latest stays.
        for number in range(120):
            world.tell_activity("c1", when=world.now - (number + 1) * MINUTE)
        await world.taken_in()
        assert instant_of((await world.custody("c1")).due_time) == at(2060, 3, 19)


@pytest.mark.requirement("B7")
async def test_peer_02_a_follow_up_on_the_way_keeps_the_customer(
    store_settings: StoreSettings,
) -> None:
    """Made before the due time, heard of long after: the reclaim has waited for it."""
    async with sea(store_settings) as world:
        await held(world)
        await world.move_to(WARN + HOUR)
        await world.move_to(DUE + 2 * DAY, promise=False)
        assert (await world.custody("c1")).state == custody_pb2.CUSTODY_STATE_HELD
        explained = await world.stub.ExplainCustody(
            pb.ExplainCustodyRequest(customer=customer_name("c1"))
        )
        assert explained.waits_for.startswith("the archive")

        world.tell_activity("c1", when=DUE - HOUR)
        world.archive.promise(world.now)
        await world.quiet()

        custody = await world.custody("c1")
        assert custody.state == custody_pb2.CUSTODY_STATE_HELD
        assert instant_of(custody.due_time) == at(2060, 3, 24)


async def test_an_activity_after_the_due_time_but_seen_before_the_reclaim_keeps_it_too(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await held(world)
        await world.move_to(WARN + HOUR)
        await world.move_to(DUE + HOUR, promise=False)
        world.tell_activity("c1", when=DUE + HOUR)
        world.archive.promise(world.now)
        await world.quiet()
        assert (await world.custody("c1")).state == custody_pb2.CUSTODY_STATE_HELD


async def test_while_the_archive_is_away_nothing_is_taken_back(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await held(world)
        world.archive.away = True
        await world.move_to(DUE + 30 * DAY, promise=False)
        custody = await world.custody("c1")
        assert custody.state == custody_pb2.CUSTODY_STATE_HELD
        assert not custody.warned

        # Back again: the warning goes out late, and the notice is given in full from then on.
        world.archive.away = False
        world.archive.promise(world.now)

        async def warned() -> bool:
            return (await world.custody("c1")).warned

        await eventually(warned, within=20)
        custody = await world.custody("c1")
        assert custody.state == custody_pb2.CUSTODY_STATE_HELD
        assert instant_of(custody.reclaim_time) >= world.now + 3 * DAY
        await world.move_to(instant_of(custody.reclaim_time))
        assert (await world.custody("c1")).state == custody_pb2.CUSTODY_STATE_HELD
        await world.move_to(instant_of(custody.reclaim_time) + AFTER)
        assert (await world.custody("c1")).state == custody_pb2.CUSTODY_STATE_IN_POOL


async def test_a_warning_is_stale_once_an_activity_has_moved_the_due_time(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await held(world)
        await world.move_to(WARN + HOUR)
        assert (await world.custody("c1")).warned
        await world.activity("c1")
        custody = await world.custody("c1")
        assert not custody.warned
        await world.move_to(instant_of(custody.reclaim_time) + AFTER)
        assert changes(await world.history("c1"))[-3:] == ["RESCHEDULED", "WARNED", "RECLAIMED"]


async def test_a_clock_of_hours_runs_to_the_minute(store_settings: StoreSettings) -> None:
    async with sea(store_settings, now=START + 1) as world:
        await held(world, tags=["hourly"])
        custody = await world.custody("c1")
        assert instant_of(custody.due_time) == START + DAY + 60_000_000
        await world.pass_days(2)
        assert (await world.custody("c1")).state == custody_pb2.CUSTODY_STATE_IN_POOL


async def test_a_policy_that_fails_freezes_the_clocks(store_settings: StoreSettings) -> None:
    engine = sea_engine()
    moody = Moody(engine)
    async with sea(store_settings, engine=engine, decider=moody) as world:
        await held(world)
        moody.failing = {Policy.RECLAIM}
        await world.move_to(DUE + 5 * DAY)

        custody = await world.custody("c1")
        assert custody.state == custody_pb2.CUSTODY_STATE_HELD
        assert custody.frozen_because == "the plugin raised"
        assert not custody.HasField("due_time")
        assert "FROZEN_CHANGED" in changes(await world.history("c1"))
        assert await audit(world.parts.store) == []

        moody.failing = set()
        await world.move_to(DUE + 6 * DAY + 2 * AFTER)
        custody = await world.custody("c1")
        assert not custody.frozen_because
        # It is due for long, but nobody was warned.
        assert custody.state == custody_pb2.CUSTODY_STATE_HELD
        await world.pass_days(6)
        assert changes(await world.history("c1"))[-2:] == ["WARNED", "RECLAIMED"]


@pytest.mark.requirement("B6")
async def test_holdings_follow_a_new_policy(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await held(world)
        await world.policy(
            "version: 1\n"
            "default: {plugin: standard, settings: {follow_up_days: 20, grace_days: 2}}\n"
        )
        custody = await world.custody("c1")
        assert instant_of(custody.due_time) == at(2060, 3, 24)
        assert instant_of(custody.reclaim_time) == at(2060, 3, 26)
        assert custody.reclaim_decision.revision == 1
        assert changes(await world.history("c1"))[-1] == "RESCHEDULED"

        await world.policy("version: 1\ndefault: {plugin: standard}\n")
        assert instant_of((await world.custody("c1")).due_time) == DUE
        assert await audit(world.parts.store) == []


async def test_a_due_time_is_counted_in_the_tenants_zone(store_settings: StoreSettings) -> None:
    """Not in the server's (peer 16): at 23:30 in Berlin it is the next day in Shanghai."""
    async with sea(store_settings, now=at(2060, 3, 3, 23, 30, utc=1)) as world:
        await world.policy("version: 1\nzone: Europe/Berlin\ndefault: {plugin: standard}\n")
        await held(world)
        assert instant_of((await world.custody("c1")).due_time) == at(2060, 3, 14, utc=1)


async def test_a_leave_stops_the_clocks(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await held(world)
        leave = rep_pb2.Leave(
            start_time=timestamp(at(2060, 3, 5)), end_time=timestamp(at(2060, 3, 8))
        )
        await world.rep("wang", team=f"{PARENT}/teams/sales", leaves=[leave])
        await world.quiet()
        assert instant_of((await world.custody("c1")).due_time) == at(2060, 3, 17)


async def test_peer_09_a_holding_that_cannot_be_handled_stops_no_other(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await held(world, "c1")
        for customer in ("c2", "c3"):
            await world.customer(customer)
            await world.claim(customer)
        store = world.parts.store
        partition = store.partition("acme")
        key = partition.key("custody", "acme", "c2")
        await store.client(partition).set(key, b"\xc1 no record at all")

        await world.move_to(WARN + HOUR)
        await world.move_to(DUE + HOUR)

        for customer in ("c1", "c3"):
            assert (await world.custody(customer)).state == custody_pb2.CUSTODY_STATE_IN_POOL


async def test_peer_03_an_activity_on_a_related_record_resets_the_clock(
    store_settings: StoreSettings,
) -> None:
    """The archive tells of every activity by its customer, wherever it was recorded."""
    async with sea(store_settings) as world:
        await held(world)
        await world.pass_days(5)
        await world.activity("c1", kind="visit", rep=rep_name("zhao"))
        assert instant_of((await world.custody("c1")).due_time) == at(2060, 3, 19)


async def test_peer_15_each_item_of_a_batch_is_checked(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang")
        await world.pool("west", members=[])
        await world.customer("c1")
        await world.customer("c2", admission_pool=pool_name("west"))
        await world.customer("c3")
        answer = await world.rep_stub("wang").BatchClaimCustomers(
            pb.BatchClaimCustomersRequest(
                parent=PARENT,
                customers=[customer_name(one) for one in ("c1", "c2", "nobody", "c3")],
                request_id="batch",
            )
        )
        assert [result.status.code for result in answer.results] == [0, 9, 5, 0]
        assert answer.results[0].custody.holder.rep == rep_name("wang")
        again = await world.rep_stub("wang").BatchClaimCustomers(
            pb.BatchClaimCustomersRequest(
                parent=PARENT,
                customers=[customer_name(one) for one in ("c1", "c2", "nobody", "c3")],
                request_id="batch",
            )
        )
        assert again == answer
