"""Which pool takes a customer, and until when nobody may claim it there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gonghai_pool.custody import Custody, Facts, State
from gonghai_pool.obstacles import claim_limits
from gonghai_pool.policies import verdict_of

if TYPE_CHECKING:
    from gonghai_pool.ground import Ground
    from gonghai_pool.policies import Answer
    from gonghai_pool.tenant_setup import TenantSetup


def pool_for(setup: TenantSetup, custody: Custody) -> str:
    """Return the pool a holding goes back to: the plan's, the admission's, or the fallback."""
    target = custody.plan.target if custody.plan is not None else ""
    admission = custody.facts.admission_pool if custody.facts is not None else ""
    return setup.admits(target, admission)


def admission(setup: TenantSetup, facts: Facts) -> str:
    """Return the pool that takes a customer without an owner; "" while he waits.

    The fallback takes those for whom the policy names no pool, or one that does not exist; not
    those for whom it has not decided yet.
    """
    owing = not facts.admission_pool and not facts.admission_rule
    return "" if owing else setup.admits(facts.admission_pool)


def embargoed(ground: Ground, custody: Custody, claim: Answer) -> Custody:
    """Return a customer that has entered a pool with the end of its embargo (新入池限制)."""
    if custody.state is not State.IN_POOL or custody.entered is None:
        return custody
    embargo = claim_limits(ground, custody, verdict_of(claim)).embargo
    return replace(custody, embargo_until=custody.entered + embargo if embargo else None)
