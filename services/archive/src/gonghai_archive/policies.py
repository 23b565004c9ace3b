"""What the archive asks of the engine: stage, tier and admission, in that order.

When a decision fails, the safe side is taken: stage, tier and admission stay as they were and say
so, a customer that never had an admission waits for it, and the decision is tried again soon.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from gonghai_archive.assessment import Assessment, Verdict
from gonghai_archive.lines import KEPT, NOBODY, Downline, Standing, part_of
from gonghai_archive.metrics import Metrics, day_number, measure
from gonghai_archive.often import FACT, NOTHING, BoughtOften, bought_often, buyers_of
from gonghai_archive.places import Place
from gonghai_archive.profiles import Profile, region_prefixes
from gonghai_archive.secrecy import Secrecy
from gonghai_chassis.errors import FieldViolation, InvalidRequest, Reason
from gonghai_engine import (
    Admission,
    AttributeProblem,
    Collisions,
    Decision,
    DecisionFailure,
    DecisionRequest,
    Policy,
    Stage,
    Tier,
)
from gonghai_engine.sensitive import FOLLOWED
from gonghai_policy_service.reasons import NO_REASON, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gonghai_archive.activities import Activity
    from gonghai_archive.customers import Customer
    from gonghai_engine import Explanation
    from gonghai_engine.attributes import AttributeSchema
    from gonghai_engine.calendar import Calendar
    from gonghai_engine.tenants import IndustryPolicy, TenantPolicy
    from gonghai_plugin import Text

DECIDED: Final = (Policy.LIFECYCLE, Policy.TIERING, Policy.ADMISSION)
"""What the archive decides, in this order: each may read what the one before decided."""

_MINUTE = 60_000_000
_LONGEST_RETRY = 60 * _MINUTE


@dataclass(frozen=True, slots=True)
class Subject:
    """A customer to be decided on.

    Attributes:
        id: the customer's.
        profile: what people say of it.
        activities: all of them.
        created: when its record was made (µs, domain time).
        before: what was decided last, if anything was.
        downline: what its second level adds up to.
    """

    id: str
    profile: Profile
    activities: Sequence[Activity]
    created: int
    before: Assessment | None = None
    downline: Downline = NOBODY


@dataclass(frozen=True, slots=True)
class Published:
    """What others may know of a customer, beside what its record says plainly.

    Attributes:
        facts: by name; those that other services' policies read.
        admission_reason: why its pool was chosen; empty while none is, and where the
            sentence would tell something sensitive.
        admission_then: the pool it goes on to when nobody takes it; "" where it stays.
        admission_after_days: after how many days in the first one.
    """

    facts: Mapping[str, Any]
    admission_reason: Text
    admission_then: str = ""
    admission_after_days: int = 0


@dataclass(frozen=True, slots=True)
class IndustryView:
    """What the archive needs of an industry's policies for every customer, worked out once."""

    policy: IndustryPolicy
    attributes: AttributeSchema
    published: frozenset[str]
    secrecy: Secrecy

    @classmethod
    def of(cls, policy: IndustryPolicy) -> IndustryView:
        """Work it out. What is published is what others read, less what the plugin hides."""
        attributes = policy.attributes
        published = policy.needs(*FOLLOWED) - attributes.sensitive
        return cls(policy, attributes, published, Secrecy.of(policy))


@dataclass(slots=True)
class _Course:
    """One customer on its way through the decisions."""

    subject: Subject
    view: IndustryView
    metrics: Metrics
    often: BoughtOften
    facts: dict[str, Any]
    verdicts: dict[Policy, Verdict | None] = field(default_factory=dict)
    failed: bool = False
    places: tuple[Place, ...] | None = None


class Decider(Protocol):
    """What is asked: the engine, or what stands for it in a simulation."""

    async def decide(self, requests: Sequence[DecisionRequest]) -> list[Decision | DecisionFailure]:
        """Answer in the order of the requests; never raises for a bad one."""

    async def explain(self, request: DecisionRequest) -> Explanation | DecisionFailure:
        """Answer one with the truth of each condition."""


