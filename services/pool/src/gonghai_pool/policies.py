"""What the pool service asks of the engine: may he claim, when is it taken back, does it count."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from gonghai_chassis.store import records
from gonghai_engine import Decision, DecisionFailure, DecisionRequest, Policy
from gonghai_engine import clocks as engine_clocks
from gonghai_engine.calendar import Span
from gonghai_engine.clocks import NextAction, extends, schedule
from gonghai_engine.outcomes import (
    ClaimVerdict,
    ClockUnit,
    Qualification,
    ReclaimPlan,
)
from gonghai_plugin import Text, host_facts
from gonghai_plugin.facts import Host, Motion
from gonghai_pool.custody import (
    Activity,
    Custody,
    ExtensionState,
    Facts,
    Holder,
    HolderKind,
    Longer,
    Plan,
    RunningClock,
    State,
)
from gonghai_pool.pools import MILLI, MOST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from gonghai_engine import ClaimLimits as PolicyLimits
    from gonghai_engine import Explanation
    from gonghai_engine.calendar import Calendar
    from gonghai_engine.clocks import Schedule
    from gonghai_engine.outcomes import Clock
    from gonghai_pool.engine_face import Decider
    from gonghai_pool.ground import Ground

Answer = Decision | DecisionFailure

_DAY_COUNTS: Final = frozenset(
    fact.name
    for fact in host_facts.ALL.values()
    if isinstance(fact.origin, Host) and fact.origin.motion is Motion.DAYS
)
_TENTH: Final = 10
_UNITS: Final = {
    ClockUnit.DAYS: Text("calendar days", "个自然日"),
    ClockUnit.WORKING_DAYS: Text("working days", "个工作日"),
    ClockUnit.HOURS: Text("hours", "小时"),
}
RETRY: Final = "retry"
"""The next action of a plan whose decision failed: to decide again."""
DEALS: Final = frozenset({"purchase", "deal"})
"""The kinds of activity by which a customer has dealt with its holder."""
FOLLOW_UPS: Final = frozenset({"follow_up", "visit"})


class Policies:
    """Puts the pool service's facts before the engine. The engine's answers are pure in them."""

    def __init__(self, decider: Decider) -> None:
        """Take the engine, or what stands for it."""
        self._decider = decider

    async def decide(self, questions: Sequence[DecisionRequest]) -> list[Answer]:
        """Decide; one that fails is a DecisionFailure, and its caller stays on the safe side."""
        return await self._decider.decide(questions)

    async def explain(self, question: DecisionRequest) -> Explanation | DecisionFailure:
        """Decide one with the truth of each condition."""
        return await self._decider.explain(question)


def claim_question(ground: Ground, custody: Custody, rep: str) -> DecisionRequest:
    """Ask whether a rep ("" for none) may take a customer, what it weighs, within which limits."""
    facts = _customer_facts(ground, custody)
    _add_custody_facts(facts, ground, custody)
    _add_rep_facts(facts, ground, custody, rep)
    return _question(ground, custody, Policy.CLAIM, facts)


def reclaim_question(ground: Ground, custody: Custody) -> DecisionRequest:
    """Ask by which clocks a holding is taken back."""
    facts = _customer_facts(ground, custody)
    _add_custody_facts(facts, ground, custody)
    return _question(ground, custody, Policy.RECLAIM, facts)


def extension_question(ground: Ground, custody: Custody, days: int, left: int) -> DecisionRequest:
    """Ask what becomes of a holder's request for so many days more, when so many are left."""
    facts = _customer_facts(ground, custody)
    _add_custody_facts(facts, ground, custody)
    _add_rep_facts(facts, ground, custody, _holding_rep(custody))
    earlier, before = custody.extensions, custody.denied_before
    denied = sum(one.state is ExtensionState.DENIED for one in earlier)
    facts["extension_days"] = days
    facts["extension_days_granted"] = sum(one.granted for one in earlier)
    facts["extension_days_left"] = left
    facts["extension_requests"] = len(earlier) + before
    facts["extension_requests_denied"] = denied + before
    plan = custody.plan or Plan()
    facts["due_clock"] = plan.clocks[0].name if plan.clocks else None
    # It runs out at the midnight that ends its last day.
    last = None if plan.due_at is None else plan.due_at - 1
    facts["days_until_due"] = (
        None if last is None else max(0, ground.calendar.days_between(ground.now, last))
    )
    return _question(ground, custody, Policy.EXTENSION, facts)


