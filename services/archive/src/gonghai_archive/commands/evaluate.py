"""A customer is decided on anew: because somebody asked, or because its time has come."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai_archive.commands.deciding import ATTEMPTS, Desk
from gonghai_archive.customers import SYSTEM, Actor, Customer, Request
from gonghai_archive.policies import Subject
from gonghai_chassis.errors import Contention, NotFound
from gonghai_engine import DecisionFailure, Explanation, Policy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_chassis.names import CustomerName


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A customer decided on now, with what its stage and tier rest on.

    Attributes:
        customer: as it is stored.
        tier: the truth of each condition of tiering; None when that failed.
        stage: likewise of the life cycle.
    """

    customer: Customer
    tier: Explanation | None
    stage: Explanation | None


@dataclass(frozen=True, slots=True)
class EvaluateCustomer:
    """Decides on a customer now."""

    desk: Desk

    async def __call__(
        self, name: CustomerName, *, actor: Actor, request: Request, deadline: float | None = None
    ) -> Evaluated:
        """Decide on a customer's stage, tier and admission, and say why.

        Raises:
            NotFound: there is no such customer.
            Contention: the record changed again and again meanwhile.
        """
        desk = self.desk
        for _ in range(ATTEMPTS):
            got = await desk.customers.load(name.tenant, [name.id], deadline=deadline)
            before = got.customers[0]
            if before is None:
                raise NotFound(name)
            activities = got.activities[0]
            policy = await desk.policy(name.tenant, got.stamp, deadline)
            changes = await desk.decide(
                policy, [(before, before, activities)], now=got.now, actor=actor, what="assess"
            )
            reply, customer = await desk.customers.assess(changes[0], request, deadline=deadline)
            if reply.status == "missing":
                raise NotFound(name)
            if reply.status != "ok":
                continue
            subject = Subject(
                customer.id,
                customer.profile,
                activities,
                customer.created,
                downline=before.downline,
            )
            tier, stage = [
                await desk.assessor.explain(
                    policy, subject, customer.assessment, step, customer.assessment.metrics.at
                )
                for step in (Policy.TIERING, Policy.LIFECYCLE)
            ]
            return Evaluated(
                customer,
                None if isinstance(tier, DecisionFailure) else tier,
                None if isinstance(stage, DecisionFailure) else stage,
            )
        raise Contention(name)


@dataclass(frozen=True, slots=True)
class AssessCustomers:
    """Decides on customers whose time has come, many in one go."""

    desk: Desk

    async def __call__(self, tenant: str, ids: Sequence[str]) -> int:
        """Decide on customers, in the order given, so that others are told in this order.

        One that moved meanwhile was decided on by whoever moved it, by the policy in force then; if
        something is still due, it comes again.

        Returns:
            The policy revision by which they were decided.
        """
        desk = self.desk
        got = await desk.customers.load(tenant, ids)
        policy = await desk.policy(tenant, got.stamp, None)
        wanted = [
            (customer, customer, activities)
            for customer, activities in zip(got.customers, got.activities, strict=True)
            if customer is not None
        ]
        changes = await desk.decide(policy, wanted, now=got.now, actor=SYSTEM, what="assess")
        # Submitted in order, and the store keeps the order of what is submitted.
        await asyncio.gather(
            *(desk.customers.assess(change, Request(), deadline=None) for change in changes)
        )
        return policy.revision
