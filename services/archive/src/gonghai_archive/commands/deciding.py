"""What the commands share: a customer read, decided on, and put together as it is to be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gonghai_archive.policies import Subject
from gonghai_archive.store.customers import Change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_archive.activities import Activity
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
    """Where commands work: the customers, the tenants' policies, and what decides by them."""

    customers: CustomerStore
    book: PolicyBook
    assessor: Assessor

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
            )
            for (before, after, activities), assessment in zip(wanted, assessments, strict=True)
        ]