def held_questions(ground: Ground, custody: Custody) -> list[DecisionRequest]:
    """Ask what a holding's clocks and its weight are; `keep` takes the two answers."""
    rep = _holding_rep(custody)
    return [reclaim_question(ground, custody), claim_question(ground, custody, rep)]


def keep(ground: Ground, custody: Custody, reclaim: Answer, claim: Answer) -> Custody:
    """Return a holding with its clocks and weight by these decisions."""
    return replace(
        custody,
        plan=plan_of(ground, custody, reclaim),
        weight=weight_of(ground, custody, _limits_of(claim), failed=_failed(claim)),
    )


def weight_of(
    ground: Ground, custody: Custody, limits: PolicyLimits | None, *, failed: bool = False
) -> int:
    """Return what a customer counts against its holder's limit, in thousandths.

    The tenant's own weight of its tier goes before the plugin's. When the plugin could not say, a
    holding keeps the weight it has.
    """
    exempt = ground.setup.limits.deals_exempt or (limits is not None and limits.deals_exempt)
    if exempt and custody.dealt:
        return 0
    tier = custody.facts.tier if custody.facts is not None else ""
    own = ground.setup.limits.tier_weights.get(tier)
    if own is not None:
        return own
    if limits is not None:
        return min(limits.holding_weight * _TENTH, MOST)
    if failed and custody.plan is not None:
        return custody.weight
    return MILLI


def plan_of(ground: Ground, custody: Custody, answer: Answer) -> Plan:
    """Return when a holding is warned of and taken back, by a decision of the reclaim policy.

    A failed decision freezes the clocks: nothing is taken back by a plan that is not known to hold,
    and it is decided again at the next midnight, or sooner when something changes.
    """
    before = custody.plan or Plan()
    if isinstance(answer, DecisionFailure):
        return Plan(
            decision=before.decision,
            revision=before.revision,
            warned=before.warned,
            action=RETRY,
            at=ground.midnight,
            frozen_because=answer.because,
        )
    decision = _newer(before, answer)
    outcome = decision.outcome
    assert isinstance(outcome, ReclaimPlan)  # noqa: S101 - what the policy decides
    due, since = _schedule(ground, custody, outcome, before.warned)
    by_name = {clock.name: clock for clock in outcome.clocks}
    stops = tuple(stop.name for stop in outcome.stop_clocks if stop.name)
    running = {clock.name for clock in due.clocks}
    return Plan(
        decided=decision,
        decision=_recorded(before, decision),
        revision=decision.revision,
        clocks=tuple(
            RunningClock(
                name=clock.name,
                start=clock.started_at if since is None else since,
                due=clock.due_at,
                length=_length(by_name[clock.name]),
                reset_by=clock.resets_on,
                stops=stops,
                extended_days=clock.extended_days,
                longer=_longer(by_name[clock.name], clock.extended),
            )
            for clock in due.clocks
        ),
        warn_at=due.warn_at,
        due_at=due.due_at,
        reclaim_at=due.reclaim_at,
        warned={name: at for name, at in before.warned.items() if name in running},
        action="" if due.next_action is NextAction.NONE else due.next_action.value,
        at=due.at,
        for_clocks=due.for_clocks,
        target=outcome.target,
        provisional=due.provisional,
    )


def _schedule(
    ground: Ground, custody: Custody, outcome: ReclaimPlan, warned: Mapping[str, int]
) -> tuple[Schedule, int | None]:
    """Return the schedule of a holding, and when its clocks start if they all start with custody.

    What is claimed on one day falls due on one day: where clocks count days, and nothing has
    happened yet, all claims of a day share one schedule but for the instant at which clocks start.
    """
    stops = _leaves(ground, custody.holder)
    locked = custody.locked or custody.disputed
    extensions = [
        engine_clocks.Extension(one.granted, one.decided)
        for one in custody.extensions
        if one.state is ExtensionState.APPROVED and one.decided is not None
    ]
    if not (custody.activities or extensions or stops or locked or warned):
        day = ground.calendar.local_day(custody.since)
        shared = _of_day(outcome, ground.calendar, day)
        if shared is not None:
            return shared, custody.since
    return (
        schedule(
            outcome,
            engine_clocks.Custody(
                since=custody.since,
                activities=[
                    engine_clocks.Activity(one.kind, one.at, one.counts, one.clocks)
                    for one in custody.activities
                ],
                extensions=extensions,
                stops=stops,
                warned=warned,
                locked=locked,
            ),
            ground.calendar,
        ),
        None,
    )


