"""Has a plugin examined in a process of its own, for no longer than a while."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from gonghai_engine.conformance.findings import EXCUSABLE, Check, Finding, Report, Status
from gonghai_engine.conformance.orders import LATENCY_RATIO, Order

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

_HERE: Final[Mapping[str, str]] = {
    "PYTHONHASHSEED": "1",
    "TZ": "UTC",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
}
"""Where the first process lives, in variables of its environment."""
_ELSEWHERE: Final[Mapping[str, Mapping[str, str]]] = {
    "with another hash seed (the order of a set?)": {"PYTHONHASHSEED": "2"},
    "in another zone": {"TZ": "<+1345>-13:45"},  # as POSIX writes it: no table of zones is needed
    "in another locale": {"LANG": "de_DE.UTF-8", "LC_ALL": "de_DE.UTF-8"},
}
"""What else another process may have than the first."""
_FOLDER: Final = "in another directory"
_ORDER: Final = "asked in another order"
_ALL: Final = frozenset({*_ELSEWHERE, _FOLDER, _ORDER})
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
    first = _examined(order, frozenset(), limits.seconds)
    findings = list(first.findings)
    if first.complaint:
        findings.append(Finding(first.stopped_at, Status.FAILED, first.complaint))
    elif first.digest and Check.DETERMINISTIC not in {finding.check for finding in findings}:
        complaint = _otherwise(replace(order, repeat=True), first.digest, limits.seconds)
        status = Status.FAILED if complaint else Status.PASSED
        findings.append(Finding(Check.DETERMINISTIC, status, complaint))
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


def _otherwise(order: Order, digest: str, seconds: float) -> str:
    """Say in what other surroundings another process decides otherwise; "" when it does not.

    All of them are tried in one process. One by one they are tried only when something differs.
    """
    second = _examined(order, _ALL, seconds)
    if second.complaint or second.digest == digest:
        return second.complaint
    causes = [
        each
        for each in (*_ELSEWHERE, _FOLDER, _ORDER)
        if _examined(order, frozenset({each}), seconds).digest != digest
    ]
    return f"another process decides otherwise {', and '.join(causes or sorted(_ALL))}"


def _examined(order: Order, otherwise: Collection[str], seconds: float) -> _Ended:
    """Examine in a process of its own, which is `otherwise` than the first one."""
    with tempfile.TemporaryDirectory() as folder:
        here = folder if _FOLDER in otherwise else None
        return _ended(replace(order, turned=_ORDER in otherwise), otherwise, here, seconds)


def _ended(order: Order, otherwise: Collection[str], folder: str | None, seconds: float) -> _Ended:
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [
            # Not the directory where it runs is looked into for modules (-P), but what is so here.
            *(sys.executable, "-B", "-P", "-m", "gonghai_engine.conformance.examination"),
            json.dumps(asdict(order)),
        ],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={
            **os.environ,
            **_HERE,
            **{
                name: value
                for each in otherwise
                for name, value in _ELSEWHERE.get(each, {}).items()
            },
            "PYTHONUTF8": "1",
            # What is importable here is there: also what a test or an editor put on the path.
            "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),
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
