"""The form of the tables: how moments, amounts and long lists are written, in which language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from typing import TYPE_CHECKING, Final, TypeVar

from rich.table import Table

from gonghai_cli.language import Language
from gonghai_cli.words import word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from zoneinfo import ZoneInfo

    from gonghai_cli.account.kinds import Label

ROWS: Final = 12
"""How many rows of a long table are shown."""

Line = TypeVar("Line")


@dataclass(frozen=True, slots=True)
class Form:
    """Makes tables in one language, with moments in one zone."""

    language: Language
    zone: ZoneInfo

    def moment(self, instant: int) -> str:
        """Write a moment in the tenant's zone."""
        moment = datetime.fromtimestamp(instant / 1_000_000, tz=UTC).astimezone(self.zone)
        return moment.strftime("%Y-%m-%d %H:%M")

    def long(
        self,
        title: str,
        columns: Sequence[str],
        lines: Sequence[Line],
        row: Callable[[Line], tuple[str, ...]],
        total: int,
        numbers: Sequence[int] = (),
        **figures: object,
    ) -> Table:
        """Make a table of some lines out of ``total``; ``figures`` are those of its title."""
        table = self.table(title, *columns, numbers=numbers, **figures)
        for line in lines:
            table.add_row(*row(line))
        if not lines:
            table.add_row(self.word("none"))
        if total > len(lines):
            table.caption = self.word("more", count=total - len(lines))
        return table

    def table(
        self, title: str, *columns: str, numbers: Sequence[int] = (), **figures: object
    ) -> Table:
        """Make an empty table; ``numbers`` are the columns that stand to the right."""
        table = Table(title=self.word(title, **figures), title_justify="left", title_style="bold")
        for place, column in enumerate(columns):
            table.add_column(
                self.word(column),
                justify="right" if place in numbers else "left",
                overflow="fold",
            )
        return table

    def label(self, label: Label) -> str:
        """Choose what people call something in the reader's language."""
        english, chinese = label
        return chinese if self.language is Language.ZH else english

    def money(self, minor: int) -> str:
        """Write an amount of minor units."""
        return f"{minor / 100:,.2f}"

    def word(self, key: str, **figures: object) -> str:
        """Say something in the reader's language."""
        return word(key, self.language, **figures)


def grouped(lines: Iterable[Line], kind: Callable[[Line], str]) -> dict[str, list[Line]]:
    """Return the lines of each kind."""
    groups: dict[str, list[Line]] = {}
    for line in lines:
        groups.setdefault(kind(line), []).append(line)
    return groups


def of_each(lines: Sequence[Line], kind: Callable[[Line], str]) -> list[Line]:
    """Choose as many lines as a table shows, some of each kind, in their order.

    So the rare are seen beside the many.
    """
    groups = grouped(lines, kind).values()
    rounds = [line for turn in zip_longest(*groups) for line in turn if line is not None]
    chosen = {id(line) for line in rounds[:ROWS]}
    return [line for line in lines if id(line) in chosen]
