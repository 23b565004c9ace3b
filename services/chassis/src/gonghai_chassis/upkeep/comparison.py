"""A projection against its source, while both go on serving, and without false alarms.

What a snapshot has is compared with what the projection has, batch by batch; what differs is only
suspected, since the one may be a moment ahead of the other. A suspicion is confirmed when

1. the source said a thing,
2. then the projection passed the source's head, and was read,
3. and then the source still said the same, and no event has told of the subject meanwhile.

The projection was read at a moment at which it had to know that very thing. What was told of
meanwhile is looked at again in the next round.
"""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_left
from collections import defaultdict
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from gonghai_chassis.events.cursors import Cursor
from gonghai_chassis.events.subscriber import read_progress
from gonghai_chassis.events.values import SnapshotItem, SnapshotStart
from gonghai_chassis.store.failures import CursorTooOld

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence

    from gonghai_chassis.events.projection import Feed
    from gonghai_chassis.store.partitions import Partition
    from gonghai_chassis.store.store import Store

AT_ONCE: Final = 200
MOST: Final = 10_000
"""Differences that are followed up; where there are more, a rebuild is due in any case."""
ROUNDS: Final = 3
PATIENCE: Final = 30.0
"""Seconds for the projection to pass the head that its source had."""
_LOOK_EVERY: Final = 0.05


class Behind(Exception):  # noqa: N818 - an answer: there is nothing to compare with yet
    """The projection did not come to where its source was, so that nothing can be said."""


class Cause(StrEnum):
    """What can differ."""

    MISSING = "missing"
    LEFT_OVER = "left over"
    VERSION = "version"
    CONTENT = "content"
    QUARANTINED = "quarantined"


class Place(NamedTuple):
    """What a record is about."""

    kind: str
    tenant: str
    subject: str


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a subject.

    Attributes:
        version: of the subject; 0 where the projection keeps none.
        content: all else, as it is stored, without what the rebuild needs.
    """

    version: int
    content: Any


class Sight(NamedTuple):
    """A subject on both sides; None where it is not, or need not be."""

    told: Known | None
    known: Known | None


@dataclass(frozen=True, slots=True)
class Difference:
    """A subject of which a projection knows something else than its source."""

    place: Place
    cause: Cause
    source_version: int
    projected_version: int


class Comparable(Protocol):
    """What a projection shows to be compared."""

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of items that it keeps; the others are passed over."""

    def subject(self, item: SnapshotItem) -> str:
        """What the record of an item is about, if there is more than one of an item's subject."""

    async def look(
        self, partition: Partition, tenant: str, kind: str, items: Sequence[SnapshotItem]
    ) -> Sequence[Sight]:
        """For each item what `load` would store, and what is stored."""

    def subjects(
        self, partition: Partition
    ) -> AsyncGenerator[tuple[str, str, Mapping[str, int]], None]:
        """All that is stored: kind, tenant, and versions by subject, some at a time."""


def content(record: Mapping[str, Any]) -> dict[str, Any]:
    """What of a record is compared: not its version, nor the mark of the rebuild it came with.

    Nothing and empty are the same: the two packers of the store differ there.
    """
    passed_over = ("version", "generation", "schema")
    return {
        name: value
        for name, value in record.items()
        if name not in passed_over and value not in (None, "", 0, False, [], {})
    }


@dataclass(slots=True)
class _SecondLook:
    """What a source said the second time.

    Attributes:
        since: where its stream was then.
        had: those it had, of those that were taken for left over.
        same: suspects of which it said the same.
        other: suspects of which it said something else, that is not known either.
    """

    since: Cursor
    had: set[Place] = field(default_factory=set)
    same: dict[Place, SnapshotItem] = field(default_factory=dict)
    other: dict[Place, SnapshotItem] = field(default_factory=dict)


