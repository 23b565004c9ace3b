"""Rows that need no services: a process of its own does the work, and may crash without us."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.faults.checks import Violation
from tests.faults.stage import Result

if TYPE_CHECKING:
    from collections.abc import Callable

FULL: Final = 50
"""The scale at which these rows have their full size."""


@dataclass(frozen=True, slots=True)
class Alone:
    """What a process does that is told the scale and the seed.

    It prints a line of JSON for each step: ``says`` for people, and in the last one ``done``,
    ``violations`` (law, sentence) and ``evidence``.
    """

    module: str
    about: str


ALONE: Final = {
    "SOAK": Alone("tests.faults.soak", "decisions without end, while policies are replaced"),
    "AGREE": Alone("tests.faults.agreement", "random rules and facts, decided in three ways"),
}


async def run_alone(row: str, scale: float, seed: int, say: Callable[[str], None]) -> Result:
    """Run a row. A process that crashes or says nothing broke the first law there is."""
    begun = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        ALONE[row].module,
        str(scale),
        str(seed),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    last: dict[str, Any] = {}
    try:
        async for line in process.stdout:
            last = json.loads(line)
            say(f"    {last['says']}")
        ended = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    broken = [Violation("", law, sentence) for law, sentence in last.get("violations", ())]
    if ended != 0 or "violations" not in last:
        broken.append(Violation("", "it_does_not_crash", f"its process ended with {ended}"))
    done = int(last.get("done", 0))
    return Result(
        row=row,
        seed=seed,
        calls=done,
        done=done,
        unknown=0,
        faults=int(last.get("faults", 0)),
        violations=tuple(broken),
        seconds=time.monotonic() - begun,
        evidence=last.get("evidence", {}),
    )
