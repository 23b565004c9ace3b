"""`gonghai scorecard show`: how a customer and its second level did in a month."""

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
    from collections.abc import Iterator

    from gonghai_cli.services import Services

app = typer.Typer(help="How customers and their second levels do.", no_args_is_help=True)


@app.command("show")
def show(
    context: typer.Context,
    customer: Annotated[str, typer.Argument(help="tenants/{tenant}/customers/{customer}")],
    period: Annotated[str, typer.Argument(help="The month: 2026-11.")],
    *,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Show a customer's scorecard of a month: what it and its second level bought, who was of it.

    It ends with status 4 while the month is not over, or an order waits for what it pays.
    """
    session = session_of(context).signed_in(token_file, ca_file)
    form = Form(session.language, ZoneInfo("UTC"))

    async def ask(services: Services) -> pb.CustomerScorecard:
        return await services.archive.GetCustomerScorecard(
            pb.GetCustomerScorecardRequest(customer=customer, period=period)
        )

    card = session.run(ask)
    columns = ("whose", "orders", "bought", "returns", "returned", "volume")
    table = form.table(
        "scorecard",
        *columns,
        numbers=range(1, len(columns)),
        name=escape(ident(customer)),
        period=escape(period),
    )
    for whose, volume in (("own", card.own), ("second_level", card.second_level)):
        table.add_row(
            form.word(whose),
            str(volume.order_count),
            form.money(minor(volume.bought)),
            str(volume.return_count),
            form.money(minor(volume.returned)),
            form.money(minor(volume.total)),
        )
    session.console.print(table)
    for line in _lines(form, card):
        session.console.print(escape(line))
    if not card.final:
        waiting = card.commissions.undecided_orders
        session.console.print(
            form.word("orders_wait", orders=waiting) if waiting else form.word("month_runs")
        )
        raise typer.Exit(UNDECIDED)


def _lines(form: Form, card: pb.CustomerScorecard) -> Iterator[str]:
    yield form.word(
        "card_members",
        members=card.members,
        joined=card.joined_members,
        left=card.left_members,
        active=card.active_members,
    )
    yield form.word(
        "card_pay",
        earned=form.money(minor(card.commissions.earned)),
        taken_back=form.money(minor(card.commissions.taken_back)),
        owed=form.money(minor(card.commissions.total)),
    )
    yield form.word("card_tier", tier=card.tier or "–", at_end=card.tier_at_end or "–")
