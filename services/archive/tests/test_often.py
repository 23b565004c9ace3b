"""Who buys a category often: what counting gives, until time or a correction ends it."""

# ruff: noqa: ANN401 - stubs, and keyword arguments that are fields of a message

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from gonghai.archive.v1 import activity_pb2
from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai.pool.v1 import pool_pb2
from gonghai_archive.activities import Activity, Kind, Line, Purchase
from gonghai_archive.assessment import Assessment
from gonghai_archive.consistency import RecordsAudit
from gonghai_archive.metrics import day_number, measure
from gonghai_archive.often import MOST, bought_often
from gonghai_archive.store import keys
from gonghai_chassis.instants import instant_of, timestamp
from gonghai_chassis.testing import eventually
from gonghai_engine import Engine
from gonghai_engine import Often as Counts
from gonghai_engine.calendar import Calendar
from gonghai_plugin import Often, Rule, Text, first_hit, otherwise, setting
from gonghai_plugin import host_facts as host
from gonghai_plugin.outcomes import Stage
from gonghai_plugin.policies import Lifecycle, Policy

from .archive import DAY, PARENT, START, Archive, archive, at, name, purchase
from .test_assessment import due_by
from .trade_plugin import TRADE, TradeSettings

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings
    from gonghai_chassis.testing.plugin import OpenStore

CALENDAR = Calendar(zone="Asia/Shanghai")
NOW = at(2060, 3, 2, 10)


class FishSettings(TradeSettings):
    """What often is."""

    orders: int = Field(2, ge=0, description="Orders that are often")


FISH = replace(
    TRADE,
    sdk="1.4",
    settings=FishSettings,
    buys_often=Often(at_least=setting("orders"), within_days=30),
    policies=(
        Lifecycle(
            first_hit(
                Rule(
                    "regular",
                    host.BUYS_OFTEN.has("crab"),
                    Stage("regular", Text("regular", "常客")),
                    Text("crabs", "常购蟹"),
                ),
                otherwise(Stage("other", Text("other", "其他")), Text("no crabs", "不常购蟹")),
            )
        ),
        *(each for each in TRADE.policies if each.policy is not Policy.LIFECYCLE),
    ),
)


def ordered(ident: str, when: int, *categories: str, corrects: str = "") -> Activity:
    lines = tuple(tuple(Line("p", category)) for category in categories)
    return Activity(ident, Kind.PURCHASE, when, (100, "", lines), corrects=corrects)


def bought(activities: list[Activity], often: Counts, now: int = NOW) -> tuple[str, ...]:
    return bought_often(activities, often, calendar=CALENDAR, now=now).categories


LINES = st.lists(st.sampled_from(["", "a", "b"]), max_size=3)


def orders_of(drawn: list[tuple[int, list[str]]], corrected: str) -> list[Activity]:
    made = [ordered(f"o{n}", NOW - age, *lines) for n, (age, lines) in enumerate(drawn)]
    return [*made, ordered("again", NOW - DAY, "a", corrects=corrected)]


orders = st.builds(
    orders_of,
    st.lists(st.tuples(st.integers(0, 40 * DAY), LINES), max_size=8),
    st.sampled_from(["", "o0", "o1"]),
)


@pytest.mark.requirement("D2")
@given(
    activities=orders,
    least=st.integers(1, 3),
    window=st.sampled_from([1, 10, 30]),
    # In the second clocks are put forward meanwhile.
    zone=st.sampled_from([CALENDAR.zone, "Europe/Berlin"]),
)
def test_it_is_what_counting_gives_until_the_day_it_says(
    activities: list[Activity], least: int, window: int, zone: str
) -> None:
    often, calendar = Counts(least, window), Calendar(zone=zone)

    def counted(now: int) -> tuple[str, ...]:
        today = day_number(zone, now)
        corrected = {each.corrects for each in activities}
        times = Counter(
            category
            for each in activities
            if each.id not in corrected and today - day_number(zone, each.occurred) < window
            for category in {Line._make(line).category for line in Purchase(*each.content).lines}
            if category
        )
        return tuple(sorted(category for category, count in times.items() if count >= least))

    found = bought_often(activities, often, calendar=calendar, now=NOW)
    assert found.categories == counted(NOW)
    days = [calendar.midnight_after(NOW, later) for later in range(1, window + 1)]
    changed = [n for n, day in enumerate(days, 1) if counted(day) != found.categories]
    assert found.changes_in == (changed[0] if changed else None)


