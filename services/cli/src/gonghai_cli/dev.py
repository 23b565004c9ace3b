"""`gonghai dev`: the store and the three services on this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

from gonghai_chassis.clients import PeerFailed
from gonghai_chassis.errors import PeerRefused, PeerUnavailable
from gonghai_cli.refusals import describe
from gonghai_cli.stack import DataInUse, Stack, StackFailed
from gonghai_cli.words import word

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from rich.console import Console

    from gonghai_cli.language import Language
    from gonghai_cli.stack import StackSettings

FAILED = 1
"""The exit status when something did not start, or ended by itself."""


async def serve(
    settings: StackSettings,
    console: Console,
    work: Callable[[Stack], Awaitable[bool]],
    *,
    language: Language,
    fresh: bool = False,
) -> int:
    """Start everything, do some work, and serve until SIGINT or SIGTERM; then end it in order.

    Args:
        settings: what to start.
        console: where to say what happens.
        work: what to do once everything serves; says whether to go on serving.
        language: in which to say it.
        fresh: whether to throw away the data of earlier runs.

    Returns:
        The exit status: 0 after an ordered end, 1 when a process did not start or died.
    """
    stack = Stack(settings, report=lambda line: console.print(line, style="dim"))
    try:
        with _signals() as asked:
            if not await _either(stack.start(fresh=fresh), asked):
                return 0
            try:
                return await _watch(stack, console, work(stack), asked)
            finally:
                console.print(word("stopping", language), style="dim")
                await stack.stop()
    except (DataInUse, StackFailed, PeerUnavailable, PeerFailed) as error:
        console.print(str(error), style="red", highlight=False, markup=False)
        return FAILED
    except PeerRefused as refusal:
        console.print(describe(refusal))
        return FAILED


async def _watch(
    stack: Stack, console: Console, work: Awaitable[bool], asked: asyncio.Event
) -> int:
    """Run the work, then wait for a signal; a process that dies ends both."""
    death = asyncio.create_task(stack.until_one_ends())
    working = asyncio.ensure_future(work)
    asking = asyncio.create_task(asked.wait())
    tasks = {death, working, asking}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if working in done and asking not in done and await working:
            done, _ = await asyncio.wait({death, asking}, return_when=asyncio.FIRST_COMPLETED)
        if asking not in done and death in done:
            console.print(await death, style="red", highlight=False, markup=False)
            return FAILED
        return 0
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _either(start: Awaitable[None], asked: asyncio.Event) -> bool:
    """Wait for the start, or for a signal that makes it pointless; says whether it is done."""
    starting = asyncio.ensure_future(start)
    asking = asyncio.create_task(asked.wait())
    await asyncio.wait({starting, asking}, return_when=asyncio.FIRST_COMPLETED)
    asking.cancel()
    if starting.done():
        await starting
        return True
    starting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await starting
    return False


@contextlib.contextmanager
def _signals() -> Iterator[asyncio.Event]:
    """Give an event that SIGINT and SIGTERM set."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, asked.set)
    try:
        yield asked
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
