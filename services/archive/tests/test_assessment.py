"""Tier and stage follow activities, time and policies, say why, and keep safe when that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai.archive.v1 import customer_pb2, events_pb2
from gonghai_chassis.events import Cursor, EventStream
from gonghai_chassis.instants import instant_of, timestamp
from gonghai_chassis.testing import eventually
from gonghai_engine import Decision, DecisionFailure, Engine, FailureCause, Policy

from .archive import DAY, PARENT, START, Archive, archive, at, bought, history_of, name, purchase
from .trade_plugin import TRADE, trade_engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_chassis.events import Event
    from gonghai_chassis.store import StoreSettings
    from gonghai_chassis.testing.plugin import OpenStore
    from gonghai_engine import DecisionRequest

STRICT = "version: 1\ndefault: {plugin: standard, settings: {dormant_days: 5, key_amount: 500}}\n"


_BROKE = FailureCause.POLICY_ERROR


class FailingEngine(Engine):
    """Fails the policies it is told to fail."""

    failing: frozenset[Policy] = frozenset()

    async def decide(self, requests: Sequence[DecisionRequest]) -> list[Decision | DecisionFailure]:
        decided = await super().decide(requests)
        return [
            DecisionFailure("c", r.policy, _BROKE, "it broke", "standard", 0, r.now)
            if r.policy in self.failing
            else outcome
            for r, outcome in zip(requests, decided, strict=True)
        ]


async def buy(a: Archive, ident: str, amount: int, when: int | None = None) -> None:
    await a.stub.RecordPurchase(
        pb.RecordPurchaseRequest(
            parent=name(ident), purchase=purchase(amount), occur_time=timestamp(when)
        )
    )


async def told(open_store: OpenStore, kind: str = "customer_changed") -> list[Event]:
    store = await open_store("archive")
    batch = await EventStream(store).read(store.partition("acme"), Cursor.START, limit=5000)
    return [event for event in batch.events if event.kind == kind]


async def due_by(a: Archive, now: int) -> None:
    """Move the clock, and wait until nothing is due any more."""
    await a.set_clock(now)

    async def quiet() -> bool:
        return (await a.work()).due == 0

    await eventually(quiet)


@pytest.mark.requirement("A7", "A8")
async def test_a_purchase_moves_tier_and_stage_and_says_by_which_rule(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    async with archive(store_settings) as a:
        before = await a.create("c1")
        await a.set_clock(START + DAY)
        await buy(a, "c1", 10_000_00)
        got = await a.get("c1")
        chinese = await a.served.stub(type(a.stub), accept_language="zh").GetCustomer(
            pb.GetCustomerRequest(name=name("c1"))
        )
        entries = await history_of(await open_store("archive"), "c1")
    assert (before.tier.tier, before.stage.stage) == ("C", "prospect")
    assert (got.tier.tier, got.tier.rank, got.stage.stage) == ("key", 90, "active")
    assert got.tier.decision.rule == "key"
    assert got.tier.decision.facts["amount_365d"].int_value == 10_000_00
    assert "10000.00" in got.tier.decision.reason.replace(",", "")
    assert chinese.tier.decision.reason.startswith("年采购额")
    assert instant_of(got.tier.since) == START + DAY
    assert instant_of(got.metrics.last_order_time) == START + DAY
    assert got.metrics.amount_365d.units == 10_000
    changes = [entry for _, entry in entries]
    assert [change[2] for change in changes] == ["create", "stage", "tier"]
    was = changes[2][3]["tier"]
    assert was[0] == "C"
    assert was[2]["r"] == "otherwise"


@pytest.mark.requirement("A6", "A8")
async def test_time_alone_moves_the_stage_at_midnight_and_others_are_told(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    async with archive(store_settings) as a:
        await a.create("c1")
        await buy(a, "c1", 100)
        next_due = instant_of((await a.work()).next_due)
        # Sixty days after the day of the order, and not an hour before that day begins.
        assert next_due == at(2060, 5, 1)
        await due_by(a, next_due - 1)
        assert (await a.get("c1")).stage.stage == "active"
        assert (await a.get("c1")).metrics.facts["days_since_last_order"].int_value == 59
        await due_by(a, next_due)
        got = await a.get("c1")
        assert got.stage.stage == "dormant"
        assert instant_of(got.stage.since) == next_due
        stages = [
            events_pb2.CustomerFacts.FromString(event.payload).stage
            for event in await told(open_store)
        ]
    assert stages == ["prospect", "active", "dormant"]


@pytest.mark.requirement("A6")
async def test_what_is_read_has_slid_though_nothing_was_decided(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings) as a:
        await a.create("c1")
        await buy(a, "c1", 100)
        await a.set_clock(START + 31 * DAY)
        got = await a.get("c1")
    assert got.metrics.facts["orders_30d"].int_value == 0
    assert got.metrics.facts["orders_90d"].int_value == 1
    assert instant_of(got.metrics.as_of_time) == START + 31 * DAY
    assert got.stage.stage == "active"


async def test_the_stream_is_not_complete_past_work_that_is_undone(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    engine = trade_engine()
    async with archive(store_settings, engine=engine) as a:
        await a.create("c1")
        await buy(a, "c1", 100)
    # Nobody sweeps now, and the clock goes on.
    store = await open_store("archive")
    p = store.partition("acme")
    due = await store.client(p).zscore(p.due_key("assessment"), "acme/c1")
    assert due is not None
    async with archive(store_settings, engine=engine, now=START + DAY) as a:
        assert instant_of((await a.work()).next_due) == int(due)


@pytest.mark.requirement("A7", "A8")
async def test_evaluating_decides_now_and_shows_the_truth_of_each_condition(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings) as a:
        await a.create("c1")
        await buy(a, "c1", 100)
        answer = await a.stub.EvaluateCustomer(
            pb.EvaluateCustomerRequest(name=name("c1"), request_id="e1")
        )
        again = await a.stub.EvaluateCustomer(
            pb.EvaluateCustomerRequest(name=name("c1"), request_id="e1")
        )
    assert answer.customer.tier.tier == "C"
    assert again.customer.etag == answer.customer.etag
    truths = {(each.rule, each.holds) for each in answer.tier_conditions}
    assert ("key", False) in truths
    assert ("asleep", False) in {(each.rule, each.holds) for each in answer.stage_conditions}


async def test_a_decision_that_fails_keeps_the_last_one_and_is_tried_again(
    store_settings: StoreSettings,
) -> None:
    engine = FailingEngine({"standard": TRADE})
    async with archive(store_settings, engine=engine) as a:
        await a.create("c1", region="east")
        engine.failing = frozenset({Policy.TIERING, Policy.ADMISSION})
        await buy(a, "c1", 90_000_00)
        kept = await a.get("c1")
        in_chinese = await a.served.stub(type(a.stub), accept_language="zh").GetCustomer(
            pb.GetCustomerRequest(name=name("c1"))
        )
        fresh = await a.create("c2")
        retry = instant_of((await a.work()).next_due)
        engine.failing = frozenset()
        await due_by(a, retry)
        got, later = await a.get("c1"), await a.get("c2")
    assert kept.tier.tier == "C"
    assert kept.tier.decision.kept_because == "policy_error: it broke"
    assert in_chinese.tier.decision.kept_because == "policy_error：插件规则出错（it broke）"
    assert kept.stage.stage == "active"
    assert not fresh.tier.tier
    assert START < retry <= START + 60_000_000
    assert got.tier.tier == "key"
    assert not got.tier.decision.kept_because
    assert later.tier.tier == "C"


async def test_a_customer_waits_for_its_pool_while_admission_fails(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    engine = FailingEngine({"standard": TRADE})
    engine.failing = frozenset({Policy.ADMISSION})
    async with archive(store_settings, engine=engine) as a:
        await a.create("c1", region="east/shanghai")
        engine.failing = frozenset()
        await due_by(a, START + 3_600_000_000)
        facts = [
            events_pb2.CustomerFacts.FromString(event.payload) for event in await told(open_store)
        ]
    assert [(each.admission_pool, each.admission_rule) for each in facts] == [
        ("", ""),
        ("east", "east"),
    ]
    assert (facts[1].admission_reason, facts[1].admission_reason_zh) == ("in the east", "在华东")


async def test_the_pool_that_follows_is_told_and_told_anew_when_the_policy_gives_other_days(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    async with archive(store_settings) as a:
        await a.create("c1", region="north/harbin")
        for days in (30, 0):
            await a.apply_policy(
                f"version: 1\ndefault: {{plugin: standard, settings: {{north_days: {days}}}}}\n"
            )
            await due_by(a, START)
        facts = [
            events_pb2.CustomerFacts.FromString(event.payload) for event in await told(open_store)
        ]
    assert [
        (each.admission_pool, each.admission_then, each.admission_after_days) for each in facts
    ] == [("north", "common", 7), ("north", "common", 30), ("common", "", 0)]


async def test_a_new_policy_decides_on_all_customers_anew(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    async with archive(store_settings) as a:
        await a.stub.ImportCustomers(
            iter(
                [
                    pb.ImportCustomersRequest(
                        parent=PARENT,
                        rows=[
                            pb.ImportRow(
                                customer_id=f"c{n}",
                                customer=customer_pb2.Customer(display_name="x"),
                            )
                            for n in range(450)
                        ],
                    )
                ]
            )
        ).read()
        await a.stub.BatchRecordActivities(
            pb.BatchRecordActivitiesRequest(
                parent=PARENT,
                activities=[bought(f"c{n}", "p", 600, START - 6 * DAY) for n in range(0, 450, 3)],
            )
        )
        await a.apply_policy(STRICT)
        await due_by(a, START)
        listed = {stage: await _count(a, f'stage = "{stage}"') for stage in ("prospect", "dormant")}
        keys = await _count(a, 'tier = "key"')
        got = await a.get("c0")
        revisions = {
            events_pb2.CustomerFacts.FromString(event.payload).policy_revision
            for event in (await told(open_store))[-450:]
        }
    assert listed == {"prospect": 300, "dormant": 150}
    assert keys == 150
    assert got.tier.decision.revision == 1
    assert revisions == {1}


async def _count(a: Archive, filter_: str) -> int:
    found, token = 0, ""
    while True:
        page: Any = await a.stub.ListCustomers(
            pb.ListCustomersRequest(parent=PARENT, filter=filter_, page_size=1000, page_token=token)
        )
        found += len(page.customers)
        token = page.next_page_token
        if not token:
            return found


async def test_peer_16_days_are_the_tenants(store_settings: StoreSettings) -> None:
    midnight = at(2060, 4, 1)
    async with archive(store_settings, now=midnight) as a:
        await a.create("c1")
        # Half an hour before midnight in Shanghai is half past ten in the morning in Chicago.
        await buy(a, "c1", 100, midnight - 1_800_000_000)
        in_shanghai = (await a.get("c1")).metrics.facts["days_since_last_order"].int_value
        await a.apply_policy("version: 1\nzone: America/Chicago\ndefault: {plugin: standard}\n")
        await due_by(a, midnight)
        in_chicago = (await a.get("c1")).metrics.facts["days_since_last_order"].int_value
    assert (in_shanghai, in_chicago) == (1, 0)
