"""What a follower of a stream brings: the way to the source, and what it keeps of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from gonghai_chassis.events.cursors import Cursor
    from gonghai_chassis.events.steps import Step
    from gonghai_chassis.events.values import Batch, Event, SnapshotItem, SnapshotStart
    from gonghai_chassis.store.partitions import Partition


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
        one only moves the cursor. After an exception the event is tried again, and everything
        after it waits; unless the world is to blame (`faults`), it is quarantined after a few
        tries, and comes again from there: its step then takes it out of its queue.

        Returns:
            False when nothing was run because the event has no effect.
        """

    async def load(self, partition: Partition, generation: str, item: SnapshotItem) -> None:
        """Stores an item, whatever is there, and marks it with the generation.

        Its script is fenced by the rebuild (`Rebuild`, include `rebuild`), so that it takes effect
        only while no event can be taken in: the item is never older than what is stored.
        """

    async def finish_rebuild(self, partition: Partition, generation: str) -> None:
        """Drops what does not carry the generation: the snapshot did not have it."""

    async def checkpoint(self, partition: Partition, changes_through: int) -> None:
        """Called after a watermark was stored, so that work that waited for it can go on."""
