"""`gonghai policy simulate`: what a document would lead to, before it is applied."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Final

import typer
from google.protobuf.json_format import Parse, ParseError
from rich.table import Table

from gonghai.archive.v1 import activity_pb2
from gonghai.pool.v1 import custody_pb2, pool_service_pb2
from gonghai_cli.account.reading import ident
from gonghai_cli.subcommands.policy_on_trial import (
    Candidates,
    Document,
    Tenant,
    undecided_table,
)
from gonghai_cli.subcommands.session import UNDECIDED, CaFile, TokenFile, session_of
from gonghai_cli.words import word

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from google.protobuf.timestamp_pb2 import Timestamp
    from rich.console import Console

    from gonghai_cli.language import Language
    from gonghai_cli.services import Services

ROWS: Final = 12
"""How many days, holders and clocks are shown."""


@dataclass(slots=True)
class Simulated:
    """What came back."""

    changes: list[pool_service_pb2.SimulatedChange] = field(default_factory=list)
    moves: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    summary: pool_service_pb2.SimulationSummary = field(
        default_factory=pool_service_pb2.SimulationSummary
    )
    until: datetime | None = None
    customers: int = 0


def simulate(  # noqa: PLR0913 - the options of a command
    context: typer.Context,
    tenant: Tenant,
    file: Document = None,
    candidate: Candidates = None,
    days: Annotated[int, typer.Option(min=1, max=400, help="How many days ahead.")] = 60,
    activities: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="What is to happen meanwhile: one activity a line, as JSON with name and "
            "occurTime. Without it nobody does anything.",
        ),
    ] = None,
    changes: Annotated[int, typer.Option(min=0, help="How many single changes to show.")] = 20,
    *,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Let days pass in advance under a document: who would be warned, reclaimed, given to whom.

    Nothing is changed. Living the same days with the same activities gives the same. The exit
    status is 4 where a policy could not decide on some customers: then this is not the whole.
    """
    session = session_of(context).signed_in(token_file, ca_file)
    request = pool_service_pb2.SimulateReclaimsRequest(
        parent=f"tenants/{tenant}",
        document="" if file is None else file.read_text("utf-8"),
        days=days,
        activities=_read(activities) if activities is not None else (),
        max_changes=max(1, changes),
        candidates=candidate,
    )

    async def ask(services: Services) -> Simulated:
        found = Simulated()
        async for message in services.pool.SimulateReclaims(request):
            found.changes.extend(message.changes)
            found.moves.update(_move(one) for one in message.standings)
            found.until = _moment(message.time)
            if message.HasField("summary"):
                found.summary = message.summary
            found.customers = max(found.customers, message.total)
            if message.total:
                session.errors.print(
                    word(
                        "simulated",
                        session.language,
                        day=found.until.date(),
                        count=message.evaluated,
                        total=message.total,
                    ),
                    end="\r",
                )
        session.errors.print(" " * 60, end="\r")
        return found

    found = session.run(ask)
    show(found, session.console, session.language, shown=changes)
    if not found.customers:
        session.errors.print(word("no_customers", session.language, tenant=request.parent))
    if found.summary.undecided or found.summary.frozen:
        raise typer.Exit(UNDECIDED)


def show(found: Simulated, console: Console, language: Language, *, shown: int) -> None:
    """Print what a simulation found."""
    summary = found.summary
    console.print(
        word(
            "simulation",
            language,
            holdings=summary.holdings,
            warned=summary.warned,
            reclaimed=summary.reclaimed,
            assigned=summary.assigned,
            moved=summary.moved,
            until=found.until.date() if found.until is not None else "",
        )
    )
    for title, counts in (
        ("by_day", summary.days),
        ("by_holder", summary.holders),
        ("by_clock", summary.clocks),
    ):
        if counts:
            console.print(_counts(title, counts, language))
    if found.moves:
        console.print(_moves(found.moves, language))
    if found.changes and shown:
        console.print(_changes(found.changes[:shown], language))
    if summary.shortened:
        told = summary.warned + summary.reclaimed + summary.assigned + summary.moved
        console.print(word("more", language, count=max(0, told - shown)))
    if summary.undecided or summary.frozen:
        console.print(word("not_whole", language, frozen=summary.frozen), style="red")
    if summary.undecided:
        console.print(undecided_table(summary.undecided, language))


def _read(file: Path) -> list[activity_pb2.Activity]:
    found = []
    for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found.append(Parse(line, activity_pb2.Activity()))
        except ParseError as error:
            message = f"{file}, line {number}: {error}"
            raise typer.BadParameter(message, param_hint="--activities") from None
    return found


def _counts(
    title: str, counts: Sequence[pool_service_pb2.SimulatedCount], language: Language
) -> Table:
    table = _table(title, language, title, "warned_count", "reclaimed", "assigned", "moved_count")
    for one in counts[:ROWS]:
        figures = (one.warned, one.reclaimed, one.assigned, one.moved)
        table.add_row(ident(one.key), *(str(figure) for figure in figures))
    if len(counts) > ROWS:
        table.add_row(word("more", language, count=len(counts) - ROWS), "", "", "", "")
    return table


def _moves(moves: Counter[tuple[str, str, str, str]], language: Language) -> Table:
    table = _table("moves", language, "kind", "from_to", "cause", "customers")
    for (kind, before, after, cause), count in moves.most_common(ROWS):
        table.add_row(
            word(kind, language), f"{before or '–'} → {after}", word(cause, language), str(count)
        )
    if len(moves) > ROWS:
        table.add_row("", word("more", language, count=len(moves) - ROWS), "", "")
    return table


def _changes(changes: Iterable[pool_service_pb2.SimulatedChange], language: Language) -> Table:
    table = _table("changes", language, "when", "customer", "what", "clock", "from", "to")
    for one in changes:
        name = custody_pb2.CustodyChange.Name(one.change).removeprefix("CUSTODY_CHANGE_")
        table.add_row(
            f"{_moment(one.time):%Y-%m-%d %H:%M} UTC",
            ident(one.customer),
            name,
            " ".join((one.clock, *(f"({stop})" for stop in one.stops))),
            _holder(one.former_holder),
            _holder(one.holder) or ident(one.pool),
        )
    return table


def _table(title: str, language: Language, *columns: str) -> Table:
    return Table(
        *(word(column, language) for column in columns),
        title=word(f"{title}_title", language),
        title_justify="left",
    )


def _move(standing: pool_service_pb2.SimulatedStanding) -> tuple[str, str, str, str]:
    cause = pool_service_pb2.SimulatedCause.Name(standing.cause)
    cause = f"by_{cause.removeprefix('SIMULATED_CAUSE_').lower()}"
    if standing.former_tier != standing.tier:
        return "tier", standing.former_tier, standing.tier, cause
    return "stage", standing.former_stage, standing.stage, cause


def _holder(holder: custody_pb2.Holder) -> str:
    return ident(holder.rep) or ident(holder.team) or holder.self_service


def _moment(time: Timestamp) -> datetime:
    return datetime.fromtimestamp(time.seconds, UTC)
