"""`gonghai policy preview`: what would be decided otherwise at this very moment."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import typer
from rich.markup import escape
from rich.table import Table

from gonghai.policy.v1 import policy_service_pb2
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
    from collections.abc import Sequence

    from rich.console import Console

    from gonghai.type.v1 import decision_pb2
    from gonghai_cli.language import Language
    from gonghai_cli.services import Services

ROWS: Final = 30
"""How many kinds of differences are shown."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Customers on whom the same is decided otherwise, by the same rule."""

    policy: str
    before: str
    after: str
    rule: str


@dataclass(slots=True)
class Differences:
    """What came back.

    Attributes:
        customers: how many there are.
        counts: how many differ, by kind.
        examples: of each kind one customer, and why.
        undecided: on whom it could not be decided, before or after.
        versions: which plugins would decide.
    """

    customers: int = 0
    counts: Counter[Kind] = field(default_factory=Counter)
    examples: dict[Kind, tuple[str, str]] = field(default_factory=dict)
    undecided: list[decision_pb2.Undecided] = field(default_factory=list)
    versions: set[tuple[str, str]] = field(default_factory=set)

    def take(self, message: policy_service_pb2.SimulateResponse) -> None:
        """Count what a service says."""
        self.customers = max(self.customers, message.total)
        self.undecided += [*message.undecided, *message.undecided_before]
        if not message.customer:
            return
        after = message.after
        kind = Kind(after.policy, message.before.outcome, after.outcome, after.rule)
        why = after.reason
        if message.choice_before != message.choice_after:
            kind = Kind("choice", ident(message.choice_before), ident(message.choice_after), "")
        self.counts[kind] += 1
        self.examples.setdefault(kind, (message.customer, why))
        if after.plugin:
            self.versions.add((after.plugin, after.plugin_version))


def preview(
    context: typer.Context,
    tenant: Tenant,
    file: Document = None,
    candidate: Candidates = None,
    *,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Show what a document, or another version of a plugin, would decide otherwise now, and why.

    No time passes, and nothing is changed. The exit status is 4 where a policy could not decide on
    some customers: then this is not the whole.
    """
    session = session_of(context).signed_in(token_file, ca_file)
    if file is None and not candidate:
        message = "say which document, or which --candidate, is to decide"
        raise typer.BadParameter(message, param_hint="FILE")
    request = policy_service_pb2.SimulateRequest(
        parent=f"tenants/{tenant}",
        document="" if file is None else file.read_text("utf-8"),
        candidates=candidate,
    )

    async def ask(services: Services) -> Differences:
        found = Differences()
        for stub in services.policies_of.values():
            async for message in stub.Simulate(request):
                found.take(message)
        return found

    found = session.run(ask)
    show_differences(found, session.console, session.language)
    if not found.customers:
        session.errors.print(word("no_customers", session.language, tenant=request.parent))
    if found.undecided:
        raise typer.Exit(UNDECIDED)


def show_differences(found: Differences, console: Console, language: Language) -> None:
    """Print how many customers differ in what, and why."""
    console.print(
        word(
            "differences",
            language,
            count=found.counts.total(),
            total=found.customers,
            plugins=", ".join(" ".join(one) for one in sorted(found.versions)) or "–",
        )
    )
    if found.counts:
        console.print(_table(found, language))
    if found.undecided:
        console.print(undecided_table(found.undecided, language))


def _table(found: Differences, language: Language) -> Table:
    columns = ("policy", "from_to", "rule_name", "customers", "examples", "why")
    table = Table(
        *(word(column, language) for column in columns),
        title=word("differences_title", language),
        title_justify="left",
    )
    ordered = sorted(found.counts.items(), key=lambda one: (-one[1], str(one[0])))
    for kind, count in ordered[:ROWS]:
        customer, why = found.examples[kind]
        policy = word("choice", language) if kind.policy == "choice" else kind.policy
        move = f"{kind.before or '–'} → {kind.after or '–'}"
        cells: Sequence[str] = (policy, move, kind.rule, str(count), ident(customer), why)
        table.add_row(*map(escape, cells))
    if len(ordered) > ROWS:
        table.add_row("", word("more", language, count=len(ordered) - ROWS), "", "", "", "")
    return table
