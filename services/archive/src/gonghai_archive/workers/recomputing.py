"""A tenant's customers are decided on by a new policy, in batches that can stop anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gonghai_archive.commands.deciding import AT_ONCE
from gonghai_archive.store import keys
from gonghai_archive.store.customers import Selection
from gonghai_chassis.store import Script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_archive.commands.evaluate import AssessCustomers
    from gonghai_archive.store.customers import CustomerStore
    from gonghai_chassis.store import Partition
    from gonghai_chassis.sweeper import Due
    from gonghai_policy_service import PolicyBook

PLACE: Final = Script("gonghai_archive.store", "recompute_place")
NOTE: Final = Script("gonghai_archive.store", "note_recompute")


@dataclass(frozen=True, slots=True)
class Recompute:
    """Handles tenants whose policy has a new revision.

    The place is noted after each batch, so that a crash repeats one batch at the most. A customer
    that was decided on by the new revision already, because something happened with it, is decided
    on again, which changes nothing.
    """

    partition: Partition
    customers: CustomerStore
    assess: AssessCustomers
    book: PolicyBook

    async def __call__(self, due: Sequence[Due], now: int) -> None:
        """Decide on the customers of each tenant anew."""
        del now  # the store's own time decides, read together with the customers
        for entry in due:
            await self._tenant(entry.member)

    async def _tenant(self, tenant: str) -> None:
        p, store = self.partition, self.customers.store
        progress = {"recompute": keys.recompute(p, tenant)}
        reply = await store.run(
            PLACE, p, keys={**progress, "policy": self.book.key(p, tenant)}, args={}
        )
        revision: int = reply.fields["revision"]
        place: tuple[int, str] | None = None
        if "member" in reply.fields:
            place = (reply.fields["score"], reply.fields["member"])
        while True:
            page = await self.customers.select(
                tenant, Selection(descending=False), place=place, limit=AT_ONCE, scan=AT_ONCE
            )
            if page.ids and await self.assess(tenant, page.ids) != revision:
                # There is a newer one by now: it comes again, from the start.
                return
            if page.place is None:
                break
            place = page.place
            await store.run(
                NOTE,
                p,
                keys=progress,
                args={"revision": revision, "score": place[0], "member": place[1]},
            )
        await self.book.recomputed(p, tenant, revision)
