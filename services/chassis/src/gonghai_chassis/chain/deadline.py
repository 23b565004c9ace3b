"""Gives every call an end."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from gonghai_chassis.errors import DeadlineExceeded

if TYPE_CHECKING:
    from gonghai_chassis.chain.call import Call, Method, Proceed


class Deadline:
    """Ends a unary call after the caller's deadline, the default one, or the longest allowed.

    A stream keeps its caller's deadline if it has one, and else may stay open.
    """

    name = "deadline"

    def __init__(self, default: float, most: float) -> None:
        """Take seconds: for callers that set no deadline, and for those that set a long one."""
        self._default = min(default, most)
        self._most = most

    def around(self, method: Method, proceed: Proceed) -> Proceed:
        """Set the deadline of the call."""
        return self._stream(proceed) if method.stays_open else self._unary(proceed)

    def _unary(self, proceed: Proceed) -> Proceed:
        async def run(call: Call) -> object:
            left: float | None = call.transport.time_remaining()
            if left is not None and left <= self._most:
                # grpc cancels the call by itself when this deadline passes.
                call.info.deadline = time.monotonic() + left
                return await proceed(call)
            limit = self._default if left is None else self._most
            call.info.deadline = time.monotonic() + limit
            scope = asyncio.timeout(limit)
            try:
                async with scope:
                    return await proceed(call)
            except TimeoutError:
                if scope.expired():
                    raise DeadlineExceeded from None
                raise

        return run

    def _stream(self, proceed: Proceed) -> Proceed:
        async def run(call: Call) -> object:
            left: float | None = call.transport.time_remaining()
            if left is not None:
                call.info.deadline = time.monotonic() + left
            return await proceed(call)

        return run
