"""What it costs to decide in a plugin's own process: `python -m tests.benchmarks.apart`.

The decision that a claim asks for, by the standard plugin, in this process and in one beside it, in
batches of several sizes; `docs/adr/0009-plugins-apart.md` says what was made of it.
"""

from __future__ import annotations

import asyncio
import os
import resource
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Final

from rich.console import Console
from rich.table import Table

from gonghai_engine import Decision, DecisionRequest, Engine, PluginSelection, Policy
from gonghai_engine.isolation.keeping import Isolation
from gonghai_engine.isolation.note import DECIDING, Note, PluginVersion

NOW: Final = 1_790_000_000_000_000
FACTS: Final = {
    "customer_type": "organization",
    "region": "east",
    "regions": frozenset({"east", "cn"}),
    "days_since_created": 12,
    "stage": "active",
    "tier": "a",
    "tier_rank": 50,
    "pool": "general",
    "rep_seniority": 50,
    "rep_covers_region": True,
    "rep_is_former_owner": False,
    "days_in_pool": 3,
}
BATCHES: Final = (1, 8, 64)
DECISIONS: Final = 4_000


def main() -> None:
    """Measure both ways side by side and print them."""
    table = Table(
        "batch", "where", "a second", "p10 µs", "p50 µs", "p99 µs", "own µs of processor", "its µs"
    )
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_measure(Path(folder), table))
    Console().print(table)


async def _measure(folder: Path, table: Table) -> None:
    only = PluginSelection(allowed=frozenset({"standard"}))
    note = Note(folder, "bench")
    version = Engine.load().plugins["standard"].version
    note.found = (DECIDING, PluginVersion("standard", version))
    ways = {
        "in the service's process": Engine.load(only, isolation=Isolation()),
        "in a process beside it": Engine.load(
            only, isolation=Isolation(note=note, probation=1 << 60)
        ),
    }
    for batch in BATCHES:
        for where, engine in ways.items():
            table.add_row(str(batch), where, *await _of(engine, batch))
    for engine in ways.values():
        await engine.stop()


async def _of(engine: Engine, batch: int) -> tuple[str, ...]:
    asked = [DecisionRequest("t", "", Policy.CLAIM, FACTS, NOW, str(n)) for n in range(batch)]
    assert all(isinstance(each, Decision) for each in await engine.decide(asked))
    turns = DECISIONS // batch
    took = []
    lane = engine.lanes.get("standard")
    other = lane.process.pid if lane is not None and lane.process is not None else 0
    processor, its, began = _processor(), _processor_of(other), perf_counter()
    for _ in range(turns):
        start = perf_counter()
        await engine.decide(asked)
        took.append(perf_counter() - start)
    seconds, processor = perf_counter() - began, _processor() - processor
    its = _processor_of(other) - its
    took.sort()
    count = turns * batch
    return (
        f"{count / seconds:,.0f}",
        f"{took[turns // 10] * 1e6:,.0f}",
        f"{took[turns // 2] * 1e6:,.0f}",
        f"{took[turns * 99 // 100] * 1e6:,.0f}",
        f"{processor / count * 1e6:,.1f}",
        f"{its / count * 1e6:,.1f}",
    )


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _processor_of(process: int) -> float:
    """Return how many seconds another process used; 0 where there is none."""
    if not process:
        return 0.0
    fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
