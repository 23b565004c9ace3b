"""Columns decide as durable-rules and the plain evaluator do, whatever the rules and facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plugins.engine.tests.agreement import SETTINGS, Book, books, compare, facts
from plugins.engine.tests.rulebooks import WHY, lifecycle, plugin, stage
from plugins.engine.tests.rulebooks import given as known

from gonghai_engine import DecisionFailure, DecisionRequest, Engine, Policy
from gonghai_engine.calendar import Calendar
from gonghai_engine.column_numbers import fact_numbers
from gonghai_engine.columns import FactColumns, Numbers
from gonghai_engine.faults import EngineError
from gonghai_engine.verdicts import Moment
from gonghai_plugin import (
    INT64,
    Rule,
    computed,
    derived,
    host_facts,
    largest,
    ratio,
    smallest,
    text_of,
    when,
)
from gonghai_plugin.facts import INT64_MAX, INT64_MIN, Derived
from gonghai_plugin.policies import OPTIONAL
from gonghai_standard import STANDARD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gonghai_plugin.facts import Expression

NOW = 1_795_000_000_000_000


@given(books(), st.lists(facts, min_size=12, max_size=30))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_three_ways_of_deciding_give_the_same(book: Book, rows: list[Mapping[str, object]]) -> None:
    assert compare(book, rows) == 2 * len(rows)


A, B = known("a", INT64), known("b", INT64)


@pytest.mark.parametrize(
    ("expression", "a", "b", "says"),
    [
        (A + B, 2**53, 1, 2**53 + 1),
        (A + B, INT64_MAX, 1, INT64_MAX),
        (A - B, INT64_MIN, 1, INT64_MIN),
        (A * B, INT64_MAX, INT64_MIN, INT64_MIN),
        (A // B, INT64_MIN, -1, INT64_MAX),
        (A // B, -7, 2, -4),
        (A // B, 7, 0, None),
        (A + B, 7, None, None),
        # Only the whole fact is kept inside 64 bits, not what it is computed from.
        ((A * B) // B, INT64_MAX, 1000, INT64_MAX),
        ((A + B) - B, INT64_MAX, INT64_MAX, INT64_MAX),
        (ratio(A, B, scale=9), INT64_MAX, INT64_MAX, 10**9),
        (smallest(A * B, 2**70), 3, 4, 12),
        (largest(A * B, 2**70) - 2**70, 3, 4, 0),
        (when(A.more_than(B), A, B), 2**53, 2**53 + 1, 2**53 + 1),
    ],
)
def test_arithmetic_is_exact_and_a_fact_stays_within_64_bits(
    expression: Expression, a: int | None, b: int | None, says: int | None
) -> None:
    fact = derived("made", INT64, WHY, expression)
    assert isinstance(fact.origin, Derived)
    # Beside it a row of small numbers: one large one must not spoil the others.
    columns = FactColumns.of((A, B), [{"a": a, "b": b}, {"a": 6, "b": 3}])
    found = fact_numbers(fact.origin.expression, columns.columns, SETTINGS, 2)
    assert found.values.dtype == "int64"
    assert found.at(0) == says


def test_what_does_not_fit_its_type_fails_for_its_row_alone() -> None:
    orders = host_facts.ORDERS_365D
    kind = known("kind", text_of("a", "b"))
    rows: list[dict[str, object]] = [
        {orders.name: 3, "kind": "a"},
        {orders.name: True, "kind": "c"},
        {orders.name: 2**63, "kind": 7},
        {orders.name: 2.0, "kind": ["a"]},
        {orders.name: None, "kind": None},
    ]
    columns = FactColumns.of((orders, kind), rows)
    assert sorted(columns.refused[orders.name]) == [1, 2, 3]
    assert sorted(columns.refused["kind"]) == [1, 2, 3]
    numbers = columns.columns[orders.name]
    assert isinstance(numbers, Numbers)
    assert [numbers.at(row) for row in range(5)] == [3, None, None, None, None]
    said = str(columns.refused[orders.name][1])
    assert "int64, not bool" in said


@pytest.mark.parametrize("policy", sorted(set(Policy) - OPTIONAL))
async def test_a_population_is_decided_as_each_customer_alone(policy: Policy) -> None:
    engine = Engine({"standard": STANDARD})
    industry = engine.tenant("t").industry("")
    rows: list[dict[str, Any]] = [
        {
            "orders_lifetime": place % 4,
            "orders_365d": place % 9,
            "days_since_last_order": (place * 7) % 400,
            "days_since_created": place % 200,
            "amount_365d": place * 10_000,
            "complaints_90d": place % 4,
            "stage": ("active", "dormant", "churned", None)[place % 4],
            "tier": ("key", "a", "b", "c", None)[place % 5],
            "rep_covers_region": place % 3 == 0,
            "activity_kind": ("follow_up", "visit", "deal")[place % 3],
            "activity_outcome": ("reached", "not_reached")[place % 2],
            "activity_minutes": place % 12,
            "order_interval_trend_percent": "many" if place == 5 else 10 * place,
        }
        for place in range(60)
    ]
    moment = Moment(NOW, Calendar())
    decided = industry.decide_columns(policy, industry.columns(rows, policy), moment)
    alone = await engine.decide([DecisionRequest("t", "", policy, row, NOW) for row in rows])
    for row, one in enumerate(alone):
        if isinstance(one, DecisionFailure):
            assert decided.rule[row] == decided.outcome[row] == -1
            assert str(decided.failures[row]) == one.message
            continue
        assert decided.rules[decided.rule[row]] == one.rule
        assert decided.outcomes[decided.outcome[row]] == one.outcome
        said = decided.verdict(row)
        assert (said.reason, said.also) == (one.reason, one.also)
    engine.close()


def test_a_fact_made_by_a_function_is_not_computed_in_columns() -> None:
    twice = computed("twice", INT64, WHY, lambda orders: orders * 2, host_facts.ORDERS_365D)
    made = plugin("odd", lifecycle(Rule("x", twice.equals(4), stage("x"), WHY)), facts=(twice,))
    engine = Engine({"odd": made, "standard": STANDARD})
    engine.activate("t", 1, engine.parse("version: 1\ndefault: {plugin: odd, settings: {}}\n"))
    industry = engine.tenant("t").industry("")
    facts = industry.columns([{}], Policy.LIFECYCLE)
    with pytest.raises(EngineError, match="functions, so not in columns: twice"):
        industry.decide_columns(Policy.LIFECYCLE, facts, Moment(NOW, Calendar()))
    engine.close()


def test_without_a_plugin_nothing_is_decided() -> None:
    industry = Engine({}).tenant("t").industry("")
    facts = industry.columns([{}], Policy.RECLAIM)
    with pytest.raises(EngineError, match="no plugin"):
        industry.decide_columns(Policy.RECLAIM, facts, Moment(NOW, Calendar()))
