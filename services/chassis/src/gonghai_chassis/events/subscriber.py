"""The consumer's side of a stream: each event takes effect once, whatever dies in between."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from gonghai_chassis.events.cursors import Cursor
from gonghai_chassis.events.values import Batch, Event, SnapshotItem, SnapshotStart
from gonghai_chassis.ids import new_id
from gonghai_chassis.store.failures import CursorTooOld, StaleStep
from gonghai_chassis.store.scripts import Script

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from gonghai_chassis.store.partitions import Partition
    from gonghai_chassis.store.store import Store

_log = structlog.get_logger(__name__)

_READ_PROGRESS = Script("gonghai_chassis.store", "read_progress")
_STORE_PROGRESS = Script("gonghai_chassis.store", "store_progress")
_BEGIN_REBUILD = Script("gonghai_chassis.store", "begin_rebuild")
_FINISH_REBUILD = Script("gonghai_chassis.store", "finish_rebuild")

_TOGETHER = 32
"""Most events that are applied at the same time."""

_LEAP = 1_000_000
"""µs by which a promise moves that is stored at once: a clock that stood still was moved."""

_PROMISE_EVERY = 0.5
"""Seconds between smaller ones: with a running clock each batch promises a little more."""

_FIRST_DELAY = 0.05
_LONGEST_DELAY = 5.0
_NOTE_EVERY = 5.0
"""Seconds after which the store is told that the source was heard, though it said nothing."""


@dataclass(frozen=True, slots=True)
class Step:
    """The move of a cursor over one event, to be stored together with the event's effect.

    Attributes:
        partition: where the projection lives.
        source: area whose stream is followed.
        before: the stored cursor.
        after: the cursor to store.
        earlier: set once the step before it is on its way; None when that is stored already.
        sent: set once this one is on its way; None when none waits for it.
    """

    partition: Partition
    source: str
    before: Cursor
    after: Cursor
    earlier: asyncio.Event | None = None
    sent: asyncio.Event | None = None

    async def turn(self) -> None:
        """Waits until the step before it is on its way to the store, which keeps their order.

        To be awaited right before the script is run, by projections that let events be applied
        side by side.
        """
        if self.earlier is not None:
            await self.earlier.wait()

    def keys(self) -> dict[str, str]:
        """Keys that the include `cursor` needs."""
        return {"cursor": self.partition.cursor_key(self.source)}

    def args(self) -> dict[str, Any]:
        """Arguments that the include `cursor` needs; to be asked for where the script is run."""
        if self.sent is not None:
            # As soon as who asked has handed the script over, which he does without a pause.
            asyncio.get_running_loop().call_soon(self.sent.set)
        return {
            "step": {
                "from_incarnation": self.before.incarnation,
                "from_position": self.before.position,
                "incarnation": self.after.incarnation,
                "position": self.after.position,
                "nonce": self.after.nonce,
            }
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a source was followed.

    Attributes:
        cursor: the place after the last event whose effect is stored.
        changes_through: all of the source's changes effective strictly before this domain time
            (µs) are in the projection; 0 when nothing is known.
        rebuilding: generation of a rebuild under way, or empty.
    """

    cursor: Cursor
    changes_through: int
    rebuilding: str


class Feed(Protocol):
    """The way to another service's events; raises whatever its calls raise."""

    def watch(self, partition: int, cursor: Cursor) -> AsyncGenerator[Batch, None]:
        """Batches after the cursor, without end.

        Raises:
            CursorTooOld: the source no longer has the cursor's entry.
        """

    def snapshot(self, partition: int) -> AsyncGenerator[SnapshotStart | SnapshotItem, None]:
        """The state of all subjects: first a `SnapshotStart`, then the items."""


