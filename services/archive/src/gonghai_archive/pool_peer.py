"""What the archive asks of the pool service: a place among a rep's holdings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gonghai.pool.v1 import custody_pb2, pool_service_pb2
from gonghai_chassis.names import CustomerName, RepName

if TYPE_CHECKING:
    from gonghai.pool.v1.pool_service_pb2_grpc import PoolServiceStub


class Reservations:
    """Keeps places for customers who are being created with an owner."""

    def __init__(self, pool: PoolServiceStub) -> None:
        """Ask this pool service."""
        self._pool = pool

    async def reserve(self, customer: CustomerName, rep: str, request_id: str) -> str:
        """Take a place among a rep's holdings; it ends by itself if nothing comes of it.

        Args:
            customer: who is being created.
            rep: whose place.
            request_id: the same for every attempt of the same create.

        Returns:
            The reservation's token.

        Raises:
            PeerRefused: his limits are reached, or he is not active.
            PeerUnavailable: the outcome is unknown.
        """
        custody = await self._pool.ReserveCustody(
            pool_service_pb2.ReserveCustodyRequest(
                customer=str(customer),
                rep=str(RepName(customer.tenant, rep)),
                purpose=custody_pb2.RESERVATION_PURPOSE_SELF_SOURCED,
                request_id=request_id,
            )
        )
        return str(custody.reservation.token)

    async def cancel(self, customer: CustomerName, token: str) -> None:
        """Give a place back.

        Raises:
            PeerRefused: it has ended already.
            PeerUnavailable: the outcome is unknown; it ends by itself.
        """
        await self._pool.CancelReservation(
            pool_service_pb2.CancelReservationRequest(customer=str(customer), token=token)
        )
