"""What a customer's custody should be by the present policy, set-up and facts; batch by batch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gonghai_plugin import Text
from gonghai_pool.alterations import Alteration, Beside, altered
from gonghai_pool.custody import Change, State
from gonghai_pool.entering import admission, goes_at_once, gone_on, on_his_way, settled_in
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
    from gonghai_pool.custody import Custody, Onward
    from gonghai_pool.ground import Actor, Ground, Situation
    from gonghai_pool.policies import Policies

_ANEW: Final = Text("the clocks were computed anew", "回收倒计时已重新计算")
_ONWARD_ANEW: Final = Text(
    "when it goes on to another pool was computed anew", "转入下一公海的时间已重新计算"
)


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
        after = await _unheld(policies, situation.ground, custody)
        if after != situation.custody:
            found.append(goes_on(situation, after, actor))
    return found


def rescheduled(situation: Situation, fresh: Custody, actor: Actor) -> Alteration:
    """Return a holding with fresh clocks and weight: a new version if others see a change."""
    before = situation.custody
    change = Change.RESCHEDULED
    if before is not None and before.plan is not None and fresh.plan is not None:
        if before.plan.observable == fresh.plan.observable and before.weight == fresh.weight:
            return altered(situation, fresh, actor)
        if (before.plan.frozen_because is None) != (fresh.plan.frozen_because is None):
            change = Change.FROZEN_CHANGED
    told = replace(fresh, version=fresh.version + 1)
    return altered(situation, told, actor, beside=Beside(change, _ANEW))


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


async def _unheld(policies: Policies, ground: Ground, custody: Custody) -> Custody:
    """Return a customer whom nobody holds with where he goes; who is to go now is due at once.

    He is moved like everybody whose time has come: when the archive is heard that far, and not
    while an event about him is in quarantine.
    """
    if custody.waiting:
        return await placed(policies, ground, custody)
    return custody if custody.facts is None else on_his_way(ground, custody)


async def placed(policies: Policies, ground: Ground, custody: Custody) -> Custody:
    """Return a customer whom nobody holds where he belongs by now.

    Who waits comes into a pool that fits, who is where he should no longer be goes on at once; who
    is kept for an offer, locked or disputed goes on afterwards.
    """
    facts = custody.facts
    if facts is None:
        return custody
    if custody.waiting:
        pool = admission(ground.setup, facts)
        if not pool:
            return custody
        after = admitted(custody, custody.customer, facts, pool, ground.now)
        (claim,) = await policies.decide([claim_question(ground, after, "")])
        return settled_in(ground, after, claim)
    fresh = on_his_way(ground, custody)
    onward = goes_at_once(ground, fresh)
    return fresh if onward is None else await moved(policies, ground, fresh, onward)


async def moved(policies: Policies, ground: Ground, custody: Custody, onward: Onward) -> Custody:
    """Return a pooled customer in the pool that he was to go on to."""
    after = gone_on(ground, custody, onward)
    (claim,) = await policies.decide([claim_question(ground, after, "")])
    return settled_in(ground, after, claim)


def goes_on(situation: Situation, after: Custody, actor: Actor) -> Alteration:
    """Return what becomes of a customer whom nobody holds; others hear when he goes on."""
    before = situation.custody
    if before is None or before.version != after.version or before.onward == after.onward:
        return altered(situation, after, actor)
    told = replace(after, version=after.version + 1)
    return altered(situation, told, actor, beside=Beside(Change.RESCHEDULED, _ONWARD_ANEW))
