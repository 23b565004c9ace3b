"""Two levels of customers: no more, no loops, and a sponsor's sums are right at any moment."""

# ruff: noqa: ANN401 - keyword arguments are fields of whatever message

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import field_mask_pb2
from hypothesis import given
from hypothesis import strategies as st

from gonghai.archive.v1 import activity_pb2, customer_pb2
from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai.type.v1 import fact_pb2
from gonghai_archive.activities import Activity, Kind, Purchase
from gonghai_archive.commands.deciding import Desk
from gonghai_archive.commands.evaluate import AssessCustomers
from gonghai_archive.commands.record import NewActivity, RecordActivities
from gonghai_archive.consistency import RecordsAudit
from gonghai_archive.customers import Actor, Request
from gonghai_archive.lines import NOBODY, Part
from gonghai_archive.metrics import day_number
from gonghai_archive.policies import Assessor
from gonghai_archive.store import keys
from gonghai_archive.store.customers import CustomerStore
from gonghai_chassis.events import Cursor, EventStream
from gonghai_chassis.instants import timestamp
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.refusals import refused
from gonghai_engine import Engine
from gonghai_plugin import TEXT, Attribute, Rule, Text, Upline, first_hit, otherwise
from gonghai_plugin import host_facts as host
from gonghai_plugin.outcomes import Tier
from gonghai_plugin.policies import Tiering
from gonghai_policy_service import PolicyBook

from .archive import DAY, PARENT, START, Archive, archive, money, name
from .trade_plugin import TRADE

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings
    from gonghai_chassis.testing.plugin import OpenStore

ZONE = "Asia/Shanghai"
MUCH = 3_000_00
SPONSOR = Attribute("sponsor", TEXT, Text("sponsor", "上级"), minimum=1, maximum=63)


def tier(label: str, rank: int) -> Tier:
    return Tier(label, rank, Text(label, label))


TWO_LEVELS = replace(
    TRADE,
    sdk="1.1",
    attributes=(SPONSOR,),
    policies=(
        *(each for each in TRADE.policies if not isinstance(each, Tiering)),
        Tiering(
            first_hit(
                Rule(
                    "team",
                    host.DOWNLINE_AMOUNT_365D.at_least(MUCH),
                    tier("team", 90),
                    Text("its second level buys", "下级采购"),
                ),
                Rule(
                    "lively",
                    host.DOWNLINE_ACTIVE_90D.at_least(2),
                    tier("lively", 50),
                    Text("its second level is active", "下级活跃"),
                ),
                otherwise(tier("alone", 10), Text("little", "少")),
            )
        ),
    ),
    upline=Upline(SPONSOR),
)


def two_levels() -> Engine:
    return Engine({"standard": TWO_LEVELS})


def below(sponsor: str) -> dict[str, fact_pb2.Value]:
    return {"sponsor": fact_pb2.Value(string_value=sponsor)} if sponsor else {}


async def put_below(a: Archive, ident: str, sponsor: str) -> None:
    await a.stub.UpdateCustomer(
        pb.UpdateCustomerRequest(
            customer=customer_pb2.Customer(name=name(ident), attributes=below(sponsor)),
            update_mask=field_mask_pb2.FieldMask(paths=["attributes.sponsor"]),
        )
    )


async def quiet(a: Archive) -> None:
    async def nothing_due() -> bool:
        return (await a.work()).due == 0

    await eventually(nothing_due)


@dataclass
class Oracle:
    """What happened, kept so plainly that it cannot be wrong."""

    sponsors: dict[str, str]
    orders: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    returns: dict[str, tuple[str, int, int]] = field(default_factory=dict)

    def facts(self, sponsor: str, now: int) -> dict[str, int]:
        today = day_number(ZONE, now)
        members = [each for each, above in self.sponsors.items() if above == sponsor]

        def within(rows: dict[str, tuple[str, int, int]], days: int) -> list[tuple[str, int]]:
            return [
                (who, amount)
                for who, when, amount in rows.values()
                if who in members and today - day_number(ZONE, when) < days
            ]

        return {
            "downline_members": len(members),
            "downline_active_90d": len({who for who, _ in within(self.orders, 90)}),
            "downline_amount_365d": sum(amount for _, amount in within(self.orders, 365))
            - sum(amount for _, amount in within(self.returns, 365)),
        }

    def tier(self, sponsor: str, now: int) -> str:
        facts = self.facts(sponsor, now)
        if facts["downline_amount_365d"] >= MUCH:
            return "team"
        return "lively" if facts["downline_active_90d"] >= 2 else "alone"


