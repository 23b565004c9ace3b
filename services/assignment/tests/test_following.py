"""Following pool: the same order of events leads to the same choices, and a gap is rebuilt."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from gonghai.pool.v1 import events_pb2 as pool_events
from gonghai_chassis.testing import eventually

from .peers import Fault, serving_peers
from .staffing import PARENT, serving_all, serving_assignment
from .test_assigning import at_rest

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings

    from .staffing import Assignment

CUSTOMERS = [f"c{number:02}" for number in range(30)]


async def staffed(assignment: Assignment) -> None:
    await assignment.region("east")
    for number in range(5):
        await assignment.rep(
            f"r{number}", capacity=5 + number, performance=100 * number, regions=["east"]
        )


async def course(settings: StoreSettings, seed: int) -> dict[str, str]:
    """Who got whom, when answers and news of the assignments come at other times each time."""
    chance = Random(seed)
    async with serving_all(settings) as assignment:
        await staffed(assignment)
        peers = assignment.peers
        peers.pool.quiet = seed > 0
        peers.pool.faults = [
            Fault(lost=chance.random() < 0.3, unreachable=chance.random() < 0.3)
            for _ in range(20 * (seed > 0))
        ]
        for customer in CUSTOMERS:
            peers.archive.tell(customer, region="east" if customer[-1] in "02468" else "")
            peers.pool.admit(customer, weight_milli=1000)
            if chance.random() < 0.3:
                await assignment.get("r0")
            if chance.random() < 0.3:
                peers.pool.tell_held()
        await eventually(lambda: all(peers.pool.holder(customer) for customer in CUSTOMERS))
        peers.pool.tell_held()
        await at_rest(assignment)
        return {customer: peers.pool.holder(customer) for customer in CUSTOMERS}


@pytest.mark.requirement("C3")
async def test_the_same_events_lead_to_the_same_choices_whenever_they_are_confirmed(
    store_settings: StoreSettings,
) -> None:
    from gonghai_chassis.testing.plugin import flush  # noqa: PLC0415 - a fresh store a course

    courses = []
    for seed in range(4):
        flush(store_settings.url)
        courses.append(await course(store_settings, seed))
    assert courses[1:] == courses[:1] * 3


async def test_a_service_that_is_stopped_in_the_middle_chooses_the_same(
    store_settings: StoreSettings,
) -> None:
    from gonghai_chassis.testing.plugin import flush  # noqa: PLC0415

    expected = await course(store_settings, 0)
    flush(store_settings.url)
    async with serving_peers() as peers:
        async with serving_assignment(store_settings, peers) as assignment:
            await staffed(assignment)
        for customer in CUSTOMERS:
            peers.archive.tell(customer, region="east" if customer[-1] in "02468" else "")
            peers.pool.admit(customer, weight_milli=1000)
        for stop_after in (3, 11, 20):
            async with serving_assignment(store_settings, peers):
                await eventually(lambda: len(peers.pool.answered) >= stop_after)  # noqa: B023
        async with serving_assignment(store_settings, peers) as assignment:
            await eventually(lambda: all(peers.pool.holder(one) for one in CUSTOMERS))
            await at_rest(assignment)
        assert {one: peers.pool.holder(one) for one in CUSTOMERS} == expected


async def test_a_gap_in_pools_stream_is_rebuilt_from_a_snapshot(
    store_settings: StoreSettings,
) -> None:
    async with serving_peers() as peers:
        async with serving_assignment(store_settings, peers) as assignment:
            await assignment.rep("li", capacity=2)
            peers.admit("c1")
            await eventually(lambda: peers.pool.holder("c1") == "li")
            await at_rest(assignment)
        # While nobody listens c1 goes to somebody else, c2 and c3 enter, and the stream is trimmed.
        peers.pool.hold("c1", "wu")
        for customer in ("c2", "c3", "c4"):
            peers.admit(customer)
        snapshot = []
        for custody in peers.pool.custodies.values():
            event = pool_events.Event(
                tenant=PARENT, subject=custody.customer.rpartition("/")[2], version=custody.version
            )
            event.custody_changed.custody.CopyFrom(custody)
            snapshot.append(event)
        peers.pool.stream.forget(snapshot)
        async with serving_assignment(store_settings, peers) as assignment:

            async def two_of_three() -> bool:
                li = await assignment.get("li")
                return (li.load_milli, li.holdings) == (2000, 2)

            await eventually(two_of_three)
            await at_rest(assignment)
            held = [peers.pool.holder(one) for one in ("c2", "c3", "c4")]
            assert sorted(held) == ["", "li", "li"]
