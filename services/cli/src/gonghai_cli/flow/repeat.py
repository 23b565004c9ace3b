"""Repeating a call whose outcome is unknown, as every client of Gonghai should."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, TypeVar

from gonghai_chassis.clients import PeerFailed
from gonghai_chassis.errors import PeerRefused, PeerUnavailable, Reason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

PATIENCE: Final = 60.0
"""Seconds for which a call is repeated."""

_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 0.5
_TRY_AGAIN: Final = frozenset({Reason.CONTENTION, Reason.DEADLINE_EXCEEDED})


async def repeated(call: Callable[[], Awaitable[T]], patience: float = PATIENCE) -> T:
    """Make a call until it is answered; it must be safe to repeat.

    Raises:
        PeerRefused: the answer is a refusal.
        PeerUnavailable: nobody answered for so long.
    """
    end = time.monotonic() + patience
    pause = _FIRST_PAUSE
    while True:
        try:
            return await call()
        except PeerRefused as error:
            if error.reason not in _TRY_AGAIN or time.monotonic() > end:
                raise
        except (PeerUnavailable, PeerFailed):
            # A connection that is cut in the middle of an answer shows as either.
            if time.monotonic() > end:
                raise
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
