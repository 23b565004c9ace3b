"""What can go wrong between a service and its store, in the store's own terms.

Nothing here knows of gRPC: one table in `gonghai_chassis.errors` maps these to statuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gonghai_chassis.events.cursors import Cursor


class StoreFailure(Exception):  # noqa: N818 - a family of outcomes, each named for what happened
    """Anything that kept the store from giving a usable answer."""


class StoreUnavailable(StoreFailure):
    """The store could not be reached, or its answer was lost: the outcome is unknown.

    A caller that repeats the command with the same request id gets the first answer, if there was
    one.
    """


class StoreRefused(StoreUnavailable):
    """The store answered that it did nothing: loading, read-only, resharding, too few replicas."""


class SlotUnderWay(StoreRefused):
    """The partition is on its way to another master of a Cluster, and has to arrive first.

    Nothing was done, and the store is well: other partitions are served meanwhile.
    """


class StoreFull(StoreRefused):
    """The store has reached its memory limit and takes no more writes; nothing was changed."""


class DeadlineExceeded(StoreFailure):
    """The command's deadline had passed before it took effect: surely nothing was changed."""


class CursorTooOld(StoreFailure):
    """The stream no longer has the entry that a cursor points at.

    Attributes:
        oldest: the oldest cursor that can still be read from.
    """

    def __init__(self, oldest: Cursor) -> None:
        super().__init__("The stream no longer has the entry that the cursor points at.")
        self.oldest = oldest


class VersionsMoved(StoreFailure):
    """The facts that a decision rested on changed before it was stored; decide again."""


class RequestReused(StoreFailure):
    """A request id came again with other content, another method or another principal."""


class LeaseLost(StoreFailure):
    """Another replica holds the partition's lease now; nothing was changed."""


class StaleStep(StoreFailure):
    """A subscriber's cursor is not where the step expected it; nothing was changed."""


class ScriptFailed(StoreFailure):
    """A script broke off with an error of its own: a defect, never the caller's fault."""


class StoreUnusable(StoreFailure):
    """The server cannot serve as a store (too old), or was installed for other settings."""
