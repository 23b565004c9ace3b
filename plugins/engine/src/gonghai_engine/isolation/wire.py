"""What a service and a worker say to each other: a message after its length.

A worker runs a plugin's code, so nothing that it says may be more than data: its answers are JSON,
which `answers` makes decisions of. What the service says is pickled: a worker trusts the service.
"""

from __future__ import annotations

import json
import pickle
import struct
from typing import TYPE_CHECKING, Any, Final

from gonghai_engine.faults import EngineError

if TYPE_CHECKING:
    from typing import BinaryIO

HEADER: Final = struct.Struct("<I")
PROGRESS: Final = struct.Struct("<q")
"""The place of the request that is being decided, in the page that both have; -1 for none."""

LONGEST: Final = 64 * 2**20
"""Bytes of an answer: many times what a turn's decisions come to."""


def question(message: tuple[Any, ...]) -> bytes:
    """Write what the service asks."""
    return _framed(pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL))


def next_question(stream: BinaryIO) -> tuple[Any, ...] | None:
    """Read, in a worker, what the service asks next; None at the end."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    asked: tuple[Any, ...] = pickle.loads(stream.read(HEADER.unpack(header)[0]))  # noqa: S301 - of the service
    return asked


def answer(kind: str, what: object = None) -> bytes:
    """Write what a worker answers. Raises TypeError or ValueError for what is no plain data."""
    return _framed(json.dumps([kind, what], allow_nan=False).encode())


def length(header: bytes) -> int:
    """Read how long an answer is. Raises EngineError for one that is longer than any."""
    (found,) = HEADER.unpack(header)
    if found > LONGEST:
        raise EngineError(f"the plugin's process answered {found} bytes")
    return int(found)


def read_answer(body: bytes) -> tuple[str, Any]:
    """Read what a worker answers: its kind, and plain data. Raises EngineError for nonsense."""
    try:
        kind, what = json.loads(body)
    except (ValueError, TypeError, RecursionError) as error:
        raise EngineError(
            f"the plugin's process answered nonsense: {type(error).__name__}"
        ) from error
    if not isinstance(kind, str):
        raise EngineError("the plugin's process answered nonsense")
    return kind, what


def _framed(body: bytes) -> bytes:
    return HEADER.pack(len(body)) + body
