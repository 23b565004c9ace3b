"""What rules decide, as a plugin declares it.

Where a whole number may be a setting or a fact, the engine puts the value in; what callers get
are the plain values of the same names in the engine.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias, Union

from gonghai_plugin.facts import Fact, Pick, Setting

if TYPE_CHECKING:
    from gonghai_plugin.texts import Text

Whole: TypeAlias = Union[int, Setting, Fact]  # noqa: UP007 - evaluated for the engine's resolver
"""A whole number, a setting, or a fact; a missing or negative one makes the decision fail."""

Name: TypeAlias = Union[str, Setting, Pick]  # noqa: UP007 - the same
"""A text, a setting, or what a table says for a fact."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A lifecycle stage (生命周期阶段)."""

    name: str
    label: Text


@dataclass(frozen=True, slots=True)
class Grade:
    """A step of a grid's axis: of value, or of potential."""

    name: str
    label: Text


@dataclass(frozen=True, slots=True)
class Tier:
    """A value level (客户分级).

    Ranks of all plugins share one scale: 0 to 100, a higher one is worth more.
    """

    name: str
    rank: int
    label: Text


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often to follow up, and by which channels, best first. 0 days: not planned.

    Channels are named as the fact ``activity_channel`` names them.
    """

    days: Whole
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Signal:
    """A sign that a customer may be lost: severity 1 (note) to 3 (act now)."""

    severity: int


@dataclass(frozen=True, slots=True)
class Admit:
    """The pool a customer without owner goes to; an empty name: the fallback, if there is one.

    With ``then``, it is there first: after so many days in which nobody took it, it goes on to the
    other pool, at the midnight at which the fact ``days_in_pool`` comes to ``after_days``. Given 0
    days it goes to the other one at once; given an empty name it stays.
    """

    pool: Name
    then: Name | None = None
    after_days: Whole | None = None


@dataclass(frozen=True, slots=True)
class Refuse:
    """A reason against a claim; ``until`` is the count of days after which it may no longer stand.

    None: unknown. The engine turns it into the local midnight that starts that day.
    """

    until_days: Whole | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What the store counts when somebody claims. None: the plugin sets no such limit."""

    per_day: Whole | None = None
    per_week: Whole | None = None
    total: Whole | None = None
    min_interval_minutes: Whole | None = None
    holding_limit: Whole | None = None
    """In whole customers of weight 100."""
    holding_weight: Whole = 100
    """What this customer counts for, in hundredths."""
    deals_exempt: bool = False
    """A customer with a closed deal does not count."""
    cool_down_days: Whole | None = None
    embargo_hours: Whole | None = None


class ClockUnit(StrEnum):
    """What a clock counts."""

    DAYS = "days"
    WORKING_DAYS = "working_days"
    HOURS = "hours"


class StartsFrom(StrEnum):
    """When a clock starts; never before custody began."""

    CUSTODY = "custody"
    LAST_FOLLOW_UP = "last_follow_up"
    LAST_ORDER = "last_order"
    LAST_OPPORTUNITY = "last_opportunity"
    LAST_DEAL = "last_deal"
    PROTECTION_END = "protection_end"


@dataclass(frozen=True, slots=True)
class Extends:
    """Each qualified activity of these kinds lets a clock run ``by`` longer (活动延期).

    ``by`` is in the clock's own unit; 0: it does not. An activity counts once, for the run of the
    clock in which it happened: what restarts the clock begins a run that has the whole of
    `Clock.extended_at_most` before it. One that was corrected counts no more. A kind that restarts
    the clock can't extend it.
    """

    kinds: tuple[str, ...]
    by: Whole


@dataclass(frozen=True, slots=True)
class Clock:
    """One reclaim clock (回收倒计时).

    It starts at ``starts_from`` and restarts at each qualified activity whose kind is in
    ``resets_on``; with ``ends_when_reset`` the first such activity ends it for good (a deadline for
    the first follow-up, say). Length 0 means that it does not run. Activities that ``extended_by``
    names make a run longer, up to ``extended_at_most``.
    """

    name: str
    length: Whole
    reason: Text
    unit: ClockUnit = ClockUnit.DAYS
    starts_from: StartsFrom = StartsFrom.CUSTODY
    resets_on: tuple[str, ...] = ()
    ends_when_reset: bool = False
    extended_by: tuple[Extends, ...] = ()
    extended_at_most: Whole = 0
    """How much longer activities may make one run altogether, in the clock's unit; 0: not at all.
    Days that somebody was granted come on top (`Plan.max_extension_days`)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a holding is taken back: the clocks, the notice, the grace, and where it goes then."""

    clocks: tuple[Clock, ...]
    warn_before_days: Whole = 3
    grace_days: Whole = 0
    target: Name = ""
    """The pool it goes to; empty: where the admission policy says."""
    protection_days: Whole = 0
    """No clock runs out in the first days of a custody (保护期)."""
    max_extension_days: Whole = 0
    """How many days may be granted to one custody altogether."""