@dataclass
class Story:
    """Things that happen by chance."""

    a: Archive
    chance: random.Random
    ids: list[str]
    truth: Oracle
    now: int = START
    told: int = 0

    async def happens(self) -> None:
        happening = self.chance.choice(
            [self.buys, self.buys, self.buys, self.returns, self.corrects, self.moves, self.passes]
        )
        await happening()

    async def record(self, who: str, when: int, corrects: str = "", **what: Any) -> str:
        self.told += 1
        ident = f"a{self.told}"
        await self.a.stub.RecordActivity(
            pb.RecordActivityRequest(
                parent=name(who),
                activity_id=ident,
                activity=activity_pb2.Activity(
                    occur_time=timestamp(when), corrects=corrects, **what
                ),
            )
        )
        return ident

    async def buys(self) -> None:
        who, amount = self.chance.choice(self.ids), self.chance.randrange(1, 2_000_00)
        when = self.now - self.chance.choice((0, 0, 1, 40, 89, 90, 300, 364, 365, 380)) * DAY
        ident = await self.record(who, when, purchase=activity_pb2.Purchase(amount=money(amount)))
        self.truth.orders[ident] = (who, when, amount)

    async def returns(self) -> None:
        who, amount = self.chance.choice(self.ids), self.chance.randrange(1, 500_00)
        ident = await self.record(
            who, self.now, purchase_return=activity_pb2.PurchaseReturn(amount=money(amount))
        )
        self.truth.returns[ident] = (who, self.now, amount)

    async def corrects(self) -> None:
        if not self.truth.orders:
            return
        wrong = self.chance.choice(sorted(self.truth.orders))
        who, when, _ = self.truth.orders.pop(wrong)
        amount = self.chance.choice((0, self.chance.randrange(1, 2_000_00)))
        ident = await self.record(
            who, when, wrong, purchase=activity_pb2.Purchase(amount=money(amount))
        )
        if amount:
            self.truth.orders[ident] = (who, when, amount)

    async def moves(self) -> None:
        who, above = self.chance.choice(self.ids), self.chance.choice(["", *self.ids])
        sponsors = self.truth.sponsors
        if above and (who == above or who in sponsors.values() or above in sponsors):
            if sponsors.get(who) != above:
                assert (await refused(put_below(self.a, who, above))).reason == "INVALID_ATTRIBUTE"
            return
        await put_below(self.a, who, above)
        sponsors.pop(who, None)
        if above:
            sponsors[who] = above

    async def passes(self) -> None:
        self.now += self.chance.choice((1, 5, 30, 89, 90)) * DAY
        await self.a.set_clock(self.now)

    async def agrees(self) -> None:
        await quiet(self.a)
        for ident in self.ids:
            got = await self.a.get(ident)
            expected = self.truth.facts(ident, self.now)
            assert got.tier.tier == self.truth.tier(ident, self.now)
            await self.a.stub.EvaluateCustomer(pb.EvaluateCustomerRequest(name=name(ident)))
            got = await self.a.get(ident)
            assert {each: got.metrics.facts[each].int_value for each in expected} == expected


@pytest.mark.requirement("D3")
@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_a_sponsors_facts_are_what_its_second_level_adds_up_to(
    seed: int, store_settings: StoreSettings, open_store: OpenStore
) -> None:
    async with archive(store_settings, engine=two_levels()) as a:
        ids = [f"c{number}" for number in range(6)]
        story = Story(a, random.Random(seed), ids, Oracle({}))
        for ident in ids:
            await a.create(ident)
        for who, above in (("c3", "c0"), ("c4", "c0"), ("c5", "c1")):
            await put_below(a, who, above)
            story.truth.sponsors[who] = above
        for _ in range(12):
            for _ in range(5):
                await story.happens()
            await story.agrees()
    store = await open_store("archive")
    assert (await RecordsAudit(store)(store.partition("acme"))).findings == []


