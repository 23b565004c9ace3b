"""The virtual clock of dev mode: moved from due moment to due moment, waiting for quiet at each.

Quiet is decided from stored state alone: nothing is due, no intent is open, and each service has
taken in each other's stream to its head. As the services are asked one after the other, the same
answers must come twice: then there was a moment between at which all of them held.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from gonghai_chassis.events.cursors import Cursor
from gonghai_chassis.store import records
from gonghai_chassis.store.scripts import Script

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from gonghai_chassis.store.partitions import Partition
    from gonghai_chassis.store.store import Reply, Store

_SET = Script("gonghai_chassis.store", "set_clock")
_READ = Script("gonghai_chassis.store", "read_clock")
_REGISTER = Script("gonghai_chassis.store", "register_dues", repeatable=True)
_WORK = Script("gonghai_chassis.store", "read_work")

_SHORTEST_PAUSE = 0.002
_LONGEST_PAUSE = 0.05


class ClockRunsForward(ValueError):  # noqa: N818 - the law, not a defect
    """Domain time never goes back; the message says where it stands."""


@dataclass(frozen=True, slots=True)
class ClockState:
    """Domain time.

    Attributes:
        now: the latest moment of all partitions (µs).
        frozen: whether it stands still.
    """

    now: int
    frozen: bool


@dataclass(frozen=True, slots=True)
class Consumed:
    """How far an area has taken in another's stream in one partition.

    Attributes:
        cursor: the last entry taken in.
        changes_through: up to when (µs) the stream is known to be complete.
    """

    cursor: Cursor
    changes_through: int


@dataclass(frozen=True, slots=True)
class Work:
    """What an area still has to do.

    Attributes:
        next_due: when its earliest undone time-driven work falls or fell due (µs).
        due: how many pieces are due by now.
        intents: how many calls to others are open.
        heads: the last entry of its own stream, by partition; only where there is one.
        consumed: by source and partition, what it has taken in; each source it follows is there.
    """

    next_due: int | None
    due: int
    intents: int
    heads: Mapping[int, Cursor]
    consumed: Mapping[str, Mapping[int, Consumed]]


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop on the way of the clock.

    Attributes:
        now: where it stands (µs).
        due: how many pieces of work of all areas fell due there.
    """

    now: int
    due: int


class Peer(Protocol):
    """A service that takes part: this one, or another over its `GetWork`."""

    async def work(self) -> Work:
        """What it still has to do, as stored now."""


def dues_key(partition: Partition) -> str:
    """The set of due indexes of all areas in a partition, for the clock to look into."""
    return partition.keys.clock.removesuffix("clock") + "dues"


@dataclass(frozen=True, slots=True)
class AreaWork:
    """The open work of one area, read from its store.

    Attributes:
        store: the area's store.
        due_kinds: all its kinds of time-driven work (`Partition.due_key`).
        sources: the areas whose streams it follows.
    """

    store: Store
    due_kinds: Sequence[str]
    sources: Sequence[str]

    async def register(self) -> None:
        """Tells the clock which due indexes there are; once at start."""
        await asyncio.gather(
            *(
                self.store.run(
                    _REGISTER,
                    partition,
                    keys={
                        "dues": dues_key(partition),
                        "indexes": [partition.due_key(kind) for kind in self.due_kinds],
                    },
                    args={},
                )
                for partition in self.store.partitions
            )
        )

    async def work(self) -> Work:
        """What the area still has to do, in all partitions."""
        replies = await asyncio.gather(*(self._read(p) for p in self.store.partitions))
        heads: dict[int, Cursor] = {}
        consumed: dict[str, dict[int, Consumed]] = {source: {} for source in self.sources}
        next_due: int | None = None
        for partition, reply in zip(self.store.partitions, replies, strict=True):
            fields = reply.fields
            head = Cursor(*fields["head"])
            if head.position:
                heads[partition.index] = head
            followed = records.sequence(fields["consumed"])
            for source, cursor in zip(self.sources, followed, strict=True):
                *place, through = cursor
                if place[1]:
                    consumed[source][partition.index] = Consumed(Cursor(*place), through)
            due_at = fields.get("next")
            if due_at is not None and (next_due is None or due_at < next_due):
                next_due = due_at
        return Work(
            next_due,
            sum(reply.fields["due"] for reply in replies),
            sum(reply.fields["intents"] for reply in replies),
            heads,
            consumed,
        )

    async def _read(self, partition: Partition) -> Reply:
        dues = [partition.due_key(kind) for kind in self.due_kinds]
        cursors = [partition.cursor_key(source) for source in self.sources]
        return await self.store.run(
            _WORK, partition, keys={"indexes": dues + cursors}, args={"dues": len(dues)}
        )


