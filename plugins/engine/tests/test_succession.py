"""Who takes over from a sponsor that leaves: by which rules, of whom, and what may not be named."""

from __future__ import annotations

import msgpack
import pytest

from gonghai_engine import Decision, DecisionRequest, Engine, Heir, Heirs, Policy
from gonghai_engine.faults import DeclarationError
from gonghai_engine.loading import check
from gonghai_plugin import INT64, TEXT, Attribute, Rule, Text, all_hits, host_facts, set_of
from gonghai_plugin import outcomes as declared
from gonghai_plugin.policies import Succession
from gonghai_standard import STANDARD

from .rulebooks import WHY, plugin

NAME = Text("x", "x")
BRAND = Attribute("brand", TEXT, NAME)
GOODS = Attribute("goods", set_of("tea", "milk"), NAME)
SHOPS = Attribute("shops", INT64, NAME)
SECRET = Attribute("secret", TEXT, NAME, sensitive=True)


def succeeding(*rules: Rule[declared.Heir]) -> Succession:
    return Succession(all_hits(*rules, otherwise=WHY))


NEAR = Rule(
    "near",
    SHOPS.fact.at_least(1),
    declared.Heir(of_the_same=(host_facts.REGION, BRAND.fact), largest=SHOPS.fact),
    Text("it has {shops} shops", "{shops}家店"),
)
ANYWHERE = Rule(
    "anywhere",
    host_facts.SOURCE.equals("house"),
    declared.Heir(largest=SHOPS.fact),
    Text("of the house", "自营"),
)


async def decided(**facts: object) -> Decision:
    engine = Engine(
        {
            "standard": STANDARD,
            "some": plugin(
                "some", succeeding(NEAR, ANYWHERE), attributes=(BRAND, SHOPS), sdk="1.3"
            ),
        }
    )
    engine.activate("t", 1, engine.parse("version: 1\ndefault: {plugin: some}\n"))
    (made,) = await engine.decide([DecisionRequest("t", "", Policy.SUCCESSION, facts, 1)])
    assert isinstance(made, Decision), made
    engine.close()
    return made


NEARBY = Heir("near", (("region", "east"), ("brand", "b")), 3, Text("it has 3 shops", "3家店"))
ELSEWHERE = Heir("anywhere", (), 3, Text("of the house", "自营"))


@pytest.mark.requirement("D3")
@pytest.mark.parametrize(
    ("facts", "ways"),
    [
        ({"region": "east", "brand": "b", "shops": 3}, (NEARBY,)),
        ({"region": "east", "brand": "b", "shops": 3, "source": "house"}, (NEARBY, ELSEWHERE)),
        # Of no region: nobody is of the same.
        ({"brand": "b", "shops": 3, "source": "house"}, (ELSEWHERE,)),
        ({"source": "house"}, (Heir("anywhere", (), None, ELSEWHERE.reason),)),
        ({"region": "east", "brand": "b", "shops": 0}, ()),
    ],
)
async def test_a_customer_takes_over_in_every_way_that_a_rule_gives(
    facts: dict[str, object], ways: tuple[Heir, ...]
) -> None:
    made = await decided(**facts)
    assert made.outcome == Heirs(ways)
    stored = msgpack.unpackb(msgpack.packb(made.to_record()), strict_map_key=False)
    assert Decision.from_record(stored).outcome == made.outcome


@pytest.mark.requirement("D3")
@pytest.mark.parametrize(
    ("heir", "says"),
    [
        (declared.Heir(of_the_same=(GOODS.fact,)), "'goods' is a .*, and no text"),
        (declared.Heir(of_the_same=(SHOPS.fact,)), "'shops' is a .*, and no text"),
        (declared.Heir(largest=BRAND.fact), "'brand' is a .*, and no number"),
        (declared.Heir(of_the_same=(SECRET.fact,)), "'secret', a sensitive attribute"),
        (declared.Heir(largest=host_facts.HELD_DAYS), "'held_days'"),
    ],
)
def test_what_heirs_are_chosen_by_is_checked_when_the_plugin_loads(
    heir: declared.Heir, says: str
) -> None:
    bad = plugin(
        "some",
        succeeding(Rule("r", host_facts.REGION.is_known(), heir, WHY)),
        attributes=(BRAND, GOODS, SHOPS, SECRET),
        sdk="1.3",
    )
    with pytest.raises(DeclarationError, match=says):
        check(bad, "some")
