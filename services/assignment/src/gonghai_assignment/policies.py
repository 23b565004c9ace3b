"""What assignment asks of the engine: what a customer needs, and how long he may not go back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from gonghai_engine import (
    ClaimVerdict,
    Decision,
    DecisionFailure,
    DecisionRequest,
    Needs,
    Policy,
    Text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gonghai_assignment.customers import Custody, CustomerFacts
    from gonghai_engine.tenants import TenantPolicy

_NO_NEEDS: Final = Text("no needs decided", "未作出需求判断")


@dataclass(frozen=True, slots=True)
class Matching:
    """What a customer needs.

    Attributes:
        decision: the plugin's decision; None when it failed and there was none before.
        needs: its outcome; None likewise.
        kept_because: what failed, when the decision is an older one.
        cool_down_days: how long the plugin keeps a former owner away; 0: not at all.
    """

    decision: Decision | None
    needs: Needs | None
    kept_because: Text | None = None
    cool_down_days: int = 0


class Decider(Protocol):
    """What is asked: the engine, or a document on trial."""

    def tenant(self, tenant: str) -> TenantPolicy:
        """Return a tenant's policy."""

    async def decide(self, requests: Sequence[DecisionRequest]) -> list[Decision | DecisionFailure]:
        """Answer in the order of the requests."""


class Policies:
    """Asks the engine."""

    def __init__(self, engine: Decider) -> None:
        """Take the engine, or what stands for it."""
        self._engine = engine

    def tenant(self, tenant: str) -> TenantPolicy:
        """Return the tenant's policy, as far as this process has heard."""
        return self._engine.tenant(tenant)

    async def match(
        self,
        tenant: str,
        customer: str,
        facts: CustomerFacts,
        *,
        region: Mapping[str, Any],
        custody: Custody | None,
        now: int,
        last: Callable[[], Decision | None],
    ) -> Matching:
        """Decide what a customer needs; when that fails, what it needed the last time.

        Args:
            tenant: whose.
            customer: its id.
            facts: what archive said.
            region: facts of its region.
            custody: what pool said.
            now: domain time (µs).
            last: gives the decision made the last time.
        """
        known = {
            **region,
            "stage": facts.stage or None,
            "tier": facts.tier or None,
            "tier_rank": facts.rank,
            **facts.facts,
        }
        wanted = [Policy.MATCHING]
        if custody is not None and custody.former_owner is not None:
            wanted.append(Policy.CLAIM)
        results = await self._engine.decide(
            [
                DecisionRequest(
                    tenant=tenant,
                    industry=facts.industry,
                    policy=policy,
                    facts=known if policy is Policy.MATCHING else _claim_facts(known, custody),
                    now=now,
                    subject=customer,
                )
                for policy in wanted
            ]
        )
        cool_down = _cool_down(results[1]) if len(results) > 1 else 0
        matching = results[0]
        if isinstance(matching, Decision) and isinstance(matching.outcome, Needs):
            return Matching(matching, matching.outcome, cool_down_days=cool_down)
        failed = matching.because if isinstance(matching, DecisionFailure) else _NO_NEEDS
        kept = last()
        if kept is not None and isinstance(kept.outcome, Needs):
            return Matching(kept, kept.outcome, kept_because=failed, cool_down_days=cool_down)
        return Matching(None, None, kept_because=failed, cool_down_days=cool_down)


def _claim_facts(known: Mapping[str, Any], custody: Custody | None) -> dict[str, Any]:
    pool = custody.pool if custody is not None else None
    return {**known, "pool": pool or None, "rep_is_former_owner": True}


def _cool_down(decision: Decision | DecisionFailure) -> int:
    if isinstance(decision, Decision) and isinstance(decision.outcome, ClaimVerdict):
        return decision.outcome.limits.cool_down_days or 0
    return 0
