"""A projection against its source, while both go on serving, and without false alarms.

What a snapshot has is compared with what the projection has, batch by batch; what differs is only
suspected, since the one may be a moment ahead of the other. A suspicion is confirmed when

1. the source said a thing,
2. then the projection passed the source's head, and was read,
3. and then the source still said the same.

The projection was read at a moment at which it had to know that very thing. What changed meanwhile
comes with an event of its own, and is looked at again in the next round.
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

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence

    from gonghai_chassis.events.subscriber import Feed
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
                if isinstance(item, SnapshotStart) or item.kind not in self.projection.kinds:
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
        """One round; what the source changed meanwhile stays suspected."""
        still = {
            self._place(item): (item, sight)
            for item, sight in await self._sights(self._suspects.values())
            if sight.told != sight.known
        }
        left = await self._present(self._left)
        found: list[Difference] = []
        again: dict[Place, SnapshotItem] = {}
        async with aclosing(self.feed.snapshot(self.partition.index)) as items:
            async for item in items:
                if isinstance(item, SnapshotStart) or item.kind not in self.projection.kinds:
                    continue
                place = self._place(item)
                left.pop(place, None)
                before = still.get(place)
                if before is None:
                    continue
                ((_, now),) = await self._sights([item])
                if now.told == before[1].told:
                    found.append(_difference(place, before[1]))
                elif now.told != now.known:
                    again[place] = item
        if left:
            await self._pass()
            left = await self._present(left)
        found += [Difference(place, Cause.LEFT_OVER, 0, version) for place, version in left.items()]
        self._suspects, self._left = again, {}
        return found

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
        head = Cursor.START
        async with aclosing(self.feed.snapshot(self.partition.index)) as items:
            async for item in items:
                if isinstance(item, SnapshotStart):
                    head = item.cursor
                break
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
