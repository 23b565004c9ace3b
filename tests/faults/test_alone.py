"""A row that runs alone is judged by how its process ends, whatever it said before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults import alone

if TYPE_CHECKING:
    from pathlib import Path

SAYS = 'import json; print(json.dumps({"says": "on the way"}), flush=True)\n'


@pytest.mark.parametrize(
    ("ends", "laws"),
    [
        ('print(json.dumps({"says": "done", "done": 3, "violations": [], "evidence": {}}))', []),
        (
            'print(json.dumps({"says": "done", "done": 3, "violations": [["flat", "no"]]}))',
            ["flat"],
        ),
        ("import os; os.abort()", ["it_does_not_crash"]),
        ("pass", ["it_does_not_crash"]),
    ],
)
async def test_a_row_fails_when_its_process_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: str, laws: list[str]
) -> None:
    (tmp_path / "made_up_row.py").write_text(SAYS + ends, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setitem(alone.ALONE, "MADE", alone.Alone("made_up_row", "made up"))
    said: list[str] = []
    result = await alone.run_alone("MADE", 1, 7, said.append)
    assert [violation.law for violation in result.violations] == laws
    assert said[0].strip() == "on the way"
