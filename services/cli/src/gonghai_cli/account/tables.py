"""The account as tables for a person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar
from zoneinfo import ZoneInfo

from rich.table import Table

from gonghai_cli.words import word

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from gonghai_cli.account.account import Account, Gain, Loss, RefusedClaim
    from gonghai_cli.language import Language

ROWS: Final = 12
"""How many rows of a long table are shown."""

Line = TypeVar("Line")


def show(account: Account, console: Console, language: Language, zone: str) -> None:
    """Print the account.

    Args:
        account: what to print.
        console: where.
        language: of headings; reasons are as the services gave them.
        zone: the time zone for moments.
    """
    tables = _Tables(account, language, ZoneInfo(zone))
    for table in (
        tables.tiers(),
        tables.pools(),
        tables.reps(),
        tables.gains(),
        tables.losses(),
        tables.refusals(),
    ):
        console.print(table)
        console.print()
    console.print(word("warnings", language, count=account.warnings))
    console.print(word("now", language, now=tables.moment(account.now)))


class _Tables:
    def __init__(self, account: Account, language: Language, zone: ZoneInfo) -> None:
        self._account = account
        self._language = language
        self._zone = zone

    def tiers(self) -> Table:
        table = self._table(
            "tiers", "tier", "rank", "stage", "customers", "amount", numbers=(1, 3, 4)
        )
        lines = self._account.standings
        for line in lines:
            table.add_row(
                line.tier, str(line.rank), line.stage, str(line.customers), _money(line.amount)
            )
        table.add_section()
        total = sum(line.customers for line in lines)
        amount = sum(line.amount for line in lines)
        table.add_row(self._word("total"), "", "", str(total), _money(amount), style="bold")
        return table

    def pools(self) -> Table:
        table = self._table("pools", "pool", "in_it", "entered", "left", numbers=(1, 2, 3))
        for line in self._account.pools:
            table.add_row(
                _named(line.name, line.pool), str(line.customers), str(line.entered), str(line.left)
            )
        return table

    def reps(self) -> Table:
        columns = ("rep", "holdings", "weight", "assigned", "claimed", "self_sourced", "lost")
        table = self._table("reps", *columns, numbers=range(1, len(columns)))
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
            how = self._word(line.how)
            why = line.why or word("out_of", self._language, pool=line.pool)
            return (line.name, line.tier, line.rep, how, self.moment(line.at), why)

        # Some of each way, so that the rare ones are seen beside the many.
        chosen: list[Gain] = []
        ways = sorted({line.how for line in self._account.gains})
        for way in ways:
            chosen += [line for line in self._account.gains if line.how == way][: ROWS // len(ways)]
        columns = ("customer", "tier", "rep", "how", "when", "why")
        return self._long("gains", columns, chosen, row, len(self._account.gains))

    def losses(self) -> Table:
        def row(line: Loss) -> tuple[str, ...]:
            warned = "" if line.warned is None else self.moment(line.warned)
            at = self.moment(line.at)
            return (line.name, line.tier, line.rep, line.pool, line.clock, warned, at, line.why)

        columns = ("customer", "tier", "from", "to", "clock", "warned", "when", "why")
        lines = self._account.losses
        return self._long("losses", columns, lines[:ROWS], row, len(lines))

    def refusals(self) -> Table:
        def row(line: RefusedClaim) -> tuple[str, ...]:
            until = "" if line.until is None else self.moment(line.until)
            return (line.name, line.rep, "\n".join(line.reasons), until, "\n".join(line.why))

        columns = ("customer", "rep", "rule", "until", "why")
        # The rarest obstacle first: a claim limit beside many cool-downs.
        counts: dict[tuple[str, ...], int] = {}
        for line in self._account.refusals:
            counts[line.reasons] = counts.get(line.reasons, 0) + 1
        lines = sorted(self._account.refusals, key=lambda line: counts[line.reasons])
        return self._long("refusals", columns, lines[:ROWS], row, len(lines))

    def moment(self, instant: int) -> str:
        """Write a moment in the tenant's zone."""
        moment = datetime.fromtimestamp(instant / 1_000_000, tz=UTC).astimezone(self._zone)
        return moment.strftime("%Y-%m-%d %H:%M")

    def _long(
        self,
        title: str,
        columns: Sequence[str],
        lines: Sequence[Line],
        row: Callable[[Line], tuple[str, ...]],
        total: int,
    ) -> Table:
        table = self._table(title, *columns)
        for line in lines:
            table.add_row(*row(line))
        if not lines:
            table.add_row(self._word("none"))
        if total > len(lines):
            table.caption = word("more", self._language, count=total - len(lines))
        return table

    def _table(self, title: str, *columns: str, numbers: Sequence[int] = ()) -> Table:
        table = Table(title=self._word(title), title_justify="left", title_style="bold")
        for place, column in enumerate(columns):
            table.add_column(
                self._word(column),
                justify="right" if place in numbers else "left",
                overflow="fold",
            )
        return table

    def _word(self, key: str) -> str:
        return word(key, self._language)


def _named(name: str, ident: str) -> str:
    return f"{name} ({ident})" if name and name != ident else ident


def _money(minor: int) -> str:
    return f"{minor / 100:,.2f}"
