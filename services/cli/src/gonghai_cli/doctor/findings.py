"""What the doctor found."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict

from gonghai.upkeep.v1 import upkeep_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Sequence


class Verdict(StrEnum):
    """The whole in a word."""

    HEALTHY = "healthy"
    FINDINGS = "findings"
    CANNOT_LOOK = "cannot look"


@dataclass(slots=True)
class Comparison:
    """What a service keeps of a source in a partition, against what the source has.

    Attributes:
        service: who keeps it.
        source: of whom.
        partition: where.
        compared: how many subjects were compared.
        differences: what differs.
        behind: why nothing can be said, where the projection does not follow; else "".
        repaired: it was made anew, and this is what was found afterwards.
    """

    service: str
    source: str
    partition: int
    compared: int = 0
    differences: list[pb.Difference] = field(default_factory=list)
    behind: str = ""
    repaired: bool = False

    @property
    def healthy(self) -> bool:
        """Whether it agrees."""
        return not self.differences and not self.behind


@dataclass(slots=True)
class Audit:
    """A service's own records in a partition."""

    service: str
    partition: int
    audited: int = 0
    findings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Examination:
    """All that was found.

    Attributes:
        conditions: how each service does, by name; those that answered.
        away: why a service could not be looked at, by name.
        comparisons: of each projection in each partition.
        audits: of each service's records in each partition.
    """

    conditions: dict[str, pb.Condition] = field(default_factory=dict)
    away: dict[str, str] = field(default_factory=dict)
    comparisons: list[Comparison] = field(default_factory=list)
    audits: list[Audit] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        """The whole in a word."""
        if self.away:
            return Verdict.CANNOT_LOOK
        ill = (
            any(condition.warnings for condition in self.conditions.values())
            or bool(self.troubled())
            or any(not each.healthy for each in self.comparisons)
            or any(each.findings for each in self.audits)
        )
        return Verdict.FINDINGS if ill else Verdict.HEALTHY

    def ill(self) -> list[Comparison]:
        """The projections that a rebuild mends: those that differ, and those with quarantine.

        What waits in quarantine need not show as a difference: of a customer whose events are
        known to wait the rest may well agree.
        """
        quarantined = {
            (name, source.source, partition.partition)
            for name, condition in self.conditions.items()
            for partition in condition.partitions
            for source in partition.sources
            if source.quarantined_subjects
        }
        return [
            each
            for each in self.comparisons
            if each.differences or (each.service, each.source, each.partition) in quarantined
        ]

    def troubled(self) -> list[tuple[str, pb.PartitionCondition]]:
        """Partitions in which nobody works, something is overdue, or events are quarantined."""
        return [
            (name, partition)
            for name, condition in self.conditions.items()
            for partition in condition.partitions
            if is_troubled(partition)
        ]

    def behind(self, partition: pb.PartitionCondition) -> dict[str, int | None]:
        """How many entries of each source are not taken in; None where that is not known."""
        lags: dict[str, int | None] = {}
        for source in partition.sources:
            head = self._head(source.source, partition.partition)
            if head is None:
                lags[source.source] = None
            elif head.position and head.incarnation != source.cursor.incarnation:
                lags[source.source] = head.position
            else:
                lags[source.source] = max(0, head.position - source.cursor.position)
        return lags

    def _head(self, source: str, partition: int) -> Any:  # noqa: ANN401 - a cursor
        condition = self.conditions.get(source)
        for each in condition.partitions if condition is not None else ():
            if each.partition == partition:
                return each.head
        return None

    def to_json(self) -> dict[str, Any]:
        """Return all of it for a machine to read."""
        return {
            "verdict": str(self.verdict),
            "away": self.away,
            "conditions": {
                name: MessageToDict(condition) for name, condition in self.conditions.items()
            },
            "comparisons": [
                {
                    "service": each.service,
                    "source": each.source,
                    "partition": each.partition,
                    "compared": each.compared,
                    "behind": each.behind,
                    "repaired": each.repaired,
                    "differences": [MessageToDict(one) for one in each.differences],
                }
                for each in self.comparisons
            ],
            "audits": [
                {
                    "service": each.service,
                    "partition": each.partition,
                    "audited": each.audited,
                    "findings": each.findings,
                }
                for each in self.audits
            ],
        }


OVERDUE = 300
"""Seconds of domain time after which work that is due and undone is a finding."""


def is_troubled(partition: pb.PartitionCondition) -> bool:
    """Say whether nobody works there, something is overdue, or events are quarantined."""
    return (
        not partition.holder
        or partition.oldest_due_age.ToSeconds() >= OVERDUE
        or any(source.quarantined_subjects for source in partition.sources)
    )


def told_apart(differences: Sequence[pb.Difference]) -> dict[str, int]:
    """Count differences by what differs: `MISSING`, `CONTENT`, …."""
    counts: dict[str, int] = {}
    for each in differences:
        cause = pb.Difference.Cause.Name(each.cause).removeprefix("CAUSE_")
        counts[cause] = counts.get(cause, 0) + 1
    return counts
