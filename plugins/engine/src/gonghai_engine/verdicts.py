"""What a policy says, once the rules that decide are known."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from gonghai_engine.outcomes import (
    Claimed,
    ClaimVerdict,
    Collisions,
    Heir,
    Heirs,
    Refusal,
    RiskSignal,
    RiskSignals,
    Tier,
)
from gonghai_plugin import host_facts, policies

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gonghai_engine.calendar import Calendar
    from gonghai_engine.compiled import CompiledPolicy
    from gonghai_engine.expressions import Values
    from gonghai_engine.outcomes import Outcome
    from gonghai_engine.sentences import Sentence
    from gonghai_engine.tables import CompiledRule
    from gonghai_plugin import outcomes
    from gonghai_plugin.facts import Fact
    from gonghai_plugin.policies import AnyPolicy
    from gonghai_plugin.texts import Text

GRADES: Final = (host_facts.VALUE_GRADE.name, host_facts.POTENTIAL_GRADE.name)
"""The facts that a tiering's own tables of grades decide."""

Chosen: TypeAlias = "Sequence[tuple[CompiledRule, ...]]"
"""The rules that hold, for each table of a policy: of a first-hit table exactly one."""


class Verdict(NamedTuple):
    """What a policy says."""

    rule: str
    outcome: Outcome
    said: Sentence
    also_said: tuple[tuple[str, Sentence], ...] = ()

    @property
    def reason(self) -> Text:
        """Return why, figures filled in."""
        return self.said.text

    @property
    def also(self) -> tuple[tuple[str, Text], ...]:
        """Return the further rules that hold, and why."""
        return tuple((rule, sentence.text) for rule, sentence in self.also_said)


class Moment(NamedTuple):
    """When it is decided, in whose calendar."""

    now: int
    calendar: Calendar


def verdict(compiled: CompiledPolicy, chosen: Chosen, values: Values, moment: Moment) -> Verdict:
    """Return what the chosen rules say. Raises FactError for a number that an outcome lacks."""
    return VERDICTS[type(compiled.declared)](compiled, chosen, values, moment)


def _first(_: CompiledPolicy, chosen: Chosen, values: Values, __: Moment) -> Verdict:
    ((rule,),) = chosen
    return Verdict(rule.name, rule.outcome(values), rule.reason(values))


def _tiering(compiled: CompiledPolicy, chosen: Chosen, values: Values, _: Moment) -> Verdict:
    declared = compiled.declared
    assert isinstance(declared, policies.Tiering)  # noqa: S101 - its key in the table below
    (rule,) = chosen[0]
    tier: Tier = rule.outcome(values)
    worth = declared.lifetime_value
    if compiled.grades or worth is not None:
        decided: Any = values  # a grade's name is a text, a worth is a number
        tier = Tier(
            tier.name,
            tier.rank,
            tier.label,
            decided[GRADES[0]] if GRADES[0] in compiled.graded else "",
            decided[GRADES[1]] if GRADES[1] in compiled.graded else "",
            None if worth is None else decided[worth.name],
        )
    return Verdict(rule.name, tier, rule.reason(values))


def _risk(compiled: CompiledPolicy, chosen: Chosen, values: Values, _: Moment) -> Verdict:
    (hits,) = chosen
    if not hits:
        return Verdict("none", RiskSignals(()), compiled.all(0).otherwise(values))
    said = _said(hits, values)
    signals = tuple(
        RiskSignal(rule.name, rule.outcome(values).severity, sentence.text)
        for rule, (_, sentence) in zip(hits, said, strict=True)
    )
    return Verdict(hits[0].name, RiskSignals(signals), said[0][1], said[1:])


def _claim(_: CompiledPolicy, chosen: Chosen, values: Values, moment: Moment) -> Verdict:
    hits, (rule,) = chosen
    limits = rule.outcome(values)
    if not hits:
        return Verdict(rule.name, ClaimVerdict(True, (), limits), rule.reason(values))  # noqa: FBT003 - it is allowed
    said = _said(hits, values)
    refusals = tuple(
        Refusal(hit.name, sentence.text, _until(hit.outcome(values).until_days, moment))
        for hit, (_, sentence) in zip(hits, said, strict=True)
    )
    return Verdict(
        hits[0].name,
        ClaimVerdict(False, refusals, limits),  # noqa: FBT003 - it is not
        said[0][1],
        said[1:],
    )


