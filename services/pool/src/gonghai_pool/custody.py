"""Custody (保有): who has a customer, since when, and when he will lose it. Plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any, Final

from gonghai_policy_service.reasons import NO_REASON

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gonghai_engine import Decision
    from gonghai_plugin import Text

FactValue = bool | int | str | tuple[str, ...] | frozenset[str] | None


class State(StrEnum):
    """Where a customer is; locked and disputed are flags beside it."""

    IN_POOL = "pool"
    HELD = "held"
    RESERVED = "reserved"
    OUT = "out"


class Change(StrEnum):
    """Why custody changed; the names are those of `pool.v1.CustodyChange`."""

    ADMITTED = "ADMITTED"
    SELF_SOURCED = "SELF_SOURCED"
    CLAIMED = "CLAIMED"
    ASSIGNED = "ASSIGNED"
    RELEASED = "RELEASED"
    RECLAIMED = "RECLAIMED"
    TRANSFERRED = "TRANSFERRED"
    HANDED_OVER = "HANDED_OVER"
    RESERVED = "RESERVED"
    RESERVATION_ENDED = "RESERVATION_ENDED"
    WITHDRAWN = "WITHDRAWN"
    MOVED = "MOVED"
    WARNED = "WARNED"
    RESCHEDULED = "RESCHEDULED"
    LOCK_CHANGED = "LOCK_CHANGED"
    DISPUTE_CHANGED = "DISPUTE_CHANGED"
    MERGED = "MERGED"
    REVERTED = "REVERTED"
    COLLABORATORS_CHANGED = "COLLABORATORS_CHANGED"
    EXTENSION_CHANGED = "EXTENSION_CHANGED"
    FROZEN_CHANGED = "FROZEN_CHANGED"


BESIDE: Final = frozenset(
    {
        Change.WARNED,
        Change.RESCHEDULED,
        Change.LOCK_CHANGED,
        Change.DISPUTE_CHANGED,
        Change.COLLABORATORS_CHANGED,
        Change.EXTENSION_CHANGED,
        Change.FROZEN_CHANGED,
    }
)
"""What leaves the custody as it is, and how it came to be."""


class OutCause(StrEnum):
    """Why a customer is out of circulation; the names are those of `pool.v1.OutCause`."""

    WAITING = "WAITING"
    DELETED = "DELETED"
    MERGED = "MERGED"
    WITHDRAWN = "WITHDRAWN"
    NEVER_CREATED = "NEVER_CREATED"
    ERASED = "ERASED"


class HolderKind(StrEnum):
    """Who can hold a customer."""

    REP = "rep"
    TEAM = "team"
    SELF_SERVICE = "self_service"


class Purpose(StrEnum):
    """What a reservation is for; the names are those of `pool.v1.ReservationPurpose`."""

    SELF_SOURCED = "SELF_SOURCED"
    OFFER = "OFFER"


class Way(StrEnum):
    """How a customer without an owner stands to what the admission policy says of pools."""

    ENTERED = "entered"
    """He is where he entered: in the first pool, or where he was put by hand or by a reclaim."""
    WENT_ON = "went_on"
    """His days in the first pool were over."""
    CHOSEN_ANEW = "chosen_anew"
    """The policy names a first pool to which he has not come yet: another one by now, or one that
    is missing, so that the fallback stands for it."""


@dataclass(frozen=True, slots=True)
class Onward:
    """Where a customer without an owner goes next, unless somebody takes him before.

    Attributes:
        pool: id of the pool.
        at: when (instant).
    """

    pool: str
    at: int


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a customer: a rep, a team, or the channel by which it serves itself."""

    kind: HolderKind
    id: str

    @property
    def key(self) -> str:
        """How indexes and quotas name him: `rep:wang`."""
        return f"{self.kind}:{self.id}"

    @classmethod
    def of_key(cls, key: str) -> Holder:
        """Read what `key` wrote."""
        kind, _, ident = key.partition(":")
        return cls(HolderKind(kind), ident)

    @classmethod
    def rep(cls, rep: str) -> Holder:
        """A rep as holder."""
        return cls(HolderKind.REP, rep)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the archive says of a customer.

    Attributes:
        version: version of the archive's record.
        at: when it was published (instant): day counts among the values are as of that day.
        region: path of the region.
        values: the facts that policies read, by name.
        revision: policy revision by which tier and stage were decided.
        admission_pool: pool that the admission policy chose; "" while it is owing.
        admission_then: pool that follows when nobody takes him; "" where he stays.
        admission_after_days: after how many days in the first one.
    """

    version: int
    at: int
    industry: str = ""
    region: str = ""
    tier: str = ""
    tier_rank: int = 0
    stage: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    group: str = ""
    revision: int = 0
    admission_pool: str = ""
    admission_rule: str = ""
    admission_reason: Text = NO_REASON
    admission_then: str = ""
    admission_after_days: int = 0
    created: int = 0


@dataclass(frozen=True, slots=True)
class Activity:
    """An activity since custody began, raw, and how the qualification policy judged it.

    Attributes:
        kind: as policies name it (`deal` is an opportunity that was won).
        at: when it happened (instant).
        rep: id of the rep who did it, or "".
        qualities: what else policies may read of it.
        corrects: id of the activity that this one corrects, or "".
        counts: whether it counts for the clocks.
        clocks: for which; None for all that its kind resets.
        revision: policy revision that judged.
    """

    id: str
    kind: str
    at: int
    rep: str = ""
    qualities: Mapping[str, Any] = field(default_factory=dict)
    corrects: str = ""
    counts: bool = True
    clocks: tuple[str, ...] | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Longer:
    """How activities make a clock longer, in words.

    Attributes:
        by: by how much one of some kinds does, and those kinds.
        at_most: up to how much altogether.
        already: how much they have since the clock started; None for nothing.
    """

    by: tuple[tuple[Text, tuple[str, ...]], ...]
    at_most: Text
    already: Text | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """All kinds of activity that do."""
        return tuple(kind for _, kinds in self.by for kind in kinds)


@dataclass(frozen=True, slots=True)
class RunningClock:
    """A clock that runs towards a reclaim (instants).

    Attributes:
        extended_days: days that were granted to it.
        longer: how activities make it longer; None where none does.
    """

    name: str
    start: int
    due: int
    length: Text
    reset_by: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    extended_days: int = 0
    longer: Longer | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """When a holding is warned of and taken back, and why.

    Attributes:
        decision: record of the reclaim policy's decision (`Decision.to_record`); {} while none.
        decided: the same as it was made, where this process made it; not stored.
        revision: policy revision by which it was decided.
        clocks: the clocks that run, the first to run out first.
        warned: for each clock when its last warning went out.
        action: what is to be done next: "warn", "reclaim" or "".
        at: when (instant).
        for_clocks: the clocks that this is for.
        target: pool where a reclaim puts it; "" where admission says.
        frozen_because: why nothing is reclaimed although a policy should say when; None if it
            does.
    """

    decision: Mapping[str, Any] = field(default_factory=dict)
    revision: int = 0
    clocks: tuple[RunningClock, ...] = ()
    warn_at: int | None = None
    due_at: int | None = None
    reclaim_at: int | None = None
    warned: Mapping[str, int] = field(default_factory=dict)
    action: str = ""
    at: int | None = None
    for_clocks: tuple[str, ...] = ()
    target: str = ""
    frozen_because: Text | None = None
    provisional: bool = False
    decided: Decision | None = field(default=None, compare=False, repr=False)

    @property
    def observable(self) -> tuple[object, ...]:
        """What a reader of the custody sees change: the ground for a RESCHEDULED event."""
        return (
            self.warn_at,
            self.due_at,
            self.reclaim_at,
            self.frozen_because is not None,
            tuple((clock.name, clock.due) for clock in self.clocks),
        )

    @property
    def warning_out(self) -> bool:
        """Whether the warning for the present due time went out."""
        return self.action == "reclaim"


@dataclass(frozen=True, slots=True)
class Reservation:
    """A place kept for a rep until a moment (instant)."""

    token: str
    rep: str
    expires: int
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class Collaborator:
    """Another rep with access (协作人); `expires` None means never."""

    rep: str
    role: str
    scope: tuple[str, ...] = ()
    expires: int | None = None


class ExtensionState(IntEnum):
    """How a request for more time stands; numbered as in the contract."""

    PENDING = 1
    APPROVED = 2
    DENIED = 3


@dataclass(frozen=True, slots=True)
class Extension:
    """A request for more time (延期申请), and what became of it (instants).

    Attributes:
        days: how many were asked for.
        rep: id of the rep who holds the customer.
        decided: when it was approved or denied; None while it waits.
        decider: who did: a principal, and the person for whom he called, or "".
        decision_reason: why, in a manager's words; a rule's are in its decision.
        granted: how many days were granted; 0 unless it was approved.
        decision: record of what the plugin's rule said (`Decision.to_record`); {} for nothing.
        waits_because: why no rule decided although one should have; None for nothing.
    """

    id: str
    state: ExtensionState
    days: int
    reason: str
    rep: str
    created: int
    decided: int | None = None
    decider: tuple[str, str] = ("", "")
    decision_reason: str = ""
    granted: int = 0
    decision: Mapping[str, Any] = field(default_factory=dict)
    waits_because: Text | None = None

    @property
    def version(self) -> int:
        """What its etag stands for: it changes once, when it is decided."""
        return 1 if self.state is ExtensionState.PENDING else 2


@dataclass(frozen=True, slots=True)
class Custody:
    """The one record of who has a customer.

    Attributes:
        version: grows by one with each change that the contract can show.
        term: grows by one whenever state, pool or holder change, and with nothing else.
        pool: where it is; when it is held, where it came from.
        since: since when state and holder are so (instant).
        entered: when it entered the pool it is in (instant): days in the pool count from it.
        freed: since when it has been without an owner, in whatever pool (instant): the embargo
            counts from it, so that going on to another pool does not begin it anew.
        way: how it stands to the admission policy.
        onward: where it goes next, and when; kept while it is reserved for an offer.
        lost: by rep, when he last lost it (instant): what the cool-down counts from.
        weight: what it counts against the holder's limit (thousandths), exactly as counted.
        dealt: whether it dealt with its holder since custody began.
        out_cause: why it is out of circulation; None when it is not.
        activities: those since custody began that are kept, the oldest first.
        passed: marks of those that were taken in and are not kept (see `activities`), by kind.
        extensions: the requests for more time since custody began, the first first; of denied ones
            the last.
        denied_before: how many denied ones there were before those.
        facts: what the archive says; None for a customer that the archive has not told of.
    """

    customer: str
    version: int
    state: State
    since: int
    change: Change
    term: int = 0
    pool: str = ""
    holder: Holder | None = None
    reason: Text = NO_REASON
    rule: str = ""
    clock: str = ""
    entered: int | None = None
    freed: int | None = None
    way: Way = Way.ENTERED
    onward: Onward | None = None
    former_owner: str = ""
    former_owner_at: int | None = None
    lost: Mapping[str, int] = field(default_factory=dict)
    times_claimed: int = 0
    times_reclaimed: int = 0
    self_sourced: bool = False
    locked: bool = False
    disputed: bool = False
    collaborators: tuple[Collaborator, ...] = ()
    weight: int = 0
    dealt: bool = False
    follow_ups: int = 0
    orders: int = 0
    out_cause: OutCause | None = None
    reservation: Reservation | None = None
    embargo_until: int | None = None
    facts: Facts | None = None
    activities: tuple[Activity, ...] = ()
    passed: Mapping[str, str] = field(default_factory=dict)
    plan: Plan | None = None
    extensions: tuple[Extension, ...] = ()
    denied_before: int = 0

    @property
    def waiting(self) -> bool:
        """Whether it is out of circulation only because no pool fits it."""
        return self.out_cause is OutCause.WAITING

    @property
    def counted(self) -> Holder | None:
        """Against whose limit it counts: the holder's, or the one's it is reserved for."""
        if self.state is State.HELD:
            return self.holder
        if self.state is State.RESERVED and self.reservation is not None:
            return Holder.rep(self.reservation.rep)
        return None

    @property
    def offered(self) -> bool:
        """Whether it is kept for somebody out of its pool, in whose books it stays."""
        kept = self.reservation
        return self.state is State.RESERVED and kept is not None and kept.purpose is Purpose.OFFER

    def works_on(self, rep: str, now: int) -> bool:
        """Whether a rep holds it or is a collaborator at this time."""
        if self.state is State.HELD and self.holder == Holder.rep(rep):
            return True
        return self.collaborates(rep, now)

    def collaborates(self, rep: str, now: int) -> bool:
        """Whether a rep is a collaborator at this time."""
        return any(
            other.rep == rep and (other.expires is None or other.expires > now)
            for other in self.collaborators
        )


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One entry of a customer's custody history (instants).

    Attributes:
        decision: record of the decision, where a rule decided on a request for more time.
    """

    version: int
    time: int
    change: Change
    state: State
    pool: str = ""
    holder: Holder | None = None
    former_holder: Holder | None = None
    principal: str = ""
    on_behalf_of: str = ""
    reason: Text = NO_REASON
    rule: str = ""
    clock: str = ""
    term: int = 0
    counted: str = ""
    weight: int = 0
    decision: Mapping[str, Any] = field(default_factory=dict)
