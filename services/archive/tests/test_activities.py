"""Activities are recorded once, land in the right place, and decide on their customer anew."""

# ruff: noqa: ANN401 - keyword arguments are fields of whatever message
from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import duration_pb2

from gonghai.archive.v1 import activity_pb2, customer_pb2, events_pb2
from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai_chassis.events import Cursor, EventStream
from gonghai_chassis.instants import instant_of, timestamp
from gonghai_chassis.testing.refusals import refused

from .archive import DAY, PARENT, START, Archive, archive, bought, money, name, purchase

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from gonghai_chassis.store import StoreSettings
    from gonghai_chassis.testing.plugin import OpenStore

REACHED = activity_pb2.FollowUp(
    channel=customer_pb2.CONTACT_CHANNEL_PHONE,
    outcome=activity_pb2.FOLLOW_UP_OUTCOME_REACHED,
    duration=duration_pb2.Duration(seconds=300),
    note="talked about autumn",
    next_action="send samples",
)


def buy(
    a: Archive, ident: str, amount: int, when: int | None = None, **what: Any
) -> Awaitable[activity_pb2.Activity]:
    call: Awaitable[activity_pb2.Activity] = a.stub.RecordPurchase(
        pb.RecordPurchaseRequest(
            parent=name(ident), purchase=purchase(amount), occur_time=timestamp(when), **what
        )
    )
    return call


async def listed(a: Archive, ident: str, **what: Any) -> list[activity_pb2.Activity]:
    page = await a.stub.ListActivities(pb.ListActivitiesRequest(parent=name(ident), **what))
    return list(page.activities)


@pytest.mark.requirement("A5")
async def test_a_purchase_comes_back_as_it_was_recorded(store_settings: StoreSettings) -> None:
    sent = activity_pb2.Purchase(
        amount=money(123_45),
        order_number="N-1",
        lines=[
            activity_pb2.PurchaseLine(
                product="crab", category="live", quantity_milli=1500, amount=money(100_00)
            ),
            activity_pb2.PurchaseLine(product="prawn"),
        ],
    )
    async with archive(store_settings) as a:
        await a.create("c1")
        made = await a.stub.RecordPurchase(
            pb.RecordPurchaseRequest(
                parent=name("c1"),
                activity_id="p1",
                purchase=sent,
                occur_time=timestamp(START - DAY),
                sales_channel="live-stream",
                rep=f"{PARENT}/reps/wang",
            )
        )
        (got,) = await listed(a, "c1")
    assert got == made
    assert got.name == f"{name('c1')}/activities/p1"
    assert got.purchase == sent
    assert (got.sales_channel, got.rep) == ("live-stream", f"{PARENT}/reps/wang")
    assert instant_of(got.occur_time) == START - DAY
    assert instant_of(got.record_time) == START
    assert got.actor.principal == "admin:local"


@pytest.mark.requirement("A5")
async def test_every_kind_is_recorded_and_measured(store_settings: StoreSettings) -> None:
    kinds: dict[str, Any] = {
        "purchase": purchase(5_000, ("crab", "live")),
        "purchase_return": activity_pb2.PurchaseReturn(amount=money(1_000)),
        "follow_up": REACHED,
        "opportunity": activity_pb2.Opportunity(
            opportunity="o1", state=activity_pb2.OPPORTUNITY_STATE_OPENED, amount=money(9_900)
        ),
        "feedback": activity_pb2.Feedback(
            kind=activity_pb2.FEEDBACK_KIND_COMPLAINT, text="late again"
        ),
        "referral": activity_pb2.Referral(referred_customer=name("c2")),
        "interest": activity_pb2.Interest(product="squid", category="frozen", asked=True),
    }
    async with archive(store_settings) as a:
        await a.create("c1")
        for kind, content in kinds.items():
            sent = activity_pb2.Activity(occur_time=timestamp(START), **{kind: content})
            made = await a.stub.RecordActivity(
                pb.RecordActivityRequest(
                    parent=name("c1"), activity_id=kind.replace("_", "-"), activity=sent
                )
            )
            assert getattr(made, kind) == content
        facts = (await a.get("c1")).metrics.facts
        only = await listed(a, "c1", filter='kind = "feedback"')
        wrong = await refused(
            a.stub.ListActivities(
                pb.ListActivitiesRequest(parent=name("c1"), filter='kind = "dance"')
            )
        )
    assert {name: facts[name].int_value for name in facts} | {
        "orders_30d": 1,
        "amount_30d": 4_000,
        "returns_90d": 1,
        "follow_ups_90d": 1,
        "open_opportunities": 1,
        "complaints_90d": 1,
        "referrals": 1,
        "interests_90d": 1,
        "distinct_products_90d": 1,
    } == {name: facts[name].int_value for name in facts}
    assert [each.WhichOneof("kind") for each in only] == ["feedback"]
    assert wrong.reason == "INVALID_FILTER"


