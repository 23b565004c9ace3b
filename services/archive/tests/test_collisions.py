"""Collisions: who stands where one customer at the most may, at any moment and whoever moves."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import grpc
import msgpack
import pytest
from google.protobuf import field_mask_pb2

from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai.archive.v1 import customer_pb2
from gonghai.type.v1 import fact_pb2
from gonghai_archive.assessment import Assessment
from gonghai_archive.consistency import RecordsAudit
from gonghai_archive.metrics import Metrics
from gonghai_archive.places import Held, Place, held_at, too_many, within
from gonghai_archive.store import keys
from gonghai_chassis.testing.refusals import refused
from gonghai_engine import Engine
from gonghai_plugin import Attribute, Rule, Text, all_hits, set_of
from gonghai_plugin import host_facts as host
from gonghai_plugin.outcomes import Exclusive
from gonghai_plugin.policies import Collisions

from .archive import PARENT, Archive, archive, name
from .trade_plugin import TRADE

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings
    from gonghai_chassis.testing.plugin import OpenStore

GOODS = ("tea", "milk", "oil")
CARRIED = Attribute("goods", set_of(*GOODS), Text("goods", "品类"))
SOLE = replace(
    TRADE,
    sdk="1.3",
    attributes=(*TRADE.attributes, CARRIED),
    policies=(
        *TRADE.policies,
        Collisions(
            all_hits(
                Rule(
                    "sole",
                    host.TAGS.has("sole"),
                    Exclusive(by=(host.REGION, CARRIED.fact), inside=host.REGIONS),
                    Text("alone in {region}", "{region}独家"),
                ),
                Rule("grey", host.SOURCE.equals("grey"), Exclusive(), Text("grey", "灰色来源")),
                otherwise=Text("nothing", "无"),
            )
        ),
    ),
)


def engine() -> Engine:
    return Engine({"standard": SOLE})


def carrying(*goods: str) -> dict[str, fact_pb2.Value]:
    return {"goods": fact_pb2.Value(set_value=fact_pb2.StringSet(values=goods))}


async def listed(a: Archive, size: int = 50) -> list[pb.Collision]:
    found: list[pb.Collision] = []
    token = ""
    while True:
        page = await a.stub.ListCollisions(
            pb.ListCollisionsRequest(parent=PARENT, page_size=size, page_token=token)
        )
        assert len(page.collisions) <= size
        found += page.collisions
        token = page.next_page_token
        if not token:
            return found


async def change(a: Archive, ident: str, *paths: str, **what: object) -> None:
    customer = customer_pb2.Customer(name=name(ident), **what)  # type: ignore[arg-type] # its fields
    await a.stub.UpdateCustomer(
        pb.UpdateCustomerRequest(
            customer=customer, update_mask=field_mask_pb2.FieldMask(paths=paths)
        )
    )


async def sound(open_store: OpenStore) -> None:
    store = await open_store("archive")
    assert (await RecordsAudit(store)(store.partition("acme"))).findings == []


@pytest.mark.requirement("D1", "D3")
async def test_two_at_one_place_are_listed_until_one_is_gone(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    async with archive(store_settings, engine=engine()) as a:
        both = carrying("tea", "milk")
        await a.create("c1", industry="trade", region="cn/east", tags=["sole"], attributes=both)
        await a.create("c2", industry="trade", region="cn/west", tags=["sole"], attributes=both)
        await a.create("c3", industry="trade", region="cn/east", attributes=both)
        alone = await listed(a)
        await change(a, "c3", "tags", tags=["sole"])
        await a.create("c4", industry="other", region="cn/east", tags=["sole"], attributes=both)
        two = await listed(a)
        chinese = await a.served.stub(type(a.stub), accept_language="zh").ListCollisions(
            pb.ListCollisionsRequest(parent=PARENT)
        )
        await sound(open_store)
        await change(a, "c1", "attributes.goods", attributes=carrying("milk"))
        one = await listed(a)
        await change(a, "c3", "region", region="cn/west")
        moved = await listed(a)
    assert alone == []
    assert [(each.industry, each.rule, list(each.values)) for each in two] == [
        ("trade", "sole", ["east", "milk"]),
        ("trade", "sole", ["east", "tea"]),
    ]
    assert list(two[0].customers) == [name("c1"), name("c3")]
    assert (two[0].customer_count, two[0].reason) == (2, "alone in east")
    assert chinese.collisions[0].reason == "east独家"
    assert [list(each.values) for each in one] == [["east", "milk"]]
    assert [list(each.values) for each in moved] == [["west", "milk"], ["west", "tea"]]
    await sound(open_store)


@pytest.mark.requirement("D1")
async def test_who_has_a_region_has_what_lies_inside_it(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    async with archive(store_settings, engine=engine()) as a:
        tea: dict[str, Any] = {"tags": ["sole"], "attributes": carrying("tea")}
        await a.create("c1", region="cn/east/shanghai", **tea)
        await a.create("c2", region="cn/east/nanjing", **tea)
        siblings = await listed(a)
        await a.create("c3", region="cn/east", **tea)
        above = await listed(a)
        await change(a, "c1", "tags", tags=["other"])
        await change(a, "c2", "region", region="cn/west")
        left = await listed(a)
    assert siblings == []
    (east,) = above
    assert (list(east.values), east.customer_count) == (["east", "tea"], 3)
    # Whose the region is comes first, though his record is the youngest.
    assert list(east.customers) == [name("c3"), name("c1"), name("c2")]
    assert east.reason == "alone in east"
    assert left == []
    await sound(open_store)


@pytest.mark.requirement("D3")
async def test_one_that_a_rule_reports_is_listed_by_itself(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    async with archive(store_settings, engine=engine()) as a:
        await a.create("c1", source="grey")
        await a.create("c2", source="grey")
        await a.create("c3")
        found = await listed(a, size=1)
        await change(a, "c1", "source", source="fair")
        left = await listed(a)
    assert [list(each.customers) for each in found] == [[name("c1")], [name("c2")]]
    assert [(list(each.values), each.rule) for each in left] == [([], "grey")]
    await sound(open_store)


async def test_collisions_are_for_those_who_oversee(store_settings: StoreSettings) -> None:
    request = pb.ListCollisionsRequest(parent=PARENT)
    async with archive(store_settings, engine=engine()) as a:
        for who in ("manager:li@acme", "reader:audit@acme"):
            await a.as_(who).ListCollisions(request)
        for who in ("rep:wang@acme", "partner:wang@acme", "manager:li@other"):
            denied = await refused(a.as_(who).ListCollisions(request))
            assert denied.code is grpc.StatusCode.PERMISSION_DENIED
        wrong = await refused(
            a.stub.ListCollisions(pb.ListCollisionsRequest(parent=PARENT, page_token="x"))
        )
    assert wrong.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_whatever_is_changed_the_list_is_what_records_say(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    chance = random.Random(5)
    known: dict[str, tuple[str, tuple[str, ...], bool]] = {}
    async with archive(store_settings, engine=engine()) as a:
        for place in range(50):
            ident = f"c{chance.randrange(8)}"
            goods = tuple(sorted(chance.sample(GOODS, chance.randrange(3))))
            region = chance.choice(["east", "west", "east/sh", "east/sh/pudong"])
            sole = chance.random() < 0.7
            what = {
                "region": region,
                "tags": ["sole"] if sole else [],
                "attributes": carrying(*goods) if goods else {},
            }
            if ident in known:
                await change(a, ident, "region", "tags", "attributes", **what)
            else:
                await a.create(ident, **what)
            known[ident] = (region, goods, sole)
            if place % 10 == 9:
                stands, within = defaultdict(set), defaultdict(set)
                for who, (where, carried, alone) in known.items():
                    *above, own = where.split("/")
                    for each in carried if alone else ():
                        stands[own, each].add(name(who))
                        for larger in above:
                            within[larger, each].add(name(who))
                expected = {
                    held: who | within[held]
                    for held, who in stands.items()
                    if len(who | within[held]) > 1
                }
                found = {tuple(each.values): set(each.customers) for each in await listed(a, 3)}
                assert found == expected
    await sound(open_store)


async def test_the_audit_tells_of_a_place_that_is_not_crowded(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    async with archive(store_settings, engine=engine()) as a:
        await a.create("c1", region="east", tags=["sole"], attributes=carrying("tea"))
    store = await open_store("archive")
    p = store.partition("acme")
    term = "place:2:/sole/east/tea"
    await store.client(p).zadd(f"{keys.index(p, 'acme')}:colliding", {term: 0})
    found = (await RecordsAudit(store)(p)).findings
    assert found == [f"acme: index colliding: {term} is at 0, and None by its record"]


async def test_the_audit_tells_of_a_place_that_is_crowded_from_within(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    async with archive(store_settings, engine=engine()) as a:
        await a.create("c1", region="east", tags=["sole"], attributes=carrying("tea"))
        await a.create("c2", region="east/sh", tags=["sole"], attributes=carrying("tea"))
    store = await open_store("archive")
    p = store.partition("acme")
    term = "place:2:/sole/east/tea"
    await store.client(p).zrem(f"{keys.index(p, 'acme')}:colliding", term)
    found = (await RecordsAudit(store)(p)).findings
    assert found == [f"acme: index colliding: {term} is at None, and 0 by its record"]


def test_places_are_read_as_stored_and_as_they_were_before_they_could_lie_in_others() -> None:
    place = Place("sole", ("sh", "tea"), "alone", "独家", (("east", "tea"),))
    made = Assessment(Metrics(0, {}, {}, None, None), None, None, None, 1, None, places=(place,))
    row = msgpack.unpackb(msgpack.packb(made.packable()))
    assert Assessment.unpacked(row, 1).places == (place,)
    row[-2] = [row[-2][0][:-1]]
    assert Assessment.unpacked(row, 1).places == (place._replace(inside=()),)


def test_terms_come_back_as_they_went() -> None:
    place = Place("a/b", ("华东", "x:y/z", ""), "", "")
    assert held_at(place.term("trade %", "c1")) == Held("trade %", "a/b", place.values)
    assert too_many(place.term("trade", "c1")) == 2
    larger = place._replace(values=("华东/上海", *place.values[1:]), inside=(place.values,))
    assert larger.terms("trade %", "c1") == {
        larger.term("trade %", "c1"),
        within(place.term("trade %", "c2")),
    }
    alone = place._replace(values=())
    assert held_at(alone.term("trade", "c1")) == Held("trade", "a/b", ())
    assert (too_many(alone.term("trade", "c1")), too_many("tag:x")) == (1, None)
