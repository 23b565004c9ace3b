"""Assigning, transferring, releasing and reserving: whatever the way, the same limits count."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from gonghai.pool.v1 import custody_pb2, pool_pb2
from gonghai.pool.v1 import pool_service_pb2 as pb
from gonghai_chassis.instants import instant_of
from gonghai_chassis.testing.refusals import refused
from gonghai_pool.alterations import AFTER
from gonghai_pool.consistency import audit

from .sea import HOUR, MINUTE, PARENT, START, Sea, customer_name, pool_name, rep_name, sea
from .test_clocks import changes

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings

SERVICE = "service:archive@acme;roles=service"
SELF_SOURCED = custody_pb2.RESERVATION_PURPOSE_SELF_SOURCED
OFFER = custody_pb2.RESERVATION_PURPOSE_OFFER


async def reserve(
    world: Sea,
    customer: str,
    rep: str = "wang",
    **fields: Any,  # noqa: ANN401 - fields of the request
) -> custody_pb2.Custody:
    """Reserve as one of our own services does."""
    told = {"purpose": SELF_SOURCED, **fields}
    request = pb.ReserveCustodyRequest(customer=customer_name(customer), rep=rep_name(rep), **told)
    kept: custody_pb2.Custody = await world.as_(SERVICE).ReserveCustody(request)
    return kept


@pytest.mark.requirement("B5")
async def test_a_manager_assigns_what_is_in_his_pool(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.pool("west", managers=[pool_pb2.PoolMember(rep=rep_name("sun"))], members=[])
        await world.customer("c1", admission_pool=pool_name("west"))
        request = pb.AssignCustomerRequest(
            customer=customer_name("c1"),
            holder=custody_pb2.Holder(rep=rep_name("wang")),
            reason="knows them",
            rule="best_match",
        )

        stranger = await refused(world.as_("manager:ma@acme").AssignCustomer(request))
        assert stranger.code is grpc.StatusCode.PERMISSION_DENIED
        rep = await refused(world.rep_stub("wang").AssignCustomer(request))
        assert rep.code is grpc.StatusCode.PERMISSION_DENIED

        assigned = await world.as_("manager:sun@acme").AssignCustomer(request)
        assert assigned.holder.rep == rep_name("wang")
        entry = (await world.history("c1"))[-1]
        assert (entry.reason, entry.rule, entry.actor.principal) == (
            "knows them",
            "best_match",
            "manager:sun",
        )
        assert await audit(world.parts.store) == []


async def test_an_assignment_names_the_term_that_it_saw(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        seen = (await world.customer("c1")).term
        await world.claim("c1")
        await world.release("c1")

        late = await refused(world.assign("c1", custody_term=seen))
        assert (late.code, late.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
        now = (await world.custody("c1")).term
        assert now == seen + 2
        # A tier that changes meanwhile is a newer version of the record, and the same term.
        await world.customer("c1", tier="A", tier_rank=90)
        assert (await world.assign("c1", custody_term=now)).term == now + 1


async def test_teams_and_self_service_hold_customers_too(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        for customer, holder in (
            ("c1", custody_pb2.Holder(team=f"{PARENT}/teams/sales")),
            ("c2", custody_pb2.Holder(self_service="shop")),
        ):
            await world.customer(customer)
            request = pb.AssignCustomerRequest(customer=customer_name(customer), holder=holder)
            assert (await world.stub.AssignCustomer(request)).holder == holder
        nobody = custody_pb2.Holder(team=f"{PARENT}/teams/nowhere")
        await world.customer("c3")
        request = pb.AssignCustomerRequest(customer=customer_name("c3"), holder=nobody)
        assert (await refused(world.stub.AssignCustomer(request))).code is (
            grpc.StatusCode.NOT_FOUND
        )
        assert await audit(world.parts.store) == []


@pytest.mark.requirement("B5")
async def test_a_transfer_goes_from_owner_to_owner(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang", "zhao", "qian")
        await world.customer("c1")
        await world.claim("c1", "wang")
        await world.pass_days(2)

        transferred = await world.transfer("c1", "zhao")

        assert transferred.holder.rep == rep_name("zhao")
        assert transferred.former_owner == rep_name("wang")
        assert instant_of(transferred.since) == world.now
        assert (await world.quota("wang")).holdings == 0
        assert (await world.quota("zhao")).holdings == 1
        again = await refused(world.transfer("c1", "zhao"))
        assert again.reason == "WRONG_STATE"
        request = pb.TransferCustomerRequest(
            customer=customer_name("c1"), rep=rep_name("qian"), reason="mine now"
        )
        stranger = await refused(world.rep_stub("wang").TransferCustomer(request))
        assert stranger.code is grpc.StatusCode.PERMISSION_DENIED
        assert (await world.as_("manager:li@acme").TransferCustomer(request)).version == 4
        assert await audit(world.parts.store) == []


async def test_peer_18_a_transfer_starts_its_clocks_and_stands_in_the_history(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.customer("c1")
        await world.assign("c1", "wang")
        await world.pass_days(5)
        transferred = await world.transfer("c1", "zhao")
        assert instant_of(transferred.clocks[0].start_time) == world.now
        entries = await world.history("c1")
        assert changes(entries) == ["ADMITTED", "ASSIGNED", "TRANSFERRED"]
        assert entries[-1].former_holder.rep == rep_name("wang")
        assert entries[-1].reason == "new area"
        await world.move_to(instant_of(transferred.reclaim_time) + AFTER)
        assert (await world.custody("c1")).state == custody_pb2.CUSTODY_STATE_IN_POOL


async def test_a_rep_releases_his_own_and_nobody_elses(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.customer("c1")
        in_pool = await refused(
            world.stub.ReleaseCustomer(
                pb.ReleaseCustomerRequest(customer=customer_name("c1"), reason="x")
            )
        )
        assert in_pool.reason == "CUSTOMER_NOT_HELD"
        await world.claim("c1", "wang")
        stranger = await refused(world.release("c1", "zhao"))
        assert stranger.code is grpc.StatusCode.PERMISSION_DENIED

        released = await world.release("c1", "wang")

        assert released.state == custody_pb2.CUSTODY_STATE_IN_POOL
        assert (await world.history("c1"))[-1].reason == "no interest"
        missing = await world.claim("c1", "zhao")
        assert missing.version == 4
        nowhere = await refused(world.release("c1", "zhao", pool=pool_name("nowhere")))
        assert nowhere.code is grpc.StatusCode.NOT_FOUND


@pytest.mark.requirement("B3")
async def test_peer_11_the_holding_limit_counts_on_every_way(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang", "zhao")
        await world.limits(holding_limit=1)
        for customer in ("c1", "c2", "c3"):
            await world.customer(customer)
        await world.claim("c1", "wang")
        await world.claim("c2", "zhao")

        for way in (
            world.claim("c3", "wang"),
            world.assign("c3", "wang"),
            world.transfer("c2", "wang"),
            reserve(world, "new", "wang"),
            reserve(world, "c3", "wang", purpose=OFFER),
        ):
            error = await refused(way)
            assert (error.code, error.reason) == (
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                "HOLDING_LIMIT",
            )
            assert error.metadata["rep"] == rep_name("wang")
        await world.release("c1", "wang")
        assert (await world.transfer("c2", "wang")).holder.rep == rep_name("wang")
        assert await audit(world.parts.store) == []


async def test_a_reps_own_limit_goes_before_his_teams_and_that_before_the_tenants(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang", "zhao")
        await world.rep("qian")
        await world.limits(
            holding_limit=1,
            holding_limits=[
                pool_pb2.HoldingLimit(
                    member=pool_pb2.PoolMember(rep=rep_name("wang")), holding_limit=3
                ),
                pool_pb2.HoldingLimit(
                    member=pool_pb2.PoolMember(team=f"{PARENT}/teams/sales"), holding_limit=2
                ),
            ],
        )
        for rep, limit in (("wang", 3), ("zhao", 2), ("qian", 1)):
            assert (await world.quota(rep)).holding_limit == limit


async def test_peer_07_claims_at_once_do_not_pass_the_limit(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang")
        await world.limits(holding_limit=5, claim_limits=pool_pb2.ClaimLimits(per_day=7))
        customers = [f"c{number}" for number in range(40)]
        for customer in customers:
            world.tell_customer(customer)
        await world.quiet()

        answers = await asyncio.gather(
            *(world.claim(customer) for customer in customers), return_exceptions=True
        )

        assert sum(isinstance(answer, custody_pb2.Custody) for answer in answers) == 5
        quota = await world.quota()
        assert (quota.holdings, quota.claimed_today) == (5, 5)
        assert await audit(world.parts.store) == []


async def test_weights_are_counted_as_they_were_and_follow_the_limits(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang")
        await world.limits(tier_weights_milli={"A": 3000})
        await world.customer("c1", tier="A", tier_rank=90)
        await world.customer("c2", tags=["heavy"])
        await world.customer("c3")
        for customer in ("c1", "c2", "c3"):
            await world.claim(customer)
        assert (await world.quota()).weight_milli == 3000 + 2500 + 1000

        await world.limits(tier_weights_milli={"A": 500, "B": 100})
        assert (await world.quota()).weight_milli == 500 + 2500 + 1000
        assert changes(await world.history("c1"))[-1] == "RESCHEDULED"
        await world.customer("c1", tier="B", tier_rank=20)
        assert (await world.custody("c1")).weight_milli == 100
        await world.release("c1")
        assert (await world.quota()).weight_milli == 2500 + 1000
        assert await audit(world.parts.store) == []


async def test_a_customer_who_dealt_counts_nothing(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang")
        await world.limits(holding_limit=1, deals_exempt=True)
        await world.customer("c1")
        await world.customer("c2")
        await world.claim("c1")
        assert (await refused(world.claim("c2"))).reason == "HOLDING_LIMIT"
        await world.activity("c1", kind="opportunity", qualities={"state": "won"})
        quota = await world.quota()
        assert (quota.holdings, quota.weight_milli) == (1, 0)
        assert (await world.claim("c2")).weight_milli == 1000
        assert await audit(world.parts.store) == []


async def test_peer_04_a_customer_with_a_deal_comes_out_of_the_pool_again(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.customer("c1")
        await world.claim("c1", "wang")
        await world.activity("c1", kind="opportunity", qualities={"state": "won"})
        await world.release("c1", "wang")

        assert (await world.claim("c1", "zhao")).weight_milli == 1000
        await world.release("c1", "zhao")
        assert (await world.assign("c1", "wang")).holder.rep == rep_name("wang")


async def test_peer_05_a_collaborator_claims_the_customer_he_works_on(
    store_settings: StoreSettings,
) -> None:
    """Whoever worked on it before stands in no list that keeps him from claiming it."""
    async with sea(store_settings) as world:
        await world.staffed()
        await world.customer("c1")
        await world.claim("c1", "wang")
        await world.activity("c1", kind="visit", rep=rep_name("zhao"))
        await world.release("c1", "wang")
        assert (await world.claim("c1", "zhao")).holder.rep == rep_name("zhao")


@pytest.mark.requirement("B4")
async def test_a_repeated_request_gets_the_same_answer_and_changes_nothing(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.customer("c1")
        answers = await asyncio.gather(
            *(world.claim("c1", "wang", request_id="one") for _ in range(3))
        )
        assert answers[0] == answers[1] == answers[2]
        released = await world.release("c1", "wang", request_id="two")
        # Long overtaken, it is answered as it was.
        assert await world.claim("c1", "wang", request_id="one") == answers[0]
        assert await world.release("c1", "wang", request_id="two") == released
        assert (await world.custody("c1")).version == 3

        other = await refused(world.claim("c1", "wang", request_id="two"))
        assert other.reason == "REQUEST_ID_REUSED"
        assert other.metadata["request_id"] == "two"
        assert await audit(world.parts.store) == []


async def test_a_refused_request_is_decided_anew(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.customer("c1")
        await world.claim("c1", "zhao")
        assert (await refused(world.claim("c1", "wang", request_id="one"))).reason == (
            "CUSTOMER_NOT_IN_POOL"
        )
        await world.release("c1", "zhao")
        assert (await world.claim("c1", "wang", request_id="one")).holder.rep == rep_name("wang")


@pytest.mark.requirement("B12")
async def test_a_batch_of_assignments_has_a_result_for_each(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.limits(holding_limit=1)
        for customer in ("c1", "c2", "c3"):
            await world.customer(customer)

        def one(customer: str, rep: str) -> pb.AssignCustomerRequest:
            return pb.AssignCustomerRequest(
                customer=customer_name(customer), holder=custody_pb2.Holder(rep=rep_name(rep))
            )

        request = pb.BatchAssignCustomersRequest(
            parent=PARENT,
            requests=[one("c1", "wang"), one("c2", "wang"), one("c3", "zhao"), one("no", "wang")],
        )
        answer = await world.stub.BatchAssignCustomers(request)
        assert [result.status.code for result in answer.results] == [0, 8, 0, 5]
        assert [result.customer for result in answer.results] == [
            customer_name(one) for one in ("c1", "c2", "c3", "no")
        ]


@pytest.mark.requirement("B2")
async def test_a_place_is_kept_for_a_customer_who_is_being_made(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.limits(holding_limit=1)
        kept = await reserve(world, "c1", request_id="create")
        assert kept.state == custody_pb2.CUSTODY_STATE_RESERVED
        assert kept.reservation.token
        assert instant_of(kept.reservation.expire_time) == START + 10 * MINUTE
        assert not (await world.custody("c1")).reservation.token
        assert (await reserve(world, "c1", request_id="create")).reservation == kept.reservation
        quota = await world.quota()
        assert (quota.holdings, quota.weight_milli) == (0, 1000)

        # The archive has made the customer.
        custody = await world.customer("c1", initial_owner=rep_name("wang"))
        assert custody.state == custody_pb2.CUSTODY_STATE_HELD
        assert custody.holder.rep == rep_name("wang")
        quota = await world.quota()
        assert (quota.holdings, quota.weight_milli) == (1, 1000)
        assert changes(await world.history("c1")) == ["RESERVED", "SELF_SOURCED"]
        assert await audit(world.parts.store) == []


async def test_a_place_that_is_given_up_is_free_again(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        kept = await reserve(world, "c1", request_id="create")
        wrong = pb.CancelReservationRequest(customer=customer_name("c1"), token="guess")
        assert (await refused(world.as_(SERVICE).CancelReservation(wrong))).reason == (
            "RESERVATION_ENDED"
        )
        right = pb.CancelReservationRequest(
            customer=customer_name("c1"), token=kept.reservation.token, request_id="cancel"
        )
        for _ in range(2):
            await world.as_(SERVICE).CancelReservation(right)
        assert (await world.quota()).weight_milli == 0
        custody = await world.custody("c1")
        assert custody.out_cause == custody_pb2.OUT_CAUSE_NEVER_CREATED
        # The same request, after its reservation ended, is decided anew.
        anew = await reserve(world, "c1", request_id="create")
        assert anew.state == custody_pb2.CUSTODY_STATE_RESERVED
        assert anew.reservation.token != kept.reservation.token
        assert await audit(world.parts.store) == []


async def test_a_reservation_ends_once_the_archive_is_heard_out(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await reserve(world, "c1", ttl=Duration(seconds=600))
        await world.move_to(START + HOUR, promise=False)
        assert (await world.custody("c1")).state == custody_pb2.CUSTODY_STATE_RESERVED
        # The customer was made in time, and is heard of late: it is his.
        world.tell_customer("c1", initial_owner=rep_name("wang"))
        world.archive.promise(world.now)
        await world.quiet()
        assert (await world.custody("c1")).holder.rep == rep_name("wang")

        await reserve(world, "c2", ttl=Duration(seconds=600))
        await world.move_to(world.now + HOUR)
        ended = await world.custody("c2")
        assert ended.state == custody_pb2.CUSTODY_STATE_OUT
        assert (await world.quota()).weight_milli == 1000
        # Even then the archive's word is honoured.
        late = await world.customer("c2", initial_owner=rep_name("wang"))
        assert late.holder.rep == rep_name("wang")
        assert await audit(world.parts.store) == []


async def test_an_offer_keeps_a_customer_and_gives_it_back_as_it_was(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        before = await world.customer("c1")
        await world.move_to(START + HOUR)
        kept = await reserve(
            world, "c1", purpose=OFFER, custody_term=before.term, ttl=Duration(seconds=600)
        )
        assert kept.pool == pool_name("east")
        assert (await refused(world.claim("c1", "zhao"))).metadata["state"] == "RESERVED"
        await world.move_to(START + 2 * HOUR)
        after = await world.custody("c1")
        assert after.state == custody_pb2.CUSTODY_STATE_IN_POOL
        assert after.pool_enter_time == before.pool_enter_time
        assert (await world.claim("c1", "zhao")).holder.rep == rep_name("zhao")
        assert await audit(world.parts.store) == []


async def test_only_our_own_services_reserve(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        request = pb.ReserveCustodyRequest(
            customer=customer_name("c1"), rep=rep_name("wang"), purpose=SELF_SOURCED
        )
        for principal in ("rep:wang@acme", "manager:li@acme", "admin:ann@acme"):
            error = await refused(world.as_(principal).ReserveCustody(request))
            assert error.code is grpc.StatusCode.PERMISSION_DENIED
