"""Who may see the owner of a customer, and act for whom: what the door's table cannot know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai_chassis.access import TABLE
from gonghai_chassis.errors import NotAllowed, NotFound
from gonghai_chassis.principals import Reach, Role
from gonghai_policy_service.hidden_fields import NOTHING_HIDDEN, Concealment, HiddenFields
from gonghai_pool.custody import Holder, HolderKind, State
from gonghai_pool.policies import industry_of

if TYPE_CHECKING:
    from gonghai_chassis.context import RequestContext
    from gonghai_chassis.names import CustomerName
    from gonghai_pool.custody import Custody
    from gonghai_pool.ground import Ground
    from gonghai_pool.pools import Pool
    from gonghai_pool.tenant_setup import TenantSetup


@dataclass(frozen=True, slots=True)
class Viewer:
    """The caller, as far as customers and reps are concerned.

    Attributes:
        reach: how far his grant for this method goes. What being a reader adds to it is left out
            for who is something else, too: reading widely shows nobody's owner.
        rep: the rep that he is; "" for none.
        masked: he reads without ever seeing owners.
        partner: he may know of his own holdings and of what is in his pools, and of nothing else.
    """

    method: str
    reach: Reach
    rep: str
    masked: bool
    language: str = "en"
    partner: bool = False

    @classmethod
    def of(cls, context: RequestContext) -> Viewer:
        """The caller of this call."""
        principal = context.principal
        others = principal.roles - {Role.READER}
        rule = TABLE.get(context.method)
        mixed = rule is not None and bool(others) and others != principal.roles
        return cls(
            method=context.method,
            reach=rule.reach(others) if rule is not None and mixed else context.reach,
            rep=principal.rep or "",
            masked=not others,
            language=context.language,
            partner=principal.roles == {Role.PARTNER},
        )

    def may_know(self, setup: TenantSetup, custody: Custody, now: int) -> bool:
        """Whether he may know that a customer exists: a partner only of his own, and his pools'."""
        if not self.partner:
            return True
        if not self.rep:
            return False
        if custody.works_on(self.rep, now) or self._in_team(setup, custody.holder):
            return True
        pool = setup.pools.get(custody.pool) if custody.state is State.IN_POOL else None
        return pool is not None and setup.is_member(pool, self.rep)

    def require_known(
        self, setup: TenantSetup, name: CustomerName, custody: Custody | None, now: int
    ) -> Custody:
        """Return a custody that there is, and that he may know of.

        Raises:
            NotFound: there is none, or not for him.
        """
        if custody is None or not self.may_know(setup, custody, now):
            raise NotFound(name)
        return custody

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

    def concealed(self, ground: Ground, custody: Custody) -> Concealment:
        """Return what he is not told of a customer, as the archive does not tell him.

        It is what the pool hides that the customer lies in or came from; nothing to who works on
        it, manages who does, or runs the pool that it lies in.
        """
        hidden = NOTHING_HIDDEN
        if not self._sees_all(ground.setup, custody, ground.now):
            pool = ground.setup.pools.get(custody.pool)
            if pool is not None:
                hidden = HiddenFields(frozenset(pool.hidden_fields))
        return Concealment(hidden, ground.policy.industry(industry_of(custody)))

    def sees_pool(self, setup: TenantSetup, pool: Pool) -> bool:
        """Whether he may know of a pool: who is neither a member nor its manager may not."""
        if self.reach >= Reach.TENANT:
            return True
        return bool(self.rep) and setup.is_member(pool, self.rep)

    def require_holdings(self, setup: TenantSetup, holder: Holder | None) -> None:
        """Check that he may know what somebody holds (None: all that anybody holds).

        Who never sees owners may see all holdings without them, but not the ones of somebody.

        Raises:
            NotAllowed: it is none of his business.
        """
        own = holder is not None and bool(self.rep) and holder == Holder.rep(self.rep)
        if own or (self.reach >= Reach.TENANT and not (self.masked and holder is not None)):
            return
        if self.masked:
            raise NotAllowed(self.method, "you read without seeing who holds what")
        if holder is None:
            raise NotAllowed(self.method, "name the rep or team whose holdings you want to see")
        if holder.kind is HolderKind.REP:
            self.require_rep(setup, holder.id)
        elif not self._in_team(setup, holder) and not setup.manages_team(self.rep, holder.id):
            raise NotAllowed(self.method, "you may look at the teams that you are in or manage")

    def require_rep(self, setup: TenantSetup, rep: str) -> None:
        """Check that he may act for, or look at, a rep.

        What stands in a rep's way tells what he held: who never sees owners may ask for himself.

        Raises:
            NotAllowed: he is somebody else, and does not manage him.
        """
        if self.rep and self.rep == rep:
            return
        if self.masked:
            raise NotAllowed(self.method, "you read without seeing who holds or held what")
        if self.reach >= Reach.TENANT:
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

    def _sees_all(self, setup: TenantSetup, custody: Custody, now: int) -> bool:
        if self.reach >= Reach.TENANT and not self.masked:
            return True
        if not self.rep:
            return False
        if custody.state is State.IN_POOL:
            return self._runs(setup, custody.pool)
        return custody.state is State.HELD and (
            custody.works_on(self.rep, now)
            or self._in_team(setup, custody.holder)
            or (self.reach is Reach.TEAM and setup.manages_holder(self.rep, custody.holder))
        )

    def _in_team(self, setup: TenantSetup, holder: Holder | None) -> bool:
        rep = setup.reps.get(self.rep)
        return (
            rep is not None
            and holder is not None
            and holder.kind is HolderKind.TEAM
            and rep.team == holder.id
        )

    def _runs(self, setup: TenantSetup, pool: str) -> bool:
        known = setup.pools.get(pool)
        return known is not None and bool(self.rep) and setup.is_manager(known, self.rep)
