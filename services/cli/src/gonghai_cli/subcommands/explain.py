"""`gonghai explain CUSTOMER`: who has it, when it will be taken back, and who may claim it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from gonghai.pool.v1 import custody_pb2, pool_service_pb2
from gonghai_cli.subcommands.session import session_of
from gonghai_cli.words import word

if TYPE_CHECKING:
    from gonghai_cli.language import Language
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

    session.console.print(table_of(session.run(ask), rep, session.language))


def table_of(
    answer: pool_service_pb2.ExplainCustodyResponse, rep: str, language: Language
) -> Table:
    """Lay an explanation out; ``rep`` is who might claim the customer, "" for nobody."""
    say = partial(word, language=language)
    custody = answer.custody
    table = Table(title=custody.customer, title_justify="left", show_header=False)
    state = custody_pb2.CustodyState.Name(custody.state).removeprefix("CUSTODY_STATE_")
    table.add_row(say("explain_state"), say(f"explain_{state.lower()}"))
    table.add_row(say("explain_pool"), custody.pool)
    table.add_row(say("explain_owner"), custody.holder.rep)
    table.add_row(say("explain_why"), custody.reason)
    table.add_row(say("explain_reclaim"), answer.reclaim_summary)
    table.add_row(say("explain_waits_for"), answer.waits_for)
    for clock in custody.clocks:
        key = "explain_longer_clock" if clock.extended else "explain_clock"
        due = clock.due_time.ToJsonString()
        told = say(key, length=clock.length, extended=clock.extended, due=due)
        table.add_row(f"  {clock.clock}", told)
    table.add_row(say("explain_reset_by"), ", ".join(answer.reset_by))
    if answer.extended_by:
        table.add_row(say("explain_extended_by"), ", ".join(answer.extended_by))
    for asked in answer.extensions:
        table.add_row(say("explain_asked"), _request(asked, language))
    if rep:
        table.add_row(
            say("explain_may_claim"), say("explain_yes" if answer.claimable else "explain_no")
        )
        for obstacle in answer.obstacles:
            until = (
                say("explain_until", until=obstacle.until.ToJsonString())
                if obstacle.HasField("until")
                else ""
            )
            table.add_row(f"  {obstacle.rule or obstacle.reason}", f"{obstacle.message}{until}")
    return table


def _request(asked: pool_service_pb2.Extension, language: Language) -> str:
    """Say what became of a request for more time, by whom and why."""
    say = partial(word, language=language)
    state = pool_service_pb2.ExtensionState.Name(asked.state)
    state = state.removeprefix("EXTENSION_STATE_").lower()
    why = asked.decision_reason or asked.waits_because or asked.decision.reason
    return say(
        "explain_request",
        days=asked.days,
        state=say(f"explain_{state}"),
        granted=say("explain_granted", days=asked.granted_days) if asked.granted_days else "",
        rule=say("explain_rule", rule=asked.decision.rule) if asked.decision.rule else "",
        why=say("explain_because", why=why) if why else "",
    )
