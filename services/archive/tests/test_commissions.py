"""Commissions: statements add up to what the orders pay, whatever happened in which order."""

# ruff: noqa: ANN401 - keyword arguments are fields of whatever message

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonghai.archive.v1 import activity_pb2
from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai.pool.v1 import custody_pb2, events_pb2
from gonghai_archive.activities import Activity, Kind, Purchase, PurchaseReturn
from gonghai_archive.commissions import (
    Account,
    Terms,
    admitted,
    difference,
    paid,
    period_of,
    undecided,
)
from gonghai_archive.consistency import RecordsAudit
from gonghai_archive.servicers import commissions as servicer
from gonghai_archive.store import keys
from gonghai_chassis.instants import timestamp
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.refusals import refused
from gonghai_engine import (
    Decision,
    DecisionFailure,
    DecisionRequest,
    Engine,
    FailureCause,
    Policy,
)
from gonghai_engine.calendar import Calendar
from gonghai_plugin import Rule, Text, first_hit, otherwise
from gonghai_plugin import host_facts as host
from gonghai_plugin.outcomes import Commission
from gonghai_plugin.policies import Incentives

from .archive import DAY, PARENT, START, Archive, archive, at, money, name
from .test_lines import TWO_LEVELS, below, put_below, quiet
from .test_masking import heard

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from gonghai_chassis.store import StoreSettings
    from gonghai_chassis.testing.plugin import OpenStore

OWN, SPONSORS, SHOP = 250, 333, 1000

PAYING = replace(
    TWO_LEVELS,
    sdk="1.2",
    policies=(
        *TWO_LEVELS.policies,
        Incentives(
            first_hit(
                Rule(
                    "free",
                    host.ACTIVITY_SALES_CHANNEL.equals("clearance"),
                    Commission(),
                    Text("clearance pays nothing", "清仓不计佣"),
                ),
                Rule(
                    "shop",
                    host.ACTIVITY_SALES_CHANNEL.equals("shop"),
                    Commission(own_basis_points=SHOP),
                    Text("{activity_amount} in a shop", "门店{activity_amount}"),
                ),
                otherwise(
                    Commission(own_basis_points=OWN, sponsor_basis_points=SPONSORS),
                    Text("an order", "订单"),
                ),
            )
        ),
    ),
)


_MOODY = FailureCause.ENGINE_ERROR


@dataclass
class Moody(Engine):
    """An engine that cannot decide what orders pay while it is told not to."""

    failing: bool = False

    def __init__(self) -> None:
        super().__init__({"standard": PAYING})

    async def decide(self, requests: Sequence[DecisionRequest]) -> list[Decision | DecisionFailure]:
        made = await super().decide(requests)
        if not self.failing:
            return made
        return [
            DecisionFailure(each.subject, each.policy, _MOODY, "moody", "", 0, each.at)
            if each.policy is Policy.INCENTIVES
            else each
            for each in made
        ]


async def record(
    a: Archive, ident: str, activity: str, *, when: int | None = None, **what: Any
) -> activity_pb2.Activity:
    made: activity_pb2.Activity = await a.stub.RecordActivity(
        pb.RecordActivityRequest(
            parent=name(ident),
            activity_id=activity,
            activity=activity_pb2.Activity(occur_time=timestamp(when), **what),
        )
    )
    return made


def bought(amount: int) -> activity_pb2.Purchase:
    return activity_pb2.Purchase(amount=money(amount))


def gave_back(amount: int, purchase: str = "") -> activity_pb2.PurchaseReturn:
    return activity_pb2.PurchaseReturn(amount=money(amount), purchase=purchase)


async def statement(
    a: Archive, ident: str, period: str = "2060-03", **what: Any
) -> pb.CommissionStatement:
    found: pb.CommissionStatement = await a.stub.GetCommissionStatement(
        pb.GetCommissionStatementRequest(customer=name(ident), period=period, **what)
    )
    return found


