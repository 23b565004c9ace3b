"""Things to close, last in, first out, under one deadline."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_log = structlog.get_logger("gonghai.closing")


class Closing:
    """What a service must close when it stops, in the reverse order of opening.

    One that fails or takes too long does not keep the others from being closed.
    """

    def __init__(self) -> None:
        """Start with nothing to close."""
        self._steps: list[tuple[str, Callable[[], Awaitable[object]]]] = []

    def add(self, name: str, close: Callable[[], Awaitable[object]]) -> None:
        """Add a step, to run before all that were added earlier."""
        self._steps.append((name, close))

    async def close(self, within: float) -> list[str]:
        """Run all steps, each once; `within` is the number of seconds for all together.

        A step that is reached after that still gets a moment: a lease is better given back late.

        Returns:
            The names of the steps that failed or were cut off.
        """
        end = time.monotonic() + within
        failed = []
        while self._steps:
            name, close = self._steps.pop()
            try:
                async with asyncio.timeout(max(0.1, end - time.monotonic())):
                    await close()
            except Exception as error:  # noqa: BLE001 - the next step must run all the same
                failed.append(name)
                _log.error("could not close", step=name, why=f"{type(error).__name__}: {error}")
        return failed
