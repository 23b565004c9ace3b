"""What assignment keeps of pool: who holds each customer, and who is to be routed."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from gonghai.pool.v1 import custody_pb2, events_pb2, pool_pb2
from gonghai_assignment.customers import Custody, CustodyState, Entry
from gonghai_assignment.store.routing import TENANT_COOL_DOWN
from gonghai_chassis.events import Rebuild
from gonghai_chassis.instants import instant_of
from gonghai_chassis.names import CustomerName, PoolName, RepName, TeamName

if TYPE_CHECKING:
    from gonghai_assignment.customers import CustomerFacts
    from gonghai_assignment.projections.archive import LatestFacts
    from gonghai_assignment.roster import Rosters
    from gonghai_assignment.routing import Router
    from gonghai_assignment.store.projections import ProjectionStore
    from gonghai_chassis.events import Event, SnapshotItem, Step
    from gonghai_chassis.store import Partition

SOURCE = "pool"
CUSTODY = "custody_changed"
POOL = "pool_changed"
POOL_DELETED = "pool_deleted"
LIMITS = "limits_changed"

_STATES = {
    custody_pb2.CUSTODY_STATE_IN_POOL: CustodyState.POOL,
    custody_pb2.CUSTODY_STATE_HELD: CustodyState.HELD,
    custody_pb2.CUSTODY_STATE_RESERVED: CustodyState.RESERVED,
    custody_pb2.CUSTODY_STATE_OUT: CustodyState.OUT,
}


class PoolProjection:
    """Follows pool in one partition, and routes what enters a pool, in the order of its events."""

    kinds = frozenset({CUSTODY, POOL, POOL_DELETED, LIMITS})
    # Each choice rests on the one before it.
    side_by_side: frozenset[str] = frozenset()

    def __init__(
        self, store: ProjectionStore, latest: LatestFacts, rosters: Rosters, router: Router
    ) -> None:
        """Take where things are kept, and who routes."""
        self._store = store
        self._latest = latest
        self._rosters = rosters
        self._router = router
        self._generation = ""
        self._had: defaultdict[str, set[str]] = defaultdict(set)

    async def apply(self, step: Step, event: Event) -> bool:
        """Take in a change; a customer in a pool is routed before the next event is looked at."""
        if event.kind != CUSTODY:
            pool, days = cool_down_of(event.kind, event.payload)
            async with self._router.lock:
                retry = await self._store.take_cool_down(step, event.tenant, pool, days)
                self._rosters.forget(event.tenant)
                if retry:
                    await self._router.retry(event.tenant)
            return True
        customer, custody = custody_of(event.payload)
        facts: CustomerFacts | None = None
        if custody.open:
            # Before the lock is taken: archive's events may need it to get here.
            facts = await self._latest.at_least(
                step.partition,
                event.tenant,
                customer,
                custody.archive_version,
                told=event.time,
            )
        known = _known(event.tenant, customer, custody, facts)
        async with self._router.lock:
            await self._router.catch_up()
            if custody.version == 1 and known is not None and await self._router.enter(step, known):
                return True
            taken = await self._store.take_custody(step, event.tenant, customer, custody)
            self._rosters.learn(event.tenant, taken.loads)
            if taken.open and facts is not None:
                await self._router.route(event.tenant, customer, known=known)
            elif taken.open:
                # His facts are in quarantine: he alone waits for them.
                await self._router.drain()
            if taken.retry:
                await self._router.retry(event.tenant)
        return True

    async def load(self, partition: Partition, generation: str, item: SnapshotItem) -> None:
        """Take in an item of pool's snapshot."""
        rebuild = Rebuild(partition, SOURCE, generation)
        if item.kind == CUSTODY:
            customer, custody = custody_of(item.payload)
            change = await self._store.load_custody(rebuild, item.tenant, customer, custody)
            self._rosters.learn(item.tenant, change)
        elif item.kind in self.kinds:
            pool, days = cool_down_of(item.kind, item.payload)
            if generation != self._generation:
                self._generation, self._had = generation, defaultdict(set)
            self._had[item.tenant].add(pool)
            await self._store.load_cool_down(rebuild, item.tenant, pool, days)

    async def finish_rebuild(self, partition: Partition, generation: str) -> None:
        """Forget what the snapshot did not have, and route what it put up."""
        rebuild = Rebuild(partition, SOURCE, generation)
        had = self._had if generation == self._generation else {}
        for tenant in await self._store.tenants(partition):
            await self._store.drop_custodies(rebuild, tenant)
            await self._store.recount_loads(rebuild, tenant)
            await self._store.drop_cool_downs(rebuild, tenant, had.get(tenant, ()))
            self._rosters.forget(tenant)
        self._had = defaultdict(set)
        self._router.wake()

    async def checkpoint(self, partition: Partition, changes_through: int) -> None:
        """Nothing waits for pool's watermark here."""


def _known(
    tenant: str, customer: str, custody: Custody, facts: CustomerFacts | None
) -> Entry | None:
    """What routing rests on, where it is at hand without reading."""
    if facts is None or custody.former_owner is not None or facts.group:
        return None
    return Entry(tenant=tenant, customer=customer, custody=custody, facts=facts)


def custody_of(payload: bytes) -> tuple[str, Custody]:
    """What an event says: the customer's id and its custody."""
    custody = events_pb2.CustodyChanged.FromString(payload).custody
    holder = custody.holder
    former = RepName.parse_optional(custody.former_owner)
    state = _STATES.get(custody.state, CustodyState.OUT)
    held = state is CustodyState.HELD
    return CustomerName.parse(custody.customer).id, Custody(
        version=custody.version,
        state=state,
        term=custody.term,
        pool=PoolName.parse(custody.pool).id if custody.pool else "",
        rep=RepName.parse(holder.rep).id if held and holder.rep else None,
        team=TeamName.parse(holder.team).id if held and holder.team else None,
        weight=custody.weight_milli,
        former_owner=former.id if former is not None else None,
        former_owner_time=(
            instant_of(custody.former_owner_time) if custody.HasField("former_owner_time") else None
        ),
        archive_version=custody.archive_version,
        blocked=custody.locked or custody.disputed,
    )


def cool_down_of(kind: str, payload: bytes) -> tuple[str, int]:
    """Return of which pool (or the tenant) an event tells how many days a former owner waits."""
    if kind == LIMITS:
        limits = pool_pb2.Limits.FromString(payload)
        return TENANT_COOL_DOWN, limits.claim_limits.cool_down_days
    if kind == POOL_DELETED:
        return PoolName.parse(payload.decode()).id, 0
    pool = pool_pb2.Pool.FromString(payload)
    return PoolName.parse(pool.name).id, pool.claim_limits.cool_down_days
