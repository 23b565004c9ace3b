"""How much at once: a bound on the calls in progress, and none when the service stops."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from gonghai_chassis.errors import Draining, LimitReached, QuotaViolation, Reason

if TYPE_CHECKING:
    from gonghai_chassis.chain.call import Call, Method, Proceed

_RETRY_AFTER: Final = 100_000
QUIET: Final = 0.05
"""Seconds without a caller after which none is on his way."""


class Admission:
    """Lets calls in while there is room.

    Streams that stay open are counted apart, so that watchers do not take the room of calls; both
    may be as many as the bound. Health and reflection always come in.
    """

    name = "admission"

    def __init__(self, most: int) -> None:
        """Allow so many calls, and so many open streams, at once."""
        self._most = most
        self._calls = 0
        self._streams = 0
        self._draining = False
        self._turned_away = 0.0
        self._watchers: set[asyncio.Task[Any]] = set()
        self._empty = asyncio.Event()

    @property
    def draining(self) -> bool:
        """Whether nobody is let in any more."""
        return self._draining

    async def drain(self, within: float) -> None:
        """Let nobody in any more, and wait until all that came in have left and nobody comes.

        Watches, which have no end of their own, are ended at once: their readers go on elsewhere.

        Args:
            within: Seconds to wait; who is still in progress then stays so.
        """
        self._draining = True
        # Others may be on their way.
        self._turned_away = time.monotonic()
        for task in self._watchers:
            task.cancel()
        self._left()
        try:
            async with asyncio.timeout(within):
                await self._empty.wait()
                await self._quiet()
        except TimeoutError:
            return

    async def _quiet(self) -> None:
        """Wait until nobody was turned away for a while."""
        left = QUIET
        while left > 0:
            await asyncio.sleep(left)
            left = self._turned_away + QUIET - time.monotonic()

    def around(self, method: Method, proceed: Proceed) -> Proceed:
        """Count the calls of a method in and out."""
        if not method.is_ours:
            return proceed
        if method.watches:
            return self._streaming(self._watching(proceed))
        return self._streaming(proceed) if method.stays_open else self._unary(proceed)

    def _unary(self, proceed: Proceed) -> Proceed:
        async def run(call: Call) -> object:
            self._admit(self._calls)
            self._calls += 1
            try:
                return await proceed(call)
            finally:
                self._calls -= 1
                if self._draining:
                    self._left()

        return run

    def _streaming(self, proceed: Proceed) -> Proceed:
        async def run(call: Call) -> object:
            self._admit(self._streams)
            self._streams += 1
            try:
                return await proceed(call)
            finally:
                self._streams -= 1
                if self._draining:
                    self._left()

        return run

    def _watching(self, proceed: Proceed) -> Proceed:
        async def run(call: Call) -> object:
            task = asyncio.current_task()
            if task is None:
                message = "a call is answered by a task"
                raise RuntimeError(message)
            self._watchers.add(task)
            try:
                return await proceed(call)
            except asyncio.CancelledError:
                if self._draining and not call.transport.cancelled():
                    task.uncancel()
                    raise Draining from None
                raise
            finally:
                self._watchers.discard(task)

        return run

    def _admit(self, present: int) -> None:
        if self._draining:
            self._turned_away = time.monotonic()
            raise Draining
        if present >= self._most:
            message = f"{self._most} calls are in progress here; try again in a moment"
            raise LimitReached(
                Reason.RATE_LIMIT,
                message,
                (QuotaViolation("calls in progress", message, _RETRY_AFTER),),
            )

    def _left(self) -> None:
        if not self._calls and not self._streams:
            self._empty.set()
