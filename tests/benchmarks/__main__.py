"""Measures beside baselines of the same run: `python -m tests.benchmarks [--scale 0.1] [S1 …]`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from tests.benchmarks.claims import measure_claims
from tests.benchmarks.deciding import measure_deciding
from tests.benchmarks.flow import measure_flow
from tests.benchmarks.foreseeing import measure_foreseeing
from tests.benchmarks.machine import disk_ms, machine, versions
from tests.benchmarks.simulating import measure_simulating
from tests.benchmarks.stage import bare_server, stage

if TYPE_CHECKING:
    from tests.benchmarks.row import Row

RESULTS = Path(__file__).resolve().parents[2] / "build" / "bench.json"
SUITES = {"claims": (("S1", "S2"), measure_claims), "flow": (("S8",), measure_flow)}
ALONE = {"S5": measure_deciding, "S10": measure_foreseeing, "S10b": measure_simulating}
"""Rows that need neither services nor store."""


async def measure(wanted: frozenset[str], scale: float, console: Console) -> list[Row]:
    """Run what is wanted, each suite on a stack of its own."""
    began = perf_counter()

    def report(line: str) -> None:
        console.print(f"[dim]{perf_counter() - began:6.1f} s[/dim]  {line}")

    rows: list[Row] = []
    for ident, measure_alone in ALONE.items():
        if ident in wanted:
            rows += await measure_alone(report, scale)
    if wanted.issubset(ALONE):
        return rows
    async with bare_server() as bare:
        for name, (ids, suite) in SUITES.items():
            if not wanted.isdisjoint(ids):
                report(f"starting the store and the services for {name}")
                with tempfile.TemporaryDirectory(prefix="gonghai-bench-") as data:
                    async with stage(Path(data), report) as running:
                        rows += await suite(running, bare, scale)
    return [row for row in rows if row.id in wanted]


def table(rows: list[Row]) -> Table:
    """The rows as a person reads them."""
    shown = Table(title="measured beside its baseline")
    for title in ("row", "work", "figure", "baseline", "ratio", "reach", ""):
        shown.add_column(title, justify="right" if title in {"figure", "baseline"} else "left")
    for row in rows:
        sign = "≤" if row.at_most else "≥"
        shown.add_row(
            row.id,
            f"{row.work}\n[dim]against {row.compared_with}[/dim]",
            f"{row.figure:,.2f} {row.unit.split(' ')[0]}",
            f"{row.baseline:,.2f}",
            f"{row.ratio:.2f}",
            f"{sign} {row.reach:g}",
            "[green]reached[/green]" if row.reached else "[red]missed[/red]",
        )
    return shown


def main() -> int:
    """Measure, print the table, and write build/bench.json."""
    known = [*(ident for ids, _ in SUITES.values() for ident in ids), *ALONE]
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "rows", nargs="*", metavar="ROW", help=f"of {', '.join(known)}; all if none"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="1 is the full size")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where to write the figures")
    arguments = parser.parse_args()
    wanted = frozenset(arguments.rows or known)
    if not wanted.issubset(known):
        parser.error(f"no such row: {', '.join(sorted(wanted - set(known)))}")
    # Piped away, a table is not to be cut to the width of no terminal.
    console = Console(width=None if sys.stdout.isatty() else 140)
    before = machine()
    with tempfile.TemporaryDirectory(prefix="gonghai-bench-") as data:
        before["fdatasync_ms"] = disk_ms(Path(data))
    rows = asyncio.run(measure(wanted, arguments.scale, console))
    console.print(table(rows))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    results = {
        "scale": arguments.scale,
        "machine": {**before, "load_after": os.getloadavg()[0]},
        "versions": versions(),
        "appendfsync": "always",
        "rows": [{**asdict(row), "reached": row.reached} for row in rows],
    }
    arguments.out.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", "utf-8")
    console.print(f"[dim]written to {arguments.out}[/dim]")
    return 0


if __name__ == "__main__":
    sys.exit(main())
