"""What a worker answers, as plain data and back: decisions, failures, explanations.

Decisions go as their records do to the store. Whatever a worker sends, only classes that are named
here come of it, and only data is in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gonghai_engine.decisions import Decision, DecisionFailure, FailureCause
from gonghai_engine.explain import ConditionTruth, Explanation, RuleTruth
from gonghai_engine.faults import EngineError
from gonghai_plugin.policies import Policy
from gonghai_plugin.texts import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_engine.decisions import FactValue

_MADE: Final = "made"
_FAILED: Final = "failed"


def of_decisions(made: Sequence[Decision | DecisionFailure]) -> list[Any]:
    """Return them as plain data."""
    return [_of_decision(each) for each in made]


def decisions(data: Any) -> list[Decision | DecisionFailure]:  # noqa: ANN401 - of a worker
    """Read what `of_decisions` made. Raises EngineError for anything else."""
    try:
        return [_decision(each) for each in data]
    except Exception as error:
        raise _nonsense(error) from error


def of_explanation(explained: Explanation | DecisionFailure) -> Any:  # noqa: ANN401 - plain data
    """Return it as plain data."""
    if isinstance(explained, DecisionFailure):
        return [_of_decision(explained), None]
    return [_of_decision(explained.decision), [_of_rule(rule) for rule in explained.rules]]


def explanation(data: Any) -> Explanation | DecisionFailure:  # noqa: ANN401 - of a worker
    """Read what `of_explanation` made. Raises EngineError for anything else."""
    try:
        decided, rules = data
        decision = _decision(decided)
        if isinstance(decision, DecisionFailure):
            return decision
        return Explanation(decision, tuple(_rule(rule) for rule in rules))
    except Exception as error:
        raise _nonsense(error) from error


def _of_decision(each: Decision | DecisionFailure) -> list[Any]:
    if isinstance(each, Decision):
        return [_MADE, each.to_record()]
    return [
        _FAILED,
        each.subject,
        str(each.policy),
        str(each.cause),
        each.message,
        each.plugin,
        each.revision,
        each.at,
    ]


def _decision(data: Any) -> Decision | DecisionFailure:  # noqa: ANN401 - of a worker
    kind, *rest = data
    if kind == _MADE:
        (record,) = rest
        return Decision.from_record(record)
    subject, policy, cause, message, plugin, revision, at = rest
    return DecisionFailure(
        subject, Policy(policy), FailureCause(cause), message, plugin, revision, at
    )


def _of_rule(rule: RuleTruth) -> list[Any]:
    return [
        rule.table,
        rule.rule,
        rule.holds,
        rule.decides,
        [rule.reason.en, rule.reason.zh],
        [_of_condition(each) for each in rule.conditions],
        [_of_condition(each) for each in rule.would_need],
    ]


def _rule(data: Any) -> RuleTruth:  # noqa: ANN401 - of a worker
    table, rule, holds, decides, (en, zh), conditions, would_need = data
    return RuleTruth(
        table,
        rule,
        holds,
        decides,
        Text(en, zh),
        tuple(_condition(each) for each in conditions),
        tuple(_condition(each) for each in would_need),
    )


def _of_condition(truth: ConditionTruth) -> list[Any]:
    value = sorted(truth.value) if isinstance(truth.value, frozenset) else truth.value
    return [truth.text, truth.holds, truth.fact, value]


def _condition(data: Any) -> ConditionTruth:  # noqa: ANN401 - of a worker
    text, holds, fact, given = data
    value: FactValue = frozenset(given) if isinstance(given, list) else given
    return ConditionTruth(text, holds, fact, value)


def _nonsense(error: Exception) -> EngineError:
    return EngineError(f"the plugin's process answered nonsense: {type(error).__name__}")
