"""Groups of commands that other distributions bring, by the entry point group ``gonghai.commands``.

The command line is a client of the services and knows no engine. What works without any service
(making and checking a plugin) comes from where the engine is, and only where that is installed. A
group is imported when it is called, so that no other command pays for it.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Final

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

GROUP: Final = "gonghai.commands"
INCOMPLETE: Final = 4
"""The exit status when the distribution that brings a group lacks what its extra would bring."""

_EVERYTHING: Final = {"allow_extra_args": True, "ignore_unknown_options": True}


def extend(app: typer.Typer, found: Iterable[EntryPoint] | None = None) -> None:
    """Add the groups that are installed (or ``found``) to a command line."""
    points = entry_points(group=GROUP) if found is None else found
    for point in sorted(points, key=lambda point: point.name):
        _add(app, point)


def _add(app: typer.Typer, point: EntryPoint) -> None:
    brought_by = "" if point.dist is None else f" (of {point.dist.name})"

    @app.command(
        point.name,
        help=f"See `gonghai {point.name} --help`{brought_by}.",
        context_settings=_EVERYTHING,
        add_help_option=False,
    )
    def run(context: typer.Context) -> None:
        try:
            group = typer.main.get_command(point.load())
        except ImportError as error:
            typer.echo(f"gonghai {point.name} is not installed completely: {error}", err=True)
            raise typer.Exit(INCOMPLETE) from None
        group.main(context.args, prog_name=f"gonghai {point.name}", obj=context.obj)
