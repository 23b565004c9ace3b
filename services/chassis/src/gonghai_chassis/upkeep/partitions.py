"""The part of `UpkeepService` that is about whole partitions, the same for all services."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gonghai.upkeep.v1 import upkeep_service_pb2 as pb
from gonghai_chassis.cursor_messages import cursor_message
from gonghai_chassis.errors import FieldViolation, InvalidRequest, WrongState
from gonghai_chassis.events import Quarantine
from gonghai_chassis.instants import set_instant
from gonghai_chassis.names import TenantName
from gonghai_chassis.upkeep.auditing import audited
from gonghai_chassis.upkeep.comparison import PATIENCE, Behind, Cause, Comparison
from gonghai_chassis.upkeep.rebuilding import rebuilt

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from gonghai_chassis.events import Feed
    from gonghai_chassis.store import Partition
    from gonghai_chassis.upkeep.auditing import Audit
    from gonghai_chassis.upkeep.comparison import Comparable, Difference
    from gonghai_chassis.upkeep.condition import AreaCondition, PartitionCondition

_CAUSES: Final = {
    Cause.MISSING: pb.Difference.CAUSE_MISSING,
    Cause.LEFT_OVER: pb.Difference.CAUSE_LEFT_OVER,
    Cause.VERSION: pb.Difference.CAUSE_VERSION,
    Cause.CONTENT: pb.Difference.CAUSE_CONTENT,
    Cause.QUARANTINED: pb.Difference.CAUSE_QUARANTINED,
}


@dataclass(frozen=True, slots=True)
class Followed:
    """A source, and what is kept of it.

    Attributes:
        feed: its snapshots.
        projection: makes what shows the projection to one comparison.
    """

    feed: Feed
    projection: Callable[[], Comparable]


@dataclass(frozen=True, slots=True)
class PartitionUpkeep:
    """Looks after a service's partitions.

    Attributes:
        condition: how the service does.
        followed: what it keeps of the others, by source.
        audit: goes over its records.
        patience: seconds that a projection gets to catch up before it is compared.
    """

    condition: AreaCondition
    followed: Mapping[str, Followed]
    audit: Audit
    patience: float = PATIENCE

    async def get_condition(self) -> pb.Condition:
        """Answer `GetCondition`."""
        store = self.condition.store
        answer = pb.Condition(service=store.area, warnings=await self.condition.warnings())
        for found in await self.condition.partitions():
            answer.partitions.append(_condition(found))
        return answer

    async def compare(
        self, request: pb.CompareProjectionRequest
    ) -> AsyncGenerator[pb.CompareProjectionResponse, None]:
        """Answer `CompareProjection`.

        Raises:
            InvalidRequest: there is no such partition, or the source is not followed.
            WrongState: the projection does not follow, so that nothing can be said.
        """
        followed, partition = self._followed(request.source), self._partition(request.partition)
        comparison = Comparison(
            self.condition.store,
            partition,
            request.source,
            followed.feed,
            followed.projection(),
            self.patience,
        )
        try:
            differences = await comparison.differences()
        except Behind as behind:
            raise WrongState(f"projections/{request.source}", "behind", str(behind)) from behind
        quarantined: set[tuple[str, str]] = set()
        if differences:
            kept = Quarantine(self.condition.store, partition, request.source)
            quarantined = await kept.subjects()
        for each in differences:
            # What is told of an activity names its customer first.
            known = (each.place.tenant, each.place.subject.partition("/")[0]) in quarantined
            cause = Cause.QUARANTINED if known else each.cause
            yield pb.CompareProjectionResponse(difference=_difference(each, cause))
        yield pb.CompareProjectionResponse(compared=comparison.compared)

    async def rebuild(
        self, request: pb.RebuildProjectionRequest
    ) -> AsyncGenerator[pb.RebuildProjectionResponse, None]:
        """Answer `RebuildProjection`.

        Raises:
            InvalidRequest: there is no such partition, or the source is not followed.
        """
        self._followed(request.source)
        partition = self._partition(request.partition)
        states = rebuilt(self.condition.store, partition, request.source)
        async with aclosing(states) as following:
            async for rebuilding in following:
                yield pb.RebuildProjectionResponse(rebuilding=rebuilding)

    async def audit_records(
        self, request: pb.AuditRecordsRequest
    ) -> AsyncGenerator[pb.AuditRecordsResponse, None]:
        """Answer `AuditRecords`.

        Raises:
            InvalidRequest: there is no such partition.
        """
        result = await audited(self.audit, self._partition(request.partition))
        for finding in result.findings:
            yield pb.AuditRecordsResponse(finding=finding)
        yield pb.AuditRecordsResponse(audited=result.records)

    def _followed(self, source: str) -> Followed:
        followed = self.followed.get(source)
        if followed is None:
            known = " or ".join(sorted(self.followed))
            raise InvalidRequest(
                FieldViolation("source", f"{self.condition.store.area} follows {known}")
            )
        return followed

    def _partition(self, index: int) -> Partition:
        partitions = self.condition.store.partitions
        if index >= len(partitions):
            raise InvalidRequest(FieldViolation("partition", f"must be below {len(partitions)}"))
        return partitions[index]


def _condition(found: PartitionCondition) -> pb.PartitionCondition:
    message = pb.PartitionCondition(
        partition=found.index,
        holder=found.holder,
        head=cursor_message(found.head, found.index),
        due=found.due,
        intents=found.intents,
    )
    message.oldest_due_age.FromMicroseconds(found.oldest_due_age)
    for source, progress in found.followed.items():
        told = message.sources.add(
            source=source,
            cursor=cursor_message(progress.cursor, found.index),
            rebuilding=bool(progress.rebuilding),
            quarantined_subjects=progress.quarantined,
        )
        if progress.changes_through:
            set_instant(told.changes_through, progress.changes_through)
    return message


def _difference(found: Difference, cause: Cause) -> pb.Difference:
    return pb.Difference(
        tenant=str(TenantName(found.place.tenant)),
        kind=found.place.kind,
        subject=found.place.subject,
        cause=_CAUSES[cause],
        source_version=found.source_version,
        projected_version=found.projected_version,
    )
