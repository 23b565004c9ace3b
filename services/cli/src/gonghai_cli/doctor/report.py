"""What the doctor found, for a person to read."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from rich.table import Table

from gonghai.upkeep.v1 import upkeep_service_pb2 as pb
from gonghai_cli.doctor.findings import OVERDUE, Verdict, told_apart
from gonghai_cli.doctor.words import word

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from gonghai_cli.doctor.findings import Examination
    from gonghai_cli.language import Language

_MOST: Final = 20
"""Rows of a list that a person is shown; `--json` has all."""


def show(found: Examination, console: Console, language: Language) -> None:
    """Print the report."""
    say = partial(word, language=language)
    console.print(_services(found, say))
    _warnings(found, console, say)
    _troubled(found, console, say)
    console.print(_projections(found, say))
    _differences(found, console, say)
    _audits(found, console, say)
    verdict = found.verdict
    for name, why in found.away.items():
        console.print(f"{name}: {say('away', why=why)}", style="red", markup=False)
    if verdict is Verdict.HEALTHY:
        console.print(say("healthy"), style="green")
    elif verdict is Verdict.CANNOT_LOOK:
        console.print(say("cannot_look"), style="bold red")
    else:
        console.print(say("ill"), style="bold yellow")
        if found.ill():
            console.print(say("hint"), markup=False)


def _services(found: Examination, say: Callable[..., str]) -> Table:
    columns = ("service", "state", "partitions", "lag", "due", "intents", "quarantined")
    table = _table(say, "services", *columns)
    for name in sorted(found.conditions.keys() | found.away.keys()):
        condition = found.conditions.get(name)
        if condition is None:
            table.add_row(name, say("away", why=""), *[""] * 5)
            continue
        parts = condition.partitions
        lags: dict[str, int] = {}
        for part in parts:
            for source, lag in found.behind(part).items():
                lags[source] = lags.get(source, 0) + (lag or 0)
        table.add_row(
            name,
            say("up"),
            str(len(parts)),
            ", ".join(f"{source}: {lag}" for source, lag in lags.items() if lag) or "0",
            str(sum(part.due for part in parts)),
            str(sum(part.intents for part in parts)),
            str(sum(s.quarantined_subjects for part in parts for s in part.sources)),
        )
    return table


def _warnings(found: Examination, console: Console, say: Callable[..., str]) -> None:
    # The services share a store as a rule: each sentence once.
    warnings = dict.fromkeys(w for each in found.conditions.values() for w in each.warnings)
    if warnings:
        console.print(say("store"), style="bold")
        for warning in warnings:
            console.print(f"  {warning}", markup=False, highlight=False)


def _troubled(found: Examination, console: Console, say: Callable[..., str]) -> None:
    troubled = found.troubled()
    if not troubled:
        return
    console.print(say("troubled"), style="bold")
    for name, part in troubled[:_MOST]:
        said = []
        if not part.holder:
            said.append(say("nobody"))
        age = part.oldest_due_age.ToSeconds()
        if age >= OVERDUE:
            said.append(say("overdue", count=part.due, age=timedelta(seconds=age)))
        said += [
            say("in_quarantine", count=each.quarantined_subjects, source=each.source)
            for each in part.sources
            if each.quarantined_subjects
        ]
        console.print(f"  {name} {part.partition}: {'; '.join(said)}", markup=False)
    _more(len(troubled), console, say)


def _projections(found: Examination, say: Callable[..., str]) -> Table:
    table = _table(say, "projections", "", "compared", "differences", "behind")
    rows: dict[tuple[str, str], list[int]] = {}
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for each in found.comparisons:
        key = (each.service, each.source)
        row = rows.setdefault(key, [0, 0, 0])
        row[0] += each.compared
        row[1] += bool(each.behind)
        row[2] += each.repaired
        causes = counts.setdefault(key, {})
        for cause, count in told_apart(each.differences).items():
            causes[cause] = causes.get(cause, 0) + count
    for (service, source), (compared, behind, repaired) in sorted(rows.items()):
        causes = counts[service, source]
        differ = ", ".join(f"{count} {say(cause)}" for cause, count in sorted(causes.items()))
        name = say("keeps", service=service, source=source)
        table.add_row(
            f"{name} ({say('repaired')})" if repaired else name,
            str(compared),
            differ or say("none"),
            f"{behind} {say('partitions')}" if behind else "",
        )
    return table


def _differences(found: Examination, console: Console, say: Callable[..., str]) -> None:
    for comparison in found.comparisons:
        if comparison.behind:
            console.print(f"  {comparison.behind}", markup=False)
    differing = [
        (comparison, each) for comparison in found.comparisons for each in comparison.differences
    ]
    if not differing:
        return
    table = _table(say, "which", "service", "partition", "kind", "subject", "cause", "versions")
    for comparison, each in differing[:_MOST]:
        cause = pb.Difference.Cause.Name(each.cause).removeprefix("CAUSE_")
        table.add_row(
            f"{comparison.service} ← {comparison.source}",
            str(comparison.partition),
            each.kind,
            f"{each.tenant}: {each.subject}",
            say(cause),
            f"{each.source_version} / {each.projected_version}",
        )
    console.print(table)
    _more(len(differing), console, say)


def _audits(found: Examination, console: Console, say: Callable[..., str]) -> None:
    table = _table(say, "audit", "service", "audited", "findings")
    for name in sorted(found.conditions):
        audits = [each for each in found.audits if each.service == name]
        count = sum(len(each.findings) for each in audits)
        records = sum(each.audited for each in audits)
        table.add_row(name, str(records), str(count) if count else say("none"))
    console.print(table)
    findings = [f"{each.service}: {one}" for each in found.audits for one in each.findings]
    for finding in findings[:_MOST]:
        console.print(f"  {finding}", markup=False, highlight=False)
    _more(len(findings), console, say)


def _table(say: Callable[..., str], title: str, *columns: str) -> Table:
    names = [say(column) if column else "" for column in columns]
    return Table(*names, title=say(title), title_justify="left")


def _more(total: int, console: Console, say: Callable[..., str]) -> None:
    if total > _MOST:
        console.print(f"  {say('more', count=total - _MOST)}", style="dim")
