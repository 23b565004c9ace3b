"""`gonghai explain CUSTOMER`: who has it, when it will be taken back, and who may claim it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from gonghai.pool.v1 import custody_pb2, pool_service_pb2
from gonghai_cli.subcommands.session import session_of

if TYPE_CHECKING:
    from gonghai_cli.services import Services


def explain(
    context: typer.Context,
    customer: Annotated[str, typer.Argument(help="tenants/{tenant}/customers/{customer}")],
    rep: Annotated[
        str, typer.Option(help="The rep who might claim it: tenants/{tenant}/reps/{rep}")
    ] = "",
) -> None:
    """Explain a customer's custody, and whether a rep may claim it."""
    session = session_of(context)
    request = pool_service_pb2.ExplainCustodyRequest(customer=customer, rep=rep)

    async def ask(services: Services) -> pool_service_pb2.ExplainCustodyResponse:
        return await services.pool.ExplainCustody(request)

    session.console.print(table_of(session.run(ask), rep))


def table_of(answer: pool_service_pb2.ExplainCustodyResponse, rep: str) -> Table:
    """Lay an explanation out; ``rep`` is who might claim the customer, "" for nobody."""
    custody = answer.custody
    table = Table(title=custody.customer, title_justify="left", show_header=False)
    state = custody_pb2.CustodyState.Name(custody.state).removeprefix("CUSTODY_STATE_")
    table.add_row("state", state)
    table.add_row("pool", custody.pool)
    table.add_row("owner", custody.holder.rep)
    table.add_row("why", custody.reason)
    table.add_row("reclaim", answer.reclaim_summary)
    table.add_row("waits for", answer.waits_for)
    for clock in custody.clocks:
        longer = f", {clock.extended} longer by activities" if clock.extended else ""
        due = clock.due_time.ToJsonString()
        table.add_row(f"  {clock.clock}", f"{clock.length}{longer}, due {due}")
    table.add_row("reset by", ", ".join(answer.reset_by))
    if answer.extended_by:
        table.add_row("made longer by", ", ".join(answer.extended_by))
    for asked in answer.extensions:
        table.add_row("asked for more time", _request(asked))
    if rep:
        table.add_row("may claim", "yes" if answer.claimable else "no")
        for obstacle in answer.obstacles:
            until = (
                f" (until {obstacle.until.ToJsonString()})" if obstacle.HasField("until") else ""
            )
            table.add_row(f"  {obstacle.rule or obstacle.reason}", f"{obstacle.message}{until}")
    return table


def _request(asked: pool_service_pb2.Extension) -> str:
    """Say what became of a request for more time, by whom and why."""
    state = pool_service_pb2.ExtensionState.Name(asked.state)
    state = state.removeprefix("EXTENSION_STATE_").lower()
    granted = f" {asked.granted_days}" if asked.granted_days else ""
    rule = f", rule {asked.decision.rule}" if asked.decision.rule else ""
    why = asked.decision_reason or asked.waits_because or asked.decision.reason
    return f"{asked.days} days: {state}{granted}{rule}{f' ({why})' if why else ''}"
