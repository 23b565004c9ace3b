"""What is decided, as callers get it: plain values, settings and facts put in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, Union

from gonghai_plugin.outcomes import ClockUnit, RegionMatch, Service, StartsFrom, Strategy

if TYPE_CHECKING:
    from gonghai_plugin.texts import Text

__all__ = [
    "Admission",
    "Cadence",
    "ClaimLimits",
    "ClaimVerdict",
    "Claimed",
    "Clock",
    "ClockUnit",
    "Collisions",
    "Commission",
    "Deny",
    "Extends",
    "FestivalSpan",
    "Grade",
    "Grant",
    "Heir",
    "Heirs",
    "Needs",
    "Outcome",
    "Qualification",
    "ReclaimPlan",
    "Refer",
    "Refusal",
    "RegionMatch",
    "RiskSignal",
    "RiskSignals",
    "Service",
    "Stage",
    "StartsFrom",
    "StopClock",
    "Strategy",
    "Tier",
    "Weights",
    "YearlySpan",
]


@dataclass(frozen=True, slots=True)
class Stage:
    """A lifecycle stage."""

    name: str
    label: Text


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade of value or of potential."""

    name: str
    label: Text


@dataclass(frozen=True, slots=True)
class Tier:
    """A value level; rank 0 to 100, higher is worth more.

    ``value`` and ``potential`` name grades, "" where the plugin has no grid. ``lifetime_value`` is
    in minor units, None where the plugin states no method or facts are missing.
    """

    name: str
    rank: int
    label: Text
    value: str = ""
    potential: str = ""
    lifetime_value: int | None = None


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often to follow up (0 days: not planned), and by which channels, best first."""

    days: int
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RiskSignal:
    """A sign that a customer may be lost; severity 1 (note) to 3 (act now)."""

    name: str
    severity: int
    reason: Text


@dataclass(frozen=True, slots=True)
class RiskSignals:
    """All signs, in the plugin's order."""

    signals: tuple[RiskSignal, ...]


@dataclass(frozen=True, slots=True)
class Admission:
    """The pool to go to; "" for the fallback, if there is one.

    After so many days in it the customer goes on to the pool ``then``; "" where it stays, and the
    days are 0 then.
    """

    pool: str
    then: str = ""
    after_days: int = 0

    @classmethod
    def by_stages(cls, pool: str, then: str | None, after_days: int | None) -> Admission:
        """Return what an admission to one pool, and to another after some days, comes to."""
        if not (pool and then) or after_days is None or then == pool:
            return cls(pool)
        return cls(pool, then, after_days) if after_days else cls(then)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule that stands in the way; ``until`` is the instant from which it may not, if known."""

    rule: str
    reason: Text
    until: int | None = None


@dataclass(frozen=True, slots=True)
class ClaimLimits:
    """What the store counts. None: the plugin sets no such limit.

    ``holding_limit`` is in whole customers, ``holding_weight`` in hundredths of one: the sum of the
    weights held must stay within a hundred times the limit.
    """

    per_day: int | None = None
    per_week: int | None = None
    total: int | None = None
    min_interval_minutes: int | None = None
    holding_limit: int | None = None
    holding_weight: int = 100
    deals_exempt: bool = False
    cool_down_days: int | None = None
    embargo_hours: int | None = None


@dataclass(frozen=True, slots=True)
class ClaimVerdict:
    """May the rep take the customer: every refusal, and the limits the store must count."""

    allowed: bool
    refusals: tuple[Refusal, ...]
    limits: ClaimLimits


@dataclass(frozen=True, slots=True)
class Extends:
    """What makes a clock longer; see `gonghai_plugin.outcomes.Extends`."""

    kinds: tuple[str, ...]
    by: int


@dataclass(frozen=True, slots=True)
class Clock:
    """A reclaim clock; see `gonghai_plugin.outcomes.Clock`."""

    name: str
    length: int
    reason: Text
    unit: ClockUnit = ClockUnit.DAYS
    starts_from: StartsFrom = StartsFrom.CUSTODY
    resets_on: tuple[str, ...] = ()
    ends_when_reset: bool = False
    extended_by: tuple[Extends, ...] = ()
    extended_at_most: int = 0


@dataclass(frozen=True, slots=True)
class YearlySpan:
    """A span of each year in the tenant's local time."""

    start_month: int
    start_day: int
    end_month: int
    end_day: int
    start_hour: int = 0
    end_hour: int = 0


