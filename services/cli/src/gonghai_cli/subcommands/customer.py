"""`gonghai customer …`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from gonghai.archive.v1 import archive_service_pb2, customer_pb2
from gonghai_cli.subcommands.session import session_of

if TYPE_CHECKING:
    from gonghai.type.v1 import decision_pb2
    from gonghai_cli.services import Services

app = typer.Typer(help="Customers of the archive.", no_args_is_help=True)


@app.command("get")
def get(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="tenants/{tenant}/customers/{customer}")],
) -> None:
    """Show a customer with its tier and stage, and why."""
    session = session_of(context)

    async def ask(services: Services) -> customer_pb2.Customer:
        return await services.archive.GetCustomer(archive_service_pb2.GetCustomerRequest(name=name))

    session.console.print(_table(session.run(ask)))


def _table(customer: customer_pb2.Customer) -> Table:
    table = Table(title=customer.display_name, title_justify="left", show_header=False)
    table.add_row("name", customer.name)
    table.add_row("industry", customer.industry)
    table.add_row("region", customer.region)
    table.add_row("tier", _assessed(customer.tier.tier, customer.tier.decision))
    table.add_row("stage", _assessed(customer.stage.stage, customer.stage.decision))
    table.add_row("custody", customer.custody.state)
    table.add_row("pool", customer.custody.pool)
    table.add_row("owner", customer.custody.owner)
    for fact, value in sorted(customer.metrics.facts.items()):
        kind = value.WhichOneof("kind")
        if kind is not None and kind != "set_value":
            table.add_row(f"  {fact}", str(getattr(value, kind)), style="dim")
    if customer.masked_fields:
        table.add_row("masked", ", ".join(customer.masked_fields))
    return table


def _assessed(what: str, decision: decision_pb2.Decision) -> str:
    return f"{what}: {decision.reason} ({decision.rule})" if what else ""