@lru_cache(maxsize=4096)
def _of_day(outcome: ReclaimPlan, calendar: Calendar, day: date) -> Schedule | None:
    """Return the schedule of all holdings that begin on a day; None where they differ."""
    start, end = calendar.midnight(day), calendar.midnight(day + timedelta(days=1)) - 1
    first, last = (
        schedule(outcome, engine_clocks.Custody(since=since), calendar) for since in (start, end)
    )
    starts = [{replace(clock, started_at=0) for clock in one.clocks} for one in (first, last)]
    same = replace(first, clocks=()) == replace(last, clocks=()) and starts[0] == starts[1]
    from_custody = all(clock.started_by == "custody" for clock in first.clocks)
    return first if same and from_custody else None


def qualification_question(ground: Ground, custody: Custody, activity: Activity) -> DecisionRequest:
    """Ask whether an activity counts, and for which clocks."""
    facts = _customer_facts(ground, custody)
    qualities = activity.qualities
    facts["activity_kind"] = activity.kind
    facts["activity_channel"] = qualities.get("channel")
    facts["activity_outcome"] = qualities.get("outcome")
    seconds = qualities.get("duration_seconds")
    facts["activity_minutes"] = seconds // 60 if isinstance(seconds, int) else None
    facts["activity_amount"] = qualities.get("amount")
    facts["activity_sales_channel"] = qualities.get("sales_channel")
    facts["activity_by_owner"] = bool(activity.rep) and custody.works_on(activity.rep, activity.at)
    return _question(ground, custody, Policy.QUALIFICATION, facts)


def judged(activity: Activity, answer: Answer, revision: int) -> Activity:
    """Return an activity with what the qualification policy says; it counts when that fails."""
    if isinstance(answer, DecisionFailure):
        return replace(activity, counts=True, clocks=None, revision=revision)
    outcome = answer.outcome
    assert isinstance(outcome, Qualification)  # noqa: S101 - what the policy decides
    return replace(activity, counts=outcome.counts, clocks=outcome.clocks, revision=answer.revision)


def verdict_of(answer: Answer) -> ClaimVerdict | None:
    """Return what the claim policy says; None when it could not."""
    if isinstance(answer, DecisionFailure):
        return None
    outcome = answer.outcome
    assert isinstance(outcome, ClaimVerdict)  # noqa: S101 - what the policy decides
    return outcome


def kind_of(kind: str, qualities: Mapping[str, object]) -> str:
    """Return an activity's kind as policies name it: an opportunity that was won is a deal."""
    if kind == "purchase_return":
        return "return"
    state = str(qualities.get("state", "")).lower()
    return "deal" if kind == "opportunity" and state.endswith("won") else kind


def _limits_of(answer: Answer) -> PolicyLimits | None:
    verdict = verdict_of(answer)
    return verdict.limits if verdict is not None else None


def _failed(answer: Answer) -> bool:
    return isinstance(answer, DecisionFailure)


def _question(
    ground: Ground, custody: Custody, policy: Policy, facts: dict[str, Any]
) -> DecisionRequest:
    return DecisionRequest(
        tenant=ground.tenant,
        industry=industry_of(custody),
        policy=policy,
        facts=facts,
        now=ground.now,
        subject=custody.customer,
    )


def industry_of(custody: Custody) -> str:
    """Return the industry by whose policies a customer is decided on; "": the default."""
    return custody.facts.industry if custody.facts is not None else ""


def _holding_rep(custody: Custody) -> str:
    """The id of the rep who holds it, "" where none does."""
    holder = custody.holder
    return holder.id if holder is not None and holder.kind is HolderKind.REP else ""


