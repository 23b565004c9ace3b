"""What pool tells: who has each customer, and what its pools hide from whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gonghai.pool.v1 import custody_pb2, events_pb2, pool_pb2
from gonghai_archive.sight import Custody, Member, Pool
from gonghai_archive.store import keys
from gonghai_archive.store.neighbours import custody_terms, pack_custody, pack_pool
from gonghai_chassis.events import Rebuild
from gonghai_chassis.instants import instant_of
from gonghai_chassis.store import Script

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gonghai_archive.projections.resources import Resources
    from gonghai_archive.store.customers import CustomerStore
    from gonghai_chassis.events import Event, SnapshotItem, Step
    from gonghai_chassis.store import Partition, Store

FOLLOW: Final = Script("gonghai_archive.store", "follow_custody")
LOAD: Final = Script("gonghai_archive.store", "load_custody")
DROP: Final = Script("gonghai_archive.store", "drop_custodies")
STRAYS: Final = Script("gonghai_archive.store", "drop_strays")

SOURCE: Final = "pool"
KINDS: Final = ("custody_changed", "pool_changed", "pool_deleted")

_AT_ONCE = 500
_STATE_PREFIX: Final = "CUSTODY_STATE_"


class PoolProjection:
    """Keeps custodies and pools."""

    kinds = frozenset(KINDS)
    side_by_side = frozenset({"custody_changed"})

    def __init__(self, store: Store, customers: CustomerStore, resources: Resources) -> None:
        """Keep them in this store, beside these customers."""
        self._store = store
        self._customers = customers
        self._resources = resources

    async def apply(self, step: Step, event: Event) -> bool:
        """Keep what an event says."""
        p, tenant = step.partition, event.tenant
        if event.kind == "custody_changed":
            told = events_pb2.CustodyChanged.FromString(event.payload).custody
            custody = custody_of(told)
            await step.turn()
            await self._store.run(
                FOLLOW,
                p,
                keys={**step.keys(), **_keys(p, tenant, _id(told.customer))},
                args={**step.args(), **_args(tenant, _id(told.customer), custody, "")},
            )
            return True
        record = None
        if event.kind == "pool_changed":
            record = pack_pool(pool_of(pool_pb2.Pool.FromString(event.payload), event.version))
        await self._resources.follow(
            step, keys.pools(p, tenant), tenant, event.subject, event.version, record
        )
        return True

    async def load(self, partition: Partition, generation: str, item: SnapshotItem) -> None:
        """Keep what a snapshot says."""
        tenant = item.tenant
        rebuild = Rebuild(partition, SOURCE, generation)
        if item.kind == "custody_changed":
            told = events_pb2.CustodyChanged.FromString(item.payload).custody
            await self._store.run(
                LOAD,
                partition,
                keys={**rebuild.keys(), **_keys(partition, tenant, _id(told.customer))},
                args={
                    **rebuild.args(),
                    **_args(tenant, _id(told.customer), custody_of(told), generation),
                },
            )
        elif item.kind == "pool_changed":
            await self._resources.load(
                rebuild,
                keys.pools(partition, tenant),
                tenant,
                item.subject,
                pool_record(item, generation),
            )

    async def finish_rebuild(self, partition: Partition, generation: str) -> None:
        """Forget what the snapshot did not have."""
        rebuild = Rebuild(partition, SOURCE, generation)
        for tenant in await self._resources.tenants(partition):
            await self._drop_strays(rebuild, tenant)
            await self._resources.drop(rebuild, keys.pools(partition, tenant))
            async for ids in self._customers.each(tenant, _AT_ONCE):
                await self._store.run(
                    DROP,
                    partition,
                    keys={
                        **rebuild.keys(),
                        "custodies": keys.custodies(partition, tenant),
                        "index": keys.index(partition, tenant),
                    },
                    args={**rebuild.args(), "ids": ids},
                )

    async def _drop_strays(self, rebuild: Rebuild, tenant: str) -> None:
        """Take customers out of lists whose they are not: what said so may be lost."""
        p = rebuild.partition
        owners = await self._resources.idents(p, keys.reps(p, tenant))
        pools = await self._resources.idents(p, keys.pools(p, tenant))
        for term in (*(f"owner:{each}" for each in owners), *(f"pool:{each}" for each in pools)):
            async for ids in self._customers.each(tenant, _AT_ONCE, within=(term,)):
                await self._store.run(
                    STRAYS,
                    p,
                    keys={
                        **rebuild.keys(),
                        "custodies": keys.custodies(p, tenant),
                        "index": keys.index(p, tenant),
                    },
                    args={**rebuild.args(), "term": term, "ids": ids},
                )

    async def checkpoint(self, partition: Partition, changes_through: int) -> None:
        """Nothing waits for pool's watermark."""


def custody_record(item: SnapshotItem, generation: str = "") -> bytes:
    """Return a custody of a snapshot as the store keeps it."""
    custody = custody_of(events_pb2.CustodyChanged.FromString(item.payload).custody)
    return pack_custody(custody, custody_terms(custody), generation)


def pool_record(item: SnapshotItem, generation: str = "") -> bytes:
    """Return a pool of a snapshot as the store keeps it."""
    return pack_pool(pool_of(pool_pb2.Pool.FromString(item.payload), item.version), generation)


def custody_of(message: custody_pb2.Custody) -> Custody:
    """Return what the archive keeps of a custody."""
    state = custody_pb2.CustodyState.Name(message.state).removeprefix(_STATE_PREFIX)
    return Custody(
        version=message.version,
        state=state,
        pool=_id(message.pool),
        owner=_id(message.holder.rep),
        team=_id(message.holder.team),
        collaborators=tuple(
            (
                _id(each.rep),
                instant_of(each.expire_time) if each.HasField("expire_time") else 0,
            )
            for each in message.collaborators
        ),
    )


def pool_of(message: pool_pb2.Pool, version: int) -> Pool:
    """Return what the archive keeps of a pool."""
    return Pool(
        version,
        _members(message.members),
        _members(message.managers),
        frozenset(message.hidden_fields),
    )


def _members(messages: Iterable[pool_pb2.PoolMember]) -> frozenset[Member]:
    members = set()
    for message in messages:
        kind = message.WhichOneof("kind")
        if kind is not None:
            members.add(Member(kind, _id(getattr(message, kind))))
    return frozenset(members)


def _id(name: str) -> str:
    """The id at the end of a resource name; a role is no name and stays."""
    return name.rpartition("/")[2]


def _keys(p: Partition, tenant: str, customer: str) -> dict[str, str]:
    return {
        "custody": keys.custody(p, tenant, customer),
        "customer": keys.customer(p, tenant, customer),
        "index": keys.index(p, tenant),
        "tenants": keys.tenants(p),
    }


def _args(tenant: str, customer: str, custody: Custody, generation: str) -> dict[str, object]:
    terms = custody_terms(custody)
    return {
        "tenant": tenant,
        "customer": customer,
        "version": custody.version,
        "record": pack_custody(custody, terms, generation),
        "terms": terms,
    }
