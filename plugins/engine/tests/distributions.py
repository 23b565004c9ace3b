"""Plugins installed for a test: a real distribution in a folder, with its entry point."""

from __future__ import annotations

import sys
from textwrap import dedent
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

START = """
import ctypes, os, signal, time
from pydantic import field_validator
from gonghai_plugin import *
from gonghai_plugin import policies
from gonghai_plugin.outcomes import Tier

def text(words): return Text(words, words)

class Settings_(Settings):
    pass

def moody(orders):
    return orders
"""

END = """
odd = computed("odd", INT64, text("odd"), moody, host_facts.ORDERS_30D)
tiering = policies.Tiering(first_hit(
    Rule("many", odd.more_than(100), Tier("a", 50, text("a")), text("{odd} orders")),
    otherwise(Tier("b", 10, text("b")), text("few orders")),
))
plugin = Plugin(
    name=NAME, version="1.0.0", sdk=SDK_VERSION, title=text(NAME), settings=Settings_,
    attributes=(), facts=(odd,), policies=(tiering,), absent=frozenset(Policy) - {Policy.TIERING},
)

class Hooks:
    @hookimpl
    def register(self, registry):
        registry.add(plugin)

hooks = Hooks()
"""


def install(folder: Path, name: str, source: str) -> None:
    """Install a plugin whose tier hangs on a function, in a folder, with some code of its own."""
    folder.mkdir(exist_ok=True)
    code = f"NAME = {name!r}\n{START}\n{dedent(source)}\n{END}"
    (folder / f"{name}_plugin.py").write_text(code, encoding="utf-8")
    described = folder / f"{name}-1.0.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\n")
    (described / "entry_points.txt").write_text(f"[gonghai]\n{name} = {name}_plugin:hooks\n")


def use(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let this process find what was installed in a folder, until the end of the test."""
    monkeypatch.syspath_prepend(folder)
    for path in folder.glob("*_plugin.py"):
        # Removed again at the end: another test's plugin may have the name.
        monkeypatch.delitem(sys.modules, path.stem, raising=False)
