"""The compiled rules and the plain evaluator give the same answer, whatever the rules and facts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plugins.engine.tests.rulebooks import AMOUNT, FLAGS, MEMBERS, NUMBERS, WORDS, SomeSettings

from gonghai_engine.alternatives import alternatives
from gonghai_engine.bound import Bound, bind, evaluate
from gonghai_engine.durable import Network, Place
from gonghai_engine.faults import DeclarationError
from gonghai_plugin.conditions import (
    Compare,
    Condition,
    Has,
    Missing,
    OneOf,
    Operator,
    all_,
    any_,
    not_,
)

if TYPE_CHECKING:
    from gonghai_engine.decisions import FactValue

EDGES = (
    0, 1, -1, 2**31, 2**53 - 1, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 2, 2**63 - 1, -(2**63),
    -(2**63) + 1,
)  # fmt: skip
numbers = st.sampled_from(EDGES) | st.integers(-5, 5) | st.integers(-(2**63), 2**63 - 1)
texts = st.sampled_from(
    ("a", "b", "高端", "c0000", "w0000", '"', "\\", "", "3", "é", "😀")
) | st.text(max_size=5)
ORDER = tuple(Operator)
EQUALITY = (Operator.EQUALS, Operator.DIFFERS)

tests: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Compare, st.sampled_from(NUMBERS), st.sampled_from(ORDER), numbers),
    st.builds(
        Compare,
        st.just(AMOUNT),
        st.sampled_from(ORDER),
        st.decimals(-1000, 1000, allow_nan=False, places=2),
    ),
    st.builds(Compare, st.sampled_from(WORDS), st.sampled_from(EQUALITY), texts),
    st.builds(Compare, st.sampled_from(FLAGS), st.sampled_from(EQUALITY), st.booleans()),
    st.builds(OneOf, st.sampled_from(WORDS), st.lists(texts, max_size=3).map(tuple)),
    st.builds(Has, st.just(MEMBERS), st.lists(texts, max_size=3).map(tuple)),
    st.builds(Missing, st.sampled_from((*NUMBERS, AMOUNT, *WORDS, *FLAGS, MEMBERS))),
)
conditions = st.recursive(
    tests,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: all_(*items)),
        st.lists(inner, max_size=3).map(lambda items: any_(*items)),
        inner.map(not_),
    ),
    max_leaves=6,
)
values = st.fixed_dictionaries(
    {
        **{fact.name: st.none() | numbers for fact in NUMBERS},
        AMOUNT.name: st.none() | st.integers(-100_000, 100_000),
        **{fact.name: st.none() | texts for fact in WORDS},
        **{fact.name: st.none() | st.booleans() for fact in FLAGS},
        MEMBERS.name: st.none() | st.frozensets(texts, max_size=3),
    }
)


def _bound(condition: Condition) -> Bound:
    return bind(condition, SomeSettings(), "test")


def _first(rules: list[Bound], facts: dict[str, FactValue]) -> int:
    return next((place for place, rule in enumerate(rules) if evaluate(rule, facts)), len(rules))


@given(st.lists(conditions, max_size=25), st.lists(values, min_size=1, max_size=20))
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_first_rule_that_holds_is_the_same(
    rules: list[Condition], facts: list[dict[str, FactValue]]
) -> None:
    bound = [_bound(rule) for rule in rules]
    try:
        places = [Place(i, a) for i, rule in enumerate(bound) for a in alternatives(rule, "test")]
        network = Network([*places, Place(len(rules), None)], "test")
    except DeclarationError:
        return  # too large for the safe part, and said so
    try:
        for one in facts:
            assert network.first(one) == _first(bound, one)
    finally:
        network.close()


def test_more_rules_than_one_network_bears_stand_in_a_row() -> None:
    rules = [_bound(NUMBERS[0].at_most(place)) for place in range(200)]
    places = [Place(i, a) for i, rule in enumerate(rules) for a in alternatives(rule, "test")]
    network = Network([*places, Place(200, None)], "test")
    blank: dict[str, FactValue] = {NUMBERS[0].name: None}
    assert network.first(blank) == 200
    for number in (-(2**63), 0, 39, 40, 41, 79, 80, 120, 199, 200, 2**63 - 1):
        assert network.first({NUMBERS[0].name: number}) == max(0, min(number, 200))
    network.close()


def test_a_thousand_words_are_told_apart() -> None:
    names = [f"地区{place}" for place in range(40)]
    rules = [_bound(WORDS[0].equals(name)) for name in names]
    places = [Place(i, a) for i, rule in enumerate(rules) for a in alternatives(rule, "test")]
    network = Network([*places, Place(len(names), None)], "test")
    for place in range(1000):
        found = network.first({WORDS[0].name: f"地区{place}"})
        assert found == min(place, len(names))
    network.close()


def test_networks_that_were_closed_leave_nothing_behind() -> None:
    statm = Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("the memory of a process is told by /proc only")

    def pages() -> int:
        return int(statm.read_text().split()[1])

    def use_one() -> None:
        rules = [_bound(NUMBERS[0].at_most(place)) for place in range(39)]
        places = [Place(i, a) for i, rule in enumerate(rules) for a in alternatives(rule, "test")]
        network = Network([*places, Place(len(rules), None)], "test")
        for number in range(50):
            network.first({NUMBERS[0].name: number})
        network.close()

    for _ in range(20):
        use_one()
    before = pages()
    for _ in range(200):
        use_one()
    # Forgotten sessions would take a quarter of a MiB each, 50 MiB altogether.
    assert (pages() - before) * 4096 < 8 * 2**20
