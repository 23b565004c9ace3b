"""`gonghai backup …`: snapshots of a store in use, and stores made from them."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gonghai_chassis.backup import (
    BackupFailure,
    Manifest,
    create,
    restore_to_directory,
    restore_to_store,
    verify,
)
from gonghai_chassis.store import StoreSettings
from gonghai_chassis.store.failures import StoreFailure
from gonghai_cli.stack.addresses import LOOPBACK, PORT_BASE
from gonghai_cli.subcommands.session import REFUSED, session_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from gonghai_cli.subcommands.session import Session

app = typer.Typer(help="Backups of the store that all services share.", no_args_is_help=True)

Directory = Annotated[Path, typer.Argument(help="The backup's directory.", file_okay=False)]
Server = Annotated[
    Path | None,
    typer.Option(
        help="The redis-server or valkey-server to load files with; the bundled one when unset.",
        exists=True,
        dir_okay=False,
    ),
]


@app.command("create")
def make(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(help="A new directory for the backup.")],
    *,
    store: Annotated[
        str,
        typer.Option(
            envvar=["GONGHAI_REDIS_URL", "GONGHAI_STORE__URL"],
            help="The store, as the services are told; that of `gonghai dev` when unset.",
        ),
    ] = f"redis://{LOOPBACK}:{PORT_BASE}/0",
    check: Annotated[
        bool,
        typer.Option(help="Load the files afterwards; it takes the memory that the store takes."),
    ] = True,
    server: Server = None,
) -> None:
    """Back up a store while services use it: each tenant whole, as of one moment."""
    session = session_of(context)
    manifest = _run(
        session,
        lambda report: create(
            directory, StoreSettings(url=store), server=server, check=check, report=report
        ),
    )
    session.console.print(
        f"{directory}: backup {manifest.id}, begun {manifest.began.isoformat(timespec='seconds')},"
        f" {sum(part.bytes for part in manifest.snapshots)} bytes",
        highlight=False,
        soft_wrap=True,
    )


@app.command("verify")
def check(context: typer.Context, directory: Directory, server: Server = None) -> None:
    """See whether a backup is what was made, and whether it can be loaded."""
    session = session_of(context)
    manifest = _run(session, lambda report: verify(directory, server=server, report=report))
    session.console.print(f"{directory}: backup {manifest.id} is good", highlight=False)


@app.command("restore")
def restore(
    context: typer.Context,
    directory: Directory,
    *,
    data: Annotated[
        Path | None, typer.Option(help="A new data directory, for `gonghai dev --data`.")
    ] = None,
    store: Annotated[
        str | None, typer.Option(help="An empty store, by its URL; the services are stopped.")
    ] = None,
    server: Server = None,
) -> None:
    """Make a store from a backup: a data directory, or in an empty store of any arrangement."""
    session = session_of(context)
    if (data is None) == (store is None):
        raise typer.BadParameter("give one of them", param_hint="--data, --store")

    def work(report: Callable[[str], None]) -> Coroutine[Any, Any, Manifest]:
        if data is not None:
            return restore_to_directory(directory, data, server=server, report=report)
        settings = StoreSettings(url=store or "")
        return restore_to_store(directory, settings, server=server, report=report)

    manifest = _run(
        session,
        work,
        broken_off="broken off; nothing is there"
        if data is not None
        else "broken off; if it had begun to write, no service starts on the store before it has"
        " come to its end: run it again, with the same backup",
    )
    session.console.print(
        f"restored {manifest.id}, of {manifest.began.isoformat(timespec='seconds')}",
        highlight=False,
    )
    following = (
        f"gonghai dev --data {data} --partitions {manifest.partitions}"
        if data is not None
        else f"the services with GONGHAI_PARTITIONS={manifest.partitions}"
    )
    session.console.print(f"Start {following}; then look with gonghai doctor.", highlight=False)


def _run(
    session: Session,
    work: Callable[[Callable[[str], None]], Coroutine[Any, Any, Manifest]],
    *,
    broken_off: str = "broken off; nothing was finished",
) -> Manifest:
    """Do some work; a signal ends it in order, so that no server of ours is left behind.

    Args:
        session: to tell a person what happens.
        work: what to do, given how to tell of it.
        broken_off: what to say after a signal.

    Raises:
        Exit: it failed; a person was told.
    """

    def report(line: str) -> None:
        session.errors.print(line, style="dim", highlight=False, markup=False)

    async def working() -> Manifest:
        task = asyncio.ensure_future(work(report))
        # Only the main thread hears signals.
        with contextlib.suppress(ValueError, RuntimeError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await task

    with contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt):
        try:
            return asyncio.run(working())
        except (BackupFailure, StoreFailure) as failure:
            session.errors.print(str(failure), style="red", highlight=False, markup=False)
            raise typer.Exit(REFUSED) from None
    session.errors.print(broken_off, style="red", soft_wrap=True)
    raise typer.Exit(REFUSED)
