"""How much at once: a bound on the calls in progress, and none when the service stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gonghai_chassis.errors import Draining, LimitReached, QuotaViolation, Reason

if TYPE_CHECKING:
    from gonghai_chassis.chain.call import Call, Method, Proceed


_RETRY_AFTER: Final = 100_000


class Admission:
    """Lets calls in while there is room.

    Streams that stay open (Watch) are counted apart, so that watchers do not take the room of
    calls; both may be as many as the bound. Health and reflection always come in.
    """

    name = "admission"

    def __init__(self, most: int) -> None:
        """Allow so many calls, and so many open streams, at once."""
        self._most = most
        self._calls = 0
        self._streams = 0
        self._draining = False

    @property
    def in_progress(self) -> int:
        """How many calls are being answered, open streams included."""
        return self._calls + self._streams

    def drain(self) -> None:
        """Let nobody in any more."""
        self._draining = True

    def around(self, method: Method, proceed: Proceed) -> Proceed:
        """Count the calls of a method in and out."""
        if not method.is_ours:
            return proceed
        return self._streaming(proceed) if method.stays_open else self._unary(proceed)

    def _unary(self, proceed: Proceed) -> Proceed:
        async def run(call: Call) -> object:
            self._admit(self._calls)
            self._calls += 1
            try:
                return await proceed(call)
            finally:
                self._calls -= 1

        return run

    def _streaming(self, proceed: Proceed) -> Proceed:
        async def run(call: Call) -> object:
            self._admit(self._streams)
            self._streams += 1
            try:
                return await proceed(call)
            finally:
                self._streams -= 1

        return run

    def _admit(self, present: int) -> None:
        if self._draining:
            raise Draining
        if present >= self._most:
            message = f"{self._most} calls are in progress here; try again in a moment"
            raise LimitReached(
                Reason.RATE_LIMIT,
                message,
                (QuotaViolation("calls in progress", message, _RETRY_AFTER),),
            )