@dataclass(frozen=True, slots=True)
class FestivalSpan:
    """The days of a public holiday, and some around it."""

    festival: str
    days_before: int = 0
    days_after: int = 0


@dataclass(frozen=True, slots=True)
class StopClock:
    """Spans in which the customer's clocks stand still, by the rule ``name``."""

    spans: tuple[YearlySpan | FestivalSpan, ...]
    name: str = ""
    reason: Text | None = None


@dataclass(frozen=True, slots=True)
class ReclaimPlan:
    """How a holding is taken back."""

    clocks: tuple[Clock, ...]
    warn_before_days: int = 3
    grace_days: int = 0
    target: str = ""
    protection_days: int = 0
    max_extension_days: int = 0
    stop_clocks: tuple[StopClock, ...] = ()


@dataclass(frozen=True, slots=True)
class Qualification:
    """Does an activity count, and for which clocks (None: all that its kind resets)."""

    counts: bool
    clocks: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each term of a score counts."""

    value: int = 0
    need: int = 0
    ability: int = 0
    region: int = 0
    stage: int = 0
    load: int = 0
    relation: int = 0


@dataclass(frozen=True, slots=True)
class Needs:
    """What a customer asks of the rep who gets it."""

    weights: Weights = field(default_factory=Weights)
    required_skills: tuple[str, ...] = ()
    preferred_skills: tuple[str, ...] = ()
    min_seniority: int = 0
    region: RegionMatch = RegionMatch.PREFERRED
    auto_assign: bool = False
    service: Service = Service.PERSON
    strategy: Strategy = Strategy.BEST_MATCH
    exclude_former_owner: bool = False
    accept_within_minutes: int = 0


@dataclass(frozen=True, slots=True)
class Commission:
    """What is paid for an order, in hundredths of a percent of its amount, up to all of it."""

    own_basis_points: int = 0
    sponsor_basis_points: int = 0


@dataclass(frozen=True, slots=True)
class Claimed:
    """Something that one customer at the most may have, by the rule ``rule``: its values.

    None at all: the customer is reported by itself. ``inside`` are larger ones in which it lies:
    nobody else may have one of these either.
    """

    rule: str
    values: tuple[str, ...]
    reason: Text
    inside: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Collisions:
    """All that a customer has of it; whether another has the same is for the caller to see."""

    claimed: tuple[Claimed, ...]


@dataclass(frozen=True, slots=True)
class Heir:
    """That a customer takes over from a sponsor that leaves, by the rule ``rule``.

    ``alike`` names the facts in which those whom it takes over are as it is, with the values; of
    several heirs by one rule the one with the largest ``largest`` goes first, None last.
    """

    rule: str
    alike: tuple[tuple[str, str], ...]
    largest: int | None
    reason: Text


@dataclass(frozen=True, slots=True)
class Heirs:
    """All ways in which a customer takes over; none: it does not."""

    ways: tuple[Heir, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """A request for more time is approved: with so many days at the most, None: as asked for."""

    days: int | None = None


@dataclass(frozen=True, slots=True)
class Deny:
    """A request for more time is denied."""


@dataclass(frozen=True, slots=True)
class Refer:
    """A request for more time is left to a manager."""


Outcome: TypeAlias = Union[  # noqa: UP007 - also a runtime value
    Stage,
    Tier,
    Cadence,
    RiskSignals,
    Admission,
    ClaimVerdict,
    ReclaimPlan,
    Qualification,
    Needs,
    Commission,
    Collisions,
    Heirs,
    Grant,
    Deny,
    Refer,
]
