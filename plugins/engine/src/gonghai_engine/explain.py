"""The truth of each condition behind a decision, and what stood in the way of the other rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai_engine.bound import bind, evaluate
from gonghai_engine.settings import value_at
from gonghai_plugin import conditions
from gonghai_plugin.facts import Setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gonghai_engine.compiled import CompiledPolicy
    from gonghai_engine.decisions import Decision, FactValue
    from gonghai_engine.tables import CompiledRule, Table
    from gonghai_plugin.conditions import Condition
    from gonghai_plugin.plugin import Settings
    from gonghai_plugin.texts import Text


@dataclass(frozen=True, slots=True)
class ConditionTruth:
    """One comparison: does it hold, and for which value of the fact."""

    text: str
    holds: bool
    fact: str
    value: FactValue


@dataclass(frozen=True, slots=True)
class RuleTruth:
    """One rule of a table, from the top.

    ``decides``: it took part in the decision. ``would_need``: the comparisons that would have to
    turn out otherwise for it to hold.
    """

    table: str
    rule: str
    holds: bool
    decides: bool
    reason: Text
    conditions: tuple[ConditionTruth, ...]
    would_need: tuple[ConditionTruth, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision, and every rule that was looked at."""

    decision: Decision
    rules: tuple[RuleTruth, ...]


def truths(
    compiled: CompiledPolicy, settings: Settings, values: Mapping[str, FactValue]
) -> tuple[RuleTruth, ...]:
    """Return the truth of each rule and condition for these values."""
    return tuple(truth for table in compiled.tables for truth in _table(table, settings, values))


def _table(
    table: Table, settings: Settings, values: Mapping[str, FactValue]
) -> Iterator[RuleTruth]:
    deciding = table.deciding(values)
    for rule in table.rules:
        holds = evaluate(rule.bound, values)
        yield RuleTruth(
            table.name,
            rule.name,
            holds,
            rule in deciding,
            rule.reason(values).text,
            tuple(_leaves(rule.declared.when, settings, values)),
            () if holds else tuple(_in_the_way(rule, settings, values)),
        )


def _leaves(
    condition: Condition, settings: Settings, values: Mapping[str, FactValue]
) -> Iterator[ConditionTruth]:
    match condition:
        case conditions.All() | conditions.Any():
            for item in condition.items:
                yield from _leaves(item, settings, values)
        case conditions.Not():
            yield from _leaves(condition.item, settings, values)
        case _:
            yield _truth(condition, condition, settings, values)


def _in_the_way(
    rule: CompiledRule, settings: Settings, values: Mapping[str, FactValue]
) -> Iterator[ConditionTruth]:
    def blocking(condition: Condition, *, wanted: bool) -> Iterator[ConditionTruth]:
        if _holds(condition, settings, values) is wanted:
            return
        match condition:
            case conditions.All() | conditions.Any():
                for item in condition.items:
                    yield from blocking(item, wanted=wanted)
            case conditions.Not():
                yield from blocking(condition.item, wanted=not wanted)
            case _:
                written = condition if wanted else conditions.Not(condition)
                yield _truth(condition, written, settings, values)

    yield from blocking(rule.declared.when, wanted=True)


def _truth(
    condition: conditions.Compare | conditions.OneOf | conditions.Has | conditions.Missing,
    written: Condition,
    settings: Settings,
    values: Mapping[str, FactValue],
) -> ConditionTruth:
    name = condition.fact.name
    operand = getattr(condition, "operand", None) or getattr(condition, "values", None)
    text = str(written)
    if isinstance(operand, Setting):
        text = f"{text} ({value_at(settings, operand.path, name)})"
    return ConditionTruth(text, _holds(written, settings, values), name, values.get(name))


def _holds(condition: Condition, settings: Settings, values: Mapping[str, FactValue]) -> bool:
    return evaluate(bind(condition, settings, "explain"), values)