@pytest.mark.requirement("A5")
async def test_an_activity_is_recorded_once(store_settings: StoreSettings) -> None:
    async with archive(store_settings) as a:
        await a.create("c1")
        first = await buy(a, "c1", 100, activity_id="p1")
        await a.set_clock(START + DAY)
        # Unset, the time of happening was that of the first attempt.
        again = await buy(a, "c1", 100, activity_id="p1")
        other = await refused(buy(a, "c1", 101, activity_id="p1"))
        by_request = await buy(a, "c1", 7, request_id="r1")
        repeated = await buy(a, "c1", 7, request_id="r1")
        reused = await refused(buy(a, "c1", 8, request_id="r1"))
        reused_elsewhere = await refused(buy(a, "c1", 8, activity_id="p2", request_id="r1"))
        facts = (await a.get("c1")).metrics.facts
    assert again == first
    assert repeated == by_request
    assert (other.code, other.reason) == (grpc.StatusCode.ALREADY_EXISTS, "ACTIVITY_EXISTS")
    assert reused.reason == reused_elsewhere.reason == "REQUEST_ID_REUSED"
    assert facts["orders_lifetime"].int_value == 2


@pytest.mark.requirement("A5")
async def test_the_same_request_sent_at_once_records_once(store_settings: StoreSettings) -> None:
    async with archive(store_settings) as a:
        await a.create("c1")
        answers = await asyncio.gather(
            *(buy(a, "c1", 100, activity_id="p1", request_id="r1") for _ in range(8))
        )
        facts = (await a.get("c1")).metrics.facts
    assert all(answer == answers[0] for answer in answers)
    assert facts["orders_lifetime"].int_value == 1


@pytest.mark.requirement("A5", "A6")
async def test_late_and_out_of_order_ones_make_the_same_customer(
    store_settings: StoreSettings,
) -> None:
    history = [
        (1_000, START - 100 * DAY),
        (2_000, START - 40 * DAY),
        (3_000, START - 10 * DAY),
        (4_000, START),
    ]
    async with archive(store_settings) as a:
        for ident in ("in-order", "out-of-order"):
            await a.create(ident)
        for place, (amount, when) in enumerate(history):
            await buy(a, "in-order", amount, when, activity_id=f"p{place}")
        for place in (2, 0, 3, 1):
            amount, when = history[place]
            await buy(a, "out-of-order", amount, when, activity_id=f"p{place}")
        one, other = await a.get("in-order"), await a.get("out-of-order")
        lists = [
            [each.name.rpartition("/")[2] for each in await listed(a, ident)]
            for ident in ("in-order", "out-of-order")
        ]
    assert one.metrics == other.metrics
    assert (one.tier.tier, one.stage.stage) == (other.tier.tier, other.stage.stage)
    assert lists == [["p3", "p2", "p1", "p0"]] * 2


