"""Every installed plugin's rules decide alike by durable-rules and by plain Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gonghai_engine import PluginSelection
from gonghai_engine.bound import Bound, Contains, Every, Number, Reverse, Some, Word
from gonghai_engine.loading import load
from gonghai_engine.tenants import CompiledPlugin
from gonghai_plugin import Kind, host_facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gonghai_engine.compiled import CompiledPolicy
    from gonghai_engine.decisions import FactValue
    from gonghai_plugin import Fact

_GRADES = {host_facts.VALUE_GRADE.name, host_facts.POTENTIAL_GRADE.name}
_PLUGINS = load(PluginSelection()).plugins
_POLICIES = [
    pytest.param(policy, id=f"{name}-{kind}")
    for name, plugin in sorted(_PLUGINS.items())
    for kind, policy in CompiledPlugin.of(plugin, plugin.settings()).policies.items()
]


def _constants(bound: Bound) -> Iterator[tuple[str, int | str]]:
    match bound:
        case Every() | Some():
            for item in bound.items:
                yield from _constants(item)
        case Reverse():
            yield from _constants(bound.item)
        case Number() | Word() | Contains():
            yield bound.fact, bound.value
        case _:
            return


def _values(fact: Fact, near: set[int | str]) -> st.SearchStrategy[FactValue]:
    numbers = sorted(value for value in near if isinstance(value, int))
    words = sorted({*(fact.type.values or ("别的", "other")), *map(str, near)})
    known: st.SearchStrategy[FactValue]
    match fact.type.kind:
        case Kind.BOOL:
            known = st.booleans()
        case Kind.TEXT:
            known = st.sampled_from(words)
        case Kind.TEXT_SET:
            known = st.frozensets(st.sampled_from(words), max_size=4)
        case _:
            edges = [value + step for value in (0, *numbers) for step in (-1, 0, 1)]
            known = st.sampled_from(edges) | st.integers(0, 400) | st.integers(0, 10**9)
    return st.none() | known


def _facts(policy: CompiledPolicy) -> st.SearchStrategy[dict[str, FactValue]]:
    near: dict[str, set[int | str]] = {}
    for table in policy.tables:
        for rule in table.rules:
            for name, value in _constants(rule.bound):
                near.setdefault(name, set()).add(value)
    names = (*policy.intake.names, *_grades(policy))
    return st.fixed_dictionaries(
        {name: _values(policy.facts[name], near.get(name, set())) for name in names}
    )


def _grades(policy: CompiledPolicy) -> list[str]:
    """Return the facts that the policy itself puts in between its tables."""
    return sorted((_GRADES & policy.facts.keys()) - set(policy.intake.names))


@pytest.mark.parametrize("policy", _POLICIES)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_plugins_rules_decide_alike_by_both(policy: CompiledPolicy, data: st.DataObject) -> None:
    facts = data.draw(_facts(policy))
    values = policy.values(facts)
    values.update({name: facts[name] for name in _grades(policy)})
    for table in policy.tables:
        assert table.decide(values) == table.deciding(values)
