"""Who may see the owner of a customer, and act for whom: what the door's table cannot know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai_chassis.errors import NotAllowed
from gonghai_chassis.principals import Reach, Role

if TYPE_CHECKING:
    from gonghai_chassis.context import RequestContext
    from gonghai_pool.custody import Custody, Holder
    from gonghai_pool.pools import Pool
    from gonghai_pool.tenant_setup import TenantSetup


@dataclass(frozen=True, slots=True)
class Viewer:
    """The caller, as far as customers and reps are concerned.

    Attributes:
        reach: how far his grant for this method goes.
        rep: the rep that he is; "" for none.
        masked: he reads without ever seeing owners.
    """

    method: str
    reach: Reach
    rep: str
    masked: bool
    language: str = "en"

    @classmethod
    def of(cls, context: RequestContext) -> Viewer:
        """The caller of this call."""
        principal = context.principal
        return cls(
            context.method,
            context.reach,
            principal.rep or "",
            principal.roles <= {Role.READER},
            context.language,
        )

    def sees_owner(self, setup: TenantSetup, custody: Custody, now: int) -> bool:
        """Whether he may know who holds or held a customer."""
        if self.masked:
            return False
        if self.reach >= Reach.TENANT:
            return True
        if not self.rep:
            return False
        if custody.works_on(self.rep, now):
            return True
        if custody.holder is None and custody.former_owner == self.rep:
            return True
        return self.reach is Reach.TEAM and (
            setup.manages_holder(self.rep, custody.counted) or self._runs(setup, custody.pool)
        )

    def sees_pool(self, setup: TenantSetup, pool: Pool) -> bool:
        """Whether he may know of a pool: who is neither a member nor its manager may not."""
        if self.reach >= Reach.TENANT:
            return True
        return bool(self.rep) and setup.is_member(pool, self.rep)

    def require_rep(self, setup: TenantSetup, rep: str) -> None:
        """Check that he may act for, or look at, a rep.

        Raises:
            NotAllowed: he is somebody else, and does not manage him.
        """
        if self.reach >= Reach.TENANT or (self.rep and self.rep == rep):
            return
        if self.reach is Reach.TEAM and setup.manages_rep(self.rep, rep):
            return
        raise NotAllowed(self.method, "you may do this for yourself, or for who is in your team")

    def require_holder(self, setup: TenantSetup, holder: Holder | None, pool: str) -> None:
        """Check that a holding is his to dispose of: as owner, as manager of the owner or the pool.

        Raises:
            NotAllowed: it is not.
        """
        if self.reach >= Reach.TENANT:
            return
        if self.rep and holder is not None and holder.key == f"rep:{self.rep}":
            return
        if self.reach is Reach.TEAM and (
            setup.manages_holder(self.rep, holder) or self._runs(setup, pool)
        ):
            return
        raise NotAllowed(self.method, "you may do this with what you or your team hold")

    def require_pool(self, setup: TenantSetup, pool: str) -> None:
        """Check that he runs a pool.

        Raises:
            NotAllowed: he does not.
        """
        if self.reach >= Reach.TENANT or self._runs(setup, pool):
            return
        raise NotAllowed(self.method, "you may do this in the pools that you manage")

    def _runs(self, setup: TenantSetup, pool: str) -> bool:
        known = setup.pools.get(pool)
        return known is not None and bool(self.rep) and setup.is_manager(known, self.rep)
