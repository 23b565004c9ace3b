"""`gonghai policy …`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer
from rich.markup import escape
from rich.table import Table

from gonghai.policy.v1 import policy_service_pb2
from gonghai_cli.language import Language
from gonghai_cli.subcommands.policy_differences import preview
from gonghai_cli.subcommands.policy_simulation import simulate
from gonghai_cli.subcommands.session import session_of

if TYPE_CHECKING:
    from gonghai_cli.services import Services

app = typer.Typer(help="Policies: what decides, and with which settings.", no_args_is_help=True)

app.command("preview")(preview)
app.command("simulate")(simulate)

Tenant = Annotated[str, typer.Option("--tenant", "-t", help="The tenant's id.")]


@app.command("apply")
def apply(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The YAML document.")],
    tenant: Tenant,
    comment: Annotated[str, typer.Option(help="Why.")] = "",
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check it.")] = False,
) -> None:
    """Make a document the tenant's next revision; a bad one is refused whole."""
    session = session_of(context)
    request = policy_service_pb2.ApplyPolicyRequest(
        parent=f"tenants/{tenant}",
        document=file.read_text("utf-8"),
        comment=comment,
        validate_only=dry_run,
        request_id=uuid4().hex,
    )

    async def ask(services: Services) -> policy_service_pb2.PolicyRevision:
        return await services.policies.ApplyPolicy(request)

    revision = session.run(ask)
    done = "would become" if dry_run else "is"
    session.console.print(f"{file} {done} revision {revision.revision} of {request.parent}")


@app.command("list")
def list_policies(context: typer.Context, tenant: Tenant) -> None:
    """List the policies in force."""
    session = session_of(context)
    request = policy_service_pb2.ListPoliciesRequest(parent=f"tenants/{tenant}", page_size=200)

    async def ask(services: Services) -> policy_service_pb2.ListPoliciesResponse:
        return await services.policies.ListPolicies(request)

    table = Table("policy", "plugin", "version", "revision")
    for policy in session.run(ask).policies:
        name = policy.name.rpartition("/")[2]
        table.add_row(name, policy.plugin, policy.plugin_version, str(policy.revision))
    session.console.print(table)


@app.command("show")
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="{industry}.{policy}, such as default.tiering")],
    tenant: Tenant,
) -> None:
    """Show a policy's rules in the order in which they are tried; attributes; workflows."""
    session = session_of(context)
    request = policy_service_pb2.GetPolicyRequest(name=f"tenants/{tenant}/policies/{name}")

    async def ask(services: Services) -> policy_service_pb2.Policy:
        return await services.policies.GetPolicy(request)

    policy = session.run(ask)
    title = f"{name}: {policy.plugin} {policy.plugin_version}, revision {policy.revision}"
    table = table_of(policy, zh=session.language is Language.ZH)
    table.title, table.title_justify = title, "left"
    session.console.print(table)
    session.console.print_json(policy.settings_json or "{}")


def table_of(policy: policy_service_pb2.Policy, *, zh: bool) -> Table:
    """Return what there is of a policy: its rules, or what is declared."""
    if policy.attributes:
        table = Table("attribute", "type", "", "what it is", "values")
        for each in policy.attributes:
            marks = [word for word in ("required", "sensitive") if getattr(each, word)]
            values = (
                f"{value.value} ({value.label_zh if zh else value.label_en})"
                for value in each.values
            )
            label = each.label_zh if zh else each.label_en
            table.add_row(
                each.attribute,
                each.type,
                ", ".join(marks),
                escape(label),
                escape(", ".join(values)),
            )
        return table
    if policy.workflows:
        table = Table("workflow", "transition")
        for workflow in policy.workflows:
            title = workflow.title_zh if zh else workflow.title_en
            for place, transition in enumerate(workflow.transitions):
                table.add_row(
                    f"{workflow.workflow}: {title}" if not place else "", escape(transition)
                )
            table.add_section()
        return table
    table = Table("rule", "condition", "outcome", "reason")
    for rule in policy.rules:
        reason = rule.reason_zh if zh else rule.reason_en
        table.add_row(rule.rule, *map(escape, (rule.condition, rule.outcome, reason)))
    return table
