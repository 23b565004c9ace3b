"""A call that is repeated by who lost the customer meanwhile: told again, and nothing beyond it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from gonghai.archive.v1 import activity_pb2, customer_pb2
from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai.assignment.v1 import rep_pb2
from gonghai_chassis.instants import timestamp
from gonghai_chassis.testing.eventually import eventually
from gonghai_chassis.testing.refusals import refused

from .archive import PARENT, START, Archive, archive, bought, name, purchase
from .test_activities import REACHED
from .test_masking import heard, staff

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gonghai_chassis.store import StoreSettings

DENIED = grpc.StatusCode.PERMISSION_DENIED
ORDER = activity_pb2.Activity(purchase=purchase(100), occur_time=timestamp(START))


async def held(a: Archive, rep: str, version: int) -> None:
    """The customer c1 is a rep's from now on."""
    await a.beside.pool.custody("acme", "c1", version, "HELD", owner=rep)
    await heard(a, "c1", version)


def order(made: str = "", **fields: Any) -> pb.RecordActivityRequest:  # noqa: ANN401
    """Asks for an order of c1 to be recorded."""
    return pb.RecordActivityRequest(
        parent=name("c1"), activity_id=made, activity=fields.pop("activity", ORDER), **fields
    )


@pytest.mark.requirement("A5")
async def test_who_recorded_something_hears_so_after_he_lost_the_customer(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings) as a:
        await a.create("c1")
        await staff(a)
        await held(a, "wang", 1)
        wang = a.as_("rep:wang@acme")
        back_end = a.as_("service:erp@acme;roles=integrator")
        for_wang = (("on-behalf-of", "rep:wang"),)
        follow_up = pb.RecordFollowUpRequest(
            parent=name("c1"), follow_up=REACHED, request_id="called"
        )
        batch = pb.BatchRecordActivitiesRequest(
            parent=PARENT, activities=[bought("c1", "b1", 200, START)]
        )
        calls: list[Callable[[], Awaitable[Any]]] = [
            lambda: wang.RecordActivity(order("o1")),
            lambda: wang.RecordActivity(order(request_id="one")),
            lambda: wang.RecordFollowUp(follow_up),
            lambda: wang.BatchRecordActivities(batch),
            lambda: back_end.RecordActivity(order("o2"), metadata=for_wang),
        ]
        answers = [await call() for call in calls]
        await held(a, "qian", 2)
        assert [await call() for call in calls] == answers

        # What he did not say before, or somebody else did, he may not say now; nor does he learn
        # of it.
        await a.stub.RecordActivity(order("hers"))
        other = activity_pb2.Activity(purchase=purchase(999), occur_time=timestamp(START))
        for call in (
            wang.RecordActivity(order("new")),
            wang.RecordActivity(order(request_id="two")),
            wang.RecordActivity(order()),
            wang.RecordActivity(order("hers")),
            wang.RecordActivity(order("o1", activity=other)),
            wang.RecordActivity(order("o2")),
            a.as_("rep:zhao@acme").RecordActivity(order("o1")),
            back_end.RecordActivity(order("o1"), metadata=for_wang),
        ):
            assert (await refused(call)).code is DENIED
        batch.activities[0].CopyFrom(bought("c1", "b2", 200, START))
        result = (await wang.BatchRecordActivities(batch)).results[0]
        assert result.status.code == DENIED.value[0]
        listed = await a.stub.ListActivities(pb.ListActivitiesRequest(parent=name("c1")))
        assert len(listed.activities) == len(calls) + 1


@pytest.mark.requirement("A5")
async def test_a_partner_hears_of_what_he_recorded_and_of_nothing_else(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings) as a:
        await a.create("c1")
        await staff(a)
        await held(a, "wang", 1)
        partner = a.as_("partner:wang@acme")
        answer = await partner.RecordActivity(order("o1"))
        await held(a, "qian", 2)
        assert await partner.RecordActivity(order("o1")) == answer
        gone = await refused(partner.RecordActivity(order("o2")))
        assert gone.code is grpc.StatusCode.NOT_FOUND


