"""What orders pay is decided and booked, in the step that changes their customer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai_archive.activities import Kind, Purchase, PurchaseReturn
from gonghai_archive.commissions import (
    NOTHING,
    Booking,
    Terms,
    admitted,
    difference,
    paid,
    undecided,
)
from gonghai_archive.policies import tried_again
from gonghai_engine import Commission, DecisionFailure, Policy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_archive.activities import Activity
    from gonghai_archive.assessment import Assessment
    from gonghai_archive.customers import Customer
    from gonghai_archive.policies import Assessor
    from gonghai_engine import Decision, TenantPolicy
    from gonghai_plugin import Text


@dataclass(frozen=True, slots=True)
class Sold:
    """A customer with what was decided of it just now, and all its activities.

    Attributes:
        before: the record as it was, with its terms.
        after: the record as it is to be, with its assessment.
        activities: in the order in which they were recorded; the new ones without a time.
    """

    before: Customer
    after: Customer
    activities: Sequence[Activity]


@dataclass(slots=True)
class _Open:
    """A customer whose orders wait for what they pay."""

    place: int
    sold: Sold
    terms: dict[str, Terms]
    fresh: dict[str, Terms]
    waiting: list[Activity]
    reasons: dict[str, Text]


async def book(
    assessor: Assessor, policy: TenantPolicy, sold: Sequence[Sold], now: int
) -> list[tuple[Booking, Assessment]]:
    """Decide what orders pay, and return what is to be booked of each customer.

    An order of which that cannot be decided books nothing and waits: the assessment that comes back
    says when its customer is due to be tried again.
    """
    results = [(NOTHING, each.after.assessment) for each in sold]
    begun = [_begin(policy, place, each) for place, each in enumerate(sold)]
    open_ = [each for each in begun if each is not None]
    if not open_:
        return results
    asked = [(each, activity) for each in open_ for activity in each.waiting]
    answers = await assessor.incentives(
        policy,
        [(each.sold.after, _facts(activity)) for each, activity in asked],
        now,
    )
    failed: set[int] = set()
    for (each, activity), answer in zip(asked, answers, strict=True):
        if isinstance(answer, DecisionFailure):
            failed.add(each.place)
        else:
            _take(each, activity, answer)
    for each in open_:
        assessment = each.sold.after.assessment
        if each.place in failed:
            assessment = tried_again(assessment, each.sold.before.assessment, now)
        results[each.place] = (_booking(each), assessment)
    return results


def _begin(policy: TenantPolicy, place: int, sold: Sold) -> _Open | None:
    industry = policy.industry(sold.after.profile.industry)
    pays = industry.missing or Policy.INCENTIVES in industry.resolved
    known = sold.before.terms
    if not known and not pays:
        return None
    part = sold.before.part
    new = admitted(
        sold.activities,
        known,
        pays=pays,
        sponsor="" if part is None else part.sponsor,
        calendar=policy.calendar,
    )
    terms = {**known, **{each.activity: each for each in new}}
    corrected = {each.corrects for each in sold.activities if each.corrects}
    waiting = [
        each
        for each in sold.activities
        if each.id in terms and terms[each.id].own is None and each.id not in corrected
    ]
    if not new and not waiting:
        return None
    return _Open(place, sold, terms, {each.activity: each for each in new}, waiting, {})


def _take(each: _Open, activity: Activity, answer: Decision | None) -> None:
    """Put in what an order pays: nothing where the industry has no commissions by now."""
    terms = each.terms[activity.id]._replace(own=0)
    if answer is not None:
        assert isinstance(answer.outcome, Commission)  # noqa: S101 - what the policy decides
        terms = terms._replace(
            own=answer.outcome.own_basis_points,
            sponsors=answer.outcome.sponsor_basis_points,
            rule=answer.rule,
        )
        each.reasons[activity.id] = answer.reason
    each.terms[activity.id] = each.fresh[activity.id] = terms


def _booking(each: _Open) -> Booking:
    before, activities = each.sold.before, each.sold.activities
    stored = [activity for activity in activities if activity.recorded]
    entries = difference(
        before.id,
        activities,
        paid(before.id, stored, before.terms),
        paid(before.id, activities, each.terms),
        each.reasons,
    )
    waited = undecided(before.id, stored, before.terms)
    waits = undecided(before.id, activities, each.terms)
    return Booking(
        tuple(each.fresh.values()),
        tuple(entries),
        waits=tuple(sorted(waits)),
        settled=tuple(sorted(waited - waits)),
    )


def _facts(activity: Activity) -> dict[str, object]:
    """The facts of an order, as rules name them."""
    purchase = activity.kind == Kind.PURCHASE
    content = (Purchase if purchase else PurchaseReturn)(*activity.content)
    return {
        "activity_kind": "purchase" if purchase else "return",
        "activity_amount": content.amount,
        "activity_sales_channel": activity.sales_channel or None,
    }
