"""What assignment keeps of archive: facts of customers, and the tenants' policies."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

import structlog

from gonghai.archive.v1 import events_pb2
from gonghai_assignment.customers import CustomerFacts
from gonghai_assignment.waits import Waits, never_frozen
from gonghai_chassis.events import Rebuild
from gonghai_chassis.names import CustomerName
from gonghai_engine.document import PolicyDocumentError
from gonghai_policy_service.book import KIND as POLICY
from gonghai_policy_service.values import from_values

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gonghai_assignment.routing import Router
    from gonghai_assignment.store.projections import ProjectionStore
    from gonghai_chassis.events import Event, SnapshotItem, Step
    from gonghai_chassis.store import Partition
    from gonghai_policy_service.book import PolicyBook

_log = structlog.get_logger(__name__)

SOURCE = "archive"
CUSTOMER = "customer_changed"
_REMEMBERED = 10_000
_LOOK_EVERY = 0.5
"""Seconds between looks at the store for facts that came by another way than this process."""


class LatestFacts:
    """The facts that came last, in memory, and who waits for some."""

    def __init__(
        self,
        store: ProjectionStore,
        frozen: Callable[[str, str], Awaitable[bool]] = never_frozen,
        waits: Waits | None = None,
    ) -> None:
        """Start with none in memory.

        Args:
            store: where all facts are.
            frozen: tells whether events of archive about a customer are in quarantine.
            waits: where it is noted that facts are waited for.
        """
        self._store = store
        self._frozen = frozen
        self._waits = waits or Waits()
        self._facts: OrderedDict[tuple[str, str], CustomerFacts] = OrderedDict()
        self._waiters: dict[tuple[str, str], list[asyncio.Future[None]]] = {}

    def remember(self, tenant: str, customer: str, facts: CustomerFacts) -> None:
        """Take in facts that are stored."""
        key = (tenant, customer)
        self._facts[key] = facts
        self._facts.move_to_end(key)
        if len(self._facts) > _REMEMBERED:
            self._facts.popitem(last=False)
        for waiter in self._waiters.pop(key, ()):
            if not waiter.done():
                waiter.set_result(None)

    def clear(self) -> None:
        """Forget all: the partition may be another replica's meanwhile."""
        self._facts.clear()

    async def at_least(
        self, partition: Partition, tenant: str, customer: str, version: int, *, told: int
    ) -> CustomerFacts | None:
        """Return the facts of a customer once they are of a version or a later one.

        None when that may take long: archive's events about him are in quarantine.

        Args:
            partition: where they are.
            tenant: the customer's.
            customer: whose.
            version: what pool had seen of archive when it told of the customer.
            told: when it did (domain time, µs). Once archive's stream is known to be complete
                beyond that, no such version comes any more: archive has lost it, with the tail of
                its store, and the facts are as they are.
        """
        with self._waits.noted(partition.index, tenant, customer) as still:
            return await self._await(partition, (tenant, customer), version, told, still)

    async def _await(
        self,
        partition: Partition,
        key: tuple[str, str],
        version: int,
        told: int,
        still: Callable[[], None],
    ) -> CustomerFacts | None:
        tenant, customer = key
        while True:
            facts = self._facts.get(key)
            if facts is None or facts.version < version:
                facts = await self._store.facts(partition, tenant, customer)
                if facts is not None:
                    self._facts[key] = facts
            if facts is not None and facts.version >= version:
                return facts
            if version == 0:
                return CustomerFacts()
            if await self._frozen(tenant, customer):
                return None
            if await self._heard_beyond(partition, told):
                # It may have come with the last of what was heard.
                facts = await self._store.facts(partition, tenant, customer)
                return facts or CustomerFacts()
            still()
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.setdefault(key, []).append(waiter)
            # It may have come while the store was asked.
            known = self._facts.get(key)
            if known is None or known.version < version:
                await asyncio.wait((waiter,), timeout=_LOOK_EVERY)
            waiter.cancel()

    async def _heard_beyond(self, partition: Partition, moment: int) -> bool:
        return (await self._store.heard(partition, SOURCE)) > moment


class ArchiveProjection:
    """Follows archive in one partition."""

    kinds = frozenset({CUSTOMER, POLICY})
    side_by_side = frozenset({CUSTOMER})

    def __init__(
        self, store: ProjectionStore, latest: LatestFacts, book: PolicyBook, router: Router
    ) -> None:
        """Take where things are kept, and who routes."""
        self._store = store
        self._latest = latest
        self._book = book
        self._router = router

    async def apply(self, step: Step, event: Event) -> bool:
        """Take in facts or a policy."""
        if event.kind == POLICY:
            await self._book.follow(step, event)
            try:
                await self._book.tenant(event.tenant)
            except PolicyDocumentError as error:
                _log.error("policy_unreadable", tenant=event.tenant, error=str(error))
            return True
        customer, facts = facts_of(event.payload)
        retry = await self._store.take_facts(step, event.tenant, customer, facts)
        self._latest.remember(event.tenant, customer, facts)
        self._router.facts_came(event.tenant, customer)
        if retry:
            async with self._router.lock:
                await self._router.retry(event.tenant)
        return True

    async def load(self, partition: Partition, generation: str, item: SnapshotItem) -> None:
        """Take in an item of archive's snapshot."""
        rebuild = Rebuild(partition, SOURCE, generation)
        if item.kind == POLICY:
            await self._book.load(rebuild, item)
        elif item.kind == CUSTOMER:
            customer, facts = facts_of(item.payload)
            await self._store.load_facts(rebuild, item.tenant, customer, facts)

    async def finish_rebuild(self, partition: Partition, generation: str) -> None:
        """Forget what the snapshot did not have."""
        self._latest.clear()
        for tenant in await self._store.tenants(partition):
            await self._store.drop_facts(Rebuild(partition, SOURCE, generation), tenant)

    async def checkpoint(self, partition: Partition, changes_through: int) -> None:
        """Nothing waits for archive's watermark here."""


def facts_of(payload: bytes) -> tuple[str, CustomerFacts]:
    """Return the customer that an event is about, and what it says of it."""
    message = events_pb2.CustomerFacts.FromString(payload)
    return CustomerName.parse(message.customer).id, CustomerFacts(
        version=message.version,
        industry=message.industry,
        region=message.region,
        tier=message.tier,
        rank=message.tier_rank,
        stage=message.stage,
        group=message.group,
        facts=from_values(message.facts),
    )
