"""Recording and listing what happened with customers."""

# ruff: noqa: N802 - methods are named as in the contract
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gonghai.archive.v1 import activity_pb2
from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai_archive.activities import Activity
from gonghai_archive.activities import Kind as ActivityKind
from gonghai_archive.commands.record import NewActivity, RecordActivities
from gonghai_archive.customers import Request
from gonghai_archive.messages import activity_from, activity_name
from gonghai_archive.servicers.reach import Guard, actor, request_of
from gonghai_archive.sight import ALL
from gonghai_chassis.context import current
from gonghai_chassis.errors import (
    FieldViolation,
    InvalidRequest,
    NotAllowed,
    NotFound,
    Reason,
    Refusal,
)
from gonghai_chassis.filters import Field, Kind, parse_filter
from gonghai_chassis.names import CustomerName, TenantName, same_tenant
from gonghai_chassis.page_tokens import page_place, page_size, page_token
from gonghai_chassis.principals import Reach
from gonghai_chassis.statuses import status_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from gonghai_archive.presenting import Presenter

_HELD_AT_ONCE: Final = 4000
"""Activities of a stream that are gathered before they are recorded, a customer's together."""
_MOST_REFUSALS: Final = 100
_KINDS: Final = frozenset(kind.value for kind in ActivityKind)


