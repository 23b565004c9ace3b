"""What a decision rests on: custody, set-up, policy and time, read at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from datetime import date

    from gonghai_engine import TenantPolicy
    from gonghai_engine.calendar import Calendar
    from gonghai_pool.custody import Custody
    from gonghai_pool.tenant_setup import TenantSetup


_KEPT_DAYS: Final = 8
"""How long single claims are kept for counting: a week, and the day on which it began."""
_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class LocalDay:
    """A day of the tenant's zone, and the week (from Monday) that it lies in (instants)."""

    start: int
    end: int
    week_start: int
    week_end: int
    keep_from: int


@lru_cache(maxsize=4096)
def local_day(calendar: Calendar, day: date) -> LocalDay:
    """Return a day with its week."""
    start = calendar.midnight(day)
    monday = calendar.midnight_after(start, -day.weekday())
    return LocalDay(
        start,
        calendar.midnight_after(start, 1),
        monday,
        calendar.midnight_after(monday, _WEEK),
        calendar.midnight_after(start, -_KEPT_DAYS),
    )


@dataclass(frozen=True, slots=True)
class Ground:
    """A tenant's set-up and policy at a moment.

    Attributes:
        stamp: mark of the policy's revision; scripts compare it, as they do the set-up's.
        now: domain time of the moment (instant).
        today: the local day of the moment: day counts are right until it ends.
    """

    tenant: str
    setup: TenantSetup
    policy: TenantPolicy
    stamp: bytes
    now: int
    today: LocalDay

    @property
    def calendar(self) -> Calendar:
        """The tenant's days."""
        return self.policy.calendar

    @property
    def midnight(self) -> int:
        """The next local midnight (instant)."""
        return self.today.end

    def days_since(self, instant: int) -> int:
        """How many local midnights have passed since."""
        if instant >= self.today.start:
            return 0
        return self.calendar.days_between(instant, self.now)

    def args(self, *, dated: bool = True) -> dict[str, Any]:
        """What the include `ground` compares; `dated` also that the day has not ended."""
        return {
            "setup": self.setup.mark,
            "policy": self.stamp,
            "valid_before": self.midnight if dated else None,
        }


@dataclass(frozen=True, slots=True)
class Situation:
    """One customer on that ground.

    Attributes:
        custody: None for a customer that nothing is known of.
        seen: the record as it was read, b"" for none; scripts compare it.
    """

    ground: Ground
    customer: str
    custody: Custody | None
    seen: bytes


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change: a principal, and the person for whom he calls."""

    principal: str
    on_behalf_of: str = ""


SYSTEM = Actor("system:pool")
"""What happens by itself."""
ARCHIVE = Actor("system:archive")
"""What follows from a change in the archive."""
