"""What a customer's custody should be by the present policy, set-up and facts; batch by batch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gonghai_pool.alterations import Alteration, Beside, altered
from gonghai_pool.custody import Change, Custody, State
from gonghai_pool.entering import admission, embargoed
from gonghai_pool.ground import SYSTEM
from gonghai_pool.policies import (
    claim_question,
    held_questions,
    judged,
    keep,
    qualification_question,
)
from gonghai_pool.transitions import admitted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_engine import DecisionRequest
    from gonghai_pool.ground import Actor, Situation
    from gonghai_pool.policies import Policies


async def reconsidered(
    policies: Policies, situations: Sequence[Situation], actor: Actor = SYSTEM
) -> list[Alteration]:
    """Return what is to change, in order; a customer that is as he should be is left out."""
    judged_ = await _requalified(policies, situations)
    questions: list[DecisionRequest] = []
    for situation, custody in judged_:
        if custody.state is State.HELD:
            questions += held_questions(situation.ground, custody)
    answers = iter(await policies.decide(questions))
    found = []
    for situation, custody in judged_:
        if custody.state is State.HELD:
            fresh = keep(situation.ground, custody, next(answers), next(answers))
            if fresh != situation.custody:
                found.append(rescheduled(situation, fresh, actor))
            continue
        after = await _placed(policies, situation, custody)
        if after is not None and after != situation.custody:
            found.append(altered(situation, after, actor))
    return found


def rescheduled(situation: Situation, fresh: Custody, actor: Actor) -> Alteration:
    """Return a holding with fresh clocks and weight: a new version if others see a change."""
    before = situation.custody
    change = Change.RESCHEDULED
    if before is not None and before.plan is not None and fresh.plan is not None:
        if before.plan.observable == fresh.plan.observable and before.weight == fresh.weight:
            return altered(situation, fresh, actor)
        if bool(before.plan.frozen_because) != bool(fresh.plan.frozen_because):
            change = Change.FROZEN_CHANGED
    told = replace(fresh, version=fresh.version + 1)
    return altered(situation, told, actor, beside=Beside(change, "the clocks were computed anew"))


async def _requalified(
    policies: Policies, situations: Sequence[Situation]
) -> list[tuple[Situation, Custody]]:
    """Judge activities anew that an older revision judged; leave out who is not known."""
    known = [
        (situation, situation.custody) for situation in situations if situation.custody is not None
    ]
    stale = [
        (place, activity)
        for place, (situation, custody) in enumerate(known)
        for activity in custody.activities
        if activity.revision < situation.ground.policy.revision
    ]
    if not stale:
        return known
    answers = await policies.decide(
        [
            qualification_question(known[place][0].ground, known[place][1], activity)
            for place, activity in stale
        ]
    )
    fresh = {
        (place, activity.id): judged(activity, answer, known[place][0].ground.policy.revision)
        for (place, activity), answer in zip(stale, answers, strict=True)
    }
    return [
        (
            situation,
            replace(
                custody,
                activities=tuple(
                    fresh.get((place, activity.id), activity) for activity in custody.activities
                ),
            )
            if custody.activities
            else custody,
        )
        for place, (situation, custody) in enumerate(known)
    ]


async def _placed(policies: Policies, situation: Situation, custody: Custody) -> Custody | None:
    """Put who waits into a pool that fits now, and who is in the fallback where he belongs."""
    ground, facts = situation.ground, custody.facts
    if facts is None:
        return None
    pool = admission(ground.setup, facts)
    if custody.waiting and pool:
        after = admitted(custody, custody.customer, facts, pool, ground.now)
        (claim,) = await policies.decide([claim_question(ground, after, "")])
        return embargoed(ground, after, claim)
    strayed = custody.state is State.IN_POOL and custody.pool == ground.setup.fallback
    fell = custody.change in {Change.ADMITTED, Change.MOVED}
    if strayed and fell and facts.admission_pool == pool != custody.pool:
        return moved(custody, pool, facts.admission_reason, facts.admission_rule)
    return None


def moved(custody: Custody, pool: str, reason: str, rule: str) -> Custody:
    """Return a pooled customer in another pool; no embargo begins, as he entered before."""
    return replace(
        custody,
        version=custody.version + 1,
        change=Change.MOVED,
        pool=pool,
        reason=reason,
        rule=rule,
    )
