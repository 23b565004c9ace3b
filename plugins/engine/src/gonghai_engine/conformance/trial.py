"""What a plugin would decide about the customers of a table, without any service."""

from __future__ import annotations

import asyncio
import csv
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final

import yaml

from gonghai_engine.attributes import AttributeProblem
from gonghai_engine.conformance.golden import NOW
from gonghai_engine.decisions import Decision, DecisionRequest
from gonghai_engine.document import PolicyDocumentError
from gonghai_engine.engine import Engine
from gonghai_engine.faults import FactError
from gonghai_engine.intake import checker
from gonghai_engine.loading import STANDARD
from gonghai_plugin import hookspecs, host_facts
from gonghai_plugin.facts import Area, Host, Kind
from gonghai_plugin.policies import Policy
from gonghai_plugin.texts import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gonghai_engine.decisions import DecisionFailure
    from gonghai_engine.outcomes import ReclaimPlan
    from gonghai_engine.tenants import IndustryPolicy
    from gonghai_plugin.facts import Fact

CUSTOMER: Final = "customer"
"""The column with a name for the row; without it, rows are called by their lines."""

_TENANT: Final = "trial"
_MOST_PROBLEMS: Final = 20
_SEPARATOR: Final = ";"
_YES: Final = frozenset({"yes", "true", "1", "是"})
_NO: Final = frozenset({"no", "false", "0", "否"})
_HEAD: Final = "version: 1\ndefault:\n  plugin: {plugin}\n  settings:\n"
_INDENT: Final = "    "


