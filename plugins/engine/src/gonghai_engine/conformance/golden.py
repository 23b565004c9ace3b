"""Golden decisions: what a plugin decides on facts that somebody of the trade wrote down.

They stand in ``golden.yaml``, which also says whose they are:

    plugin: tea
    settings: {no_order_days: 45}     # of the plugin; its defaults when left out
    standard: {pool: general-pool}    # of the plugin that decides what this one leaves open
    marks: {requirement: [D1]}        # marks of pytest, for all cases
    cases:
    - case: a large customer
      facts: {amount_365d: 30_000_000}
      expect: {tiering: key-amount, tier: key}

``facts`` are as the services would give them. ``expect`` has the rule of a policy by the policy's
name, or what it decides by the names of `figures`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

from gonghai_engine.calendar import Calendar
from gonghai_engine.clocks import extends, longer_by
from gonghai_engine.decisions import Decision, DecisionRequest
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
from gonghai_plugin.policies import OPTIONAL, Policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from gonghai_engine.engine import Engine
    from gonghai_plugin.plugin import Plugin

NOW: Final = 1_795_000_000_000_000
_CALENDAR: Final = Calendar()
_TENANT: Final = "golden"
_KEYS: Final = frozenset({"plugin", "settings", "standard", "marks", "cases"})
_FAILED: Final = "failed: "
_CASE_KEYS: Final = frozenset({"case", "facts", "expect"})


class GoldenError(ValueError):
    """A file of golden decisions is not one; the message says where."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case: its name, the facts, and what is expected."""

    name: str
    facts: Mapping[str, Any]
    expect: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GoldenFile:
    """The golden decisions of a plugin."""

    plugin: str
    settings: Mapping[str, Any]
    standard: Mapping[str, Any]
    marks: Mapping[str, Any]
    cases: tuple[Case, ...]

    @classmethod
    def read(cls, path: Path) -> GoldenFile:
        """Read a file. Raises GoldenError saying what is wrong with it."""
        try:
            content = yaml.safe_load(path.read_text("utf-8"))
        except yaml.YAMLError as error:
            raise GoldenError(f"{path.name}: not YAML: {error}") from None
        if not isinstance(content, dict) or not isinstance(content.get("plugin"), str):
            raise GoldenError(f"{path.name}: it has no `plugin: NAME`")
        if unknown := content.keys() - _KEYS:
            raise GoldenError(f"{path.name}: it knows no {', '.join(sorted(map(str, unknown)))}")
        cases = content.get("cases") or []
        if not isinstance(cases, list):
            raise GoldenError(f"{path.name}: `cases` is no list")
        return cls(
            content["plugin"],
            _mapping(path, content, "settings"),
            _mapping(path, content, "standard"),
            _mapping(path, content, "marks"),
            tuple(_case(path, place, item) for place, item in enumerate(cases, start=1)),
        )

    @property
    def document(self) -> str:
        """Return the policy document under which the cases are decided."""
        document: dict[str, Any] = {
            "version": 1,
            "default": {"plugin": self.plugin, "settings": dict(self.settings)},
        }
        if self.standard:
            document["industries"] = {
                "any": {"plugin": "standard", "settings": dict(self.standard)},
            }
        return yaml.safe_dump(document, allow_unicode=True, sort_keys=False)


async def decided(engine: Engine, golden: GoldenFile, case: Case) -> dict[str, Any]:
    """Decide everything as archive, pool and assignment would, in their order.

    What could not be decided has the message of its failure under the policy's name. Raises
    PolicyDocumentError where the file's settings do not hold.
    """
    engine.activate(_TENANT, 1, engine.parse(golden.document))
    found: dict[str, Any] = {}
    known = dict(case.facts)
    resolved = engine.tenant(_TENANT).industry("").resolved
    for policy in Policy:
        if policy in OPTIONAL and policy not in resolved:
            continue
        (made,) = await engine.decide([DecisionRequest(_TENANT, "", policy, known, NOW)])
        if not isinstance(made, Decision):
            found[policy] = f"{_FAILED}{made.message}"
            continue
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
    return {str(name): value for name, value in found.items()}


def figures(outcome: object) -> dict[str, Any]:  # noqa: C901, PLR0911, PLR0912 - one for each outcome
    """Return what an outcome says, by names that a case can expect."""
    match outcome:
        case Stage():
            return {"stage": outcome.name}
        case Tier():
            return {
                "tier": outcome.name,
                "value": outcome.value,
                "potential": outcome.potential,
                "lifetime_value": outcome.lifetime_value,
            }
        case Cadence():
            return {"days": outcome.days}
        case Admission():
            return {
                "pool": outcome.pool,
                "then": outcome.then,
                "after_days": outcome.after_days,
            }
        case ClaimVerdict():
            return {
                "refusals": [refusal.rule for refusal in outcome.refusals],
                "until_days": [
                    None if refusal.until is None else _CALENDAR.days_between(NOW, refusal.until)
                    for refusal in outcome.refusals
                ],
                "per_day": outcome.limits.per_day,
                "holding_limit": outcome.limits.holding_limit,
                "weight": outcome.limits.holding_weight,
            }
        case ReclaimPlan():
            return _clock_figures(outcome) | {
                "warn_before_days": outcome.warn_before_days,
                "grace_days": outcome.grace_days,
                "stops": [stop.name for stop in outcome.stop_clocks],
            }
        case RiskSignals():
            return {
                "signals": [signal.name for signal in outcome.signals],
                "severities": [signal.severity for signal in outcome.signals],
            }
        case Qualification():
            clocks = outcome.clocks
            return {
                "counts": outcome.counts,
                "for_clocks": clocks if clocks is None else list(clocks),
            }
        case Needs():
            return {"auto_assign": outcome.auto_assign}
        case Collisions():
            return {"collisions_on": ["/".join(each.values) for each in outcome.claimed]}
        case Heirs():
            return {
                "heir_by": [way.rule for way in outcome.ways],
                "heir_of": ["/".join(value for _, value in way.alike) for way in outcome.ways],
                "heir_largest": [way.largest for way in outcome.ways],
            }
        case Commission():
            return {
                "own_basis_points": outcome.own_basis_points,
                "sponsor_basis_points": outcome.sponsor_basis_points,
            }
        case Grant():
            return {"ruling": "grant", "granted_days": outcome.days}
        case Deny() | Refer():
            return {"ruling": "deny" if isinstance(outcome, Deny) else "manager"}
        case _:
            return {}


