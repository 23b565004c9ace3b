"""Choices are carried out once, whatever happens to the calls and to this service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gonghai.assignment.v1 import rep_pb2
from gonghai.dev.v1 import clock_pb2
from gonghai_chassis.errors import Reason, Refusal
from gonghai_chassis.testing import eventually

from .peers import Fault, contended, holding_limit, not_active, not_in_pool, serving_peers
from .staffing import PARENT, serving_all, serving_assignment
from .test_routing import parked, settled

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings

    from .staffing import Assignment

CUSTOMER = f"{PARENT}/customers/c1"


async def at_rest(assignment: Assignment) -> None:
    """Wait until no call is owed and nobody waits to be routed."""
    clock = assignment.clock

    async def rests() -> bool:
        work = await clock.GetWork(clock_pb2.GetWorkRequest())
        return work.intents == 0 and work.due == 0

    await eventually(rests)


async def load(assignment: Assignment, rep: str) -> tuple[int, int]:
    got = await assignment.get(rep)
    return got.load_milli, got.holdings


@pytest.mark.requirement("C9")
@pytest.mark.parametrize(
    "faults",
    [
        [Fault(unreachable=True)],
        [Fault(lost=True)],
        [Fault(unreachable=True), Fault(lost=True), Fault(lost=True)],
        [Fault(refusal=Refusal(Reason.DRAINING, "stopping", retry_after=1))],
        [Fault(refusal=contended(CUSTOMER))],
    ],
)
async def test_a_call_without_an_answer_is_made_again_with_the_same_request_id(
    store_settings: StoreSettings, faults: list[Fault]
) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li")
        pool = assignment.peers.pool
        pool.faults = list(faults)
        assignment.peers.admit("c1")
        assert await settled(assignment, "c1") == "li"
        await at_rest(assignment)
        assert len({call.request_id for call in pool.calls}) == 1
        assert pool.custodies[CUSTOMER].term == 2
        await eventually(lambda: _is(assignment, "li", (1000, 1)))


async def _is(assignment: Assignment, rep: str, expected: tuple[int, int]) -> bool:
    return await load(assignment, rep) == expected


async def test_a_full_rep_is_passed_over_for_the_next_best(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("best", performance=900)
        await assignment.rep("next", performance=700)
        pool = assignment.peers.pool
        pool.full = {"best"}
        assignment.peers.admit("c1")
        assert await settled(assignment, "c1") == "next"
        await at_rest(assignment)
        assert [call.holder.rep.rpartition("/")[2] for call in pool.calls] == ["best", "next"]
        assert await load(assignment, "best") == (0, 0)
        answer = await assignment.explain("c1", "best")
        assert dict(answer.exclusions) == {"holding-limit": 1}


@pytest.mark.requirement("C7")
async def test_when_all_are_full_the_customer_is_parked_and_not_asked_for_ever(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li")
        await assignment.rep("wu")
        pool = assignment.peers.pool
        pool.hold("c0", "li")
        pool.full = {"li", "wu"}
        assignment.peers.admit("c1")
        assignment.peers.admit("c2")
        for customer in ("c1", "c2"):
            assert dict((await parked(assignment, customer)).exclusions) == {"holding-limit": 2}
        await at_rest(assignment)
        # Nobody is asked again whom pool found full.
        asked = [(call.customer, call.holder.rep) for call in pool.calls]
        assert len(set(asked)) == len(asked) <= 4
        # Room is made: one of li's goes to somebody else.
        pool.full = {"wu"}
        pool.hold("c0", "other")
        assert await settled(assignment, "c1") == "li"


async def test_a_rep_without_room_for_a_big_customer_is_asked_for_a_small_one(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li")
        pool = assignment.peers.pool
        pool.faults = [Fault(refusal=holding_limit(f"{PARENT}/reps/li"))]
        assignment.peers.admit("big", weight_milli=3000)
        await parked(assignment, "big")
        assignment.peers.admit("small", weight_milli=1000)
        assert await settled(assignment, "small") == "li"
        await at_rest(assignment)
        assert pool.holder("big") == ""


async def test_limits_that_change_let_full_reps_be_asked_again(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li")
        pool = assignment.peers.pool
        pool.full = {"li"}
        assignment.peers.admit("c1")
        await parked(assignment, "c1")
        pool.full = set()
        pool.limit_cool_down(days=1)
        assert await settled(assignment, "c1") == "li"


async def test_a_rep_who_left_in_pools_eyes_is_passed_over(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("best", performance=900)
        await assignment.rep("next", performance=700)
        assignment.peers.pool.faults = [Fault(refusal=not_active(f"{PARENT}/reps/best"))]
        assignment.peers.admit("c1")
        assert await settled(assignment, "c1") == "next"


@pytest.mark.parametrize("refusal", [not_in_pool(CUSTOMER), None])
async def test_what_somebody_else_took_first_is_let_go(
    store_settings: StoreSettings, refusal: Refusal | None
) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li")
        pool = assignment.peers.pool
        # A rep claims it at the same moment; the event of it comes before or after the refusal.
        pool.faults = [Fault(refusal=refusal)] if refusal else [Fault(unreachable=True)] * 3
        assignment.peers.admit("c1")
        await eventually(lambda: pool.calls)
        pool.hold("c1", "quick")
        await at_rest(assignment)
        assert pool.holder("c1") == "quick"
        await eventually(lambda: _is(assignment, "li", (0, 0)))


async def test_an_entry_that_changed_is_decided_anew(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li")
        pool = assignment.peers.pool
        pool.faults = [Fault(unreachable=True)] * 2
        assignment.peers.admit("c1")
        await eventually(lambda: pool.calls)
        pool.admit("c1")  # moved to another pool, say: a new term
        assert await settled(assignment, "c1") == "li"
        await at_rest(assignment)
        # The call for the old term may be made once more, late, and does nothing.
        assert {call.custody_term for call in pool.calls} == {1, 2}
        assert pool.custodies[CUSTOMER].term == 3
        await eventually(lambda: _is(assignment, "li", (1000, 1)))


@pytest.mark.requirement("C9")
async def test_a_choice_survives_the_service_that_made_it(store_settings: StoreSettings) -> None:
    async with serving_peers() as peers:
        peers.pool.faults = [Fault(unreachable=True)] * 1000
        async with serving_assignment(store_settings, peers) as first:
            await first.rep("li")
            await first.rep("wu")
            peers.admit("c1")
            await eventually(lambda: peers.pool.calls)
        chosen = peers.pool.calls[0]
        peers.pool.faults = []
        async with serving_assignment(store_settings, peers) as second:
            assert await settled(second, "c1") == chosen.holder.rep.rpartition("/")[2]
            await at_rest(second)
            assert {call.request_id for call in peers.pool.calls} == {chosen.request_id}


async def test_reps_can_change_while_a_call_is_owed(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li")
        pool = assignment.peers.pool
        pool.faults = [Fault(unreachable=True)] * 2
        assignment.peers.admit("c1")
        await eventually(lambda: pool.calls)
        await assignment.change("li", state=rep_pb2.REP_STATE_PAUSED)
        assert await settled(assignment, "c1") == "li"
