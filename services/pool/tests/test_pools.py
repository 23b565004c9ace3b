"""Pools (公海): set up, filled by admission, listed, and seen by who may see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc import error_details_pb2

from gonghai.pool.v1 import custody_pb2, pool_pb2
from gonghai.pool.v1 import pool_service_pb2 as pb
from gonghai.type.v1 import watch_pb2
from gonghai_chassis.instants import instant_of
from gonghai_chassis.testing.refusals import refused
from gonghai_pool.consistency import audit

from .sea import DAY, HOUR, MINUTE, PARENT, START, customer_name, pool_name, rep_name, sea
from .test_clocks import changes

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings


def team(name: str) -> pool_pb2.PoolMember:
    return pool_pb2.PoolMember(team=f"{PARENT}/teams/{name}")


@pytest.mark.requirement("B1")
async def test_pools_are_made_changed_listed_and_deleted(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        east = await world.pool(
            "east",
            claim_limits=pool_pb2.ClaimLimits(per_day=3),
            hidden_fields=["contacts.phone"],
        )
        assert (east.name, east.claim_limits.per_day) == (pool_name("east"), 3)
        assert (await refused(world.pool("east"))).code is grpc.StatusCode.ALREADY_EXISTS
        await world.pool("west")

        changed = await world.stub.UpdatePool(
            pb.UpdatePoolRequest(
                pool=pool_pb2.Pool(name=east.name, display_name="East", etag=east.etag),
                update_mask=FieldMask(paths=["display_name"]),
            )
        )
        assert (changed.display_name, list(changed.hidden_fields)) == ("East", ["contacts.phone"])
        stale = pb.UpdatePoolRequest(
            pool=pool_pb2.Pool(name=east.name, display_name="E", etag=east.etag)
        )
        assert (await refused(world.stub.UpdatePool(stale))).code is grpc.StatusCode.ABORTED

        first = await world.stub.ListPools(pb.ListPoolsRequest(parent=PARENT, page_size=1))
        assert [pool.name for pool in first.pools] == [pool_name("east")]
        second = await world.stub.ListPools(
            pb.ListPoolsRequest(parent=PARENT, page_size=1, page_token=first.next_page_token)
        )
        assert [pool.name for pool in second.pools] == [pool_name("west")]
        assert not second.next_page_token

        await world.customer("c1")
        in_use = await refused(world.stub.DeletePool(pb.DeletePoolRequest(name=east.name)))
        assert (in_use.code, in_use.reason) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "POOL_IN_USE",
        )
        request = pb.DeletePoolRequest(name=pool_name("west"), request_id="gone")
        for _ in range(2):
            await world.stub.DeletePool(request)
        missing = await refused(world.stub.GetPool(pb.GetPoolRequest(name=pool_name("west"))))
        assert missing.code is grpc.StatusCode.NOT_FOUND
        assert (await world.stub.GetPool(pb.GetPoolRequest(name=east.name))).customer_count == 1


async def test_a_repeated_create_answers_the_same(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        request = pb.CreatePoolRequest(
            parent=PARENT, pool=pool_pb2.Pool(display_name="East"), request_id="one"
        )
        made = await world.stub.CreatePool(request)
        assert await world.stub.CreatePool(request) == made
        trial = pb.CreatePoolRequest(
            parent=PARENT,
            pool_id="west",
            pool=pool_pb2.Pool(display_name="West"),
            validate_only=True,
        )
        await world.stub.CreatePool(trial)
        listed = await world.stub.ListPools(pb.ListPoolsRequest(parent=PARENT))
        assert [pool.name for pool in listed.pools] == [made.name]


async def test_a_tenant_has_one_fallback(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.pool("rest", fallback=True)
        assert (await refused(world.pool("other", fallback=True))).reason == "INVALID_FIELD"
        delete = pb.DeletePoolRequest(name=pool_name("rest"))
        assert (await refused(world.stub.DeletePool(delete))).reason == "POOL_IN_USE"


@pytest.mark.requirement("B1")
async def test_who_fits_no_pool_waits_until_one_does(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        for customer in ("c1", "c2"):
            waiting = await world.customer(customer)
            assert waiting.state == custody_pb2.CUSTODY_STATE_OUT
            assert waiting.out_cause == custody_pb2.OUT_CAUSE_WAITING
        owing = await world.customer("c3", admission_pool="", admission_rule="")
        assert owing.out_cause == custody_pb2.OUT_CAUSE_WAITING
        await world.pool("rest", fallback=True)
        for customer in ("c1", "c2"):
            assert (await world.custody(customer)).pool == pool_name("rest")
        # What is not decided yet goes nowhere, not even into the fallback.
        assert (await world.custody("c3")).state == custody_pb2.CUSTODY_STATE_OUT
        await world.customer("c3")
        assert (await world.custody("c3")).pool == pool_name("rest")

        # The pool that was meant is made at last: they belong there.
        await world.pool("east")
        await world.move_to(world.now + MINUTE)
        for customer in ("c1", "c2", "c3"):
            assert (await world.custody(customer)).pool == pool_name("east")
        said = ["ADMITTED", "ADMITTED", "RESCHEDULED", "MOVED"]
        assert changes(await world.history("c1")) == said
        assert await audit(world.parts.store) == []


async def test_a_deleted_customer_is_out_and_comes_back_undeleted(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.customer("c1")
        await world.claim("c1")
        gone = await world.customer("c1", deleted=True)
        assert gone.out_cause == custody_pb2.OUT_CAUSE_DELETED
        assert (await world.quota()).holdings == 0
        back = await world.customer("c1")
        assert back.pool == pool_name("east")
        merged = await world.customer("c1", merged_into=customer_name("c2"))
        assert merged.out_cause == custody_pb2.OUT_CAUSE_MERGED
        assert await audit(world.parts.store) == []


async def test_peer_08_a_pool_whose_members_are_nobody_makes_nothing_happen(
    store_settings: StoreSettings,
) -> None:
    """Members who resolve to nobody may not claim; what reps hold elsewhere stays theirs."""
    async with sea(store_settings) as world:
        await world.staffed("wang")
        await world.customer("c1")
        await world.claim("c1")
        await world.pool("ghosts", members=[team("disbanded"), pool_pb2.PoolMember(role="ghost")])
        await world.customer("c2", admission_pool=pool_name("ghosts"))
        assert (await refused(world.claim("c2"))).reason == "NOT_POOL_MEMBER"
        await world.pass_days(2)
        assert (await world.custody("c1")).holder.rep == rep_name("wang")
        assert (await world.custody("c2")).pool == pool_name("ghosts")


async def test_peer_17_another_admission_moves_a_pooled_customer_and_nothing_else_does(
    store_settings: StoreSettings,
) -> None:
    """One pool at a time, chosen by the archive's decision and not by the order of pools."""
    async with sea(store_settings) as world:
        await world.staffed()
        await world.pool("west")
        await world.customer("c1")
        await world.claim("c1")
        await world.release("c1", pool=pool_name("west"))
        same = await world.customer("c1", tier="A")
        assert same.pool == pool_name("west")
        await world.customer("c1", admission_pool=pool_name("nowhere"))
        assert (await world.custody("c1")).pool == pool_name("west")
        moved = await world.customer("c1")
        assert moved.pool == pool_name("east")
        assert changes(await world.history("c1"))[-1] == "MOVED"
        assert await audit(world.parts.store) == []


