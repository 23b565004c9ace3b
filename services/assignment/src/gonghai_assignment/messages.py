"""Regions, teams and reps as messages of the contract, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gonghai.assignment.v1 import rep_pb2
from gonghai_assignment.regions import Region
from gonghai_assignment.reps import NO_LOAD, Leave, Load, Rep, RepState, WorkingHours
from gonghai_assignment.teams import Team
from gonghai_chassis.errors import FieldViolation, InvalidRequest
from gonghai_chassis.etags import etag_of
from gonghai_chassis.instants import instant_of, timestamp
from gonghai_chassis.names import RegionName, RepName, TeamName, same_tenant
from gonghai_policy_service.values import from_value, to_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gonghai_assignment.regions import FactValue

_HIGHEST_SCALE = 4


def region_message(region: Region) -> rep_pb2.Region:
    """Return a region as a message."""
    tenant = region.tenant
    return rep_pb2.Region(
        name=str(RegionName(tenant, region.id)),
        display_name=region.display_name,
        parent_region=str(RegionName(tenant, region.parent)) if region.parent else "",
        path=region.path,
        facts={name: to_value(fact) for name, fact in region.facts.items()},
        etag=etag_of(region.version),
        create_time=timestamp(region.created),
        update_time=timestamp(region.updated),
    )


def region_from(message: rep_pb2.Region, name: RegionName) -> Region:
    """Return the region that a request describes; path, version and times are not set.

    Raises:
        InvalidRequest: its parent is of another tenant, or a fact has no value.
    """
    parent = RegionName.parse_optional(message.parent_region, "region.parent_region")
    if parent is not None:
        same_tenant(name.tenant, parent, "region.parent_region")
    return Region(
        tenant=name.tenant,
        id=name.id,
        display_name=message.display_name,
        parent=parent.id if parent else None,
        path="",
        facts=dict(_facts(message)),
    )


def _facts(message: rep_pb2.Region) -> Iterable[tuple[str, FactValue]]:
    for name, fact in sorted(message.facts.items()):
        value = from_value(fact, f"region.facts[{name}]")
        if value is None:
            raise InvalidRequest(FieldViolation(f"region.facts[{name}]", "has no value"))
        yield name, tuple(sorted(value)) if isinstance(value, frozenset) else value


def team_message(team: Team) -> rep_pb2.Team:
    """Return a team as a message."""
    return rep_pb2.Team(
        name=str(TeamName(team.tenant, team.id)),
        display_name=team.display_name,
        managers=[str(RepName(team.tenant, rep)) for rep in team.managers],
        etag=etag_of(team.version),
        create_time=timestamp(team.created),
        update_time=timestamp(team.updated),
    )


def team_from(message: rep_pb2.Team, name: TeamName) -> Team:
    """Return the team that a request describes; version and times are not set.

    Raises:
        InvalidRequest: a manager is no rep of the tenant.
    """
    managers = []
    for index, manager in enumerate(message.managers):
        field = f"team.managers[{index}]"
        rep = RepName.parse(manager, field)
        same_tenant(name.tenant, rep, field)
        managers.append(rep.id)
    return Team(
        tenant=name.tenant,
        id=name.id,
        display_name=message.display_name,
        managers=tuple(dict.fromkeys(managers)),
    )


def rep_message(rep: Rep, load: Load = NO_LOAD) -> rep_pb2.Rep:
    """Return a rep, with what he looks after, as a message."""
    return rep_pb2.Rep(
        name=str(RepName(rep.tenant, rep.id)),
        display_name=rep.display_name,
        team=str(TeamName(rep.tenant, rep.team)) if rep.team else "",
        regions=rep.regions,
        skills=rep.skills,
        product_lines=rep.product_lines,
        languages=rep.languages,
        seniority=rep_pb2.Seniority.ValueType(rep.seniority),
        performance=rep.performance,
        capacity=rep.capacity,
        working_hours=[
            rep_pb2.WorkingHours(
                # The numbers are those of ISO 8601 in both.
                day=hours.day,  # type: ignore[arg-type]
                start_minute=hours.start,
                end_minute=hours.end,
            )
            for hours in rep.working_hours
        ],
        leaves=[
            rep_pb2.Leave(
                start_time=timestamp(leave.start),
                end_time=timestamp(leave.end),
                reason=leave.reason,
            )
            for leave in rep.leaves
        ],
        roles=rep.roles,
        state=rep_pb2.RepState.ValueType(rep.state),
        load_milli=load.weight,
        holdings=load.holdings + load.coming,
        etag=etag_of(rep.version),
        create_time=timestamp(rep.created),
        update_time=timestamp(rep.updated),
    )


def rep_from(message: rep_pb2.Rep, name: RepName) -> Rep:
    """Return the rep that a request describes; version and times are not set.

    Raises:
        InvalidRequest: his team is of another tenant, or hours or a leave end before they begin.
    """
    team = TeamName.parse_optional(message.team, "rep.team")
    if team is not None:
        same_tenant(name.tenant, team, "rep.team")
    return Rep(
        tenant=name.tenant,
        id=name.id,
        display_name=message.display_name,
        team=team.id if team else None,
        regions=_texts(message.regions, "rep.regions"),
        skills=_texts(message.skills, "rep.skills"),
        product_lines=_texts(message.product_lines, "rep.product_lines"),
        languages=_texts(message.languages, "rep.languages"),
        seniority=min(int(message.seniority), _HIGHEST_SCALE),
        performance=message.performance,
        capacity=message.capacity,
        working_hours=tuple(_hours(message)),
        leaves=tuple(_leaves(message)),
        roles=_texts(message.roles, "rep.roles"),
        state=RepState(message.state) if message.state else RepState.ACTIVE,
    )


def _texts(values: Iterable[str], field: str) -> tuple[str, ...]:
    texts = tuple(dict.fromkeys(values))
    if "" in texts:
        raise InvalidRequest(FieldViolation(field, "has an empty entry"))
    return texts


def _hours(message: rep_pb2.Rep) -> Iterable[WorkingHours]:
    for index, hours in enumerate(message.working_hours):
        if hours.end_minute <= hours.start_minute:
            field = f"rep.working_hours[{index}].end_minute"
            raise InvalidRequest(
                FieldViolation(field, "must be after start_minute; split a night over two days")
            )
        yield WorkingHours(int(hours.day), hours.start_minute, hours.end_minute)


def _leaves(message: rep_pb2.Rep) -> Iterable[Leave]:
    for index, leave in enumerate(message.leaves):
        where = f"rep.leaves[{index}]"
        start = instant_of(leave.start_time, f"{where}.start_time")
        end = (
            instant_of(leave.end_time, f"{where}.end_time") if leave.HasField("end_time") else None
        )
        if end is not None and end <= start:
            raise InvalidRequest(FieldViolation(f"{where}.end_time", "must be after start_time"))
        yield Leave(start, end, leave.reason)
