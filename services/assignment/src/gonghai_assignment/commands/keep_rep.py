"""Making and changing reps (C1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gonghai_assignment.store.staff import REP
from gonghai_chassis.errors import FieldViolation, InvalidRequest

if TYPE_CHECKING:
    from gonghai_assignment.reps import Rep
    from gonghai_assignment.store.staff import RosterRecords, StaffStore


@dataclass(frozen=True, slots=True)
class KeepRep:
    """Makes and changes reps."""

    store: StaffStore

    async def create(self, rep: Rep, *, request: tuple[str, str], deadline: float | None) -> Rep:
        """Make a rep.

        Raises:
            InvalidRequest: his team or a region of his does not exist.
            AlreadyExists: there is one of this id.
        """
        roster = await self.store.roster(rep.tenant, deadline=deadline)
        _check(rep, roster)
        new = replace(rep, version=1, created=roster.now, updated=roster.now)
        return await self.store.keep(REP, new, expected=None, request=request, deadline=deadline)

    async def update(
        self, before: Rep, after: Rep, *, request: tuple[str, str], deadline: float | None
    ) -> Rep:
        """Change a rep.

        Raises:
            InvalidRequest: his team or a region of his does not exist.
            VersionsMoved: he has changed since `before` was read.
        """
        roster = await self.store.roster(before.tenant, deadline=deadline)
        _check(after, roster)
        new = replace(after, version=before.version + 1, created=before.created, updated=roster.now)
        return await self.store.keep(
            REP, new, expected=before.version, request=request, deadline=deadline
        )


def _check(rep: Rep, roster: RosterRecords) -> None:
    """A rep in a region or team that nobody made would never be found by either."""
    violations = []
    if rep.team is not None and rep.team not in roster.teams:
        violations.append(FieldViolation("rep.team", f"there is no team {rep.team}; make it first"))
    paths = {region.path for region in roster.regions.values()}
    for index, path in enumerate(rep.regions):
        if path not in paths:
            violations.append(
                FieldViolation(f"rep.regions[{index}]", f"there is no region of the path {path}")
            )
    if violations:
        raise InvalidRequest(*violations)
