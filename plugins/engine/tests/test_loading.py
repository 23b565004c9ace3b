"""Plugins are loaded one by one: a broken one is reported, and nothing else suffers."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable  # noqa: TC003 - pydantic reads it
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from plugins.engine.tests.rulebooks import WHY, Hooks, given, lifecycle, plugin, stage
from pydantic import Field

from gonghai_engine import Engine, PluginSelection
from gonghai_plugin import (
    ALWAYS,
    INT64,
    TEXT,
    Attribute,
    Often,
    Policy,
    Rule,
    Settings,
    Text,
    Upline,
    computed,
    first_hit,
    host_facts,
    otherwise,
    setting,
)
from gonghai_plugin.outcomes import Tier
from gonghai_plugin.policies import Lifecycle

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """
from plugins.engine.tests.rulebooks import Hooks, lifecycle, plugin
hooks = Hooks(plugin("{name}", lifecycle()))
"""
BROKEN = {
    "does_not_import": "import there_is_no_such_module",
    "is_no_python": "def (",
    "leaves": "import sys; sys.exit(3)",
    "raises": """
from gonghai_plugin import hookimpl
class Hooks:
    @hookimpl
    def register(self, registry):
        raise RuntimeError("boom")
hooks = Hooks()
""",
    "registers_nothing": "hooks = object()",
    "registers_a_text": """
from plugins.engine.tests.rulebooks import Hooks
hooks = Hooks("I am a plugin")
""",
    "other_sdk": """
from plugins.engine.tests.rulebooks import Hooks, lifecycle, plugin
hooks = Hooks(plugin("other_sdk", lifecycle(), sdk="7.0"))
""",
    "odd_hook": """
from gonghai_plugin import hookimpl
class Hooks:
    @hookimpl
    def register(self, registry, surprise): ...
hooks = Hooks()
""",
    "bad_rules": """
