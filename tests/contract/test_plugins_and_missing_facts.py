"""Each installed plugin decides whatever is missing, and says which fact is of a wrong type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonghai_engine import Decision, DecisionFailure, DecisionRequest, Engine, Policy
from gonghai_plugin import host_facts
from gonghai_plugin.facts import Kind
from gonghai_plugin.policies import OPTIONAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gonghai_plugin import Fact

PLUGINS = ("standard", "fmcg_distributor", "aquatic_products", "two_tier_distribution")
GIVEN = {
    "fmcg_distributor": {Policy.COLLISIONS},
    "two_tier_distribution": {Policy.INCENTIVES, Policy.COLLISIONS, Policy.SUCCESSION},
}
"""Which of the optional policies a plugin has."""
CASES = [
    (plugin, policy)
    for plugin in PLUGINS
    for policy in Policy
    if policy not in OPTIONAL or policy in GIVEN.get(plugin, ())
]
NOW = 1_790_000_000_000_000
WRONG: dict[Kind, Any] = {
    Kind.BOOL: 1,
    Kind.INT64: 2**63,
    Kind.DECIMAL: 1.5,
    Kind.TEXT: 7,
    Kind.INSTANT: "now",
    Kind.DURATION: "long",
    Kind.TEXT_SET: "one",
}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine.load()
    for plugin in PLUGINS:
        engine.activate(plugin, 1, engine.parse(f"version: 1\ndefault: {{plugin: {plugin}}}\n"))
    yield engine
    engine.close()


def decide(engine: Engine, plugin: str, policy: Policy, **facts: Any) -> Decision | DecisionFailure:  # noqa: ANN401 - any value
    return engine.decide_now(DecisionRequest(plugin, "", policy, facts, NOW))


def needed(engine: Engine, plugin: str, policy: Policy) -> list[Fact]:
    """Return the facts of the host that a policy reads."""
    taken = engine.tenant(plugin).industry("").resolved[policy].compiled.intake.facts
    return [fact for fact in taken if fact.name in host_facts.ALL]


@pytest.mark.parametrize(("plugin", "policy"), CASES)
def test_with_nothing_known_each_policy_decides(
    engine: Engine, plugin: str, policy: Policy
) -> None:
    names = [fact.name for fact in needed(engine, plugin, policy)]
    for facts in ({}, dict.fromkeys(names)):
        made = decide(engine, plugin, policy, **facts)
        assert isinstance(made, Decision), made


@pytest.mark.parametrize("plugin", PLUGINS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_is_missing_each_policy_decides(
    engine: Engine, plugin: str, data: st.DataObject
) -> None:
    policy = data.draw(st.sampled_from([each for name, each in CASES if name == plugin]))
    facts = {
        fact.name: data.draw(st.none() | values(fact)) for fact in needed(engine, plugin, policy)
    }
    made = decide(engine, plugin, policy, **facts)
    assert isinstance(made, Decision), made


def values(fact: Fact) -> st.SearchStrategy[Any]:
    """Make values of a fact's type."""
    match fact.type.kind:
        case Kind.BOOL:
            return st.booleans()
        case Kind.TEXT if fact.type.values is not None:
            return st.sampled_from(fact.type.values)
        case Kind.TEXT:
            return st.text(max_size=4)
        case Kind.TEXT_SET:
            return st.frozensets(st.sampled_from(fact.type.values or ("a", "b")), max_size=2)
        case _:
            return st.sampled_from((-1, 0, 1, 30, 365)) | st.integers(-(2**63), 2**63 - 1)


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_value_of_a_wrong_type_fails_by_name(engine: Engine, plugin: str) -> None:
    tried = 0
    policies = [each for name, each in CASES if name == plugin]
    for policy in policies:
        for fact in needed(engine, plugin, policy):
            made = decide(engine, plugin, policy, **{fact.name: WRONG[fact.type.kind]})
            assert isinstance(made, DecisionFailure), fact
            assert made.cause == "bad_facts"
            assert f"'{fact.name}'" in made.message
            tried += 1
    assert tried > len(policies)