@pytest.mark.requirement("A5")
async def test_a_wrong_one_is_corrected_by_a_new_one(store_settings: StoreSettings) -> None:
    async with archive(store_settings) as a:
        await a.create("c1")
        await buy(a, "c1", 99_000_00, activity_id="p1")
        assert (await a.get("c1")).tier.tier == "key"

        def correct(ident: str, target: str, **kind: Any) -> Awaitable[activity_pb2.Activity]:
            call: Awaitable[activity_pb2.Activity] = a.stub.RecordActivity(
                pb.RecordActivityRequest(
                    parent=name("c1"),
                    activity_id=ident,
                    activity=activity_pb2.Activity(corrects=target, **kind),
                )
            )
            return call

        await correct("p2", "p1", purchase=purchase(99_00))
        got = await a.get("c1")
        twice = await refused(correct("p3", "p1", purchase=purchase(1)))
        unknown = await refused(correct("p4", "p9", purchase=purchase(1)))
        other_kind = await refused(correct("p5", "p2", follow_up=REACHED))
    assert got.metrics.facts["amount_lifetime"].int_value == 99_00
    assert got.tier.tier == "C"
    assert (twice.code, twice.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "WRONG_STATE")
    assert unknown.code is grpc.StatusCode.NOT_FOUND
    assert other_kind.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_what_cannot_be_is_refused(store_settings: StoreSettings) -> None:
    async with archive(store_settings) as a:
        await a.create("c1")
        future = await refused(buy(a, "c1", 1, START + 1_000_000))
        ancient = await refused(buy(a, "c1", 1, -1))
        missing = await refused(buy(a, "nobody", 1))
        dollars = activity_pb2.Purchase(amount=money(1))
        dollars.amount.currency_code = "USD"
        foreign = await refused(
            a.stub.RecordPurchase(pb.RecordPurchaseRequest(parent=name("c1"), purchase=dollars))
        )
        fine = activity_pb2.Purchase(amount=money(1))
        fine.amount.nanos = 1
        too_fine = await refused(
            a.stub.RecordPurchase(pb.RecordPurchaseRequest(parent=name("c1"), purchase=fine))
        )
    assert future.code is grpc.StatusCode.INVALID_ARGUMENT
    assert ancient.code is grpc.StatusCode.INVALID_ARGUMENT
    assert "1970" in ancient.message
    assert missing.code is grpc.StatusCode.NOT_FOUND
    assert foreign.code is too_fine.code is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("beyond", [0, 1])
async def test_amounts_and_quantities_end_at_a_million_millions(
    store_settings: StoreSettings, beyond: int
) -> None:
    most = 10**12
    line = activity_pb2.PurchaseLine(product="crab", quantity_milli=most)
    much = activity_pb2.Purchase(amount=money(most + beyond), lines=[line])
    many = activity_pb2.Purchase(amount=money(1), lines=[line])
    many.lines[0].quantity_milli += beyond
    fields = []
    async with archive(store_settings) as a:
        await a.create("c1")
        for sent in (much, many):
            call = a.stub.RecordPurchase(pb.RecordPurchaseRequest(parent=name("c1"), purchase=sent))
            if beyond:
                error = await refused(call)
                assert error.reason == "INVALID_FIELD"
                fields.append(error.reason)
            else:
                await call
        facts = (await a.get("c1")).metrics.facts
    assert len(fields) == 2 * beyond
    assert facts["amount_lifetime"].int_value == (0 if beyond else most + 1)


@pytest.mark.requirement("A5")
async def test_a_batch_answers_for_each(store_settings: StoreSettings) -> None:
    async with archive(store_settings) as a:
        await a.create("c1")
        await a.create("c2")
        sent = [
            bought("c1", "p1", 100),
            bought("nobody", "p1", 100),
            bought("c2", "p1", 300),
            bought("c1", "p2", 200),
            bought("c1", "p1", 999),
            bought("c1", "p3", 5, START + DAY),
            bought("c1", "p4", 50, corrects="p1"),
        ]
        answer = await a.stub.BatchRecordActivities(
            pb.BatchRecordActivitiesRequest(parent=PARENT, activities=sent)
        )
        again = await a.stub.BatchRecordActivities(
            pb.BatchRecordActivitiesRequest(parent=PARENT, activities=sent)
        )
        totals = [(await a.get(c)).metrics.facts["amount_lifetime"].int_value for c in ("c1", "c2")]
    codes = [each.status.code for each in answer.results]
    assert [each.activity for each in answer.results] == [each.name for each in sent]
    assert codes == [0, 5, 0, 0, 6, 3, 0]
    assert [each.status.code for each in again.results] == codes
    assert totals == [250, 300]


