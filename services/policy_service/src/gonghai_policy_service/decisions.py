"""Decisions of the engine as messages, in the reader's language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gonghai.type.v1 import decision_pb2
from gonghai_chassis.instants import timestamp
from gonghai_engine import Decision
from gonghai_engine.outcomes import (
    Admission,
    Cadence,
    ClaimVerdict,
    Collisions,
    Commission,
    Deny,
    Grant,
    Heirs,
    Needs,
    Qualification,
    ReclaimPlan,
    Refer,
    RiskSignals,
    Stage,
    Tier,
)
from gonghai_policy_service.reasons import in_language
from gonghai_policy_service.values import to_value, to_values

if TYPE_CHECKING:
    from collections.abc import Collection

    from gonghai_engine import Explanation
    from gonghai_engine.outcomes import Outcome
    from gonghai_plugin import Text

Recorded = Decision | dict[str, Any]
"""A decision, or its record as the store has it."""

_WORD: Final = re.compile(r"\w+")


def decision_message(
    decision: Recorded, language: str = "en", kept_because: Text | None = None
) -> decision_pb2.Decision:
    """Return a decision as a message.

    Args:
        decision: what was decided.
        language: `en` or `zh`: of the reasons.
        kept_because: what failed, when a newer decision should stand here and could not be made.
    """
    decided = _decision(decision)
    return decision_pb2.Decision(
        policy=str(decided.policy),
        rule=decided.rule,
        outcome=outcome_text(decided),
        reason=reason_text(decided, language),
        plugin=decided.plugin,
        plugin_version=decided.plugin_version,
        revision=decided.revision,
        settings_digest=decided.settings_digest,
        facts=to_values(decided.facts),
        decide_time=timestamp(decided.at),
        kept_because=in_language(kept_because, language),
    )


def condition_messages(
    explanation: Explanation, *, but: Collection[str] = ()
) -> list[decision_pb2.ConditionTruth]:
    """Return the truth of each condition of each rule, in the order of the rules.

    Args:
        explanation: of the decision.
        but: names of facts; what names one of them, be it to compare another with, is left out.
    """
    messages = []
    for rule in explanation.rules:
        for condition in rule.conditions:
            named = {condition.fact, *_WORD.findall(condition.text)}
            if not named.isdisjoint(but):
                continue
            message = decision_pb2.ConditionTruth(
                rule=rule.rule, condition=condition.text, holds=condition.holds
            )
            if condition.fact:
                message.facts[condition.fact].CopyFrom(to_value(condition.value))
            messages.append(message)
    return messages


def outcome_text(decision: Recorded) -> str:
    """Say in a word what was decided: a tier, a pool's id, `allow`, the names of clocks."""
    return _outcome_text(_decision(decision).outcome)


def reason_text(decision: Recorded, language: str = "en") -> str:
    """Return why it was decided so, with what else holds where the policy collects it."""
    decided = _decision(decision)
    reasons: list[Text] = [decided.reason, *(reason for _, reason in decided.also)]
    words = [in_language(reason, language) for reason in reasons]
    return ("；" if language == "zh" else "; ").join(dict.fromkeys(filter(None, words)))


def _decision(decision: Recorded) -> Decision:
    return decision if isinstance(decision, Decision) else Decision.from_record(decision)


def _outcome_text(outcome: Outcome) -> str:  # noqa: C901, PLR0911, PLR0912 - one line for each policy
    match outcome:
        case Stage() | Tier():
            return outcome.name
        case Cadence():
            return f"{outcome.days}d" if outcome.days else "none"
        case RiskSignals():
            return ",".join(signal.name for signal in outcome.signals) or "none"
        case Admission():
            later = f", {outcome.then} after {outcome.after_days}d" if outcome.then else ""
            return f"{outcome.pool or 'none'}{later}"
        case ClaimVerdict():
            return "allow" if outcome.allowed else "refuse"
        case ReclaimPlan():
            return ",".join(clock.name for clock in outcome.clocks) or "none"
        case Qualification():
            return "counts" if outcome.counts else "ignored"
        case Needs():
            return "assign" if outcome.auto_assign else "wait"
        case Collisions():
            return ",".join("/".join(each.values) for each in outcome.claimed) or "none"
        case Heirs():
            return ",".join(each.rule for each in outcome.ways) or "none"
        case Grant():
            return "grant" if outcome.days is None else f"grant up to {outcome.days}d"
        case Deny():
            return "deny"
        case Refer():
            return "manager"
        case Commission():
            return f"{outcome.own_basis_points}+{outcome.sponsor_basis_points}"
