"""What runs for a partition whose lease this replica holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gonghai_assignment.projections.archive import ArchiveProjection, LatestFacts
from gonghai_assignment.projections.pool import PoolProjection
from gonghai_assignment.routing import Router
from gonghai_assignment.store import keys
from gonghai_assignment.waits import Waits
from gonghai_assignment.workers.assigning import Assigning
from gonghai_chassis.events import Quarantine, Subscriber
from gonghai_chassis.intents import IntentWorker
from gonghai_chassis.sweeper import Sweeper
from gonghai_chassis.workers import PartitionTask
from gonghai_policy_service.store.keys import RECOMPUTE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_assignment.calls import PoolCalls
    from gonghai_assignment.choosing import Chooser
    from gonghai_assignment.roster import Rosters
    from gonghai_assignment.store.projections import ProjectionStore
    from gonghai_assignment.store.routing import RoutingStore
    from gonghai_chassis.events import Feed, Tail
    from gonghai_chassis.leases import Lease
    from gonghai_chassis.store import Store
    from gonghai_chassis.sweeper import Due
    from gonghai_policy_service.book import PolicyBook

_CALLS_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class PartitionTasks:
    """Makes the tasks of a partition that was just taken.

    Attributes:
        archive: archive's events.
        pool: pool's events.
        waits: where it is noted that facts of archive are waited for.
    """

    store: Store
    tail: Tail
    archive: Feed
    pool: Feed
    calls: PoolCalls
    routings: RoutingStore
    projections: ProjectionStore
    rosters: Rosters
    chooser: Chooser
    book: PolicyBook
    waits: Waits = field(default_factory=Waits)

    def __call__(self, lease: Lease) -> list[PartitionTask]:
        """Return what to run while the lease is held."""
        partition = lease.partition
        quarantine = Quarantine(self.store, partition, "archive")

        async def frozen(tenant: str, customer: str) -> bool:
            return bool(await quarantine.found([(tenant, customer)]))

        latest = LatestFacts(self.projections, frozen, self.waits)
        router = Router(
            lambda: self.store.clock.now(partition),
            partition,
            routings=self.routings,
            rosters=self.rosters,
            chooser=self.chooser,
            book=self.book,
            frozen=frozen,
        )
        assigning = Assigning(self.calls, self.routings, self.rosters, router)

        async def retry(due: Sequence[Due], now: int) -> None:
            del now
            for entry in due:
                async with router.lock:
                    await router.retry(entry.member)

        async def decide_anew(due: Sequence[Due], now: int) -> None:
            """A new policy: what was parked under the old one is tried again."""
            del now
            for entry in due:
                policy = await self.book.tenant(entry.member)
                async with router.lock:
                    await self.projections.forget_full(partition, entry.member)
                    self.rosters.forget(entry.member)
                    await router.retry(entry.member)
                await self.book.recomputed(partition, entry.member, policy.revision)

        archive = Subscriber(
            self.store,
            partition,
            source="archive",
            feed=self.archive,
            projection=ArchiveProjection(self.projections, latest, self.book, router),
        )
        pool = Subscriber(
            self.store,
            partition,
            source="pool",
            feed=self.pool,
            projection=PoolProjection(self.projections, latest, self.rosters, router),
        )
        intents = IntentWorker(
            self.store,
            self.tail,
            partition,
            assigning.carry_out,
            concurrency=_CALLS_AT_ONCE,
            offered=True,
        )
        router.offer_to(intents.offer)
        parked = Sweeper(self.store, self.tail, partition, due_kind=keys.PARKED, handle=retry)
        policies = Sweeper(self.store, self.tail, partition, due_kind=RECOMPUTE, handle=decide_anew)
        return [
            PartitionTask("archive", archive.run),
            PartitionTask("pool", pool.run),
            PartitionTask("route", router.run),
            PartitionTask("assign", intents.run),
            PartitionTask("parked", parked.run),
            PartitionTask("policies", policies.run),
        ]