class Assessor:
    """Decides on customers of a tenant, many in one go."""

    def __init__(self, engine: Decider) -> None:
        """Ask this engine."""
        self._engine = engine
        self._views: dict[IndustryPolicy, IndustryView] = {}

    def view(self, policy: TenantPolicy, industry: str) -> IndustryView:
        """Return what is needed of an industry's policies."""
        resolved = policy.industry(industry)
        view = self._views.get(resolved)
        if view is None:
            if len(self._views) >= _MOST_VIEWS:
                self._views.clear()
            view = self._views[resolved] = IndustryView.of(resolved)
        return view

    def attributes(
        self, policy: TenantPolicy, industry: str, given: Mapping[str, object]
    ) -> dict[str, Any]:
        """Return custom attributes as the industry's plugin declares them.

        Raises:
            InvalidRequest: (INVALID_ATTRIBUTE) one breaks its declaration, or is not declared.
        """
        view = self.view(policy, industry)
        try:
            return dict(view.attributes.validate(given))
        except AttributeProblem as problem:
            raise InvalidRequest(
                FieldViolation(f"customer.attributes[{problem.attribute}]", problem.message),
                reason=Reason.INVALID_ATTRIBUTE,
                metadata={"attribute": problem.attribute, "plugin": view.policy.plugin},
            ) from problem

    def standing(
        self,
        policy: TenantPolicy,
        before: Customer | None,
        after: Customer,
        activities: Sequence[Activity],
        now: int,
    ) -> Standing:
        """Return where a customer is to stand, and what it gives to its sponsor as of now."""
        since = day_number(policy.calendar.zone, now) - KEPT
        sponsor = sponsor_of(policy, after)
        if sponsor is None:
            return Standing(None, since)
        part = part_of(sponsor, activities, calendar=policy.calendar, now=now)
        return Standing(part, since, before is None or sponsor_of(policy, before) != sponsor)

    def refused_sponsor(
        self, policy: TenantPolicy, profile: Profile, problem: str
    ) -> InvalidRequest:
        """Return the refusal of a customer below a sponsor that it cannot have."""
        resolved = policy.industry(profile.industry)
        attribute = resolved.upline or ""
        return InvalidRequest(
            FieldViolation(f"customer.attributes[{attribute}]", PROBLEMS[problem]),
            reason=Reason.INVALID_ATTRIBUTE,
            metadata={"attribute": attribute, "plugin": resolved.plugin},
        )

    def facts(
        self, view: IndustryView, profile: Profile, metrics: Metrics, buys_often: Iterable[str]
    ) -> dict[str, Any]:
        """Return the facts of a customer but for what is decided on them."""
        regions = profile.region.split("/") if profile.region else []
        return {
            **metrics.facts,
            **view.attributes.facts(profile.attributes),
            "customer_type": profile.type,
            "source": profile.source or None,
            "region": regions[-1] if regions else None,
            "regions": frozenset(regions),
            "tags": frozenset(profile.tags),
            FACT: frozenset(buys_often),
        }

    def facts_of(
        self, policy: TenantPolicy, profile: Profile, assessment: Assessment
    ) -> dict[str, Any]:
        """Return the facts of a customer as it was decided on, with what was decided."""
        facts = self.facts(
            self.view(policy, profile.industry), profile, assessment.metrics, assessment.buys_often
        )
        _decided(facts, assessment.stage, assessment.tier)
        return facts

    def published(
        self, policy: TenantPolicy, profile: Profile, assessment: Assessment
    ) -> Published:
        """Return what other services' policies read, and nothing beside it."""
        view = self.view(policy, profile.industry)
        facts = self.facts_of(policy, profile, assessment)
        reason, then, after_days = NO_REASON, "", 0
        if assessment.admission is not None:
            made = Decision.from_record(assessment.admission.decision)
            if isinstance(made.outcome, Admission):
                then, after_days = made.outcome.then, made.outcome.after_days
            told = view.secrecy.told(made.policy, made.plugin, made.plugin_version)
            if told is not None and not told:
                reason = made.reason
        return Published(
            {
                name: value
                for name, value in facts.items()
                if name in view.published and value is not None
            },
            reason,
            then,
            after_days,
        )

    async def assess(
        self, policy: TenantPolicy, subjects: Sequence[Subject], now: int
    ) -> list[Assessment]:
        """Decide on customers as of now, each as it would be alone, in the order given."""
        courses = [self._start(policy, subject, now) for subject in subjects]
        for step in DECIDED:
            outcomes = await self._engine.decide(
                [self._request(policy, course, step, now) for course in courses]
            )
            for course, outcome in zip(courses, outcomes, strict=True):
                _take(course, step, outcome, now)
        await self._take_places(policy, courses, now)
        return [_finish(policy, course, now) for course in courses]

    async def _take_places(
        self, policy: TenantPolicy, courses: Sequence[_Course], now: int
    ) -> None:
        """Decide what customers hold that one at the most may have."""
        asked = [each for each in courses if Policy.COLLISIONS in each.view.policy.resolved]
        if asked:
            outcomes = await self._engine.decide(
                [self._request(policy, each, Policy.COLLISIONS, now) for each in asked]
            )
            for course, outcome in zip(asked, outcomes, strict=True):
                if isinstance(outcome, DecisionFailure):
                    course.failed = True
                else:
                    course.places = _places(outcome)
        for course in courses:
            before = course.subject.before
            if course.places is None and before and (course.failed or course.view.policy.missing):
                course.places = before.places

    async def explain(
        self, policy: TenantPolicy, subject: Subject, assessment: Assessment, step: Policy, now: int
    ) -> Any:  # noqa: ANN401 - the engine's Explanation, or DecisionFailure
        """Explain one of the decisions of an assessment just made."""
        course = self._start(policy, subject, now)
        if step is not Policy.LIFECYCLE:
            _decided(course.facts, assessment.stage, None)
        return await self._engine.explain(self._request(policy, course, step, now))

    async def incentives(
        self,
        policy: TenantPolicy,
        asked: Sequence[tuple[Customer, Mapping[str, object]]],
        now: int,
    ) -> list[Decision | DecisionFailure | None]:
        """Decide what orders pay, on their facts and on what was just decided of their customers.

        Returns:
            A decision for each order; None where the industry has no commissions.
        """
        requests: list[DecisionRequest] = []
        places: list[int] = []
        for place, (customer, order) in enumerate(asked):
            profile, assessment = customer.profile, customer.assessment
            view = self.view(policy, profile.industry)
            if Policy.INCENTIVES not in view.policy.resolved and not view.policy.missing:
                continue
            facts = self.facts_of(policy, profile, assessment)
            places.append(place)
            requests.append(
                DecisionRequest(
                    tenant=policy.tenant,
                    industry=profile.industry,
                    policy=Policy.INCENTIVES,
                    facts={**facts, **order},
                    now=now,
                    subject=customer.id,
                )
            )
        found: list[Decision | DecisionFailure | None] = [None] * len(asked)
        if requests:
            answers = await self._engine.decide(requests)
            for place, answer in zip(places, answers, strict=True):
                found[place] = answer
        return found

    async def heirs(
        self, policy: TenantPolicy, customers: Sequence[Customer], now: int
    ) -> list[Decision | DecisionFailure]:
        """Decide whom customers of an industry with succession would take over, and how."""
        return await self._engine.decide(
            [
                DecisionRequest(
                    tenant=policy.tenant,
                    industry=each.profile.industry,
                    policy=Policy.SUCCESSION,
                    facts=self.facts_of(policy, each.profile, each.assessment),
                    now=now,
                    subject=each.id,
                )
                for each in customers
            ]
        )

    def _start(self, policy: TenantPolicy, subject: Subject, now: int) -> _Course:
        metrics = measured(
            subject.activities, subject.downline, subject.created, policy.calendar, now
        )
        view = self.view(policy, subject.profile.industry)
        often = _bought_often(policy, view, subject, now)
        facts = self.facts(view, subject.profile, metrics, often.categories)
        return _Course(subject, view, metrics, often, facts)

    def _request(
        self, policy: TenantPolicy, course: _Course, step: Policy, now: int
    ) -> DecisionRequest:
        return DecisionRequest(
            tenant=policy.tenant,
            industry=course.subject.profile.industry,
            policy=step,
            facts=course.facts,
            now=now,
            subject=course.subject.id,
        )


