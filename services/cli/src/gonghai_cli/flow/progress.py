"""How a flow tells what it is doing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from gonghai_cli.words import word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from gonghai_cli.language import Language


class Telling(Protocol):
    """Is told of steps as they begin, and of how far they are."""

    def begin(self, step: str, total: int = 1) -> None:
        """A step begins (see `gonghai_cli.words`: `step_…`); the one before is done."""

    def advance(self, done: int = 1, day: int | None = None) -> None:
        """So much more of the step is done, perhaps up to a virtual day."""


class Silent:
    """Tells nobody."""

    def begin(self, step: str, total: int = 1) -> None:
        """Do nothing."""

    def advance(self, done: int = 1, day: int | None = None) -> None:
        """Do nothing."""


class Shown:
    """Shows a line for each step."""

    def __init__(self, progress: Progress, language: Language) -> None:
        """Show them in a rich display."""
        self._progress = progress
        self._language = language
        self._task: TaskID | None = None

    def begin(self, step: str, total: int = 1) -> None:
        """Show another line; the one before is full."""
        self.end()
        title = word(f"step_{step}", self._language)
        self._task = self._progress.add_task(title, total=total, note="")

    def advance(self, done: int = 1, day: int | None = None) -> None:
        """Move the line's bar on."""
        if self._task is not None:
            note = "" if day is None else word("day", self._language, day=day)
            self._progress.update(self._task, advance=done, note=note)

    def end(self) -> None:
        """Fill the last line's bar."""
        if self._task is not None:
            total = self._progress.tasks[self._task].total
            self._progress.update(self._task, completed=total, note="")


@contextmanager
def shown(console: Console, language: Language) -> Iterator[Shown]:
    """Show progress on a console while the block runs."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as progress:
        showing = Shown(progress, language)
        yield showing
        showing.end()
