"""Has a plugin examined in a process of its own, for no longer than a while."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from gonghai_engine.conformance.findings import EXCUSABLE, Check, Finding, Report, Status
from gonghai_engine.conformance.orders import LATENCY_RATIO, Order

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_SEEDS: Final = ("1", "2")
"""Of Python's hashes: the order of sets differs between the two processes."""
_COMPLAINT: Final = 400
"""Characters of a dying process' last words."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long an examination may take, and a decision."""

    seconds: float = 60
    """Of the whole examination: a plugin that loops is found out after so long."""
    latency_ratio: float = LATENCY_RATIO
    """How many times as much as the baseline's a decision may cost."""


def check_plugin(
    name: str,
    golden: Path | None = None,
    limits: Limits = Limits(),
    excused: Collection[Check] = (),
) -> Report:
    """Look at an installed plugin. Never raises for what the plugin does.

    Args:
        name: of its entry point.
        golden: its golden decisions; without them, that check fails.
        limits: how long things may take.
        excused: those of `EXCUSABLE` that are to warn only.
    """
    order = Order(
        name,
        "" if golden is None else str(golden.resolve()),
        limits.latency_ratio,
        excused=tuple(check.value for check in EXCUSABLE if check in excused),
    )
    first = _examined(order, _SEEDS[0], limits.seconds)
    findings = list(first.findings)
    if first.complaint:
        findings.append(Finding(first.stopped_at, Status.FAILED, first.complaint))
    elif first.digest and Check.DETERMINISTIC not in {finding.check for finding in findings}:
        second = _examined(replace(order, repeat=True), _SEEDS[1], limits.seconds)
        same = second.digest == first.digest
        message = "another process, with another hash seed, decides otherwise: a set's order?"
        findings.append(
            Finding(Check.DETERMINISTIC, Status.PASSED)
            if same
            else Finding(Check.DETERMINISTIC, Status.FAILED, second.complaint or message)
        )
    places = {check: place for place, check in enumerate(Check)}
    findings.sort(key=lambda finding: places[finding.check])
    return Report(name, first.version, tuple(findings))


@dataclass(frozen=True, slots=True)
class _Ended:
    """What came of one process."""

    findings: tuple[Finding, ...]
    version: str
    digest: str
    complaint: str

    @property
    def stopped_at(self) -> Check:
        """Return the check that never ended: the first of which nothing was told."""
        told = {finding.check for finding in self.findings}
        return next((check for check in Check if check not in told), Check.DETERMINISTIC)


def _examined(order: Order, seed: str, seconds: float) -> _Ended:
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [
            *(sys.executable, "-B", "-m", "gonghai_engine.conformance.examination"),
            json.dumps(asdict(order)),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={
            **os.environ,
            "PYTHONHASHSEED": seed,
            "PYTHONUTF8": "1",
            # What is importable here is there: also what a test or an editor put on the path.
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        },
    )
    complaint = ""
    try:
        told, said = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        told, said = process.communicate()
        complaint = f"it did not come to an end within {seconds:g} s: does it loop?"
    lines: list[dict[str, Any]] = [json.loads(line) for line in told.splitlines()]
    findings = tuple(Finding.from_json(line) for line in lines if "check" in line)
    last = lines[-1] if lines and "digest" in lines[-1] else None
    if last is None:
        complaint = complaint or f"the process ended: {said.strip()[-_COMPLAINT:]}"
        return _Ended(findings, "", "", complaint)
    return _Ended(findings, last["version"], last["digest"], "")
