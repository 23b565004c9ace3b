"""What assignment keeps of a customer: what archive and pool said, and how it was routed last."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ORDINARY_WEIGHT = 1000
"""What a customer counts whose weight pool did not say, in thousandths."""


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """What archive said of a customer.

    Attributes:
        version: of archive's record; 0 when nothing is known.
        industry: decides the plugin.
        region: path.
        tier: value level.
        rank: of the tier, 0 to 100.
        stage: life-cycle stage.
        group: group of companies, or "".
        facts: what policies read, by name.
    """

    version: int = 0
    industry: str = ""
    region: str = ""
    tier: str = ""
    rank: int = 0
    stage: str = ""
    group: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


class CustodyState(StrEnum):
    """Where a customer is, as pool said."""

    POOL = "pool"
    HELD = "held"
    RESERVED = "reserved"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class Custody:
    """What pool said of a customer.

    Attributes:
        version: of pool's record.
        term: grows when state, pool or holder change, and with nothing else.
        state: where it is.
        pool: id of the pool it is in, or came from.
        rep: id of the rep who holds it, if one does.
        team: id of the team that holds it, if one does.
        weight: what it counts, in thousandths.
        former_owner: id of the rep who held it last.
        former_owner_time: when he lost it (µs).
        archive_version: version of archive's record that pool had heard of.
        blocked: locked or disputed, not to be assigned.
    """

    version: int
    state: CustodyState
    term: int = 0
    pool: str = ""
    rep: str | None = None
    team: str | None = None
    weight: int = ORDINARY_WEIGHT
    former_owner: str | None = None
    former_owner_time: int | None = None
    archive_version: int = 0
    blocked: bool = False

    @property
    def open(self) -> bool:
        """Whether it may be assigned."""
        return self.state is CustodyState.POOL and not self.blocked


class Outcome(StrEnum):
    """What became of a routing."""

    PENDING = "pending"
    """Chosen; pool is being told."""
    ASSIGNED = "assigned"
    """Pool agreed."""
    OVERTAKEN = "overtaken"
    """Somebody else had it first, or it left the pool, or is left there by the policy of now."""
    REFUSED = "refused"
    """Pool did not agree."""
    PARKED = "parked"
    """Nobody was eligible."""


@dataclass(frozen=True, slots=True)
class Routing:
    """The last routing of a customer.

    Attributes:
        term: of the custody, that it was decided on.
        outcome: what became of it.
        rep: id of the rep chosen.
        team: id of the team chosen.
        channel: the self-service channel chosen.
        weight: what it counts on its way.
        seq: number of its intent.
        intent: id of its intent, the request id for pool.
        tried: reps that pool refused for want of room.
        request: request id and fingerprint of the call that asked for it, if a call did.
        reason: why nobody got it, in English: by it one tells whether anything is new about who is
            parked. Readers are told the explanation's, in both languages.
        at: when (µs).
        since: since when it is parked (µs).
        assigned_term: the term that the assignment made, once pool agreed.
        detail: the explanation, packed.
    """

    term: int
    outcome: Outcome
    rep: str | None = None
    team: str | None = None
    channel: str | None = None
    weight: int = ORDINARY_WEIGHT
    seq: int = 0
    intent: str = ""
    tried: tuple[str, ...] = ()
    request: tuple[str, str] = ("", "")
    reason: str = ""
    at: int = 0
    since: int = 0
    assigned_term: int = 0
    detail: bytes = b""


@dataclass(frozen=True, slots=True)
class Entry:
    """All that routing a customer rests on, beside reps.

    Attributes:
        tenant: whose.
        customer: its id.
        custody: what pool said; None when it said nothing.
        facts: what archive said.
        routing: how it was routed last.
        group_holdings: how many customers of its group each rep holds.
        cool_downs: days by pool, of the tenant under "-".
        policy: stamp of the tenant's policy; None when it was not read.
    """

    tenant: str
    customer: str
    custody: Custody | None
    facts: CustomerFacts
    routing: Routing | None = None
    group_holdings: Mapping[str, int] = field(default_factory=dict)
    cool_downs: Mapping[str, int] = field(default_factory=dict)
    policy: bytes | None = None

    @property
    def group_owner(self) -> str | None:
        """The rep who holds most of its group's other companies; of equal ones the first by id."""
        held = [(-count, rep) for rep, count in self.group_holdings.items() if count > 0]
        return min(held)[1] if held else None
