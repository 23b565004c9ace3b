"""`gonghai commission …`: what a month pays, to all or line by line, and whether that is final."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape

from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai_cli.account.form import Form
from gonghai_cli.account.reading import ident, minor
from gonghai_cli.subcommands.session import UNDECIDED, CaFile, TokenFile, session_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from google.type.money_pb2 import Money

    from gonghai_cli.services import Services

app = typer.Typer(help="What orders pay to customers and sponsors.", no_args_is_help=True)

_PAGE = 1000

Period = Annotated[str, typer.Argument(help="The month: 2026-11.")]


@app.command("list")
def list_statements(
    context: typer.Context,
    tenant: Annotated[str, typer.Argument(help="tenants/{tenant}")],
    period: Period,
    *,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Show what everybody of a tenant has earned in a month, and what is owed in all.

    It ends with status 4 while there are orders of which it is not decided what they pay, or
    statements may be left out since it is in doubt whose customers these are.
    """
    session = session_of(context).signed_in(token_file, ca_file)
    form = Form(session.language, ZoneInfo("UTC"))
    request = pb.ListCommissionStatementsRequest(parent=tenant, period=period, page_size=_PAGE)

    async def ask(services: Services) -> tuple[list[pb.CommissionStatement], bool]:
        found: list[pb.CommissionStatement] = []
        incomplete = False
        while True:
            page = await services.archive.ListCommissionStatements(request)
            found += page.statements
            incomplete = incomplete or page.incomplete
            if not page.next_page_token:
                return found, incomplete
            request.page_token = page.next_page_token

    found, incomplete = session.run(ask)

    def in_all(amount: Callable[[pb.CommissionStatement], Money]) -> str:
        return form.money(sum(minor(amount(each)) for each in found))

    columns = ("earner", "lines", "earned", "taken_back", "owed", "waiting")
    table = form.table("earnings", *columns, numbers=range(1, len(columns)), period=escape(period))
    for each in found:
        table.add_row(
            ident(each.customer),
            str(each.line_count),
            form.money(minor(each.earned)),
            form.money(minor(each.taken_back)),
            form.money(minor(each.total)),
            str(each.undecided_orders or ""),
        )
    table.add_section()
    table.add_row(
        form.word("total"),
        str(sum(each.line_count for each in found)),
        in_all(lambda each: each.earned),
        in_all(lambda each: each.taken_back),
        in_all(lambda each: each.total),
    )
    session.console.print(table)
    waiting = [each for each in found if each.undecided_orders]
    if waiting:
        session.console.print(form.word("statements_wait", statements=len(waiting)))
    if incomplete:
        session.console.print(form.word("left_out"))
    if waiting or incomplete:
        raise typer.Exit(UNDECIDED)


@app.command("show")
def show(
    context: typer.Context,
    customer: Annotated[str, typer.Argument(help="tenants/{tenant}/customers/{customer}")],
    period: Period,
    *,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Show a customer's statement of a month, line by line as it was booked.

    It ends with status 4 while there are orders of which it is not decided what they pay.
    """
    session = session_of(context).signed_in(token_file, ca_file)
    form = Form(session.language, ZoneInfo("UTC"))
    request = pb.GetCommissionStatementRequest(customer=customer, period=period, page_size=_PAGE)

    async def ask(services: Services) -> tuple[pb.CommissionStatement, list[pb.CommissionLine]]:
        lines: list[pb.CommissionLine] = []
        while True:
            page = await services.archive.GetCommissionStatement(request)
            lines += page.lines
            if not page.next_page_token:
                return page, lines
            request.page_token = page.next_page_token

    statement, lines = session.run(ask)
    table = form.table(
        "statement",
        *("when", "order", "basis", "rate", "pays", "why"),
        numbers=(2, 3, 4),
        name=escape(ident(customer)),
        period=escape(period),
    )
    for cells in _rows(form, lines):
        table.add_row(*cells)
    table.add_section()
    table.add_row("", form.word("owed"), "", "", form.money(minor(statement.total)))
    session.console.print(table)
    if statement.undecided_orders:
        session.console.print(form.word("orders_wait", orders=statement.undecided_orders))
        raise typer.Exit(UNDECIDED)


def _rows(form: Form, lines: Iterable[pb.CommissionLine]) -> Iterable[tuple[str, ...]]:
    for line in lines:
        whose, _, order = line.activity.partition("/activities/")
        yield (
            line.occur_time.ToJsonString(),
            f"{ident(whose)}/{order}",
            form.money(minor(line.basis)),
            f"{line.basis_points / 100:g} %",
            form.money(minor(line.amount)),
            escape(f"{line.reason} ({line.rule})"),
        )