def minor(amount: Any) -> int:
    return int(amount.units * 100 + amount.nanos // 10_000_000)


async def total(a: Archive, ident: str, period: str = "2060-03") -> int:
    return minor((await statement(a, ident, period)).total)


async def team(a: Archive) -> None:
    await a.create("s1")
    await a.create("s2")
    await a.create("d1", attributes=below("s1"))


async def waits(a: Archive, *idents: str, period: str = "2060-03") -> list[int]:
    return [(await statement(a, each, period)).undecided_orders for each in idents]


async def listed(
    a: Archive, *, size: int = 50, principal: str = "", period: str = "2060-03"
) -> tuple[list[pb.CommissionStatement], int]:
    """The statements of a month, and on how many pages they came."""
    stub = a.as_(principal) if principal else a.stub
    found: list[pb.CommissionStatement] = []
    token, pages = "", 0
    while token or not pages:
        page = await stub.ListCommissionStatements(
            pb.ListCommissionStatementsRequest(
                parent=PARENT, period=period, page_size=size, page_token=token
            )
        )
        assert len(page.statements) <= size
        found += page.statements
        token, pages = page.next_page_token, pages + 1
    return found, pages


async def sound(open_store: OpenStore) -> None:
    store = await open_store("archive")
    assert (await RecordsAudit(store)(store.partition("acme"))).findings == []


# What happens.


@pytest.mark.requirement("D3")
async def test_an_order_pays_its_customer_and_its_sponsor_and_says_why(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    async with archive(store_settings, engine=Moody()) as a:
        await team(a)
        made = await record(a, "d1", "p1", purchase=bought(999_99))
        again = await record(a, "d1", "p1", when=START, purchase=bought(999_99))
        await record(a, "d1", "p2", purchase=bought(100_00), sales_channel="shop")
        own = await statement(a, "d1")
        sponsors = await statement(a, "s1")
        elsewhere = await statement(a, "s2")
        chinese = await a.served.stub(type(a.stub), accept_language="zh").GetCommissionStatement(
            pb.GetCommissionStatementRequest(customer=name("s1"), period="2060-03")
        )
    assert again == made
    assert [minor(line.amount) for line in own.lines] == [999_99 * OWN // 10_000, 10_00]
    assert [line.rule for line in own.lines] == ["otherwise", "shop"]
    assert own.lines[1].reason == "100.00 in a shop"
    (line,) = sponsors.lines
    assert line.activity == f"{name('d1')}/activities/p1"
    assert (minor(line.basis), line.basis_points) == (999_99, SPONSORS)
    assert minor(line.amount) == 999_99 * SPONSORS // 10_000 == minor(sponsors.total)
    assert line.amount.currency_code == "CNY"
    assert chinese.lines[0].reason == "订单"
    assert (len(elsewhere.lines), minor(elsewhere.total)) == (0, 0)
    await sound(open_store)


@pytest.mark.requirement("D3")
async def test_a_return_takes_back_what_its_purchase_paid_and_no_more(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    async with archive(store_settings, engine=Moody()) as a:
        await team(a)
        await record(a, "d1", "p1", purchase=bought(1_000_00))
        # Another sponsor by now: it is taken back from the one who was paid.
        await put_below(a, "d1", "s2")
        await record(a, "d1", "r1", purchase_return=gave_back(400_00, "p1"))
        after_one = [await total(a, each) for each in ("d1", "s1", "s2")]
        await record(a, "d1", "r2", purchase_return=gave_back(900_00, "p1"))
        await record(a, "d1", "r3", purchase_return=gave_back(10_00, "p1"))
        after_all = [await total(a, each) for each in ("d1", "s1", "s2")]
        await record(a, "d1", "r4", purchase_return=gave_back(100_00))
        nameless = [await total(a, each) for each in ("d1", "s1", "s2")]
        lines = (await statement(a, "s1")).lines
    assert after_one == [15_00, 600_00 * SPONSORS // 10_000, 0]
    assert after_all == [0, 0, 0]
    assert nameless == [-2_50, 0, -3_33]
    assert lines[1].reason == "takes back what p1 paid"
    await sound(open_store)


@pytest.mark.requirement("D3")
async def test_a_correction_takes_the_place_of_what_it_corrects(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    february = at(2060, 2, 28, 23)
    async with archive(store_settings, engine=Moody()) as a:
        await team(a)
        await record(a, "d1", "p1", when=february, purchase=bought(1_000_00))
        await record(a, "d1", "r1", purchase_return=gave_back(400_00, "p1"))
        await put_below(a, "d1", "s2")
        await record(a, "d1", "p2", when=START, purchase=bought(200_00), corrects="p1")
        months = [await total(a, "d1", each) for each in ("2060-02", "2060-03")]
        sponsors = [await total(a, each) for each in ("s1", "s2")]
        await record(a, "d1", "r2", purchase_return=gave_back(50_00, "p1"), corrects="r1")
        less = await total(a, "s1")
        lines = (await statement(a, "d1", "2060-02")).lines
    # All of it was given back: 200 of the 400, for there is no more.
    assert months == [0, 0]
    assert sponsors == [0, 0]
    assert less == 200_00 * SPONSORS // 10_000 - 50_00 * SPONSORS // 10_000
    assert [minor(line.amount) for line in lines] == [25_00, -25_00]
    assert lines[1].reason == "p2 corrects it"
    await sound(open_store)


@pytest.mark.requirement("D3")
async def test_what_cannot_be_decided_books_nothing_and_is_caught_up(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    engine = Moody()
    async with archive(store_settings, engine=engine) as a:
        await team(a)
        engine.failing = True
        await record(a, "d1", "p1", purchase=bought(1_000_00))
        await record(a, "d1", "r1", purchase_return=gave_back(100_00, "p1"))
        await put_below(a, "d1", "s2")
        before = [await total(a, each) for each in ("d1", "s1", "s2")]
        waiting = await waits(a, "d1", "s1", "s2")
        month, _ = await listed(a)
        await sound(open_store)
        engine.failing = False
        await a.set_clock(START + 10 * 60_000_000)
        await quiet(a)
        after = [await total(a, each) for each in ("d1", "s1", "s2")]
        still = await waits(a, "d1", "s1", "s2")
        await a.set_clock(START + DAY)
        await quiet(a)
        later = [await total(a, each) for each in ("d1", "s1", "s2")]
    assert before == [0, 0, 0]
    # The purchase, and the return that takes back of it.
    assert waiting == [2, 2, 0]
    assert still == [0, 0, 0]
    assert [(each.customer, each.line_count, each.undecided_orders) for each in month] == [
        (name("d1"), 0, 2),
        (name("s1"), 0, 2),
    ]
    assert after == later == [22_50, 1_000_00 * SPONSORS // 10_000 - 3_33, 0]
    await sound(open_store)


@pytest.mark.requirement("D3")
async def test_an_order_that_waits_does_so_in_its_own_month_until_it_is_corrected_or_decided(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    engine = Moody()
    engine.failing = True
    february = at(2060, 2, 28, 23)

    async def of_both(a: Archive) -> list[list[int]]:
        return [await waits(a, "d1", "s1", period=each) for each in ("2060-02", "2060-03")]

    async with archive(store_settings, engine=engine) as a:
        await team(a)
        await record(a, "d1", "p1", when=february, purchase=bought(1_000_00))
        await record(a, "d1", "r1", purchase_return=gave_back(400_00, "p1"))
        both = await of_both(a)
        # What corrects them waits in their place, and nothing does twice.
        await record(a, "d1", "p2", when=START, purchase=bought(200_00), corrects="p1")
        corrected = await of_both(a)
        await record(a, "d1", "r2", purchase_return=gave_back(0), corrects="r1")
        engine.failing = False
        # Whatever else changes the customer tries as well.
        await put_below(a, "d1", "s2")
        decided = await of_both(a)
    assert both == [[1, 1], [1, 1]]
    assert corrected == [[0, 0], [2, 2]]
    assert decided == [[0, 0], [0, 0]]
    await sound(open_store)


async def test_an_order_that_waited_before_this_was_noted_is_noted_when_it_is_tried_again(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    engine = Moody()
    async with archive(store_settings, engine=engine) as a:
        await team(a)
        engine.failing = True
        await record(a, "d1", "p1", purchase=bought(100_00))
        store = await open_store("archive")
        p = store.partition("acme")
        for ident in ("d1", "s1"):
            await store.client(p).delete(f"{keys.undecided(p, 'acme')}:{ident}")
        before = await waits(a, "d1", "s1")
        await a.stub.EvaluateCustomer(pb.EvaluateCustomerRequest(name=name("d1")))
        after = await waits(a, "d1", "s1")
    assert (before, after) == ([0, 0], [1, 1])
    await sound(open_store)


@pytest.mark.requirement("D3")
async def test_everybody_who_earns_in_a_month_is_listed_once(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servicer, "_SCAN", 3)
    async with archive(store_settings, engine=Moody()) as a:
        await team(a)
        for place in range(4):
            await a.create(f"n{place}")
        for place in range(5):
            await a.create(f"e{place}", attributes=below("s1"))
            await record(a, f"e{place}", "p", purchase=bought(100_00 + place))
        # What pays nothing is no line, and what came to nothing is one.
        await record(a, "n0", "p", purchase=bought(100_00), sales_channel="clearance")
        await record(a, "d1", "p", purchase=bought(100_00))
        await record(a, "d1", "r", purchase_return=gave_back(100_00, "p"))
        await record(a, "n1", "p", when=at(2060, 2, 28), purchase=bought(100_00))
        found, pages = await listed(a, size=2)
        at_once, _ = await listed(a)
        singly = [await statement(a, each.customer.rpartition("/")[2]) for each in found]
        before, _ = await listed(a, period="2060-02")
        token = (
            await a.stub.ListCommissionStatements(
                pb.ListCommissionStatementsRequest(parent=PARENT, period="2060-03", page_size=2)
            )
        ).next_page_token
        other = await refused(
            a.stub.ListCommissionStatements(
                pb.ListCommissionStatementsRequest(
                    parent=PARENT, period="2060-02", page_token=token
                )
            )
        )
    assert [each.customer for each in found] == [
        name(each) for each in ("d1", "e0", "e1", "e2", "e3", "e4", "s1")
    ]
    assert pages > 3
    assert at_once == found
    for each in singly:
        del each.lines[:]
    assert singly == found
    assert minor(found[0].total) == 0 < found[0].line_count
    assert [each.customer for each in before] == [name("n1")]
    assert other.code is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.requirement("A16", "D3")
async def test_the_number_of_pages_tells_of_nobody_who_is_not_there_for_the_caller(
    store_settings: StoreSettings,
) -> None:
    idents = ("secretary", "d1", "secrecy", "d2", "secret")
    async with archive(store_settings, engine=Moody()) as a:
        for ident in idents:
            await a.create(ident)
            await record(a, ident, "p", purchase=bought(100_00))
            rep = "zhao" if ident in {"d1", "d2"} else "wang"
            await a.beside.pool.custody("acme", ident, 1, "HELD", owner=rep)
        for ident in idents:
            await heard(a, ident, 1)
        for request, method in (
            (pb.ListCommissionStatementsRequest(period="2060-03"), "ListCommissionStatements"),
            (pb.ListCustomersRequest(order_by="create_time"), "ListCustomers"),
        ):
            tokens: list[str] = []
            stub = a.as_("partner:zhao@acme")
            request.parent, request.page_size = PARENT, 1
            for ident in ("d1", "d2"):
                page = await getattr(stub, method)(request)
                (shown,) = page.statements if "Statements" in method else page.customers
                assert name(ident) == (shown.customer if "Statements" in method else shown.name)
                request.page_token = page.next_page_token
                tokens.append(page.next_page_token)
            assert tokens[0]
            assert tokens[1] == ""


@pytest.mark.requirement("D3")
async def test_a_replica_goes_on_where_another_one_has_ended_a_page(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings, engine=Moody()) as a:
        await team(a)
        async with archive(store_settings, engine=Moody()) as b:
            first = await a.stub.ListCustomers(pb.ListCustomersRequest(parent=PARENT, page_size=1))
            rest = await b.stub.ListCustomers(
                pb.ListCustomersRequest(parent=PARENT, page_token=first.next_page_token)
            )
    assert len(first.customers) == 1
    assert len(rest.customers) == 2


async def test_an_industry_without_commissions_keeps_nothing_of_them(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    async with archive(store_settings) as a:
        await a.create("c1")
        await record(a, "c1", "p1", purchase=bought(1_000_00))
        await record(a, "c1", "r1", purchase_return=gave_back(10_00, "p1"))
        found = await statement(a, "c1")
    assert (found.line_count, minor(found.total)) == (0, 0)
    store = await open_store("archive")
    p = store.partition("acme")
    assert not await store.client(p).exists(keys.commissions(p, "acme", "c1"))


async def test_a_statement_is_paged_and_bound_to_its_month(store_settings: StoreSettings) -> None:
    async with archive(store_settings, engine=Moody()) as a:
        await team(a)
        for place in range(5):
            await record(a, "d1", f"p{place}", purchase=bought(100_00 + place))
        first = await statement(a, "s1", page_size=2)
        seen = [line.activity for line in first.lines]
        token = first.next_page_token
        while token:
            page = await statement(a, "s1", page_size=2, page_token=token)
            assert (page.line_count, page.total) == (first.line_count, first.total)
            seen += [line.activity for line in page.lines]
            token = page.next_page_token
        other = await refused(statement(a, "s1", "2060-02", page_token=first.next_page_token))
        missing = await refused(statement(a, "nobody"))
        wrong = await refused(statement(a, "s1", "2060-13"))
    assert seen == [f"{name('d1')}/activities/p{place}" for place in range(5)]
    assert other.code is wrong.code is grpc.StatusCode.INVALID_ARGUMENT
    assert missing.code is grpc.StatusCode.NOT_FOUND


@pytest.mark.requirement("A16", "D3")
async def test_only_who_works_on_a_customer_reads_what_it_earns(
    store_settings: StoreSettings,
) -> None:
    request = pb.GetCommissionStatementRequest(customer=name("s1"), period="2060-03")
    async with archive(store_settings, engine=Moody()) as a:
        await team(a)
        await a.beside.pool.custody("acme", "s1", 1, "HELD", owner="wang")

        async def reads(principal: str) -> bool:
            try:
                await a.as_(principal).GetCommissionStatement(request)
            except grpc.aio.AioRpcError:
                return False
            return True

        async def heard() -> bool:
            return await reads("rep:wang@acme")

        await eventually(heard)
        await record(a, "d1", "p1", purchase=bought(100_00))
        for principal, sees in (
            ("rep:wang@acme", ["s1"]),
            ("partner:wang@acme", ["s1"]),
            ("rep:zhao@acme", []),
            ("reader:audit@acme", ["d1", "s1"]),
            ("integrator:erp@acme", ["d1", "s1"]),
        ):
            month, _ = await listed(a, principal=principal)
            assert [each.customer for each in month] == [name(each) for each in sees], principal
        assert await reads("partner:wang@acme")
        assert await reads("reader:audit@acme")
        stranger = await refused(a.as_("rep:zhao@acme").GetCommissionStatement(request))
        partner = await refused(a.as_("partner:zhao@acme").GetCommissionStatement(request))
        elsewhere = await refused(a.as_("rep:wang@other").GetCommissionStatement(request))
    assert stranger.code is elsewhere.code is grpc.StatusCode.PERMISSION_DENIED
    assert partner.code is grpc.StatusCode.NOT_FOUND


@pytest.mark.requirement("A16", "D3")
async def test_a_list_that_is_short_for_doubt_says_so(store_settings: StoreSettings) -> None:
    async with archive(store_settings, engine=Moody()) as a:
        await team(a)
        await record(a, "d1", "p1", purchase=bought(100_00))
        for ident, rep in (("s1", "wang"), ("d1", "zhao")):
            await a.beside.pool.custody("acme", ident, 1, "HELD", owner=rep)

        async def pages(principal: str) -> tuple[set[str], bool, set[str], bool]:
            stub = a.as_(principal)
            earned = await stub.ListCommissionStatements(
                pb.ListCommissionStatementsRequest(parent=PARENT, period="2060-03")
            )
            there = await stub.ListCustomers(pb.ListCustomersRequest(parent=PARENT))
            return (
                {each.customer.rpartition("/")[2] for each in earned.statements},
                earned.incomplete,
                {each.name.rpartition("/")[2] for each in there.customers},
                there.incomplete,
            )

        whole = {"s1", "d1"}, False, {"s1", "s2", "d1"}, False

        async def known() -> bool:
            # Of s2 pool has not told anything yet.
            return await pages("partner:wang@acme") == ({"s1"}, False, {"s1"}, True)

        await eventually(known)
        await a.beside.pool.custody("acme", "s2", 1, "HELD", owner="zhao")
        await eventually(lambda: _equal(pages("partner:wang@acme"), ({"s1"}, False, {"s1"}, False)))
        # Of a state that this version does not know: what comes after it waits.
        unknown = custody_pb2.Custody(customer=name("s1"), state=99)  # type: ignore[arg-type]
        told = events_pb2.CustodyChanged(custody=unknown)
        await a.beside.pool.stream.tell("acme", "s1", 2, custody_changed=told)
        await eventually(lambda: _equal(pages("partner:wang@acme"), (set(), True, set(), True)))
        assert await pages("partner:zhao@acme") == ({"d1"}, True, {"d1", "s2"}, True)
        # A rep may know of all customers, in doubt masked; nobody with all rights has doubts.
        assert await pages("rep:zhao@acme") == ({"d1"}, True, {"s1", "s2", "d1"}, False)
        assert await pages("reader:audit@acme") == whole
        assert await pages("integrator:erp@acme") == whole


async def _equal(answer: Awaitable[object], expected: object) -> bool:
    return await answer == expected


# The law: whatever happens, the sums are those of a plain oracle.


@dataclass
class Plain:
    """What orders pay in the end, worked out so plainly that it cannot be wrong."""

    rates: dict[str, tuple[int, int]]
    sponsors: dict[str, str]
    sums: Counter[str] = field(default_factory=Counter)

    def of(self, buyer: str, activities: Sequence[Activity]) -> Counter[str]:
        gone = {each.corrects: each.id for each in activities if each.corrects}

        def now(ident: str) -> str:
            return now(gone[ident]) if ident in gone else ident

        alive = [each for each in activities if each.id not in gone]
        bought_ = {each.id: each.content[0] for each in alive if each.kind == Kind.PURCHASE}
        back: Counter[str] = Counter()
        for each in alive:
            if each.kind == Kind.PURCHASE:
                self._pay(buyer, each.id, each.content[0], 1)
            elif not each.content[1]:
                self._pay(buyer, each.id, each.content[0], -1)
            else:
                back[now(each.content[1])] += each.content[0]
        for ident, amount in back.items():
            if ident in bought_:
                self._pay(buyer, ident, min(amount, bought_[ident]), -1)
        return self.sums

    def _pay(self, buyer: str, ident: str, amount: int, sign: int) -> None:
        own, sponsors = self.rates.get(ident, (0, 0))
        self.sums[buyer] += sign * (amount * own // 10_000)
        if self.sponsors.get(ident):
            self.sums[self.sponsors[ident]] += sign * (amount * sponsors // 10_000)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_statements_add_up_to_what_orders_pay(data: st.DataObject) -> None:
    calendar = Calendar()
    activities: list[Activity] = []
    terms: dict[str, Terms] = {}
    rates: dict[str, tuple[int, int]] = {}
    booked: Counter[str] = Counter()
    by_order: Counter[Account] = Counter()
    for place in range(data.draw(st.integers(1, 14))):
        before = paid("d1", activities, terms)
        if data.draw(st.integers(0, 9)):
            activities.append(_happening(data, place, activities))
        sponsor = data.draw(st.sampled_from(("", "s1", "s2")))
        for each in admitted(activities, terms, pays=True, sponsor=sponsor, calendar=calendar):
            terms[each.activity] = each
        for each in list(terms.values()):
            # Some are decided only later.
            if each.own is None and data.draw(st.booleans()):
                rate = data.draw(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)))
                rates[each.activity] = rate
                terms[each.activity] = each._replace(own=rate[0], sponsors=rate[1])
        after = paid("d1", activities, terms)
        # Whatever is decided only later: nothing is booked but what was said to wait.
        every = {
            each: by._replace(own=7, sponsors=9) for each, by in terms.items() if by.own is None
        }
        then = paid("d1", activities, {**terms, **every})
        waiting = undecided("d1", activities, terms)
        assert {each for each in then if then[each] != after.get(each)} <= waiting
        assert {each.activity for each in waiting} <= {each.id for each in activities}
        assert not undecided("d1", activities, {**terms, **every})
        for entry in difference("d1", activities, before, after, {}):
            booked[entry.beneficiary] += entry.amount
            by_order[Account(entry.beneficiary, entry.period, entry.activity)] += entry.amount
        activities = [each._replace(recorded=1) for each in activities]
        plain = Plain(rates, {each: by.sponsor for each, by in terms.items()})
        assert +booked == +plain.of("d1", activities)
        assert -booked == -plain.sums
    assert {account: amount for account, amount in by_order.items() if amount} == {
        account: each.amount
        for account, each in paid("d1", activities, terms).items()
        if each.amount
    }


def _happening(data: st.DataObject, place: int, activities: Sequence[Activity]) -> Activity:
    """Draw what happens next: a purchase, a return, or the correction of one of them."""
    ident = f"a{place}"
    amount = data.draw(st.integers(0, 50_000))
    gone = {each.corrects for each in activities}
    open_ = [each for each in activities if each.id not in gone]
    wrong = bool(open_) and data.draw(st.booleans())
    old = data.draw(st.sampled_from(open_)) if wrong else None
    kind = old.kind if old else data.draw(st.sampled_from((Kind.PURCHASE, Kind.PURCHASE_RETURN)))
    when = START + data.draw(st.integers(-60, 0)) * DAY
    corrects = old.id if old else ""
    if kind == Kind.PURCHASE:
        return Activity(ident, kind, when, Purchase(amount), corrects=corrects)
    # Also of purchases that come later, and of what is none.
    named = data.draw(st.sampled_from(("", *(f"a{each}" for each in range(14)))))
    return Activity(ident, kind, when, PurchaseReturn(amount, named), corrects=corrects)


async def test_statements_add_up_through_the_whole_service(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    chance = random.Random(11)
    engine = Moody()
    activities: dict[str, list[Activity]] = {"d1": [], "d2": []}
    sponsors: dict[str, str] = {}
    above = {"d1": "s1", "d2": "s1"}
    async with archive(store_settings, engine=engine) as a:
        await team(a)
        await a.create("d2", attributes=below("s1"))
        for place in range(40):
            engine.failing = chance.random() < 0.2
            if chance.random() < 0.1:
                buyer = chance.choice(["d1", "d2"])
                above[buyer] = chance.choice(["s1", "s2"])
                await put_below(a, buyer, above[buyer])
            buyer = chance.choice(["d1", "d2"])
            mine = activities[buyer]
            ident, amount = f"a{place}", chance.randrange(100_000)
            gone = {each.corrects for each in mine}
            open_ = [each for each in mine if each.id not in gone]
            old = chance.choice(open_) if open_ and chance.random() < 0.3 else None
            kind = old.kind if old else chance.choice([Kind.PURCHASE, Kind.PURCHASE_RETURN])
            corrects = old.id if old else ""
            named = chance.choice([each.id for each in mine] or [""])
            what: dict[str, Any] = (
                {"purchase": bought(amount)}
                if kind == Kind.PURCHASE
                else {"purchase_return": gave_back(amount, named)}
            )
            for _ in range(chance.choice([1, 2])):
                await record(a, buyer, ident, when=START, corrects=corrects, **what)
            content = Purchase(amount) if kind == Kind.PURCHASE else PurchaseReturn(amount, named)
            mine.append(Activity(ident, kind, START, content, corrects=corrects))
            sponsors[ident] = sponsors[corrects] if corrects else above[buyer]
        engine.failing = False
        await a.set_clock(START + 3 * 3_600_000_000)
        await quiet(a)
        plain: Counter[str] = Counter()
        for buyer, mine in activities.items():
            rates = {each.id: (OWN, SPONSORS) for each in mine}
            plain.update(Plain(rates, sponsors).of(buyer, mine))
        for who in ("d1", "d2", "s1", "s2"):
            assert await total(a, who) == plain[who]
    await sound(open_store)


def test_a_month_is_the_tenants() -> None:
    assert period_of(Calendar(), at(2060, 3, 1) - 1) == "2060-02"
    assert period_of(Calendar(), at(2060, 3, 1)) == "2060-03"


BREAKS: dict[str, tuple[Callable[[Any, Any], Awaitable[object]], str]] = {
    "a line that is gone": (
        lambda c, p: c.lpop(f"{keys.statements(p, 'acme')}:s1:2060-03"),
        "acme/s1: commissions of 2060-03: d1/p1 is booked at 0, and pays 333",
    ),
    "a line booked twice": (
        lambda c, p: c.lmove(
            f"{keys.statements(p, 'acme')}:s1:2060-03", f"{keys.statements(p, 'acme')}:s2:2060-03"
        ),
        "acme/s1: commissions of 2060-03: d1/p1 is booked at 0, and pays 333",
    ),
    "a sum that is another": (
        lambda c, p: c.hincrby(f"{keys.commission_sums(p, 'acme')}:d1", "2060-03:earned", 1),
        "acme/d1: commissions of 2060-03: earned is 251, and its lines add up to 250",
    ),
    "terms that are gone": (
        lambda c, p: c.delete(keys.commissions(p, "acme", "d1")),
        "acme/d1: commissions of 2060-03: d1/p1 is booked at 250, and pays 0",
    ),
    "an order that waits, and nobody says so": (
        lambda c, p: c.zrem(f"{keys.undecided(p, 'acme')}:s1", "d1/p2"),
        "acme/s1: commissions wait for d1/p2 in None, and in 206003 by its terms",
    ),
    "an order that is said to wait, and does not": (
        lambda c, p: c.zadd(f"{keys.undecided(p, 'acme')}:s2", {"d1/p1": 206003}),
        "acme/s2: commissions wait for d1/p1 in 206003, and in None by its terms",
    ),
}


@pytest.mark.parametrize("what", BREAKS)
async def test_the_audit_tells_what_was_broken(
    what: str, store_settings: StoreSettings, open_store: OpenStore
) -> None:
    break_, told = BREAKS[what]
    engine = Moody()
    async with archive(store_settings, engine=engine) as a:
        await team(a)
        await record(a, "d1", "p1", purchase=bought(100_00))
        engine.failing = True
        await record(a, "d1", "p2", purchase=bought(200_00))
    await sound(open_store)
    store = await open_store("archive")
    p = store.partition("acme")
    await break_(store.client(p), p)
    assert told in (await RecordsAudit(store)(p)).findings
