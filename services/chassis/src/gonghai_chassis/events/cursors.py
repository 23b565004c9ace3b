"""Cursors: places in an event stream that cannot be taken for another stream's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place after an entry of a partition's stream.

    A server reads on from it only while it still has that very entry: the nonce tells it from an
    entry that took the same position after a fail-over lost the tail.

    Attributes:
        incarnation: the life of the stream, random.
        position: number of the entry, from 1; 0 is before the first.
        nonce: random mark of the entry.
    """

    incarnation: str
    position: int
    nonce: str

    START: ClassVar[Cursor]

    def token(self) -> bytes:
        """The cursor as opaque bytes for a caller to keep; of the start it is empty."""
        if self.position == 0:
            return b""
        return f"{self.incarnation}.{self.position}.{self.nonce}".encode()

    @classmethod
    def parse(cls, token: bytes) -> Cursor:
        """The cursor that `token` wrote.

        Raises:
            ValueError: these bytes are no cursor.
        """
        if not token:
            return cls.START
        try:
            incarnation, position, nonce = token.decode("ascii").split(".")
            cursor = cls(incarnation, int(position), nonce)
        except ValueError:
            raise ValueError("These bytes are no cursor of an event stream.") from None
        if cursor.position < 1 or not incarnation or not nonce:
            raise ValueError("These bytes are no cursor of an event stream.")
        return cursor


Cursor.START = Cursor("", 0, "")
