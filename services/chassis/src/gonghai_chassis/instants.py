"""Instants (µs since the epoch, UTC) as timestamps of the contracts, and back."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

_SECOND = 1_000_000


def set_instant(stamp: Timestamp, instant: int) -> None:
    """Write an instant into a timestamp."""
    stamp.seconds, micros = divmod(instant, _SECOND)
    stamp.nanos = micros * 1000


def timestamp(instant: int | None) -> Timestamp | None:
    """Return the timestamp for an instant; None for None, which leaves a field unset."""
    if instant is None:
        return None
    stamp = Timestamp()
    set_instant(stamp, instant)
    return stamp


def instant_of(stamp: Timestamp) -> int:
    """Return a timestamp as an instant, cut to whole microseconds."""
    return stamp.seconds * _SECOND + stamp.nanos // 1000
