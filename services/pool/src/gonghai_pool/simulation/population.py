"""What the pool would decide otherwise about its customers as they are now."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gonghai.policy.v1 import policy_service_pb2
from gonghai_chassis.names import CustomerName
from gonghai_engine import Decision
from gonghai_policy_service.decisions import decision_message
from gonghai_policy_service.trials import last_message
from gonghai_pool.custody import State
from gonghai_pool.policies import claim_question, reclaim_question

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from gonghai_engine import DecisionRequest
    from gonghai_policy_service.trials import Trial
    from gonghai_pool.ground import Situation
    from gonghai_pool.store.custodies import CustodyStore

PAGE: Final = 200
"""Customers that are read in one go."""
TOGETHER: Final = 500
"""Customers on whom is decided in one go: in columns, so that it is cheap, and soon over, so that
nobody else waits for it."""


@dataclass(frozen=True, slots=True)
class Population:
    """Decides twice on what each holding's clocks are, and on claims of what lies in pools."""

    custodies: CustodyStore
    page: int = PAGE
    together: int = TOGETHER

    async def __call__(
        self,
        present: Trial,
        trial: Trial,
        language: str,
    ) -> AsyncGenerator[policy_service_pb2.SimulateResponse, None]:
        """Yield the decisions that differ, and after each batch the progress."""
        tenant = trial.owner
        names = await self._names(tenant)
        for start in range(0, len(names), self.together):
            page = names[start : start + self.together]
            questions = [question async for question in self._questions(tenant, page)]
            before = await present.page(questions)
            await asyncio.sleep(0)  # nobody else is to wait for both
            after = await trial.page(questions)
            for place, question in enumerate(questions):
                old, new = before.outcome(place), after.outcome(place)
                if old is None or new is None or old == new:
                    continue
                was, would_be = before.answer(place), after.answer(place)
                assert isinstance(was, Decision)  # noqa: S101 - it has an outcome
                assert isinstance(would_be, Decision)  # noqa: S101 - likewise
                yield policy_service_pb2.SimulateResponse(
                    customer=str(CustomerName(tenant, question.subject)),
                    before=decision_message(was, language),
                    after=decision_message(would_be, language),
                    evaluated=start,
                    total=len(names),
                )
            yield policy_service_pb2.SimulateResponse(evaluated=start + len(page), total=len(names))
        yield last_message(len(names), trial, present)

    async def _questions(
        self, tenant: str, names: Sequence[str]
    ) -> AsyncGenerator[DecisionRequest, None]:
        for start in range(0, len(names), self.page):
            page = names[start : start + self.page]
            for situation in await self.custodies.situations(tenant, page):
                question = _question(situation)
                if question is not None:
                    yield question

    async def _names(self, tenant: str) -> list[str]:
        found: list[str] = []
        while page := await self.custodies.customers(tenant, found[-1] if found else "", self.page):
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
