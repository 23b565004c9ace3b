"""What the archive would decide otherwise about its customers as they are now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai.policy.v1 import policy_service_pb2
from gonghai_archive.commands.deciding import AT_ONCE
from gonghai_archive.policies import Assessor, Subject
from gonghai_chassis.names import CustomerName
from gonghai_policy_service.decisions import decision_message
from gonghai_policy_service.trials import Paged, last_message

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from gonghai_archive.activities import Activity
    from gonghai_archive.assessment import Assessment, Verdict
    from gonghai_archive.customers import Customer
    from gonghai_archive.store.customers import CustomerStore
    from gonghai_policy_service.trials import Trial


@dataclass(frozen=True, slots=True)
class Population:
    """Decides on each customer twice, by the policy in force and by the one on trial."""

    customers: CustomerStore
    at_once: int = AT_ONCE

    async def __call__(
        self, present: Trial, trial: Trial, language: str
    ) -> AsyncGenerator[policy_service_pb2.SimulateResponse, None]:
        """Yield stages, tiers and admissions that differ, and after each batch the progress."""
        tenant = trial.owner
        by_present, by_trial = Assessor(Paged(present)), Assessor(Paged(trial))
        ids = [each async for page in self.customers.each(tenant, self.at_once) for each in page]
        for start in range(0, len(ids), self.at_once):
            page = ids[start : start + self.at_once]
            got = await self.customers.load(tenant, page)
            subjects = [
                _subject(customer, activities)
                for customer, activities in zip(got.customers, got.activities, strict=True)
                if customer is not None
            ]
            before = await by_present.assess(present.policy, subjects, got.now)
            after = await by_trial.assess(trial.policy, subjects, got.now)
            for subject, was, would_be in zip(subjects, before, after, strict=True):
                for old, new in _pairs(was, would_be):
                    if old.name != new.name:
                        yield policy_service_pb2.SimulateResponse(
                            customer=str(CustomerName(tenant, subject.id)),
                            before=decision_message(old.decision, language, old.kept_because),
                            after=decision_message(new.decision, language, new.kept_because),
                            evaluated=start,
                            total=len(ids),
                        )
            yield policy_service_pb2.SimulateResponse(evaluated=start + len(page), total=len(ids))
        yield last_message(len(ids), trial, present)


def _subject(customer: Customer, activities: list[Activity]) -> Subject:
    return Subject(
        customer.id,
        customer.profile,
        activities,
        customer.created,
        customer.assessment,
        customer.downline,
    )


def _pairs(before: Assessment, after: Assessment) -> Iterator[tuple[Verdict, Verdict]]:
    """What was decided both ways; what never could be is no difference of the document's."""
    for old, new in (
        (before.stage, after.stage),
        (before.tier, after.tier),
        (before.admission, after.admission),
    ):
        if old is not None and new is not None:
            yield old, new
