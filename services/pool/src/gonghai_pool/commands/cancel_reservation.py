"""A place that was kept is given up."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gonghai_chassis.errors import NotFound, PreconditionFailed, PreconditionViolation, Reason
from gonghai_plugin import Text
from gonghai_pool.alterations import altered
from gonghai_pool.custody import State
from gonghai_pool.deciding import settled
from gonghai_pool.store.custodies import CANCEL_RESERVATION, Changed
from gonghai_pool.transitions import unreserved

if TYPE_CHECKING:
    from gonghai_chassis.names import CustomerName
    from gonghai_pool.commands.order import Order
    from gonghai_pool.store.custodies import CustodyStore

_GIVEN_UP: Final = Text("the reservation was given up", "预留已放弃")


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Which place is given up; the token is the one that it was kept with."""

    customer: CustomerName
    token: str


class CancelReservation:
    """Ends a reservation; the customer goes back to where it was."""

    def __init__(self, custodies: CustodyStore) -> None:
        """Take what it reads."""
        self._custodies = custodies

    async def __call__(self, cancellation: Cancellation, order: Order) -> Changed:
        """Cancel.

        Raises:
            NotFound: nothing is known of the customer.
            PreconditionFailed: the reservation has ended, or is another one.
            Contention: it moved too often while deciding.
        """
        customer = cancellation.customer
        return await settled(
            lambda: self._attempt(cancellation, order),
            customer,
            lambda: self._custodies.recall(customer.tenant, order.request, order.deadline),
        )

    async def _attempt(self, cancellation: Cancellation, order: Order) -> Changed:
        customer = cancellation.customer
        situation = await self._custodies.situation(customer.tenant, customer.id, order.deadline)
        custody = situation.custody
        if custody is None:
            raise NotFound(customer)
        kept = custody.reservation
        if (
            custody.state is not State.RESERVED
            or kept is None
            or not hmac.compare_digest(kept.token, cancellation.token)
        ):
            message = "the reservation has ended, or is somebody else's"
            raise PreconditionFailed(
                Reason.RESERVATION_ENDED,
                message,
                [PreconditionViolation(Reason.RESERVATION_ENDED, str(customer), message)],
                metadata={"customer": str(customer)},
            )
        after = unreserved(custody, situation.ground.now, _GIVEN_UP)
        return await self._custodies.put_back(
            CANCEL_RESERVATION,
            altered(situation, after, order.actor),
            request=order.request,
            deadline=order.deadline,
        )
