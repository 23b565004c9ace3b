"""Records follow a changed policy, set-up or leave: all customers of a tenant, batch by batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gonghai_chassis.store import Script
from gonghai_chassis.store.failures import VersionsMoved
from gonghai_pool.custody import Holder
from gonghai_pool.reconsidering import reconsidered
from gonghai_pool.store import keys
from gonghai_pool.store.custodies import RESCHEDULE
from gonghai_pool.workers.due import BATCH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_chassis.leases import Lease
    from gonghai_chassis.sweeper import Due
    from gonghai_policy_service import PolicyBook
    from gonghai_pool.policies import Policies
    from gonghai_pool.store.custodies import CustodyStore, Place

_READ: Final = Script("gonghai_pool.store", "read_recomputation")
_ADVANCE: Final = Script("gonghai_pool.store", "advance_recomputation")
_MOVED: Final = "moved"


class Recomputation:
    """Goes over a tenant's customers, under the partition's lease; resumable anywhere."""

    def __init__(
        self, custodies: CustodyStore, policies: Policies, book: PolicyBook, lease: Lease
    ) -> None:
        """Take what it reads and asks, and the lease that it works under."""
        self._custodies = custodies
        self._policies = policies
        self._book = book
        self._lease = lease

    async def follow_policy(self, dues: Sequence[Due], now: int) -> None:  # noqa: ARG002
        """Let all customers of tenants with a new revision follow it."""
        for due in dues:
            tenant = due.member
            revision = (await self._custodies.ground(tenant)).policy.revision
            after = ""
            while customers := await self._custodies.customers(tenant, after, BATCH):
                await self.go_over(tenant, customers)
                after = customers[-1]
            await self._book.recomputed(self._lease.partition, tenant, revision)

    async def follow_setup(self, dues: Sequence[Due], now: int) -> None:  # noqa: ARG002
        """Let customers follow what a tenant has changed, from where the last one stopped."""
        for due in dues:
            tenant, _, scope = due.member.partition("/")
            if scope.startswith("rep:"):
                await self._holdings(due.member, tenant, scope)
            else:
                await self._everybody(due.member, tenant)

    async def _everybody(self, member: str, tenant: str) -> None:
        seen = await self._progress(member)
        mark, _, after = seen.partition("|")
        while customers := await self._custodies.customers(tenant, after, BATCH):
            await self.go_over(tenant, customers)
            after = customers[-1]
            progress = f"{mark}|{after}"
            if not await self._advance(member, seen, progress):
                return
            seen = progress
        await self._advance(member, seen, None)

    async def _holdings(self, member: str, tenant: str, scope: str) -> None:
        seen = await self._progress(member)
        partition = self._lease.partition
        index = f"{keys.index(partition, tenant)['holdings']}:{Holder.of_key(scope).key}"
        # Due times move while they are gone over, so the names are read first.
        names: list[str] = []
        place: Place | None = None
        while found := await self._custodies.listed(tenant, index, place, 10 * BATCH):
            names += [one.member for one in found]
            place = found[-1]
        names.sort()
        for start in range(0, len(names), BATCH):
            await self.go_over(tenant, names[start : start + BATCH])
        await self._advance(member, seen, None)

    async def go_over(self, tenant: str, customers: Sequence[str]) -> None:
        """Bring customers up to date; those that somebody changes meanwhile are looked at again."""
        left = list(customers)
        while left:
            situations = await self._custodies.situations(tenant, left)
            alterations = await reconsidered(self._policies, situations)
            if not alterations:
                return
            try:
                verdicts = await self._custodies.sweep(
                    RESCHEDULE, self._lease, situations[0].ground, alterations
                )
            except VersionsMoved:
                continue
            left = [
                alteration.situation.customer
                for alteration, verdict in zip(alterations, verdicts, strict=True)
                if verdict == _MOVED
            ]

    async def _progress(self, member: str) -> str:
        reply = await self._custodies.store.run(
            _READ,
            self._lease.partition,
            keys={"recompute": keys.recompute(self._lease.partition)["recompute"]},
            args={"member": member},
        )
        progress: str = reply.fields["progress"]
        return progress

    async def _advance(self, member: str, seen: str, progress: str | None) -> bool:
        """Note how far it is; False when it was asked for anew meanwhile."""
        reply = await self._custodies.store.run(
            _ADVANCE,
            self._lease.partition,
            keys={**self._lease.keys(), **keys.recompute(self._lease.partition)},
            args={**self._lease.args(), "member": member, "seen": seen, "progress": progress},
        )
        return reply.status == "ok"
