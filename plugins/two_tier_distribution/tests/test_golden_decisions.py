"""What the two-tier plugin decides about distributors that people of the trade would recognise."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from gonghai_engine import (
    Admission,
    Cadence,
    ClaimVerdict,
    Decision,
    DecisionRequest,
    Engine,
    Needs,
    Policy,
    Qualification,
    ReclaimPlan,
    RiskSignals,
    Stage,
    Tier,
)
from gonghai_engine.calendar import Calendar
from gonghai_standard import STANDARD
from gonghai_two_tier import TWO_TIER
from gonghai_two_tier.sample import INDUSTRY, sample

NOW = 1_795_000_000_000_000
CALENDAR = Calendar()
CASES = yaml.safe_load(Path(__file__).with_name("golden.yaml").read_text("utf-8"))


async def _decided(facts: dict[str, object]) -> dict[str, object]:
    """Decide everything as archive, pool and assignment would, in their order."""
    engine = Engine({"standard": STANDARD, "two_tier_distribution": TWO_TIER})
    engine.activate("t", 1, engine.parse(sample(start=NOW, customers=20).policy_yaml))
    found: dict[str, object] = {}
    known = dict(facts)
    for policy in Policy:
        (made,) = await engine.decide([DecisionRequest("t", INDUSTRY, policy, known, NOW)])
        assert isinstance(made, Decision), made
        found[policy] = made.rule
        found |= _of(made.outcome)
        if isinstance(made.outcome, Stage):
            known["stage"] = made.outcome.name
        if isinstance(made.outcome, Tier):
            known |= {"tier": made.outcome.name, "tier_rank": made.outcome.rank}
    engine.close()
    return found


def _of(outcome: Any) -> dict[str, object]:  # noqa: ANN401, PLR0911 - one of the outcomes
    match outcome:
        case Stage():
            return {"stage": outcome.name}
        case Tier():
            return {"tier": outcome.name}
        case Cadence():
            return {"days": outcome.days}
        case Admission():
            return {"pool": outcome.pool}
        case ClaimVerdict():
            return {
                "refusals": [refusal.rule for refusal in outcome.refusals],
                "untils": [
                    CALENDAR.days_between(NOW, refusal.until)
                    for refusal in outcome.refusals
                    if refusal.until is not None
                ],
                "per_day": outcome.limits.per_day,
                "weight": outcome.limits.holding_weight,
            }
        case ReclaimPlan():
            lengths: dict[str, object] = {clock.name: clock.length for clock in outcome.clocks}
            return lengths | {"stops": [stop.name for stop in outcome.stop_clocks]}
        case RiskSignals():
            return {"signals": [signal.name for signal in outcome.signals]}
        case Qualification():
            return {"counts": outcome.counts}
        case Needs():
            return {"auto_assign": outcome.auto_assign}
        case _:
            return {}


@pytest.mark.requirement("D3", "A7", "A8", "A9", "A10", "B3", "B6", "C2")
@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
async def test_the_decision_is_the_golden_one(case: dict[str, Any]) -> None:
    found = await _decided(case["facts"])
    assert {name: found[name] for name in case["expect"]} == case["expect"]


def test_every_rule_that_decides_is_in_a_golden_case() -> None:
    named: set[str] = set()
    for case in CASES:
        for expected in case["expect"].values():
            named.update(map(str, expected if isinstance(expected, list) else [expected]))
    rules = {
        rule.name
        for declared in TWO_TIER.policies
        for field in dataclasses.fields(declared)
        for table in (getattr(declared, field.name),)
        for rule in getattr(table, "rules", ())
    }
    assert rules <= named