def is_quiet(works: Mapping[str, Work]) -> bool:
    """Whether no area has anything to do: due work done, calls made, events taken in."""
    for work in works.values():
        if work.due or work.intents:
            return False
        for source, consumed in work.consumed.items():
            for partition, head in works[source].heads.items():
                taken = consumed.get(partition)
                if taken is None or taken.cursor != head:
                    return False
    return True


class DevClock:
    """Reads and moves domain time, which is one for all areas of a store.

    Args:
        store: any area's store.
        peers: all areas by name, this one included.
    """

    def __init__(self, store: Store, peers: Mapping[str, Peer]) -> None:
        self._store = store
        self._peers = peers

    async def read(self) -> ClockState:
        """Where the clock stands."""
        replies = await self._all(_READ, {})
        return _state(replies)

    async def set(self, now: int | None, *, frozen: bool) -> ClockState:
        """Puts the clock at a moment (the present one when None), to stand still or to run.

        Raises:
            ClockRunsForward: the moment is before the clock's.
        """
        present = await self.read()
        if now is not None and now < present.now:
            raise ClockRunsForward(f"The clock stands at {present.now}, later than {now}.")
        target = present.now if now is None else now
        while True:
            replies = await self._all(_SET, {"now": target, "frozen": frozen})
            reached = max(reply.fields["now"] for reply in replies)
            if not frozen or all(reply.fields["now"] == reached for reply in replies):
                return ClockState(reached, frozen)
            # Some ran past the moment before they were stopped; the others catch up with them.
            target = reached

    async def await_quiet(self) -> int:
        """Waits until no area has anything to do; answers where the clock stands then."""
        pause = _SHORTEST_PAUSE
        before: list[Mapping[int, Cursor]] | None = None
        while True:
            works = await self._works()
            if is_quiet(works):
                # Where all cursors are at the heads, the heads say it all.
                heads = [work.heads for work in works.values()]
                if heads == before:
                    return (await self.read()).now
                before = heads
                continue
            before = None
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def advance(self, until: int) -> AsyncGenerator[Stop, None]:
        """Moves the clock from due moment to due moment; yields each stop once it is quiet.

        The last stop is at `until`. A running clock is frozen first.

        Raises:
            ClockRunsForward: the clock stands later than `until`.
        """
        state = await self.read()
        if until < state.now:
            raise ClockRunsForward(f"The clock stands at {state.now}, later than {until}.")
        if not state.frozen:
            await self.set(None, frozen=True)
        await self.await_quiet()
        while True:
            replies = await self._all(_READ, {})
            following = [reply.fields["next"] for reply in replies if "next" in reply.fields]
            target = min([until, *following])
            moved = await self._all(_SET, {"now": target, "frozen": True})
            await self.await_quiet()
            yield Stop(target, sum(reply.fields["due"] for reply in moved))
            if target >= until:
                return

    async def _works(self) -> dict[str, Work]:
        works = await asyncio.gather(*(peer.work() for peer in self._peers.values()))
        return dict(zip(self._peers, works, strict=True))

    async def _all(self, script: Script, args: dict[str, Any]) -> list[Reply]:
        return await asyncio.gather(
            *(
                self._store.run(script, partition, keys={"dues": dues_key(partition)}, args=args)
                for partition in self._store.partitions
            )
        )


def _state(replies: Sequence[Reply]) -> ClockState:
    return ClockState(
        max(reply.now for reply in replies), all(reply.fields["frozen"] for reply in replies)
    )
