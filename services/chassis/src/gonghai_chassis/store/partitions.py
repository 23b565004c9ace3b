"""Partitions: the unit of atomicity, of the event stream, of the lease and of the Cluster slot."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_TENANT = "-"
"""Stands in a key where it belongs to the partition and not to a tenant."""


def partition_index(tenant: str, partitions: int) -> int:
    """Index of the partition that a tenant lives in; the same for ever once installed."""
    return crc32(tenant.encode()) % partitions


class CommonKeys(NamedTuple):
    """Keys that each area has once in a partition (the clock is shared by all areas)."""

    clock: str
    stream: str
    meta: str
    lease: str
    intents: str


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition as seen by one area (archive, pool, assignment); makes all key names.

    A name is `gh:{p07}:<area>:<tenant or ->:<kind>[:<id>…]`; the part in braces is the Cluster's
    hash tag, so all keys of a partition live together.
    """

    index: int
    area: str
    tag: str = field(init=False)
    prefix: str = field(init=False)
    keys: CommonKeys = field(init=False)
    common: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Works out the parts of names that never change."""
        tag = f"p{self.index:02d}"
        prefix = f"gh:{{{tag}}}:{self.area}:"
        keys = CommonKeys(
            clock=f"gh:{{{tag}}}:clock:{NO_TENANT}:clock",
            stream=f"{prefix}{NO_TENANT}:stream",
            meta=f"{prefix}{NO_TENANT}:meta",
            lease=f"{prefix}{NO_TENANT}:lease",
            intents=f"{prefix}{NO_TENANT}:intents",
        )
        object.__setattr__(self, "tag", tag)
        object.__setattr__(self, "prefix", prefix)
        object.__setattr__(self, "keys", keys)
        object.__setattr__(self, "common", MappingProxyType(keys._asdict()))

    def key(self, kind: str, tenant: str = NO_TENANT, *ids: str) -> str:
        """Name of the key of a kind, of a tenant or of the partition, with its ids."""
        if ids:
            return f"{self.prefix}{tenant}:{kind}:{':'.join(ids)}"
        return f"{self.prefix}{tenant}:{kind}"

    def request_key(self, tenant: str, request_id: str) -> str:
        """Where the answer to a request id of a tenant is remembered."""
        return f"{self.prefix}{tenant}:request:{request_id}"

    def cursor_key(self, source: str) -> str:
        """Where this area keeps how far it has followed the stream of another one."""
        return f"{self.prefix}{NO_TENANT}:cursor:{source}"

    def quarantine_key(self, source: str) -> str:
        """Index of the subjects of a source with events in quarantine: `<tenant>/<subject>`."""
        return f"{self.prefix}{NO_TENANT}:quarantine:{source}"

    def quarantined_key(self, source: str) -> str:
        """Queues of all these subjects, in one sorted set (include `cursor` tells its members)."""
        return f"{self.prefix}{NO_TENANT}:quarantined:{source}"

    def due_key(self, kind: str) -> str:
        """Index of time-driven work of a kind: members scored by the instant they fall due."""
        return f"{self.prefix}{NO_TENANT}:due:{kind}"
