"""What a run says at its end: each seed is played and told, and no file loses another's rows."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Self

import pytest

from tests.faults import __main__ as faults
from tests.faults import cluster, report
from tests.faults.checks import Violation
from tests.faults.cluster import ClusterStore, NobodyTookOver
from tests.faults.report import file_of, in_all, table
from tests.faults.stage import Result

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BROKEN = Violation("t", "one_owner_at_a_time", "c: versions [1, 3]")
ALL = ("F1", "F2", "F3")


def result(row: str, seed: int, *broken: Violation, weak: tuple[str, ...] = ()) -> Result:
    return Result(row, seed, 10, 8, 1, 2, broken, 3.0, {}, weak)


def test_a_run_of_some_rows_has_a_file_of_its_own() -> None:
    files = {file_of(rows, ALL).name for rows in (ALL, ["F3", "F1"], ["F1", "F3"], ["F2"])}
    assert files == {"faults.json", "faults-F1-F3.json", "faults-F2.json"}


def test_a_weak_row_and_a_violation_are_told() -> None:
    told = table([result("F1", 7, BROKEN), result("F8", 7, weak=("fenced off: 0 of 1",))])
    assert "F1 7 one_owner_at_a_time: c: versions [1, 3]" in told
    assert "F8 7 is weak: fenced off: 0 of 1" in told


def test_seeds_are_added_up_by_row() -> None:
    told = in_all([result("F1", 1, BROKEN), result("F2", 1), result("F1", 2)])
    assert [line.split() for line in told.splitlines()[1:]] == [
        ["F1", "2", "20", "16", "2", "4", "1", "0", "6"],
        ["F2", "1", "10", "8", "1", "2", "0", "0", "3"],
    ]


@pytest.mark.parametrize(("bad", "status"), [(2, 1), (0, 0)])
def test_all_seeds_are_played_whatever_one_of_them_finds(
    bad: int, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(rows: Sequence[str], seed: int, *_more: object) -> list[Result]:
        return [result(row, seed, *([BROKEN] if seed == bad else [])) for row in rows]

    monkeypatch.setattr(faults, "run", run)
    monkeypatch.setattr(report, "BUILD", tmp_path / "build")
    assert faults.main(["--seed", "1", "--times", "3", "--only", "F9"]) == status
    written = json.loads((tmp_path / "build" / "faults-F9.json").read_text())
    assert written["seeds"] == [1, 2, 3]
    assert [row["seed"] for row in written["rows"]] == [1, 2, 3]
    assert {"commit", "machine", "versions"} <= written.keys()


def test_a_row_that_breaks_off_is_broken_and_the_others_are_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    class Crew:
        async def __aenter__(self) -> Self:
            return self

        async def __aexit__(self, *_error: object) -> None:
            pass

    async def crew(_folder: Path, _seed: int) -> Crew:
        made.append(Crew())
        return made[-1]

    async def play(make: str, *_more: object) -> Result:
        if make == "F2":
            raise NobodyTookOver("30 s after 7000 was killed")
        return result(make, 1)

    rows: dict[str, Any] = {row: (lambda _scale, row=row: row, crew) for row in ALL}
    monkeypatch.setattr(faults, "ROWS", rows)
    monkeypatch.setattr(faults, "play", play)
    results = asyncio.run(faults.run(ALL, 1, 1.0, tmp_path))
    assert [(each.row, len(each.violations)) for each in results] == [
        ("F1", 0),
        ("F2", 1),
        ("F3", 0),
    ]
    assert len(made) == 2


def test_a_master_that_nobody_replaces_is_no_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ClusterStore(tmp_path)
    victim = store.servers[0]

    async def slots() -> list[Any]:
        return [(0, 16383, (b"127.0.0.1", victim.port, b"id"))]

    monkeypatch.setattr(cluster, "_TRIES", 2)
    monkeypatch.setattr(store, "_slots", slots)
    with pytest.raises(NobodyTookOver):
        asyncio.run(store.kill(victim))
