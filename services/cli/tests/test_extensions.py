"""Groups of commands that other distributions bring."""

from __future__ import annotations

import subprocess
import sys
import types
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING

import typer
from typer.testing import CliRunner

from gonghai_cli.extensions import GROUP, INCOMPLETE, extend
from gonghai_cli.main import app

if TYPE_CHECKING:
    import pytest


def test_the_tools_for_plugins_are_found_and_get_what_follows_them() -> None:
    listed = CliRunner().invoke(app, ["plugin", "list"])
    assert listed.exit_code == 0
    assert "standard" in listed.output
    assert "FILE" in CliRunner().invoke(app, ["plugin", "try", "--help"]).output.upper()
    assert CliRunner().invoke(app, ["plugin", "nonsense"]).exit_code == 2


def test_no_other_command_pays_for_them() -> None:
    loaded = "import sys, gonghai_cli.main; print(*sorted(sys.modules))"
    said = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True, timeout=60
    )
    assert "gonghai_cli.extensions" in said.stdout
    assert "gonghai_engine" not in said.stdout


def test_a_group_that_lacks_something_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    made = typer.Typer()

    @made.command()
    def own() -> None:
        """Do something of its own."""

    broken = types.ModuleType("half_a_group")
    monkeypatch.setitem(sys.modules, "half_a_group", broken)
    extend(made, [EntryPoint("half", "there_is_no_such_module:app", GROUP)])
    called = CliRunner().invoke(made, ["half", "do", "--much"])
    assert called.exit_code == INCOMPLETE
    assert "gonghai half is not installed completely" in called.output
