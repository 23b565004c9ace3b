"""What is told of a run: a table for a person, and a file that never loses another run's rows."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.benchmarks.machine import machine, versions
from tests.faults.crew import REPLICAS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.stage import Result

BUILD: Final = Path(__file__).resolve().parents[2] / "build"
_SHOWN: Final = 5


def file_of(rows: Sequence[str], all_rows: Sequence[str]) -> Path:
    """Return where a run of some rows is written: `faults.json` is of all rows, or it is not."""
    if set(rows) == set(all_rows):
        return BUILD / "faults.json"
    return BUILD / f"faults-{'-'.join(row for row in all_rows if row in rows)}.json"


def table(results: Sequence[Result]) -> str:
    """Return the results for a person, and under them each violation and each weak row."""
    lines = ["row    seed      calls       done  unknown  faults  violations  weak  seconds"]
    lines += [
        f"{each.row:<5} {each.seed:>5} {each.calls:>10} {each.done:>10} {each.unknown:>8}"
        f" {each.faults:>7} {len(each.violations):>11} {'weak' if each.weak else '':>5}"
        f" {each.seconds:>8.0f}"
        for each in results
    ]
    for each in results:
        lines += [
            f"{each.row} {each.seed} {violation.law}: {violation.sentence}"
            for violation in each.violations[:_SHOWN]
        ]
        if len(each.violations) > _SHOWN:
            lines.append(f"{each.row} {each.seed}: and {len(each.violations) - _SHOWN} more")
        lines += [f"{each.row} {each.seed} is weak: {sentence}" for sentence in each.weak]
    return "\n".join(lines)


def in_all(results: Sequence[Result]) -> str:
    """Return each row over all its seeds, for a person."""
    lines = ["row    seeds      calls       done  unknown  faults  violations  weak  seconds"]
    for row in dict.fromkeys(each.row for each in results):
        of_row = [each for each in results if each.row == row]
        lines.append(
            f"{row:<5} {len(of_row):>6} {sum(each.calls for each in of_row):>10}"
            f" {sum(each.done for each in of_row):>10} {sum(each.unknown for each in of_row):>8}"
            f" {sum(each.faults for each in of_row):>7}"
            f" {sum(len(each.violations) for each in of_row):>11}"
            f" {sum(bool(each.weak) for each in of_row):>5}"
            f" {sum(each.seconds for each in of_row):>8.0f}"
        )
    return "\n".join(lines)


def write(path: Path, about: dict[str, Any], results: Sequence[Result]) -> None:
    """Write the file; what it said before is of the same rows."""
    path.parent.mkdir(exist_ok=True)
    report = {**about, "rows": [asdict(result) for result in results]}
    written = path.with_suffix(".new")
    written.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", "utf-8")
    written.replace(path)


def about(seeds: Sequence[int], scale: float) -> dict[str, Any]:
    """Return what one must know to repeat a run and to judge it."""
    return {
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        "seeds": list(seeds),
        "scale": scale,
        "replicas": REPLICAS,
        "commit": _git("rev-parse", "HEAD"),
        "changed_since": sorted(_git("diff", "HEAD", "--name-only").split()),
        "machine": machine(),
        "versions": versions(),
    }


def _git(*words: str) -> str:
    """Return what git says; nothing where the code is no clone."""
    try:
        answer = subprocess.run(  # noqa: S603 - fixed words
            ["git", *words],  # noqa: S607 - whichever git is installed
            cwd=BUILD.parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return answer.stdout.strip()
