"""What is special to a trade, as tables; a trade has only those of what there is of it."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from gonghai_cli.account.form import of_each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from gonghai_cli.account.earnings import Earning, Month, StatementLine
    from gonghai_cli.account.form import Form
    from gonghai_cli.account.goods import Goods
    from gonghai_cli.account.kinds import Kind
    from gonghai_cli.account.trade import Cell, Collision, Trade

_GRADES: Final = ("high", "medium", "low")
_ROWS: Final = 8


def trade_tables(trade: Trade, form: Form) -> Iterator[Table]:
    """Yield a table for each thing that the trade has."""
    for _, kinds in groupby(trade.kinds, lambda kind: kind.attribute):
        yield _kinds(tuple(kinds), form)
    if trade.grid:
        yield _grid(trade.grid, form)
    if trade.signs:
        yield _signs(trade, form)
    if trade.stops:
        yield _stops(trade, form)
    if trade.goods:
        yield _goods(trade.goods, form)
    if trade.collisions:
        yield _collisions(trade.collisions, form)
    if trade.month is not None:
        yield _earnings(trade.month, form)
        yield _statement(trade.month, form)
        yield _cards(trade.month, form)


def _kinds(kinds: tuple[Kind, ...], form: Form) -> Table:
    columns = ("customers", "stages", "interval", "amount")
    table = form.table("kinds", "kind", *columns, numbers=(1, 3, 4))
    table.columns[0].header = form.label(kinds[0].attribute)
    for kind in kinds:
        stages = ", ".join(f"{stage} {count}" for stage, count in kind.stages)
        interval = "" if kind.interval is None else f"{kind.interval / 10:g}"
        amount = form.money(kind.amount)
        table.add_row(form.label(kind.kind), str(kind.customers), stages, interval, amount)
    return table


def _grid(cells: tuple[Cell, ...], form: Form) -> Table:
    grades = [each for each in _GRADES if any(each in (c.value, c.potential) for c in cells)]
    table = form.table("grid", "value")
    for grade in grades:
        table.add_column(form.word("potential_of", grade=form.word(grade)))
    for value in grades:
        table.add_row(
            form.word(value),
            *(
                "\n".join(
                    form.word(
                        "cell",
                        tier=cell.tier,
                        customers=cell.customers,
                        amount=form.money(cell.amount),
                    )
                    for cell in cells
                    if (cell.value, cell.potential) == (value, potential)
                )
                for potential in grades
            ),
        )
    return table


def _signs(trade: Trade, form: Form) -> Table:
    table = form.table("signs", "sign", "customers", "as_example", "tier", "why", numbers=(1,))
    for sign in trade.signs:
        table.add_row(sign.sign, str(sign.customers), sign.name, sign.tier, sign.why)
    return table


def _stops(trade: Trade, form: Form) -> Table:
    table = form.table("stops", "stop", "why", "stopped_holdings", "first_reclaim", numbers=(2,))
    for stop in trade.stops:
        end = "" if stop.first_reclaim is None else form.moment(stop.first_reclaim)
        table.add_row(stop.stop, form.label(stop.why), str(stop.holdings), end)
    return table


def _goods(goods: tuple[Goods, ...], form: Form) -> Table:
    def row(line: Goods) -> tuple[str, ...]:
        return (form.label(line.label), str(line.often), str(line.asked), "\n".join(line.first))

    columns = ("category", "often", "asking", "told_first")
    return form.long("goods", columns, goods[:_ROWS], row, len(goods), numbers=(1, 2))


def _collisions(collisions: tuple[Collision, ...], form: Form) -> Table:
    def row(line: Collision) -> tuple[str, ...]:
        names = "\n".join(line.names)
        return (line.rule, " / ".join(line.values), str(line.customers), names, line.why)

    columns = ("collision", "over", "customers", "customer", "why")
    chosen = of_each(collisions, lambda line: line.rule)
    return form.long("collisions", columns, chosen, row, len(collisions), numbers=(2,))


def _earnings(month: Month, form: Form) -> Table:
    def row(line: Earning) -> tuple[str, ...]:
        amounts = (line.earned, line.taken_back, line.total)
        return (line.name, line.tier, str(line.lines), *map(form.money, amounts))

    columns = ("earner", "tier", "lines", "earned", "taken_back", "owed")
    table = form.long(
        "earnings",
        columns,
        month.earnings[:_ROWS],
        row,
        len(month.earnings),
        numbers=(2, 3, 4, 5),
        period=month.period,
    )
    table.add_section()
    table.add_row(
        form.word("total"),
        "",
        str(sum(line.lines for line in month.earnings)),
        form.money(sum(line.earned for line in month.earnings)),
        form.money(sum(line.taken_back for line in month.earnings)),
        form.money(sum(line.total for line in month.earnings)),
        style="bold",
    )
    return table


def _statement(month: Month, form: Form) -> Table:
    def row(line: StatementLine) -> tuple[str, ...]:
        rate = f"{line.basis_points / 100:g} %"
        basis, amount = form.money(line.basis), form.money(line.amount)
        return (form.moment(line.at), line.activity, line.name, basis, rate, amount, line.why)

    columns = ("when", "order", "whose", "basis", "rate", "pays", "why")
    return form.long(
        "statement",
        columns,
        month.statement[:_ROWS],
        row,
        len(month.statement),
        numbers=(3, 4, 5),
        name=month.example,
        period=month.period,
    )


def _cards(month: Month, form: Form) -> Table:
    columns = ("earner", "tier_at_end", "own", "second_level", "members", "came_left", "active")
    table = form.table("scorecards", *columns, numbers=range(2, len(columns)), period=month.period)
    for card in month.cards:
        table.add_row(
            card.name,
            card.tier_at_end,
            form.money(card.own),
            form.money(card.second_level),
            str(card.members),
            f"+{card.joined} -{card.left}",
            str(card.active),
        )
    return table