class TrialError(ValueError):
    """The table or the settings cannot be used; ``problems`` says why, with line and column."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Row:
    """What would be decided about one customer."""

    customer: str
    stage: str
    tier: str
    reclaim: str
    why: Text


@dataclass(frozen=True, slots=True)
class Trial:
    """What would be decided about the customers of a table."""

    plugin: str
    version: str
    rows: tuple[Row, ...]


def trial(table: Path, plugin: str, settings: Path | None = None) -> Trial:
    """Decide stage, tier and reclaim for each row of a CSV.

    Columns are named as facts and attributes; an empty cell is a missing value. Sets are separated
    by semicolons, amounts are in minor units. Raises TrialError with every line at fault.
    """
    points = [
        point for point in entry_points(group=hookspecs.PROJECT) if point.name in {plugin, STANDARD}
    ]
    engine = Engine.load(found=points)
    try:
        policies = _bound(engine, plugin, settings)
        customers = _read(table, policies)
        rows = asyncio.run(_decide(engine, customers))
    finally:
        engine.close()
    return Trial(plugin, policies.plugin_version, tuple(rows))


def _bound(engine: Engine, plugin: str, settings: Path | None) -> IndustryPolicy:
    for item in engine.health():
        if item.name == plugin and not item.ok:
            raise TrialError([f"the plugin {plugin!r} does not load: {item.error}"])
    written = "" if settings is None else settings.read_text("utf-8-sig")
    head = _HEAD.format(plugin=yaml.safe_dump(plugin).splitlines()[0])
    # The settings as they are written, so that a problem has the line of the file.
    body = "".join(f"{_INDENT}{line}\n" for line in written.splitlines())
    try:
        document = engine.parse(head + (body if body.strip() else f"{_INDENT}{{}}\n"))
    except PolicyDocumentError as error:
        above = head.count("\n")
        raise TrialError(
            [
                f"{settings or 'settings'}, line {max(1, problem.line - above)}, "
                f"{problem.field.removeprefix('default.settings').lstrip('.') or 'it'}: "
                f"{problem.message}"
                for problem in error.problems
            ]
        ) from None
    engine.activate(_TENANT, 1, document)
    return engine.tenant(_TENANT).industry("")


def _read(table: Path, policies: IndustryPolicy) -> list[tuple[str, dict[str, Any]]]:
    facts = {
        **{name: fact for name, fact in host_facts.ALL.items() if _of_custody(fact)},
        **{attribute.name: attribute.fact for attribute in policies.attributes},
    }
    with table.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, restkey=None)
        try:
            columns = list(reader.fieldnames or ())
            problems = _wrong_columns(table, columns, facts)
            if problems:
                raise TrialError(problems)
            customers = []
            for cells in reader:
                where = f"{table.name}, line {reader.line_num}"
                facts_here, wrong = _row(cells, facts, policies)
                problems += [f"{where}, {complaint}" for complaint in wrong]
                customers.append((cells.get(CUSTOMER) or f"line {reader.line_num}", facts_here))
        except (csv.Error, UnicodeDecodeError) as error:
            raise TrialError([f"{table.name} is no CSV in UTF-8: {error}"]) from None
    if len(problems) > _MOST_PROBLEMS:
        problems = [*problems[:_MOST_PROBLEMS], f"and {len(problems) - _MOST_PROBLEMS} more"]
    if problems:
        raise TrialError(problems)
    if not customers:
        raise TrialError([f"{table.name} has no customers"])
    return customers


def _of_custody(fact: Fact) -> bool:
    return isinstance(fact.origin, Host) and fact.origin.area in {Area.CUSTOMER, Area.CUSTODY}


def _wrong_columns(table: Path, columns: list[str], facts: Mapping[str, Fact]) -> list[str]:
    if not columns:
        return [f"{table.name} is empty: its first line names the columns"]
    wrong = [
        f"{table.name}, line 1, column {place} ({name}): there is no such fact or attribute"
        for place, name in enumerate(columns, start=1)
        if name != CUSTOMER and name not in facts
    ]
    twice = sorted({name for name in columns if columns.count(name) > 1})
    wrong += [f"{table.name}, line 1: the column {name} is there twice" for name in twice]
    if wrong:
        wrong.append(f"columns are: {CUSTOMER}, {', '.join(sorted(facts))}")
    return wrong


def _row(
    cells: Mapping[str | None, Any], facts: Mapping[str, Fact], policies: IndustryPolicy
) -> tuple[dict[str, Any], list[str]]:
    if cells.get(None):
        return {}, ["it has more cells than there are columns"]
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for name, cell in cells.items():
        text = (cell or "").strip()
        if name is None or name == CUSTOMER or not text:
            continue
        fact = facts[name]
        try:
            values[name] = checker(fact)(_READERS.get(fact.type.kind, _number)(text, fact))
        except FactError as error:
            wrong.append(f"column {name}: {text!r} {error.message.removeprefix('it ')}")
    schema = policies.attributes
    try:
        schema.validate(schema.facts(values), partial=True)
    except AttributeProblem as problem:
        wrong.append(f"column {problem.attribute}: {problem.message}")
    return values, wrong


def _number(text: str, fact: Fact) -> int:
    try:
        number = Decimal(text.replace("_", "")).scaleb(fact.type.scale)
        whole = int(number)
    except (InvalidOperation, ValueError, OverflowError):
        raise FactError(fact.name, "is no number") from None
    if number != whole:
        places = f"{fact.type.scale} decimal places" if fact.type.scale else "no decimal places"
        raise FactError(fact.name, f"is a {fact.type}: {places}")
    return whole


def _flag(text: str, fact: Fact) -> bool:
    if text.lower() not in _YES | _NO:
        raise FactError(fact.name, "is neither yes nor no")
    return text.lower() in _YES


def _members(text: str, _: Fact) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(_SEPARATOR) if part.strip())


_READERS: Final[Mapping[Kind, Callable[[str, Fact], Any]]] = {
    Kind.BOOL: _flag,
    Kind.TEXT: lambda text, _: text,
    Kind.TEXT_SET: _members,
}


async def _decide(engine: Engine, customers: list[tuple[str, dict[str, Any]]]) -> list[Row]:
    rows = []
    for customer, given in customers:
        facts = dict(given)
        stage = await _one(engine, Policy.LIFECYCLE, facts)
        if isinstance(stage, Decision):
            facts.setdefault("stage", stage.outcome.name)  # type: ignore[union-attr] # a stage
        tier = await _one(engine, Policy.TIERING, facts)
        if isinstance(tier, Decision):
            facts.setdefault("tier", tier.outcome.name)  # type: ignore[union-attr] # a tier
            facts.setdefault("tier_rank", tier.outcome.rank)  # type: ignore[union-attr] # the same
            facts.setdefault("value_grade", tier.outcome.value)  # type: ignore[union-attr] # the same
            facts.setdefault("potential_grade", tier.outcome.potential)  # type: ignore[union-attr] # the same
        reclaim = await _one(engine, Policy.RECLAIM, facts)
        rows.append(
            Row(
                customer,
                _named(stage),
                _named(tier),
                _plan(reclaim),
                _because((stage, tier, reclaim)),
            )
        )
    return rows


async def _one(
    engine: Engine, policy: Policy, facts: Mapping[str, Any]
) -> Decision | DecisionFailure:
    (made,) = await engine.decide([DecisionRequest(_TENANT, "", policy, facts, NOW)])
    return made


def _named(made: Decision | DecisionFailure) -> str:
    if not isinstance(made, Decision):
        return f"failed: {made.message}"
    name: str = made.outcome.name  # type: ignore[union-attr] # a stage or a tier
    return name


def _plan(made: Decision | DecisionFailure) -> str:
    if not isinstance(made, Decision):
        return f"failed: {made.message}"
    plan: ReclaimPlan = made.outcome  # type: ignore[assignment] # reclaim decides one
    parts = [f"{clock.name} {clock.length} {clock.unit}" for clock in plan.clocks if clock.length]
    stops = [f"stops: {stop.name}" for stop in plan.stop_clocks]
    return ", ".join([*parts, *stops]) or "none"


def _because(decisions: tuple[Decision | DecisionFailure, ...]) -> Text:
    reasons = [made.reason for made in decisions if isinstance(made, Decision)]
    return Text(
        "; ".join(dict.fromkeys(reason.en for reason in reasons)),
        "；".join(dict.fromkeys(reason.zh for reason in reasons)),
    )