from plugins.engine.tests.rulebooks import Hooks, plugin
from gonghai_plugin import first_hit
from gonghai_plugin.policies import Lifecycle
hooks = Hooks(plugin("bad_rules", Lifecycle(first_hit())))
""",
}

TIER = Tier("a", 1, Text("a", "a"))
UNKNOWN = given("moon", INT64)
NO_FUNCTION = computed("tide", INT64, WHY, "high", host_facts.ORDERS_30D)  # type: ignore[arg-type]
NEW = Rule("new", host_facts.ORDERS_30D.at_least(1), stage("new"), WHY)


class Unlistable(Settings):
    """Settings of which pydantic cannot make a schema."""

    call: Callable[[], int] = Field(default=int, description="a function")


WRONG_SHAPES: dict[str, tuple[Callable[[], Any], str]] = {
    "a tier in a lifecycle": (
        lambda: plugin("odd", Lifecycle(first_hit(otherwise(TIER, WHY)))),  # type: ignore[arg-type]
        "lifecycle rules, rule 'otherwise': it decides Tier",
    ),
    "a reason that is no text": (
        lambda: plugin("odd", lifecycle(Rule("new", ALWAYS, stage("new"), "why"))),  # type: ignore[arg-type]
        "lifecycle rules, rule 'new', reason: str 'why', no Text",
    ),
    "a condition that is none": (
        lambda: plugin("odd", lifecycle(Rule("new", True, stage("new"), WHY))),  # type: ignore[arg-type] # noqa: FBT003
        "lifecycle rules, rule 'new': its condition is bool True",
    ),
    "a rule without a name": (
        lambda: plugin("odd", lifecycle(Rule("", ALWAYS, stage("new"), WHY))),
        "lifecycle rules: '' is no name of a rule",
    ),
    "a rule twice": (
        lambda: plugin("odd", lifecycle(NEW, NEW)),
        "rule 'new': another rule of the table has this name",
    ),
    "rules that contradict each other": (
        lambda: plugin("odd", lifecycle(NEW, dataclasses.replace(NEW, name="newer"))),
        "rule 'newer': it never gets its turn",
    ),
    "an unknown fact": (
        lambda: plugin("odd", lifecycle(Rule("new", UNKNOWN.at_least(1), stage("new"), WHY))),
        "lifecycle: it names the fact 'moon', which the plugin does not declare",
    ),
    "an unknown figure in a sentence": (
        lambda: plugin(
            "odd", lifecycle(dataclasses.replace(NEW, because=Text("{moon}", "{moon}")))
        ),
        "rule 'new': its sentence names 'moon', which is no fact",
    ),
    "a list of facts": (lambda: plugin("odd", facts=[]), "facts: list [], no tuple"),
    "what is no policy": (
        lambda: plugin("odd", absent=frozenset(Policy), policies=("tiering",)),
        "policies: str 'tiering', no policy",
    ),
    "an upline by an attribute that it does not have": (
        lambda: plugin("odd", upline=Upline(Attribute("sponsor", TEXT, Text("s", "上级")))),
        "upline: Attribute",
    ),
    "what is not often": (lambda: plugin("odd", buys_often=3), "buys_often: int 3, no Often"),
    "often that is never": (
        lambda: plugin("odd", buys_often=Often(at_least=0, within_days=30)),
        "buys_often, at_least: 0 is not within 1 and 10000",
    ),
    "often by a setting that there is not": (
        lambda: plugin("odd", buys_often=Often(at_least=2, within_days=setting("moon"))),
        "buys_often, within_days: there is no setting 'moon'",
    ),
    "often by a setting that is no number": (
        lambda: plugin("odd", buys_often=Often(at_least=setting("names"), within_days=30)),
        "buys_often, at_least: settings.names is not within 1 and 10000",
    ),
    "a version that is none": (
        lambda: plugin("odd", version="newest"),
        "version: 'newest' is none",
    ),
    "a fact that a host would give": (
        lambda: plugin("odd", facts=(UNKNOWN,)),
        "fact 'moon': only derived ones are declared",
    ),
    "a function that is none": (
        lambda: plugin(
            "odd",
            lifecycle(Rule("new", NO_FUNCTION.at_least(1), stage("new"), WHY)),
            facts=(NO_FUNCTION,),
        ),
        "fact 'tide': 'high' is no function",
    ),
    "settings that cannot be listed": (
        lambda: plugin("odd", settings=Unlistable),
        "PydanticInvalidForJsonSchema",
    ),
}


@pytest.mark.parametrize("what", WRONG_SHAPES)
def test_what_a_plugin_declares_wrongly_is_named_when_it_is_loaded(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, says = WRONG_SHAPES[what]
    module = ModuleType("an_odd_plugin")
    module.hooks = Hooks(make())  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "an_odd_plugin", module)
    engine = Engine.load(PluginSelection(), [EntryPoint("odd", "an_odd_plugin:hooks", "gonghai")])
    (health,) = engine.health()
    assert not health.ok
    assert says in health.error


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[EntryPoint]:
    """Lay modules of good and broken plugins out, and name them as entry points."""
    sources = {name: GOOD.format(name=name) for name in ("apple", "zebra")} | BROKEN
    points = []
    for name, source in sources.items():
        (tmp_path / f"test_plugin_{name}.py").write_text(source)
        points.append(EntryPoint(name, f"test_plugin_{name}:hooks", "gonghai"))
    monkeypatch.syspath_prepend(tmp_path)
    return points


@pytest.mark.requirement("D1")
def test_the_broken_are_reported_and_the_good_stay(installed: list[EntryPoint]) -> None:
    engine = Engine.load(PluginSelection(), installed)
    health = {item.name: item for item in engine.health()}
    assert {name for name, item in health.items() if item.ok} == {"apple", "zebra"}
    assert set(engine.plugins) == {"apple", "zebra"}
    assert "there_is_no_such_module" in health["does_not_import"].error
    assert "boom" in health["raises"].error
    assert "another major" in health["other_sdk"].error
    assert "catch-all" in health["bad_rules"].error
    assert "surprise" in health["odd_hook"].error
    assert "a str, no Plugin" in health["registers_a_text"].error
    assert all(item.error for item in health.values() if not item.ok)
    assert engine.ready


def test_what_is_not_allowed_is_not_even_imported(installed: list[EntryPoint]) -> None:
    engine = Engine.load(PluginSelection(allowed=frozenset({"apple"})), installed)
    assert [item.name for item in engine.health()] == ["apple"]


def test_a_required_plugin_that_is_broken_or_absent_makes_the_engine_unready(
    installed: list[EntryPoint],
) -> None:
    for required in ("raises", "nowhere"):
        engine = Engine.load(PluginSelection(required=frozenset({required})), installed)
        assert not engine.ready
        assert set(engine.plugins) == {"apple", "zebra"}


def test_two_plugins_of_one_name_are_both_left_out(installed: list[EntryPoint]) -> None:
    twice = [point for point in installed if point.name == "apple"] * 2
    engine = Engine.load(PluginSelection(), twice)
    assert "apple" not in engine.plugins
    assert "of this name" in engine.health()[0].error


def test_the_installed_plugins_load() -> None:
    engine = Engine.load(PluginSelection(required=frozenset({"standard", "fmcg_distributor"})))
    assert engine.ready, engine.health()
