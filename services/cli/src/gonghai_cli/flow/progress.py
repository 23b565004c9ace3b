"""How a flow tells what it is doing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console


class Telling(Protocol):
    """Is told of steps as they begin, and of how far they are."""

    def begin(self, title: str, total: int = 1) -> None:
        """A step begins; the one before is done."""

    def advance(self, done: int = 1, note: str = "") -> None:
        """So much more of the step is done."""


class Silent:
    """Tells nobody."""

    def begin(self, title: str, total: int = 1) -> None:
        """Do nothing."""

    def advance(self, done: int = 1, note: str = "") -> None:
        """Do nothing."""


class Shown:
    """Shows a line for each step."""

    def __init__(self, progress: Progress) -> None:
        """Show them in a rich display."""
        self._progress = progress
        self._task = None if not progress.task_ids else progress.task_ids[-1]

    def begin(self, title: str, total: int = 1) -> None:
        """Show another line; the one before is full."""
        self.end()
        self._task = self._progress.add_task(title, total=total, note="")

    def advance(self, done: int = 1, note: str = "") -> None:
        """Move the line's bar on."""
        if self._task is not None:
            self._progress.update(self._task, advance=done, note=note)

    def end(self) -> None:
        """Fill the last line's bar."""
        if self._task is not None:
            total = self._progress.tasks[self._task].total
            self._progress.update(self._task, completed=total, note="")


@contextmanager
def shown(console: Console) -> Iterator[Shown]:
    """Show progress on a console while the block runs."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as progress:
        showing = Shown(progress)
        yield showing
        showing.end()
