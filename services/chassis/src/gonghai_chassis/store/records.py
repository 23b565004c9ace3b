"""Records, arguments and replies as msgpack, the way Lua's cmsgpack reads and writes it.

What to know of cmsgpack:

* It knows raw strings only. Bytes are packed as such, and every string comes back as `str` with
  surrogate escapes; `blob` gives the original bytes.
* An empty Lua table is packed as an empty array, even where a map is meant: read containers with
  `mapping` and `sequence`.
* A value that is None is absent in a Lua map, and makes a hole in a Lua array: never put None into
  a list.
* Lua numbers are doubles: integers are exact up to 2**53, and a float with an integral value comes
  back as an integer.
* Tables nested more than 15 deep are cut off by the packer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgpack

Record = dict[str, Any]
Upgrade = Callable[[Record], Record]

_packer = msgpack.Packer(use_bin_type=False, unicode_errors="surrogateescape")


def pack(value: object) -> bytes:
    """Packs a value so that scripts can unpack it."""
    packed: bytes = _packer.pack(value)
    return packed


def unpack(packed: bytes) -> Any:  # noqa: ANN401 - the shape is the writer's
    """Unpacks what a script or `pack` packed; strings come as str with surrogate escapes."""
    return msgpack.unpackb(
        packed, raw=False, unicode_errors="surrogateescape", strict_map_key=False
    )


def blob(text: str) -> bytes:
    """The original bytes of a string that came out of `unpack`."""
    return text.encode("utf-8", "surrogateescape")


def mapping(value: object) -> Record:
    """A map out of `unpack`; an empty one may have come as an empty array or not at all."""
    if not value:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"A map was expected, not {type(value).__name__}.")
    return dict(value)


def sequence(value: object) -> list[Any]:
    """A list out of `unpack`; an empty one may not have come at all."""
    if not value:
        return []
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise TypeError(f"A list was expected, not {type(value).__name__}.")
    return list(value)


@dataclass(frozen=True, slots=True)
class RecordType:
    """A kind of record with its schema version and the way up from older ones.

    Attributes:
        name: what the record is, for messages.
        schema: version that is written, from 1.
        upgrades: by version, what turns a record of it into one of the next.
    """

    name: str
    schema: int
    upgrades: Mapping[int, Upgrade] = field(default_factory=dict)

    def pack(self, record: Mapping[str, Any]) -> bytes:
        """Packs a record together with its schema version (field `schema`)."""
        return pack({**record, "schema": self.schema})

    def unpack(self, packed: bytes) -> Record:
        """Unpacks a record and brings an older one up to the present schema.

        Raises:
            ValueError: the record is of a newer schema than this program knows, or of one that
                there is no way up from.
        """
        record = mapping(unpack(packed))
        schema = record.get("schema", 1)
        if schema > self.schema:
            raise ValueError(f"A {self.name} of schema {schema} is newer than this program knows.")
        while schema < self.schema:
            upgrade = self.upgrades.get(schema)
            if upgrade is None:
                raise ValueError(f"There is no way up from schema {schema} of a {self.name}.")
            record = upgrade(record)
            schema += 1
            record["schema"] = schema
        return record
