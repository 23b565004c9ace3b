"""What a service and a worker say to each other: one pickled tuple after its length.

A worker runs a plugin's code, so what comes from it is read with a list of what may be in it: data
of the engine and the SDK, and nothing that a plugin made.
"""

from __future__ import annotations

import io
import pickle
import struct
from typing import TYPE_CHECKING, Any, Final

from gonghai_engine.faults import EngineError

if TYPE_CHECKING:
    from typing import BinaryIO

HEADER: Final = struct.Struct("<I")
PROGRESS: Final = struct.Struct("<q")
"""The place of the request that is being decided, in the page that both have; -1 for none."""

_MODULES: Final = ("gonghai_engine.", "gonghai_plugin.")
_PLAIN: Final = frozenset({("builtins", "frozenset"), ("builtins", "set")})


def pack(message: tuple[Any, ...]) -> bytes:
    """Write a message."""
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return HEADER.pack(len(body)) + body


def unpack(body: bytes) -> tuple[Any, ...]:
    """Read a message. Raises EngineError for what may not be in one."""
    try:
        message = _Reader(io.BytesIO(body)).load()
    except Exception as error:
        raise EngineError(
            f"the plugin's process answered nonsense: {type(error).__name__}"
        ) from error
    if not isinstance(message, tuple) or not message:
        raise EngineError("the plugin's process answered nonsense")
    return message


def read(stream: BinaryIO) -> tuple[Any, ...] | None:
    """Read the next message; None at the end."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    return unpack(stream.read(HEADER.unpack(header)[0]))


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - pickle's
        if (module, name) in _PLAIN:
            return super().find_class(module, name)
        if f"{module}.".startswith(_MODULES):
            found = super().find_class(module, name)
            if isinstance(found, type):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is no data of the engine")
