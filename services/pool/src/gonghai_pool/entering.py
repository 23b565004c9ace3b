"""Which pool takes a customer, until when nobody may claim it there, and where it goes on to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gonghai_policy_service.reasons import NO_REASON, joined
from gonghai_pool.custody import Custody, Facts, Onward, State, Way
from gonghai_pool.obstacles import claim_limits
from gonghai_pool.policies import verdict_of
from gonghai_pool.transitions import went_on

if TYPE_CHECKING:
    from gonghai_pool.ground import Ground
    from gonghai_pool.policies import Answer
    from gonghai_pool.tenant_setup import TenantSetup


def pool_for(setup: TenantSetup, custody: Custody) -> str:
    """Return the pool a holding goes back to: the plan's, the admission's, or the fallback."""
    target = custody.plan.target if custody.plan is not None else ""
    admission = custody.facts.admission_pool if custody.facts is not None else ""
    return setup.admits(target, admission)


def way_back(custody: Custody) -> Way:
    """Return how a holding comes into the pool that `pool_for` says."""
    target = custody.plan.target if custody.plan is not None else ""
    return Way.ENTERED if target else Way.CHOSEN_ANEW


def admission(setup: TenantSetup, facts: Facts) -> str:
    """Return the pool that takes a customer without an owner; "" while he waits.

    The fallback takes those for whom the policy names no pool, or one that does not exist; not
    those for whom it has not decided yet.
    """
    owing = not facts.admission_pool and not facts.admission_rule
    return "" if owing else setup.admits(facts.admission_pool)


def settled_in(ground: Ground, custody: Custody, claim: Answer) -> Custody:
    """Return a customer in the pool that he has come to: what holds for him there.

    That is the end of the embargo (新入池限制), and when he goes on to another pool.
    """
    if custody.state is not State.IN_POOL or custody.freed is None:
        return custody
    embargo = claim_limits(ground, custody, verdict_of(claim)).embargo
    embargoed = replace(custody, embargo_until=custody.freed + embargo if embargo else None)
    return on_his_way(ground, embargoed)


def on_his_way(ground: Ground, custody: Custody) -> Custody:
    """Return a customer without an owner with where he goes next by now, and when.

    He goes on by time alone at the local midnight at which he has been in the first pool for the
    days that the admission policy gives it. He goes at once where the policy names another first
    pool by now, another one to follow the first, or one that was missing until now. Who has gone
    on stays so when the first pool is given more days. Where he was put by hand, or by a reclaim
    that names a pool, he stays until the policy names another one.
    """
    if custody.state is not State.IN_POOL and not custody.offered:
        return custody if custody.onward is None else replace(custody, onward=None)
    facts = custody.facts
    if custody.way is Way.CHOSEN_ANEW and facts is not None:
        arrived = custody.pool == facts.admission_pool
        custody = replace(custody, way=Way.ENTERED) if arrived else custody
    onward = _onward(ground, custody)
    before = custody.onward
    if onward is not None and before is not None and before.pool == onward.pool:
        # What was to happen at once is to happen since then.
        onward = before if before.at <= onward.at == ground.now else onward
    return replace(custody, onward=onward)


def gone_on(ground: Ground, custody: Custody, onward: Onward) -> Custody:
    """Return him in the pool that he was to go on to; what holds there is to be settled yet."""
    facts = custody.facts
    reason, rule = NO_REASON, ""
    if facts is not None:
        reason, rule = facts.admission_reason, facts.admission_rule
    days_over = not _at_once(ground, custody)
    if days_over and facts is not None:
        days, pool = facts.admission_after_days, custody.pool
        reason = joined(f"after {days} days in {pool}", f"在 {pool} 满 {days} 天", reason)
    stays_on = custody.way is Way.WENT_ON and bool(_then(ground, custody))
    way = Way.WENT_ON if days_over or stays_on else Way.CHOSEN_ANEW
    return went_on(custody, onward.pool, ground.now, way=way, reason=reason, rule=rule)


def goes_at_once(ground: Ground, custody: Custody) -> Onward | None:
    """Return where he goes now, by what was decided and not by time; None where he stays.

    Where he is kept for an offer, locked or disputed, he stays until that has ended.
    """
    free = custody.state is State.IN_POOL and not (custody.locked or custody.disputed)
    return custody.onward if free and _at_once(ground, custody) else None


def _onward(ground: Ground, custody: Custody) -> Onward | None:
    at_once = _at_once(ground, custody)
    if at_once:
        return Onward(at_once, ground.now)
    facts = custody.facts
    if facts is None or custody.way is Way.WENT_ON or custody.entered is None:
        return None
    then = _then(ground, custody)
    if not then or then == custody.pool or custody.pool != _first(ground, custody):
        return None
    return Onward(then, ground.calendar.midnight_after(custody.entered, facts.admission_after_days))


def _at_once(ground: Ground, custody: Custody) -> str:
    """Return the pool in which he should be by now, "" where he is in it."""
    first = _first(ground, custody)
    if custody.way is Way.CHOSEN_ANEW:
        pool = first
    elif custody.way is Way.WENT_ON:
        pool = _then(ground, custody) or first
    else:
        pool = "" if custody.pool in ground.setup.pools else first
    return "" if pool == custody.pool else pool


def _first(ground: Ground, custody: Custody) -> str:
    wanted = custody.facts.admission_pool if custody.facts is not None else ""
    return ground.setup.admits(wanted) if wanted else ""


def _then(ground: Ground, custody: Custody) -> str:
    wanted = custody.facts.admission_then if custody.facts is not None else ""
    return ground.setup.admits(wanted) if wanted else ""
