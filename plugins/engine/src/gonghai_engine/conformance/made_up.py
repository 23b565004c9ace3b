"""Made-up facts for a policy: around what its rules compare with, at the edges, and missing.

The same seed makes the same facts. What is made up stays within what services and attributes let
in: a count is not negative, an attribute keeps its bounds.
"""

from __future__ import annotations

import dataclasses
from random import Random
from typing import TYPE_CHECKING, Any, Final

from gonghai_engine.bound import (
    Bound,
    Contains,
    Every,
    Number,
    Reverse,
    Some,
    Word,
    bind,
    evaluate,
)
from gonghai_engine.expressions import facts_of
from gonghai_engine.faults import DeclarationError, FunctionError
from gonghai_engine.settings import value_at
from gonghai_plugin.conditions import Compare, Has, OneOf
from gonghai_plugin.facts import Derived, Fact, Kind, Pick, Setting, Unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gonghai_engine.alternatives import Alternative
    from gonghai_engine.compiled import CompiledPolicy
    from gonghai_engine.decisions import FactValue
    from gonghai_engine.tables import CompiledRule, Table
    from gonghai_plugin.plugin import Plugin, Settings

    Facts = dict[str, FactValue]

_PLAIN_NUMBERS: Final = (
    0, 1, 2, 3, 7, 10, 14, 30, 45, 60, 90, 100, 180, 365, 1000,
    10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 2**53 + 1, 2**63 - 1,
)  # fmt: skip
_NEGATIVE: Final = (-1, -100, -10_000_000, -(2**63))
_SIGNED: Final = frozenset({"nps_90d"})
"""Facts of the host that may be below nought without being amounts."""
_MISSING: Final = 0.3
"""How often a made-up fact has no value."""
_TRIES: Final = 1200
"""How many facts are made up for a rule before it is taken for unreachable."""


