"""Who may see how much of a customer (A16): in doubt, less."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gonghai_chassis.principals import Principal, Role
from gonghai_policy_service.hidden_fields import NOTHING_HIDDEN, HiddenFields

if TYPE_CHECKING:
    from collections.abc import Mapping

HELD, IN_POOL, RESERVED = "HELD", "IN_POOL", "RESERVED"
"""States of custody, as the contract names them."""

_SEES_ALL: Final = frozenset({Role.ADMIN, Role.INTEGRATOR, Role.SERVICE})


@dataclass(frozen=True, slots=True)
class Member:
    """A member or manager of a pool: a rep, everybody of a team, or everybody with a role."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Pool:
    """What the archive keeps of a pool.

    Attributes:
        version: of what pool told.
        members: who sees it and claims from it.
        managers: who runs it.
        hidden_fields: paths of a customer's fields that members cannot read.
    """

    version: int
    members: frozenset[Member]
    managers: frozenset[Member]
    hidden_fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rep:
    """What the archive keeps of a rep: his team's id, or "", and his roles."""

    version: int
    team: str
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class Team:
    """What the archive keeps of a team: the ids of the reps who manage it."""

    version: int
    managers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Custody:
    """What the archive keeps of a customer's custody.

    Attributes:
        version: the custody's.
        state: as the contract names it: `IN_POOL`, `HELD`, `RESERVED`, `OUT`.
        pool: id of the pool it is in, or came from; or "".
        owner: id of the rep who holds it, or "".
        team: id of the team that holds it, or "".
        collaborators: ids of further reps with access, each with when it ends (µs), 0 for never.
        doubtful: events of pool about it, or about its pool, are in quarantine.
    """

    version: int
    state: str
    pool: str = ""
    owner: str = ""
    team: str = ""
    collaborators: tuple[tuple[str, int], ...] = ()
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """What decides who sees what, as read together with the customers.

    Attributes:
        now: the moment it was read (µs, domain time).
        certain: whether custody is as the pool service has it, but for what is on its way.
        pools: by id; all of the tenant's where pool has not told of a customer's custody.
        reps: by id.
        teams: by id.
    """

    now: int
    certain: bool
    pools: Mapping[str, Pool] = field(default_factory=dict)
    reps: Mapping[str, Rep] = field(default_factory=dict)
    teams: Mapping[str, Team] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sight:
    """How much a caller may see of one customer.

    Attributes:
        sensitive: whether sensitive fields are shown; masked otherwise.
        owner: whether the owner is shown.
        hidden: further fields that are left out, and what tells them.
    """

    sensitive: bool
    owner: bool
    hidden: HiddenFields = NOTHING_HIDDEN


ALL: Final = Sight(sensitive=True, owner=True)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks.

    Attributes:
        rep: the id by which custody, teams and pools know him, or "".
        sees_all: nothing is hidden from him.
        manages: he has the role of a manager.
        partner: he sees his own customers and pools, and no others.
    """

    rep: str
    sees_all: bool
    manages: bool
    partner: bool

    @classmethod
    def of(cls, principal: Principal) -> Viewer:
        """Return how the archive sees a principal, or the person for whom it calls."""
        roles = principal.roles
        return cls(
            rep=principal.rep or "",
            sees_all=not roles.isdisjoint(_SEES_ALL),
            manages=Role.MANAGER in roles,
            partner=Role.PARTNER in roles
            and roles.isdisjoint({Role.REP, Role.MANAGER, Role.READER}),
        )


def sight(viewer: Viewer, custody: Custody | None, around: Neighbourhood) -> Sight:
    """Return how much a viewer may see of the customer whose custody this is."""
    if viewer.sees_all:
        return ALL
    if custody is not None and _certain(custody, around):
        if custody.state == HELD and (
            works_on(viewer, custody, around) or _manages(viewer, custody, around)
        ):
            return ALL
        pool = around.pools.get(custody.pool) if custody.state == IN_POOL else None
        if pool is not None and _belongs(viewer, pool.managers, around):
            return ALL
    return Sight(sensitive=False, owner=False, hidden=HiddenFields(_hidden(custody, around)))


def works_on(viewer: Viewer, custody: Custody, around: Neighbourhood) -> bool:
    """Say whether the viewer holds the customer, by himself or with his team, or helps who does."""
    if not viewer.rep or custody.state != HELD:
        return False
    if custody.owner == viewer.rep:
        return True
    me = around.reps.get(viewer.rep)
    if custody.team and me is not None and me.team == custody.team:
        return True
    return any(
        rep == viewer.rep and (not until or around.now < until)
        for rep, until in custody.collaborators
    )


def may_know(viewer: Viewer, custody: Custody | None, around: Neighbourhood) -> bool:
    """Say whether the viewer may know that the customer exists."""
    if not viewer.partner:
        return True
    if custody is None or not _certain(custody, around):
        return False
    if works_on(viewer, custody, around):
        return True
    pool = around.pools.get(custody.pool) if custody.state == IN_POOL else None
    return pool is not None and _belongs(viewer, pool.members | pool.managers, around)


def in_doubt(custody: Custody | None, around: Neighbourhood) -> bool:
    """Say whether a customer's custody may be otherwise than is known here."""
    return custody is None or not _certain(custody, around)


