"""Why a customer went to whom it went (C8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai_assignment.explanations import explanation_of
from gonghai_chassis.errors import NotFound

if TYPE_CHECKING:
    from gonghai_assignment.customers import Routing
    from gonghai_assignment.explanations import Explained
    from gonghai_assignment.store.routing import RoutingStore
    from gonghai_chassis.names import CustomerName


@dataclass(frozen=True, slots=True)
class ExplainAssignment:
    """Reads what was kept with the last routing of a customer."""

    routings: RoutingStore

    async def __call__(
        self, customer: CustomerName, *, deadline: float | None
    ) -> tuple[Routing, Explained]:
        """Return the routing and how it came about.

        Raises:
            NotFound: the customer was never routed.
        """
        entry = await self.routings.entry(customer.tenant, customer.id, deadline=deadline)
        if entry.routing is None:
            raise NotFound(f"{customer}/assignment", "gonghai/Assignment")
        return entry.routing, explanation_of(entry.routing.detail)
