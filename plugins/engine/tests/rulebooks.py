"""Made-up facts, rules and plugins for the engine's tests."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from pydantic import Field

from gonghai_plugin import (
    BOOL,
    INT64,
    TEXT,
    TEXT_SET,
    Plugin,
    Policy,
    Rule,
    Settings,
    Text,
    decimal,
    first_hit,
    hookimpl,
    otherwise,
)
from gonghai_plugin.facts import Area, Fact, FactType, Host
from gonghai_plugin.outcomes import Stage
from gonghai_plugin.policies import Lifecycle
from gonghai_standard import STANDARD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gonghai_plugin import Registry
    from gonghai_plugin.policies import AnyPolicy

WHY = Text("because", "因为")


def given(name: str, type_: FactType) -> Fact:
    """Make a fact that a host would give."""
    return Fact(name, type_, Text(name, name), Host(Area.CUSTOMER))


NUMBERS = tuple(given(f"number_{place}", INT64) for place in range(3))
AMOUNT = given("amount", decimal(2))
WORDS = tuple(given(f"word_{place}", TEXT) for place in range(2))
FLAGS = tuple(given(f"flag_{place}", BOOL) for place in range(2))
MEMBERS = given("members", TEXT_SET)
FACTS = (*NUMBERS, AMOUNT, *WORDS, *FLAGS, MEMBERS)
KNOWN: Mapping[str, Fact] = {fact.name: fact for fact in FACTS}


class SomeSettings(Settings):
    """Settings of a test's plugin."""

    limit: int = Field(10, description="a limit")
    names: tuple[str, ...] = Field(("a", "b"), description="some names")
    table: dict[str, int] = Field(default={"x": 1, "y": 2}, description="a table")


def stage(name: str) -> Stage:
    """Make a stage."""
    return Stage(name, Text(name, name))


def lifecycle(*rules: Rule[Stage]) -> Lifecycle:
    """Make a lifecycle that ends with a catch-all."""
    return Lifecycle(first_hit(*rules, otherwise(stage("rest"), WHY)))


def plugin(name: str, *policies: AnyPolicy, **changes: Any) -> Plugin:  # noqa: ANN401 - any field
    """Make a plugin with some policies; the others are the standard ones."""
    made = Plugin(
        name=name,
        version="1.2.3",
        sdk="1.0",
        title=Text(name, name),
        settings=SomeSettings,
        attributes=(),
        facts=(),
        policies=policies,
        absent=frozenset(Policy) - {policy.policy for policy in policies},
    )
    return dataclasses.replace(made, **changes)


class Hooks:
    """What a plugin's entry point would name."""

    def __init__(self, *plugins: Any) -> None:  # noqa: ANN401 - also what is no plugin
        self._plugins = plugins

    @hookimpl
    def register(self, registry: Registry) -> None:
        """Hand them over."""
        for item in self._plugins:
            registry.add(item)


STANDARD_PLUGIN = STANDARD
