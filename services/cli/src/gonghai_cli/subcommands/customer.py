"""`gonghai customer …`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape
from rich.table import Table

from gonghai.archive.v1 import archive_service_pb2, customer_pb2
from gonghai_cli.account.form import Form
from gonghai_cli.account.reading import buying_often, ident
from gonghai_cli.subcommands.session import UNDECIDED, CaFile, TokenFile, session_of
from gonghai_cli.words import word

if TYPE_CHECKING:
    from gonghai.type.v1 import decision_pb2
    from gonghai_cli.language import Language
    from gonghai_cli.services import Services

app = typer.Typer(help="Customers of the archive.", no_args_is_help=True)

_PAGE = 500

LEFT = 1
"""The exit status when some of a second level stay where they are."""


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


@app.command("list")
def list_customers(
    context: typer.Context,
    tenant: Annotated[str, typer.Argument(help="tenants/{tenant}")],
    *,
    buys_often: Annotated[
        str, typer.Option(help="A category: who buys it often, as the plugin says what often is.")
    ] = "",
    only: Annotated[
        str, typer.Option("--filter", help="Which, as ListCustomers takes it: 'tier = \"A\"'.")
    ] = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Show customers, the most valuable first: whom to tell of a new product, say.

    It ends with status 4 where some may be left out since it is in doubt whose they are.
    """
    session = session_of(context).signed_in(token_file, ca_file)
    form = Form(session.language, ZoneInfo("UTC"))
    terms = [buying_often(buys_often) if buys_often else "", only]
    request = archive_service_pb2.ListCustomersRequest(
        parent=tenant,
        page_size=_PAGE,
        filter=" AND ".join(term for term in terms if term),
        order_by="tier desc",
    )
    table = form.table("listed", "customer", "tier", "stage", "rep", "bought_often")

    async def ask(services: Services) -> bool:
        incomplete = False
        while True:
            page = await services.archive.ListCustomers(request)
            for each in page.customers:
                table.add_row(
                    f"{escape(each.display_name)} ({ident(each.name)})",
                    escape(each.tier.tier),
                    escape(each.stage.stage),
                    ident(each.custody.owner),
                    escape(", ".join(each.buys_often)),
                )
            incomplete = incomplete or page.incomplete
            if not page.next_page_token:
                return incomplete
            request.page_token = page.next_page_token

    incomplete = session.run(ask)
    session.console.print(table)
    if incomplete:
        session.console.print(form.word("left_out"))
        raise typer.Exit(UNDECIDED)


@app.command("re-parent")
def re_parent(
    context: typer.Context,
    sponsor: Annotated[
        str, typer.Argument(help="Who leaves: tenants/{tenant}/customers/{customer}")
    ],
    *,
    to: Annotated[
        str, typer.Option(help="Who gets them all, named likewise; unset: whom the rules say.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say who would go where and why, and change nothing.")
    ] = False,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Give the second level of a sponsor that leaves to others.

    It may be stopped and given again at any time: who was moved is not moved again.
    """
    session = session_of(context).signed_in(token_file, ca_file)
    language = session.language
    request = archive_service_pb2.ReparentCustomersRequest(
        sponsor=sponsor, heir=to, validate_only=dry_run
    )

    async def ask(services: Services) -> archive_service_pb2.ReparentCustomersResponse:
        last = archive_service_pb2.ReparentCustomersResponse()
        async for message in services.archive.ReparentCustomers(request):
            for each in message.customers:
                session.console.print(_moved(each, language), markup=False, soft_wrap=True)
            last = message
        return last

    last = session.run(ask)
    session.console.print(
        word(
            "reparent_tried" if dry_run else "reparent_done",
            language,
            moved=last.moved_count,
            orphaned=last.orphaned_count,
            failed=last.failed_count,
            remaining=last.remaining_count,
        )
    )
    if last.failed_count or (last.remaining_count and not dry_run):
        raise typer.Exit(LEFT)


def _moved(each: archive_service_pb2.ReparentedCustomer, language: Language) -> str:
    if each.status.code:
        return word(
            "reparent_failed", language, customer=ident(each.customer), problem=each.status.message
        )
    return word(
        "reparent_moved",
        language,
        customer=ident(each.customer),
        sponsor=ident(each.sponsor) or word("reparent_nobody", language),
        reason=f"{each.reason} ({each.rule})" if each.rule else each.reason,
    )


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
    table.add_row("buys often", ", ".join(customer.buys_often))
    for fact, value in sorted(customer.metrics.facts.items()):
        kind = value.WhichOneof("kind")
        if kind is not None and kind != "set_value":
            table.add_row(f"  {fact}", str(getattr(value, kind)), style="dim")
    if customer.masked_fields:
        table.add_row("masked", ", ".join(customer.masked_fields))
    return table


def _assessed(what: str, decision: decision_pb2.Decision) -> str:
    return f"{what}: {decision.reason} ({decision.rule})" if what else ""
