"""What the commands share: a customer read, decided on, and put together as it is to be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gonghai_archive.commands.booking import Sold, book
from gonghai_archive.commissions import NOTHING
from gonghai_archive.policies import Subject
from gonghai_archive.store.customers import Change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_archive.activities import Activity
    from gonghai_archive.assessment import Assessment
    from gonghai_archive.commissions import Booking
    from gonghai_archive.customers import Actor, Customer
    from gonghai_archive.policies import Assessor
    from gonghai_archive.store.customers import CustomerStore
    from gonghai_engine import TenantPolicy
    from gonghai_policy_service import PolicyBook

ATTEMPTS: Final = 6
"""How often a command decides anew when what it decided on has moved, before it gives up."""

AT_ONCE: Final = 100
"""How many customers are written in one go: few enough for one round trip to the store, which keeps
their order, so that others are told in it."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where commands work: the customers, the tenants' policies, and what decides by them.

    Attributes:
        customers: in the store.
        book: the tenants' policies.
        assessor: what decides by them.
        pays: whether commissions are decided and booked; a forecast tells nobody of them.
    """

    customers: CustomerStore
    book: PolicyBook
    assessor: Assessor
    pays: bool = True

    async def policy(
        self, tenant: str, stamp: bytes | None, deadline: float | None
    ) -> TenantPolicy:
        """Return the policy that a stamp read with the customers stands for."""
        return await self.book.ensure(tenant, stamp, deadline=deadline)

    async def decide(
        self,
        policy: TenantPolicy,
        wanted: Sequence[tuple[Customer | None, Customer, Sequence[Activity]]],
        *,
        now: int,
        actor: Actor,
        what: str,
    ) -> list[Change]:
        """Decide on customers as they are to be, and return each as a change to store.

        Args:
            policy: the tenant's.
            wanted: of each the record as it was (None for a new one), as it is to be with the
                assessment it had, and all its activities.
            now: domain time (µs).
            actor: who makes the change.
            what: the kind of change, for the history.
        """
        subjects = [
            Subject(
                after.id,
                after.profile,
                activities,
                before.created if before else now,
                before.assessment if before else None,
                after.downline,
            )
            for before, after, activities in wanted
        ]
        assessments = await self.assessor.assess(policy, subjects, now)
        decided = [
            (before, replace(after, assessment=assessment), activities)
            for (before, after, activities), assessment in zip(wanted, assessments, strict=True)
        ]
        bookings = await self._book(policy, decided, now)
        midnight = policy.calendar.next_midnight(now)
        return [
            Change(
                before=before,
                after=replace(after, assessment=assessment),
                published=self.assessor.published(policy, after.profile, assessment),
                standing=self.assessor.standing(policy, before, after, activities, now),
                valid_before=midnight,
                actor=actor,
                what=what,
                booking=booking,
            )
            for (before, after, activities), (booking, assessment) in zip(
                decided, bookings, strict=True
            )
        ]

    async def _book(
        self,
        policy: TenantPolicy,
        decided: Sequence[tuple[Customer | None, Customer, Sequence[Activity]]],
        now: int,
    ) -> list[tuple[Booking, Assessment]]:
        """Book what orders pay; a customer that is new has none."""
        found = [(NOTHING, after.assessment) for _, after, _ in decided]
        if not self.pays:
            return found
        sold = {
            place: Sold(before, after, activities)
            for place, (before, after, activities) in enumerate(decided)
            if before is not None
        }
        bookings = await book(self.assessor, policy, list(sold.values()), now)
        for place, booking in zip(sold, bookings, strict=True):
            found[place] = booking
        return found