_MOST_VIEWS = 4096
PROBLEMS: Final = {
    "itself": "nobody is its own sponsor",
    "unknown": "there is no such customer",
    "sponsored": "that customer has a sponsor itself, and there are two levels only",
    "sponsors": "this customer is a sponsor itself, and there are two levels only",
}
"""Why a customer cannot stand below a sponsor, by what the scripts say."""


def measured(
    activities: Sequence[Activity], downline: Downline, created: int, calendar: Calendar, now: int
) -> Metrics:
    """Measure a customer's own activities, and its second level."""
    own = measure(activities, created=created, calendar=calendar, now=now)
    today = day_number(calendar.zone, now)
    return replace(
        own,
        facts={**own.facts, **downline.facts(today)},
        changes_in={**own.changes_in, **downline.changes_in(today)},
    )


def _bought_often(
    policy: TenantPolicy, view: IndustryView, subject: Subject, now: int
) -> BoughtOften:
    if view.policy.missing:
        # Nobody can say what often is: it stays as it was.
        return BoughtOften(subject.before.buys_often) if subject.before else NOTHING
    often = view.policy.often
    if often is None:
        return NOTHING
    return bought_often(subject.activities, often, calendar=policy.calendar, now=now)


def sponsor_of(policy: TenantPolicy, customer: Customer) -> str | None:
    """Return the id of the customer that it names as its sponsor, if its industry knows of any."""
    resolved = policy.industry(customer.profile.industry)
    if resolved.missing:
        # Nobody can say what its attributes mean: it stays where it stands.
        return None if customer.part is None else customer.part.sponsor
    if resolved.upline is None:
        return None
    sponsor: str | None = customer.profile.attributes.get(resolved.upline)
    return sponsor


