"""Waiting for a condition, without guessing how long it takes."""

from __future__ import annotations

import asyncio
import inspect
from time import monotonic
from typing import TYPE_CHECKING, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

_LOOK_EVERY = 0.005


@overload
async def eventually(condition: Callable[[], Awaitable[T]], within: float = ...) -> T: ...


@overload
async def eventually(condition: Callable[[], T], within: float = ...) -> T: ...


async def eventually(condition: Callable[[], object], within: float = 30.0) -> object:
    """Waits until the condition gives something true, and gives that back.

    Args:
        condition: a plain or asynchronous function; an AssertionError in it counts as not yet.
        within: seconds after which the last answer or error is reported as a failure.
    """
    until = monotonic() + within
    while True:
        failure: AssertionError | None = None
        value: object = None
        try:
            value = condition()
            if inspect.isawaitable(value):
                value = await value
        except AssertionError as error:
            failure = error
        if failure is None and value:
            return value
        if monotonic() > until:
            if failure is not None:
                raise failure
            raise AssertionError(f"Not so within {within} s; the last answer was {value!r}.")
        await asyncio.sleep(_LOOK_EVERY)
