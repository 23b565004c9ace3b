"""Whose turn it is with something that does one thing at a time: each tenant's, one after another.

However many calls of one tenant wait, another tenant's next call has one of theirs before it.
"""

from __future__ import annotations

import asyncio
from collections import deque


class Turns:
    """Lets one in at a time; of those who wait each tenant in turn."""

    def __init__(self) -> None:
        """Nobody is in."""
        self._taken = False
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    async def take(self, tenant: str, seconds: float) -> None:
        """Wait for one's turn. Raises TimeoutError when none comes; else it is to be left."""
        if not self._taken:
            self._taken = True
            return
        mine = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant, deque()).append(mine)
        try:
            async with asyncio.timeout(seconds):
                await mine
        except BaseException:
            if not mine.cancelled():
                # It came in the same moment: it is another's then.
                self.leave()
            raise

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
