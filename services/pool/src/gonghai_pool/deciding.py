"""Deciding again where what a decision rests on has moved, but not for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from gonghai_chassis.errors import Contention, Refusal
from gonghai_chassis.store.failures import VersionsMoved

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

ATTEMPTS: Final = 8
"""How often a command decides before it gives up: enough for a customer that many want."""


async def settled(
    attempt: Callable[[], Awaitable[T]],
    name: object,
    recall: Callable[[], Awaitable[T | None]] | None = None,
) -> T:
    """Run an attempt until what it decided on stands when its step is taken.

    Args:
        attempt: decides, and takes the step.
        name: what it is about, for the refusal.
        recall: what the same request was answered with before. It is asked before a refusal goes
            out: the first call may have succeeded, and that is what is in the way now.

    Raises:
        Contention: it moved each time.
    """
    for _ in range(ATTEMPTS):
        try:
            return await attempt()
        except VersionsMoved:
            continue
        except Refusal:
            answered = await recall() if recall is not None else None
            if answered is None:
                raise
            return answered
    raise Contention(name)
