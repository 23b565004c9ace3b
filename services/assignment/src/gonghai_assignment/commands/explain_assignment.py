"""Why a customer went to whom it went (C8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai_assignment.explanations import explanation_of
from gonghai_chassis.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from gonghai_assignment.customers import Custody, Routing
    from gonghai_assignment.explanations import Explained
    from gonghai_assignment.store.routing import RoutingStore
    from gonghai_chassis.names import CustomerName


@dataclass(frozen=True, slots=True)
class ExplainAssignment:
    """Reads what was kept with the last routing of a customer."""

    routings: RoutingStore

    async def __call__(
        self,
        customer: CustomerName,
        *,
        may_know: Callable[[Custody | None], bool],
        deadline: float | None,
    ) -> tuple[Routing, Explained]:
        """Return the routing and how it came about.

        Args:
            customer: whom it is about.
            may_know: whether who asks may be told of a customer, by its custody.
            deadline: in seconds of `time.monotonic`.

        Raises:
            NotFound: the customer was never routed, or who asks may not know of him.
        """
        entry = await self.routings.entry(customer.tenant, customer.id, deadline=deadline)
        if entry.routing is None or not may_know(entry.custody):
            raise NotFound(f"{customer}/assignment", "gonghai/Assignment")
        return entry.routing, explanation_of(entry.routing.detail)
