"""What a plugin's rule says of a request for more time (延期申请); the rest is a manager's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gonghai_engine import Decision, DecisionFailure, Policy
from gonghai_engine.outcomes import Deny, Grant, ReclaimPlan
from gonghai_pool.custody import ExtensionState
from gonghai_pool.ground import SYSTEM
from gonghai_pool.policies import industry_of

if TYPE_CHECKING:
    from gonghai_pool.custody import Custody, Extension
    from gonghai_pool.ground import Ground
    from gonghai_pool.policies import Answer

_BY_RULE: Final = (SYSTEM.principal, SYSTEM.on_behalf_of)


def has_rule(ground: Ground, custody: Custody) -> bool:
    """Say whether a rule decides on requests, or may be missing with its plugin."""
    industry = ground.policy.industry(industry_of(custody))
    return industry.missing or Policy.EXTENSION in industry.resolved


def days_left(custody: Custody) -> int:
    """Return how many days more the policy lets a custody be granted."""
    plan = custody.plan
    if plan is None or not plan.decision:
        return 0
    outcome = (plan.decided or Decision.from_record(plan.decision)).outcome
    most = outcome.max_extension_days if isinstance(outcome, ReclaimPlan) else 0
    return max(0, most - sum(one.granted for one in custody.extensions))


def ruled(asked: Extension, answer: Answer, now: int) -> Extension:
    """Return a request, for no more days than are left to grant, with what the rule says of it.

    Where the rule fails it waits for a manager: nothing is granted or denied by a rule that is not
    known to hold.
    """
    if isinstance(answer, DecisionFailure):
        return replace(asked, waits_because=answer.because)
    said = replace(asked, decision=answer.to_record())
    outcome = answer.outcome
    if isinstance(outcome, Deny):
        return replace(said, state=ExtensionState.DENIED, decided=now, decider=_BY_RULE)
    if not isinstance(outcome, Grant):
        return said
    granted = asked.days if outcome.days is None else min(asked.days, outcome.days)
    if not granted:
        return said
    return replace(
        said, state=ExtensionState.APPROVED, decided=now, decider=_BY_RULE, granted=granted
    )