class Projection(Protocol):
    """What a service keeps of another one's events."""

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of events to apply; the others are passed over. Empty for all."""

    @property
    def side_by_side(self) -> frozenset[str]:
        """Kinds of events that may be decided on at the same time where their subjects differ.

        Their steps are stored in order all the same: `apply` awaits `step.turn()` before it runs
        its script.
        """

    async def apply(self, step: Step, event: Event) -> bool:
        """Stores the effect of an event together with the step, in one script.

        A subject's event may come again after a rebuild: one whose version is not above the stored
        one only moves the cursor. An exception leaves the event to be tried again, and everything
        after it waits.

        Returns:
            False when nothing was run because the event has no effect.
        """

    async def load(self, partition: Partition, generation: str, item: SnapshotItem) -> None:
        """Stores an item unless a newer version is there, and marks it with the generation."""

    async def finish_rebuild(self, partition: Partition, generation: str) -> None:
        """Drops what does not carry the generation: the snapshot did not have it."""

    async def checkpoint(self, partition: Partition, changes_through: int) -> None:
        """Called after a watermark was stored, so that work that waited for it can go on."""


async def read_progress(store: Store, partition: Partition, source: str) -> Progress:
    """How far an area has followed a source in a partition."""
    reply = await store.run(
        _READ_PROGRESS, partition, keys={"cursor": partition.cursor_key(source)}, args={}
    )
    fields = reply.fields
    return Progress(
        Cursor(fields["incarnation"], fields["position"], fields["nonce"]),
        fields["through"],
        fields["rebuilding"],
    )


class Subscriber:
    """Follows one source in one partition; run it under the partition's lease.

    It is safe for two to run at the same time, as can happen around a change of the lease: the
    cursor is compared in the step, and the slower one starts again from what is stored.
    """

    def __init__(
        self,
        store: Store,
        partition: Partition,
        *,
        source: str,
        feed: Feed,
        projection: Projection,
    ) -> None:
        self._store = store
        self._partition = partition
        self._source = source
        self._feed = feed
        self._projection = projection
        self._stored = Cursor.START
        self._through = 0
        self._noted = 0.0
        self._log = _log.bind(source=source, partition=partition.index, area=partition.area)

    async def run(self) -> None:
        """Follows the source until it is cancelled; failures are retried with growing pauses."""
        delay = _FIRST_DELAY
        while True:
            before = self._stored
            try:
                await self._follow()
            except StaleStep:
                self._log.info("step_stale")
            except CursorTooOld:
                self._log.warning("cursor_too_old")
                await self._rebuild_patiently()
            except Exception as error:  # noqa: BLE001 - whatever it was, the event stays undone
                self._log.warning("subscription_broken", error=repr(error))
            if self._stored != before:
                delay = _FIRST_DELAY
            await asyncio.sleep(delay)
            delay = min(delay * 2, _LONGEST_DELAY)

    async def _follow(self) -> None:
        progress = await read_progress(self._store, self._partition, self._source)
        if progress.rebuilding:
            raise CursorTooOld(progress.cursor)
        self._stored = progress.cursor
        self._through = progress.changes_through
        async with aclosing(self._feed.watch(self._partition.index, self._stored)) as batches:
            async for batch in batches:
                await self._take(batch)

    async def _take(self, batch: Batch) -> None:
        kinds = self._projection.kinds
        incarnation = batch.cursor.incarnation
        wanted = [
            event
            for event in batch.events
            if event.position > self._stored.position and (not kinds or event.kind in kinds)
        ]
        for together in self._independent(wanted):
            if len(together) > 1:
                await self._apply_together(together, incarnation)
                continue
            step = self._step(together[0].cursor(incarnation))
            if await self._projection.apply(step, together[0]):
                self._stored = step.after
        moved = batch.cursor.position > self._stored.position
        promised = batch.changes_through > self._through and (
            moved
            or batch.changes_through >= self._through + _LEAP
            or monotonic() - self._noted >= _PROMISE_EVERY
        )
        # A stream on which nothing happens, under a clock that stands, is noted as heard all the
        # same: whoever reads the projection tells a quiet source from one that is away.
        if moved or promised or monotonic() - self._noted >= _NOTE_EVERY:
            step = self._step(batch.cursor)
            await self._store.run(
                _STORE_PROGRESS,
                self._partition,
                keys=step.keys(),
                args={**step.args(), "through": batch.changes_through},
            )
            self._stored = step.after
            self._noted = monotonic()
        if promised:
            self._through = batch.changes_through
            await self._projection.checkpoint(self._partition, self._through)

    def _independent(self, events: Sequence[Event]) -> Iterator[list[Event]]:
        """Cuts events into runs of those that need not wait for each other."""
        kinds = self._projection.side_by_side
        run: list[Event] = []
        subjects: set[tuple[str, str]] = set()
        for event in events:
            subject = (event.tenant, event.subject)
            alone = event.kind not in kinds
            if run and (alone or subject in subjects or len(run) >= _TOGETHER):
                yield run
                run, subjects = [], set()
            if alone:
                yield [event]
                continue
            run.append(event)
            subjects.add(subject)
        if run:
            yield run

    async def _apply_together(self, events: Sequence[Event], incarnation: str) -> None:
        """Applies events at the same time; their steps reach the store in order."""
        steps: list[Step] = []
        before, earlier = self._stored, None
        for event in events:
            after, sent = event.cursor(incarnation), asyncio.Event()
            steps.append(Step(self._partition, self._source, before, after, earlier, sent))
            before, earlier = after, sent
        ends = await asyncio.gather(
            *(self._apply_one(step, event) for step, event in zip(steps, events, strict=True)),
            return_exceptions=True,
        )
        for step, end in zip(steps, ends, strict=True):
            if end is not None:
                # Those after it found the cursor elsewhere; they come again with it.
                raise end
            self._stored = step.after

    async def _apply_one(self, step: Step, event: Event) -> None:
        try:
            if not await self._projection.apply(step, event):
                # The next step begins at this one's end.
                await step.turn()
                await self._store.run(
                    _STORE_PROGRESS,
                    self._partition,
                    keys=step.keys(),
                    args={**step.args(), "through": self._through},
                )
        finally:
            if step.sent is not None:
                step.sent.set()

    def _step(self, after: Cursor) -> Step:
        return Step(self._partition, self._source, self._stored, after)

    async def _rebuild_patiently(self) -> None:
        try:
            await self._rebuild()
        except Exception as error:  # noqa: BLE001 - it is noted as under way and starts again
            self._log.warning("rebuild_broken", error=repr(error))

    async def _rebuild(self) -> None:
        generation = new_id()
        keys = {"cursor": self._partition.cursor_key(self._source)}
        await self._store.run(
            _BEGIN_REBUILD, self._partition, keys=keys, args={"generation": generation}
        )
        start: SnapshotStart | None = None
        count = 0
        async with aclosing(self._feed.snapshot(self._partition.index)) as items:
            async for item in items:
                if isinstance(item, SnapshotStart):
                    start = item
                else:
                    await self._projection.load(self._partition, generation, item)
                    count += 1
        if start is None:
            raise ValueError("The snapshot did not say where it was taken.")
        await self._projection.finish_rebuild(self._partition, generation)
        await self._store.run(
            _FINISH_REBUILD,
            self._partition,
            keys=keys,
            args={
                "generation": generation,
                "incarnation": start.cursor.incarnation,
                "position": start.cursor.position,
                "mark": start.cursor.nonce,
            },
        )
        self._log.info("rebuilt", items=count)
