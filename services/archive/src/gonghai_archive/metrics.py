"""What a customer's activities amount to (A6), as the facts that policies read.

Windows and day counts are whole days of the tenant's zone and end today: a window of 30 days is
today and the 29 days before. They slide at local midnights, so each measure says as well when its
windows next change by themselves.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Final

from gonghai_archive.activities import (
    Activity,
    Feedback,
    Interest,
    Kind,
    Opportunity,
    Purchase,
    PurchaseReturn,
    Referral,
    in_force,
    is_annulment,
)
from gonghai_archive.money import MOST_IN_SUM
from gonghai_engine.calendar import DAY, Calendar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MONTH, QUARTER, YEAR = 30, 90, 365
"""Lengths of the windows in days."""

MEASURED: Final = (
    "days_since_created",
    "days_since_first_order",
    "days_since_last_order",
    "days_since_follow_up",
    "days_since_opportunity",
    "days_since_deal",
    "relationship_days",
    "orders_30d",
    "orders_90d",
    "orders_365d",
    "orders_lifetime",
    "amount_30d",
    "amount_90d",
    "amount_365d",
    "amount_lifetime",
    "amount_previous_90d",
    "amount_previous_365d",
    "returns_90d",
    "mean_order_interval_days",
    "order_interval_trend_percent",
    "distinct_categories_90d",
    "distinct_products_90d",
    "follow_ups_90d",
    "complaints_90d",
    "interests_90d",
    "referrals",
    "open_opportunities",
    "complaints_previous_90d",
    "feedback_90d",
    "feedback_previous_90d",
)
"""The facts measured here."""

NAMES: Final = (
    *MEASURED,
    "downline_members",
    "downline_active_90d",
    "downline_amount_365d",
)
"""All that is measured of a customer, its second level among it (`gonghai_archive.lines`), in the
order in which the store keeps them: new ones go to the end."""

_TREND_OVER = 3
_TREND_NEEDS = 5
_STATE_ORDER = {"opened": 0, "moved": 1, "won": 2, "lost": 3}


@dataclass(frozen=True, slots=True)
class Metrics:
    """What the activities amount to at one moment.

    Attributes:
        at: the moment (µs, domain time).
        facts: by name (`NAMES`, or `MEASURED`); None is missing. Money in minor units.
        changes_in: for each window fact, in how many days it may next change by itself; None never.
        last_order: when it last bought (µs), if ever.
        last_follow_up: when it was last followed up (µs), if ever.
    """

    at: int
    facts: Mapping[str, int | None]
    changes_in: Mapping[str, int | None]
    last_order: int | None
    last_follow_up: int | None


def measure(
    activities: Sequence[Activity], *, created: int, calendar: Calendar, now: int
) -> Metrics:
    """Measure a customer's activities as of now.

    The answer does not depend on the order in which they were recorded.

    Args:
        activities: all of them, in any order, none later than now.
        created: when the customer's record was made.
        calendar: the tenant's.
        now: domain time.
    """
    zone = calendar.zone
    today = day_number(zone, now)
    by_kind: dict[str, list[Activity]] = {}
    for activity in in_force(list(activities)):
        by_kind.setdefault(activity.kind, []).append(activity)

    orders = _aged(
        zone, today, (order for order in by_kind.get(Kind.PURCHASE, ()) if not is_annulment(order))
    )
    returns = _aged(zone, today, by_kind.get(Kind.PURCHASE_RETURN, ()))
    follow_ups = _aged(zone, today, by_kind.get(Kind.FOLLOW_UP, ()))
    opportunities = _aged(zone, today, by_kind.get(Kind.OPPORTUNITY, ()))
    interests = _aged(zone, today, by_kind.get(Kind.INTEREST, ()))
    feedback = _aged(zone, today, by_kind.get(Kind.FEEDBACK, ()))
    complaints = [
        (age, activity)
        for age, activity in feedback
        if Feedback(*activity.content).kind == "complaint"
    ]
    deals = [
        (age, activity)
        for age, activity in opportunities
        if Opportunity(*activity.content).state == "won"
    ]

    facts: dict[str, int | None] = {}
    changes: dict[str, int | None] = {}
    order_count = _Series([age for age, _ in orders])
    for days in (MONTH, QUARTER, YEAR):
        facts[f"orders_{days}d"] = order_count.count(0, days)
        changes[f"orders_{days}d"] = order_count.changes_in(0, days)
    facts["orders_lifetime"] = len(orders)

    amounts = _Series.of(
        [(age, Purchase(*activity.content).amount) for age, activity in orders]
        + [(age, -PurchaseReturn(*activity.content).amount) for age, activity in returns]
    )
    for name, start, end in (
        ("amount_30d", 0, MONTH),
        ("amount_90d", 0, QUARTER),
        ("amount_365d", 0, YEAR),
        ("amount_previous_90d", QUARTER, 2 * QUARTER),
        ("amount_previous_365d", YEAR, 2 * YEAR),
    ):
        facts[name] = amounts.total(start, end)
        changes[name] = amounts.changes_in(start, end)
    facts["amount_lifetime"] = amounts.total(0, None)

    for name, aged, start in (
        ("returns_90d", returns, 0),
        ("follow_ups_90d", follow_ups, 0),
        ("complaints_90d", complaints, 0),
        ("complaints_previous_90d", complaints, QUARTER),
        ("feedback_90d", feedback, 0),
        ("feedback_previous_90d", feedback, QUARTER),
    ):
        series = _Series([age for age, _ in aged])
        facts[name] = series.count(start, start + QUARTER)
        changes[name] = series.changes_in(start, start + QUARTER)

    _measure_rhythm(orders, facts, changes)
    _measure_breadth(orders, interests, facts, changes)
    facts["referrals"] = len(
        {
            Referral(*referral.content).referred_customer
            for referral in by_kind.get(Kind.REFERRAL, ())
        }
    )
    facts["open_opportunities"] = _open_opportunities(by_kind.get(Kind.OPPORTUNITY, ()))

    since_created = today - day_number(zone, created)
    first_order = orders[-1][0] if orders else None
    facts["days_since_created"] = since_created
    facts["days_since_first_order"] = first_order
    facts["days_since_last_order"] = orders[0][0] if orders else None
    facts["days_since_follow_up"] = follow_ups[0][0] if follow_ups else None
    facts["days_since_opportunity"] = opportunities[0][0] if opportunities else None
    facts["days_since_deal"] = deals[0][0] if deals else None
    facts["relationship_days"] = max(since_created, first_order or 0)
    return Metrics(
        at=now,
        facts=facts,
        changes_in=changes,
        last_order=max((order.occurred for _, order in orders), default=None),
        last_follow_up=max((each.occurred for _, each in follow_ups), default=None),
    )


def day_number(zone: str, instant: int) -> int:
    """Return the number of an instant's local day; the next day has the next number."""
    for start, number in reversed(_days_of(zone, instant // DAY)):
        if instant >= start:
            return number
    raise AssertionError("the first local day of a UTC day begins with it")


@lru_cache(maxsize=1 << 15)
def _days_of(zone: str, utc_day: int) -> tuple[tuple[int, int], ...]:
    """The local days that a UTC day has part in: from when on, and their number.

    An instant's zone offset costs microseconds to look up and a customer has hundreds of
    activities, most of them on few days.
    """
    calendar = Calendar(zone=zone)
    start = utc_day * DAY
    days = [(start, calendar.local_day(start).toordinal())]
    midnight = calendar.next_midnight(start)
    while midnight < start + DAY:
        days.append((midnight, calendar.local_day(midnight).toordinal()))
        midnight = calendar.next_midnight(midnight)
    return tuple(days)


class _Series:
    """Numbers by age in days, the youngest first, summed up over windows."""

    __slots__ = ("_ages", "_sums")

    def __init__(self, ages: list[int], values: Iterable[int] = ()) -> None:
        self._ages = ages
        self._sums = [0, *accumulate(values)]

    @classmethod
    def of(cls, aged: list[tuple[int, int]]) -> _Series:
        aged = sorted(pair for pair in aged if pair[1])
        return cls([age for age, _ in aged], (value for _, value in aged))

    def count(self, start: int, end: int) -> int:
        return bisect_left(self._ages, end) - bisect_left(self._ages, start)

    def total(self, start: int, end: int | None) -> int:
        last = len(self._ages) if end is None else bisect_left(self._ages, end)
        total = self._sums[last] - self._sums[bisect_left(self._ages, start)]
        return max(-MOST_IN_SUM, min(total, MOST_IN_SUM))

    def changes_in(self, start: int, end: int) -> int | None:
        """In how many days something comes into the window [start, end) or leaves it."""
        edges = [
            edge - self._ages[before - 1]
            for edge in (start, end)
            if (before := bisect_left(self._ages, edge))
        ]
        return min(edges, default=None)


_Aged = list[tuple[int, Activity]]


def _aged(zone: str, today: int, activities: Iterable[Activity]) -> _Aged:
    """Activities with their age in days, the youngest first."""
    aged = [(today - day_number(zone, each.occurred), each) for each in activities]
    aged.sort(key=_age)
    return aged


def _age(pair: tuple[int, Activity]) -> int:
    return pair[0]


def _measure_rhythm(
    orders: _Aged, facts: dict[str, int | None], changes: dict[str, int | None]
) -> None:
    days = sorted({age for age, _ in orders if age < YEAR})
    gaps = [older - younger for younger, older in pairwise(days)]
    slides = YEAR - days[-1] if days else None
    mean = trend = None
    if gaps:
        mean = _rounded(10 * sum(gaps), len(gaps))
    if len(days) >= _TREND_NEEDS:
        late, early = gaps[:_TREND_OVER], gaps[_TREND_OVER:]
        trend = _rounded(100 * sum(late) * len(early), len(late) * sum(early))
    facts["mean_order_interval_days"] = mean
    facts["order_interval_trend_percent"] = trend
    changes["mean_order_interval_days"] = None if mean is None else slides
    changes["order_interval_trend_percent"] = None if trend is None else slides


def _measure_breadth(
    orders: _Aged,
    interests: _Aged,
    facts: dict[str, int | None],
    changes: dict[str, int | None],
) -> None:
    recent = [(age, Purchase(*order.content)) for age, order in orders if age < QUARTER]
    # By index: a line's category and product, read for each line of each order of the quarter.
    facts["distinct_categories_90d"] = len(
        {line[1] for _, order in recent for line in order.lines if line[1]}
    )
    facts["distinct_products_90d"] = len({line[0] for _, order in recent for line in order.lines})
    oldest = max((age for age, order in recent if order.lines), default=None)
    slides = None if oldest is None else QUARTER - oldest
    changes["distinct_categories_90d"] = slides
    changes["distinct_products_90d"] = slides
    asked = [(age, Interest(*each.content)) for age, each in interests if age < QUARTER]
    facts["interests_90d"] = len({interest.product for _, interest in asked})
    changes["interests_90d"] = QUARTER - asked[-1][0] if asked else None


def _open_opportunities(activities: Iterable[Activity]) -> int:
    latest: dict[str, tuple[int, int, str]] = {}
    for activity in activities:
        change = Opportunity(*activity.content)
        # What happened at the same moment is ordered by how far it got, not by who told first.
        mark = (activity.occurred, _STATE_ORDER[change.state], activity.id)
        latest[change.opportunity] = max(mark, latest.get(change.opportunity, mark))
    return sum(order < _STATE_ORDER["won"] for _, order, _ in latest.values())


def _rounded(numerator: int, denominator: int) -> int:
    """Return the quotient of two natural numbers, a half rounded up."""
    return (2 * numerator + denominator) // (2 * denominator)
