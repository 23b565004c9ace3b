"""Instants (µs since the epoch, UTC) as timestamps of the contracts, and back."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from gonghai_chassis.errors import FieldViolation, InvalidRequest

_SECOND = 1_000_000
_NANOS = 1_000_000_000
_FIRST, _LAST = -62_135_596_800, 253_402_300_799
"""Seconds of 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, between which timestamps lie."""


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


def instant_of(stamp: Timestamp, field: str = "timestamp") -> int:
    """Return a timestamp as an instant, cut to whole microseconds.

    Args:
        stamp: the timestamp.
        field: the request's field, for refusals.

    Raises:
        InvalidRequest: it lies outside the years 0001 to 9999, or its nanoseconds do not make less
            than a second. The contract of Timestamp forbids both, but the wire carries them.
    """
    if not (_FIRST <= stamp.seconds <= _LAST and 0 <= stamp.nanos < _NANOS):
        raise InvalidRequest(
            FieldViolation(
                field, "is no timestamp: years 0001 to 9999, and 0 to 999999999 nanoseconds"
            )
        )
    return stamp.seconds * _SECOND + stamp.nanos // 1000
