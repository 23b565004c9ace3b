"""What the archive keeps of pool and assignment, beside what their snapshots would have it keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gonghai_archive.projections import assignment, pool
from gonghai_archive.store import keys
from gonghai_chassis.store import records
from gonghai_chassis.upkeep.comparison import Known, Sight, content

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from gonghai_archive.projections.resources import Resources
    from gonghai_archive.store.customers import CustomerStore
    from gonghai_chassis.events import SnapshotItem
    from gonghai_chassis.store import Partition

_AT_ONCE: Final = 500
_SCAN: Final = 500

Page = tuple[str, str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class OfPool:
    """Custodies and pools."""

    customers: CustomerStore
    resources: Resources
    kinds: frozenset[str] = frozenset({"custody_changed", "pool_changed"})

    def subject(self, item: SnapshotItem) -> str:
        """Return the item's own."""
        return item.subject

    async def look(
        self, partition: Partition, tenant: str, kind: str, items: Sequence[SnapshotItem]
    ) -> list[Sight]:
        """Return what a rebuild would store, and what is stored."""
        subjects = [item.subject for item in items]
        if kind == "pool_changed":
            told = [pool.pool_record(item) for item in items]
            stored = await _fields(
                self.resources, partition, keys.pools(partition, tenant), subjects
            )
        else:
            told = [pool.custody_record(item) for item in items]
            read = await self.resources.store.read(
                partition, [keys.custody(partition, tenant, subject) for subject in subjects]
            )
            stored = read.values
        return [Sight(_known(one), _known(other)) for one, other in zip(told, stored, strict=True)]

    async def subjects(self, partition: Partition) -> AsyncGenerator[Page, None]:
        """Yield everything that is kept. Custodies are found by the customers they are of."""
        for tenant in await self.resources.tenants(partition):
            async for page in _pages(
                self.resources, partition, keys.pools(partition, tenant), "pool_changed", tenant
            ):
                yield page
            async for ids in self.customers.each(tenant, _AT_ONCE):
                read = await self.resources.store.read(
                    partition, [keys.custody(partition, tenant, ident) for ident in ids]
                )
                yield (
                    "custody_changed",
                    tenant,
                    {
                        ident: _version(packed)
                        for ident, packed in zip(ids, read.values, strict=True)
                        if packed is not None
                    },
                )


@dataclass(frozen=True, slots=True)
class OfAssignment:
    """Reps and teams."""

    resources: Resources
    kinds: frozenset[str] = frozenset(assignment.KINDS)

    def subject(self, item: SnapshotItem) -> str:
        """Return the item's own."""
        return item.subject

    async def look(
        self, partition: Partition, tenant: str, kind: str, items: Sequence[SnapshotItem]
    ) -> list[Sight]:
        """Return what a rebuild would store, and what is stored."""
        del kind, tenant
        told = [assignment.record_of(partition, item, "") for item in items]
        key = told[0][0]
        stored = await _fields(self.resources, partition, key, [item.subject for item in items])
        return [
            Sight(_known(record), _known(known))
            for (_, record), known in zip(told, stored, strict=True)
        ]

    async def subjects(self, partition: Partition) -> AsyncGenerator[Page, None]:
        """Yield everything that is kept."""
        for tenant in await self.resources.tenants(partition):
            for kind, key in (
                ("rep_changed", keys.reps(partition, tenant)),
                ("team_changed", keys.teams(partition, tenant)),
            ):
                async for page in _pages(self.resources, partition, key, kind, tenant):
                    yield page


async def _fields(
    resources: Resources, partition: Partition, key: str, fields: Sequence[str]
) -> list[bytes | None]:
    client: Any = resources.store.client(partition)
    found: list[bytes | None] = await client.hmget(key, list(fields))
    return found


async def _pages(
    resources: Resources, partition: Partition, key: str, kind: str, tenant: str
) -> AsyncGenerator[Page, None]:
    client: Any = resources.store.client(partition)
    async for name, packed in client.hscan_iter(key, count=_SCAN):
        yield kind, tenant, {name.decode(): _version(packed)}


def _record(packed: bytes) -> Mapping[str, Any]:
    return records.mapping(records.unpack(packed))


def _version(packed: bytes) -> int:
    version: int = _record(packed)["version"]
    return version


def _known(packed: bytes | None) -> Known | None:
    if packed is None:
        return None
    record = _record(packed)
    return Known(record["version"], content(record))
