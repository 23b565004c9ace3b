"""The committed stubs are those that the contracts make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from make_stubs import ROOT, contracts, generate, generated

if TYPE_CHECKING:
    from pathlib import Path


def test_stubs_are_up_to_date(tmp_path: Path) -> None:
    generate(tmp_path)
    fresh, committed = generated(tmp_path), generated(ROOT)
    assert contracts()
    assert sorted(committed) == sorted(fresh), "run `make proto` and commit what it writes"
    stale = [name for name, content in fresh.items() if committed[name] != content]
    assert stale == [], "run `make proto` and commit what it writes"
