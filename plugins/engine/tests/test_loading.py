"""Plugins are loaded one by one: a broken one is reported, and nothing else suffers."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING

import pytest

from gonghai_engine import Engine, PluginSelection

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
