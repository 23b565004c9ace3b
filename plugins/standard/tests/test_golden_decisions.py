"""What the standard plugin decides, by recency, frequency and amount alone."""

from __future__ import annotations

from typing import Any

import pytest

from gonghai_engine import Decision, DecisionRequest, Engine, Policy
from gonghai_standard import STANDARD

NOW = 1_795_000_000_000_000


async def _decide(policy: Policy, **facts: object) -> Any:  # noqa: ANN401 - the outcome of any policy
    engine = Engine({"standard": STANDARD})
    (made,) = await engine.decide([DecisionRequest("t", "", policy, facts, NOW)])
    engine.close()
    assert isinstance(made, Decision), made
    return made


@pytest.mark.requirement("D4", "A8")
@pytest.mark.parametrize(
    ("last", "first", "orders", "stage"),
    [
        (None, None, 0, "prospect"),
        (0, 0, 1, "new"),
        (0, 29, 20, "new"),
        (0, 30, 11, "active"),
        (89, 400, 11, "active"),
        (89, 400, 12, "loyal"),
        (90, 400, 12, "dormant"),
        (179, 400, 12, "dormant"),
        (180, 400, 12, "churned"),
    ],
)
async def test_the_stage(last: int | None, first: int | None, orders: int, stage: str) -> None:
    made = await _decide(
        Policy.LIFECYCLE,
        days_since_last_order=last,
        days_since_first_order=first,
        orders_365d=orders,
    )
    assert made.outcome.name == stage


@pytest.mark.requirement("D4", "A7")
@pytest.mark.parametrize(
    ("amount", "orders", "tier", "rule"),
    [
        (50_000_000, 1, "key", "key-amount"),
        (49_999_999, 1, "a", "a-amount"),
        (9_999_999, 12, "a", "a-frequent"),
        (9_999_999, 11, "b", "b-amount"),
        (1_999_999, 99, "c", "c"),
        (0, 0, "c", "c"),
    ],
)
async def test_the_tier(amount: int, orders: int, tier: str, rule: str) -> None:
    made = await _decide(Policy.TIERING, amount_365d=amount, orders_365d=orders, stage="active")
    assert (made.outcome.name, made.rule) == (tier, rule)
    assert made.outcome.lifetime_value == 2 * amount


async def test_a_lost_customer_is_worth_nothing_more_and_a_dormant_one_half() -> None:
    for stage, worth in (("churned", 0), ("dormant", 700), ("active", 1400)):
        made = await _decide(Policy.TIERING, amount_365d=700, stage=stage)
        assert made.outcome.lifetime_value == worth


async def test_the_limits_and_the_region_of_a_claim() -> None:
    near = await _decide(Policy.CLAIM, rep_covers_region=True)
    assert near.outcome.allowed
    assert (near.outcome.limits.per_day, near.outcome.limits.holding_limit) == (10, 200)
    far = await _decide(Policy.CLAIM, rep_covers_region=False)
    assert [refusal.rule for refusal in far.outcome.refusals] == ["other-region"]


async def test_the_clocks() -> None:
    plan = (await _decide(Policy.RECLAIM)).outcome
    assert {clock.name: clock.length for clock in plan.clocks} == {
        "first-follow-up": 3,
        "no-follow-up": 30,
        "no-order": 180,
    }
    assert (plan.warn_before_days, plan.grace_days, plan.stop_clocks) == (3, 1, ())


@pytest.mark.parametrize(
    ("facts", "counts"),
    [
        ({"activity_kind": "follow_up", "activity_outcome": "not_reached"}, False),
        ({"activity_kind": "visit", "activity_outcome": "not_reached"}, False),
        ({"activity_kind": "follow_up", "activity_outcome": "not_interested"}, True),
        ({"activity_kind": "follow_up", "activity_outcome": "reached"}, True),
        ({"activity_kind": "purchase"}, True),
        ({}, True),
    ],
)
async def test_what_counts(facts: dict[str, object], counts: bool) -> None:  # noqa: FBT001 - a column
    assert (await _decide(Policy.QUALIFICATION, **facts)).outcome.counts is counts


async def test_only_key_customers_are_assigned_at_once() -> None:
    assert (await _decide(Policy.MATCHING, tier="key")).outcome.auto_assign
    assert not (await _decide(Policy.MATCHING, tier="a")).outcome.auto_assign


async def test_signs_of_a_loss_are_collected() -> None:
    made = await _decide(
        Policy.RISK, order_interval_trend_percent=150, complaints_90d=2, stage="dormant", tier="a"
    )
    assert [(signal.name, signal.severity) for signal in made.outcome.signals] == [
        ("orders-slowing", 2),
        ("complaints", 2),
        ("dormant-key", 3),
    ]
    assert (await _decide(Policy.RISK, complaints_90d=1)).outcome.signals == ()
