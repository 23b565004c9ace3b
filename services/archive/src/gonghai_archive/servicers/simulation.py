"""What the archive would tell over a span, for pool's forecast."""

# ruff: noqa: N802 - methods are named as in the contract
from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai_archive.commands.record import NewActivity
from gonghai_archive.messages import activity_from, activity_name
from gonghai_archive.simulation.course import Span
from gonghai_chassis.context import current
from gonghai_chassis.errors import FieldViolation, InvalidRequest
from gonghai_chassis.instants import instant_of
from gonghai_chassis.names import TenantName, same_tenant
from gonghai_policy_service.trials import check_same, check_unchanged, on_trial

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from gonghai_archive.simulation.course import SimulateCourse
    from gonghai_engine import Engine
    from gonghai_policy_service import PolicyBook


@dataclass(frozen=True, slots=True)
class Courses:
    """The RPC about the course of customers."""

    simulate: SimulateCourse
    engine: Engine
    book: PolicyBook
    currency: str

    async def SimulateCourse(
        self, request: pb.SimulateCourseRequest
    ) -> AsyncGenerator[pb.SimulateCourseResponse, None]:
        """Stream what would be told."""
        tenant = TenantName.parse(request.parent, "parent").tenant
        span = Span(
            instant_of(request.start_time, "start_time"), instant_of(request.end_time, "end_time")
        )
        if span.end < span.start:
            raise InvalidRequest(FieldViolation("end_time", "must not lie before the start"))
        activities = list(self._activities(request, tenant))
        present = await self.book.tenant(tenant, deadline=current().deadline)
        check_same(present, request.document, request.revision)
        async with on_trial(
            self.engine, present, request.document, request.revision, request.candidates
        ) as trial:
            course = self.simulate(trial, span, activities, applied=bool(request.document))
            async with aclosing(course) as told:
                async for part in told:
                    check_unchanged(self.engine, present)
                    yield pb.SimulateCourseResponse(
                        events=part.events,
                        evaluated=part.evaluated,
                        total=part.total,
                        undecided=trial.undecided.messages(tenant),
                    )

    def _activities(self, request: pb.SimulateCourseRequest, tenant: str) -> Iterator[NewActivity]:
        for index, message in enumerate(request.activities):
            field = f"activities[{index}]"
            name, ident = activity_name(message.name, f"{field}.name")
            same_tenant(tenant, name, f"{field}.name")
            if not ident:
                raise InvalidRequest(FieldViolation(f"{field}.name", "must name the activity"))
            activity, whenever = activity_from(message, tenant, self.currency, field)
            yield NewActivity(name.id, activity, whenever)
