"""What the kit looks at, and what it found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Self

from gonghai_engine.conformance.orders import LATENCY_RATIO

if TYPE_CHECKING:
    from collections.abc import Mapping


class Check(StrEnum):
    """One thing that a plugin promises. In the order in which they are looked at."""

    LOADS = "loads"
    TYPES = "types"
    SDK = "sdk"
    SETTINGS = "settings"
    RULES = "rules"
    SENTENCES = "sentences"
    TOTAL = "total"
    AGREES = "agrees"
    PURE = "pure"
    REACHABLE = "reachable"
    GOLDEN = "golden"
    LATENCY = "latency"
    DETERMINISTIC = "deterministic"


EXCUSABLE: Final = (Check.REACHABLE, Check.GOLDEN)
"""What may be excused: a search that found too little, golden decisions yet to be written."""

PROMISES: Final[Mapping[Check, str]] = {
    Check.LOADS: "it imports, and its hook registers one plugin",
    Check.TYPES: "every declaration has the type that it should have",
    Check.SDK: "it was written for this SDK",
    Check.SETTINGS: "the defaults hold, each setting is described, the schema can be shown",
    Check.RULES: "its rules compile: known facts, no contradiction, a catch-all",
    Check.SENTENCES: "every sentence and label is there in English and in Chinese",
    Check.TOTAL: "made-up facts, all of them missing among these, are always decided",
    Check.AGREES: "the rule engine, plain Python and NumPy columns decide alike",
    Check.PURE: "no I/O, no clock, no randomness; nothing kept or set in the process",
    Check.REACHABLE: "for each rule, a golden case or facts were found for which it decides",
    Check.GOLDEN: "it decides as the golden decisions say",
    Check.LATENCY: f"a decision costs at most {LATENCY_RATIO} times one by a table of five rules",
    Check.DETERMINISTIC: "the same facts give the same decisions, in whatever order and place",
}
"""What each check makes sure of."""


class Status(StrEnum):
    """How a check went."""

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"
    SKIPPED = "skipped"
    """What it needs was not there."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        check: which.
        status: how it went.
        message: what was found; "" when there is nothing to say.
        case: the golden case, counted from 0; None when it is about no case.
        decided: of a golden case, all that was decided, by the names of `golden.figures`.
    """

    check: Check
    status: Status
    message: str = ""
    case: int | None = None
    decided: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` made."""
        return cls(
            Check(data["check"]),
            Status(data["status"]),
            data["message"],
            data["case"],
            data["decided"],
        )


_WORST: Final = (Status.FAILED, Status.WARNED, Status.PASSED, Status.SKIPPED)


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found about a plugin."""

    plugin: str
    version: str
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Say whether nothing failed; warnings are for a person to look at."""
        return all(finding.status is not Status.FAILED for finding in self.findings)

    def of(self, check: Check) -> tuple[Finding, ...]:
        """Return what a check found."""
        return tuple(finding for finding in self.findings if finding.check is check)

    def status(self, check: Check) -> Status:
        """Return how a check went altogether."""
        found = {finding.status for finding in self.of(check)}
        return next((status for status in _WORST if status in found), Status.SKIPPED)
