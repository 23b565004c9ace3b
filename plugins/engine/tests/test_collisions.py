"""What one customer at the most may have: the places that it holds, and what may not be named."""

from __future__ import annotations

import dataclasses

import msgpack
import pytest

from gonghai_engine import Claimed, Collisions, Decision, DecisionRequest, Engine, Policy
from gonghai_engine.faults import DeclarationError
from gonghai_engine.loading import check
from gonghai_plugin import (
    INT64,
    TEXT,
    Attribute,
    Rule,
    Text,
    all_hits,
    host_facts,
    set_of,
)
from gonghai_plugin import policies as declared
from gonghai_plugin.outcomes import Exclusive
from gonghai_standard import STANDARD

from .rulebooks import WHY, plugin

NAME = Text("x", "x")
GOODS = Attribute("goods", set_of("tea", "milk"), NAME)
SIZE = Attribute("size", INT64, NAME)
SECRET = Attribute("secret", TEXT, NAME, sensitive=True)

SECRETS = Attribute("secrets", set_of("a"), NAME, sensitive=True)
NAMED = Attribute("named", TEXT, NAME)


def claiming(*rules: Rule[Exclusive]) -> declared.Collisions:
    return declared.Collisions(all_hits(*rules, otherwise=WHY))


SOLE = Rule(
    "sole",
    host_facts.REGION.is_known(),
    Exclusive(by=(host_facts.REGION, GOODS.fact)),
    Text("alone in {region}", "{region}独家"),
)
NESTED = Rule(
    "nested",
    host_facts.REGION.is_known(),
    Exclusive(by=(host_facts.REGION, GOODS.fact), inside=host_facts.REGIONS),
    Text("alone in {region} and inside it", "{region}及其下级独家"),
)
BAD = Rule("bad", host_facts.SOURCE.equals("grey"), Exclusive(), Text("grey", "灰"))


async def claimed(*rules: Rule[Exclusive], **facts: object) -> Decision:
    engine = Engine(
        {
            "standard": STANDARD,
            "some": plugin("some", claiming(*rules or (SOLE, BAD)), attributes=(GOODS,), sdk="1.3"),
        }
    )
    engine.activate("t", 1, engine.parse("version: 1\ndefault: {plugin: some}\n"))
    (made,) = await engine.decide([DecisionRequest("t", "", Policy.COLLISIONS, facts, 1)])
    assert isinstance(made, Decision), made
    return made


async def test_a_customer_holds_a_place_for_each_combination() -> None:
    made = await claimed(region="east", goods={"tea", "milk"}, source="grey")
    alone = Text("alone in east", "east独家")
    assert made.outcome == Collisions(
        (
            Claimed("sole", ("east", "milk"), alone),
            Claimed("sole", ("east", "tea"), alone),
            Claimed("bad", (), Text("grey", "灰")),
        )
    )
    stored = msgpack.unpackb(msgpack.packb(made.to_record()))
    assert Decision.from_record(stored) == made


async def test_a_place_lies_inside_those_of_everything_above() -> None:
    regions = {"shanghai", "east", "cn"}
    made = await claimed(NESTED, region="shanghai", regions=regions, goods={"tea"})
    assert isinstance(made.outcome, Collisions)
    (place,) = made.outcome.claimed
    assert (place.values, place.inside) == (
        ("shanghai", "tea"),
        (("cn", "tea"), ("east", "tea")),
    )
    stored = msgpack.unpackb(msgpack.packb(made.to_record()))
    assert Decision.from_record(stored) == made


async def test_a_place_that_lies_in_nothing_larger_stands_for_itself() -> None:
    for regions in ({"cn"}, None):
        made = await claimed(NESTED, region="cn", regions=regions, goods={"tea"})
        assert isinstance(made.outcome, Collisions)
        assert [each.inside for each in made.outcome.claimed] == [()]


@pytest.mark.parametrize("facts", [{}, {"region": "east"}, {"goods": ["tea"]}])
async def test_where_a_fact_is_missing_there_is_no_place(facts: dict[str, object]) -> None:
    assert (await claimed(**facts)).outcome == Collisions(())


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (dataclasses.replace(SOLE, then=Exclusive(by=(SIZE.fact,))), "no text or set"),
        (dataclasses.replace(SOLE, then=Exclusive(by=(SECRET.fact,))), "sensitive"),
        (dataclasses.replace(SOLE, then=Exclusive((GOODS.fact,), SECRETS.fact)), "is no text"),
        (dataclasses.replace(SOLE, then=Exclusive((NAMED.fact,), SECRETS.fact)), "sensitive"),
        (dataclasses.replace(SOLE, then=Exclusive((NAMED.fact,), NAMED.fact)), "no set"),
        (dataclasses.replace(SOLE, then=Exclusive((), GOODS.fact)), "is no text"),
        (dataclasses.replace(SOLE, when=SECRET.fact.is_known()), "sensitive"),
    ],
)
def test_what_it_may_not_name_is_refused(rule: Rule[Exclusive], says: str) -> None:
    attributes = (GOODS, SIZE, SECRET, SECRETS, NAMED)
    with pytest.raises(DeclarationError, match=says):
        check(plugin("some", claiming(rule), attributes=attributes, sdk="1.2"), "some")
