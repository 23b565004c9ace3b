"""Which reps, teams and routings a caller may see or change, beyond what the door checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gonghai_chassis.errors import NotAllowed, NotFound
from gonghai_chassis.principals import Reach, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gonghai_assignment.customers import Custody
    from gonghai_assignment.reps import Rep
    from gonghai_assignment.teams import Team
    from gonghai_chassis.context import RequestContext

_WHOLE = frozenset({Role.ADMIN, Role.INTEGRATOR, Role.SERVICE})

OWN_FIELDS = frozenset({"leaves", "working_hours", "languages"})
"""What a rep may say of himself; the rest his manager says."""


def manages(context: RequestContext, team: Team | None) -> bool:
    """Whether the caller manages a team."""
    return (
        team is not None
        and Role.MANAGER in context.principal.roles
        and context.principal.rep in team.managers
    )


def sees_whole(context: RequestContext, rep: Rep, teams: Mapping[str, Team]) -> bool:
    """Whether the caller sees what is between a rep and his manager: leave, load, performance."""
    return (
        bool(_WHOLE & context.principal.roles)
        or context.principal.rep == rep.id
        or manages(context, teams.get(rep.team or ""))
    )


def check_sees(context: RequestContext, rep: Rep) -> None:
    """Check that the caller may know a rep at all.

    Raises:
        NotFound: he may see himself only, and this is somebody else.
    """
    if context.reach is Reach.OWN and context.principal.rep != rep.id:
        raise NotFound(f"tenants/{rep.tenant}/reps/{rep.id}")


def check_manages(context: RequestContext, team: Team | None) -> None:
    """Check that a caller who reaches as far as his teams manages this one.

    Raises:
        NotAllowed: he does not.
    """
    if context.reach is Reach.TEAM and not manages(context, team):
        raise NotAllowed(context.method, "this is for the managers of the team")


def check_changes(
    context: RequestContext, before: Rep, teams: Mapping[str, Team], changed: Iterable[str]
) -> None:
    """Check that the caller may change these fields of a rep.

    Raises:
        NotAllowed: they are not his to change.
    """
    if context.reach >= Reach.TENANT:
        return
    if manages(context, teams.get(before.team or "")):
        return
    if context.principal.rep == before.id and OWN_FIELDS.issuperset(changed):
        return
    fields = ", ".join(sorted(OWN_FIELDS))
    raise NotAllowed(
        context.method, f"you may change {fields} of yourself, and more of the teams you manage"
    )


def may_know(context: RequestContext, reps: Mapping[str, Rep], custody: Custody | None) -> bool:
    """Whether the caller may be told of a customer: a partner of what he or his team holds.

    Who is in which pool is not known here, so that of customers in his pools he learns from pool.
    """
    if context.principal.roles != {Role.PARTNER}:
        return True
    own = reps.get(context.principal.rep or "")
    if own is None or custody is None:
        return False
    return custody.rep == own.id or (custody.team is not None and custody.team == own.team)


def reps_seen(
    context: RequestContext, reps: Mapping[str, Rep], teams: Mapping[str, Team]
) -> frozenset[str] | None:
    """The reps of whom the caller may know which customers are theirs; None: all.

    By his roles and not by his reach: a reader reaches the whole tenant and sees no owner in it, so
    being one widens nobody's sight.
    """
    roles = context.principal.roles
    if _WHOLE & roles:
        return None
    if roles <= {Role.READER}:
        return frozenset()
    return frozenset(
        rep.id
        for rep in reps.values()
        if rep.id == context.principal.rep or manages(context, teams.get(rep.team or ""))
    )


def reps_within(
    context: RequestContext, reps: Mapping[str, Rep], teams: Mapping[str, Team]
) -> frozenset[str] | None:
    """The reps that the caller's reach covers; None: all."""
    if context.reach >= Reach.TENANT:
        return None
    if context.reach is Reach.TEAM:
        return frozenset(
            rep.id
            for rep in reps.values()
            if manages(context, teams.get(rep.team or "")) or rep.id == context.principal.rep
        )
    return frozenset({context.principal.rep or ""})