def _clock_figures(plan: ReclaimPlan) -> dict[str, Any]:
    lengths: dict[str, Any] = {clock.name: clock.length for clock in plan.clocks}
    return lengths | {
        f"{clock.name}-extended": {**longer_by(clock), "at_most": clock.extended_at_most}
        for clock in plan.clocks
        if extends(clock)
    }


def differences(case: Case, found: Mapping[str, Any]) -> str:
    """Say what was decided otherwise than expected; "" when nothing was."""
    wrong = []
    for name, expected in case.expect.items():
        if name not in found:
            failed = (value for value in found.values() if str(value).startswith(_FAILED))
            why = next(failed, "nothing of this name is decided")
            wrong.append(f"{name}: {why}")
        elif found[name] != expected:
            wrong.append(f"{name}: {found[name]!r}, not {expected!r}")
    return "; ".join(wrong)


def unnamed(plugin: Plugin, cases: Iterable[Case]) -> set[str]:
    """Return the plugin's rules that no case expects."""
    expected = {name for case in cases for name in named(case.expect)}
    rules = {
        rule.name
        for declared in plugin.policies
        for field in dataclasses.fields(declared)
        for table in (getattr(declared, field.name),)
        for rule in getattr(table, "rules", ())
    }
    return rules - expected


def named(figures: Mapping[str, Any]) -> set[str]:
    """Return whatever is named in what is expected or decided: rules among it."""
    return {
        str(name)
        for value in figures.values()
        for name in (value if isinstance(value, list) else [value])
    }


def rewritten(path: Path, found: Mapping[int, Mapping[str, Any]]) -> str:
    """Return the file's text with what was decided where it expects something else.

    A case without ``expect`` gets the rules and figures of every policy that says something about
    it. Everything else stays as it was written, the comments too; a person reviews the difference.
    What could not be decided, or is no figure at all, is not written down.
    """
    text = path.read_text("utf-8")
    nodes = getattr(_under(yaml.compose(text), "cases"), "value", ())
    changes: list[tuple[int, int, str]] = []
    for place, (case, node) in enumerate(zip(GoldenFile.read(path).cases, nodes, strict=True)):
        made = {
            name: value
            for name, value in found.get(place, {}).items()
            if not str(value).startswith(_FAILED)
        }
        if not case.expect:
            changes.append(_first_expectation(text, node, made))
            continue
        wanted = {name: made.get(name, expected) for name, expected in case.expect.items()}
        if wanted != case.expect:
            expect = _under(node, "expect")
            assert expect is not None  # noqa: S101 - the case has it
            changes.append((expect.start_mark.index, _end(expect), _flow(wanted)))
    for start, end, new_text in sorted(changes, reverse=True):
        text = text[:start] + new_text + text[end:]
    return text


def _first_expectation(text: str, node: yaml.Node, made: Mapping[str, Any]) -> tuple[int, int, str]:
    """Return where and how a case gets what it expects from now on."""
    written = _flow({name: value for name, value in made.items() if value not in (None, [])})
    expect = _under(node, "expect")
    if expect is not None:
        start = expect.start_mark.index
        space = "" if text[start - 1].isspace() else " "
        return start, _end(expect), space + written
    if isinstance(node, yaml.CollectionNode) and node.flow_style:
        inside = node.end_mark.index - 1
        return inside, inside, f", expect: {written}"
    return _end(node), _end(node), f"\n{' ' * node.start_mark.column}expect: {written}"


def _end(node: yaml.Node) -> int:
    """Return where a node's own text ends; of a block the last part's, before any comment."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _flow(values: Mapping[str, Any]) -> str:
    written = yaml.safe_dump(
        dict(values), allow_unicode=True, sort_keys=False, default_flow_style=True, width=10_000
    )
    return str(written).strip()


def _under(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _mapping(path: Path, content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = content.get(key) or {}
    if not isinstance(found, dict):
        raise GoldenError(f"{path.name}: `{key}` is no mapping")
    return found


def _case(path: Path, place: int, item: object) -> Case:
    if not isinstance(item, dict) or not isinstance(item.get("case"), str):
        raise GoldenError(f"{path.name}: case {place} has no `case: NAME`")
    name = item["case"]
    if unknown := item.keys() - _CASE_KEYS:
        raise GoldenError(
            f"{path.name}, {name}: it knows no {', '.join(sorted(map(str, unknown)))}"
        )
    facts, expect = item.get("facts") or {}, item.get("expect") or {}
    if not isinstance(facts, dict) or not isinstance(expect, dict):
        raise GoldenError(f"{path.name}, {name}: `facts` and `expect` are mappings")
    return Case(name, facts, expect)
