"""`gonghai quarantine …`: the events that a service could not process, and trying them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from gonghai.upkeep.v1 import upkeep_service_pb2 as pb
from gonghai_cli.subcommands.session import CaFile, TokenFile, session_of
from gonghai_cli.words import word

if TYPE_CHECKING:
    from gonghai_cli.language import Language
    from gonghai_cli.services import Services

app = typer.Typer(help="Events that could not be processed.", no_args_is_help=True)

LEFT = 1
"""The exit status when events are left."""

_PAGE = 200


@app.command("list")
def list_events(
    context: typer.Context,
    tenant: Annotated[str, typer.Argument(help="tenants/{tenant}")],
    *,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Show what each service could not process of a tenant's events, and what waits behind it."""
    session = session_of(context).signed_in(token_file, ca_file)

    async def ask(services: Services) -> list[tuple[str, pb.QuarantinedEvent]]:
        found: list[tuple[str, pb.QuarantinedEvent]] = []
        for service, stub in services.upkeep.items():
            request = pb.ListQuarantinedEventsRequest(parent=tenant, page_size=_PAGE)
            while True:
                page = await stub.ListQuarantinedEvents(request)
                found += [(service, event) for event in page.events]
                if not page.next_page_token:
                    break
                request.page_token = page.next_page_token
        return found

    found = session.run(ask)
    if not found:
        session.console.print(word("quarantine_empty", session.language))
        return
    session.console.print(_table(found, session.language))
    raise typer.Exit(LEFT)


@app.command("retry")
def retry(
    context: typer.Context,
    tenant: Annotated[str, typer.Argument(help="tenants/{tenant}")],
    service: Annotated[str, typer.Argument(help="Who could not process it: pool.")],
    source: Annotated[str, typer.Argument(help="Whose events they are: archive.")],
    subject: Annotated[str, typer.Argument(help="Whom they are about, as the list says.")],
    *,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Process a subject's events again, in their order, until one fails or none is left."""
    session = session_of(context).signed_in(token_file, ca_file)

    async def ask(services: Services) -> pb.RetryQuarantinedEventsResponse:
        if service not in services.upkeep:
            raise typer.BadParameter(f"{service}: {', '.join(services.upkeep)}")
        return await services.upkeep[service].RetryQuarantinedEvents(
            pb.RetryQuarantinedEventsRequest(parent=tenant, source=source, subject=subject)
        )

    answer = session.run(ask)
    session.console.print(
        word("quarantine_retried", session.language, processed=answer.processed, left=answer.left)
    )
    if answer.left:
        session.console.print(_table([(service, answer.failed)], session.language))
        raise typer.Exit(LEFT)


def _table(found: list[tuple[str, pb.QuarantinedEvent]], language: Language) -> Table:
    titles = ("service", "source", "subject", "event", "since", "attempts", "problem")
    table = Table(*(word(f"quarantine_{title}", language) for title in titles))
    for service, event in found:
        table.add_row(
            service,
            event.source,
            event.subject,
            f"{event.kind} {event.cursor.position}",
            event.quarantine_time.ToJsonString(),
            str(event.attempts),
            event.problem or word("quarantine_waits", language),
        )
    return table
