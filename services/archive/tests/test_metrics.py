"""Measures are what counting day by day gives, and slide when they say they do."""

from __future__ import annotations

import datetime as dt
import itertools
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonghai_archive.activities import (
    Activity,
    Feedback,
    FollowUp,
    Interest,
    Kind,
    Line,
    Opportunity,
    Purchase,
    PurchaseReturn,
    Referral,
)
from gonghai_archive.metrics import MEASURED, Metrics, day_number, measure
from gonghai_engine.calendar import Calendar

DAY = 86_400_000_000
ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "UTC")
NOW = 2_845_418_400_000_000
CREATED = NOW - 800 * DAY

contents = st.one_of(
    st.builds(
        lambda amount, lines: (Kind.PURCHASE, Purchase(amount, "", lines)),
        st.integers(0, 10_000),
        st.lists(
            st.builds(Line, st.sampled_from("pqrs"), st.sampled_from(["", "x", "y"])), max_size=3
        ).map(tuple),
    ),
    st.builds(lambda a: (Kind.PURCHASE_RETURN, PurchaseReturn(a)), st.integers(0, 5_000)),
    st.just((Kind.FOLLOW_UP, FollowUp("phone", "reached"))),
    st.builds(
        lambda o, s: (Kind.OPPORTUNITY, Opportunity(o, s)),
        st.sampled_from("ab"),
        st.sampled_from(["opened", "moved", "won", "lost"]),
    ),
    st.builds(
        lambda k: (Kind.FEEDBACK, Feedback(k)),
        st.sampled_from(["complaint", "praise", "suggestion"]),
    ),
    st.builds(lambda c: (Kind.REFERRAL, Referral(c)), st.sampled_from("ab")),
    st.builds(lambda p: (Kind.INTEREST, Interest(p)), st.sampled_from("pq")),
)
ages = st.one_of(
    st.integers(0, 800 * DAY),
    # Around the edges of the windows, where mistakes live.
    st.builds(
        lambda days, hours: max(0, days * DAY + hours * 3_600_000_000),
        st.sampled_from([0, 1, 29, 30, 89, 90, 91, 179, 180, 364, 365, 729, 730]),
        st.integers(-30, 30),
    ),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Activity]:
    drawn = draw(st.lists(st.tuples(ages, contents), max_size=25))
    return [
        Activity(f"a{place}", kind, NOW - age, content)
        for place, (age, (kind, content)) in enumerate(drawn)
    ]