@dataclass(slots=True)
class Comparison:
    """One comparison of a projection with its source in one partition.

    Attributes:
        compared: how many subjects were looked at, once `differences` has ended.
    """

    store: Store
    partition: Partition
    source: str
    feed: Feed
    projection: Comparable
    patience: float = PATIENCE
    compared: int = 0
    _suspects: dict[Place, SnapshotItem] = field(default_factory=dict)
    _left: dict[Place, int] = field(default_factory=dict)
    _since: Cursor = Cursor.START

    async def differences(self) -> list[Difference]:
        """Compares; what differs is told in the order of kind, tenant and subject.

        Raises:
            Behind: the projection does not follow.
            PeerUnavailable: the source does not answer.
            StoreUnavailable: the store does not answer.
        """
        await self._first_look()
        found: list[Difference] = []
        for _ in range(ROUNDS):
            if not self._suspects and not self._left:
                break
            await self._pass()
            found += await self._look_again()
        return sorted(found, key=lambda each: each.place)

    async def _first_look(self) -> None:
        seen = array("Q")
        async with aclosing(self.feed.snapshot(self.partition.index)) as items:
            batch: list[SnapshotItem] = []
            async for item in items:
                if isinstance(item, SnapshotStart):
                    self._since = item.cursor
                    continue
                if item.kind not in self.projection.kinds:
                    continue
                seen.append(_digest(self._place(item)))
                batch.append(item)
                if len(batch) >= AT_ONCE:
                    await self._suspect(batch)
                    batch = []
            await self._suspect(batch)
        self.compared = len(seen)
        had = array("Q", sorted(seen))
        async with aclosing(self.projection.subjects(self.partition)) as pages:
            async for kind, tenant, versions in pages:
                for subject, version in versions.items():
                    place = Place(kind, tenant, subject)
                    if len(self._left) < MOST and not _among(_digest(place), had):
                        self._left[place] = version

    async def _suspect(self, items: Sequence[SnapshotItem]) -> None:
        for item, sight in await self._sights(items):
            if sight.told != sight.known and len(self._suspects) < MOST:
                self._suspects[self._place(item)] = item

    async def _look_again(self) -> list[Difference]:
        """One round; what was told of meanwhile stays suspected."""
        still = {
            self._place(item): sight
            for item, sight in await self._sights(self._suspects.values())
            if sight.told != sight.known
        }
        left = await self._present(self._left)
        second = await self._second_look(still)
        left = {place: version for place, version in left.items() if place not in second.had}
        if left:
            await self._pass()
            left = await self._present(left)
        touched = await self._touched() if second.same or left else set()
        self._since, self._suspects, self._left = second.since, second.other, {}
        confirmed = []
        for place, item in second.same.items():
            if touched is None or (item.tenant, item.subject) in touched:
                self._suspects[place] = item
            else:
                confirmed.append(_difference(place, still[place]))
        for place, version in left.items():
            if touched is None or (place.tenant, place.subject) in touched:
                self._left[place] = version
            else:
                confirmed.append(Difference(place, Cause.LEFT_OVER, 0, version))
        return confirmed

    async def _second_look(self, still: Mapping[Place, Sight]) -> _SecondLook:
        """What the source says now of those who are suspected."""
        second = _SecondLook(self._since)
        async with aclosing(self.feed.snapshot(self.partition.index)) as items:
            async for item in items:
                if isinstance(item, SnapshotStart):
                    second.since = item.cursor
                    continue
                if item.kind not in self.projection.kinds:
                    continue
                place = self._place(item)
                if place in self._left:
                    second.had.add(place)
                before = still.get(place)
                if before is None:
                    continue
                ((_, now),) = await self._sights([item])
                if now.told == before.told:
                    second.same[place] = item
                elif now.told != now.known:
                    second.other[place] = item
        return second

    async def _touched(self) -> set[tuple[str, str]] | None:
        """Whom events have told of since the last look began; None when that is not known."""
        head = await self._head()
        touched: set[tuple[str, str]] = set()
        try:
            watching = self.feed.watch(self.partition.index, self._since)
            async with aclosing(watching) as batches:
                async for batch in batches:
                    touched.update((event.tenant, event.subject) for event in batch.events)
                    if batch.cursor.position >= head.position:
                        break
        except CursorTooOld:
            return None
        return touched

    async def _present(self, wanted: Mapping[Place, int]) -> dict[Place, int]:
        """Those that the projection still has as it had them."""
        if not wanted:
            return {}
        present: dict[Place, int] = {}
        async with aclosing(self.projection.subjects(self.partition)) as pages:
            async for kind, tenant, versions in pages:
                for subject, version in versions.items():
                    place = Place(kind, tenant, subject)
                    if wanted.get(place) == version:
                        present[place] = version
        return present

    async def _sights(self, items: Iterable[SnapshotItem]) -> list[tuple[SnapshotItem, Sight]]:
        groups: defaultdict[tuple[str, str], list[SnapshotItem]] = defaultdict(list)
        for item in items:
            groups[item.tenant, item.kind].append(item)
        found: list[tuple[SnapshotItem, Sight]] = []
        for (tenant, kind), group in groups.items():
            for first in range(0, len(group), AT_ONCE):
                some = group[first : first + AT_ONCE]
                sights = await self.projection.look(self.partition, tenant, kind, some)
                found += zip(some, sights, strict=True)
        return found

    async def _pass(self) -> None:
        """Waits until the projection has taken in all that its source has told by now."""
        head = await self._head()
        end = monotonic() + self.patience
        while True:
            progress = await read_progress(self.store, self.partition, self.source)
            cursor = progress.cursor
            follows = cursor.incarnation == head.incarnation and not progress.rebuilding
            if head == Cursor.START or (follows and cursor.position >= head.position):
                return
            if monotonic() >= end:
                raise Behind(
                    f"What is kept of {self.source} in partition {self.partition.index} is at"
                    f" {cursor.position}, and {self.source} at {head.position}:"
                    f" it did not catch up within {self.patience:.0f} s."
                )
            await asyncio.sleep(_LOOK_EVERY)

    async def _head(self) -> Cursor:
        """Where the source's stream ends now: what a snapshot says first."""
        async with aclosing(self.feed.snapshot(self.partition.index)) as items:
            async for item in items:
                if isinstance(item, SnapshotStart):
                    return item.cursor
        return Cursor.START

    def _place(self, item: SnapshotItem) -> Place:
        return Place(item.kind, item.tenant, self.projection.subject(item))


def _difference(place: Place, sight: Sight) -> Difference:
    told, known = sight
    if told is None:
        return Difference(place, Cause.LEFT_OVER, 0, 0 if known is None else known.version)
    if known is None:
        return Difference(place, Cause.MISSING, told.version, 0)
    cause = Cause.VERSION if told.version != known.version else Cause.CONTENT
    return Difference(place, cause, told.version, known.version)


def _digest(place: Place) -> int:
    packed = "\0".join(place).encode()
    return int.from_bytes(blake2b(packed, digest_size=8).digest())


def _among(digest: int, ordered: Sequence[int]) -> bool:
    at = bisect_left(ordered, digest)
    return at < len(ordered) and ordered[at] == digest
