"""UpkeepService, as archive, pool and assignment serve it: messages in, messages out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gonghai.upkeep.v1.upkeep_service_pb2_grpc import (
    UpkeepServiceServicer,
    add_UpkeepServiceServicer_to_server,
)
from gonghai_chassis.upkeep.quarantined import QuarantineUpkeep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai.upkeep.v1 import upkeep_service_pb2 as pb
    from gonghai_chassis.assembly import Assembly
    from gonghai_chassis.store import Store


class UpkeepServicer(UpkeepServiceServicer):
    """Lets operators look after one service."""

    def __init__(self, store: Store, sources: Sequence[str]) -> None:
        """Look after what a service keeps in this store of these sources' events."""
        self._quarantine = QuarantineUpkeep(store, sources)

    async def ListQuarantinedEvents(  # noqa: N802 - the contract's name
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
