"""Who may simulate when: one simulation of a tenant, and few in all, at a time in a process."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from gonghai_chassis.errors import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

ItemT = TypeVar("ItemT")

AT_ONCE: Final = 3
"""Simulations in a process: they share a core, and each holds its tenant's custodies in memory."""
WAIT: Final = 10.0
"""Seconds to wait for a turn."""
PATIENCE: Final = 30.0
"""Seconds within which a message has to be read."""


class Turns:
    """Gives turns, and takes them back from whoever does not read what it asked for."""

    def __init__(
        self, at_once: int = AT_ONCE, *, wait: float = WAIT, patience: float = PATIENCE
    ) -> None:
        """Begin with nobody.

        Args:
            at_once: how many tenants at a time.
            wait: seconds to wait for a turn.
            patience: seconds within which a message has to be read.
        """
        self._at_once = at_once
        self._wait = wait
        self._patience = patience
        self._running: set[str] = set()
        self._ended = asyncio.Condition()

    async def run(
        self, tenant: str, course: AsyncGenerator[ItemT, None]
    ) -> AsyncGenerator[ItemT, None]:
        """Yield what a simulation finds. It runs within a turn, in a task of its own.

        So it can be ended, and the next begin, while whoever asked takes nothing: a generator
        stands still where it has yielded, with all that it holds.

        Raises:
            Refusal: (RATE_LIMIT) no turn came, or what was found was not read in time.
        """
        found: asyncio.Queue[ItemT | None] = asyncio.Queue()
        room = asyncio.Semaphore(1)
        conducting = asyncio.create_task(self._conduct(tenant, course, found, room))
        try:
            while (item := await found.get()) is not None:
                room.release()
                yield item
            await conducting
        finally:
            conducting.cancel()
            await asyncio.wait([conducting])

    async def _conduct(
        self,
        tenant: str,
        course: AsyncGenerator[ItemT, None],
        found: asyncio.Queue[ItemT | None],
        room: asyncio.Semaphore,
    ) -> None:
        try:
            async with self._turn(tenant), aclosing(course):
                async for item in course:
                    await self._has(room)
                    found.put_nowait(item)
        finally:
            found.put_nowait(None)

    async def _has(self, room: asyncio.Semaphore) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await room.acquire()
        except TimeoutError:
            message = f"what was simulated was not read within {self._patience:g} s"
            raise Refusal(Reason.RATE_LIMIT, message) from None

    @asynccontextmanager
    async def _turn(self, tenant: str) -> AsyncIterator[None]:
        async with self._ended:
            try:
                async with asyncio.timeout(self._wait):
                    await self._ended.wait_for(lambda: self._may(tenant))
            except TimeoutError:
                message = (
                    "simulations of others are running"
                    if tenant not in self._running
                    else ("a simulation of this tenant is running")
                )
                raise Refusal(Reason.RATE_LIMIT, f"{message}: try again later") from None
            self._running.add(tenant)
        try:
            yield
        finally:
            self._running.discard(tenant)
            async with self._ended:
                self._ended.notify_all()

    def _may(self, tenant: str) -> bool:
        return tenant not in self._running and len(self._running) < self._at_once
