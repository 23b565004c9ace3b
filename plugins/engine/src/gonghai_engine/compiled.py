"""One plugin's policies, compiled with one tenant's settings: facts in, verdict out."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from gonghai_engine.bound import difference_key
from gonghai_engine.expressions import compile_number, difference, facts_of, saturated
from gonghai_engine.faults import DeclarationError
from gonghai_engine.intake import Intake
from gonghai_engine.isolation.own_code import has_function
from gonghai_engine.tables import AllHitsTable, FirstHitTable, Table
from gonghai_engine.verdicts import GRADES, VERDICTS
from gonghai_plugin import host_facts, policies
from gonghai_plugin.facts import Derived, Fact, FromAttribute, Host
from gonghai_plugin.policies import AREAS, Policy
from gonghai_plugin.rules import AllHits, FirstHit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gonghai_engine.expressions import Values, Whole
    from gonghai_engine.verdicts import Moment, Verdict
    from gonghai_plugin.plugin import Plugin, Settings
    from gonghai_plugin.policies import AnyPolicy

_TIER: Final = frozenset({host_facts.TIER.name, host_facts.TIER_RANK.name})
_NOT_YET: Final[Mapping[Policy, frozenset[str]]] = {
    Policy.LIFECYCLE: _TIER | {host_facts.STAGE.name, *GRADES},
    Policy.TIERING: _TIER,
}
"""Facts that are decided later than the policy."""


class CompiledPolicy:
    """One policy. Not to be used by two threads at once."""

    def __init__(self, declared: AnyPolicy, plugin: Plugin, settings: Settings) -> None:
        """Compile. Raises DeclarationError naming the rule or fact at fault."""
        self.declared = declared
        self.policy: Policy = declared.policy
        known = known_facts(plugin)
        self.grades: Mapping[int, str] = _grades(declared)
        """Which fact each table of grades decides, by its place; they come before the rules."""
        self.graded = frozenset(self.grades.values())
        """The facts that the policy itself puts in."""
        self.tables: tuple[Table, ...] = tuple(
            FirstHitTable(name, table, known, settings)
            if isinstance(table, FirstHit)
            else AllHitsTable(name, table, known, settings)
            for name, table in _tables(declared)
        )
        self.facts = _needed(self.tables, declared, known)
        _check_facts(self.policy, self.facts, known, self.graded)
        self.intake = Intake(
            tuple(
                fact
                for fact in self.facts.values()
                if not isinstance(fact.origin, Derived) and fact.name not in self.graded
            )
        )
        self.derived: tuple[tuple[Fact, Whole], ...] = tuple(
            (fact, _compute(fact, settings))
            for fact in self.facts.values()
            if isinstance(fact.origin, Derived)
        )
        self.functions: frozenset[str] = frozenset(
            fact.name for fact, _ in self.derived if has_function(fact)
        )
        """The facts that code of the plugin's own has a part in."""
        self.differences = tuple(
            dict.fromkeys(pair for table in self.tables for pair in table.differences)
        )
        self.recorded: tuple[str, ...] = tuple(
            dict.fromkeys(
                fact.name
                for table in self.tables
                for fact in (*table.condition_facts, *table.outcome_facts)
            )
        )
        self.named = tuple(place for table in self.tables for place in table.named)
        """Where facts are named, as errors say it, and which."""
        self._verdict = VERDICTS[type(declared)]
        self.in_order = (*self.grades, *range(len(self.tables) - len(self.grades)))

    def values(self, given: Mapping[str, object]) -> Values:
        """Return every value the policy's rules need. Raises FactError for a wrong type."""
        values = self.intake.take(given)
        for fact, compute in self.derived:
            values[fact.name] = compute(values)
        for left, right in self.differences:
            values[difference_key(left, right)] = difference(values, left, right)
        return values

    def known(self, given: Mapping[str, object]) -> Values:
        """Return what `values` does, without running a plugin's functions: theirs are missing."""
        values = self.intake.take(given)
        for fact, compute in self.derived:
            values[fact.name] = None if fact.name in self.functions else compute(values)
        for left, right in self.differences:
            values[difference_key(left, right)] = difference(values, left, right)
        return values

    def decide(self, values: Values, moment: Moment) -> Verdict:
        """Return what the rules say. Raises EngineError, or FactError for a number they lack.

        The grades that the policy decides on the way are put into ``values``.
        """
        if not self.grades:
            chosen = [table.decide(values) for table in self.tables]
            return self._verdict(self, chosen, values, moment)
        chosen = [()] * len(self.tables)
        for place in self.in_order:
            hits = chosen[place] = self.tables[place].decide(values)
            if place in self.grades:
                values[self.grades[place]] = hits[0].outcome(values).name
        return self._verdict(self, chosen, values, moment)

    def first(self, place: int) -> FirstHitTable:
        """Return a first-hit table by its place."""
        table = self.tables[place]
        assert isinstance(table, FirstHitTable)  # noqa: S101 - the declarations are so typed
        return table

    def all(self, place: int) -> AllHitsTable:
        """Return an all-hits table by its place."""
        table = self.tables[place]
        assert isinstance(table, AllHitsTable)  # noqa: S101 - the declarations are so typed
        return table

    def close(self) -> None:
        """Free the networks underneath."""
        for table in self.tables:
            table.close()


