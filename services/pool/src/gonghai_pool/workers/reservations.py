"""Reservations end by themselves, once the archive is known to have made nothing of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gonghai_chassis.events import read_progress
from gonghai_plugin import Text
from gonghai_pool.alterations import altered, reservation_at
from gonghai_pool.ground import SYSTEM
from gonghai_pool.store import keys
from gonghai_pool.store.custodies import END_RESERVATION
from gonghai_pool.transitions import unreserved
from gonghai_pool.workers.due import by_tenant, each_for_itself

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_chassis.leases import Lease
    from gonghai_chassis.sweeper import Due
    from gonghai_pool.store.custodies import CustodyStore

_RAN_OUT: Final = Text("the reservation ran out", "预留已到期")


class Reservations:
    """Handles reservations that have run out, under the partition's lease.

    The archive makes a self-sourced customer while its place is kept; the event of it may come
    later. So a place is given up only when the archive's stream is complete beyond its end.
    """

    def __init__(self, custodies: CustodyStore, lease: Lease) -> None:
        """Take what it reads, and the lease that it works under."""
        self._custodies = custodies
        self._lease = lease

    async def handle(self, dues: Sequence[Due], now: int) -> None:  # noqa: ARG002
        """End them, in the order in which they ran out."""
        store, partition = self._custodies.store, self._lease.partition
        through = (await read_progress(store, partition, keys.ARCHIVE)).changes_through
        ready = [due for due in dues if due.at <= through]
        for batch in by_tenant(ready):
            await each_for_itself(self._custodies, self._lease, keys.RESERVATION, batch, self.work)

    async def work(self, tenant: str, customers: Sequence[str]) -> None:
        """Do what has fallen due with these customers."""
        situations = await self._custodies.situations(tenant, customers)
        ground = situations[0].ground
        ended = []
        for situation in situations:
            custody = situation.custody
            at = reservation_at(custody) if custody is not None else None
            if custody is not None and at is not None and at <= ground.now:
                after = unreserved(custody, ground.now, _RAN_OUT)
                ended.append(altered(situation, after, SYSTEM))
        await self._custodies.sweep(END_RESERVATION, self._lease, ground, ended)
