"""Gives every call an end."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from gonghai_chassis.errors import DeadlineExceeded

if TYPE_CHECKING:
    from gonghai_chassis.chain.call import Call, Method, Proceed

INTERVAL: Final = 0.1
"""Seconds between two looks for calls that are overdue."""

MARGIN: Final = 0.1
"""Seconds before the caller's deadline at which stores and peers are no longer waited for."""

_MARGIN_SHARE: Final = 0.1


class Deadline:
    """Ends a unary call after the caller's deadline, the default one, or the longest allowed.

    A stream keeps its caller's deadline if it has one, and else may stay open.
    """

    name = "deadline"

    def __init__(self, default: float, most: float) -> None:
        """Take seconds: for callers that set no deadline, and for those that set a long one."""
        self._default = min(default, most)
        self._most = most
        self._overdue = _Overdue()

    def around(self, method: Method, proceed: Proceed) -> Proceed:
        """Set the deadline of the call."""
        return self._stream(proceed) if method.stays_open else self._unary(proceed)

    def _unary(self, proceed: Proceed) -> Proceed:
        overdue = self._overdue

        async def run(call: Call) -> object:
            left: float | None = call.transport.time_remaining()
            if left is not None and left <= self._most:
                # grpc cancels the call by itself when this deadline passes. What the call waits for
                # is given up a little earlier, so that the caller still hears what is the matter.
                call.info.deadline = time.monotonic() + left - min(MARGIN, left * _MARGIN_SHARE)
                return await proceed(call)
            end = time.monotonic() + (self._default if left is None else self._most)
            call.info.deadline = end
            task = asyncio.current_task()
            if task is None:
                message = "a call is answered by a task"
                raise RuntimeError(message)
            overdue.watch(task, end)
            try:
                return await proceed(call)
            except asyncio.CancelledError:
                if overdue.ended(task):
                    task.uncancel()
                    raise DeadlineExceeded from None
                raise
            finally:
                overdue.forget(task)

        return run

    def _stream(self, proceed: Proceed) -> Proceed:
        async def run(call: Call) -> object:
            left: float | None = call.transport.time_remaining()
            if left is not None:
                call.info.deadline = time.monotonic() + left
            return await proceed(call)

        return run


class _Overdue:
    """Cancels tasks that take too long: one timer for all of them, since one each costs more.

    A task is cancelled up to `INTERVAL` late.
    """

    def __init__(self) -> None:
        self._ends: dict[asyncio.Task[Any], float] = {}
        self._cancelled: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, task: asyncio.Task[Any], end: float) -> None:
        """Cancel the task once this moment (of `time.monotonic`) has passed."""
        self._ends[task] = end
        if self._timer is None:
            self._timer = task.get_loop().call_later(INTERVAL, self._look)

    def ended(self, task: asyncio.Task[Any]) -> bool:
        """Say whether the task was cancelled from here."""
        return task in self._cancelled

    def forget(self, task: asyncio.Task[Any]) -> None:
        """Leave the task alone: it is done."""
        self._ends.pop(task, None)
        self._cancelled.discard(task)

    def _look(self) -> None:
        now = time.monotonic()
        for task, end in list(self._ends.items()):
            if end <= now:
                del self._ends[task]
                self._cancelled.add(task)
                task.cancel()
        self._timer = (
            asyncio.get_running_loop().call_later(INTERVAL, self._look) if self._ends else None
        )
