"""Reps (销售): what they can do, how much they can look after, and when they are there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class RepState(IntEnum):
    """Whether a rep works; numbered as in the contract."""

    ACTIVE = 1
    """Works, and may be given customers."""
    PAUSED = 2
    """Works, but shall not be given customers."""
    LEFT = 3
    """Has left: claims nothing, is given nothing."""


SENIORITY_POINTS = 25
"""Points of seniority (0 to 100, as rules count them) for each step of the contract's scale."""

PERFORMANCE_STEP = 10
"""Thousandths of the tenant's measure that make a point of performance (0 to 100)."""


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """A span of each week in which a rep works, in the tenant's zone.

    Attributes:
        day: 1 (Monday) to 7 (Sunday).
        start: minute of the day from which.
        end: minute of the day to which, exclusive.
    """

    day: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Leave:
    """A span in which a rep is away: from `start` on, before `end` (µs; None: until he says so)."""

    start: int
    end: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Rep:
    """A rep.

    Attributes:
        tenant: whose he is.
        id: his id, the subject by which he signs in.
        display_name: what people call him.
        team: id of his team, or None.
        regions: paths of the regions he works in, each with all below it.
        skills: names that policies use.
        product_lines: what he sells.
        languages: BCP 47 tags.
        seniority: step of the contract's scale: 0 not said, 1 junior to 4 key account.
        performance: 0 to 1000, as the tenant measures it.
        capacity: how much he can look after, in customers of ordinary weight; 0 means no limit.
        working_hours: when he works; empty means always.
        leaves: when he is away.
        roles: by which pools admit members.
        state: whether he works.
        version: grows by one with each change.
        created: when he was made (µs).
        updated: when he last changed (µs).
    """

    tenant: str
    id: str
    display_name: str
    team: str | None = None
    regions: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    product_lines: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    seniority: int = 0
    performance: int = 0
    capacity: int = 0
    working_hours: tuple[WorkingHours, ...] = ()
    leaves: tuple[Leave, ...] = ()
    roles: tuple[str, ...] = ()
    state: RepState = RepState.ACTIVE
    version: int = 1
    created: int = 0
    updated: int = 0

    @property
    def seniority_points(self) -> int:
        """His seniority as rules count it, 0 to 100."""
        return self.seniority * SENIORITY_POINTS

    @property
    def performance_points(self) -> int:
        """His performance as rules count it, 0 to 100."""
        return self.performance // PERFORMANCE_STEP


@dataclass(frozen=True, slots=True)
class Load:
    """What a rep looks after: weights in thousandths of an ordinary customer, and numbers.

    Attributes:
        confirmed: weight of what pool said that he holds.
        holdings: how many that is.
        pending: weight of what is on its way to him by our own choice.
        coming: how many that is.
    """

    confirmed: int = 0
    holdings: int = 0
    pending: int = 0
    coming: int = 0

    @property
    def weight(self) -> int:
        """Weight of what he holds or is about to."""
        return self.confirmed + self.pending


NO_LOAD = Load()
