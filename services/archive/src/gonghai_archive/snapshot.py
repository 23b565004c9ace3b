"""The archive's present state, for peers that build their projections anew."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gonghai_archive import events
from gonghai_archive.activities import in_force
from gonghai_chassis.events import SnapshotItem
from gonghai_engine.calendar import DAY

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from gonghai_archive.activities import Activity
    from gonghai_archive.customers import Customer
    from gonghai_archive.policies import Assessor
    from gonghai_archive.projections.resources import Resources
    from gonghai_archive.store.customers import CustomerStore
    from gonghai_chassis.store import Partition
    from gonghai_engine import TenantPolicy
    from gonghai_policy_service import PolicyBook

_AT_ONCE: Final = 200
RECENT: Final = 400 * DAY
"""µs: activities that happened within this time go into a snapshot, and the last of each kind."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Reads policies, customers, and the activities that clocks may need."""

    customers: CustomerStore
    book: PolicyBook
    assessor: Assessor
    resources: Resources

    async def __call__(
        self, partition: Partition, tenant: str | None
    ) -> AsyncGenerator[SnapshotItem, None]:
        """Yield each subject of a partition, or of one tenant in it, as it is now."""
        async for item in self.book.snapshot(partition):
            if tenant in {None, item.tenant}:
                yield item
        tenants = await self.resources.tenants(partition) if tenant is None else [tenant]
        for each in tenants:
            async with aclosing(self.customers.each(each, _AT_ONCE)) as pages:
                async for ids in pages:
                    for item in await self._page(each, ids):
                        yield item

    async def _page(self, tenant: str, ids: list[str]) -> list[SnapshotItem]:
        got = await self.customers.load(tenant, ids)
        policy = await self.book.ensure(tenant, got.stamp)
        items = []
        for customer, activities in zip(got.customers, got.activities, strict=True):
            if customer is None:
                continue
            items.append(self._customer(policy, customer))
            for activity in recent(activities, got.now):
                payload = events.activity_facts(customer.name, activity).SerializeToString()
                items.append(
                    SnapshotItem(
                        events.ACTIVITY_RECORDED, tenant, customer.id, customer.version, payload
                    )
                )
        return items

    def _customer(self, policy: TenantPolicy, customer: Customer) -> SnapshotItem:
        published = self.assessor.published(policy, customer.profile, customer.assessment)
        # With the version of the event that told it: whoever rebuilds names that version to others,
        # who follow the stream and would wait for a later one in vain.
        told = replace(customer, version=customer.told)
        payload = events.customer_facts(told, published).SerializeToString()
        return SnapshotItem(
            events.CUSTOMER_CHANGED, customer.tenant, customer.id, customer.told, payload
        )


def recent(activities: list[Activity], now: int) -> list[Activity]:
    """Return the activities that clocks may need, in the order in which they were recorded.

    With the corrections of each, whatever time they give it: without them it would count.
    """
    latest: dict[str, Activity] = {}
    for activity in in_force(activities):
        known = latest.get(activity.kind)
        if known is None or known.occurred < activity.occurred:
            latest[activity.kind] = activity
    keep = {activity.id for activity in latest.values()}
    for each in activities:
        if each.occurred > now - RECENT or each.corrects in keep:
            keep.add(each.id)
    return [each for each in activities if each.id in keep]
