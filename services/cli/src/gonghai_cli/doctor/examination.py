"""Looking at all services, and having what differs made anew."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gonghai.upkeep.v1 import upkeep_service_pb2 as pb
from gonghai_chassis.clients import PeerFailed
from gonghai_chassis.errors import PeerRefused, PeerUnavailable, Reason
from gonghai_cli.doctor.findings import Audit, Comparison, Examination

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from gonghai_cli.doctor.services import UpkeepServices

_AT_ONCE: Final = 4
"""Partitions that are looked at side by side: the services have other work."""
_PATIENCE: Final = 600.0
"""Seconds for one comparison, audit or rebuild."""
_AWAY: Final = (PeerUnavailable, PeerFailed)


@dataclass(slots=True)
class Doctor:
    """Examines an installation.

    Attributes:
        services: whom he asks.
        patience: seconds for one comparison, audit or rebuild.
    """

    services: UpkeepServices
    patience: float = _PATIENCE
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def examine(self) -> Examination:
        """Look at everything. A service that is away is noted, and the others are looked at."""
        found = Examination()
        for name in self.services.by_name:
            await self._noting(found, name, self._condition(found, name))
        work = []
        for name, condition in found.conditions.items():
            for partition in condition.partitions:
                number = partition.partition
                audit = Audit(name, number)
                found.audits.append(audit)
                work.append(self._noting(found, name, self._audit(audit)))
                for source in partition.sources:
                    comparison = Comparison(name, source.source, number)
                    found.comparisons.append(comparison)
                    work.append(self._noting(found, name, self._compare(comparison)))
        await asyncio.gather(*work)
        return found

    async def repair(self, found: Examination) -> Examination:
        """Make anew what differs or is in quarantine, one after the other, and examine again."""
        repaired = set()
        for each in found.ill():
            await self._noting(found, each.service, self._rebuild(each))
            repaired.add((each.service, each.source, each.partition))
        again = await self.examine()
        for each in again.comparisons:
            each.repaired = (each.service, each.source, each.partition) in repaired
        return again

    async def _noting(self, found: Examination, name: str, work: Awaitable[None]) -> None:
        try:
            async with self._turns:
                await work
        except PeerRefused as refused:
            found.away[name] = f"{refused.reason}: {refused.message}"
        except _AWAY as error:
            found.away[name] = str(error)

    async def _condition(self, found: Examination, name: str) -> None:
        stub = self.services.by_name[name]
        found.conditions[name] = await stub.GetCondition(pb.GetConditionRequest())

    async def _compare(self, comparison: Comparison) -> None:
        stub = self.services.by_name[comparison.service]
        request = pb.CompareProjectionRequest(
            source=comparison.source, partition=comparison.partition
        )
        try:
            async for answer in stub.CompareProjection(request, timeout=self.patience):
                if answer.HasField("difference"):
                    comparison.differences.append(answer.difference)
                else:
                    comparison.compared = answer.compared
        except PeerRefused as refused:
            if refused.reason is not Reason.WRONG_STATE:
                raise
            comparison.behind = refused.message

    async def _audit(self, audit: Audit) -> None:
        stub = self.services.by_name[audit.service]
        request = pb.AuditRecordsRequest(partition=audit.partition)
        async for answer in stub.AuditRecords(request, timeout=self.patience):
            if answer.HasField("finding"):
                audit.findings.append(answer.finding)
            else:
                audit.audited = answer.audited

    async def _rebuild(self, comparison: Comparison) -> None:
        stub = self.services.by_name[comparison.service]
        request = pb.RebuildProjectionRequest(
            source=comparison.source, partition=comparison.partition
        )
        async for _ in stub.RebuildProjection(request, timeout=self.patience):
            pass
