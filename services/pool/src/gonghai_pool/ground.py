"""What a decision rests on: the custody, the set-up, the policy and the time, read at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gonghai_engine import TenantPolicy
    from gonghai_engine.calendar import Calendar
    from gonghai_pool.custody import Custody
    from gonghai_pool.tenant_setup import TenantSetup


@dataclass(frozen=True, slots=True)
class Ground:
    """A tenant's set-up and policy at a moment.

    Attributes:
        stamp: mark of the policy's revision; scripts compare it, as they do the set-up's.
        now: domain time of the moment (instant).
        midnight: the next local midnight (instant): day counts are right until then.
    """

    tenant: str
    setup: TenantSetup
    policy: TenantPolicy
    stamp: bytes
    now: int
    midnight: int

    @property
    def calendar(self) -> Calendar:
        """The tenant's days."""
        return self.policy.calendar

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
