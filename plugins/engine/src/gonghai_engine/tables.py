"""Tables of rules, compiled with one tenant's settings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gonghai_engine.alternatives import Alternative, alternatives
from gonghai_engine.bound import Bound, Every, Reverse, Some, bind, evaluate
from gonghai_engine.durable import Network, Place
from gonghai_engine.expressions import differences_of, facts_of
from gonghai_engine.faults import DeclarationError
from gonghai_engine.making import compile_outcome, facts_in
from gonghai_engine.sentences import compile_sentence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gonghai_engine.decisions import FactValue
    from gonghai_engine.making import Maker
    from gonghai_engine.sentences import Filled
    from gonghai_plugin.facts import Fact
    from gonghai_plugin.plugin import Settings
    from gonghai_plugin.rules import AllHits, FirstHit, Rule


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule with the settings put in."""

    name: str
    declared: Rule[Any]
    bound: Bound
    alternatives: tuple[Alternative, ...]
    outcome: Maker
    reason: Filled


class Table(ABC):
    """What both kinds of table have: the rules, and the facts that they name."""

    def __init__(
        self,
        name: str,
        declared: FirstHit[Any] | AllHits[Any],
        facts: Mapping[str, Fact],
        settings: Settings,
    ) -> None:
        """Compile ``declared``; ``name`` names it in errors. Raises DeclarationError."""
        self.name = name
        self.declared = declared
        self.differences: tuple[tuple[Fact, Fact], ...] = tuple(
            dict.fromkeys(pair for rule in declared.rules for pair in differences_of(rule.when))
        )
        self.condition_facts: tuple[Fact, ...] = tuple(
            {fact.name: fact for rule in declared.rules for fact in facts_of(rule.when)}.values()
        )
        self.outcome_facts: tuple[Fact, ...] = tuple(
            {fact.name: fact for rule in declared.rules for fact in facts_in(rule.then)}.values()
        )
        self.sentence_facts: tuple[str, ...] = ()
        self.named: list[tuple[str, tuple[str, ...]]] = []
        """Where facts are named, as errors say it, and which."""
        seen: set[str] = set()
        rules: list[CompiledRule] = []
        for rule in declared.rules:
            where = f"{name}, rule {rule.name!r}"
            if rule.name in seen:
                raise DeclarationError(where, "another rule of the table has this name")
            seen.add(rule.name)
            rules.append(self._compile(rule, facts, settings, where))
        self.rules = tuple(rules)

    @abstractmethod
    def decide(self, values: Mapping[str, FactValue]) -> tuple[CompiledRule, ...]:
        """Return the rules that take part in the decision, by durable-rules. Raises EngineError."""

    @abstractmethod
    def deciding(self, values: Mapping[str, FactValue]) -> tuple[CompiledRule, ...]:
        """Return the rules that take part in the decision, by plain Python."""

    @abstractmethod
    def close(self) -> None:
        """Free the networks."""

    def _compile(
        self, rule: Rule[Any], facts: Mapping[str, Fact], settings: Settings, where: str
    ) -> CompiledRule:
        bound = bind(rule.when, settings, where)
        reason, named = compile_sentence(rule.because, facts, settings, where)
        self.sentence_facts = tuple(dict.fromkeys((*self.sentence_facts, *named)))
        declared = (
            fact.name for part in (facts_of(rule.when), facts_in(rule.then)) for fact in part
        )
        self.named.append((where, tuple(dict.fromkeys((*declared, *named)))))
        found = alternatives(bound, where)
        if not found and not _switched_off(bound):
            raise DeclarationError(where, "its condition can never hold")
        return CompiledRule(
            rule.name, rule, bound, found, compile_outcome(rule.then, settings, where), reason
        )