@pytest.mark.requirement("A1", "A16")
async def test_who_changed_a_customer_hears_so_masked_after_he_lost_it(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings) as a:
        await a.create("c1", contacts=[customer_pb2.Contact(display_name="Ann")])
        await staff(a)
        await held(a, "wang", 1)
        wang = a.as_("rep:wang@acme")
        request = pb.UpdateCustomerRequest(
            customer=customer_pb2.Customer(name=name("c1"), source="fair"),
            update_mask=FieldMask(paths=["source"]),
            request_id="one",
        )
        evaluate = pb.EvaluateCustomerRequest(name=name("c1"), request_id="two")
        before = await wang.UpdateCustomer(request)
        evaluated = await wang.EvaluateCustomer(evaluate)
        assert before.contacts[0].display_name == "Ann"
        await held(a, "qian", 2)
        await a.stub.UpdateCustomer(
            pb.UpdateCustomerRequest(
                customer=customer_pb2.Customer(name=name("c1"), source="web"),
                update_mask=FieldMask(paths=["source"]),
            )
        )

        again = await wang.UpdateCustomer(request)
        assert (again.etag, again.source) == (before.etag, "fair")
        assert again.contacts[0].display_name != "Ann"
        assert not again.custody.owner
        told = await wang.EvaluateCustomer(evaluate)
        assert told.customer.etag == evaluated.customer.etag
        assert told.customer.contacts[0].display_name != "Ann"
        assert not told.tier_conditions
        assert (await a.get("c1")).source == "web"

        for refusal in (
            await refused(
                a.as_("rep:zhao@acme").EvaluateCustomer(pb.EvaluateCustomerRequest(name=name("c1")))
            ),
            await refused(wang.UpdateCustomer(pb.UpdateCustomerRequest(customer=request.customer))),
        ):
            assert refusal.code is DENIED
        request.customer.source = "hall"
        assert (await refused(wang.UpdateCustomer(request))).reason == "REQUEST_ID_REUSED"


@pytest.mark.requirement("A1", "A16")
async def test_who_made_a_customer_hears_so_masked_after_he_lost_it(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings) as a:
        await staff(a)
        wang = a.as_("rep:wang@acme")
        contact = customer_pb2.Contact(display_name="Ann", phone="+8613800138000")
        request = pb.CreateCustomerRequest(
            parent=PARENT,
            customer_id="c1",
            customer=customer_pb2.Customer(display_name="Fish", contacts=[contact]),
            owner=f"{PARENT}/reps/wang",
            request_id="one",
        )
        made = await wang.CreateCustomer(request)
        assert made.contacts[0].display_name == "Ann"
        # Before pool has told whose it is, too, or only that a place is kept for it.
        assert await wang.CreateCustomer(request) == made
        await a.beside.pool.custody("acme", "c1", 1, "RESERVED", owner="wang")
        await heard(a, "c1", 1)
        assert (await wang.CreateCustomer(request)).contacts == made.contacts
        await held(a, "qian", 2)
        again = await wang.CreateCustomer(request)
        assert again.etag == made.etag
        seen = await wang.GetCustomer(pb.GetCustomerRequest(name=name("c1")))
        assert again.contacts == seen.contacts != made.contacts


@pytest.mark.requirement("A1")
async def test_a_manager_hears_of_the_customer_that_he_made_for_who_left_his_team(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings) as a:
        await staff(a)
        li = a.as_("manager:li@acme")
        request = pb.CreateCustomerRequest(
            parent=PARENT,
            customer=customer_pb2.Customer(display_name="Made for Wang"),
            owner=f"{PARENT}/reps/wang",
            request_id="one",
        )

        async def may() -> bool:
            trial = pb.CreateCustomerRequest()
            trial.CopyFrom(request)
            trial.validate_only, trial.request_id = True, ""
            try:
                await li.CreateCustomer(trial)
            except grpc.aio.AioRpcError:
                return False
            return True

        await eventually(may)
        made = await li.CreateCustomer(request)
        await a.beside.assignment.stream.tell(
            "acme", "wang", 2, rep_changed=rep_pb2.Rep(team=f"{PARENT}/teams/west")
        )

        async def may_not() -> bool:
            return not await may()

        await eventually(may_not)
        assert (await li.CreateCustomer(request)).name == made.name
        request.request_id = "two"
        assert (await refused(li.CreateCustomer(request))).code is DENIED
