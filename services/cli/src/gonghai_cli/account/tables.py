"""The account as tables for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from gonghai_cli.account.form import Form, grouped, of_each
from gonghai_cli.account.trade_tables import trade_tables

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from gonghai_cli.account.account import Account, Gain, Loss, RefusedClaim
    from gonghai_cli.language import Language

PAPER: Final = 132
"""How many columns a file has at the least: a terminal has as many as it has."""


def show(account: Account, console: Console, language: Language, zone: str) -> None:
    """Print the account.

    Args:
        account: what to print.
        console: where.
        language: of headings; reasons are as the services gave them.
        zone: the time zone for moments.
    """
    if not console.is_terminal:
        console.width = max(console.width, PAPER)
    form = Form(language, ZoneInfo(zone))
    tables = _Tables(account, form)
    for table in (
        tables.tiers(),
        tables.pools(),
        tables.reps(),
        tables.gains(),
        tables.clocks(),
        tables.losses(),
        tables.refusals(),
        *trade_tables(account.trade, form),
    ):
        console.print(table)
        console.print()
    console.print(form.word("warnings", count=account.warnings))
    console.print(form.word("now", now=form.moment(account.now)))


class _Tables:
    def __init__(self, account: Account, form: Form) -> None:
        self._account = account
        self._form = form

    def tiers(self) -> Table:
        table = self._form.table(
            "tiers", "tier", "rank", "stage", "customers", "amount", numbers=(1, 3, 4)
        )
        lines = self._account.standings
        for line in lines:
            table.add_row(
                line.tier,
                str(line.rank),
                line.stage,
                str(line.customers),
                self._form.money(line.amount),
            )
        table.add_section()
        total = sum(line.customers for line in lines)
        amount = sum(line.amount for line in lines)
        table.add_row(
            self._form.word("total"), "", "", str(total), self._form.money(amount), style="bold"
        )
        return table

    def pools(self) -> Table:
        table = self._form.table("pools", "pool", "in_it", "entered", "left", numbers=(1, 2, 3))
        for line in self._account.pools:
            table.add_row(
                _named(line.name, line.pool), str(line.customers), str(line.entered), str(line.left)
            )
        return table

    def reps(self) -> Table:
        columns = ("rep", "holdings", "weight", "assigned", "claimed", "self_sourced", "lost")
        table = self._form.table("reps", *columns, numbers=range(1, len(columns)))
        for line in self._account.reps:
            table.add_row(
                _named(line.name, line.rep),
                str(line.holdings),
                f"{line.weight_milli / 1000:g}",
                *(str(n) for n in (line.assigned, line.claimed, line.self_sourced, line.lost)),
            )
        return table

    def gains(self) -> Table:
        def row(line: Gain) -> tuple[str, ...]:
            how = self._form.word(line.how)
            why = line.why or self._form.word("out_of", pool=line.pool)
            return (line.name, line.tier, line.rep, how, self._form.moment(line.at), why)

        columns = ("customer", "tier", "rep", "how", "when", "why")
        lines = self._account.gains
        return self._form.long(
            "gains", columns, of_each(lines, lambda line: line.how), row, len(lines)
        )

    def clocks(self) -> Table:
        table = self._form.table("clocks", "clock", "why", "customers", "taken_up", numbers=(2, 3))
        held = {place.customer: place.rep for place in self._account.places}
        for clock, lines in sorted(grouped(self._account.losses, lambda line: line.clock).items()):
            again = {line.customer for line in lines if held.get(line.customer)}
            table.add_row(clock, lines[-1].why, str(len(lines)), str(len(again)))
        return table

    def losses(self) -> Table:
        def row(line: Loss) -> tuple[str, ...]:
            warned = "" if line.warned is None else self._form.moment(line.warned)
            at = self._form.moment(line.at)
            return (line.name, line.tier, line.rep, line.pool, line.clock, warned, at)

        columns = ("customer", "tier", "from", "to", "clock", "warned", "when")
        lines = self._account.losses
        chosen = of_each(lines, lambda line: line.clock)
        return self._form.long("losses", columns, chosen, row, len(lines))

    def refusals(self) -> Table:
        def row(line: RefusedClaim) -> tuple[str, ...]:
            until = "" if line.until is None else self._form.moment(line.until)
            return (line.name, line.rep, "\n".join(line.reasons), until, "\n".join(line.why))

        columns = ("customer", "rep", "rule", "until", "why")
        lines = self._account.refusals
        chosen = of_each(lines, lambda line: ",".join(line.reasons))
        return self._form.long("refusals", columns, chosen, row, len(lines))


def _named(name: str, ident: str) -> str:
    return f"{name} ({ident})" if name and name != ident else ident
