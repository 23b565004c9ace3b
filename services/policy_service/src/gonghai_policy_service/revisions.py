"""A revision of a tenant's policy document."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Self

from gonghai_chassis.store import records

REVISION = records.RecordType("policy revision", schema=1)


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision.

    Attributes:
        tenant: whose.
        number: from 1, growing by one.
        document: the YAML.
        digest: of the document's content, hexadecimal.
        actor: the principal that applied it.
        on_behalf_of: the person for whom a back end did; "" when none.
        at: when (domain time, µs).
        comment: why, as the person said.
    """

    tenant: str
    number: int
    document: str
    digest: str
    actor: str = ""
    on_behalf_of: str = ""
    at: int = 0
    comment: str = ""

    def pack(self) -> bytes:
        """Return it as a record of the store."""
        return REVISION.pack(asdict(self))

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        """Read a record of the store."""
        record = REVISION.unpack(packed)
        del record["schema"]
        return cls(**record)
