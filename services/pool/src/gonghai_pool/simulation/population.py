"""What the pool would decide otherwise about its customers as they are now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gonghai.policy.v1 import policy_service_pb2
from gonghai_chassis.names import CustomerName
from gonghai_engine import Decision
from gonghai_policy_service.decisions import decision_message
from gonghai_pool.custody import State
from gonghai_pool.policies import claim_question, reclaim_question

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from gonghai_engine import DecisionRequest, TenantPolicy
    from gonghai_policy_service.trials import Trial
    from gonghai_pool.engine_face import Decider
    from gonghai_pool.ground import Situation
    from gonghai_pool.store.custodies import CustodyStore

_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Population:
    """Decides twice on what each holding's clocks are, and on claims of what lies in pools."""

    custodies: CustodyStore
    decider: Decider

    async def __call__(
        self,
        present: TenantPolicy,
        trial: Trial,
        language: str,
    ) -> AsyncGenerator[policy_service_pb2.SimulateResponse, None]:
        """Yield the decisions that differ, and after each batch the progress."""
        del present  # the living set-up comes with the policy in force
        tenant = trial.owner
        names = await _names(self.custodies, tenant)
        for start in range(0, len(names), _PAGE):
            page = names[start : start + _PAGE]
            situations = await self.custodies.situations(tenant, page)
            asked = [
                (situation, question)
                for situation in situations
                if (question := _question(situation)) is not None
            ]
            questions = [question for _, question in asked]
            before = await self.decider.decide(questions)
            after = await trial.decide(questions)
            for (situation, _), old, new in zip(asked, before, after, strict=True):
                if not isinstance(old, Decision) or not isinstance(new, Decision):
                    continue
                if old.outcome != new.outcome:
                    yield policy_service_pb2.SimulateResponse(
                        customer=str(CustomerName(tenant, situation.customer)),
                        before=decision_message(old, language),
                        after=decision_message(new, language),
                        evaluated=start,
                        total=len(names),
                    )
            yield policy_service_pb2.SimulateResponse(evaluated=start + len(page), total=len(names))


async def _names(custodies: CustodyStore, tenant: str) -> list[str]:
    found: list[str] = []
    while page := await custodies.customers(tenant, found[-1] if found else "", _PAGE):
        found += page
    return found


def _question(situation: Situation) -> DecisionRequest | None:
    custody = situation.custody
    if custody is None:
        return None
    if custody.state is State.HELD:
        return reclaim_question(situation.ground, custody)
    if custody.state is State.IN_POOL:
        return claim_question(situation.ground, custody, "")
    return None
