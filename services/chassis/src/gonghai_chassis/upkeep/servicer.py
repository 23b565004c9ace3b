"""UpkeepService, as archive, pool and assignment serve it: messages in, messages out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gonghai.upkeep.v1.upkeep_service_pb2_grpc import (
    UpkeepServiceServicer,
    add_UpkeepServiceServicer_to_server,
)
from gonghai_chassis.upkeep.quarantined import QuarantineUpkeep

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gonghai.upkeep.v1 import upkeep_service_pb2 as pb
    from gonghai_chassis.assembly import Assembly
    from gonghai_chassis.upkeep.partitions import PartitionUpkeep


class UpkeepServicer(UpkeepServiceServicer):
    """Lets operators look after one service."""

    def __init__(self, partitions: PartitionUpkeep) -> None:
        """Look after a service's partitions, and what it keeps of its sources' events."""
        self._partitions = partitions
        self._quarantine = QuarantineUpkeep(partitions.condition.store, tuple(partitions.followed))

    async def GetCondition(  # noqa: N802 - the contract's name
        self, request: pb.GetConditionRequest, context: object
    ) -> pb.Condition:
        """Tell how the service does."""
        del request, context
        return await self._partitions.get_condition()

    async def CompareProjection(  # noqa: N802
        self, request: pb.CompareProjectionRequest, context: object
    ) -> AsyncIterator[pb.CompareProjectionResponse]:
        """Compare what is kept of a source with what it has."""
        del context
        async for response in self._partitions.compare(request):
            yield response

    async def RebuildProjection(  # noqa: N802
        self, request: pb.RebuildProjectionRequest, context: object
    ) -> AsyncIterator[pb.RebuildProjectionResponse]:
        """Make anew what is kept of a source."""
        del context
        async for response in self._partitions.rebuild(request):
            yield response

    async def AuditRecords(  # noqa: N802
        self, request: pb.AuditRecordsRequest, context: object
    ) -> AsyncIterator[pb.AuditRecordsResponse]:
        """Hold the service's own records against each other."""
        del context
        async for response in self._partitions.audit_records(request):
            yield response

    async def ListQuarantinedEvents(  # noqa: N802
        self, request: pb.ListQuarantinedEventsRequest, context: object
    ) -> pb.ListQuarantinedEventsResponse:
        """List what could not be processed."""
        del context
        return await self._quarantine.list_events(request)

    async def RetryQuarantinedEvents(  # noqa: N802
        self, request: pb.RetryQuarantinedEventsRequest, context: object
    ) -> pb.RetryQuarantinedEventsResponse:
        """Process a subject's events again."""
        del context
        return await self._quarantine.retry_events(request)


def add_upkeep_service(assembly: Assembly[Any], servicer: UpkeepServicer) -> None:
    """Serve it beside the service's own."""
    assembly.serve(add_UpkeepServiceServicer_to_server, servicer)