def test_of_very_many_categories_those_of_most_orders_stay() -> None:
    many = [f"c{n:03}" for n in range(MOST + 5)]
    found = bought_often(
        [
            ordered("all", NOW - 3 * DAY, *many),
            ordered("few", NOW - 9 * DAY, *many[-7:]),
        ],
        Counts(1, 10),
        calendar=CALENDAR,
        now=NOW,
    )
    assert found.categories == tuple(sorted([*many[: MOST - 7], *many[-7:]]))
    # In a day the older order has gone, and others are the most.
    assert found.changes_in == 1


def test_a_record_of_before_there_were_any_is_read() -> None:
    measured = measure([], created=NOW, calendar=CALENDAR, now=NOW)
    kept = Assessment(measured, None, None, None, 1, None, buys_often=("crab",))
    assert Assessment.unpacked(kept.packable(), 1).buys_often == ("crab",)
    assert Assessment.unpacked(kept.packable()[:-1], 1).buys_often == ()


def engine() -> Engine:
    return Engine({"standard": FISH})


async def buy(
    a: Archive, ident: str, activity: str, when: int, *categories: str, **what: Any
) -> None:
    await a.stub.RecordActivity(
        pb.RecordActivityRequest(
            parent=name(ident),
            activity_id=activity,
            activity=activity_pb2.Activity(
                purchase=purchase(100, *(("p", category) for category in categories)),
                occur_time=timestamp(when),
                **what,
            ),
        )
    )


async def listed(stub: Any, filter_: str) -> list[str]:
    page = await stub.ListCustomers(pb.ListCustomersRequest(parent=PARENT, filter=filter_))
    return sorted(each.name.rpartition("/")[2] for each in page.customers)


async def activities(stub: Any, customer: str) -> bytes:
    page: pb.ListActivitiesResponse = await stub.ListActivities(
        pb.ListActivitiesRequest(parent=customer)
    )
    assert len(page.activities) == 2
    return page.SerializeToString()


