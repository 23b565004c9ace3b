"""Second levels are given to others."""

# ruff: noqa: N802 - methods are named as in the contract
from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai_archive.commands.reparent import Leaving
from gonghai_archive.servicers.reach import actor, request_of
from gonghai_archive.store.successions import Conclusion
from gonghai_chassis.context import current
from gonghai_chassis.names import CustomerName, same_tenant
from gonghai_chassis.statuses import status_of
from gonghai_policy_service.reasons import in_language

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gonghai_archive.commands.reparent import Moved, ReparentCustomers
    from gonghai_archive.store.successions import SuccessionStore


@dataclass(frozen=True, slots=True)
class Successions:
    """The RPC about sponsors that leave."""

    reparent: ReparentCustomers
    store: SuccessionStore

    async def ReparentCustomers(
        self, request: pb.ReparentCustomersRequest
    ) -> AsyncIterator[pb.ReparentCustomersResponse]:
        """Give the second level of a sponsor to others."""
        sponsor = CustomerName.parse(request.sponsor, "sponsor")
        heir = CustomerName.parse(request.heir, "heir") if request.heir else None
        if heir is not None:
            same_tenant(sponsor.tenant, heir, "heir")
        deadline = current().deadline
        asked, keeps = request_of(request), not request.validate_only
        known = await self.store.concluded(sponsor.tenant, asked, deadline=deadline)
        if known is not None:
            yield _progress(known, done=True)
            return
        leaving = Leaving(
            sponsor,
            None if heir is None else heir.id,
            actor(),
            validate_only=request.validate_only,
            deadline=deadline,
        )
        so_far = Conclusion()
        async with aclosing(self.reparent(leaving)) as parts:
            async for part, so_far in parts:
                if part:
                    message = _progress(so_far)
                    message.customers.extend(_message(sponsor.tenant, each) for each in part)
                    yield message
        if keeps and not (so_far.failed or so_far.remaining):
            so_far = await self.store.conclude(sponsor.tenant, asked, so_far, deadline=deadline)
        yield _progress(so_far, done=True)


def _progress(so_far: Conclusion, *, done: bool = False) -> pb.ReparentCustomersResponse:
    return pb.ReparentCustomersResponse(
        moved_count=so_far.moved,
        orphaned_count=so_far.orphaned,
        failed_count=so_far.failed,
        remaining_count=so_far.remaining,
        done=done,
    )


def _message(tenant: str, moved: Moved) -> pb.ReparentedCustomer:
    successor = moved.successor
    message = pb.ReparentedCustomer(customer=str(CustomerName(tenant, moved.customer)))
    if moved.refusal is not None:
        message.status.CopyFrom(status_of(moved.refusal))
        return message
    if successor.sponsor is not None:
        message.sponsor = str(CustomerName(tenant, successor.sponsor))
    message.rule = successor.rule
    reason = successor.reason
    message.reason = in_language(reason, current().language)
    # Present and empty: OK.
    message.status.SetInParent()
    return message
