"""What a tenant has set up: pools, limits, reps, teams; and who may do what by it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gonghai_pool.custody import Holder, HolderKind
from gonghai_pool.pools import MILLI, Limits, Member, MemberKind, Pool

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gonghai_pool.staff import Rep, Team


@dataclass(frozen=True, slots=True)
class TenantSetup:
    """The set-up of a tenant at one moment.

    Attributes:
        mark: changes with every change of any part; scripts compare it.
    """

    tenant: str
    mark: str = ""
    limits: Limits = field(default_factory=Limits)
    pools: Mapping[str, Pool] = field(default_factory=dict)
    reps: Mapping[str, Rep] = field(default_factory=dict)
    teams: Mapping[str, Team] = field(default_factory=dict)

    @property
    def fallback(self) -> str:
        """Id of the pool that takes what fits nowhere; "" while there is none."""
        return next((pool.id for pool in self.pools.values() if pool.fallback), "")

    def admits(self, *wanted: str) -> str:
        """Return the first wanted pool that exists, else the fallback, else ""."""
        return next((pool for pool in wanted if pool in self.pools), self.fallback)

    def is_member(self, pool: Pool, rep: str) -> bool:
        """Whether a rep may see a pool and claim from it; who runs it may, too."""
        return self._among(pool.members, rep) or self.is_manager(pool, rep)

    def is_manager(self, pool: Pool, rep: str) -> bool:
        """Whether a rep runs a pool."""
        return self._among(pool.managers, rep)

    def manages_team(self, manager: str, team: str) -> bool:
        """Whether somebody manages a team."""
        known = self.teams.get(team)
        return known is not None and manager in known.managers

    def manages_rep(self, manager: str, rep: str) -> bool:
        """Whether somebody manages the team that a rep is in."""
        known = self.reps.get(rep)
        return known is not None and bool(known.team) and self.manages_team(manager, known.team)

    def manages_holder(self, manager: str, holder: Holder | None) -> bool:
        """Whether somebody is responsible for a holder."""
        if holder is None:
            return False
        if holder.kind is HolderKind.REP:
            return holder.id == manager or self.manages_rep(manager, holder.id)
        return holder.kind is HolderKind.TEAM and self.manages_team(manager, holder.id)

    def holding_limit(self, holder: Holder) -> int:
        """Return what a holder may hold (thousandths); 0 means no limit.

        A rep's own limit goes before his team's, and that before the one of a role (the widest of
        his roles); what is left is the tenant's.
        """
        if holder.kind is not HolderKind.REP:
            return 0
        rep = self.reps.get(holder.id)
        own = {(one.member.kind, one.member.id): one.limit for one in self.limits.holding_limits}
        found = own.get((MemberKind.REP, holder.id))
        if found is None and rep is not None:
            found = own.get((MemberKind.TEAM, rep.team))
            if found is None:
                of_roles = [
                    own[MemberKind.ROLE, role]
                    for role in rep.roles
                    if (MemberKind.ROLE, role) in own
                ]
                found = max(of_roles, default=None)
        return (self.limits.holding_limit if found is None else found) * MILLI

    def _among(self, members: Iterable[Member], rep: str) -> bool:
        known = self.reps.get(rep)
        team = known.team if known is not None else ""
        roles = known.roles if known is not None else ()
        for member in members:
            if member.kind is MemberKind.REP:
                found = member.id == rep
            elif member.kind is MemberKind.TEAM:
                found = member.id == team
            else:
                found = member.id in roles
            if found:
                return True
        return False
