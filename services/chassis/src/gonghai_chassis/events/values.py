"""What goes over a stream: events, batches of them, and the items of a snapshot."""

from __future__ import annotations

from dataclasses import dataclass

from gonghai_chassis.events.cursors import Cursor


@dataclass(frozen=True, slots=True)
class Event:
    """One change, as its service published it; free of personal data.

    Attributes:
        position: number in the stream, from 1 without gaps.
        kind: what happened, such as `CustomerClaimed`.
        tenant: whose it is.
        subject: id of what changed.
        version: version of the subject after the change.
        time: domain time (µs) from which the change is effective.
        schema: version of the payload's form.
        payload: the service's own message.
        nonce: random mark, part of the cursor.
    """

    position: int
    kind: str
    tenant: str
    subject: str
    version: int
    time: int
    schema: int
    payload: bytes
    nonce: str

    def cursor(self, incarnation: str) -> Cursor:
        """The place after this event."""
        return Cursor(incarnation, self.position, self.nonce)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some events in order, and how complete the stream is with them.

    Attributes:
        events: in order; those a filter left out are missing.
        cursor: the place after them.
        changes_through: all changes effective strictly before this domain time (µs) were in the
            stream up to the cursor; 0 makes no statement.
        now: domain time (µs) when the batch was read.
        at_head: the stream had nothing after the cursor then.
    """

    events: tuple[Event, ...]
    cursor: Cursor
    changes_through: int
    now: int
    at_head: bool = True


@dataclass(frozen=True, slots=True)
class SnapshotStart:
    """Comes first in a snapshot.

    Attributes:
        cursor: where to follow the stream from once the items are in. Taken before the items were
            read, so some events after it may already be contained in them.
    """

    cursor: Cursor


@dataclass(frozen=True, slots=True)
class SnapshotItem:
    """One subject as it is now.

    Attributes:
        kind: what it is.
        tenant: whose it is.
        subject: its id.
        version: its version.
        payload: the service's own message.
    """

    kind: str
    tenant: str
    subject: str
    version: int
    payload: bytes
