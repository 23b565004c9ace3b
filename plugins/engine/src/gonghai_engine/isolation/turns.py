"""Whose turn it is with something that does one thing at a time: each tenant's, one after another.

However many calls of one tenant wait, another tenant's next call has one of theirs before it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOOK_AGAIN: Final = 0.05


class Turns:
    """Lets one in at a time; of those who wait each tenant in turn."""

    def __init__(self) -> None:
        """Nobody is in."""
        self._taken = False
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._stood = 0.0
        self._still: float | None = None

    @property
    def free(self) -> bool:
        """Say whether nobody is in."""
        return not self._taken

    async def take(self, tenant: str, seconds: float) -> None:
        """Wait for one's turn. Raises TimeoutError when none comes; else it is to be left."""
        if not self._taken:
            self._taken = True
            return
        mine = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant, deque()).append(mine)
        try:
            await self._come(mine, seconds)
        except BaseException:
            if not mine.cancel():
                # It came in the same moment: it is another's then.
                self.leave()
            raise

    @contextmanager
    def not_counted(self) -> Iterator[None]:
        """Let the seconds of a block not count as waiting; for who is in, once at a time."""
        self._still = asyncio.get_running_loop().time()
        try:
            yield
        finally:
            self._stood += asyncio.get_running_loop().time() - self._still
            self._still = None

    async def _come(self, turn: asyncio.Future[None], seconds: float) -> None:
        end = self._counted + seconds
        while not turn.done():
            left = end - self._counted
            if left <= 0:
                raise TimeoutError
            await asyncio.wait([turn], timeout=max(left, _LOOK_AGAIN))

    @property
    def _counted(self) -> float:
        """Return the seconds that count."""
        now = asyncio.get_running_loop().time()
        return (now if self._still is None else self._still) - self._stood

    def leave(self) -> None:
        """Let the next one in."""
        while self._waiting:
            tenant, theirs = next(iter(self._waiting.items()))
            del self._waiting[tenant]
            # Who left meanwhile is still in the queue.
            while theirs and theirs[0].done():
                del theirs[0]
            if not theirs:
                continue
            next_ = theirs.popleft()
            if theirs:
                self._waiting[tenant] = theirs
            next_.set_result(None)
            return
        self._taken = False
