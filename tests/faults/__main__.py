"""`make faults`: real processes, broken at random moments; the record is checked afterwards."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import platform
import random
import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
from rich.console import Console

from tests.faults.alone import ALONE, FULL, run_alone
from tests.faults.crew import REPLICAS
from tests.faults.rows import ROWS
from tests.faults.stage import play

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.stage import Result

BUILD: Final = Path("build")
say: Final = Console(highlight=False, markup=False, soft_wrap=True)
_ROWS: Final = (*ROWS, *ALONE)
_SHOWN: Final = 5


def main(words: Sequence[str]) -> int:
    """Run the rows, print the table, write `build/faults.json`; 1 when a law was broken."""
    parser = argparse.ArgumentParser(prog="make faults ARGS=…", description=__doc__)
    parser.add_argument("--seed", type=int, help="repeats a run (default: another each time)")
    parser.add_argument(
        "--scale",
        type=float,
        default=1.0,
        help=f"how long and how often (1); {', '.join(ALONE)} have their full size at {FULL}",
    )
    parser.add_argument("--only", default=",".join(_ROWS), help="rows, separated by commas")
    parser.add_argument("--keep", type=Path, help="a folder for records and logs")
    told = parser.parse_args(words)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    rows = [row.strip() for row in told.only.split(",")]
    unknown = set(rows) - set(_ROWS)
    if unknown:
        parser.error(f"no such rows: {', '.join(sorted(unknown))}")
    seed = random.randrange(10_000) if told.seed is None else told.seed
    with tempfile.TemporaryDirectory() as scratch:
        folder = told.keep or Path(scratch)
        results = asyncio.run(run(rows, seed, told.scale, folder))
    write(results, told.scale)
    say.print(table(results))
    for result in results:
        for violation in result.violations[:_SHOWN]:
            say.print(f"{result.row} {violation.law}: {violation.sentence}")
        if len(result.violations) > _SHOWN:
            say.print(f"{result.row}: and {len(result.violations) - _SHOWN} more")
    return int(any(result.violations for result in results))


async def run(rows: Sequence[str], seed: int, scale: float, folder: Path) -> list[Result]:
    """Play rows and return their results."""
    results: list[Result] = []
    begun = time.monotonic()
    ordered = [row for row in ROWS if row in rows]
    for make_crew, sharing in groupby(ordered, key=lambda row: ROWS[row][1]):
        home = folder / make_crew.__name__
        shutil.rmtree(home, ignore_errors=True)
        say.print(f"seed {seed}: starting {make_crew.__doc__}")
        async with await make_crew(home, seed) as crew:
            for row in sharing:
                make = ROWS[row][0]
                say.print(make.__doc__ or row)
                result = await play(make(scale), crew, seed, folder / f"{row}.jsonl")
                say.print(f"    {_in_short(result)}")
                results.append(result)
    for row in (row for row in ALONE if row in rows):
        say.print(f"{row}: {ALONE[row].about}")
        result = await run_alone(row, scale, seed, say.print)
        say.print(f"    {_in_short(result)}")
        results.append(result)
    say.print(f"{time.monotonic() - begun:.0f} s")
    return results


def table(results: Sequence[Result]) -> str:
    """Return the results for a person."""
    lines = ["row    seed      calls       done  unknown  faults  violations  seconds"]
    lines += [
        f"{each.row:<5} {each.seed:>5} {each.calls:>10} {each.done:>10} {each.unknown:>8}"
        f" {each.faults:>7} {len(each.violations):>11} {each.seconds:>8.0f}"
        for each in results
    ]
    return "\n".join(lines)


def write(results: Sequence[Result], scale: float) -> None:
    """Write `build/faults.json`."""
    BUILD.mkdir(exist_ok=True)
    report = {
        "machine": {
            "python": platform.python_version(),
            "system": platform.platform(),
            "cpus": os.cpu_count(),
        },
        "scale": scale,
        "replicas": REPLICAS,
        "rows": [asdict(result) for result in results],
    }
    (BUILD / "faults.json").write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")


def _in_short(result: Result) -> str:
    return (
        f"{result.calls} calls, {result.faults} faults, {len(result.violations)} violations"
        f" ({result.seconds:.0f} s) {result.evidence or ''}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
