"""Audits of a service's records while it serves: what is found is looked at again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_chassis.store.partitions import Partition

PASSES: Final = 3
PAUSE: Final = 0.5
"""Seconds between two passes: a change is one step, but an audit reads in many."""


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit found.

    Attributes:
        findings: a sentence each, about one record or count, with the figures that disagree.
        records: how many were looked at.
    """

    findings: Sequence[str]
    records: int


class Audit(Protocol):
    """Holds a service's records, indexes, counts and due times against each other."""

    async def __call__(self, partition: Partition) -> Audited:
        """Goes once over a partition as it stands; may see a change in the middle."""


async def audited(
    audit: Audit, partition: Partition, *, passes: int = PASSES, pause: float = PAUSE
) -> Audited:
    """Audits a partition of a running service: reports what is still the same in each pass.

    A change that was seen in the middle is over by the next pass, or has other figures.

    Raises:
        StoreUnavailable: the store did not answer.
    """
    last = await audit(partition)
    findings = list(dict.fromkeys(last.findings))
    for _ in range(passes - 1):
        if not findings:
            break
        await asyncio.sleep(pause)
        last = await audit(partition)
        still = set(last.findings)
        findings = [finding for finding in findings if finding in still]
    return Audited(findings, last.records)
