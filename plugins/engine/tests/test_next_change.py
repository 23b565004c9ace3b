"""Before the day that is named nothing changes by time alone: compared with asking every day."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plugins.engine.tests.rulebooks import WHY, lifecycle, plugin, stage

from gonghai_engine import Decision, DecisionRequest, Engine, Policy
from gonghai_plugin import (
    INT64,
    Rule,
    all_,
    any_,
    derived,
    first_known,
    host_facts,
    not_,
    pick,
    setting,
    when,
)
from gonghai_plugin.conditions import Compare, Condition, Missing, Operator

if TYPE_CHECKING:
    from gonghai_plugin import Plugin

DAYS = (host_facts.DAYS_SINCE_LAST_ORDER, host_facts.DAYS_SINCE_FOLLOW_UP)
WINDOW = host_facts.ORDERS_90D
RHYTHM = derived("rhythm", INT64, WHY, pick(host_facts.REGION, setting("table"), otherwise=7) * 3)
MOVING = derived(
    "moving", INT64, WHY, first_known(DAYS[0] - host_facts.ORDERS_30D, DAYS[1] * 2, -1)
)
BRANCH = derived(
    "branch", INT64, WHY, when(DAYS[0].at_least(DAYS[1]), WINDOW * 2, host_facts.REFERRALS)
)
NUMBERS = (*DAYS, WINDOW, RHYTHM, MOVING, BRANCH)
HORIZON = 40

numbers = st.integers(-2, 25)
tests: st.SearchStrategy[Condition] = st.one_of(
    st.builds(
        Compare,
        st.sampled_from(NUMBERS),
        st.sampled_from(tuple(Operator)),
        numbers | st.sampled_from(NUMBERS),
    ),
    st.builds(Missing, st.sampled_from(NUMBERS)),
)
conditions = st.recursive(
    tests,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=2).map(lambda items: all_(*items)),
        st.lists(inner, min_size=1, max_size=2).map(lambda items: any_(*items)),
        inner.map(not_),
    ),
    max_leaves=4,
)


def _plugin(rules: list[Condition]) -> Plugin:
    named = (Rule(f"r{place}", when, stage(f"r{place}"), WHY) for place, when in enumerate(rules))
    return plugin("odd", lifecycle(*named), facts=(RHYTHM, MOVING, BRANCH))


@given(
    st.lists(conditions, min_size=1, max_size=3),
    st.fixed_dictionaries(
        {
            **{fact.name: st.none() | st.integers(0, 20) for fact in DAYS},
            "referrals": st.none() | st.integers(0, 20),
            "region": st.none() | st.sampled_from(("x", "y", "z")),
        }
    ),
    st.lists(st.tuples(st.integers(1, HORIZON), st.integers(0, 20)), max_size=3),
    st.integers(0, 20),
)
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_day_before_it_decides_otherwise(
    rules: list[Condition],
    facts: dict[str, object],
    window: list[tuple[int, int]],
    orders: int,
) -> None:
    moves = dict(sorted(window))
    engine = Engine({"odd": _plugin(rules)})
    text = "version: 1\ndefault: {plugin: odd}\n"
    try:
        engine.activate("t", 1, engine.parse(text))
    except ValueError:
        return  # rules that could never hold: refused, which other tests look at

    def on(day: int) -> dict[str, object]:
        counted = {
            fact.name: None if facts[fact.name] is None else int(str(facts[fact.name])) + day
            for fact in DAYS
        }
        orders_then = [orders, *(number for when, number in moves.items() if when <= day)][-1]
        return {**facts, **counted, "orders_90d": orders_then, "orders_30d": orders_then}

    async def rule(day: int) -> str:
        request = DecisionRequest("t", "", Policy.LIFECYCLE, on(day), 0)
        (made,) = await engine.decide([request])
        assert isinstance(made, Decision)
        return made.rule

    async def lived() -> list[str]:
        return [await rule(day) for day in range(HORIZON + 1)]

    said = (
        engine.tenant("t")
        .industry("")
        .next_change_days(
            on(0),
            {name: min(moves, default=None) for name in ("orders_90d", "orders_30d")},
            Policy.LIFECYCLE,
        )
    )
    rules_of_days = asyncio.run(lived())
    changed = next(
        (day for day, name in enumerate(rules_of_days) if name != rules_of_days[0]), None
    )
    engine.close()
    if changed is not None:
        assert said is not None
        assert said <= changed
    assert said is None or said >= 1


def _said(condition: Condition, window_days: dict[str, int | None], **facts: object) -> int | None:
    engine = Engine({"odd": _plugin([condition])})
    engine.activate("t", 1, engine.parse("version: 1\ndefault: {plugin: odd}\n"))
    return engine.tenant("t").industry("").next_change_days(facts, window_days, Policy.LIFECYCLE)


@pytest.mark.requirement("A6", "A8")
def test_a_threshold_in_days_is_met_to_the_day() -> None:
    dormant = DAYS[0].at_least(90)
    assert _said(dormant, {}, days_since_last_order=20) == 70
    assert _said(dormant, {}, days_since_last_order=90) is None
    assert _said(dormant, {}, days_since_last_order=None) is None
    assert _said(DAYS[0].more_than(90), {}, days_since_last_order=20) == 71
    assert _said(DAYS[0].equals(21), {}, days_since_last_order=20) == 1
    assert _said(DAYS[0].equals(21), {}, days_since_last_order=21) == 1


def test_a_derived_threshold_that_stands_still_is_met_to_the_day() -> None:
    assert _said(DAYS[0].at_least(RHYTHM), {}, days_since_last_order=2, region="y") == 4


def test_two_day_counts_against_each_other_never_move() -> None:
    facts = {"days_since_last_order": 4, "days_since_follow_up": 9}
    assert _said(DAYS[0].at_least(DAYS[1]), {}, **facts) is None


def test_a_window_moves_when_the_caller_says_so_and_tomorrow_when_he_does_not() -> None:
    many = WINDOW.at_least(3)
    assert _said(many, {"orders_90d": 12}, orders_90d=4) == 12
    assert _said(many, {"orders_90d": None}, orders_90d=4) is None
    assert _said(many, {}, orders_90d=4) == 1
