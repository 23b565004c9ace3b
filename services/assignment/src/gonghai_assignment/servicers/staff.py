"""Regions, teams and reps over gRPC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from gonghai.assignment.v1 import assignment_service_pb2 as pb
from gonghai.assignment.v1 import rep_pb2
from gonghai_assignment import access
from gonghai_assignment.messages import (
    region_from,
    region_message,
    rep_from,
    rep_message,
    team_from,
    team_message,
)
from gonghai_assignment.reps import NO_LOAD
from gonghai_assignment.store.staff import REGION, REP, TEAM
from gonghai_chassis.context import current
from gonghai_chassis.errors import Contention
from gonghai_chassis.etags import check_etag
from gonghai_chassis.field_masks import apply_update, strip_output_only
from gonghai_chassis.ids import new_id
from gonghai_chassis.names import RegionName, RepName, TeamName, TenantName, check_id
from gonghai_chassis.page_tokens import page_place, page_size, page_token
from gonghai_chassis.store.failures import VersionsMoved

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from google.protobuf.message import Message

    from gonghai_assignment.commands.keep_region import KeepRegion
    from gonghai_assignment.commands.keep_rep import KeepRep
    from gonghai_assignment.commands.keep_team import KeepTeam
    from gonghai_assignment.reps import Rep
    from gonghai_assignment.store.staff import RosterRecords, StaffStore
    from gonghai_chassis.context import RequestContext
    from gonghai_chassis.store import Store

_LAUNCHES = 5
Kept = TypeVar("Kept")
Listed = TypeVar("Listed")


@dataclass(frozen=True, slots=True)
class StaffServicer:
    """Answers the methods of regions, teams and reps."""

    store: Store
    staff: StaffStore
    keep_region: KeepRegion
    keep_team: KeepTeam
    keep_rep: KeepRep

    async def create_region(self, request: pb.CreateRegionRequest) -> rep_pb2.Region:
        """Make a region."""
        context = current()
        tenant = TenantName.parse(request.parent, "parent").tenant
        name = RegionName(tenant, _id(request.region_id, "region_id"))
        region = await self.keep_region.create(
            region_from(strip_output_only(request.region), name),
            request=_request(context, request),
            deadline=context.deadline,
        )
        return region_message(region)

    async def get_region(self, request: pb.GetRegionRequest) -> rep_pb2.Region:
        """Get a region."""
        name = RegionName.parse(request.name)
        region, _ = await self.staff.get(REGION, name.tenant, name.id, deadline=current().deadline)
        return region_message(region)

    async def update_region(self, request: pb.UpdateRegionRequest) -> rep_pb2.Region:
        """Change a region."""
        context = current()
        name = RegionName.parse(request.region.name, "region.name")

        async def change() -> rep_pb2.Region:
            before, _ = await self.staff.get(
                REGION, name.tenant, name.id, deadline=context.deadline
            )
            check_etag(request.region.etag, before.version, name)
            message = apply_update(
                region_message(before), request.region, request.update_mask, "region"
            )
            after = await self.keep_region.update(
                before,
                region_from(message, name),
                now=self._now(name.tenant),
                request=_request(context, request),
                deadline=context.deadline,
            )
            return region_message(after)

        return await _until_still(change, name)

    async def list_regions(self, request: pb.ListRegionsRequest) -> pb.ListRegionsResponse:
        """List regions by id."""
        roster = await self._roster(request.parent)
        regions, token = _page(request, roster.regions.values())
        return pb.ListRegionsResponse(regions=map(region_message, regions), next_page_token=token)

    async def create_team(self, request: pb.CreateTeamRequest) -> rep_pb2.Team:
        """Make a team."""
        context = current()
        tenant = TenantName.parse(request.parent, "parent").tenant
        name = TeamName(tenant, _id(request.team_id, "team_id"))
        team = await self.keep_team.create(
            team_from(strip_output_only(request.team), name),
            now=self._now(tenant),
            request=_request(context, request),
            deadline=context.deadline,
        )
        return team_message(team)

    async def get_team(self, request: pb.GetTeamRequest) -> rep_pb2.Team:
        """Get a team."""
        name = TeamName.parse(request.name)
        team, _ = await self.staff.get(TEAM, name.tenant, name.id, deadline=current().deadline)
        return team_message(team)

    async def update_team(self, request: pb.UpdateTeamRequest) -> rep_pb2.Team:
        """Change a team."""
        context = current()
        name = TeamName.parse(request.team.name, "team.name")

        async def change() -> rep_pb2.Team:
            before, _ = await self.staff.get(TEAM, name.tenant, name.id, deadline=context.deadline)
            access.check_manages(context, before)
            check_etag(request.team.etag, before.version, name)
            message = apply_update(team_message(before), request.team, request.update_mask, "team")
            after = await self.keep_team.update(
                before,
                team_from(message, name),
                now=self._now(name.tenant),
                request=_request(context, request),
                deadline=context.deadline,
            )
            return team_message(after)

        return await _until_still(change, name)

    async def list_teams(self, request: pb.ListTeamsRequest) -> pb.ListTeamsResponse:
        """List teams by id."""
        roster = await self._roster(request.parent)
        teams, token = _page(request, roster.teams.values())
        return pb.ListTeamsResponse(teams=map(team_message, teams), next_page_token=token)

    async def create_rep(self, request: pb.CreateRepRequest) -> rep_pb2.Rep:
        """Make a rep."""
        context = current()
        tenant = TenantName.parse(request.parent, "parent").tenant
        name = RepName(tenant, _id(request.rep_id, "rep_id"))
        rep = await self.keep_rep.create(
            rep_from(strip_output_only(request.rep), name),
            request=_request(context, request),
            deadline=context.deadline,
        )
        return rep_message(rep)

    async def get_rep(self, request: pb.GetRepRequest) -> rep_pb2.Rep:
        """Get a rep, with what he looks after."""
        context = current()
        name = RepName.parse(request.name)
        roster = await self.staff.roster(name.tenant, deadline=context.deadline)
        rep, _ = await self.staff.get(REP, name.tenant, name.id, deadline=context.deadline)
        access.check_sees(context, rep)
        return _shown(context, rep, roster)

    async def update_rep(self, request: pb.UpdateRepRequest) -> rep_pb2.Rep:
        """Change a rep."""
        context = current()
        name = RepName.parse(request.rep.name, "rep.name")

        async def change() -> rep_pb2.Rep:
            roster = await self.staff.roster(name.tenant, deadline=context.deadline)
            before, load = await self.staff.get(
                REP, name.tenant, name.id, deadline=context.deadline
            )
            check_etag(request.rep.etag, before.version, name)
            was = rep_message(before)
            message = apply_update(was, request.rep, request.update_mask, "rep")
            access.check_changes(context, before, roster.teams, _changed(was, message))
            after = await self.keep_rep.update(
                before,
                rep_from(message, name),
                request=_request(context, request),
                deadline=context.deadline,
            )
            return rep_message(after, load)

        return await _until_still(change, name)

    async def list_reps(self, request: pb.ListRepsRequest) -> pb.ListRepsResponse:
        """List reps by id, those that the caller may know."""
        context = current()
        roster = await self._roster(request.parent)
        within = access.reps_within(context, roster.reps, roster.teams)
        seen = [rep for rep in roster.reps.values() if within is None or rep.id in within]
        reps, token = _page(request, seen)
        return pb.ListRepsResponse(
            reps=[_shown(context, rep, roster) for rep in reps], next_page_token=token
        )

    async def _roster(self, parent: str) -> RosterRecords:
        tenant = TenantName.parse(parent, "parent").tenant
        return await self.staff.roster(tenant, deadline=current().deadline)

    def _now(self, tenant: str) -> int:
        """Domain time for create_time and update_time; nothing is decided by it."""
        return self.store.clock.now(self.store.partition(tenant))


def _id(chosen: str, field: str) -> str:
    return check_id(chosen, field) if chosen else new_id()


def _request(context: RequestContext, request: Message) -> tuple[str, str]:
    return getattr(request, "request_id", ""), context.fingerprint(request)


def _changed(before: rep_pb2.Rep, after: rep_pb2.Rep) -> list[str]:
    """Top fields in which two messages differ."""
    return [
        field.name
        for field in rep_pb2.Rep.DESCRIPTOR.fields
        if getattr(before, field.name) != getattr(after, field.name)
    ]


def _shown(context: RequestContext, rep: Rep, roster: RosterRecords) -> rep_pb2.Rep:
    """A rep as the caller may see him: colleagues see what he does, not how he fares."""
    if access.sees_whole(context, rep, roster.teams):
        return rep_message(rep, roster.loads.get(rep.id, NO_LOAD))
    message = rep_message(rep)
    message.ClearField("performance")
    for leave in message.leaves:
        leave.ClearField("reason")
    return message


def _page(request: Message, items: Iterable[Listed]) -> tuple[list[Listed], str]:
    """The items of a page, which have ids and come in their order, and where to go on."""
    place = page_place(request, str)
    after = str(place[0]) if place else ""
    size = page_size(request)
    rest = [item for item in items if getattr(item, "id") > after]  # noqa: B009 - all have ids
    page = rest[:size]
    more = len(rest) > size
    return page, page_token(request, [getattr(page[-1], "id")]) if more else ""  # noqa: B009


async def _until_still(change: Callable[[], Awaitable[Kept]], name: object) -> Kept:
    """Read, change and store anew when somebody else was faster; an etag stops that by itself."""
    for _ in range(_LAUNCHES):
        try:
            return await change()
        except VersionsMoved:
            continue
    raise Contention(name)
