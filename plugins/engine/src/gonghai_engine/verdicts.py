"""What a policy says, once the rules that decide are known."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from gonghai_engine.outcomes import ClaimVerdict, Refusal, RiskSignal, RiskSignals, Tier
from gonghai_plugin import host_facts, policies

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gonghai_engine.calendar import Calendar
    from gonghai_engine.compiled import CompiledPolicy
    from gonghai_engine.decisions import FactValue
    from gonghai_engine.expressions import Values
    from gonghai_engine.outcomes import Outcome
    from gonghai_engine.tables import CompiledRule
    from gonghai_plugin.policies import AnyPolicy
    from gonghai_plugin.texts import Text

GRADES: Final = (host_facts.VALUE_GRADE.name, host_facts.POTENTIAL_GRADE.name)
"""The facts that a tiering's own tables of grades decide."""

Chosen: TypeAlias = "Sequence[tuple[CompiledRule, ...]]"
"""The rules that hold, for each table of a policy: of a first-hit table exactly one."""


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


def verdict(compiled: CompiledPolicy, chosen: Chosen, values: Values, moment: Moment) -> Verdict:
    """Return what the chosen rules say. Raises FactError for a number that an outcome lacks."""
    return _VERDICTS[type(compiled.declared)](compiled, chosen, values, moment)


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
        tier = Tier(
            tier.name,
            tier.rank,
            tier.label,
            _grade(values, GRADES[0]),
            _grade(values, GRADES[1]),
            None if worth is None else _number(values, worth.name),
        )
    return Verdict(rule.name, tier, rule.reason(values))


def _grade(values: Mapping[str, FactValue], name: str) -> str:
    grade = values.get(name)
    return grade if isinstance(grade, str) else ""


def _number(values: Mapping[str, FactValue], name: str) -> int | None:
    number = values[name]
    return number if isinstance(number, int) else None


def _risk(compiled: CompiledPolicy, chosen: Chosen, values: Values, _: Moment) -> Verdict:
    (hits,) = chosen
    if not hits:
        return Verdict("none", RiskSignals(()), compiled.all(0).otherwise(values))
    signals = tuple(
        RiskSignal(rule.name, rule.outcome(values).severity, rule.reason(values)) for rule in hits
    )
    return Verdict(
        signals[0].name,
        RiskSignals(signals),
        signals[0].reason,
        tuple((signal.name, signal.reason) for signal in signals[1:]),
    )


def _claim(_: CompiledPolicy, chosen: Chosen, values: Values, moment: Moment) -> Verdict:
    hits, (rule,) = chosen
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


def _reclaim(_: CompiledPolicy, chosen: Chosen, values: Values, __: Moment) -> Verdict:
    (rule,), stops = chosen
    plan = rule.outcome(values)
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


_VERDICTS: Final[
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
}