@dataclass(frozen=True, slots=True)
class Activities:
    """The RPCs about activities."""

    record: RecordActivities
    presenter: Presenter
    guard: Guard
    currency: str

    async def RecordPurchase(self, request: pb.RecordPurchaseRequest) -> activity_pb2.Activity:
        """Record a purchase."""
        message = activity_pb2.Activity(
            purchase=request.purchase, sales_channel=request.sales_channel, rep=request.rep
        )
        if request.HasField("occur_time"):
            message.occur_time.CopyFrom(request.occur_time)
        return await self._one(request, message)

    async def RecordFollowUp(self, request: pb.RecordFollowUpRequest) -> activity_pb2.Activity:
        """Record a follow-up."""
        name = CustomerName.parse(request.parent, "parent")
        message = activity_pb2.Activity(follow_up=request.follow_up, rep=request.rep)
        me = current().principal.rep
        if not message.rep and me is not None:
            message.rep = f"tenants/{name.tenant}/reps/{me}"
        if request.HasField("occur_time"):
            message.occur_time.CopyFrom(request.occur_time)
        return await self._one(request, message)

    async def RecordActivity(self, request: pb.RecordActivityRequest) -> activity_pb2.Activity:
        """Record an activity of any kind."""
        message = activity_pb2.Activity()
        message.CopyFrom(request.activity)
        return await self._one(request, message)

    async def BatchRecordActivities(
        self, request: pb.BatchRecordActivitiesRequest
    ) -> pb.BatchRecordActivitiesResponse:
        """Record several activities, each with its result."""
        tenant = TenantName.parse(request.parent, "parent").tenant
        results = [pb.ActivityResult(activity=each.name) for each in request.activities]
        await self._many(tenant, list(zip(request.activities, results, strict=True)))
        return pb.BatchRecordActivitiesResponse(results=results)

    async def IngestActivities(
        self, requests: AsyncIterator[pb.IngestActivitiesRequest]
    ) -> pb.IngestActivitiesResponse:
        """Record a stream of activities."""
        response = pb.IngestActivitiesResponse()
        gathered: list[tuple[activity_pb2.Activity, pb.ActivityResult]] = []
        tenant = ""
        async for request in requests:
            named = TenantName.parse(request.parent, "parent").tenant
            if tenant and named != tenant:
                raise InvalidRequest(
                    FieldViolation("parent", "must be the same in each message of a stream")
                )
            tenant = named
            gathered += [
                (each, pb.ActivityResult(activity=each.name)) for each in request.activities
            ]
            if len(gathered) >= _HELD_AT_ONCE:
                await self._many(tenant, gathered)
                _count(response, gathered)
                gathered = []
        if gathered:
            await self._many(tenant, gathered)
            _count(response, gathered)
        return response

    async def ListActivities(self, request: pb.ListActivitiesRequest) -> pb.ListActivitiesResponse:
        """List a customer's activities, latest first."""
        name = CustomerName.parse(request.parent, "parent")
        terms = parse_filter(request.filter, {"kind": Field(Kind.STRING)})
        for term in terms:
            if term.value not in _KINDS:
                raise InvalidRequest(
                    FieldViolation("filter", f"{term.value!r} is no kind of activity"),
                    reason=Reason.INVALID_FILTER,
                    metadata={"filter": request.filter},
                )
        activities, shown = await self.presenter.activities(name.tenant, name.id)
        listed = sorted(
            (
                each
                for each in activities
                if all((each.kind == term.value) is (term.op == "=") for term in terms)
            ),
            key=_when,
            reverse=True,
        )
        place = page_place(request, int, str)
        if place is not None:
            listed = [each for each in listed if _when(each) < (place[0], place[1])]
        size = page_size(request)
        page = listed[:size]
        return pb.ListActivitiesResponse(
            activities=[self.presenter.activity(name, each, shown) for each in page],
            next_page_token=page_token(request, list(_when(page[-1])))
            if len(listed) > size
            else "",
        )

    async def _one(
        self,
        request: pb.RecordPurchaseRequest | pb.RecordFollowUpRequest | pb.RecordActivityRequest,
        message: activity_pb2.Activity,
    ) -> activity_pb2.Activity:
        name = CustomerName.parse(request.parent, "parent")
        # The id is the request's to say, whatever name the activity came with.
        message.name = f"{name}/activities/{request.activity_id}" if request.activity_id else ""
        activity, whenever = activity_from(message, name.tenant, self.currency)
        asked = request_of(request)
        recorded = await self._allowed(name, NewActivity(name.id, activity, whenever), asked)
        if isinstance(recorded, NewActivity):
            recorded = await self.record.one(
                name.tenant, recorded, actor=actor(), request=asked, deadline=current().deadline
            )
        # What is sensitive in it is what the caller just said himself.
        return self.presenter.activity(name, recorded, ALL)

    async def _many(
        self, tenant: str, sent: Iterable[tuple[activity_pb2.Activity, pb.ActivityResult]]
    ) -> None:
        """Record activities and write what became of each into its result."""
        news: list[NewActivity] = []
        results: list[pb.ActivityResult] = []
        for message, result in sent:
            try:
                new = await self._new(tenant, message)
            except Refusal as refusal:
                result.status.CopyFrom(status_of(refusal))
                continue
            if isinstance(new, Activity):
                result.status.SetInParent()
                continue
            news.append(new)
            results.append(result)
        outcomes = await self.record.many(tenant, news, actor=actor(), deadline=current().deadline)
        for result, outcome in zip(results, outcomes, strict=True):
            if isinstance(outcome, Activity):
                # Present and empty: OK.
                result.status.SetInParent()
            else:
                result.status.CopyFrom(status_of(outcome))

    async def _new(self, tenant: str, message: activity_pb2.Activity) -> NewActivity | Activity:
        name, _ = activity_name(message.name, "activities.name")
        same_tenant(tenant, name, "activities.name")
        activity, whenever = activity_from(message, tenant, self.currency, "activities")
        return await self._allowed(name, NewActivity(name.id, activity, whenever), Request())

    async def _allowed(
        self, name: CustomerName, new: NewActivity, request: Request
    ) -> NewActivity | Activity:
        """Return what the caller may record; or what he recorded by this before he lost the right.

        Raises:
            NotFound: there is no such customer, or a partner may not know of it.
            NotAllowed: the rep, or the customer, is none of his.
        """
        if current().reach >= Reach.TENANT:
            return new
        try:
            if new.activity.rep:
                await self.guard.over_rep(name.tenant, new.activity.rep)
            unless_own = await self.guard.to_record(name, new.activity)
        except (NotAllowed, NotFound):
            before = await self.record.recorded_before(
                name.tenant, new, actor=actor(), request=request, deadline=current().deadline
            )
            if before is None:
                raise
            return before
        return replace(new, unless_own=unless_own)


def _when(activity: Activity) -> tuple[int, str]:
    return activity.occurred, activity.id


def _count(
    response: pb.IngestActivitiesResponse,
    gathered: Iterable[tuple[activity_pb2.Activity, pb.ActivityResult]],
) -> None:
    for _, result in gathered:
        if not result.status.code:
            response.recorded += 1
            continue
        response.refused += 1
        if len(response.refusals) < _MOST_REFUSALS:
            response.refusals.append(result)