def _grades(declared: AnyPolicy) -> Mapping[int, str]:
    if not isinstance(declared, policies.Tiering):
        return {}
    given = (declared.value, declared.potential)
    there = [name for name, table in zip(GRADES, given, strict=True) if table is not None]
    return dict(enumerate(there, start=1))


def _tables(declared: AnyPolicy) -> Iterable[tuple[str, Any]]:
    for field in dataclasses.fields(declared):
        table = getattr(declared, field.name)
        if isinstance(table, (FirstHit, AllHits)):
            suffix = "" if field.name == "rules" else f" {field.name}"
            yield f"{declared.policy}{suffix}", table


def known_facts(plugin: Plugin) -> dict[str, Fact]:
    """Return all facts that a plugin's rules can name, by name. Raises DeclarationError."""
    known = dict(host_facts.ALL)
    for fact in (*(attribute.fact for attribute in plugin.attributes), *plugin.facts):
        if fact.name in known:
            raise DeclarationError(f"fact {fact.name!r}", "the name is taken")
        if not fact.name.isidentifier():
            # Sentences name facts between braces, and a comparison of two facts makes a name.
            raise DeclarationError(
                f"fact {fact.name!r}", "a name has letters, digits and _, and no digit first"
            )
        known[fact.name] = fact
    return known


def _needed(
    tables: tuple[Table, ...], declared: AnyPolicy, known: Mapping[str, Fact]
) -> dict[str, Fact]:
    """Return the facts that the tables need, each after those it is derived from."""
    needed: dict[str, Fact] = {}

    def add(fact: Fact) -> None:
        if fact.name in needed:
            return
        if isinstance(fact.origin, Derived):
            for part in facts_of(fact.origin.expression):
                add(part)
        needed[fact.name] = fact

    for table in tables:
        for fact in (*table.condition_facts, *table.outcome_facts):
            add(fact)
        for name in table.sentence_facts:
            add(known[name])
    if isinstance(declared, policies.Tiering) and declared.lifetime_value is not None:
        add(declared.lifetime_value)
    return needed


def _check_facts(
    policy: Policy, facts: Mapping[str, Fact], known: Mapping[str, Fact], computed: frozenset[str]
) -> None:
    for fact in facts.values():
        if known.get(fact.name) != fact:
            kind = "attribute" if isinstance(fact.origin, FromAttribute) else "fact"
            raise DeclarationError(
                f"{policy}", f"it names the {kind} {fact.name!r}, which the plugin does not declare"
            )
        if isinstance(fact.origin, Host) and fact.origin.area not in AREAS[policy]:
            raise DeclarationError(
                f"{policy}", f"it names {fact.name!r}, a fact of {fact.origin.area}"
            )
        late = _NOT_YET.get(policy, frozenset())
        grades = policy is Policy.TIERING and fact.name in GRADES and fact.name not in computed
        if fact.name in late or grades:
            raise DeclarationError(
                f"{policy}", f"it names {fact.name!r}, which is decided later only"
            )


def _compute(fact: Fact, settings: Settings) -> Whole:
    assert isinstance(fact.origin, Derived)  # noqa: S101 - only derived ones come here
    where = f"fact {fact.name!r}"
    if not fact.type.kind.numeric:
        raise DeclarationError(where, f"a derived fact is a number, this is a {fact.type}")
    compute = compile_number(fact.origin.expression, settings, where)
    return lambda values: saturated(compute(values))
