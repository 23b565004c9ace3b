"""Routing on demand: chosen and assigned in one call, and safe to repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2

from gonghai.assignment.v1 import assignment_service_pb2 as pb
from gonghai.assignment.v1 import rep_pb2
from gonghai_chassis.errors import FieldViolation, InvalidRequest
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.refusals import refused

from .peers import Fault, serving_peers
from .staffing import PARENT, serving_all, serving_assignment
from .test_assigning import at_rest

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings

    from .staffing import Assignment

CUSTOMER = f"{PARENT}/customers/c1"


def request(**fields: object) -> pb.RouteCustomerRequest:
    return pb.RouteCustomerRequest(customer=CUSTOMER, **fields)  # type: ignore[arg-type]


async def in_pool(assignment: Assignment, customer: str = "c1") -> None:
    """A customer whom no rule assigns, in a pool, as far as assignment knows."""
    peers = assignment.peers
    peers.archive.tell(customer, tier="c", rank=10)
    peers.pool.admit(customer)
    name = f"{PARENT}/customers/{customer}"

    async def known() -> bool:
        try:
            await assignment.stub.RouteCustomer(
                pb.RouteCustomerRequest(customer=name, validate_only=True)
            )
        except grpc.aio.AioRpcError as error:
            return error.code() is grpc.StatusCode.FAILED_PRECONDITION
        return True

    await eventually(known)


@pytest.mark.requirement("C3")
async def test_the_best_is_chosen_and_gets_the_customer(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("best", performance=900)
        await assignment.rep("good", performance=100)
        await in_pool(assignment)
        answer = await assignment.stub.RouteCustomer(request())
        assert answer.rep == f"{PARENT}/reps/best"
        assert assignment.peers.pool.holder("c1") == "best"
        assert answer.custody_term == 2
        assert answer.choice.rep == answer.rep
        assert answer.choice.score_micro > 0
        assert answer.reason.startswith("best is first of 2 eligible reps")


async def test_trying_changes_nothing(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li")
        await in_pool(assignment)
        answer = await assignment.stub.RouteCustomer(request(validate_only=True, request_id="r"))
        assert answer.rep == f"{PARENT}/reps/li"
        assert answer.custody_term == 0
        assert assignment.peers.pool.calls == []
        assert (await assignment.get("li")).load_milli == 0


async def test_a_repeated_request_gives_the_same_answer_for_ever(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li")
        await in_pool(assignment)
        first = await assignment.stub.RouteCustomer(request(request_id="once"))
        calls = len(assignment.peers.pool.calls)
        assert await assignment.stub.RouteCustomer(request(request_id="once")) == first
        # Even once it belongs to somebody else.
        assignment.peers.pool.hold("c1", "other")
        assert await assignment.stub.RouteCustomer(request(request_id="once")) == first
        assert len(assignment.peers.pool.calls) == calls
        error = await refused(
            assignment.stub.RouteCustomer(
                pb.RouteCustomerRequest(customer=f"{PARENT}/customers/c2", request_id="once")
            )
        )
        assert error.reason == "REQUEST_ID_REUSED"


async def test_a_caller_who_lost_the_answer_gets_it_by_asking_again(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li")
        await in_pool(assignment)
        pool = assignment.peers.pool
        pool.faults = [Fault(lost=True)] * 10
        error = await refused(assignment.stub.RouteCustomer(request(request_id="once"), timeout=5))
        assert error.code is grpc.StatusCode.UNAVAILABLE
        pool.faults = []
        answer = await assignment.stub.RouteCustomer(request(request_id="once"))
        assert (answer.rep, answer.custody_term) == (f"{PARENT}/reps/li", 2)
        assert len({call.request_id for call in pool.calls}) == 1


async def test_a_call_that_pool_will_never_take_is_told_and_not_made_for_somebody_else(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li")
        await assignment.rep("wu")
        await in_pool(assignment)
        pool = assignment.peers.pool
        refusal = InvalidRequest(FieldViolation("reason", "is too long"))
        pool.faults = [Fault(refusal=refusal)] * 10
        error = await refused(assignment.stub.RouteCustomer(request(request_id="once")))
        assert error.code is grpc.StatusCode.INVALID_ARGUMENT
        assert len({call.request_id for call in pool.calls}) == 1


async def test_a_customer_just_given_away_is_in_no_pool(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li")
        await in_pool(assignment)
        # Pool agrees, and its event does not come yet.
        assignment.peers.pool.quiet = True
        await assignment.stub.RouteCustomer(request(request_id="one"))
        calls = len(assignment.peers.pool.calls)
        error = await refused(assignment.stub.RouteCustomer(request(request_id="two")))
        assert (error.code, error.reason) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "CUSTOMER_NOT_IN_POOL",
        )
        assert len(assignment.peers.pool.calls) == calls


async def test_a_choice_made_on_demand_survives_the_service(
    store_settings: StoreSettings,
) -> None:
    async with serving_peers() as peers:
        async with serving_assignment(store_settings, peers) as first:
            await first.rep("li")
            await in_pool(first)
            peers.pool.faults = [Fault(unreachable=True)] * 1000
            await refused(first.stub.RouteCustomer(request(request_id="once"), timeout=2))
        peers.pool.faults = []
        async with serving_assignment(store_settings, peers) as second:
            await eventually(lambda: peers.pool.holder("c1") == "li")
            await at_rest(second)
            answer = await second.stub.RouteCustomer(request(request_id="once"))
            assert (answer.rep, answer.custody_term) == (f"{PARENT}/reps/li", 2)


@pytest.mark.requirement("C7")
async def test_nobody_eligible_says_what_stands_in_the_way(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li", state=rep_pb2.REP_STATE_LEFT)
        await assignment.rep("wu", state=rep_pb2.REP_STATE_PAUSED)
        await in_pool(assignment)
        error = await refused(assignment.stub.RouteCustomer(request()))
        assert (error.code, error.reason) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "NO_ELIGIBLE_REP",
        )
        assert error.metadata["customer"] == CUSTOMER
        chinese = assignment.stub.RouteCustomer(request(), metadata=(("accept-language", "zh"),))
        told = await refused(chinese)
        assert told.message == "没有合格的销售（不在岗：2）"
        for each, description in ((error, "state: 2 reps"), (told, "不在岗：2 名销售")):
            violations = each.details(error_details_pb2.PreconditionFailure)[0].violations
            assert [violation.description for violation in violations] == [description]


async def test_a_full_rep_is_passed_over(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("best", performance=900)
        await assignment.rep("next", performance=100)
        await in_pool(assignment)
        assignment.peers.pool.full = {"best"}
        answer = await assignment.stub.RouteCustomer(request())
        assert answer.rep == f"{PARENT}/reps/next"
        await at_rest(assignment)
        assert assignment.peers.pool.holder("c1") == "next"


async def test_only_a_customer_in_a_pool_is_routed(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li")
        error = await refused(assignment.stub.RouteCustomer(request()))
        assert error.reason == "RESOURCE_NOT_FOUND"
        await in_pool(assignment)
        assignment.peers.pool.hold("c1", "li")

        async def held() -> bool:
            return (await assignment.get("li")).holdings == 1

        await eventually(held)
        error = await refused(assignment.stub.RouteCustomer(request()))
        assert error.reason == "CUSTOMER_NOT_IN_POOL"


async def test_a_manager_routes_to_the_teams_he_manages(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.team("north", "boss")
        await assignment.rep("boss", team=f"{PARENT}/teams/north", performance=10)
        await assignment.rep("star", performance=1000)
        await in_pool(assignment)
        answer = await assignment.as_("manager:boss@acme").RouteCustomer(request())
        assert answer.rep == f"{PARENT}/reps/boss"
        error = await refused(assignment.as_("rep:star@acme").RouteCustomer(request()))
        assert error.reason == "NOT_ALLOWED"


@pytest.mark.requirement("C8")
async def test_suggestions_show_who_suits_and_what_excluded_the_others(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("best", performance=900)
        await assignment.rep("good", performance=100)
        await assignment.rep("gone", state=rep_pb2.REP_STATE_LEFT)
        await in_pool(assignment)
        answer = await assignment.stub.SuggestReps(
            pb.SuggestRepsRequest(customer=CUSTOMER, include_excluded=True)
        )
        assert [each.rep[-4:] for each in answer.candidates] == ["best", "good"]
        assert [(each.rep[-4:], list(each.exclusions)) for each in answer.excluded] == [
            ("gone", ["state"])
        ]
        assert answer.needs.policy == "matching"
        short = await assignment.stub.SuggestReps(
            pb.SuggestRepsRequest(customer=CUSTOMER, max_results=1)
        )
        assert len(short.candidates) == 1
        assert not short.excluded
        assert answer.needs.facts
        assert assignment.peers.pool.calls == []


async def test_a_reader_is_not_told_who_suits_since_that_tells_who_held_the_customer(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("best", performance=900)
        await assignment.rep("li", performance=900)
        peers = assignment.peers
        peers.archive.tell("c1", tier="c", rank=10)
        long_ago = Timestamp(seconds=1)
        peers.pool.admit("c1", former_owner=f"{PARENT}/reps/li", former_owner_time=long_ago)
        question = pb.SuggestRepsRequest(customer=CUSTOMER)

        async def held_by() -> list[str]:
            answer = await assignment.stub.SuggestReps(question)
            return [
                each.rep[-2:]
                for each in answer.candidates
                for term in each.terms
                if term.term == "former_owner" and term.value_micro
            ]

        assert await eventually(held_by) == ["li"]
        for principal in ("reader:auditor@acme", "rep:best@acme;roles=rep,reader"):
            told = assignment.as_(principal).SuggestReps(question)
            assert (await refused(told)).reason == "NOT_ALLOWED"


@pytest.mark.requirement("C8")
async def test_a_rep_asks_why_not_he_and_sees_himself_alone(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("best", performance=900)
        await assignment.rep("li", state=rep_pb2.REP_STATE_PAUSED)
        await in_pool(assignment)
        await assignment.stub.RouteCustomer(request())
        li = assignment.as_("rep:li@acme")
        question = pb.ExplainAssignmentRequest(customer=CUSTOMER, rep=f"{PARENT}/reps/li")
        answer = await li.ExplainAssignment(question)
        assert [(each.rep[-2:], list(each.exclusions)) for each in answer.candidates] == [
            ("li", ["state"])
        ]
        question.rep = f"{PARENT}/reps/best"
        assert (await refused(li.ExplainAssignment(question))).reason == "NOT_ALLOWED"
        question.rep = ""
        assert (await refused(li.ExplainAssignment(question))).reason == "NOT_ALLOWED"