class MadeUp:
    """Makes facts up for one compiled policy."""

    def __init__(
        self, compiled: CompiledPolicy, plugin: Plugin, settings: Settings, seed: int = 7
    ) -> None:
        """Collect what the policy's rules compare with."""
        self._compiled = compiled
        self._random = Random(seed)  # noqa: S311 - the same facts each time are wanted
        names = frozenset(compiled.intake.names)
        self._given = tuple(fact for fact in compiled.facts.values() if fact.name in names)
        self._numbers: dict[str, set[int]] = {}
        self._texts: dict[str, set[str]] = {}
        self._bounds = {
            attribute.name: (attribute.minimum, attribute.maximum)
            for attribute in plugin.attributes
        }
        for table in compiled.tables:
            for rule in table.rules:
                self._learn(rule.bound)
                self._learn_outcome(rule.declared.then, settings)
        for fact in compiled.facts.values():
            if isinstance(fact.origin, Derived):
                self._learn_expression(fact.origin.expression, settings)
        self._values = {fact.name: self._candidates(fact) for fact in self._given}

    def nothing(self) -> Facts:
        """Return facts of which every one is missing."""
        return dict.fromkeys((fact.name for fact in self._given), None)

    def some(self, count: int) -> Iterator[Facts]:
        """Make facts up: first with nothing known, then at random."""
        yield self.nothing()
        for _ in range(count - 1):
            yield self._anything()

    def for_rule(self, table: Table, rule: CompiledRule) -> Facts | None:
        """Return facts for which the rule takes part in the decision; None when none was found."""
        chances = max(1, _TRIES // max(1, len(rule.alternatives)))
        for alternative in rule.alternatives:
            for chance in range(chances):
                facts = self.nothing() if chance % 3 == 0 else self._anything()
                self._set_up(facts, alternative)
                if self._reached(facts, table, rule) or (
                    alternative.numbers and self._nearer(facts, alternative, table, rule)
                ):
                    return facts
        return None

    def values(self, facts: Mapping[str, FactValue]) -> Facts:
        """Return every value the rules need; none where a function of the plugin's own fails."""
        try:
            return self._compiled.values(facts)
        except FunctionError:
            return {}

    def _reached(self, facts: Facts, table: Table, rule: CompiledRule) -> bool:
        values = self.values(facts)
        if not values and facts:
            return False
        for place, grade in self._compiled.grades.items():
            (decides,) = self._compiled.tables[place].deciding(values)
            values[grade] = decides.outcome(values).name
        return evaluate(rule.bound, values) and rule in table.deciding(values)

    def _nearer(
        self, facts: Facts, alternative: Alternative, table: Table, rule: CompiledRule
    ) -> bool:
        """Change one fact after the other towards what the alternative asks of derived numbers."""
        inputs = [
            fact.name
            for name in alternative.numbers
            for fact in self._inputs(self._compiled.facts.get(name))
            if fact.name in facts
        ]
        for _ in range(6):
            if not inputs:
                return False
            name = self._random.choice(inputs)
            best, nearest = facts[name], _distance(self.values(facts), alternative)
            for candidate in self._values[name]:
                facts[name] = candidate
                if self._reached(facts, table, rule):
                    return True
                distance = _distance(self.values(facts), alternative)
                if distance < nearest:
                    best, nearest = candidate, distance
            facts[name] = best
        return False

    def _inputs(self, fact: Fact | None) -> Iterator[Fact]:
        if fact is None:
            return
        if isinstance(fact.origin, Derived):
            for part in facts_of(fact.origin.expression):
                yield from self._inputs(part)
        else:
            yield fact

    def _set_up(self, facts: Facts, alternative: Alternative) -> None:
        """Give the facts that the alternative tests directly values that pass."""
        chance = self._random
        for name, bounds in alternative.numbers.items():
            if name in facts:
                inside = [
                    value
                    for value in self._values[name]
                    if isinstance(value, int)
                    and bounds.low <= value <= bounds.high
                    and value not in bounds.excluded
                ]
                facts[name] = chance.choice(inside) if inside else bounds.low
        for name, choice in alternative.words.items():
            if name in facts:
                others = [
                    value
                    for value in self._values[name]
                    if value is not None and value not in choice.excluded
                ]
                facts[name] = choice.only or (chance.choice(others) if others else "something")
        facts |= {name: value for name, value in alternative.flags.items() if name in facts}
        for (name, member), there in alternative.contains.items():
            if name in facts:
                known = facts[name]
                members = known if isinstance(known, frozenset) else frozenset()
                facts[name] = members | {member} if there else members - {member}
        for name, missing in alternative.absent.items():
            if name in facts and (missing or facts[name] is None):
                known_values = [value for value in self._values[name] if value is not None]
                facts[name] = None if missing else chance.choice(known_values)

    def _anything(self) -> Facts:
        chance = self._random
        return {
            fact.name: None
            if chance.random() < _MISSING
            else chance.choice(self._values[fact.name])
            for fact in self._given
        }

    def _candidates(self, fact: Fact) -> tuple[FactValue, ...]:
        kind = fact.type.kind
        if kind is Kind.BOOL:
            return (True, False)
        if kind.numeric:
            numbers = {*_PLAIN_NUMBERS, *self._numbers.get(fact.name, ())}
            low, high = self._bounds.get(fact.name, (None, None))
            if low is None and (fact.unit is Unit.MONEY or fact.name in _SIGNED):
                numbers |= {*_NEGATIVE}
            elif low is None:
                low = 0
            return tuple(
                sorted(
                    number
                    for number in numbers
                    if (low is None or number >= low) and (high is None or number <= high)
                )
            )
        texts = sorted(fact.type.values or {*self._texts.get(fact.name, ()), "something", "别的"})
        if kind is Kind.TEXT:
            return tuple(texts)
        sets = [frozenset(), *(frozenset({text}) for text in texts), frozenset(texts)]
        return (*sets, *(frozenset(self._random.sample(texts, len(texts) // 2)) for _ in range(3)))

    def _learn(self, bound: Bound) -> None:
        match bound:
            case Number():
                found = self._numbers.setdefault(bound.fact, set())
                found.update({bound.value - 1, bound.value, bound.value + 1})
                for side in bound.fact.split(" - "):  # a comparison of two facts
                    self._numbers.setdefault(side, set()).add(1)
            case Word() | Contains():
                self._texts.setdefault(bound.fact, set()).add(bound.value)
            case Every() | Some():
                for item in bound.items:
                    self._learn(item)
            case Reverse():
                self._learn(bound.item)
            case _:
                pass

    def _learn_outcome(self, item: object, settings: Settings) -> None:
        if isinstance(item, Pick):
            self._learn_expression(item, settings)
        elif isinstance(item, tuple):
            for part in item:
                self._learn_outcome(part, settings)
        elif dataclasses.is_dataclass(item) and not isinstance(item, (type, Fact, Setting)):
            for field in dataclasses.fields(item):
                self._learn_outcome(getattr(item, field.name), settings)

    def _learn_expression(self, item: Any, settings: Settings) -> None:  # noqa: ANN401 - any part of an expression
        match item:
            case Compare() | OneOf() | Has():
                try:
                    self._learn(bind(item, settings, "made-up facts"))
                except DeclarationError:
                    return
            case Pick():
                self._learn_table(item, settings)
            case tuple():
                for part in item:
                    self._learn_expression(part, settings)
            case _ if dataclasses.is_dataclass(item) and not isinstance(item, (type, Fact)):
                for field in dataclasses.fields(item):
                    self._learn_expression(getattr(item, field.name), settings)
            case _:
                pass

    def _learn_table(self, item: Pick, settings: Settings) -> None:
        known = self._texts.setdefault(item.by.name, set())
        if isinstance(item.table, Setting):
            found = value_at(settings, item.table.path, "made-up facts")
            known.update(map(str, found if isinstance(found, dict) else ()))
            return
        for key, value in item.table:
            known.add(str(key))
            self._learn_expression(value, settings)


def _distance(values: Mapping[str, FactValue], alternative: Alternative) -> int:
    """Return how far the numbers are from where the alternative wants them; missing is far."""
    far = 0
    for name, bounds in alternative.numbers.items():
        number = values.get(name)
        if not isinstance(number, int):
            far += 2**64
        else:
            far += max(0, bounds.low - number, number - bounds.high)
    return far