@pytest.mark.requirement("A14", "D2")
async def test_they_are_listed_until_a_correction_time_or_the_policy_ends_it(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    async with archive(store_settings, engine=engine()) as a:
        for ident in ("c1", "c2", "c3"):
            await a.create(ident, tags=["vip"] if ident == "c2" else [])
        for ident, ages in (("c1", (20, 3)), ("c2", (10, 5)), ("c3", (9,))):
            for age in ages:
                await buy(a, ident, f"o{age}", START - age * DAY, "crab", "squid cut")
        got = await a.get("c1")
        assert (list(got.buys_often), got.stage.stage) == (["crab", "squid cut"], "regular")
        assert await listed(a.stub, 'buys_often = "crab"') == ["c1", "c2"]
        assert await listed(a.stub, 'buys_often : "squid cut" AND tag = "vip"') == ["c2"]
        assert await listed(a.stub, "buys_often != crab") == ["c3"]
        assert await listed(a.stub, "buys_often = shrimp") == []

        await buy(a, "c2", "right", START - 5 * DAY, "crab", corrects="o5")
        assert await listed(a.stub, 'buys_often = "squid cut"') == ["c1"]
        assert await listed(a.stub, "buys_often = crab") == ["c1", "c2"]

        # The older order of c1 leaves the window of thirty days, and nobody does anything.
        until = instant_of((await a.work()).next_due)
        assert until == at(2060, 3, 12)
        await due_by(a, until - 1)
        assert await listed(a.stub, "buys_often = crab") == ["c1", "c2"]
        await due_by(a, until)
        got = await a.get("c1")
        assert (list(got.buys_often), got.stage.stage) == ([], "other")
        assert await listed(a.stub, "buys_often = crab") == ["c2"]

        for often, who in ((1, ["c1", "c2", "c3"]), (3, [])):
            await a.apply_policy(
                f"version: 1\ndefault: {{plugin: standard, settings: {{orders: {often}}}}}\n"
            )
            await due_by(a, until)
            assert await listed(a.stub, "buys_often = crab") == who
    store = await open_store("archive")
    audit = RecordsAudit(store)
    assert list((await audit(store.partition("acme"))).findings) == []


async def test_it_ends_in_time_though_no_rule_reads_it(store_settings: StoreSettings) -> None:
    silent = Engine({"standard": replace(FISH, policies=TRADE.policies)})
    async with archive(store_settings, engine=silent) as a:
        await a.create("c1")
        for age in (8, 4, 2):
            await buy(a, "c1", f"o{age}", START - age * DAY, "crab")
        until = instant_of((await a.work()).next_due)
        # Two are enough: the second youngest is of four days ago.
        assert until == at(2060, 3, 28)
        await due_by(a, until)
        assert await listed(a.stub, "buys_often = crab") == []


async def test_the_audit_tells_of_a_list_that_is_not_as_the_records_say(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    async with archive(store_settings, engine=engine()) as a:
        await a.create("c1")
        for age in (1, 2):
            await buy(a, "c1", f"o{age}", START - age * DAY, "crab")
    store = await open_store("archive")
    p = store.partition("acme")
    client: Any = store.client(p)
    await client.zrem(f"{keys.index(p, 'acme')}:buys_often:crab", "c1")
    (finding,) = (await RecordsAudit(store)(p)).findings
    assert finding.startswith("acme: index buys_often:crab: c1 is at None")


@pytest.mark.requirement("A16", "D2")
async def test_where_measures_are_hidden_nobody_is_found_by_what_he_buys_nor_read(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings, engine=engine()) as a:
        for pool, hidden in (("open", []), ("figures", ["metrics"]), ("goods", ["buys_often"])):
            await a.beside.pool.pool(
                "acme",
                pool,
                1,
                members=[pool_pb2.PoolMember(rep=f"{PARENT}/reps/wang")],
                hidden_fields=hidden,
            )
            await a.create(pool)
            for age in (1, 2):
                await buy(a, pool, f"o{age}", START - age * DAY, "crab")
            await a.beside.pool.custody("acme", pool, 1, "IN_POOL", pool=pool)
        wang = a.as_("rep:wang@acme")

        async def told() -> bool:
            return (await a.get("goods")).custody.version == 1

        await eventually(told)
        assert await listed(a.stub, "buys_often = crab") == ["figures", "goods", "open"]
        assert await listed(wang, "buys_often = crab") == ["open"]
        assert await listed(wang, "buys_often != shrimp") == ["open"]
        seen = {
            each.name.rpartition("/")[2]: (
                list(each.buys_often),
                "buys_often" in each.masked_fields,
                b"crab" in each.SerializeToString(),
                b"crab" in await activities(wang, each.name),
            )
            for each in (await wang.ListCustomers(pb.ListCustomersRequest(parent=PARENT))).customers
        }
    assert seen.pop("open") == (["crab"], False, True, True)
    assert seen == dict.fromkeys(("figures", "goods"), ([], True, False, False))


@pytest.mark.requirement("D2")
async def test_a_plugin_that_is_gone_leaves_them_as_they_were(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings, engine=engine()) as a:
        await a.create("c1")
        for age in (1, 2):
            await buy(a, "c1", f"o{age}", START - age * DAY, "crab")
    async with archive(store_settings, engine=Engine({})) as a:
        await buy(a, "c1", "o3", START, "squid", "crab")
        assert list((await a.get("c1")).buys_often) == ["crab"]
        assert await listed(a.stub, "buys_often = crab") == ["c1"]
    async with archive(store_settings, engine=Engine({"standard": TRADE})) as a:
        # By one that does not say what often is, nobody buys anything often.
        await buy(a, "c1", "o4", START, "crab")
        assert await listed(a.stub, "buys_often = crab") == []