def local_day(zone: str, instant: int) -> dt.date:
    return dt.datetime.fromtimestamp(instant // 1_000_000, ZoneInfo(zone)).date()


def counted(activities: list[Activity], zone: str, now: int) -> dict[str, int | None]:
    """The measures, day by day and without any cleverness."""
    today = local_day(zone, now)

    def days_ago(activity: Activity) -> int:
        return (today - local_day(zone, activity.occurred)).days

    def of(kind: Kind, start: int = 0, end: int = 10**6) -> list[Activity]:
        return [
            each for each in activities if each.kind == kind and days_ago(each) in range(start, end)
        ]

    def amount(start: int, end: int) -> int:
        bought = sum(int(each.content.amount) for each in of(Kind.PURCHASE, start, end))
        given_back = of(Kind.PURCHASE_RETURN, start, end)
        return bought - sum(int(each.content.amount) for each in given_back)

    def last(found: list[Activity]) -> int | None:
        return min(map(days_ago, found), default=None)

    orders = of(Kind.PURCHASE)
    opportunities = of(Kind.OPPORTUNITY)
    order_days = sorted({days_ago(each) for each in of(Kind.PURCHASE, 0, 365)})
    gaps = [b - a for a, b in itertools.pairwise(order_days)]
    mean = trend = None
    if gaps:
        mean = int(10 * sum(gaps) / len(gaps) + 0.5)
    if len(order_days) >= 5:
        early = sum(gaps[3:]) / len(gaps[3:])
        trend = int(sum(gaps[:3]) / 3 * 100 / early + 0.500_000_1)
    open_ones = 0
    for ident in {each.content.opportunity for each in opportunities}:
        steps = [each for each in opportunities if each.content.opportunity == ident]
        rank = {"opened": 0, "moved": 1, "won": 2, "lost": 3}
        newest = max(steps, key=lambda each: (each.occurred, rank[each.content.state], each.id))
        open_ones += newest.content.state in {"opened", "moved"}
    recent = of(Kind.PURCHASE, 0, 90)
    created = (today - local_day(zone, CREATED)).days
    first = max(map(days_ago, orders), default=None)
    return {
        "days_since_created": created,
        "days_since_first_order": first,
        "days_since_last_order": last(orders),
        "days_since_follow_up": last(of(Kind.FOLLOW_UP)),
        "days_since_opportunity": last(opportunities),
        "days_since_deal": last([e for e in opportunities if e.content.state == "won"]),
        "relationship_days": max(created, first or 0),
        "orders_30d": len(of(Kind.PURCHASE, 0, 30)),
        "orders_90d": len(recent),
        "orders_365d": len(of(Kind.PURCHASE, 0, 365)),
        "orders_lifetime": len(orders),
        "amount_30d": amount(0, 30),
        "amount_90d": amount(0, 90),
        "amount_365d": amount(0, 365),
        "amount_lifetime": amount(0, 10**6),
        "amount_previous_90d": amount(90, 180),
        "amount_previous_365d": amount(365, 730),
        "returns_90d": len(of(Kind.PURCHASE_RETURN, 0, 90)),
        "mean_order_interval_days": mean,
        "order_interval_trend_percent": trend,
        "distinct_categories_90d": len(
            {line.category for each in recent for line in each.content.lines if line.category}
        ),
        "distinct_products_90d": len(
            {line.product for each in recent for line in each.content.lines}
        ),
        "follow_ups_90d": len(of(Kind.FOLLOW_UP, 0, 90)),
        "complaints_90d": sum(e.content.kind == "complaint" for e in of(Kind.FEEDBACK, 0, 90)),
        "interests_90d": len({e.content.product for e in of(Kind.INTEREST, 0, 90)}),
        "referrals": len({e.content.referred_customer for e in of(Kind.REFERRAL)}),
        "open_opportunities": open_ones,
        "complaints_previous_90d": sum(
            each.content.kind == "complaint" for each in of(Kind.FEEDBACK, 90, 180)
        ),
        "feedback_90d": len(of(Kind.FEEDBACK, 0, 90)),
        "feedback_previous_90d": len(of(Kind.FEEDBACK, 90, 180)),
    }


def measured(activities: list[Activity], zone: str = "Asia/Shanghai", now: int = NOW) -> Metrics:
    return measure(activities, created=CREATED, calendar=Calendar(zone=zone), now=now)


@pytest.mark.requirement("A6")
@given(activities=histories(), zone=st.sampled_from(ZONES), hours=st.integers(0, 47))
def test_measures_are_what_counting_gives(
    activities: list[Activity], zone: str, hours: int
) -> None:
    now = NOW + hours * 3_600_000_000
    facts = measured(activities, zone, now).facts
    assert set(facts) == set(MEASURED)
    assert facts == counted(activities, zone, now)


@pytest.mark.requirement("A5", "A6")
@given(activities=histories(), data=st.data())
def test_the_order_of_recording_makes_no_difference(
    activities: list[Activity], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(activities))
    assert measured(shuffled) == measured(activities)


@pytest.mark.requirement("A6")
@settings(max_examples=60)
@given(activities=histories())
def test_windows_do_not_slide_before_they_say(activities: list[Activity]) -> None:
    calendar = Calendar()
    today = measured(activities)
    for name, days in today.changes_in.items():
        for later in {1, (days or 400) - 1} - {0}:
            if days is not None and later >= days:
                continue
            then = measured(activities, now=calendar.midnight_after(NOW, later))
            assert then.facts[name] == today.facts[name], (name, later, days)


@pytest.mark.requirement("A6")
def test_a_window_slides_on_the_day_it_says() -> None:
    bought = [Activity("a", Kind.PURCHASE, NOW - 20 * DAY, Purchase(700))]
    today = measured(bought)
    assert today.facts["amount_30d"] == 700
    assert today.changes_in["amount_30d"] == 10
    calendar = Calendar()
    eve = measured(bought, now=calendar.midnight_after(NOW, 10) - 1)
    slid = measured(bought, now=calendar.midnight_after(NOW, 10))
    assert (eve.facts["amount_30d"], slid.facts["amount_30d"]) == (700, 0)
    assert slid.changes_in["amount_30d"] is None


@pytest.mark.requirement("A5")
def test_a_correction_counts_instead_of_what_it_corrects() -> None:
    wrong = Activity("a", Kind.PURCHASE, NOW - DAY, Purchase(9_900))
    right = Activity("b", Kind.PURCHASE, NOW - 3 * DAY, Purchase(99), corrects="a")
    again = Activity("c", Kind.PURCHASE, NOW - 2 * DAY, Purchase(50), corrects="b")
    facts = measured([again, wrong, right]).facts
    assert (facts["orders_lifetime"], facts["amount_lifetime"]) == (1, 50)
    assert facts["days_since_last_order"] == 2
    void = Activity("d", Kind.PURCHASE, NOW, Purchase(0), corrects="c")
    assert measured([again, wrong, right, void]).facts["orders_lifetime"] == 0


@given(zone=st.sampled_from(ZONES), instant=st.integers(10**15, 4 * 10**15))
def test_day_numbers_are_local_days(zone: str, instant: int) -> None:
    assert day_number(zone, instant) == local_day(zone, instant).toordinal()


@pytest.mark.parametrize("kind", [Kind.PURCHASE, Kind.PURCHASE_RETURN])
def test_sums_stop_where_numbers_are_no_longer_exact(kind: Kind) -> None:
    content = Purchase(10**12) if kind is Kind.PURCHASE else PurchaseReturn(10**12)
    activities = [Activity(f"a{n}", kind, NOW, tuple(content)) for n in range(9_100)]
    facts = measure(activities, created=CREATED, calendar=Calendar(zone="UTC"), now=NOW).facts
    most = 2**53 - 1
    expected = most if kind is Kind.PURCHASE else -most
    assert facts["amount_30d"] == facts["amount_lifetime"] == expected