def _take(course: _Course, step: Policy, outcome: Decision | DecisionFailure, now: int) -> None:
    before = _before(course.subject.before, step)
    verdict = before
    if isinstance(outcome, DecisionFailure):
        course.failed = True
        verdict = before and before.kept(joined(outcome.cause, outcome.cause, outcome.because))
    elif before is None or not _older(outcome, before.decision):
        verdict = _verdict(outcome, before, now)
    # Else a replica of a newer version decided: a record never goes back to an older one.
    course.verdicts[step] = verdict
    if step is Policy.LIFECYCLE:
        _decided(course.facts, verdict, None)
    elif step is Policy.TIERING:
        _decided(course.facts, course.verdicts[Policy.LIFECYCLE], verdict)


def _older(decision: Decision, record: dict[str, Any]) -> bool:
    if record["g"] != decision.plugin:
        return bool(record["e"] > decision.revision)
    if (record["e"], record["n"]) == (decision.revision, decision.plugin_version):
        return False
    return decision.order < Decision.from_record(record).order


def _before(assessment: Assessment | None, step: Policy) -> Verdict | None:
    if assessment is None:
        return None
    match step:
        case Policy.LIFECYCLE:
            return assessment.stage
        case Policy.TIERING:
            return assessment.tier
        case _:
            return assessment.admission