@pytest.mark.requirement("D3")
async def test_a_sponsor_that_cannot_be_one_is_refused_naming_the_attribute(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings, engine=two_levels()) as a:
        await a.create("first")
        await a.create("second", attributes=below("first"))
        await a.create("other")
        errors = [
            await refused(a.create("new", attributes=below("nobody"))),
            await refused(a.create("new", attributes=below("second"))),
            await refused(a.create("new", attributes=below("new"))),
            await refused(put_below(a, "other", "other")),
            await refused(put_below(a, "first", "other")),
        ]
        # A change of something else leaves it where it stands.
        await a.stub.UpdateCustomer(
            pb.UpdateCustomerRequest(
                customer=customer_pb2.Customer(name=name("second"), source="fair"),
                update_mask=field_mask_pb2.FieldMask(paths=["source"]),
            )
        )
        await quiet(a)
        got = await a.get("first")
    assert {error.reason for error in errors} == {"INVALID_ATTRIBUTE"}
    assert {error.metadata["attribute"] for error in errors} == {"sponsor"}
    assert got.metrics.facts["downline_members"].int_value == 1


@pytest.mark.requirement("D3")
async def test_of_two_that_would_make_three_levels_together_one_is_refused(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings, engine=two_levels()) as a:
        for ident in ("a", "b", "c"):
            await a.create(ident)
        for _ in range(5):
            outcomes = await asyncio.gather(
                put_below(a, "a", "b"), put_below(a, "c", "a"), return_exceptions=True
            )
            assert [outcome is None for outcome in outcomes].count(True) == 1
            await put_below(a, "a", "")
            await put_below(a, "c", "")


async def test_until_the_sponsor_is_decided_on_the_stream_promises_nothing_more(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    engine = two_levels()
    async with archive(store_settings, engine=engine) as a:
        await a.create("first")
        await a.create("second", attributes=below("first"))
        await quiet(a)
    # Nobody sweeps from here on.
    store = await open_store("archive")
    p = store.partition("acme")
    book = PolicyBook(store, engine)
    customers = CustomerStore(store, book)
    desk = Desk(customers, book, Assessor(engine))
    before = (await customers.load("acme", ["first"])).customers[0]
    order = Activity("a1", Kind.PURCHASE, START, Purchase(MUCH))
    await RecordActivities(desk).one(
        "acme", NewActivity("second", order), actor=Actor("dev:local"), request=Request()
    )
    due = await store.client(p).zscore(p.due_key(keys.ASSESSMENT), "acme/first")
    assert due == START
    batch = await EventStream(store, (keys.ASSESSMENT,)).read(p, Cursor.START, limit=100)
    assert batch.changes_through <= START
    # What was decided on what the second level was before does not count as done.
    assert before is not None
    policy = await desk.policy("acme", None, None)
    stale = await desk.decide(
        policy, [(before, before, [])], now=START, actor=Actor("dev:local"), what="assess"
    )
    reply, _ = await customers.assess(stale[0], Request(), deadline=None)
    assert reply.status == "ok"
    assert await store.client(p).zscore(p.due_key(keys.ASSESSMENT), "acme/first") == START
    await AssessCustomers(desk)("acme", ["first"])
    later = await store.client(p).zscore(p.due_key(keys.ASSESSMENT), "acme/first")
    assert later is None or later > START
    after = (await customers.load("acme", ["first"])).customers[0]
    assert after is not None
    assert after.assessment.tier is not None
    assert after.assessment.tier.name == "team"
    assert PARENT in str(after.name)


PARTS = st.builds(
    Part,
    st.just("s"),
    st.none() | st.integers(900, 1000),
    st.dictionaries(st.integers(900, 1000), st.integers(-9, 9)).map(
        lambda days: tuple(sorted((day, value) for day, value in days.items() if value))
    ),
)


@given(st.lists(st.tuples(st.integers(0, 4), st.none() | PARTS), max_size=20))
def test_parts_that_come_and_go_in_any_order_add_up(changes: list[tuple[int, Part | None]]) -> None:
    downline, parts = NOBODY, dict[int, Part]()
    for who, part in changes:
        gone = parts.pop(who, None)
        if part is not None:
            parts[who] = part
        if gone is not None or part is not None:
            downline = downline.changed(gone, part, 1000, 5)
    facts = downline.facts(1000)
    assert facts["downline_members"] == len(parts)
    assert facts["downline_amount_365d"] == sum(
        value for part in parts.values() for _, value in part.amounts
    )
    assert facts["downline_active_90d"] == sum(
        part.last_order is not None and 1000 - part.last_order < 90 for part in parts.values()
    )
