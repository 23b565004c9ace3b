"""One plugin's policies, compiled with one tenant's settings: facts in, verdict out."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gonghai_engine.bound import difference_key
from gonghai_engine.expressions import compile_number, difference, facts_of, saturated
from gonghai_engine.faults import DeclarationError
from gonghai_engine.intake import Intake
from gonghai_engine.outcomes import (
    ClaimVerdict,
    Refusal,
    RiskSignal,
    RiskSignals,
    Tier,
)
from gonghai_engine.tables import AllHitsTable, FirstHitTable, Table
from gonghai_plugin import host_facts, policies
from gonghai_plugin.facts import Derived, Fact, FromAttribute, Host
from gonghai_plugin.policies import AREAS, Policy
from gonghai_plugin.rules import AllHits, FirstHit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gonghai_engine.calendar import Calendar
    from gonghai_engine.decisions import FactValue
    from gonghai_engine.expressions import Values, Whole
    from gonghai_engine.outcomes import Outcome
    from gonghai_plugin.plugin import Plugin, Settings
    from gonghai_plugin.policies import AnyPolicy
    from gonghai_plugin.texts import Text

_GRADES: Final = (host_facts.VALUE_GRADE.name, host_facts.POTENTIAL_GRADE.name)
_TIER: Final = frozenset({host_facts.TIER.name, host_facts.TIER_RANK.name})
_NOT_YET: Final[Mapping[Policy, frozenset[str]]] = {
    Policy.LIFECYCLE: _TIER | {host_facts.STAGE.name, *_GRADES},
    Policy.TIERING: _TIER,
}
"""Facts that are decided later than the policy."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a policy says."""

    rule: str
    outcome: Outcome
    reason: Text
    also: tuple[tuple[str, Text], ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """When it is decided, in whose calendar."""

    now: int
    calendar: Calendar


class CompiledPolicy:
    """One policy. Not to be used by two threads at once."""

    def __init__(self, declared: AnyPolicy, plugin: Plugin, settings: Settings) -> None:
        """Compile. Raises DeclarationError naming the rule or fact at fault."""
        self.declared = declared
        self.policy: Policy = declared.policy
        known = _known_facts(plugin)
        self.tables: tuple[Table, ...] = tuple(
            FirstHitTable(name, table, known, settings)
            if isinstance(table, FirstHit)
            else AllHitsTable(name, table, known, settings)
            for name, table in _tables(declared)
        )
        self.facts = _needed(self.tables, declared, known)
        _check_facts(self.policy, self.facts, known, self._computed)
        self.intake = Intake(
            tuple(
                fact
                for fact in self.facts.values()
                if not isinstance(fact.origin, Derived) and fact.name not in self._computed
            )
        )
        self.derived: tuple[tuple[Fact, Whole], ...] = tuple(
            (fact, _compute(fact, settings))
            for fact in self.facts.values()
            if isinstance(fact.origin, Derived)
        )
        self._differences = tuple(
            dict.fromkeys(pair for table in self.tables for pair in table.differences)
        )
        self.recorded: tuple[str, ...] = tuple(
            dict.fromkeys(
                fact.name
                for table in self.tables
                for fact in (*table.condition_facts, *table.outcome_facts)
            )
        )
        self._decide = _DECIDE[type(declared)]

    @property
    def _computed(self) -> frozenset[str]:
        """Return the facts that the policy itself puts in: the grades of a tiering's grid."""
        if not isinstance(self.declared, policies.Tiering):
            return frozenset()
        given = (self.declared.value, self.declared.potential)
        return frozenset(
            name for name, table in zip(_GRADES, given, strict=True) if table is not None
        )

    def values(self, given: Mapping[str, object]) -> Values:
        """Return every value the policy's rules need. Raises FactError for a wrong type."""
        values = self.intake.take(given)
        for fact, compute in self.derived:
            values[fact.name] = compute(values)
        for left, right in self._differences:
            values[difference_key(left, right)] = difference(values, left, right)
        return values

    def decide(self, values: Values, moment: Moment) -> Verdict:
        """Return what the rules say. Raises EngineError, or FactError for a number they lack."""
        return self._decide(self, values, moment)

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


def _tables(declared: AnyPolicy) -> Iterable[tuple[str, Any]]:
    for field in dataclasses.fields(declared):
        table = getattr(declared, field.name)
        if isinstance(table, (FirstHit, AllHits)):
            suffix = "" if field.name == "rules" else f" {field.name}"
            yield f"{declared.policy}{suffix}", table


def _known_facts(plugin: Plugin) -> dict[str, Fact]:
    known = dict(host_facts.ALL)
    for fact in (*(attribute.fact for attribute in plugin.attributes), *plugin.facts):
        if fact.name in known:
            raise DeclarationError(f"fact {fact.name!r}", "the name is taken")
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
        grades = policy is Policy.TIERING and fact.name in _GRADES and fact.name not in computed
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


def _decide_first(compiled: CompiledPolicy, values: Values, _: Moment) -> Verdict:
    rule = compiled.first(0).decide(values)
    return Verdict(rule.name, rule.outcome(values), rule.reason(values))


def _decide_tiering(compiled: CompiledPolicy, values: Values, _: Moment) -> Verdict:
    declared = compiled.declared
    assert isinstance(declared, policies.Tiering)  # noqa: S101 - its key in the table below
    place = 1
    for name, grades in zip(_GRADES, (declared.value, declared.potential), strict=True):
        if grades is not None:
            values[name] = compiled.first(place).decide(values).outcome(values).name
            place += 1
    rule = compiled.first(0).decide(values)
    tier: Tier = rule.outcome(values)
    worth = declared.lifetime_value
    if place > 1 or worth is not None:
        tier = Tier(
            tier.name,
            tier.rank,
            tier.label,
            _grade(values, _GRADES[0]),
            _grade(values, _GRADES[1]),
            None if worth is None else _number(values, worth.name),
        )
    return Verdict(rule.name, tier, rule.reason(values))


def _grade(values: Mapping[str, FactValue], name: str) -> str:
    grade = values.get(name)
    return grade if isinstance(grade, str) else ""


def _number(values: Mapping[str, FactValue], name: str) -> int | None:
    number = values[name]
    return number if isinstance(number, int) else None


def _decide_risk(compiled: CompiledPolicy, values: Values, _: Moment) -> Verdict:
    table = compiled.all(0)
    hits = table.decide(values)
    if not hits:
        return Verdict("none", RiskSignals(()), table.otherwise(values))
    signals = tuple(
        RiskSignal(rule.name, rule.outcome(values).severity, rule.reason(values)) for rule in hits
    )
    return Verdict(
        signals[0].name,
        RiskSignals(signals),
        signals[0].reason,
        tuple((signal.name, signal.reason) for signal in signals[1:]),
    )


def _decide_claim(compiled: CompiledPolicy, values: Values, moment: Moment) -> Verdict:
    hits = compiled.all(0).decide(values)
    rule = compiled.first(1).decide(values)
    limits = rule.outcome(values)
    if not hits:
        return Verdict(rule.name, ClaimVerdict(True, (), limits), rule.reason(values))  # noqa: FBT003 - it is allowed
    refusals = tuple(
        Refusal(hit.name, hit.reason(values), _until(hit.outcome(values).until_days, moment))
        for hit in hits
    )
    return Verdict(
        refusals[0].rule,
        ClaimVerdict(False, refusals, limits),  # noqa: FBT003 - it is not
        refusals[0].reason,
        tuple((refusal.rule, refusal.reason) for refusal in refusals[1:]),
    )


def _until(days: int | None, moment: Moment) -> int | None:
    if days is None:
        return None
    return moment.calendar.midnight_after(moment.now, days)


def _decide_reclaim(compiled: CompiledPolicy, values: Values, _: Moment) -> Verdict:
    rule = compiled.first(0).decide(values)
    plan = rule.outcome(values)
    stops = compiled.all(1).decide(values)
    if stops:
        spans = tuple(
            dataclasses.replace(hit.outcome(values), name=hit.name, reason=hit.reason(values))
            for hit in stops
        )
        plan = dataclasses.replace(plan, stop_clocks=spans)
    return Verdict(
        rule.name,
        plan,
        rule.reason(values),
        tuple((hit.name, hit.reason(values)) for hit in stops),
    )


_DECIDE: Final = {
    policies.Lifecycle: _decide_first,
    policies.Tiering: _decide_tiering,
    policies.FollowUp: _decide_first,
    policies.Risk: _decide_risk,
    policies.Admission: _decide_first,
    policies.Claim: _decide_claim,
    policies.Reclaim: _decide_reclaim,
    policies.Qualification: _decide_first,
    policies.Matching: _decide_first,
}
