"""`gonghai clock …`: the virtual clock of dev mode."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from gonghai.dev.v1 import clock_pb2
from gonghai_cli.subcommands.session import session_of

if TYPE_CHECKING:
    from gonghai_cli.services import Services

app = typer.Typer(help="The virtual clock (dev mode only).", no_args_is_help=True)


@app.command("show")
def show(context: typer.Context) -> None:
    """Say where the clock stands."""
    session = session_of(context)

    async def ask(services: Services) -> clock_pb2.Clock:
        return await services.clock.GetClock(clock_pb2.GetClockRequest())

    clock = session.run(ask)
    how = "frozen" if clock.frozen else "running"
    session.console.print(f"{clock.now.ToJsonString()} ({how})", highlight=False)


@app.command("advance")
def advance(
    context: typer.Context,
    by: Annotated[str, typer.Argument(help="How far: 30d, 12h, 90m, or a moment (RFC 3339).")],
) -> None:
    """Move the clock forward; what falls due on the way is done."""
    session = session_of(context)

    async def move(services: Services) -> None:
        clock = await services.clock.GetClock(clock_pb2.GetClockRequest())
        until = _until(by, clock.now.ToDatetime(UTC))
        request = clock_pb2.AdvanceClockRequest()
        request.until.FromDatetime(until)
        async for stop in services.clock.AdvanceClock(request):
            session.console.print(f"{stop.now.ToJsonString()}  due: {stop.due}", highlight=False)

    session.run(move)


def _until(text: str, now: datetime) -> datetime:
    units = {"d": "days", "h": "hours", "m": "minutes"}
    number, unit = text[:-1], text[-1:]
    if number.isdigit() and unit in units:
        return now + timedelta(**{units[unit]: int(number)})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is neither a span (30d, 12h, 90m) nor a moment"
        raise typer.BadParameter(message) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
