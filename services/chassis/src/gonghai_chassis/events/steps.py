"""Steps: what is stored together with an event's effect, so that it takes effect once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gonghai_chassis.events.cursors import Cursor

if TYPE_CHECKING:
    from typing import Self

    from gonghai_chassis.store.partitions import Partition


@dataclass(frozen=True, slots=True)
class Step:
    """The move of a cursor over one event, or the taking of a quarantined one out of its queue.

    Attributes:
        partition: where the projection lives.
        source: area whose stream is followed.
        before: the stored cursor.
        after: the cursor to store; of a quarantined event its own place.
        earlier: set once the step before it is on its way; None when that is stored already.
        sent: set once this one is on its way; None when none waits for it.
        member: whose queue (`<tenant>/<subject>`) the event is the head of; None where the cursor
            moves. The cursor stays then: it has passed the event already.
    """

    partition: Partition
    source: str
    before: Cursor
    after: Cursor
    earlier: asyncio.Event | None = None
    sent: asyncio.Event | None = None
    member: str | None = field(default=None, kw_only=True)

    @classmethod
    def taking(cls, partition: Partition, source: str, place: Cursor, member: str) -> Self:
        """The taking of a quarantined event, told by its place, out of its subject's queue."""
        return cls(partition, source, Cursor.START, place, member=member)

    async def turn(self) -> None:
        """Waits until the step before it is on its way to the store, which keeps their order.

        To be awaited right before the script is run, by projections that let events be applied
        side by side.
        """
        if self.earlier is not None:
            await self.earlier.wait()

    def keys(self) -> dict[str, str]:
        """Keys that the include `cursor` needs."""
        return {
            "cursor": self.partition.cursor_key(self.source),
            "quarantine": self.partition.quarantine_key(self.source),
            "quarantined": self.partition.quarantined_key(self.source),
        }

    def args(self) -> dict[str, Any]:
        """Arguments that the include `cursor` needs; to be asked for where the script is run."""
        if self.sent is not None:
            # As soon as who asked has handed the script over, which he does without a pause.
            asyncio.get_running_loop().call_soon(self.sent.set)
        place = {"position": self.after.position, "nonce": self.after.nonce}
        if self.member is not None:
            return {"step": {"member": self.member, **place}}
        return {
            "step": {
                "from_incarnation": self.before.incarnation,
                "from_position": self.before.position,
                "from_nonce": self.before.nonce,
                "incarnation": self.after.incarnation,
                **place,
            }
        }
