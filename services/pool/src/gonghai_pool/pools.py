"""Pools (公海), their members, and the limits on claims and holdings. Plain values."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gonghai_engine import ClaimLimits as PolicyLimits

MILLI = 1000
"""A customer of ordinary weight, in thousandths."""
MOST: Final = 1_000_000
"""The highest count or weight of a limit: the contract's bound."""
_MOST_DAYS: Final = 3650
_LONGEST: Final = _MOST_DAYS * 24 * 3_600_000_000


class MemberKind(StrEnum):
    """How members are named."""

    REP = "rep"
    TEAM = "team"
    ROLE = "role"


@dataclass(frozen=True, slots=True)
class Member:
    """A rep, everybody in a team, or every rep with a role."""

    kind: MemberKind
    id: str


@dataclass(frozen=True, slots=True)
class ClaimLimits:
    """How many customers a rep may claim (领取上限); 0 means no limit. Durations in µs."""

    per_day: int = 0
    per_week: int = 0
    total: int = 0
    min_interval: int = 0
    cool_down_days: int = 0
    embargo: int = 0


@dataclass(frozen=True, slots=True)
class Pool:
    """A public pool. An empty list of members means nobody, never everybody."""

    id: str
    version: int
    display_name: str
    members: tuple[Member, ...] = ()
    managers: tuple[Member, ...] = ()
    hidden_fields: tuple[str, ...] = ()
    claim_limits: ClaimLimits = field(default_factory=ClaimLimits)
    fallback: bool = False
    region: str = ""
    created: int = 0
    updated: int = 0


@dataclass(frozen=True, slots=True)
class HoldingLimit:
    """What one rep, each of a team, or each with a role may hold (customers)."""

    member: Member
    limit: int


@dataclass(frozen=True, slots=True)
class Limits:
    """A tenant's limits: they count on every way to a holding."""

    version: int = 0
    claim_limits: ClaimLimits = field(default_factory=ClaimLimits)
    holding_limit: int = 0
    holding_limits: tuple[HoldingLimit, ...] = ()
    tier_weights: Mapping[str, int] = field(default_factory=dict)
    deals_exempt: bool = False
    updated: int = 0


def bounded(limits: ClaimLimits) -> ClaimLimits:
    """Return limits within the contract's bounds, which older records and plugins do not know.

    A wait added to an instant then never leaves the calendar.
    """
    bounds = {"min_interval": _LONGEST, "embargo": _LONGEST, "cool_down_days": _MOST_DAYS}
    return ClaimLimits(
        **{
            one.name: min(getattr(limits, one.name), bounds.get(one.name, MOST))
            for one in fields(limits)
        }
    )


def strictest(*limits: ClaimLimits) -> ClaimLimits:
    """Return the narrower of each count, and the longer of each wait."""
    return ClaimLimits(
        per_day=_narrowest([one.per_day for one in limits]),
        per_week=_narrowest([one.per_week for one in limits]),
        total=_narrowest([one.total for one in limits]),
        min_interval=max(one.min_interval for one in limits),
        cool_down_days=max(one.cool_down_days for one in limits),
        embargo=max(one.embargo for one in limits),
    )


def of_policy(limits: PolicyLimits) -> ClaimLimits:
    """Return what a plugin's claim policy sets; a limit of 0 from a policy lets nobody claim.

    The store's 0 means no limit, so such a one becomes the claim rule's business: -1 is never
    reached from below and always exceeded.
    """
    return bounded(
        ClaimLimits(
            per_day=_of_count(limits.per_day),
            per_week=_of_count(limits.per_week),
            total=_of_count(limits.total),
            min_interval=(limits.min_interval_minutes or 0) * 60_000_000,
            cool_down_days=limits.cool_down_days or 0,
            embargo=(limits.embargo_hours or 0) * 3_600_000_000,
        )
    )


def _of_count(count: int | None) -> int:
    if count is None:
        return 0
    return count or -1


def _narrowest(counts: list[int]) -> int:
    given = [count for count in counts if count]
    return min(given, default=0)