async def test_a_pools_customers_by_entry_and_by_value(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        for number, (rank, tier) in enumerate(((10, "C"), (90, "A"), (50, "B"), (90, "A"))):
            await world.customer(
                f"c{number}", tier=tier, tier_rank=rank, region=f"east/area-{number}"
            )
            await world.move_to(world.now + HOUR)

        async def listed(**fields: str) -> list[str]:
            found: list[str] = []
            token = ""
            while True:
                answer = await world.rep_stub("wang").ListPoolCustomers(
                    pb.ListPoolCustomersRequest(
                        parent=pool_name("east"), page_size=1, page_token=token, **fields
                    )
                )
                found += [one.customer.rpartition("/")[2] for one in answer.custodies]
                token = answer.next_page_token
                if not token:
                    return found

        assert await listed() == ["c0", "c1", "c2", "c3"]
        assert await listed(order_by="enter_time desc") == ["c3", "c2", "c1", "c0"]
        assert await listed(order_by="tier desc") == ["c3", "c1", "c2", "c0"]
        assert await listed(filter='tier = "A"') == ["c1", "c3"]
        assert await listed(filter='tier != "A" AND region = "east/area-2"') == ["c2"]
        assert await listed(filter='region = "east"') == ["c0", "c1", "c2", "c3"]
        await world.claim("c1")
        assert await listed() == ["c0", "c2", "c3"]


async def test_holdings_the_first_to_fall_due_first(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        for number in range(3):
            await world.customer(f"c{number}")
            await world.claim(f"c{number}")
        await world.customer("c3", tags=["forever"])
        await world.claim("c3")
        await world.pass_days(1)
        await world.activity("c0")

        async def holdings(stub: object, parent: str) -> list[str]:
            answer = await stub.ListHoldings(  # type: ignore[attr-defined]
                pb.ListHoldingsRequest(parent=parent)
            )
            return [one.customer.rpartition("/")[2] for one in answer.custodies]

        wang = world.rep_stub("wang")
        assert await holdings(wang, rep_name("wang")) == ["c1", "c2", "c0", "c3"]
        assert await holdings(world.stub, PARENT) == ["c1", "c2", "c0", "c3"]
        li = world.as_("manager:li@acme")
        assert await holdings(li, rep_name("wang")) == ["c1", "c2", "c0", "c3"]
        for call in (
            holdings(world.rep_stub("zhao"), rep_name("wang")),
            holdings(wang, PARENT),
            holdings(world.as_("manager:ma@acme"), rep_name("wang")),
        ):
            assert (await refused(call)).code is grpc.StatusCode.PERMISSION_DENIED


async def test_who_may_not_see_owners_sees_none(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.customer("c1")
        await world.claim("c1", "wang")
        name = f"{customer_name('c1')}/custody"

        for principal, sees in (
            ("rep:wang@acme", True),
            ("rep:zhao@acme", False),
            ("manager:li@acme", True),
            ("manager:ma@acme", False),
            ("reader:ren@acme", False),
            ("integrator:crm@acme", True),
        ):
            stub = world.as_(principal)
            custody = await stub.GetCustody(pb.GetCustodyRequest(name=name))
            assert custody.state == custody_pb2.CUSTODY_STATE_HELD
            assert (custody.holder.rep == rep_name("wang")) is sees, principal
            assert bool(custody.clocks) is sees
            history = await stub.ListCustodyHistory(
                pb.ListCustodyHistoryRequest(parent=customer_name("c1"))
            )
            assert [bool(entry.actor.principal) for entry in history.entries] == [sees, sees]
        error = await refused(world.as_("manager:li@acme").ClaimCustomer(
            pb.ClaimCustomerRequest(customer=customer_name("c1"), rep=rep_name("zhao"))
        ))  # fmt: skip
        assert error.metadata["owner"] == "rep:wang"


async def test_who_is_a_rep_and_reads_sees_what_the_rep_sees(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.customer("c1")
        await world.claim("c1", "wang")
        name = f"{customer_name('c1')}/custody"
        for rep, sees in (("wang", True), ("zhao", False)):
            stub = world.as_(f"rep:{rep}@acme;roles=rep,reader")
            custody = await stub.GetCustody(pb.GetCustodyRequest(name=name))
            assert (custody.holder.rep == rep_name("wang")) is sees, rep
        both = world.as_("rep:zhao@acme;roles=rep,reader")
        others = pb.ListHoldingsRequest(parent=rep_name("wang"))
        assert (await refused(both.ListHoldings(others))).code is grpc.StatusCode.PERMISSION_DENIED


async def test_who_sees_no_owners_cannot_ask_for_what_one_holds(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.customer("c1")
        await world.claim("c1", "wang")
        ren = world.as_("reader:ren@acme")
        for call in (
            ren.ListHoldings(pb.ListHoldingsRequest(parent=rep_name("wang"))),
            ren.ListHoldings(pb.ListHoldingsRequest(parent=f"{PARENT}/teams/sales")),
            ren.GetQuota(pb.GetQuotaRequest(rep=rep_name("wang"))),
        ):
            assert (await refused(call)).code is grpc.StatusCode.PERMISSION_DENIED
        (custody,) = (await ren.ListHoldings(pb.ListHoldingsRequest(parent=PARENT))).custodies
        assert not custody.HasField("holder")
        own = world.as_("rep:wang@acme;roles=reader")
        assert (await own.GetQuota(pb.GetQuotaRequest(rep=rep_name("wang")))).holdings == 1
        listed = await own.ListHoldings(pb.ListHoldingsRequest(parent=rep_name("wang")))
        assert [one.customer for one in listed.custodies] == [customer_name("c1")]


async def test_a_partner_knows_of_his_own_and_his_pool_only(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang")
        await world.rep("pan")
        await world.pool("second", members=[pool_pb2.PoolMember(rep=rep_name("pan"))])
        await world.customer("hers")
        await world.customer("open")
        await world.customer("his", admission_pool=pool_name("second"))
        await world.customer("offered", admission_pool=pool_name("second"))
        await world.claim("hers", "wang")
        pan = world.as_("partner:pan@acme")
        await pan.ClaimCustomer(pb.ClaimCustomerRequest(customer=customer_name("his")))
        for customer, known in (
            ("his", True),
            ("offered", True),
            ("hers", False),
            ("open", False),
        ):
            calls = (
                pan.GetCustody(pb.GetCustodyRequest(name=f"{customer_name(customer)}/custody")),
                pan.ListCustodyHistory(
                    pb.ListCustodyHistoryRequest(parent=customer_name(customer))
                ),
                pan.ExplainCustody(pb.ExplainCustodyRequest(customer=customer_name(customer))),
            )
            for call in calls:
                if known:
                    await call
                else:
                    assert (await refused(call)).code is grpc.StatusCode.NOT_FOUND


async def test_a_partner_hears_of_what_he_may_not_know_as_of_what_there_is_not(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang")
        await world.rep("pan")
        await world.pool("second", members=[pool_pb2.PoolMember(rep=rep_name("pan"))])
        await world.customer("held")
        await world.customer("open")
        await world.customer("his", admission_pool=pool_name("second"))
        await world.claim("held", "wang")
        pan = world.as_("partner:pan@acme")

        async def heard(customer: str) -> list[tuple[grpc.StatusCode, str, str]]:
            name = customer_name(customer)
            batch = await pan.BatchClaimCustomers(
                pb.BatchClaimCustomersRequest(parent=PARENT, customers=[name], rep=rep_name("pan"))
            )
            assert batch.results[0].status.code == grpc.StatusCode.NOT_FOUND.value[0]
            told = []
            for call in (
                pan.ClaimCustomer(pb.ClaimCustomerRequest(customer=name)),
                pan.ReleaseCustomer(pb.ReleaseCustomerRequest(customer=name, reason="no")),
                pan.TransferCustomer(
                    pb.TransferCustomerRequest(customer=name, rep=rep_name("wang"), reason="no")
                ),
                pan.RequestExtension(
                    pb.RequestExtensionRequest(
                        parent=name, extension=pb.Extension(days=1, reason="no")
                    )
                ),
            ):
                error = await refused(call)
                told.append((error.code, error.reason, error.message.replace(customer, "")))
            return told

        nothing = await heard("nobody")
        assert {code for code, _, _ in nothing} == {grpc.StatusCode.NOT_FOUND}
        assert await heard("held") == nothing
        assert await heard("open") == nothing

        # A repeat hears what he was told, also when the customer is none of his any more.
        claim = pb.ClaimCustomerRequest(customer=customer_name("his"), request_id="one")
        claimed = await pan.ClaimCustomer(claim)
        await world.transfer("his", "wang")
        assert await pan.ClaimCustomer(claim) == claimed
        assert await heard("his") == nothing


async def test_who_sees_no_owners_learns_no_cool_down(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.limits(claim_limits=pool_pb2.ClaimLimits(cool_down_days=30))
        await world.customer("c1")
        await world.claim("c1", "wang")
        await world.release("c1", "wang")

        def asked(rep: str = "") -> pb.ExplainCustodyRequest:
            return pb.ExplainCustodyRequest(customer=customer_name("c1"), rep=rep)

        ren = world.as_("reader:ren@acme")
        for rep in ("wang", "zhao"):
            error = await refused(ren.ExplainCustody(asked(rep_name(rep))))
            assert error.code is grpc.StatusCode.PERMISSION_DENIED
        alone = await ren.ExplainCustody(asked())
        assert not alone.obstacles
        assert not alone.custody.former_owner
        stranger = await refused(world.rep_stub("zhao").ExplainCustody(asked(rep_name("wang"))))
        assert stranger.code is grpc.StatusCode.PERMISSION_DENIED
        for principal in (
            *("rep:wang@acme", "rep:wang@acme;roles=reader", "manager:li@acme"),
            *("integrator:crm@acme", "admin:ann@acme"),
        ):
            told = await world.as_(principal).ExplainCustody(asked(rep_name("wang")))
            assert "COOL_DOWN" in [one.reason for one in told.obstacles], principal


async def test_a_manager_who_repeats_a_claim_for_who_left_his_team_hears_the_same(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.customer("c1")
        li = world.as_("manager:li@acme")
        claim = pb.ClaimCustomerRequest(
            customer=customer_name("c1"), rep=rep_name("wang"), request_id="one"
        )
        claimed = await li.ClaimCustomer(claim)
        await world.team("house")
        await world.rep("wang", team=f"{PARENT}/teams/house")
        assert await li.ClaimCustomer(claim) == claimed
        claim.request_id = "two"
        assert (await refused(li.ClaimCustomer(claim))).code is grpc.StatusCode.PERMISSION_DENIED


async def test_only_fields_of_a_customer_can_be_hidden(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        good = ["contacts", "contacts.phone", "special_requirements", "attributes.outlets"]
        assert list((await world.pool("east", hidden_fields=good)).hidden_fields) == good
        for wrong in (
            "contact.phone",
            "contacts.fone",
            "group.name",
            "attributes.",
            "",
            "contacts.",
        ):
            error = await refused(world.pool("west", hidden_fields=["group", wrong]))
            assert (error.code, error.reason) == (
                grpc.StatusCode.INVALID_ARGUMENT,
                "INVALID_FIELD",
            ), wrong
            (bad,) = error.details(error_details_pb2.BadRequest)
            assert [one.field for one in bad.field_violations] == ["pool.hidden_fields[1]"]
        update = pb.UpdatePoolRequest(
            pool=pool_pb2.Pool(name=pool_name("east"), hidden_fields=["nothing"]),
            update_mask=FieldMask(paths=["hidden_fields"]),
        )
        assert (await refused(world.stub.UpdatePool(update))).reason == "INVALID_FIELD"


async def test_a_rep_claims_for_himself_only(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.customer("c1")
        request = pb.ClaimCustomerRequest(customer=customer_name("c1"), rep=rep_name("zhao"))
        error = await refused(world.rep_stub("wang").ClaimCustomer(request))
        assert error.code is grpc.StatusCode.PERMISSION_DENIED
        assert (await world.as_("manager:li@acme").ClaimCustomer(request)).version == 2
        entry = (await world.history("c1"))[-1]
        assert entry.holder.rep == rep_name("zhao")
        assert entry.actor.principal == "manager:li"
        nobody = pb.ClaimCustomerRequest(customer=customer_name("c1"))
        assert (await refused(world.stub.ClaimCustomer(nobody))).reason == "INVALID_FIELD"


async def test_a_rep_sees_the_pools_that_he_is_a_member_of(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang")
        await world.pool("west", members=[])
        wang = world.rep_stub("wang")
        listed = await wang.ListPools(pb.ListPoolsRequest(parent=PARENT))
        assert [pool.name for pool in listed.pools] == [pool_name("east")]
        hidden = await refused(wang.GetPool(pb.GetPoolRequest(name=pool_name("west"))))
        assert hidden.code is grpc.StatusCode.NOT_FOUND
        closed = pb.ListPoolCustomersRequest(parent=pool_name("west"))
        assert (await refused(wang.ListPoolCustomers(closed))).code is grpc.StatusCode.NOT_FOUND

        add = pb.AddPoolMembersRequest(
            pool=pool_name("west"), members=[pool_pb2.PoolMember(rep=rep_name("wang"))]
        )
        stranger = await refused(world.as_("manager:li@acme").AddPoolMembers(add))
        assert stranger.code is grpc.StatusCode.PERMISSION_DENIED
        await world.stub.AddPoolMembers(add)
        listed = await wang.ListPools(pb.ListPoolsRequest(parent=PARENT))
        assert [pool.name for pool in listed.pools] == [pool_name("east"), pool_name("west")]


@pytest.mark.requirement("B10")
async def test_an_explanation_says_when_it_is_taken_back_and_what_would_reset_it(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.customer("c1")
        await world.claim("c1", "wang")
        request = pb.ExplainCustodyRequest(customer=customer_name("c1"), rep=rep_name("wang"))
        explained = await world.rep_stub("wang").ExplainCustody(request)
        assert list(explained.reset_by) == ["follow_up", "visit"]
        assert explained.reclaim_summary == (
            "no_follow_up runs out at the end of 2060-03-13; it is taken back on 2060-03-14"
        )
        assert explained.reclaim_decision.rule == "otherwise"
        assert not explained.claimable
        assert [one.reason for one in explained.obstacles] == ["CUSTOMER_NOT_IN_POOL"]

        await world.release("c1", "wang")
        free = await world.rep_stub("wang").ExplainCustody(request)
        assert free.claimable
        assert not free.obstacles
        masked = await world.rep_stub("zhao").ExplainCustody(
            pb.ExplainCustodyRequest(customer=customer_name("c1"))
        )
        assert not masked.reclaim_summary


async def test_the_stream_tells_of_every_change_and_of_nobodys_words(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.customer("c1", admission_reason="lives in the east")
        await world.claim("c1", "wang")
        await world.release("c1", "wang")
        scope = watch_pb2.WatchScope(tenant=PARENT)
        stub = world.as_("integrator:crm@acme")
        events = []
        watching = stub.Watch(pb.WatchRequest(scope=scope))
        async for message in watching:
            events += message.events
            if len(events) >= 4:
                break
        watching.cancel()
        assert [event.WhichOneof("kind") for event in events] == [
            "pool_changed",
            "custody_changed",
            "custody_changed",
            "custody_changed",
        ]
        released = events[-1].custody_changed
        assert released.change == custody_pb2.CUSTODY_CHANGE_RELEASED
        assert released.former_holder.rep == rep_name("wang")
        assert released.actor.principal == "rep:wang"
        assert not any(event.custody_changed.custody.reason for event in events)

        snapshot = [
            event
            async for message in stub.ExportSnapshot(pb.ExportSnapshotRequest(scope=scope))
            for event in message.events
        ]
        assert [event.WhichOneof("kind") for event in snapshot] == [
            "pool_changed",
            "custody_changed",
        ]
        assert snapshot[-1].custody_changed.custody == released.custody


async def test_what_is_not_built_says_so(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        request = pb.LockCustomerRequest(customer=customer_name("c1"), reason="audit")
        error = await refused(world.stub.LockCustomer(request))
        assert (error.code, error.reason) == (
            grpc.StatusCode.UNIMPLEMENTED,
            "NOT_IMPLEMENTED",
        )


async def test_an_event_that_comes_again_changes_nothing(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.customer("c1", tier="A", tier_rank=90)
        world._versions["customer c1"] = 0
        again = await world.customer("c1", tier="C", tier_rank=1)
        assert (again.tier, again.version) == ("A", 1)
        await world.claim("c1")
        ident = world.tell_activity("c1")
        await world.taken_in()
        before = await world.custody("c1")
        await world.move_to(START + DAY)
        await world.activity("c1", ident=ident)
        assert await world.custody("c1") == before
        assert instant_of(before.since) == START
