"""What must not be of customers, and is."""

# ruff: noqa: N802 - methods are named as in the contract
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai_archive.places import held_at
from gonghai_archive.store.collisions import crowds
from gonghai_chassis.context import current
from gonghai_chassis.names import CustomerName, TenantName
from gonghai_chassis.page_tokens import page_place, page_size, page_token
from gonghai_policy_service.reasons import in_language

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gonghai_archive.customers import Customer
    from gonghai_archive.store.collisions import Crowd
    from gonghai_archive.store.customers import CustomerStore

_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Collisions:
    """The RPC about collisions."""

    customers: CustomerStore

    async def ListCollisions(self, request: pb.ListCollisionsRequest) -> pb.ListCollisionsResponse:
        """List what more customers have than may."""
        tenant = TenantName.parse(request.parent, "parent").tenant
        size = page_size(request, most=_MOST)
        (after,) = page_place(request, str) or [""]
        deadline = current().deadline
        found = await crowds(
            self.customers.store, tenant, after=after, limit=size + 1, deadline=deadline
        )
        page = found[:size]
        # Of each place the reason is that of the first who came there.
        first = list(dict.fromkeys(each.ids[0] for each in page if each.ids))
        got = await self.customers.load(tenant, first, activities=False, deadline=deadline)
        known = {each.id: each for each in got.customers if each is not None}
        return pb.ListCollisionsResponse(
            collisions=[_message(tenant, each, known) for each in page],
            next_page_token=page_token(request, [page[-1].term]) if len(found) > size else "",
        )


def _message(tenant: str, crowd: Crowd, known: Mapping[str, Customer]) -> pb.Collision:
    held = held_at(crowd.term)
    return pb.Collision(
        industry=held.industry,
        rule=held.rule,
        values=held.values,
        customers=[str(CustomerName(tenant, each)) for each in crowd.ids],
        customer_count=crowd.customers,
        reason=_reason(crowd.term, known.get(crowd.ids[0]) if crowd.ids else None),
    )


def _reason(term: str, customer: Customer | None) -> str:
    if customer is None:
        return ""
    for place in customer.assessment.places:
        if place.term(customer.profile.industry, customer.id) == term:
            return in_language(place.reason, current().language)
    return ""
