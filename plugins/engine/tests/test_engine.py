"""Tenants, revisions, decisions, and what happens when one can't be made."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest
from plugins.engine.tests.rulebooks import STANDARD_PLUGIN, WHY, lifecycle, plugin, stage

from gonghai_engine import (
    ClaimVerdict,
    Decision,
    DecisionFailure,
    DecisionRequest,
    Engine,
    Explanation,
    Policy,
    PolicyDocument,
    Tier,
)
from gonghai_engine.faults import FactError
from gonghai_engine.intake import Intake
from gonghai_plugin import INT64, Rule, Text, all_hits, derived, first_hit, host_facts, otherwise
from gonghai_plugin.outcomes import Grade, Limits, Refuse
from gonghai_plugin.outcomes import Tier as TierDeclared
from gonghai_plugin.policies import OPTIONAL, Claim, Tiering

NOW = 1_795_000_000_000_000
STANDARD_TEXT = "version: 1\ndefault: {plugin: standard, settings: {dormant_days: %d}}\n"


def _engine(*others: Any) -> Engine:  # noqa: ANN401 - plugins
    return Engine({"standard": STANDARD_PLUGIN} | {other.name: other for other in others})


async def _one(engine: Engine, policy: Policy, tenant: str = "t", **facts: object) -> Any:  # noqa: ANN401 - either
    return (await engine.decide([DecisionRequest(tenant, "", policy, facts, NOW, "c")]))[0]


async def test_a_tenant_without_document_gets_the_standard_policies() -> None:
    engine = _engine()
    made = await _one(engine, Policy.LIFECYCLE, days_since_last_order=100)
    assert isinstance(made, Decision)
    assert (made.rule, made.plugin, made.revision) == ("dormant", "standard", 0)
    assert made.reason == Text(
        "last order 100 days ago, dormant from 90 on", "距最近下单100天，达到90天视为沉睡"
    )
    assert made.facts["days_since_last_order"] == 100


async def test_a_revision_never_goes_back() -> None:
    engine = _engine()
    assert engine.activate("t", 2, engine.parse(STANDARD_TEXT % 50))
    assert not engine.activate("t", 1, engine.parse(STANDARD_TEXT % 60))
    assert not engine.activate("t", 2, engine.parse(STANDARD_TEXT % 70))
    made = await _one(engine, Policy.LIFECYCLE, days_since_last_order=55)
    assert (made.rule, made.revision) == ("dormant", 2)
    assert engine.activate("t", 3, engine.parse(STANDARD_TEXT % 60))
    assert (await _one(engine, Policy.LIFECYCLE, days_since_last_order=55)).revision == 3


async def test_tenants_with_other_settings_do_not_disturb_each_other() -> None:
    engine = _engine()
    engine.activate("a", 1, engine.parse(STANDARD_TEXT % 50))
    engine.activate("b", 1, engine.parse(STANDARD_TEXT % 120))
    rules = [
        (await _one(engine, Policy.LIFECYCLE, tenant, days_since_last_order=100)).rule
        for tenant in ("a", "b", "a", "b")
    ]
    assert rules == ["dormant", "active", "dormant", "active"]
    engine.forget("a")
    assert (await _one(engine, Policy.LIFECYCLE, "b", days_since_last_order=130)).rule == "dormant"


async def test_a_bad_item_fails_alone_and_the_order_stays() -> None:
    engine = _engine()
    requests = [
        DecisionRequest("t", "", Policy.LIFECYCLE, {"days_since_last_order": value}, NOW, name)
        for name, value in (
            ("1", 3),
            ("2", "3"),
            ("3", 2**70),
            ("4", True),
            ("5", None),
            ("6", 200),
        )
    ]
    found = await engine.decide(requests)
    assert [item.subject for item in found] == ["1", "2", "3", "4", "5", "6"]
    assert [isinstance(item, Decision) for item in found] == [True, False, False, False, True, True]
    failure = found[1]
    assert isinstance(failure, DecisionFailure)
    assert failure.cause == "bad_facts"
    assert failure.message == "fact 'days_since_last_order' is a int64, not str"


def test_a_set_has_no_more_members_than_rules_can_go_through_at_once() -> None:
    take = Intake((host_facts.TAGS,)).take
    members = [f"tag-{number}" for number in range(1_001)]
    assert len(take({"tags": members[:1_000]})["tags"]) == 1_000  # type: ignore[arg-type] # a set
    with pytest.raises(FactError, match="1,001 members"):
        take({"tags": members})


async def test_a_plugin_that_is_missing_fails_safe_and_nobody_else() -> None:
    engine = _engine()
    text = "version: 1\ndefault: {plugin: standard}\nindustries:\n  fish: {plugin: nemo}\n"
    engine.activate("t", 1, PolicyDocument.parse(text))
    industry = engine.tenant("t").industry("fish")
    assert industry.missing
    request = DecisionRequest("t", "fish", Policy.RECLAIM, {}, NOW)
    (failure,) = await engine.decide([request])
    assert isinstance(failure, DecisionFailure)
    assert (failure.cause, failure.plugin) == ("missing_plugin", "nemo")
    assert isinstance(await _one(engine, Policy.RECLAIM), Decision)


async def test_an_absent_policy_is_the_standard_one_and_says_so() -> None:
    engine = _engine(plugin("fish", lifecycle()))
    engine.activate("t", 1, engine.parse("version: 1\ndefault: {plugin: fish}\n"))
    assert (await _one(engine, Policy.LIFECYCLE)).plugin == "fish"
    assert (await _one(engine, Policy.TIERING)).plugin == "standard"


async def test_without_the_standard_plugin_an_absent_policy_fails_safe() -> None:
    engine = Engine({"fish": plugin("fish", lifecycle())})
    engine.activate("t", 1, engine.parse("version: 1\ndefault: {plugin: fish}\n"))
    assert isinstance(await _one(engine, Policy.LIFECYCLE), Decision)
    failure = await _one(engine, Policy.TIERING)
    assert isinstance(failure, DecisionFailure)
    assert (failure.cause, failure.plugin) == ("missing_plugin", "standard")


async def test_a_failure_is_charged_to_the_plugin_that_decides() -> None:
    engine = _engine(plugin("fish", lifecycle()))
    engine.activate("t", 1, engine.parse("version: 1\ndefault: {plugin: fish}\n"))
    failure = await _one(engine, Policy.TIERING, amount_365d="much")
    assert isinstance(failure, DecisionFailure)
    assert (failure.cause, failure.plugin) == ("bad_facts", "standard")
    assert engine.failed == {"standard": 1}


async def test_a_number_an_outcome_lacks_fails_that_decision() -> None:
    needed = derived("needed", INT64, WHY, host_facts.CSAT_90D - 1)
    claim = Claim(all_hits(otherwise=WHY), first_hit(otherwise(Limits(holding_weight=needed), WHY)))
    engine = _engine(plugin("odd", claim, facts=(needed,)))
    engine.activate("t", 1, engine.parse("version: 1\ndefault: {plugin: odd}\n"))
    assert (await _one(engine, Policy.CLAIM)).cause == "bad_facts"
    assert (await _one(engine, Policy.CLAIM, csat_90d=0)).cause == "bad_facts"
    assert (await _one(engine, Policy.CLAIM, csat_90d=31)).outcome.limits.holding_weight == 30


@pytest.mark.requirement("B3")
async def test_a_refusal_names_every_rule_in_the_way_and_until_when() -> None:
    claim = Claim(
        all_hits(
            Rule("too-many", host_facts.OPEN_OPPORTUNITIES.at_least(2), Refuse(), WHY),
            Rule("too-soon", host_facts.DAYS_IN_POOL.less_than(2), Refuse(until_days=2), WHY),
            Rule("never", host_facts.TAGS.has("blocked"), Refuse(), WHY),
            otherwise=WHY,
        ),
        first_hit(otherwise(Limits(per_day=3), WHY)),
    )
    engine = _engine(plugin("odd", claim))
    engine.activate("t", 1, engine.parse("version: 1\ndefault: {plugin: odd}\n"))
    made = await _one(engine, Policy.CLAIM, open_opportunities=2, days_in_pool=0, tags=["blocked"])
    verdict = made.outcome
    assert isinstance(verdict, ClaimVerdict)
    assert not verdict.allowed
    assert [item.rule for item in verdict.refusals] == ["too-many", "too-soon", "never"]
    calendar = engine.tenant("t").calendar
    assert verdict.refusals[1].until == calendar.midnight_after(NOW, 2)
    assert [rule for rule, _ in made.also] == ["too-soon", "never"]
    free = await _one(engine, Policy.CLAIM, open_opportunities=1, days_in_pool=2, tags=[])
    assert free.outcome.allowed
    assert free.outcome.limits.per_day == 3


@pytest.mark.requirement("A7")
async def test_a_grid_of_value_and_potential_makes_the_tier() -> None:
    high = Grade("high", Text("high", "高"))
    low = Grade("low", Text("low", "低"))
    amount, interest = host_facts.AMOUNT_365D, host_facts.INTERESTS_90D
    tiering = Tiering(
        first_hit(
            Rule(
                "star",
                host_facts.VALUE_GRADE.equals("high"),
                TierDeclared("star", 95, Text("Star", "明星")),
                Text("value {value_grade}, potential {potential_grade}", "价值{value_grade}"),
            ),
            otherwise(TierDeclared("rest", 5, Text("Rest", "其他")), WHY),
        ),
        value=first_hit(Rule("much", amount.at_least(100), high, WHY), otherwise(low, WHY)),
        potential=first_hit(Rule("keen", interest.at_least(1), high, WHY), otherwise(low, WHY)),
    )
    engine = _engine(plugin("grid", tiering))
    engine.activate("t", 1, engine.parse("version: 1\ndefault: {plugin: grid}\n"))
    made = await _one(engine, Policy.TIERING, amount_365d=100, value_grade="lies")
    assert made.outcome == Tier("star", 95, Text("Star", "明星"), "high", "low", None)
    assert made.reason.en == "value high, potential low"


@pytest.mark.parametrize("policy", sorted(set(Policy) - OPTIONAL))
async def test_a_record_comes_back_from_the_store_as_it_went(policy: Policy) -> None:
    made = await _one(_engine(), policy, amount_365d=7, stage="active", tags=["b", "a"])
    stored = msgpack.unpackb(msgpack.packb(made.to_record()))
    assert Decision.from_record(stored) == made
    assert made.order == (0, (0, 1, 0))
    with pytest.raises(ValueError, match="schema"):
        Decision.from_record({**stored, "v": 99})


async def test_an_explanation_has_the_truth_of_each_condition() -> None:
    request = DecisionRequest(
        "t", "", Policy.LIFECYCLE, {"days_since_last_order": 89, "orders_365d": 3}, NOW
    )
    explained = await _engine().explain(request)
    assert isinstance(explained, Explanation)
    assert explained.decision.rule == "active"
    rules = {truth.rule: truth for truth in explained.rules}
    assert [rule for rule, truth in rules.items() if truth.decides] == ["active"]
    (needed,) = rules["dormant"].would_need
    assert (needed.text, needed.value) == (
        "days_since_last_order >= settings.dormant_days (90)",
        89,
    )
    (needed,) = rules["never-ordered"].would_need
    assert needed.text == "days_since_last_order is missing"


async def test_every_rule_and_setting_of_a_plugin_can_be_listed() -> None:
    described = _engine(
        plugin("fish", lifecycle(Rule("r", host_facts.TAGS.has("x"), stage("s"), WHY)))
    )
    fish = described.plugins["fish"]
    (table,) = fish.tables
    assert [(rule.priority, rule.name, rule.condition) for rule in table.rules] == [
        (1, "r", "tags has any of {x}"),
        (2, "otherwise", "always"),
    ]
    assert fish.settings_schema["properties"]["limit"]["description"] == "a limit"
