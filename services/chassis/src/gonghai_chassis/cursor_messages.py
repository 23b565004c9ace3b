"""Cursors and checkpoints as messages of the contracts."""

from __future__ import annotations

from gonghai.type.v1 import watch_pb2
from gonghai_chassis.errors import FieldViolation, InvalidRequest, Reason
from gonghai_chassis.events import Cursor


def cursor_message(cursor: Cursor, partition: int) -> watch_pb2.Cursor:
    """Return the message for a place in a partition's stream."""
    return watch_pb2.Cursor(
        incarnation=cursor.incarnation,
        position=cursor.position,
        nonce=cursor.nonce,
        partition=partition,
    )


def cursor_from(message: watch_pb2.Cursor) -> Cursor:
    """Return the place that a message names.

    Raises:
        InvalidRequest: (INVALID_CURSOR) it names none.
    """
    if message.position == 0:
        return Cursor.START
    if not message.incarnation or not message.nonce:
        raise InvalidRequest(
            FieldViolation("cursor", "is not one that this service gave: send one back unchanged"),
            reason=Reason.INVALID_CURSOR,
        )
    return Cursor(message.incarnation, message.position, message.nonce)