def _customer_facts(ground: Ground, custody: Custody) -> dict[str, Any]:
    """The archive's facts as of today: day counts have grown since they were published."""
    known = custody.facts
    if known is None:
        return {}
    facts = dict(known.values)
    days = ground.days_since(known.at)
    if days > 0:
        for name in _DAY_COUNTS & facts.keys():
            if facts[name] is not None:
                facts[name] += days
    _add_known(facts, known)
    return facts


def _add_known(facts: dict[str, Any], known: Facts) -> None:
    if known.tier:
        facts["tier"] = known.tier
        facts["tier_rank"] = known.tier_rank
    if known.stage:
        facts["stage"] = known.stage
    if known.region and "region" not in facts:
        path = known.region.split("/")
        facts["region"] = path[-1]
        facts["regions"] = path


def _add_custody_facts(facts: dict[str, Any], ground: Ground, custody: Custody) -> None:
    held = custody.state is State.HELD
    facts["held_days"] = ground.days_since(custody.since) if held else None
    facts["owner_kind"] = custody.holder.kind.value if custody.holder is not None else None
    facts["days_in_pool"] = (
        ground.days_since(custody.entered)
        if custody.state is State.IN_POOL and custody.entered is not None
        else None
    )
    facts["self_sourced"] = custody.self_sourced
    facts["times_reclaimed"] = custody.times_reclaimed
    facts["times_claimed"] = custody.times_claimed
    facts["follow_ups_in_custody"] = custody.follow_ups
    facts["orders_in_custody"] = custody.orders


def _add_rep_facts(facts: dict[str, Any], ground: Ground, custody: Custody, rep: str) -> None:
    known = ground.setup.reps.get(rep)
    pool = ground.setup.pools.get(custody.pool)
    region = custody.facts.region if custody.facts is not None else ""
    lost_at = custody.lost.get(rep)
    facts["pool"] = custody.pool or None
    facts["rep_seniority"] = known.seniority if known is not None else None
    facts["rep_skills"] = known.skills if known is not None else None
    facts["rep_covers_region"] = known.covers(region) if known is not None else None
    facts["rep_is_former_owner"] = bool(rep) and custody.former_owner == rep
    facts["rep_is_collaborator"] = bool(rep) and custody.collaborates(rep, ground.now)
    facts["rep_is_pool_manager"] = pool is not None and ground.setup.is_manager(pool, rep)
    facts["days_since_rep_lost_it"] = ground.days_since(lost_at) if lost_at is not None else None


def _newer(before: Plan, decision: Decision) -> Decision:
    """Keep a decision that a newer plugin made: in a rolling deploy records never go back."""
    record = before.decision
    if not record or (record["e"], record["n"]) == (decision.revision, decision.plugin_version):
        return decision
    stored = Decision.from_record(record)
    return stored if stored.order > decision.order else decision


def _recorded(before: Plan, decision: Decision) -> Mapping[str, Any]:
    """The record of a decision: the one there is, where the same was decided on the same facts."""
    record = decision.to_record()
    if before.decision:
        same = {**before.decision, "t": 0}
        if records.unpack(records.pack({**record, "t": 0})) == same:
            return before.decision
    return record


def _length(clock: Clock) -> Text:
    return _span(clock, clock.length)


def _longer(clock: Clock, already: int) -> Longer | None:
    """How activities make a clock longer, in words."""
    ways = extends(clock)
    if not ways:
        return None
    return Longer(
        tuple((_span(clock, way.by), way.kinds) for way in ways),
        _span(clock, clock.extended_at_most),
        _span(clock, already) if already else None,
    )


def _span(clock: Clock, number: int) -> Text:
    unit = _UNITS[clock.unit]
    return Text(f"{number} {unit.en}", f"{number} {unit.zh}")


def _leaves(ground: Ground, holder: Holder | None) -> list[Span]:
    """The rep's leaves: his customers' clocks stand still meanwhile; an open one freezes them."""
    if holder is None or holder.kind is not HolderKind.REP:
        return []
    rep = ground.setup.reps.get(holder.id)
    if rep is None:
        return []
    return list(_spans(rep.leaves))


def _spans(leaves: Iterable[tuple[int, int]]) -> Iterable[Span]:
    for start, end in leaves:
        yield Span(start, end or None, "leave")
