"""Calls to pool that get no answer, or none that says anything: made once, and in nobody's way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gonghai_assignment import calls
from gonghai_chassis.errors import FieldViolation, InvalidRequest, Reason, Refusal
from gonghai_chassis.testing import eventually

from .peers import Fault, serving_peers
from .staffing import PARENT, serving_all, serving_assignment
from .test_assigning import at_rest
from .test_routing import settled

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings

    from .staffing import Assignment

CUSTOMER = f"{PARENT}/customers/c1"


def measured(assignment: Assignment, name: str) -> float:
    """What Prometheus would read."""
    registry = assignment.served.assembly.metrics.registry
    found = {sample.name: sample.value for one in registry.collect() for sample in one.samples}
    return found[name]


async def test_a_pool_that_says_nothing_is_asked_again_and_does_it_once(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "TIMEOUT", 0.2)
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li")
        pool = assignment.peers.pool
        pool.quiet = True
        pool.faults = [Fault(hangs=True), Fault(hangs=True)]
        assignment.peers.admit("c1")
        await eventually(lambda: len(pool.calls) == 3)
        pool.tell_held()
        await at_rest(assignment)
        assert len(pool.calls) == 3
        assert len({call.request_id for call in pool.calls}) == 1
        assert pool.custodies[CUSTOMER].term == 2


async def test_a_service_that_dies_before_it_heard_the_answer_is_followed_by_one_that_asks_again(
    store_settings: StoreSettings,
) -> None:
    async with serving_peers() as peers:
        peers.pool.quiet = True
        peers.pool.faults = [Fault(hangs=True)]
        async with serving_assignment(store_settings, peers) as first:
            await first.rep("li")
            await first.rep("wu")
            peers.admit("c1")
            # Pool has done it, and the one that asked for it ends without having heard of it.
            await eventually(lambda: CUSTOMER in peers.pool.untold)
        async with serving_assignment(store_settings, peers) as second:
            await eventually(lambda: len(peers.pool.calls) == 2)
            peers.pool.tell_held()
            await settled(second, "c1")
            await at_rest(second)
        assert len({call.request_id for call in peers.pool.calls}) == 1
        assert peers.pool.custodies[CUSTOMER].term == 2


async def test_faults_of_pools_own_hold_up_nobody_else_and_are_seen(
    store_settings: StoreSettings,
) -> None:
    # More than there are places for calls under way.
    bad = [f"bad{number:02d}" for number in range(40)]
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li", capacity=1000)
        pool = assignment.peers.pool
        pool.poisoned = {f"{PARENT}/customers/{one}" for one in bad}
        for one in bad:
            assignment.peers.admit(one)
        await eventually(lambda: {call.customer for call in pool.calls} == pool.poisoned)
        assignment.peers.admit("c1")
        assert await settled(assignment, "c1") == "li"
        await eventually(lambda: measured(assignment, "gonghai_intents") >= len(bad))
        assert measured(assignment, "gonghai_oldest_intent_seconds") > 0
        assert measured(assignment, "gonghai_intent_failures_total") >= len(bad)
        # The pauses between tries grow: some tries each, however long it has been.
        of_one = [call for call in pool.calls if call.customer.endswith("bad00")]
        assert len(of_one) < 12
        pool.poisoned = set()
        for one in bad:
            assert await settled(assignment, one) == "li"
        await at_rest(assignment)
        await eventually(lambda: measured(assignment, "gonghai_intents") == 0)
        assert measured(assignment, "gonghai_oldest_intent_seconds") == 0


@pytest.mark.parametrize(
    "refusal",
    [
        InvalidRequest(FieldViolation("reason", "is too long")),
        Refusal(Reason.REQUEST_ID_REUSED, "it was used for something else"),
    ],
)
async def test_a_call_that_pool_will_never_take_is_made_once(
    store_settings: StoreSettings, refusal: Refusal
) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li")
        await assignment.rep("wu")
        pool = assignment.peers.pool
        pool.faults = [Fault(refusal=refusal)]
        assignment.peers.admit("c1")
        await eventually(lambda: pool.calls)
        await at_rest(assignment)
        assert len(pool.calls) == 1
        assert pool.holder("c1") == ""
        # Another entry into a pool is another matter.
        assignment.peers.admit("c1")
        assert await settled(assignment, "c1") in {"li", "wu"}
