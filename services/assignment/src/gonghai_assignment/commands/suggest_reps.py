"""Who suits a customer, best first, and what excluded the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gonghai_assignment.choosing import Bounds
from gonghai_assignment.customers import Custody, CustodyState
from gonghai_chassis.errors import NotFound

if TYPE_CHECKING:
    from gonghai_assignment.choosing import Choice, Chooser
    from gonghai_assignment.roster import Rosters
    from gonghai_assignment.store.routing import RoutingStore
    from gonghai_chassis.names import CustomerName
    from gonghai_chassis.store import Store
    from gonghai_policy_service.book import PolicyBook


@dataclass(frozen=True, slots=True)
class SuggestReps:
    """Scores the reps for a customer, wherever it is; nothing changes."""

    store: Store
    routings: RoutingStore
    rosters: Rosters
    chooser: Chooser
    book: PolicyBook

    async def __call__(
        self,
        customer: CustomerName,
        *,
        among: frozenset[str] | None,
        deadline: float | None,
    ) -> Choice:
        """Return who would get the customer, and who else was considered.

        Args:
            customer: whom it is about.
            among: the only reps to consider; None: all.
            deadline: in seconds of `time.monotonic`.

        Raises:
            NotFound: neither archive nor pool has said anything about it.
        """
        entry = await self.routings.entry(customer.tenant, customer.id, deadline=deadline)
        if entry.facts.version == 0 and entry.custody is None:
            raise NotFound(customer)
        await self.book.ensure(customer.tenant, entry.policy, deadline=deadline)
        if entry.custody is None:
            entry = replace(entry, custody=Custody(version=0, state=CustodyState.OUT))
        roster = await self.rosters.read(customer.tenant, deadline=deadline)
        now = self.store.clock.now(self.store.partition(customer.tenant))
        return await self.chooser.choose(entry, roster, now=now, bounds=Bounds(among=among))
