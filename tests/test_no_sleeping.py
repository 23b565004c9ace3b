"""No test sleeps to wait for something: it waits for the condition, and the virtual clock moves."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def sleeps(source: str) -> list[int]:
    """Return the lines that sleep; `sleep(0)` only lets others run and is none of them."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) == "sleep"
        and not (node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0)
    ]


def test_no_test_sleeps() -> None:
    folders = [ROOT / "tests", *ROOT.glob("services/*/tests"), *ROOT.glob("plugins/*/tests")]
    files = [file for folder in folders for file in folder.rglob("*.py")]
    assert Path(__file__) in files
    asleep = {
        file.relative_to(ROOT).as_posix(): lines
        for file in files
        # Benchmarks pace their load; they are no tests.
        if "benchmarks" not in file.parts
        if (lines := sleeps(file.read_text("utf-8")))
    }
    assert asleep == {}


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("import time\ntime.sleep(1)", [2]),
        ("async def f():\n    await asyncio.sleep(0.1)", [2]),
        ("from time import sleep\nsleep(wait)", [2]),
        ("async def f():\n    await asyncio.sleep(0)", []),
        ("sleep = 3", []),
    ],
)
def test_sleeping_is_noticed(source: str, lines: list[int]) -> None:
    assert sleeps(source) == lines
