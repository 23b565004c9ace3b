"""`make faults`: real processes, broken at random moments; the record is checked afterwards."""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import shutil
import sys
import tempfile
import time
import traceback
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
from rich.console import Console

from tests.faults.alone import ALONE, FULL, run_alone
from tests.faults.checks import Violation
from tests.faults.report import about, file_of, in_all, table, write
from tests.faults.rows import ROWS
from tests.faults.stage import Result, play

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.rows import MakeCrew

say: Final = Console(highlight=False, markup=False, soft_wrap=True)
_ROWS: Final = (*ROWS, *ALONE)


def main(words: Sequence[str]) -> int:
    """Run the rows for each seed, print tables, write a file in `build/`; 1 if a law was broken."""
    parser = argparse.ArgumentParser(prog="make faults ARGS=…", description=__doc__)
    parser.add_argument("--seed", type=int, help="repeats a run (default: another each time)")
    parser.add_argument(
        "--times",
        type=int,
        default=1,
        help="how many seeds in a row, from --seed on; violations end none of them early",
    )
    parser.add_argument(
        "--scale",
        type=float,
        default=1.0,
        help=f"how long and how often (1); {', '.join(ALONE)} have their full size at {FULL}",
    )
    parser.add_argument(
        "--only",
        default=",".join(_ROWS),
        help="rows, separated by commas; their report is a file of its own",
    )
    parser.add_argument("--keep", type=Path, help="a folder for records and logs")
    told = parser.parse_args(words)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    rows = [row.strip() for row in told.only.split(",")]
    unknown = set(rows) - set(_ROWS)
    if unknown:
        parser.error(f"no such rows: {', '.join(sorted(unknown))}")
    if told.times < 1:
        parser.error("--times must be 1 at least")
    first = random.randrange(10_000) if told.seed is None else told.seed
    seeds = range(first, first + told.times)
    known = about(seeds, told.scale)
    report = file_of(rows, _ROWS)
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as scratch:
        for seed in seeds:
            folder = (told.keep or Path(scratch)) / f"seed-{seed}"
            of_seed = asyncio.run(run(rows, seed, told.scale, folder))
            say.print(table(of_seed))
            results += of_seed
            # After each: what was found is not lost with the rest.
            write(report, known, results)
    if told.times > 1:
        say.print(in_all(results))
        say.print(table([each for each in results if each.violations or each.weak]))
    say.print(f"written to {report.relative_to(report.parents[1])}")
    return int(any(result.violations for result in results))


async def run(rows: Sequence[str], seed: int, scale: float, folder: Path) -> list[Result]:
    """Play rows and return their results."""
    results: list[Result] = []
    begun = time.monotonic()
    ordered = [row for row in ROWS if row in rows]
    for make_crew, sharing in groupby(ordered, key=lambda row: ROWS[row][1]):
        left = list(sharing)
        while left:
            results += await _with_a_crew(make_crew, left, seed, scale, folder)
    for row in (row for row in ALONE if row in rows):
        say.print(f"{row}: {ALONE[row].about}")
        result = await run_alone(row, scale, seed, say.print)
        say.print(f"    {_in_short(result)}")
        results.append(result)
    say.print(f"{time.monotonic() - begun:.0f} s")
    return results


async def _with_a_crew(
    make_crew: MakeCrew, left: list[str], seed: int, scale: float, folder: Path
) -> list[Result]:
    """Play rows with one crew, and take them off what is left; one that cannot go on is the last.

    A row that ends by an exception is broken, and so is its crew: the others get a new one.
    """
    results: list[Result] = []
    home = folder / f"{make_crew.__name__}-{left[0]}"
    shutil.rmtree(home, ignore_errors=True)
    say.print(f"seed {seed}: starting {make_crew.__doc__}")
    row, began = left[0], time.monotonic()
    try:
        async with await make_crew(home, seed) as crew:
            while left:
                row, began = left[0], time.monotonic()
                make = ROWS[row][0]
                say.print(make.__doc__ or row)
                result = await play(make(scale), crew, seed, folder / f"{row}.jsonl")
                say.print(f"    {_in_short(result)}")
                results.append(result)
                del left[0]
    except Exception as error:  # noqa: BLE001 - whatever it is, the other rows are played
        say.print(traceback.format_exc())
        if left:
            results.append(_not_played(left.pop(0), seed, time.monotonic() - began, error))
        else:
            results.append(_not_played(row, seed, 0.0, error))
    return results


def _not_played(row: str, seed: int, seconds: float, error: Exception) -> Result:
    sentence = f"{type(error).__name__}: {error}".splitlines()[0]
    broken = Violation("", "it_can_be_played_to_the_end", sentence)
    return Result(row, seed, 0, 0, 0, 0, (broken,), seconds)


def _in_short(result: Result) -> str:
    return (
        f"{result.calls} calls, {result.faults} faults, {len(result.violations)} violations"
        f" ({result.seconds:.0f} s) {result.evidence or ''}{' weak' if result.weak else ''}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
