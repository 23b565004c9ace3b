"""Everything a plugin declares, as it is listed for people."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gonghai_plugin.facts import Derived
from gonghai_plugin.rules import AllHits, FirstHit

if TYPE_CHECKING:
    from gonghai_plugin.attributes import Attribute
    from gonghai_plugin.plugin import Plugin
    from gonghai_plugin.policies import Policy
    from gonghai_plugin.texts import Text
    from gonghai_plugin.workflows import Transition


@dataclass(frozen=True, slots=True)
class RuleDescription:
    """A rule: its place (1: first), name, condition in words, sentence, and outcome in words."""

    priority: int
    name: str
    condition: str
    because: Text
    outcome: str


@dataclass(frozen=True, slots=True)
class TableDescription:
    """A policy's table; ``collects``: every rule that holds counts, not the first alone."""

    policy: Policy
    table: str
    collects: bool
    rules: tuple[RuleDescription, ...]


@dataclass(frozen=True, slots=True)
class FactDescription:
    """A derived fact of the plugin."""

    name: str
    type: str
    about: Text


@dataclass(frozen=True, slots=True)
class WorkflowDescription:
    """A workflow: its states by name, and each transition as it is read."""

    name: str
    title: Text
    states: tuple[str, ...]
    transitions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PluginDescription:
    """What a plugin declares. ``settings_schema`` is JSON Schema with descriptions and defaults."""

    name: str
    version: str
    sdk: str
    title: Text
    tables: tuple[TableDescription, ...]
    absent: frozenset[Policy]
    attributes: tuple[Attribute, ...]
    facts: tuple[FactDescription, ...]
    settings_schema: dict[str, Any]
    workflows: tuple[WorkflowDescription, ...] = ()


def describe(plugin: Plugin) -> PluginDescription:
    """List what a plugin declares."""
    return PluginDescription(
        plugin.name,
        plugin.version,
        plugin.sdk,
        plugin.title,
        tuple(
            TableDescription(
                declared.policy,
                field.name,
                isinstance(table, AllHits),
                tuple(
                    RuleDescription(
                        place, rule.name, str(rule.when), rule.because, _outcome(rule.then)
                    )
                    for place, rule in enumerate(table.rules, start=1)
                ),
            )
            for declared in plugin.policies
            for field in dataclasses.fields(declared)
            for table in (getattr(declared, field.name),)
            if isinstance(table, (FirstHit, AllHits))
        ),
        plugin.absent,
        plugin.attributes,
        tuple(
            FactDescription(fact.name, str(fact.type), fact.about)
            for fact in plugin.facts
            if isinstance(fact.origin, Derived)
        ),
        plugin.settings.model_json_schema(),
        tuple(
            WorkflowDescription(
                workflow.name,
                workflow.title,
                tuple(state.name for state in workflow.states),
                tuple(_transition(each) for each in workflow.transitions),
            )
            for workflow in plugin.workflows
        ),
    )


def _transition(transition: Transition) -> str:
    """Write a transition: ``seen: visit -> done, on Happens(kinds=[visit]): RaiseEvent(…)``."""
    sources = " or ".join(transition.sources) or "nothing"
    actions = "; ".join(_outcome(action) for action in transition.actions)
    return (
        f"{transition.name}: {sources} -> {transition.target}, on {_outcome(transition.on)}"
        f"{': ' if actions else ''}{actions}"
    )


def _outcome(item: object) -> str:
    """Write an outcome's fields that are not at their defaults: ``Tier(name=A, rank=60)``."""
    if isinstance(item, tuple):
        return "[" + ", ".join(_outcome(part) for part in item) + "]"
    if not dataclasses.is_dataclass(item) or isinstance(item, type):
        return str(item)
    if type(item).__str__ is not object.__str__ and not type(item).__module__.endswith("outcomes"):
        return str(item)
    parts = []
    for field in dataclasses.fields(item):
        value = getattr(item, field.name)
        if field.name in {"label", "reason"} or value == field.default:
            continue
        parts.append(f"{field.name}={_outcome(value)}")
    return f"{type(item).__name__}({', '.join(parts)})"