@pytest.mark.requirement("A5")
async def test_a_stream_is_recorded_and_may_be_sent_again(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    customers = [f"c{number}" for number in range(5)]
    parts = [
        pb.IngestActivitiesRequest(
            parent=PARENT,
            activities=[
                bought(customer, f"p{part}-{number}", 100, START - number * DAY)
                for number in range(40)
                for customer in (*customers, "nobody")
            ],
        )
        for part in range(3)
    ]
    async with archive(store_settings) as a:
        for customer in customers:
            await a.create(customer)
        first = await a.stub.IngestActivities(iter(parts))
        again = await a.stub.IngestActivities(iter(parts))
        totals = {
            (await a.get(customer)).metrics.facts["amount_lifetime"].int_value
            for customer in customers
        }
        store = await open_store("archive")
        batch = await EventStream(store).read(store.partition("acme"), Cursor.START, limit=5000)
    for answer in (first, again):
        assert (answer.recorded, answer.refused) == (600, 120)
        assert len(answer.refusals) == 100
        assert answer.refusals[0].status.code == 5
    assert totals == {12_000}
    kinds = [event.kind for event in batch.events]
    assert kinds.count("activity_recorded") == 600
    # A customer's activities are told of together, with one change of the customer after them.
    assert kinds.count("customer_changed") == len(customers) * 2


@pytest.mark.requirement("A5")
async def test_many_callers_record_at_once_and_nothing_is_lost(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings) as a:
        await a.create("c1")
        await asyncio.gather(*(buy(a, "c1", 100, activity_id=f"p{n}") for n in range(40)))
        facts = (await a.get("c1")).metrics.facts
    assert facts["orders_lifetime"].int_value == 40


@pytest.mark.requirement("A5")
async def test_pages_of_activities_hold_each_once(store_settings: StoreSettings) -> None:
    async with archive(store_settings) as a:
        await a.create("c1")
        for number in range(7):
            await buy(a, "c1", 100, START - (number // 2) * DAY, activity_id=f"p{number}")
        names: list[str] = []
        token = ""
        while True:
            page = await a.stub.ListActivities(
                pb.ListActivitiesRequest(parent=name("c1"), page_size=3, page_token=token)
            )
            names += [each.name.rpartition("/")[2] for each in page.activities]
            token = page.next_page_token
            if not token:
                break
    assert names == ["p1", "p0", "p3", "p2", "p5", "p4", "p6"]


@pytest.mark.requirement("A5")
async def test_others_hear_of_an_activity_without_any_text(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    async with archive(store_settings) as a:
        await a.create("c1", contacts=[customer_pb2.Contact(display_name="Wang Secret")])
        await a.as_("rep:wang@acme").RecordFollowUp(
            pb.RecordFollowUpRequest(parent=name("c1"), activity_id="f1", follow_up=REACHED)
        )
        store = await open_store("archive")
        batch = await EventStream(store).read(store.partition("acme"), Cursor.START)
    told = next(e for e in batch.events if e.kind == "activity_recorded")
    facts = events_pb2.ActivityFacts.FromString(told.payload)
    assert facts.customer == name("c1")
    assert (facts.activity, facts.kind) == ("f1", "follow_up")
    assert facts.rep == f"{PARENT}/reps/wang"
    assert instant_of(facts.record_time) == told.time == START
    assert facts.qualities["channel"].string_value == "phone"
    assert facts.qualities["outcome"].string_value == "reached"
    assert facts.qualities["duration_seconds"].int_value == 300
    everything = b"".join(event.payload for event in batch.events)
    for secret in (b"autumn", b"samples", b"Secret", b"Customer c1"):
        assert secret not in everything
