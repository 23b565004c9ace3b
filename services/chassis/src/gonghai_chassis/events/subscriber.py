"""The consumer's side of a stream: each event takes effect once, whatever dies in between."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

import structlog

from gonghai_chassis.events.cursors import Cursor
from gonghai_chassis.events.faults import passes_by_itself, problem_of
from gonghai_chassis.events.quarantine import Quarantine, Quarantined
from gonghai_chassis.events.rebuilds import asked_key, begin_rebuild
from gonghai_chassis.events.retrier import Retrier
from gonghai_chassis.events.steps import Step
from gonghai_chassis.events.tally import tally_of
from gonghai_chassis.events.values import Batch, Event, SnapshotItem, SnapshotStart
from gonghai_chassis.ids import new_id
from gonghai_chassis.store.failures import CursorTooOld, StaleStep
from gonghai_chassis.store.scripts import Script

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gonghai_chassis.events.projection import Feed, Projection
    from gonghai_chassis.store.partitions import Partition
    from gonghai_chassis.store.store import Store

_log = structlog.get_logger(__name__)

_READ_PROGRESS = Script("gonghai_chassis.store", "read_progress")
_STORE_PROGRESS = Script("gonghai_chassis.store", "store_progress")
_FINISH_REBUILD = Script("gonghai_chassis.store", "finish_rebuild")

_TOGETHER = 32
"""Most events that are applied at the same time."""

_LEAP = 1_000_000
"""µs by which a promise moves that is stored at once: a clock that stood still was moved."""

_PROMISE_EVERY = 0.5
"""Seconds between smaller ones: with a running clock each batch promises a little more."""

_FIRST_DELAY = 0.05
_LONGEST_DELAY = 5.0
_TRIES = 3
"""How often an event is tried, one after the other, before it goes to quarantine."""
_TRY_DELAY = 0.05
_NOTE_EVERY = 5.0
"""Seconds after which the store is told that the source was heard, though it said nothing."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a source was followed.

    Attributes:
        cursor: the place after the last event whose effect is stored.
        changes_through: all of the source's changes effective strictly before this domain time
            (µs) are in the projection; 0 when nothing is known.
        rebuilding: generation of a rebuild under way, or empty.
        quarantined: how many of its subjects have events in quarantine.
    """

    cursor: Cursor
    changes_through: int
    rebuilding: str
    quarantined: int


async def read_progress(store: Store, partition: Partition, source: str) -> Progress:
    """How far an area has followed a source in a partition."""
    reply = await store.run(
        _READ_PROGRESS,
        partition,
        keys={
            "cursor": partition.cursor_key(source),
            "quarantine": partition.quarantine_key(source),
        },
        args={},
    )
    fields = reply.fields
    return Progress(
        Cursor(fields["incarnation"], fields["position"], fields["nonce"]),
        fields["through"],
        fields["rebuilding"],
        fields["quarantined"],
    )


class Subscriber:
    """Follows one source in one partition; run it under the partition's lease.

    It is safe for two to run at the same time, as can happen around a change of the lease: the
    cursor is compared in the step, and the slower one starts again from what is stored.

    An event that cannot be processed goes to quarantine; later ones of its subject wait behind it,
    those of all others go on.
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
        self._quarantine = Quarantine(store, partition, source)
        self._any_quarantined = False
        self._behind: set[tuple[str, str]] = set()
        self._rebuild_asked = False
        self._log = _log.bind(source=source, partition=partition.index, area=partition.area)

    async def run(self) -> None:
        """Follows the source until it is cancelled; failures are retried with growing pauses."""
        asked = asked_key(self._partition, self._source)
        forget = self._store.on_write(asked, self._ask_rebuild)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(Retrier(self._quarantine, self._projection).run())
                group.create_task(self._follow_patiently())
        finally:
            forget()

    def _ask_rebuild(self) -> None:
        self._rebuild_asked = True

    async def _follow_patiently(self) -> None:
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
        self._rebuild_asked = False
        progress = await read_progress(self._store, self._partition, self._source)
        if progress.rebuilding:
            raise CursorTooOld(progress.cursor)
        self._stored = progress.cursor
        self._through = progress.changes_through
        # Read together with the cursor: only steps that begin there can add to them.
        self._any_quarantined = progress.quarantined > 0
        async with aclosing(self._feed.watch(self._partition.index, self._stored)) as batches:
            async for batch in batches:
                if self._rebuild_asked:
                    raise CursorTooOld(self._stored)
                await self._take(batch)

    async def _take(self, batch: Batch) -> None:
        kinds = self._projection.kinds
        incarnation = batch.cursor.incarnation
        wanted = [
            event
            for event in batch.events
            if event.position > self._stored.position and (not kinds or event.kind in kinds)
        ]
        self._behind = set()
        if wanted and self._any_quarantined:
            self._behind = await self._quarantine.found((e.tenant, e.subject) for e in wanted)
        for together in self._independent(wanted):
            if len(together) > 1:
                await self._apply_together(together, incarnation)
                continue
            step = self._step(together[0].cursor(incarnation))
            if await self._settle(step, together[0]):
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
            if not await self._settle(step, event):
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

    async def _settle(self, step: Step, event: Event) -> bool:
        """Applies an event, or quarantines it; False when nothing was run: it has no effect."""
        subject = (event.tenant, event.subject)
        if subject in self._behind:
            await step.turn()
            if await self._quarantine.keep(step, self._entry(step, event), behind=True):
                return True
            self._behind.discard(subject)
        for attempt in range(_TRIES):
            try:
                return await self._projection.apply(step, event)
            except Exception as error:
                if passes_by_itself(error):
                    raise
                if attempt + 1 == _TRIES:
                    await self._put_aside(step, event, error)
                    break
            await asyncio.sleep(_TRY_DELAY * 2**attempt)
        return True

    async def _put_aside(self, step: Step, event: Event, error: Exception) -> None:
        entry = self._entry(step, event).failed(self._problem(event, error), _TRIES)
        await step.turn()
        await self._quarantine.keep(step, entry)
        self._any_quarantined = True
        self._behind.add((event.tenant, event.subject))
        tally_of(self._store).count(self._source)

    def _entry(self, step: Step, event: Event) -> Quarantined:
        now = self._store.clock.now(self._partition)
        return Quarantined(event, step.after.incarnation, now)

    def _problem(self, event: Event, error: Exception) -> str:
        return problem_of(
            error,
            area=self._partition.area,
            source=self._source,
            partition=self._partition.index,
            tenant=event.tenant,
            subject=event.subject,
            kind=event.kind,
            position=event.position,
        )

    def _step(self, after: Cursor) -> Step:
        return Step(self._partition, self._source, self._stored, after)

    async def _rebuild_patiently(self) -> None:
        try:
            await self._rebuild()
        except Exception as error:  # noqa: BLE001 - it is noted as under way and starts again
            self._log.warning("rebuild_broken", error=repr(error))

    async def _rebuild(self) -> None:
        rebuild = await begin_rebuild(self._store, self._partition, self._source)
        generation = rebuild.generation
        start: SnapshotStart | None = None
        items_taken = 0
        failed: list[Quarantined] = []
        async with aclosing(self._feed.snapshot(self._partition.index)) as items:
            async for item in items:
                if isinstance(item, SnapshotStart):
                    start = item
                elif failure := await self._load(generation, item):
                    failed.append(failure)
                else:
                    items_taken += 1
        if start is None:
            raise ValueError("The snapshot did not say where it was taken.")
        await self._projection.finish_rebuild(self._partition, generation)
        await self._store.run(
            _FINISH_REBUILD,
            self._partition,
            keys={
                **rebuild.keys(),
                "quarantine": self._partition.quarantine_key(self._source),
                "quarantined": self._partition.quarantined_key(self._source),
            },
            args={
                **rebuild.args(),
                "failed": [[entry.member, entry.pack()] for entry in failed],
                "incarnation": start.cursor.incarnation,
                "position": start.cursor.position,
                "mark": start.cursor.nonce,
            },
        )
        self._log.info("rebuilt", items=items_taken, quarantined=len(failed))

    async def _load(self, generation: str, item: SnapshotItem) -> Quarantined | None:
        """Takes in an item; one that fails by itself is to be quarantined, as if it were an event.

        A snapshot tells of a subject in the words of its last event, so that it can be applied
        like one when it is tried again.
        """
        try:
            await self._projection.load(self._partition, generation, item)
        except Exception as error:
            if passes_by_itself(error):
                raise
            now = self._store.clock.now(self._partition)
            event = Event(
                position=0,
                kind=item.kind,
                tenant=item.tenant,
                subject=item.subject,
                version=item.version,
                time=now,
                schema=1,
                payload=item.payload,
                nonce=new_id(),
            )
            problem = self._problem(event, error)
            tally_of(self._store).count(self._source)
            return Quarantined(event, "", now).failed(problem)
        return None
