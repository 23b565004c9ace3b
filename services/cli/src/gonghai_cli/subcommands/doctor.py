"""`gonghai doctor`: looks at the whole installation, says what is wrong, and mends projections."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from gonghai_cli.doctor.examination import Doctor
from gonghai_cli.doctor.findings import Verdict
from gonghai_cli.doctor.report import show
from gonghai_cli.doctor.services import UpkeepServices
from gonghai_cli.subcommands.session import CaFile, session_of

if TYPE_CHECKING:
    from gonghai_cli.doctor.findings import Examination

STATUS = {Verdict.HEALTHY: 0, Verdict.FINDINGS: 1, Verdict.CANNOT_LOOK: 2}
"""The exit status that says it."""


def doctor(
    context: typer.Context,
    *,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Make the projections that differ anew, and look again."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For a machine to read.")] = False,
    token_file: Annotated[
        Path | None,
        typer.Option(
            envvar="GONGHAI_SERVICE_TOKEN_FILE",
            exists=True,
            dir_okay=False,
            help="A bearer token with the role service; not needed in dev mode.",
        ),
    ] = None,
    ca_file: CaFile = None,
) -> None:
    """Look at the services, their stores, their projections and records.

    Ends with 0 when all is well, 1 when something is not, 2 when not everything could be looked at.
    """
    session = session_of(context).signed_in(token_file, ca_file)

    async def examine() -> Examination:
        services = UpkeepServices(session.addresses, token=session.token, ca_file=session.ca_file)
        async with services as open_services:
            physician = Doctor(open_services)
            found = await physician.examine()
            return await physician.repair(found) if repair else found

    found = asyncio.run(examine())
    if as_json:
        session.console.print_json(json.dumps(found.to_json(), ensure_ascii=False))
    else:
        show(found, session.console, session.language)
    raise typer.Exit(STATUS[found.verdict])