@dataclass(frozen=True, slots=True)
class YearlySpan:
    """A span of each year, in the tenant's local time; it may run over the turn of the year."""

    start_month: Whole
    start_day: Whole
    end_month: Whole
    end_day: Whole
    start_hour: Whole = 0
    end_hour: Whole = 0
    """The span ends at this hour of the end day; 0: at the midnight that starts it."""


@dataclass(frozen=True, slots=True)
class FestivalSpan:
    """The days of a public holiday as the calendar has it, and some days around it.

    ``festival`` is one of new_year, spring_festival, tomb_sweeping, labour_day, dragon_boat,
    mid_autumn, national_day.
    """

    festival: str
    days_before: Whole = 0
    days_after: Whole = 0


@dataclass(frozen=True, slots=True)
class StopClock:
    """Spans in which no clock of the customer runs (停表)."""

    spans: tuple[YearlySpan | FestivalSpan, ...]


@dataclass(frozen=True, slots=True)
class Qualify:
    """Does an activity count, and for which clocks (None: all that its kind resets)."""

    counts: bool
    clocks: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """Approve a request for more time (同意延期).

    ``days`` None: as many as were asked for; else so many at the most. Where this leaves none, a
    manager decides.
    """

    days: Whole | None = None


@dataclass(frozen=True, slots=True)
class Deny:
    """Deny a request for more time (拒绝延期)."""


@dataclass(frozen=True, slots=True)
class Refer:
    """Leave a request for more time to a manager (转主管审批)."""


@dataclass(frozen=True, slots=True)
class Commission:
    """What is paid for an order, in hundredths of a percent of its amount (佣金, 万分比).

    Up to 10,000 each, which is the whole amount. The sponsor is the one at the time of the order; a
    customer without one has nobody to pay it to.
    """

    own_basis_points: Whole = 0
    """To the customer itself."""
    sponsor_basis_points: Whole = 0
    """To its sponsor (see `gonghai_plugin.upline.Upline`)."""


@dataclass(frozen=True, slots=True)
class Exclusive:
    """One customer at the most may have these values of these facts (独家, 撞单).

    A set stands for each of its members; where a fact is missing there is nothing to collide on.
    Without facts the customer is reported by itself.
    """

    by: tuple[Fact, ...] = ()
    """Texts and sets of texts."""
    inside: Fact | None = None
    """A set of everything in which the first of ``by`` lies, such as ``host.REGIONS`` beside
    ``host.REGION``: who has the larger one has what lies inside it, too."""


@dataclass(frozen=True, slots=True)
class Heir:
    """A customer that takes over from a sponsor that leaves (改挂).

    It takes over those of the second level that are as it is in each of these facts; without any,
    whoever there is. What has no value is like nothing.
    """

    of_the_same: tuple[Fact, ...] = ()
    """Texts, such as the region."""
    largest: Fact | None = None
    """A number: of several heirs the one with the largest goes first, among equals the smaller id;
    who has none comes last."""


class RegionMatch(StrEnum):
    """Must the rep cover the customer's region."""

    REQUIRED = "required"
    PREFERRED = "preferred"
    ANY = "any"


class Service(StrEnum):
    """Who serves the customer."""

    PERSON = "person"
    TEAM = "team"
    SELF_SERVICE = "self_service"


class Strategy(StrEnum):
    """How the rep is chosen among the eligible."""

    BEST_MATCH = "best_match"
    WEIGHTED_ROUND_ROBIN = "weighted_round_robin"
    LEAST_LOADED = "least_loaded"
    STICKY = "sticky"


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each term of the score counts; only their proportions matter."""

    value: Whole = 0
    """The customer's rank with the rep's performance."""
    need: Whole = 0
    """Preferred skills that the rep has."""
    ability: Whole = 0
    """The rep's seniority and performance."""
    region: Whole = 0
    stage: Whole = 0
    """The rep's skill in the customer's stage (a skill named ``stage:<name>``)."""
    load: Whole = 0
    """Free capacity."""
    relation: Whole = 0
    """Former owner, or owner of the group's other companies."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a customer asks of the rep who gets it."""

    weights: Weights = field(default_factory=Weights)
    required_skills: tuple[str, ...] = ()
    preferred_skills: tuple[str, ...] = ()
    min_seniority: Whole = 0
    region: RegionMatch = RegionMatch.PREFERRED
    auto_assign: bool = False
    service: Service = Service.PERSON
    strategy: Strategy = Strategy.BEST_MATCH
    exclude_former_owner: bool = False
    accept_within_minutes: Whole = 0
    """0: assigned at once, without an offer."""
