"""`gonghai policy revisions|diff|rollback`: what was in force, what differs, and back to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer
from rich.markup import escape
from rich.table import Table

from gonghai.policy.v1 import policy_service_pb2
from gonghai_cli.subcommands.session import session_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from gonghai_cli.services import Services

Tenant = Annotated[str, typer.Option("--tenant", "-t", help="The tenant's id.")]

NOWHERE = "–"
"""Stands where a value or rule is not there."""


def revisions(context: typer.Context, tenant: Tenant) -> None:
    """List the tenant's revisions, the newest first."""
    session = session_of(context)
    request = policy_service_pb2.ListRevisionsRequest(parent=f"tenants/{tenant}", page_size=50)

    async def ask(services: Services) -> policy_service_pb2.ListRevisionsResponse:
        return await services.policies.ListRevisions(request)

    table = Table("revision", "applied", "by", "comment")
    for revision in session.run(ask).revisions:
        applied = revision.apply_time.ToJsonString()
        by = revision.actor.principal
        table.add_row(str(revision.revision), applied, escape(by), escape(revision.comment))
    session.console.print(table)


def diff(
    context: typer.Context,
    target: Annotated[
        str, typer.Argument(metavar="FILE|REVISION", help="The document, or the revision's number.")
    ],
    tenant: Tenant,
    base: Annotated[
        int | None,
        typer.Argument(
            metavar="[REVISION]", help="What it is compared with; unset: in force.", min=1
        ),
    ] = None,
) -> None:
    """Show what a document or revision changes: calendar, plugins, settings and rules."""
    session = session_of(context)
    request = policy_service_pb2.ComparePolicyRequest(
        parent=f"tenants/{tenant}", base_revision=base or 0
    )
    if target.isdecimal():
        request.revision = int(target)
    else:
        request.document = _document(Path(target))

    async def ask(services: Services) -> policy_service_pb2.ComparePolicyResponse:
        return await services.policies.ComparePolicy(request)

    _show(session.run(ask), target, session.console)


def rollback(
    context: typer.Context,
    revision: Annotated[int, typer.Argument(help="The revision to go back to.", min=1)],
    tenant: Tenant,
    comment: Annotated[str, typer.Option(help="Why.")] = "",
) -> None:
    """Apply an older revision's document again, as a new revision: no number ever goes back."""
    session = session_of(context)
    parent = f"tenants/{tenant}"
    name = f"{parent}/policyRevisions/{revision}"
    request_id = uuid4().hex

    async def work(services: Services) -> policy_service_pb2.PolicyRevision | None:
        policies = services.policies
        listing = policy_service_pb2.ListRevisionsRequest(parent=parent, page_size=1)
        newest = (await policies.ListRevisions(listing)).revisions
        older = await policies.GetPolicyRevision(
            policy_service_pb2.GetPolicyRevisionRequest(name=name)
        )
        present = newest[0]
        if present.digest == older.digest:
            return None
        return await policies.ApplyPolicy(
            policy_service_pb2.ApplyPolicyRequest(
                parent=parent,
                document=older.document,
                comment=f"back to revision {revision}" + (f": {comment}" if comment else ""),
                # Whoever applied another document meanwhile is not overruled.
                base_revision=present.revision,
                request_id=request_id,
            )
        )

    made = session.run(work)
    if made is None:
        session.console.print(f"what is in force says the same as revision {revision}")
    else:
        session.console.print(f"revision {made.revision} of {parent} says what {revision} said")


def _document(file: Path) -> str:
    if not file.is_file():
        raise typer.BadParameter(f"{file} is neither a file nor a revision's number")
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{file} is not written in UTF-8") from None


def _show(answer: policy_service_pb2.ComparePolicyResponse, target: str, console: Console) -> None:
    base = f"revision {answer.base_revision}" if answer.base_revision else "the default"
    if not answer.calendar and not answer.industries:
        console.print(f"{target} says the same as {base}")
        return
    if answer.calendar:
        console.print(_values("calendar", answer.calendar))
    for change in answer.industries:
        plugins = change.plugin_before
        if change.plugin_before != change.plugin_after:
            plugins = f"{change.plugin_before} → {change.plugin_after}"
        console.print(f"{change.industry}: {plugins}", style="bold", markup=False)
        if change.settings:
            console.print(_values("setting", change.settings))
        if change.rules:
            console.print(_rules(change.rules))


def _values(what: str, changes: Iterable[policy_service_pb2.ValueChange]) -> Table:
    table = Table(what, "before", "after")
    for change in changes:
        before, after = (escape(value or NOWHERE) for value in (change.before, change.after))
        table.add_row(escape(change.path), before, after)
    return table


def _rules(changes: Iterable[policy_service_pb2.RuleChange]) -> Table:
    table = Table("policy", "rule", "before", "after")
    for change in changes:
        before = change.before if change.HasField("before") else None
        after = change.after if change.HasField("after") else None
        name = (after or change.before).rule
        table.add_row(change.policy, escape(name), *_written(before, after))
    return table


def _written(
    before: policy_service_pb2.Rule | None, after: policy_service_pb2.Rule | None
) -> tuple[str, str]:
    """Write both, leaving out of a rule that stays what does not change."""
    if before is None or after is None:
        old, new = (
            NOWHERE if rule is None else escape(f"{rule.condition}: {rule.outcome}")
            for rule in (before, after)
        )
        return old, new
    fields = ("condition", "outcome", "reason_en", "reason_zh")
    differing = [name for name in fields if getattr(before, name) != getattr(after, name)]
    old, new = (
        escape("\n".join(getattr(rule, name) for name in differing)) for rule in (before, after)
    )
    return old, new