def just_made(custody: Custody | None) -> bool:
    """Say whether pool has not told yet whose a new customer is, or only that a place is kept."""
    return custody is None or (custody.state == RESERVED and not custody.pool)


def may_record(
    viewer: Viewer,
    made_for: str,
    custody: Custody | None,
    around: Neighbourhood,
    *,
    order: bool,
) -> bool:
    """Say whether the viewer may record that something happened with a customer.

    Who works on it or manages who does records everything; the members of the pool that it lies in
    record everything but orders. Where pool is in doubt its last word counts: what is recorded
    shows nobody anything, and a pool service that is away keeps no rep from his notes.

    Args:
        viewer: who records.
        made_for: the rep for whom the customer was made, or "".
        custody: as pool told of it last.
        around: what decides who works on it.
        order: whether it is a purchase or a return, which counts for whoever holds the customer.
    """
    if viewer.sees_all:
        return True
    if custody is None or just_made(custody):
        # Just made: pool will tell in a moment. Orders are for him whose place it takes; a note
        # gives nobody anything, and who may write the next one is known by then.
        return not order or (bool(viewer.rep) and viewer.rep == made_for)
    if custody.state == HELD:
        return works_on(viewer, custody, around) or _manages(viewer, custody, around)
    pool = around.pools.get(custody.pool) if custody.state == IN_POOL else None
    if pool is None:
        return False
    return _belongs(viewer, pool.managers if order else pool.members | pool.managers, around)


def in_pool_of(viewer: Viewer, custody: Custody | None, around: Neighbourhood) -> bool:
    """Say whether a customer lies in no pool, or in one that the viewer is a member of or runs."""
    if viewer.sees_all or custody is None or custody.state != IN_POOL:
        return True
    pool = around.pools.get(custody.pool)
    return pool is not None and _belongs(viewer, pool.members | pool.managers, around)


def manages_rep(viewer: Viewer, rep: str, around: Neighbourhood) -> bool:
    """Say whether the viewer manages the team of a rep."""
    known = around.reps.get(rep)
    team = around.teams.get(known.team) if known is not None else None
    return viewer.manages and team is not None and viewer.rep in team.managers


def _certain(custody: Custody, around: Neighbourhood) -> bool:
    return around.certain and not custody.doubtful


def _manages(viewer: Viewer, custody: Custody, around: Neighbourhood) -> bool:
    if custody.owner:
        return manages_rep(viewer, custody.owner, around)
    team = around.teams.get(custody.team)
    return viewer.manages and team is not None and viewer.rep in team.managers


def _belongs(viewer: Viewer, members: frozenset[Member], around: Neighbourhood) -> bool:
    if not viewer.rep:
        return False
    if Member("rep", viewer.rep) in members:
        return True
    me = around.reps.get(viewer.rep)
    if me is None:
        return False
    return Member("team", me.team) in members or any(
        Member("role", role) in members for role in me.roles
    )


def _hidden(custody: Custody | None, around: Neighbourhood) -> frozenset[str]:
    """What the pool hides that it lies in or came from; what any pool does while that is open.

    A pool's members go on seeing as little once somebody else has the customer: else a claim, or a
    moment's reservation, would show them what the pool keeps from them.
    """
    if custody is not None and _certain(custody, around):
        pool = around.pools.get(custody.pool)
        return pool.hidden_fields if pool is not None else frozenset()
    return frozenset().union(*(pool.hidden_fields for pool in around.pools.values()))
