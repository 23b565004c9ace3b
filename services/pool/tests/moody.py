"""An engine whose decisions fail when a test says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gonghai_engine import (
    Decision,
    DecisionFailure,
    DecisionRequest,
    Engine,
    Explanation,
    FailureCause,
    Policy,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


class Moody:
    """Decides as the engine does, but for the policies that fail at the moment."""

    def __init__(self, engine: Engine) -> None:
        """Take the engine that decides while nothing fails."""
        self._engine = engine
        self.failing: set[Policy] = set()

    async def decide(self, requests: Sequence[DecisionRequest]) -> list[Decision | DecisionFailure]:
        """Decide."""
        answers = await self._engine.decide(requests)
        return [
            self._failure(request) if request.policy in self.failing else answer
            for request, answer in zip(requests, answers, strict=True)
        ]

    async def explain(self, request: DecisionRequest) -> Explanation | DecisionFailure:
        """Decide with the truth of each condition."""
        if request.policy in self.failing:
            return self._failure(request)
        return await self._engine.explain(request)

    def _failure(self, request: DecisionRequest) -> DecisionFailure:
        return DecisionFailure(
            subject=request.subject,
            policy=request.policy,
            cause=FailureCause.POLICY_ERROR,
            message="the plugin raised",
            plugin="standard",
            revision=self._engine.tenant(request.tenant).revision,
            at=request.now,
        )
