"""Commissions: a policy that a plugin may leave out, and what it may pay at the most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgpack
import pytest

from gonghai_engine import (
    Commission,
    Decision,
    DecisionFailure,
    DecisionRequest,
    Engine,
    Policy,
)
from gonghai_engine.faults import DeclarationError
from gonghai_engine.loading import check
from gonghai_plugin import (
    INT64,
    Attribute,
    Rule,
    Text,
    derived,
    first_hit,
    host_facts,
    otherwise,
    setting,
)
from gonghai_plugin import outcomes as declared
from gonghai_plugin.policies import OPTIONAL, Incentives
from gonghai_standard import STANDARD

from .rulebooks import WHY, plugin

if TYPE_CHECKING:
    from gonghai_plugin.outcomes import Whole

DOCUMENT = "version: 1\ndefault: {plugin: some}\n"
NOW = 1_790_000_000_000_000


def paying(own: Whole, sponsor: Whole = 0) -> Incentives:
    return Incentives(
        first_hit(
            Rule(
                "shop",
                host_facts.ACTIVITY_SALES_CHANNEL.equals("shop"),
                declared.Commission(own, sponsor),
                WHY,
            ),
            otherwise(declared.Commission(), WHY),
        )
    )


async def decided(engine: Engine, **facts: object) -> Decision | DecisionFailure:
    (made,) = await engine.decide([DecisionRequest("t", "", Policy.INCENTIVES, facts, NOW)])
    return made


def engine_with(*policies: Incentives) -> Engine:
    engine = Engine({"standard": STANDARD, "some": plugin("some", *policies)})
    engine.activate("t", 1, engine.parse(DOCUMENT))
    return engine


async def test_an_order_pays_what_its_rule_says_and_the_record_keeps_it() -> None:
    engine = engine_with(paying(setting("limit"), 10_000))
    made = await decided(engine, activity_sales_channel="shop")
    assert isinstance(made, Decision), made
    assert made.outcome == Commission(10, 10_000)
    stored = msgpack.unpackb(msgpack.packb(made.to_record()))
    assert Decision.from_record(stored) == made
    made = await decided(engine, activity_sales_channel=None)
    assert isinstance(made, Decision), made
    assert made.outcome == Commission(0, 0)


@pytest.mark.parametrize("sdk", ["1.0", "1.1", "1.2"])
async def test_a_plugin_that_says_nothing_of_them_has_none(sdk: str) -> None:
    silent = plugin("some", absent=frozenset(Policy) - OPTIONAL, sdk=sdk)
    check(silent, "some")
    check(plugin("some", sdk=sdk), "some")
    for one in (silent, plugin("some")):
        engine = Engine({"standard": STANDARD, "some": one})
        engine.activate("t", 1, engine.parse(DOCUMENT))
        assert Policy.INCENTIVES not in engine.tenant("t").industry("").resolved
        assert not engine.tenant("t").industry("").missing


def test_nobody_is_paid_more_than_the_order_brought() -> None:
    with pytest.raises(DeclarationError, match="10001 is not within 0 and 10000"):
        check(plugin("some", paying(1, 10_001)), "some")


async def test_a_fact_that_asks_for_more_makes_the_decision_fail() -> None:
    made = await decided(
        engine_with(paying(host_facts.ACTIVITY_AMOUNT)),
        activity_sales_channel="shop",
        activity_amount=10_001,
    )
    assert isinstance(made, DecisionFailure)
    assert "above 10000" in made.message


DEPOSIT = Attribute("deposit", INT64, WHY, sensitive=True)
TWICE = derived("deposit_twice", INT64, WHY, DEPOSIT.fact * 2)
LARGE = host_facts.ACTIVITY_AMOUNT.at_least(1)


@pytest.mark.requirement("A16", "D3")
@pytest.mark.parametrize(
    ("rule", "fact"),
    [
        (Rule("rich", TWICE.at_least(1), declared.Commission(1), WHY), "deposit_twice"),
        (Rule("rich", LARGE, declared.Commission(1, TWICE), WHY), "deposit_twice"),
        (Rule("rich", LARGE, declared.Commission(1), Text("of {deposit}", "{deposit}")), "deposit"),
    ],
    ids=["a condition", "an outcome", "a sentence"],
)
def test_what_a_sponsor_reads_on_its_statement_hangs_on_nothing_sensitive(
    rule: Rule[declared.Commission], fact: str
) -> None:
    policy = Incentives(first_hit(rule, otherwise(declared.Commission(), WHY)))
    made = plugin("some", policy, attributes=(DEPOSIT,), facts=(TWICE,))
    with pytest.raises(DeclarationError, match=f"incentives, rule 'rich': it names '{fact}'"):
        check(made, "some")
