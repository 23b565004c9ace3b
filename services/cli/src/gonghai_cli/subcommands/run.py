"""`gonghai dev` and `gonghai demo`: a whole Gonghai on this machine."""

from __future__ import annotations

import asyncio
from datetime import datetime  # noqa: TC003 - typer reads the annotations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gonghai_cli.demo import DemoSettings, play
from gonghai_cli.dev import serve
from gonghai_cli.flow.sample import NoSample
from gonghai_cli.stack import PORT_BASE, StackSettings
from gonghai_cli.subcommands.session import session_of
from gonghai_cli.words import word

if TYPE_CHECKING:
    from rich.console import Console

    from gonghai_cli.language import Language
    from gonghai_cli.stack import Stack

PortBase = Annotated[
    int,
    typer.Option(
        help="The store's port; archive, pool and assignment follow. 0 takes free ones.",
        min=0,
        max=65532,
    ),
]
Partitions = Annotated[int, typer.Option(help="Partitions of a new installation.", min=1)]


def dev(
    context: typer.Context,
    data: Annotated[Path, typer.Option(help="Where the data is kept.")] = Path(".gonghai"),
    port_base: PortBase = PORT_BASE,
    partitions: Partitions = 8,
) -> None:
    """Start the store and the three services, and serve until Ctrl-C. The data stays."""
    session = session_of(context)
    console = session.console

    async def ready(stack: Stack) -> bool:
        announce(stack, console, session.language)
        return True

    settings = StackSettings(data, port_base=port_base, partitions=partitions)
    raise typer.Exit(asyncio.run(serve(settings, console, ready, language=session.language)))


def demo(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    *,
    leave: Annotated[
        bool, typer.Option("--exit", help="End after the account instead of serving on.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Show an earlier demo's data instead of playing.")
    ] = False,
    plugin: Annotated[str, typer.Option(help="Whose sample to play.")] = "fmcg_distributor",
    seed: Annotated[int, typer.Option(help="Of the sample's generator.")] = 7,
    start: Annotated[
        datetime | None,
        typer.Option(
            help="The virtual day to begin on; unset, the next that suits the sample's trade.",
            formats=["%Y-%m-%d"],
        ),
    ] = None,
    data: Annotated[
        Path, typer.Option(help="Where the demo's data is kept; cleared at each start.")
    ] = Path(".gonghai-demo"),
    port_base: PortBase = PORT_BASE,
    # The sample is one tenant, which lives in one partition.
    partitions: Partitions = 2,
) -> None:
    """Play the main flow on a plugin's sample, print the account, and serve until Ctrl-C."""
    session = session_of(context)
    console = session.console
    demo_settings = DemoSettings(plugin, seed, start, session.language)

    async def work(stack: Stack) -> bool:
        await play(stack, demo_settings, console)
        if not leave:
            announce(stack, console, session.language)
        return not leave

    settings = StackSettings(data, port_base=port_base, partitions=partitions)
    playing = serve(settings, console, work, language=session.language, fresh=not keep)
    try:
        raise typer.Exit(asyncio.run(playing))
    except NoSample as error:
        raise typer.BadParameter(str(error), param_hint="--plugin") from None


def announce(stack: Stack, console: Console, language: Language) -> None:
    """Say where everything listens, and how to end it."""
    for name, address in stack.addresses.by_name.items():
        console.print(f"{name:>11}  {address}", highlight=False)
    console.print(f"{'store':>11}  {stack.store_url}", highlight=False)
    console.print(word("serving", language), style="bold")
