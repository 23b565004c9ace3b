"""What enters a pool is assigned by itself: to whom, how fast, and what when nobody is there."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.dayofweek_pb2 import MONDAY, TUESDAY, WEDNESDAY

from gonghai.archive.v1 import events_pb2 as archive_events
from gonghai.assignment.v1 import assignment_service_pb2 as pb
from gonghai.assignment.v1 import rep_pb2
from gonghai.dev.v1 import clock_pb2
from gonghai.policy.v1 import policy_service_pb2
from gonghai.pool.v1 import custody_pb2
from gonghai.type.v1 import watch_pb2
from gonghai_chassis.instants import instant_of, timestamp
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.refusals import refused

from .peers import TENANT
from .staffing import PARENT, serving_all

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings

    from .staffing import Assignment

DAY = 86_400_000_000
TIGHT = """
version: 1
default: {plugin: standard}
"""


async def settled(assignment: Assignment, customer: str) -> str:
    """Wait until a customer has a holder, and say who."""
    pool = assignment.peers.pool
    return await eventually(lambda: pool.holder(customer))


async def parked(assignment: Assignment, customer: str) -> pb.ExplainAssignmentResponse:
    """Wait until a customer is parked."""

    async def explained() -> pb.ExplainAssignmentResponse | None:
        try:
            answer = await assignment.explain(customer)
        except Exception as error:
            raise AssertionError from error
        return answer if answer.parked else None

    answer = await eventually(explained)
    assert answer is not None
    return answer


async def routed_events(assignment: Assignment, count: int) -> list[tuple[str, bool]]:
    """The first events that tell of routings, as (rep, parked)."""
    told: list[tuple[str, bool]] = []
    request = pb.WatchRequest(scope=watch_pb2.WatchScope(tenant=PARENT), kinds=["customer_routed"])
    responses = assignment.stub.Watch(request)
    async for response in responses:
        for event in response.events:
            routed = event.customer_routed
            told.append((routed.rep.rpartition("/")[2], routed.parked))
        if len(told) >= count:
            break
    responses.cancel()
    return told


@pytest.mark.requirement("C9")
async def test_a_customer_that_enters_a_pool_is_assigned_within_a_second(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li")
        assignment.peers.admit("warm-up")
        assert await settled(assignment, "warm-up") == "li"
        began = monotonic()
        assignment.peers.admit("c1")
        assert await settled(assignment, "c1") == "li"
        assert monotonic() - began < 1


@pytest.mark.requirement("C9")
async def test_what_the_policy_does_not_assign_stays_in_the_pool(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li")
        assignment.peers.archive.tell("plain", tier="c", rank=10)
        assignment.peers.pool.admit("plain")
        assignment.peers.admit("key")
        assert await settled(assignment, "key") == "li"
        assert assignment.peers.pool.holder("plain") == ""
        assert len(assignment.peers.pool.calls) == 1


@pytest.mark.requirement("C9")
async def test_routing_waits_for_the_facts_that_pool_saw(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li")
        peers = assignment.peers
        peers.archive.tell("c1", tier="c", rank=10)
        peers.pool.admit("c1", archive_version=2)
        peers.pool.admit("c2")
        peers.archive.tell("c2")
        assert peers.pool.calls == []
        # By its second version it is one for a rep at once.
        peers.archive.tell("c1", version=2)
        assert await settled(assignment, "c1") == "li"
        assert await settled(assignment, "c2") == "li"
        assert [call.customer[-2:] for call in peers.pool.calls] == ["c1", "c2"]


async def test_a_call_names_the_term_the_rule_and_why(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li")
        assignment.peers.admit("c1")
        await settled(assignment, "c1")
        call = assignment.peers.pool.calls[0]
        assert (call.custody_term, call.rule) == (1, "key")
        assert call.reason.startswith("li is first of 1 eligible reps (of 1) by best match")
        assert call.reason_zh.startswith("li 在 1 名合格销售（共 1 名）中按“最佳匹配”居首")
        assert call.request_id


@pytest.mark.requirement("C7")
async def test_peer_21_nobody_eligible_is_told_and_tried_again(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li", state=rep_pb2.REP_STATE_PAUSED)
        await assignment.rep("wu", seniority=rep_pb2.SENIORITY_JUNIOR)
        assignment.peers.admit("c1")
        answer = await parked(assignment, "c1")
        assert dict(answer.exclusions) == {"state": 1, "seniority": 1}
        assert answer.reason == "nobody is eligible (seniority: 1, state: 1)"
        assert answer.rep == ""
        await assignment.change("li", state=rep_pb2.REP_STATE_ACTIVE)
        assert await settled(assignment, "c1") == "li"
        assert await routed_events(assignment, 2) == [("", True), ("li", False)]


@pytest.mark.requirement("C7")
async def test_a_parked_customer_gets_the_room_that_somebody_has_again(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li", capacity=1)
        peers = assignment.peers
        peers.admit("c1")
        assert await settled(assignment, "c1") == "li"
        peers.admit("c2")
        answer = await parked(assignment, "c2")
        assert dict(answer.exclusions) == {"capacity": 1}
        # He loses the first one, and another rep has it from then on.
        peers.pool.hold("c1", "wu")
        assert await settled(assignment, "c2") == "li"


@pytest.mark.requirement("C7")
async def test_a_parked_customer_whose_facts_change_is_tried_again(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("wu", seniority=rep_pb2.SENIORITY_JUNIOR)
        assignment.peers.admit("c1")
        await parked(assignment, "c1")
        # No key customer any more: nobody in particular is to have it.
        assignment.peers.archive.tell("c1", version=2, tier="c", rank=5)
        work = assignment.clock

        async def quiet() -> bool:
            return (await work.GetWork(clock_pb2.GetWorkRequest())).due == 0

        await eventually(quiet)
        await assignment.change("wu", seniority=rep_pb2.SENIORITY_SENIOR)
        await eventually(quiet)
        assert assignment.peers.pool.calls == []


@pytest.mark.requirement("C5", "C7")
async def test_leave_that_ends_lets_parked_customers_go_on(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        clock = assignment.clock
        now = instant_of((await clock.GetClock(clock_pb2.GetClockRequest())).now)
        back = now + 10 * DAY
        await clock.SetClock(clock_pb2.SetClockRequest(now=timestamp(now + DAY), frozen=True))
        leave = rep_pb2.Leave(start_time=timestamp(now), end_time=timestamp(back))
        await assignment.rep("li", leaves=[leave])
        assignment.peers.admit("c1")
        answer = await parked(assignment, "c1")
        assert dict(answer.exclusions) == {"leave": 1}
        work = await clock.GetWork(clock_pb2.GetWorkRequest())
        assert instant_of(work.next_due) == back
        await clock.SetClock(clock_pb2.SetClockRequest(now=timestamp(back - 1), frozen=True))
        assert assignment.peers.pool.calls == []
        await clock.SetClock(clock_pb2.SetClockRequest(now=timestamp(back), frozen=True))
        assert await settled(assignment, "c1") == "li"


@pytest.mark.requirement("C5")
async def test_customers_that_enter_at_night_wait_for_the_morning(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        clock = assignment.clock
        night = Timestamp()
        night.FromJsonString("2030-01-08T03:00:00+08:00")
        morning = Timestamp()
        morning.FromJsonString("2030-01-08T09:00:00+08:00")
        await clock.SetClock(clock_pb2.SetClockRequest(now=night, frozen=True))
        hours = [
            rep_pb2.WorkingHours(day=day, start_minute=540, end_minute=1080)
            for day in (MONDAY, TUESDAY, WEDNESDAY)
        ]
        await assignment.rep("li", working_hours=hours)
        assignment.peers.admit("c1")
        answer = await parked(assignment, "c1")
        assert dict(answer.exclusions) == {"hours": 1}
        await clock.SetClock(clock_pb2.SetClockRequest(now=morning, frozen=True))
        assert await settled(assignment, "c1") == "li"


async def test_a_former_owner_waits_for_the_end_of_the_cool_down(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        clock = assignment.clock
        lost = Timestamp()
        lost.FromJsonString("2030-01-08T12:00:00+08:00")
        await clock.SetClock(clock_pb2.SetClockRequest(now=lost, frozen=True))
        await assignment.rep("li")
        peers = assignment.peers
        peers.pool.limit_cool_down(days=60)
        peers.archive.tell("c1")
        peers.pool.admit("c1", former_owner=f"{PARENT}/reps/li", former_owner_time=lost)
        answer = await parked(assignment, "c1")
        assert dict(answer.exclusions) == {"former-owner": 1}
        # Longer than the plugin's own; the last day ends at the midnight that begins the next.
        over = Timestamp()
        over.FromJsonString("2030-03-10T00:00:00+08:00")
        work = await clock.GetWork(clock_pb2.GetWorkRequest())
        assert work.next_due == over
        await clock.SetClock(clock_pb2.SetClockRequest(now=over, frozen=True))
        assert await settled(assignment, "c1") == "li"


async def test_a_locked_customer_is_left_alone_until_it_is_unlocked(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li")
        peers = assignment.peers
        peers.archive.tell("c1")
        peers.pool.admit("c1", locked=True)
        peers.admit("c2")
        assert await settled(assignment, "c2") == "li"
        assert len(peers.pool.calls) == 1
        peers.pool.change("c1", locked=False, stays=True)
        assert await settled(assignment, "c1") == "li"


async def test_a_refresh_of_the_entry_does_not_route_it_twice(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li")
        await assignment.rep("wu")
        peers = assignment.peers
        peers.pool.quiet = True
        peers.admit("c1")
        await settled(assignment, "c1")
        # Pool's news of the assignment comes late, and a refresh of the entry comes before it.
        held = peers.pool.custodies[f"{PARENT}/customers/c1"]
        stale = type(held)()
        stale.CopyFrom(held)
        assert len(await routed_events(assignment, 1)) == 1
        peers.pool.tell_held()
        rep = peers.pool.holder("c1")

        async def confirmed() -> bool:
            got = await assignment.get(rep)
            return (got.load_milli, got.holdings) == (1000, 1)

        await eventually(confirmed)
        assert len(peers.pool.calls) == 1


@pytest.mark.requirement("C5")
async def test_loads_count_weights_by_tier(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li", capacity=4)
        peers = assignment.peers
        peers.admit("big", weight_milli=3000)
        assert await settled(assignment, "big") == "li"
        peers.admit("small", weight_milli=1000)
        assert await settled(assignment, "small") == "li"
        peers.admit("more", weight_milli=500)
        assert dict((await parked(assignment, "more")).exclusions) == {"capacity": 1}
        li = await assignment.get("li")
        assert (li.load_milli, li.holdings) == (4000, 2)


@pytest.mark.requirement("C5")
async def test_peer_20_a_small_capacity_gets_its_share_and_nobody_shares_a_customer(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("big", capacity=11)
        await assignment.rep("tiny", capacity=1)
        peers = assignment.peers
        customers = [f"c{number}" for number in range(12)]
        for customer in customers:
            peers.admit(customer)
        holders = [await settled(assignment, customer) for customer in customers]
        assert holders.count("tiny") == 1
        assert len(peers.pool.calls) == len(customers)


@pytest.mark.requirement("C3")
async def test_peer_19_simultaneous_customers_go_to_different_reps(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        for ident in ("a", "b", "c", "d"):
            await assignment.rep(ident, capacity=20)
        peers = assignment.peers
        # Pool is slow to tell of what it did: what is on its way must count.
        peers.pool.quiet = True
        customers = [f"c{number}" for number in range(12)]
        for customer in customers:
            peers.admit(customer)
        holders = [await settled(assignment, customer) for customer in customers]
        assert sorted(holders) == sorted(3 * ["a", "b", "c", "d"])
        first_round = [call.holder.rep[-1] for call in peers.pool.calls]
        assert set(first_round[:4]) == {"a", "b", "c", "d"}


async def test_a_policy_that_changes_tries_parked_customers_again(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li", state=rep_pb2.REP_STATE_PAUSED)
        peers = assignment.peers
        peers.admit("c1")
        await parked(assignment, "c1")
        revision = policy_service_pb2.PolicyRevision(
            name=f"{PARENT}/policyRevisions/1",
            revision=1,
            document="version: 1\ndefault: {plugin: standard}\n",
            digest="d",
        )
        peers.archive.stream.append(
            archive_events.Event(policy_applied=revision), TENANT, TENANT, 1
        )

        async def decided_anew() -> bool:
            return (await assignment.explain("c1")).needs.revision == 1

        await eventually(decided_anew)


@pytest.mark.requirement("C8")
async def test_every_choice_can_be_explained_afterwards(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.region("east")
        await assignment.rep("best", performance=900, regions=["east"])
        await assignment.rep("good", performance=700, regions=["east"])
        await assignment.rep("away", leaves=[rep_pb2.Leave(start_time=Timestamp(seconds=1))])
        await assignment.rep("junior", seniority=rep_pb2.SENIORITY_JUNIOR)
        peers = assignment.peers
        peers.archive.tell("c1", region="east")
        peers.pool.admit("c1")
        assert await settled(assignment, "c1") == "best"
        answer = await assignment.explain("c1", "junior")
        assert answer.rep.endswith("/best")
        assert not answer.parked
        assert [each.rep.rpartition("/")[2] for each in answer.candidates] == [
            "best",
            "good",
            "junior",
        ]
        best = answer.candidates[0]
        assert best.score_micro > answer.candidates[1].score_micro
        terms = {term.term: term for term in best.terms}
        assert terms["region"].value_micro == 1_000_000
        assert sum(term.weight_milli for term in best.terms) == pytest.approx(1000, abs=7)
        points = sum(term.value_micro * term.weight_milli for term in best.terms) // 1000
        assert points == pytest.approx(best.score_micro, abs=10_000)
        assert list(answer.candidates[2].exclusions) == ["seniority"]
        assert dict(answer.exclusions) == {"leave": 1, "seniority": 1}
        assert (answer.needs.policy, answer.needs.rule) == ("matching", "key")
        assert answer.custody_term == 1
        assert answer.decide_time.seconds > 0


@pytest.mark.requirement("C8")
@pytest.mark.parametrize(
    ("principal", "asked", "sees"),
    [
        ("rep:best@acme", "best", True),
        ("rep:good@acme", "good", False),
        ("manager:boss@acme", "", True),
        ("manager:other@acme", "", False),
        ("reader:auditor@acme", "", False),
    ],
)
async def test_whom_a_customer_went_to_shows_only_to_who_may_know_whose_he_is(
    store_settings: StoreSettings, principal: str, asked: str, *, sees: bool
) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("boss", seniority=rep_pb2.SENIORITY_JUNIOR)
        await assignment.rep("other", seniority=rep_pb2.SENIORITY_JUNIOR)
        await assignment.team("east", "boss")
        await assignment.rep("best", performance=900, team=f"{PARENT}/teams/east")
        await assignment.rep("good", performance=700)
        assignment.peers.admit("c1")
        assert await settled(assignment, "c1") == "best"
        answer = await assignment.as_(principal).ExplainAssignment(
            pb.ExplainAssignmentRequest(
                customer=f"{PARENT}/customers/c1", rep=f"{PARENT}/reps/{asked}" if asked else ""
            )
        )
    assert (answer.rep == f"{PARENT}/reps/best") is sees
    assert ("best is first" in answer.reason) is sees
    assert bool(answer.needs.facts) is sees
    assert ("best" in str(answer)) is sees
    assert answer.custody_term == 1


@pytest.mark.requirement("C8")
async def test_a_partner_hears_of_what_he_or_his_team_holds_and_of_nothing_else(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.team("east")
        await assignment.rep("dist", performance=900, team=f"{PARENT}/teams/east")
        await assignment.rep("best", performance=700)
        peers = assignment.peers
        peers.admit("c1")
        assert await settled(assignment, "c1") == "dist"
        partner = assignment.as_("partner:dist@acme")

        def question(customer: str) -> pb.ExplainAssignmentRequest:
            name = f"{PARENT}/customers/{customer}"
            return pb.ExplainAssignmentRequest(customer=name, rep=f"{PARENT}/reps/dist")

        async def holds(count: int) -> bool:
            return (await assignment.get("dist")).holdings == count

        async def told() -> bool:
            try:
                return bool((await partner.ExplainAssignment(question("c1"))).rep)
            except grpc.aio.AioRpcError:
                return False

        await eventually(lambda: holds(1))
        answer = await partner.ExplainAssignment(question("c1"))
        assert answer.rep == f"{PARENT}/reps/dist"
        peers.pool.change("c1", holder=custody_pb2.Holder(team=f"{PARENT}/teams/east"))
        await eventually(lambda: holds(0))
        assert await told()
        # Somebody else's, and in a pool of whose members nothing is known here.
        peers.pool.hold("c1", "best")

        async def gone() -> bool:
            return not await told()

        await eventually(gone)
        of_another = await refused(partner.ExplainAssignment(question("c1")))
        of_none = await refused(partner.ExplainAssignment(question("c2")))
        assert (of_another.code, of_another.reason) == (of_none.code, "RESOURCE_NOT_FOUND")
        assert of_another.message == of_none.message.replace("c2", "c1")
        # Somebody else is told as before.
        assert (await assignment.explain("c1")).custody_term == 1
