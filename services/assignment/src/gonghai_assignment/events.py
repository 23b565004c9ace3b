"""What the service tells the others: payloads of its events, without what is personal of reps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gonghai.assignment.v1 import events_pb2
from gonghai_assignment.messages import region_message, rep_message, team_message
from gonghai_chassis.names import CustomerName, RepName
from gonghai_policy_service.reasons import chinese_apart

if TYPE_CHECKING:
    from gonghai_assignment.regions import Region
    from gonghai_assignment.reps import Rep
    from gonghai_assignment.teams import Team
    from gonghai_plugin import Text


def region_event(region: Region) -> bytes:
    """The payload that tells of a region."""
    return region_message(region).SerializeToString()


def team_event(team: Team) -> bytes:
    """The payload that tells of a team."""
    return team_message(team).SerializeToString()


def rep_event(rep: Rep) -> bytes:
    """The payload that tells of a rep: what he can do and when, not what he is called or why."""
    leaves = tuple(replace(leave, reason="") for leave in rep.leaves)
    message = rep_message(replace(rep, display_name="", leaves=leaves))
    return message.SerializeToString()


def routed_event(
    customer: CustomerName,
    custody_term: int,
    *,
    rep: str | None,
    parked: bool,
    reason: Text,
    rule: str,
) -> bytes:
    """The payload that tells to whom a customer goes, or that nobody was eligible for it."""
    message = events_pb2.CustomerRouted(
        customer=str(customer),
        custody_term=custody_term,
        rep=str(RepName(customer.tenant, rep)) if rep else "",
        parked=parked,
        reason=reason.en,
        reason_zh=chinese_apart(reason),
        rule=rule,
    )
    return message.SerializeToString()
