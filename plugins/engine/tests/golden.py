"""Golden decisions: what a plugin decides on facts that somebody of the trade wrote down.

A case has ``facts`` as the services would give them and ``expect``: the rule of a policy by the
policy's name, or what it decides by the names of `figures`.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from pathlib import Path

    from gonghai_plugin import Plugin

NOW = 1_795_000_000_000_000
CALENDAR = Calendar()


def cases(path: Path) -> list[dict[str, Any]]:
    """Read the cases of a file."""
    read: list[dict[str, Any]] = yaml.safe_load(path.read_text("utf-8"))
    return read


async def decided(
    plugin: Plugin, industry: str, document: str, facts: dict[str, object]
) -> dict[str, object]:
    """Decide everything as archive, pool and assignment would, in their order."""
    engine = Engine({"standard": STANDARD, plugin.name: plugin})
    engine.activate("t", 1, engine.parse(document))
    found: dict[str, object] = {}
    known = dict(facts)
    for policy in Policy:
        (made,) = await engine.decide([DecisionRequest("t", industry, policy, known, NOW)])
        assert isinstance(made, Decision), made
        found[policy] = made.rule
        found |= figures(made.outcome)
        if isinstance(made.outcome, Stage):
            known["stage"] = made.outcome.name
        if isinstance(made.outcome, Tier):
            known |= {
                "tier": made.outcome.name,
                "tier_rank": made.outcome.rank,
                "value_grade": made.outcome.value,
                "potential_grade": made.outcome.potential,
            }
    engine.close()
    return found


def figures(outcome: object) -> dict[str, object]:  # noqa: PLR0911 - one for each outcome
    """Return what an outcome says, by names that a case can expect."""
    match outcome:
        case Stage():
            return {"stage": outcome.name}
        case Tier():
            return {
                "tier": outcome.name,
                "value": outcome.value,
                "potential": outcome.potential,
            }
        case Cadence():
            return {"days": outcome.days}
        case Admission():
            return {"pool": outcome.pool}
        case ClaimVerdict():
            return {
                "refusals": [refusal.rule for refusal in outcome.refusals],
                "until_days": [
                    None if refusal.until is None else CALENDAR.days_between(NOW, refusal.until)
                    for refusal in outcome.refusals
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
            raise AssertionError(f"{type(outcome).__name__} is no outcome")


def unnamed(plugin: Plugin, written: list[dict[str, Any]]) -> set[str]:
    """Return the plugin's rules that no case expects."""
    named: set[str] = set()
    for case in written:
        for expected in case["expect"].values():
            named.update(map(str, expected if isinstance(expected, list) else [expected]))
    rules = {
        rule.name
        for declared in plugin.policies
        for field in dataclasses.fields(declared)
        for table in (getattr(declared, field.name),)
        for rule in getattr(table, "rules", ())
    }
    return rules - named
