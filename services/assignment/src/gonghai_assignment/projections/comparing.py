"""What assignment keeps of pool and archive, beside what their snapshots would have it keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gonghai_assignment.projections import archive, pool
from gonghai_assignment.store import keys
from gonghai_assignment.store.routing import TENANT_COOL_DOWN, custody_record, pack_facts
from gonghai_chassis.store import records
from gonghai_chassis.upkeep.comparison import Known, Sight, content
from gonghai_policy_service.kept_policies import KIND as POLICY
from gonghai_policy_service.kept_policies import kept_policies, policies_seen

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from gonghai_assignment.store.projections import ProjectionStore
    from gonghai_chassis.events import SnapshotItem
    from gonghai_chassis.store import Partition, Store

_SCAN: Final = 500

Page = tuple[str, str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class OfPool:
    """Custodies, and the cool-downs of pools and of the tenant."""

    store: Store
    projections: ProjectionStore
    kinds: frozenset[str] = frozenset({pool.CUSTODY, pool.POOL, pool.LIMITS})

    def subject(self, item: SnapshotItem) -> str:
        """Return the item's own; of limits the field that stands for the tenant."""
        return item.subject if item.kind == pool.CUSTODY else _cool_down(item)[0]

    async def look(
        self, partition: Partition, tenant: str, kind: str, items: Sequence[SnapshotItem]
    ) -> list[Sight]:
        """Return what a rebuild would store, and what is stored."""
        client: Any = self.store.client(partition)
        if kind == pool.CUSTODY:
            told = [
                records.pack(custody_record(pool.custody_of(item.payload)[1])) for item in items
            ]
            stored = await client.hmget(
                keys.custody(partition, tenant), [item.subject for item in items]
            )
            return [
                Sight(_custody(one), _custody(other))
                for one, other in zip(told, stored, strict=True)
            ]
        days = [_cool_down(item) for item in items]
        stored = await client.hmget(
            keys.cool_downs(partition, tenant), [ident for ident, _ in days]
        )
        return [
            Sight(_days(number), _days(int(other or 0)))
            for (_, number), other in zip(days, stored, strict=True)
        ]

    async def subjects(self, partition: Partition) -> AsyncGenerator[Page, None]:
        """Yield everything that is kept."""
        client: Any = self.store.client(partition)
        for tenant in await self.projections.tenants(partition):
            key = keys.custody(partition, tenant)
            async for name, packed in client.hscan_iter(key, count=_SCAN):
                yield pool.CUSTODY, tenant, {name.decode(): _version(packed)}
            key = keys.cool_downs(partition, tenant)
            async for name, _ in client.hscan_iter(key, count=_SCAN):
                ident = name.decode()
                kind = pool.LIMITS if ident == TENANT_COOL_DOWN else pool.POOL
                yield kind, tenant, {ident: 0}


@dataclass(frozen=True, slots=True)
class OfArchive:
    """Facts of customers, and policies."""

    store: Store
    projections: ProjectionStore
    kinds: frozenset[str] = frozenset({archive.CUSTOMER, POLICY})

    def subject(self, item: SnapshotItem) -> str:
        """Return the item's own."""
        return item.subject

    async def look(
        self, partition: Partition, tenant: str, kind: str, items: Sequence[SnapshotItem]
    ) -> list[Sight]:
        """Return what a rebuild would store, and what is stored."""
        if kind == POLICY:
            return await policies_seen(self.store, partition, items)
        client: Any = self.store.client(partition)
        told = [pack_facts(archive.facts_of(item.payload)[1]) for item in items]
        stored = await client.hmget(keys.facts(partition, tenant), [item.subject for item in items])
        return [Sight(_known(one), _known(other)) for one, other in zip(told, stored, strict=True)]

    async def subjects(self, partition: Partition) -> AsyncGenerator[Page, None]:
        """Yield everything that is kept."""
        client: Any = self.store.client(partition)
        async for page in kept_policies(self.store, partition):
            yield page
        for tenant in await self.projections.tenants(partition):
            key = keys.facts(partition, tenant)
            async for name, packed in client.hscan_iter(key, count=_SCAN):
                yield archive.CUSTOMER, tenant, {name.decode(): _version(packed)}


def _cool_down(item: SnapshotItem) -> tuple[str, int]:
    return pool.cool_down_of(item.kind, item.payload)


def _days(number: int) -> Known | None:
    """A cool-down has no version here, and none of no days is kept."""
    return Known(0, number) if number else None


def _custody(packed: bytes | None) -> Known | None:
    """How far pool has heard of archive moves on without a version, and without an event."""
    known = _known(packed)
    if known is not None:
        known.content.pop("archive_version", None)
    return known


def _version(packed: bytes) -> int:
    version: int = records.mapping(records.unpack(packed))["version"]
    return version


def _known(packed: bytes | None) -> Known | None:
    if packed is None:
        return None
    record = records.mapping(records.unpack(packed))
    return Known(record["version"], content(record))
