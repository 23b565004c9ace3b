"""Pools, limits, reps and teams as records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gonghai_chassis.store import records
from gonghai_pool.pools import (
    MOST,
    ClaimLimits,
    HoldingLimit,
    Limits,
    Member,
    MemberKind,
    Pool,
    bounded,
)
from gonghai_pool.staff import Rep, RepState, Team

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

POOL: Final = records.RecordType("pool", schema=1)
LIMITS: Final = records.RecordType("limits", schema=1)
REP: Final = records.RecordType("rep", schema=1)
TEAM: Final = records.RecordType("team", schema=1)


def pack_pool(pool: Pool) -> bytes:
    """Write a pool."""
    return POOL.pack(
        {
            "id": pool.id,
            "version": pool.version,
            "display_name": pool.display_name,
            "members": _members(pool.members),
            "managers": _members(pool.managers),
            "hidden_fields": list(pool.hidden_fields),
            "claim_limits": _claim_limits(pool.claim_limits),
            "fallback": pool.fallback,
            "region": pool.region,
            "created": pool.created,
            "updated": pool.updated,
        }
    )


def unpack_pool(packed: bytes) -> Pool:
    """Read a pool."""
    record = POOL.unpack(packed)
    return Pool(
        id=record["id"],
        version=record["version"],
        display_name=record["display_name"],
        members=_read_members(record["members"]),
        managers=_read_members(record["managers"]),
        hidden_fields=tuple(records.sequence(record["hidden_fields"])),
        claim_limits=_read_claim_limits(record["claim_limits"]),
        fallback=record["fallback"],
        region=record["region"],
        created=record["created"],
        updated=record["updated"],
    )


def pack_limits(limits: Limits) -> bytes:
    """Write a tenant's limits."""
    return LIMITS.pack(
        {
            "version": limits.version,
            "claim_limits": _claim_limits(limits.claim_limits),
            "holding_limit": limits.holding_limit,
            "holding_limits": [
                [one.member.kind.value, one.member.id, one.limit] for one in limits.holding_limits
            ],
            "tier_weights": dict(limits.tier_weights),
            "deals_exempt": limits.deals_exempt,
            "updated": limits.updated,
        }
    )


def unpack_limits(packed: bytes) -> Limits:
    """Read a tenant's limits."""
    record = LIMITS.unpack(packed)
    return Limits(
        version=record["version"],
        claim_limits=_read_claim_limits(record["claim_limits"]),
        holding_limit=min(record["holding_limit"], MOST),
        holding_limits=tuple(
            HoldingLimit(Member(MemberKind(kind), ident), min(limit, MOST))
            for kind, ident, limit in records.sequence(record["holding_limits"])
        ),
        tier_weights={
            tier: min(weight, MOST)
            for tier, weight in records.mapping(record["tier_weights"]).items()
        },
        deals_exempt=record["deals_exempt"],
        updated=record["updated"],
    )


def pack_rep(rep: Rep) -> bytes:
    """Write a rep."""
    return REP.pack(
        {
            "id": rep.id,
            "version": rep.version,
            "team": rep.team,
            "roles": list(rep.roles),
            "state": int(rep.state),
            "seniority": rep.seniority,
            "skills": list(rep.skills),
            "regions": list(rep.regions),
            "leaves": [list(leave) for leave in rep.leaves],
        }
    )


def unpack_rep(packed: bytes) -> Rep:
    """Read a rep."""
    record = REP.unpack(packed)
    return Rep(
        id=record["id"],
        version=record["version"],
        team=record["team"],
        roles=tuple(records.sequence(record["roles"])),
        state=RepState(record["state"]),
        seniority=record["seniority"],
        skills=tuple(records.sequence(record["skills"])),
        regions=tuple(records.sequence(record["regions"])),
        leaves=tuple((start, end) for start, end in records.sequence(record["leaves"])),
    )


def pack_team(team: Team) -> bytes:
    """Write a team."""
    return TEAM.pack({"id": team.id, "version": team.version, "managers": list(team.managers)})


def unpack_team(packed: bytes) -> Team:
    """Read a team."""
    record = TEAM.unpack(packed)
    return Team(record["id"], record["version"], tuple(records.sequence(record["managers"])))


def _members(members: Iterable[Member]) -> list[list[str]]:
    return [[member.kind.value, member.id] for member in members]


def _read_members(stored: object) -> tuple[Member, ...]:
    return tuple(Member(MemberKind(kind), ident) for kind, ident in records.sequence(stored))


def _claim_limits(limits: ClaimLimits) -> dict[str, Any]:
    return {name: getattr(limits, name) for name in _LIMITS}


def _read_claim_limits(stored: Mapping[str, Any]) -> ClaimLimits:
    return bounded(ClaimLimits(**{name: stored[name] for name in _LIMITS}))


_LIMITS: Final = (
    "per_day",
    "per_week",
    "total",
    "min_interval",
    "cool_down_days",
    "embargo",
)