def _collisions(compiled: CompiledPolicy, chosen: Chosen, values: Values, _: Moment) -> Verdict:
    (hits,) = chosen
    said = _said(hits, values)
    claimed = tuple(
        Claimed(hit.name, place, sentence.text, _larger(hit.outcome(values).inside, place, values))
        for hit, (_name, sentence) in zip(hits, said, strict=True)
        for place in _places(hit.outcome(values).by, values)
    )
    if not hits:
        return Verdict("none", Collisions(claimed), compiled.all(0).otherwise(values))
    return Verdict(hits[0].name, Collisions(claimed), said[0][1], said[1:])


def _succession(compiled: CompiledPolicy, chosen: Chosen, values: Values, _: Moment) -> Verdict:
    (hits,) = chosen
    said = _said(hits, values)
    heirs = tuple(
        heir
        for hit, (_name, sentence) in zip(hits, said, strict=True)
        if (heir := _heir(hit.name, hit.outcome(values), values, sentence)) is not None
    )
    if not hits:
        return Verdict("none", Heirs(heirs), compiled.all(0).otherwise(values))
    return Verdict(hits[0].name, Heirs(heirs), said[0][1], said[1:])


def _heir(rule: str, declared: outcomes.Heir, values: Values, sentence: Sentence) -> Heir | None:
    given: Any = values
    alike = tuple((fact.name, given[fact.name]) for fact in declared.of_the_same)
    if any(value is None for _, value in alike):
        return None
    largest = None if declared.largest is None else given[declared.largest.name]
    return Heir(rule, alike, largest, sentence.text)


def _places(by: Sequence[Fact], values: Values) -> list[tuple[str, ...]]:
    """List the combinations of the facts' values, a set's members one by one."""
    given: list[Any] = [values[fact.name] for fact in by]
    members = [
        () if value is None else sorted(value) if isinstance(value, frozenset) else (value,)
        for value in given
    ]
    return list(itertools.product(*members))


def _larger(
    inside: Fact | None, place: tuple[str, ...], values: Values
) -> tuple[tuple[str, ...], ...]:
    """List the places in which one lies: the same of each larger thing in which its first lies."""
    given: Any = values
    larger = None if inside is None else given[inside.name]
    return tuple((each, *place[1:]) for each in sorted(larger or ()) if each != place[0])


def _said(hits: Sequence[CompiledRule], values: Values) -> tuple[tuple[str, Sentence], ...]:
    return tuple((hit.name, hit.reason(values)) for hit in hits)


def _until(days: int | None, moment: Moment) -> int | None:
    if days is None:
        return None
    return moment.calendar.midnight_after(moment.now, days)


def _reclaim(_: CompiledPolicy, chosen: Chosen, values: Values, __: Moment) -> Verdict:
    (rule,), stops = chosen
    plan = rule.outcome(values)
    said = _said(stops, values)
    if stops:
        spans = tuple(
            dataclasses.replace(hit.outcome(values), name=hit.name, reason=sentence.text)
            for hit, (_, sentence) in zip(stops, said, strict=True)
        )
        plan = dataclasses.replace(plan, stop_clocks=spans)
    return Verdict(rule.name, plan, rule.reason(values), said)


VERDICTS: Final[
    Mapping[type[AnyPolicy], Callable[[CompiledPolicy, Chosen, Values, Moment], Verdict]]
] = {
    policies.Lifecycle: _first,
    policies.Tiering: _tiering,
    policies.FollowUp: _first,
    policies.Risk: _risk,
    policies.Admission: _first,
    policies.Claim: _claim,
    policies.Reclaim: _reclaim,
    policies.Qualification: _first,
    policies.Matching: _first,
    policies.Incentives: _first,
    policies.Collisions: _collisions,
    policies.Succession: _succession,
    policies.Extension: _first,
}
"""What makes a verdict, by the kind of policy."""