def _verdict(decision: Decision, before: Verdict | None, now: int) -> Verdict:
    record = decision.to_record()
    match decision.outcome:
        case Stage(name=name):
            verdict = Verdict(name, now, record)
        case Tier() as tier:
            verdict = Verdict(
                tier.name,
                now,
                record,
                rank=tier.rank,
                value=tier.value,
                potential=tier.potential,
            )
        case Admission(pool=pool):
            verdict = Verdict(pool, now, record)
        case other:
            raise TypeError(f"{decision.policy} decided a {type(other).__name__}")
    if before is not None and before.name == verdict.name:
        return Verdict(
            verdict.name,
            before.since,
            record,
            rank=verdict.rank,
            value=verdict.value,
            potential=verdict.potential,
        )
    return verdict


def _decided(facts: dict[str, Any], stage: Verdict | None, tier: Verdict | None) -> None:
    if stage is not None:
        facts["stage"] = stage.name
    if tier is not None:
        facts["tier"] = tier.name
        facts["tier_rank"] = tier.rank
        facts["value_grade"] = tier.value or None
        facts["potential_grade"] = tier.potential or None


def _finish(policy: TenantPolicy, course: _Course, now: int) -> Assessment:
    before = course.subject.before
    failures = (before.failures if before else 0) + 1 if course.failed else 0
    return Assessment(
        course.metrics,
        course.verdicts[Policy.LIFECYCLE],
        course.verdicts[Policy.TIERING],
        course.verdicts[Policy.ADMISSION],
        revision=policy.revision,
        next_at=_next_at(policy, course, failures, now),
        failures=failures,
        places=course.places or (),
        buys_often=course.often.categories,
    )


def _places(decision: Decision) -> tuple[Place, ...]:
    assert isinstance(decision.outcome, Collisions)  # noqa: S101 - what the policy decides
    return tuple(
        Place(each.rule, each.values, each.reason.en, each.reason.zh, each.inside)
        for each in decision.outcome.claimed
    )


def tried_again(assessment: Assessment, before: Assessment, now: int) -> Assessment:
    """Return an assessment beside which something else failed, due to be tried again as if it had.

    Args:
        assessment: as it is to be.
        before: as it was, with how many times in a row something failed already.
        now: domain time (µs).
    """
    failures = before.failures + 1
    retry = _retry_at(failures, now)
    next_at = retry if assessment.next_at is None else min(assessment.next_at, retry)
    return replace(assessment, failures=failures, next_at=next_at)


def _retry_at(failures: int, now: int) -> int:
    # By the minute, so that what failed together is tried again together.
    pause = min(_MINUTE << min(failures - 1, 10), _LONGEST_RETRY)
    return (now // _MINUTE) * _MINUTE + pause


def _next_at(policy: TenantPolicy, course: _Course, failures: int, now: int) -> int | None:
    """When something may come out otherwise although nothing happens, or is to be tried again."""
    ceases = course.often.changes_in
    try:
        differs = course.view.policy.next_change_days(
            course.facts,
            {**course.metrics.changes_in, FACT: ceases},
            *dict.fromkeys((*DECIDED, *FOLLOWED, Policy.COLLISIONS, Policy.SUCCESSION)),
        )
    except ValueError:
        # A fact breaks its declaration, which a decision has said already.
        differs = None
    moments = [
        policy.calendar.midnight_after(now, days) for days in (differs, ceases) if days is not None
    ]
    if failures:
        moments.append(_retry_at(failures, now))
    return min(moments, default=None)


def index_terms(ident: str, profile: Profile, assessment: Assessment) -> set[str]:
    """Return the indexes that a customer stands in, beside those of its owner or pool."""
    terms = {"all", f"industry:{profile.industry}", f"source:{profile.source}"}
    terms.update(f"region:{path}" for path in region_prefixes(profile.region))
    terms.update(f"tag:{tag}" for tag in profile.tags)
    terms.update(map(buyers_of, assessment.buys_often))
    if assessment.tier is not None:
        terms.add(f"tier:{assessment.tier.name}")
    if assessment.stage is not None:
        terms.add(f"stage:{assessment.stage.name}")
    for place in assessment.places:
        terms |= place.terms(profile.industry, ident)
    return terms
