"""ArchiveService: each RPC handed to the group that answers it; what is not built says so."""

# ruff: noqa: ANN401, ARG001 - one signature for all methods, named as in the contract
from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from gonghai.archive.v1 import archive_service_pb2
from gonghai.archive.v1.archive_service_pb2_grpc import ArchiveServiceServicer
from gonghai_chassis.errors import NotBuilt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from google.protobuf.descriptor import MethodDescriptor

    from gonghai_archive.servicers.activities import Activities
    from gonghai_archive.servicers.collisions import Collisions
    from gonghai_archive.servicers.commissions import Commissions
    from gonghai_archive.servicers.customers import Customers
    from gonghai_archive.servicers.scorecards import Scorecards
    from gonghai_archive.servicers.simulation import Courses
    from gonghai_archive.servicers.succession import Successions
    from gonghai_chassis.watching import WatchServer

SERVICE = archive_service_pb2.DESCRIPTOR.services_by_name["ArchiveService"]


class ArchiveServicer(ArchiveServiceServicer):
    """Answers the contract's methods."""

    def __init__(
        self,
        customers: Customers,
        activities: Activities,
        commissions: Commissions,
        scorecards: Scorecards,
        collisions: Collisions,
        successions: Successions,
        courses: Courses,
        changes: WatchServer,
    ) -> None:
        """Answer by these groups.

        Args:
            customers: about records.
            activities: about what happened.
            commissions: about what was earned by it.
            scorecards: about months of customers.
            collisions: about what must not be, and is.
            successions: about sponsors that leave.
            courses: about what would be.
            changes: streams the archive's own changes.
        """
        groups: tuple[object, ...] = (
            customers,
            activities,
            commissions,
            scorecards,
            collisions,
            successions,
            courses,
        )
        for method in SERVICE.methods:
            handler = next(
                (found for group in groups if (found := getattr(group, method.name, None))), None
            )
            if method.name == "Watch":
                handler = changes.watch
            elif method.name == "ExportSnapshot":
                handler = changes.export
            setattr(self, method.name, _answering(method, handler))


def _answering(method: MethodDescriptor, handler: Callable[[Any], Any] | None) -> Any:
    """The handler in the form that gRPC calls; of a method that is not built, a refusal."""

    async def answer(request: Any, context: object) -> Any:
        if handler is None:
            raise NotBuilt(method.name)
        return await handler(request)

    async def stream(request: Any, context: object) -> AsyncIterator[Any]:
        if handler is None:
            raise NotBuilt(method.name)
        async with aclosing(handler(request)) as messages:
            async for message in messages:
                yield message

    return stream if method.server_streaming else answer
