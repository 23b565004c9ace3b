"""Sweepers: time-driven work, done in order as it falls due, a batch at a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from gonghai_chassis.clock import MICROSECONDS
from gonghai_chassis.events.tail import POLL
from gonghai_chassis.store import records
from gonghai_chassis.store.scripts import Script

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from gonghai_chassis.events.tail import Tail
    from gonghai_chassis.store.partitions import Partition
    from gonghai_chassis.store.store import Store

_READ = Script("gonghai_chassis.store", "read_due")

_BREATH = 0.02
"""Seconds between looks that found nothing new, however many hints come."""


@dataclass(frozen=True, slots=True)
class Due:
    """An entry of a due index.

    Attributes:
        member: what is due, in the words of who put it there.
        at: when it fell due (domain time, µs).
    """

    member: str
    at: int


class Sweeper:
    """Offers what falls due to a handler; run it under the partition's lease.

    The handler clears or moves the entries in the scripts that do the work, so a sweep that dies in
    the middle is taken up by the next. Entries that the handler leaves (work that must wait for
    something else) are offered again with the next pass, which begins when something changes or a
    quarter of a second has gone by.

    Args:
        store: where the index is.
        tail: what wakes the sweeper.
        partition: whose index.
        due_kind: which index (`Partition.due_key`).
        handle: gets a batch of due entries, oldest first, and the domain time at which they were.
        limit: most entries of a batch.
    """

    def __init__(
        self,
        store: Store,
        tail: Tail,
        partition: Partition,
        *,
        due_kind: str,
        handle: Callable[[Sequence[Due], int], Awaitable[None]],
        limit: int = 100,
    ) -> None:
        self._store = store
        self._tail = tail
        self._partition = partition
        self._key = partition.due_key(due_kind)
        self._handle = handle
        self._limit = limit
        self._notified = False
        self._woken = asyncio.Event()

    def notify(self) -> None:
        """Looks again at once: something that entries waited for has happened."""
        self._notified = True
        self._woken.set()

    async def run(self) -> None:
        """Sweeps until it is cancelled."""
        forget = (
            self._store.on_write(self._key, self._woken.set),
            self._tail.on_hint(self._partition, self._woken.set),
        )
        try:
            while True:
                clock_seen = self._tail.clock_changes(self._partition)
                self._notified = False
                self._woken.clear()
                progress, ahead = await self._sweep()
                if not progress:
                    await self._rest(clock_seen, ahead)
        finally:
            for end in forget:
                end()

    async def _sweep(self) -> tuple[bool, float]:
        """Goes over what is due once: whether any was done, and seconds until the next look."""
        previous: list[str] = []
        left = 0
        offered = 0
        while True:
            reply = await self._store.run(
                _READ,
                self._partition,
                keys={"due": self._key},
                args={"previous": previous, "left": left, "limit": self._limit},
            )
            left = reply.fields["left"]
            due = _due(records.sequence(reply.fields["due"]))
            if not due:
                following = reply.fields.get("next")
                # What was left is offered again soon; a hint of another process may be lost.
                ahead = POLL if left else self._tail.poll
                if following is not None:
                    # Not in no time, however near it is: the clock may stand still just before it.
                    ahead = min(ahead, max(_BREATH, (following - reply.now) / MICROSECONDS))
                return offered > left, ahead
            await self._handle(due, reply.now)
            offered += len(due)
            previous = [entry.member for entry in due]

    async def _rest(self, clock_seen: int, longest: float) -> None:
        """Waits for a change, but does not look at each of many that come together."""
        until = monotonic() + longest
        try:
            async with asyncio.timeout(longest):
                await self._woken.wait()
        except TimeoutError:
            return
        if self._notified or self._tail.clock_changes(self._partition) != clock_seen:
            return
        await asyncio.sleep(min(_BREATH, max(0.0, until - monotonic())))


def _due(flat: Sequence[str]) -> list[Due]:
    pairs = zip(flat[::2], flat[1::2], strict=True)
    return [Due(member, int(float(at))) for member, at in pairs]
