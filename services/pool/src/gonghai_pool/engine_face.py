"""The part of the engine that decides, so that a test can put one that fails in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_engine import Decision, DecisionFailure, DecisionRequest, Explanation


class Decider(Protocol):
    """What `gonghai_engine.Engine` does for commands."""

    async def decide(self, requests: Sequence[DecisionRequest]) -> list[Decision | DecisionFailure]:
        """Answer in the order of the requests; never raises for a bad one."""

    async def explain(self, request: DecisionRequest) -> Explanation | DecisionFailure:
        """Answer one with the truth of each condition."""
