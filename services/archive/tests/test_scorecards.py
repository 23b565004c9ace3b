"""Scorecards: a month of a customer and its second level is what was recorded, told anew."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import grpc
import pytest

from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai_archive.consistency import RecordsAudit
from gonghai_archive.scorecards import tier_at_end
from gonghai_archive.store import keys, scorecards
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.refusals import refused
from gonghai_engine.calendar import Calendar

from .archive import DAY, PARENT, START, Archive, archive, at, name
from .test_commissions import Moody, bought, gave_back, minor, record, sound, statement, team
from .test_lines import below, put_below, quiet, two_levels
from .test_masking import heard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gonghai_chassis.store import StoreSettings
    from gonghai_chassis.testing.plugin import OpenStore
    from gonghai_engine import Engine

SECOND = 1_000_000
FEBRUARY, MARCH, APRIL = "2060-02", "2060-03", "2060-04"


async def card(a: Archive, ident: str, period: str = MARCH) -> pb.CustomerScorecard:
    found: pb.CustomerScorecard = await a.stub.GetCustomerScorecard(
        pb.GetCustomerScorecardRequest(customer=name(ident), period=period)
    )
    return found


def volume(of: pb.OrderVolume) -> tuple[int, int, int, int]:
    assert minor(of.total) == minor(of.bought) - minor(of.returned)
    return of.order_count, minor(of.bought), of.return_count, minor(of.returned)


def members(of: pb.CustomerScorecard) -> tuple[int, int, int, int]:
    return of.members, of.active_members, of.joined_members, of.left_members


@pytest.mark.requirement("D3")
async def test_a_month_is_told_as_it_is_and_as_it_was(store_settings: StoreSettings) -> None:
    engine = Moody()
    async with archive(store_settings, engine=engine) as a:
        await team(a)
        await a.create("d2", attributes=below("s1"))
        await record(a, "s1", "o1", purchase=bought(50_00))
        await record(a, "d1", "p1", purchase=bought(2_000_00))
        await record(a, "d2", "p1", purchase=bought(1_500_00))
        await record(a, "d2", "late", when=at(2060, 3, 1) - 1, purchase=bought(7_00))
        await record(a, "d2", "r1", purchase_return=gave_back(100_00, "p1"))
        await quiet(a)
        running, before = await card(a, "s1"), await card(a, "s1", FEBRUARY)
        await a.set_clock(at(2060, 4, 2))
        # Another month, and another sponsor: what was recorded before stays where it was.
        await put_below(a, "d1", "s2")
        await record(a, "d1", "p2", when=START, purchase=bought(30_00))
        await record(a, "d2", "p2", when=START, corrects="p1", purchase=bought(900_00))
        await quiet(a)
        over, heirs, april = await card(a, "s1"), await card(a, "s2"), await card(a, "s1", APRIL)
        engine.failing = True
        await record(a, "d2", "p3", when=START, purchase=bought(1_00))
        waiting = await card(a, "s1")
        paid = await statement(a, "s1")
        del paid.lines[:]
    assert (running.final, running.tier, running.tier_at_end) == (False, "team", "")
    assert volume(running.own) == (1, 50_00, 0, 0)
    assert volume(running.second_level) == (2, 3_500_00, 1, 100_00)
    assert members(running) == (2, 2, 2, 0)
    # Nobody was there yet; an order that happened then and was recorded since counts there.
    assert (before.final, before.tier_at_end) == (True, "")
    assert (members(before), volume(before.second_level)) == ((0, 1, 0, 0), (1, 7_00, 0, 0))
    assert over.final
    # Its second level buys less by now, and did not when the month ended.
    assert (over.tier, over.tier_at_end) == ("alone", "team")
    assert members(over) == (2, 2, 2, 0)
    assert volume(over.second_level) == (2, 2_900_00, 1, 100_00)
    assert (members(heirs), volume(heirs.second_level)) == ((0, 1, 0, 0), (1, 30_00, 0, 0))
    assert (members(april), volume(april.second_level)) == ((1, 0, 0, 1), (0, 0, 0, 0))
    assert (april.final, waiting.final) == (False, False)
    assert waiting.commissions == paid
    assert waiting.commissions.undecided_orders == 1
    assert volume(waiting.second_level) == (3, 2_901_00, 1, 100_00)


# The law: whatever happens, a card is what a plain recomputation of the activities gives.


@dataclass
class Order:
    """What was recorded: by whom, when it happened, and below whom he stood then."""

    ident: str
    who: str
    when: int
    amount: int
    back: bool
    purchase: str
    corrects: str
    sponsor: str


@dataclass
class Plain:
    """What happened, and what months come to, so plainly that it cannot be wrong."""

    zone: ZoneInfo
    orders: list[Order] = field(default_factory=list)
    moves: list[tuple[int, str, str]] = field(default_factory=list)

    def month(self, moment: int) -> str:
        return datetime.fromtimestamp(moment / SECOND, UTC).astimezone(self.zone).strftime("%Y-%m")

    def sponsors(self, until: str, *, also: bool) -> dict[str, str]:
        """Below whom everybody stood before a month, or at its end."""
        return {
            who: sponsor
            for moment, who, sponsor in self.moves
            if self.month(moment) < until or (also and self.month(moment) == until)
        }

    def now(self, ident: str) -> str:
        for each in self.orders:
            if each.corrects == ident:
                return self.now(each.ident)
        return ident

    def counts(self, period: str) -> Iterator[tuple[Order, str]]:
        """What counts in a month, each for which sponsor."""
        by_id = {each.ident: each for each in self.orders}
        for each in self.orders:
            if self.now(each.ident) != each.ident or self.month(each.when) != period:
                continue
            if not each.back and each.corrects and not each.amount:
                continue
            origin = by_id.get(self.now(each.purchase)) if each.purchase else None
            known = origin is not None and not origin.back and origin.who == each.who
            yield each, origin.sponsor if known and origin is not None else each.sponsor

    def volume(self, orders: list[Order]) -> tuple[int, int, int, int]:
        ordered = [each.amount for each in orders if not each.back]
        back = [each.amount for each in orders if each.back]
        return len(ordered), sum(ordered), len(back), sum(back)

    def card(self, who: str, period: str) -> tuple[object, ...]:
        counts = list(self.counts(period))
        given = [order for order, sponsor in counts if sponsor == who]
        ends, begins = (
            {each for each, above in self.sponsors(period, also=also).items() if above == who}
            for also in (True, False)
        )
        active = {each.who for each in given if not each.back}
        return (
            self.volume([order for order, _ in counts if order.who == who]),
            self.volume(given),
            (len(ends), len(active), len(ends - begins), len(begins - ends)),
        )


@pytest.mark.requirement("D3")
@pytest.mark.parametrize(
    ("seed", "engine", "zone"),
    [
        (1, Moody, "Asia/Shanghai"),
        (2, Moody, "America/New_York"),
        # Nothing is paid, so no order says for whom it counts.
        (3, two_levels, "Asia/Shanghai"),
        (4, two_levels, "Pacific/Auckland"),
    ],
)
async def test_whatever_happens_cards_are_what_the_activities_come_to(
    seed: int,
    engine: type[Moody] | Callable[[], Engine],
    zone: str,
    store_settings: StoreSettings,
    open_store: OpenStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scorecards, "_AT_ONCE", 2)
    chance = random.Random(seed)
    decides: Engine = engine()
    plain = Plain(ZoneInfo(zone))
    buyers = [f"d{place}" for place in range(4)]
    above: dict[str, str] = {}
    now = START
    async with archive(store_settings, engine=decides) as a:
        await a.apply_policy(f"version: 1\nzone: {zone}\ndefault: {{plugin: standard}}\n")
        for each in ("s1", "s2", *buyers):
            await a.create(each)
        for place in range(60):
            now += chance.choice((1, 1, 600, 86_400, 5 * 86_400)) * SECOND
            await a.set_clock(now)
            if isinstance(decides, Moody):
                decides.failing = chance.random() < 0.2
            who = chance.choice([*buyers, *buyers, "s1", "s2"])
            if who in buyers and chance.random() < 0.3:
                sponsor = chance.choice(["", "s1", "s2"])
                if sponsor != above.get(who, ""):
                    await put_below(a, who, sponsor)
                    above[who] = sponsor
                    plain.moves.append((now, who, sponsor))
                continue
            await happens(a, chance, plain, (who, f"a{place}", above.get(who, "")), now)
        given = 0
        for who in ("s1", "s2", "d0"):
            for period in (FEBRUARY, MARCH, APRIL, "2060-05", "2060-06"):
                got = await card(a, who, period)
                assert (volume(got.own), volume(got.second_level), members(got)) == plain.card(
                    who, period
                ), (who, period)
                paid = await statement(a, who, period)
                del paid.lines[:]
                assert got.commissions == paid
                over = plain.month(now) > period
                assert got.final == (over and not paid.undecided_orders)
                given += bool(got.second_level.order_count)
    assert given > 2
    await sound(open_store)


async def happens(
    a: Archive, chance: random.Random, plain: Plain, where: tuple[str, str, str], now: int
) -> None:
    """An order, a return, or what corrects one; perhaps told twice, and often long after."""
    who, ident, sponsor = where
    mine = [each for each in plain.orders if each.who == who]
    open_ = [each for each in mine if plain.now(each.ident) == each.ident]
    old = chance.choice(open_) if open_ and chance.random() < 0.3 else None
    back = old.back if old else chance.random() < 0.3
    edge = at(2060, 3, 1) + chance.randrange(-18, 18) * 3_600_000_000 - chance.randrange(2)
    when = min(now, chance.choice((edge, now, now - chance.randrange(40) * DAY)))
    amount = chance.choice((0, chance.randrange(100_000))) if old else chance.randrange(100_000)
    named = chance.choice(["", *(each.ident for each in mine)]) if back else ""
    what: dict[str, Any] = (
        {"purchase_return": gave_back(amount, named)} if back else {"purchase": bought(amount)}
    )
    corrects = old.ident if old else ""
    for _ in range(chance.choice((1, 2))):
        await record(a, who, ident, when=when, corrects=corrects, **what)
    plain.orders.append(
        Order(ident, who, when, amount, back, named, corrects, old.sponsor if old else sponsor)
    )


# Who may read it, and what is refused.


@pytest.mark.requirement("A16", "D3")
async def test_a_sponsor_reads_its_own_card_and_no_other(store_settings: StoreSettings) -> None:
    async with archive(store_settings, engine=Moody()) as a:
        await team(a)
        await a.beside.pool.custody("acme", "s1", 1, "HELD", owner="wang")
        await a.beside.pool.custody("acme", "s2", 1, "HELD", owner="zhao")

        async def asks(principal: str, ident: str) -> grpc.StatusCode:
            request = pb.GetCustomerScorecardRequest(customer=name(ident), period=MARCH)
            try:
                await a.as_(principal).GetCustomerScorecard(request)
            except grpc.aio.AioRpcError as error:
                return error.code()
            return grpc.StatusCode.OK

        async def heard() -> bool:
            both = [await asks("partner:wang@acme", "s1"), await asks("partner:zhao@acme", "s2")]
            return both == [grpc.StatusCode.OK] * 2

        await eventually(heard)
        answers = {
            principal: [await asks(principal, each) for each in ("s1", "s2")]
            for principal in (
                *("partner:wang@acme", "partner:zhao@acme", "rep:wang@acme"),
                *("reader:audit@acme", "rep:wang@other"),
            )
        }
        nobody = await asks("integrator:erp@acme", "nobody")
        month = await refused(
            a.stub.GetCustomerScorecard(
                pb.GetCustomerScorecardRequest(customer=name("s1"), period="2060-13")
            )
        )
        oldest, last = await card(a, "s1", "0000-01"), await card(a, "s1", "9999-12")
    ok, hidden = grpc.StatusCode.OK, grpc.StatusCode.NOT_FOUND
    assert answers == {
        "partner:wang@acme": [ok, hidden],
        "partner:zhao@acme": [hidden, ok],
        "rep:wang@acme": [ok, grpc.StatusCode.PERMISSION_DENIED],
        "reader:audit@acme": [ok, ok],
        "rep:wang@other": [grpc.StatusCode.PERMISSION_DENIED] * 2,
    }
    assert nobody is hidden
    assert month.code is grpc.StatusCode.INVALID_ARGUMENT
    assert (oldest.final, last.final) == (True, False)


@pytest.mark.requirement("A16", "D3")
async def test_a_reader_is_told_of_a_card_what_its_pool_shows(
    store_settings: StoreSettings,
) -> None:
    denied = grpc.StatusCode.PERMISSION_DENIED
    async with archive(store_settings, engine=Moody()) as a:
        await team(a)
        await record(a, "s1", "p", purchase=bought(100_00))
        for version, (pool, hidden) in enumerate(
            {"open": ["tags"], "ranks": ["tier.rank"], "figures": ["metrics.amount_365d"]}.items()
        ):
            await a.beside.pool.pool("acme", pool, 1, hidden_fields=hidden)
            await a.beside.pool.custody("acme", "s1", version + 1, "IN_POOL", pool=pool)
            await heard(a, "s1", version + 1)
            request = pb.GetCustomerScorecardRequest(customer=name("s1"), period=MARCH)
            month = pb.ListCommissionStatementsRequest(parent=PARENT, period=MARCH)
            reader = a.as_("reader:audit@acme")
            whole = await a.as_("integrator:erp@acme").GetCustomerScorecard(request)
            assert whole.tier
            assert (await a.as_("integrator:erp@acme").ListCommissionStatements(month)).statements
            listed = (await reader.ListCommissionStatements(month)).statements
            if pool == "figures":
                assert (await refused(reader.GetCustomerScorecard(request))).code is denied
                assert name("s1") not in {each.customer for each in listed}
                continue
            assert name("s1") in {each.customer for each in listed}
            card = await reader.GetCustomerScorecard(request)
            assert card.commissions == whole.commissions
            assert card.tier == (whole.tier if pool == "open" else "")


def test_the_tier_at_the_end_is_what_the_history_says() -> None:
    who = ("p", "")
    history = [
        (at(2060, 1, 5), (*who, "create", {}, {})),
        (at(2060, 2, 1) - 1, (*who, "tier", {}, {"tier": "C"})),
        (at(2060, 2, 1), (*who, "tier", {"tier": ["C", 0]}, {"tier": "B"})),
        (at(2060, 2, 3), (*who, "stage", {"stage": ["x", 0]}, {"stage": "y"})),
        (at(2060, 2, 9), (*who, "tier", {"tier": ["B", 0]}, {"tier": "A"})),
    ]
    told = {
        period: tier_at_end(
            history, created=at(2060, 1, 5), now="A", calendar=Calendar(), period=period
        )
        for period in ("2059-12", "2060-01", "2060-02", "2060-03")
    }
    assert told == {"2059-12": "", "2060-01": "C", "2060-02": "A", "2060-03": "A"}
    begun = tier_at_end(
        history[1:2], created=at(2060, 1, 5), now="C", calendar=Calendar(), period="2059-12"
    )
    assert begun == ""


@pytest.mark.parametrize("gone", [True, False])
async def test_the_audit_tells_of_a_second_level_that_is_noted_wrongly(
    gone: bool,  # noqa: FBT001 - one way or the other
    store_settings: StoreSettings,
    open_store: OpenStore,
) -> None:
    async with archive(store_settings, engine=two_levels()) as a:
        await team(a)
        if not gone:
            await put_below(a, "d1", "")
    await sound(open_store)
    store = await open_store("archive")
    p = store.partition("acme")
    await store.client(p).rpop(f"{keys.memberships(p, 'acme')}:s1")
    found = (await RecordsAudit(store)(p)).findings
    assert found == ["acme/s1: whether d1 is of its second level is noted wrongly"]
