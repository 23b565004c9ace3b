"""What customers would need otherwise, and who would get those in pools, as they are now."""

from __future__ import annotations

from asyncio import gather
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gonghai.policy.v1 import policy_service_pb2
from gonghai_assignment.choosing import Chooser
from gonghai_assignment.policies import Policies
from gonghai_assignment.roster import Roster
from gonghai_chassis.names import CustomerName, RepName
from gonghai_policy_service.decisions import decision_message
from gonghai_policy_service.trials import Gathered, last_message

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from gonghai_assignment.choosing import Choice
    from gonghai_assignment.store.projections import ProjectionStore
    from gonghai_assignment.store.routing import RoutingStore
    from gonghai_assignment.store.staff import StaffStore
    from gonghai_chassis.store import Store
    from gonghai_policy_service.trials import Trial

PAGE: Final = 200
"""Customers for whom is chosen side by side."""


@dataclass(frozen=True, slots=True)
class Population:
    """Chooses twice for each customer, with the loads as they are."""

    store: Store
    staff: StaffStore
    routings: RoutingStore
    projections: ProjectionStore
    page: int = PAGE

    async def __call__(
        self, present: Trial, trial: Trial, language: str
    ) -> AsyncGenerator[policy_service_pb2.SimulateResponse, None]:
        """Yield the needs and choices that differ, and after each batch the progress."""
        tenant = trial.owner
        partition = self.store.partition(tenant)
        found = await self.staff.roster(tenant)
        roster, now = Roster(found), found.now
        choosers = [Chooser(Policies(Gathered(side))) for side in (present, trial)]
        names = sorted({each async for each in self.projections.customers(partition, tenant)})
        for start in range(0, len(names), self.page):
            page = names[start : start + self.page]
            entries = await self.routings.entries(tenant, page)
            known = [entry for entry in entries if entry.custody is not None]
            chosen = [
                await gather(*(chooser.choose(entry, roster, now=now) for entry in known))
                for chooser in choosers
            ]
            for entry, before, after in zip(known, *chosen, strict=True):
                told = policy_service_pb2.SimulateResponse(evaluated=start, total=len(names))
                if entry.custody is not None and entry.custody.open:
                    told.choice_before = _chosen(tenant, before)
                    told.choice_after = _chosen(tenant, after)
                if told.choice_before == told.choice_after and _same_needs(before, after):
                    continue
                told.customer = str(CustomerName(tenant, entry.customer))
                for choice, field in ((before, told.before), (after, told.after)):
                    if choice.decision is not None:
                        field.CopyFrom(decision_message(choice.decision, language))
                yield told
            yield policy_service_pb2.SimulateResponse(evaluated=start + len(page), total=len(names))
        yield last_message(len(names), trial, present)


def _chosen(tenant: str, choice: Choice) -> str:
    return str(RepName(tenant, choice.rep)) if choice.rep is not None else ""


def _same_needs(before: Choice, after: Choice) -> bool:
    if before.decision is None or after.decision is None:
        return before.decision is after.decision
    return before.decision.outcome == after.decision.outcome