class FirstHitTable(Table):
    """The first rule that holds decides."""

    def __init__(
        self, name: str, declared: FirstHit[Any], facts: Mapping[str, Fact], settings: Settings
    ) -> None:
        """Compile. Raises DeclarationError, for a rule that never gets its turn too."""
        super().__init__(name, declared, facts, settings)
        if not self.rules or not _always(self.rules[-1]):
            raise DeclarationError(name, "the last rule must hold always: a catch-all is missing")
        _check_reachable(name, self.rules)
        self._alone = tuple((rule,) for rule in self.rules)
        self._network = _network(name, self.rules[:-1], len(self.rules) - 1)

    def decide(self, values: Mapping[str, FactValue]) -> tuple[CompiledRule, ...]:
        """Return the one rule that decides, by durable-rules. Raises EngineError."""
        return self._alone[0 if self._network is None else self._network.first(values)]

    def deciding(self, values: Mapping[str, FactValue]) -> tuple[CompiledRule, ...]:
        """Return the rule that decides, by plain Python: what `decide` must agree with."""
        return (next(rule for rule in self.rules if evaluate(rule.bound, values)),)

    def close(self) -> None:
        """Free the networks."""
        if self._network is not None:
            self._network.close()


class AllHitsTable(Table):
    """Every rule that holds counts."""

    def __init__(
        self, name: str, declared: AllHits[Any], facts: Mapping[str, Fact], settings: Settings
    ) -> None:
        """Compile. Raises DeclarationError."""
        super().__init__(name, declared, facts, settings)
        where = f"{name}, otherwise"
        self.otherwise, named = compile_sentence(declared.otherwise, facts, settings, where)
        self.sentence_facts = tuple(dict.fromkeys((*self.sentence_facts, *named)))
        self.named.append((where, tuple(named)))
        # The rules from each one on: asked again after a hit. Most often none hits, and one is
        # enough. A network costs memory from its first use only.
        self._rest = tuple(
            None
            if _always(rule)
            else _network(name, self.rules[start:], len(self.rules), offset=start)
            for start, rule in enumerate(self.rules)
        )

    def decide(self, values: Mapping[str, FactValue]) -> tuple[CompiledRule, ...]:
        """Return the rules that hold, from the top, by durable-rules. Raises EngineError."""
        hits: list[CompiledRule] = []
        start = 0
        while start < len(self.rules):
            network = self._rest[start]
            found = start if network is None else network.first(values)
            if found == len(self.rules):
                break
            hits.append(self.rules[found])
            start = found + 1
        return tuple(hits)

    def deciding(self, values: Mapping[str, FactValue]) -> tuple[CompiledRule, ...]:
        """Return the rules that hold, by plain Python: what `decide` must agree with."""
        return tuple(rule for rule in self.rules if evaluate(rule.bound, values))

    def close(self) -> None:
        """Free the networks."""
        for network in self._rest:
            if network is not None:
                network.close()


def _network(
    name: str, rules: tuple[CompiledRule, ...], catch_all: int, offset: int = 0
) -> Network | None:
    places = [
        Place(index, alternative, rule.name)
        for index, rule in enumerate(rules, start=offset)
        for alternative in rule.alternatives
    ]
    if not places and offset == 0 and catch_all == 0:
        return None
    return Network([*places, Place(catch_all, None)], name)


def _always(rule: CompiledRule) -> bool:
    return any(alternative.size == 0 for alternative in rule.alternatives)


def _switched_off(bound: Bound) -> bool:
    """Say whether an empty list in the settings turned the rule off; that is no mistake."""
    match bound:
        case Every() | Some():
            return (isinstance(bound, Some) and not bound.items) or any(
                _switched_off(item) for item in bound.items
            )
        case Reverse():
            return _switched_off(bound.item)
        case _:
            return False


def _check_reachable(name: str, rules: tuple[CompiledRule, ...]) -> None:
    for place, rule in enumerate(rules):
        before = [
            next((earlier.name for earlier in rules[:place] if _covers(earlier, part)), None)
            for part in rule.alternatives
        ]
        if before and None not in before:
            named = ", ".join(repr(earlier) for earlier in dict.fromkeys(before))
            raise DeclarationError(
                f"{name}, rule {rule.name!r}",
                f"it never gets its turn: the rules before it hold wherever it does ({named})",
            )


def _covers(rule: CompiledRule, part: Alternative) -> bool:
    return any(own.covers(part) for own in rule.alternatives)
