"""Events: the stream of a service's changes, watching it, and following another's."""

from gonghai_chassis.events.cursors import Cursor
from gonghai_chassis.events.projection import Feed, Projection
from gonghai_chassis.events.quarantine import Quarantine, Quarantined
from gonghai_chassis.events.rebuilds import Rebuild
from gonghai_chassis.events.steps import Step
from gonghai_chassis.events.stream import EventStream
from gonghai_chassis.events.subscriber import Progress, Subscriber, read_progress
from gonghai_chassis.events.tail import Tail
from gonghai_chassis.events.values import Batch, Event, SnapshotItem, SnapshotStart
from gonghai_chassis.events.watch import watch

__all__ = [
    "Batch",
    "Cursor",
    "Event",
    "EventStream",
    "Feed",
    "Progress",
    "Projection",
    "Quarantine",
    "Quarantined",
    "Rebuild",
    "SnapshotItem",
    "SnapshotStart",
    "Step",
    "Subscriber",
    "Tail",
    "read_progress",
    "watch",
]
