"""The policies a plugin can give, each a small declaration over tables of rules."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias, Union

from gonghai_plugin.facts import Area

if TYPE_CHECKING:
    from gonghai_plugin.facts import Fact
    from gonghai_plugin.outcomes import (
        Admit,
        Cadence,
        Commission,
        Deny,
        Exclusive,
        Grade,
        Grant,
        Heir,
        Limits,
        Need,
        Plan,
        Qualify,
        Refer,
        Refuse,
        Signal,
        Stage,
        StopClock,
        Tier,
    )
    from gonghai_plugin.rules import AllHits, FirstHit


class Policy(StrEnum):
    """The name of a kind of decision."""

    LIFECYCLE = "lifecycle"
    TIERING = "tiering"
    FOLLOW_UP = "follow_up"
    RISK = "risk"
    ADMISSION = "admission"
    CLAIM = "claim"
    RECLAIM = "reclaim"
    QUALIFICATION = "qualification"
    MATCHING = "matching"
    INCENTIVES = "incentives"
    COLLISIONS = "collisions"
    SUCCESSION = "succession"
    EXTENSION = "extension"


AREAS: Final = {
    Policy.LIFECYCLE: frozenset({Area.CUSTOMER}),
    Policy.TIERING: frozenset({Area.CUSTOMER}),
    Policy.FOLLOW_UP: frozenset({Area.CUSTOMER}),
    Policy.RISK: frozenset({Area.CUSTOMER}),
    Policy.ADMISSION: frozenset({Area.CUSTOMER}),
    Policy.CLAIM: frozenset({Area.CUSTOMER, Area.CUSTODY, Area.CLAIM}),
    Policy.RECLAIM: frozenset({Area.CUSTOMER, Area.CUSTODY}),
    Policy.QUALIFICATION: frozenset({Area.CUSTOMER, Area.ACTIVITY}),
    Policy.MATCHING: frozenset({Area.CUSTOMER}),
    Policy.INCENTIVES: frozenset({Area.CUSTOMER, Area.ACTIVITY}),
    Policy.COLLISIONS: frozenset({Area.CUSTOMER}),
    Policy.SUCCESSION: frozenset({Area.CUSTOMER}),
    Policy.EXTENSION: frozenset({Area.CUSTOMER, Area.CUSTODY, Area.CLAIM, Area.EXTENSION}),
}
"""Which given facts a policy's rules may name."""

OPTIONAL: Final = frozenset(
    {Policy.INCENTIVES, Policy.COLLISIONS, Policy.EXTENSION, Policy.SUCCESSION}
)
"""The policies that a plugin may say nothing of, or declare absent: then there is nothing of the
sort in its industry. The standard plugin, which decides what others declare absent, has none."""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Which stage a customer is in. Facts decided later (tier, stage) are not known yet."""

    policy: ClassVar = Policy.LIFECYCLE
    rules: FirstHit[Stage]


@dataclass(frozen=True, slots=True)
class Tiering:
    """What a customer is worth.

    With ``value`` and ``potential`` given, those tables are decided first, and the rules of the
    tier may name the facts ``value_grade`` and ``potential_grade``. ``lifetime_value`` is a fact in
    minor units that estimates what the customer will still bring, by the plugin's stated method.
    """

    policy: ClassVar = Policy.TIERING
    rules: FirstHit[Tier]
    value: FirstHit[Grade] | None = None
    potential: FirstHit[Grade] | None = None
    lifetime_value: Fact | None = None


@dataclass(frozen=True, slots=True)
class FollowUp:
    """How often to follow a customer up."""

    policy: ClassVar = Policy.FOLLOW_UP
    rules: FirstHit[Cadence]


@dataclass(frozen=True, slots=True)
class Risk:
    """Signs that a customer may be lost."""

    policy: ClassVar = Policy.RISK
    rules: AllHits[Signal]


@dataclass(frozen=True, slots=True)
class Admission:
    """Which pool a customer without owner goes to."""

    policy: ClassVar = Policy.ADMISSION
    rules: FirstHit[Admit]


@dataclass(frozen=True, slots=True)
class Claim:
    """May this rep take this customer, and within which limits."""

    policy: ClassVar = Policy.CLAIM
    refusals: AllHits[Refuse]
    limits: FirstHit[Limits]


@dataclass(frozen=True, slots=True)
class Reclaim:
    """When a holding is taken back, and when its clocks stand still."""

    policy: ClassVar = Policy.RECLAIM
    plans: FirstHit[Plan]
    stop_clocks: AllHits[StopClock]


@dataclass(frozen=True, slots=True)
class Qualification:
    """Which activities count for the clocks."""

    policy: ClassVar = Policy.QUALIFICATION
    rules: FirstHit[Qualify]


@dataclass(frozen=True, slots=True)
class Matching:
    """What a customer needs of the rep who gets it."""

    policy: ClassVar = Policy.MATCHING
    rules: FirstHit[Need]


@dataclass(frozen=True, slots=True)
class Incentives:
    """What is paid for an order: asked of each purchase, and of a return that names none.

    The facts are those of the order and of the customer whose it is, the order counted already.
    """

    policy: ClassVar = Policy.INCENTIVES
    rules: FirstHit[Commission]


@dataclass(frozen=True, slots=True)
class Collisions:
    """What must not be: two where one may stand, or one that stands against a rule by itself."""

    policy: ClassVar = Policy.COLLISIONS
    rules: AllHits[Exclusive]


@dataclass(frozen=True, slots=True)
class Succession:
    """Who takes over the second level of a sponsor that leaves: asked of each that has no sponsor.

    The facts are those of the one that may take over. A member goes to an heir by the first rule,
    where that has any for it, else to one by the next; for whom no rule has one is left without a
    sponsor.
    """

    policy: ClassVar = Policy.SUCCESSION
    rules: AllHits[Heir]


@dataclass(frozen=True, slots=True)
class Extension:
    """What becomes of a request for more time (延期申请): asked as the request is made.

    Without this policy, and where it fails, a manager decides. The facts of a claim are those of
    the rep who holds the customer.
    """

    policy: ClassVar = Policy.EXTENSION
    rules: FirstHit[Grant | Deny | Refer]


AnyPolicy: TypeAlias = Union[  # noqa: UP007 - also a runtime value
    Lifecycle,
    Tiering,
    FollowUp,
    Risk,
    Admission,
    Claim,
    Reclaim,
    Qualification,
    Matching,
    Incentives,
    Collisions,
    Succession,
    Extension,
]
