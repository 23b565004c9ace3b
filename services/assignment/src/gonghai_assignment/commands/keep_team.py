"""Making and changing teams."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gonghai_assignment.store.staff import TEAM

if TYPE_CHECKING:
    from gonghai_assignment.store.staff import StaffStore
    from gonghai_assignment.teams import Team


@dataclass(frozen=True, slots=True)
class KeepTeam:
    """Makes and changes teams. Managers may be reps who are yet to be made."""

    store: StaffStore

    async def create(
        self, team: Team, *, now: int, request: tuple[str, str], deadline: float | None
    ) -> Team:
        """Make a team.

        Raises:
            AlreadyExists: there is one of this id.
        """
        new = replace(team, version=1, created=now, updated=now)
        return await self.store.keep(TEAM, new, expected=None, request=request, deadline=deadline)

    async def update(
        self,
        before: Team,
        after: Team,
        *,
        now: int,
        request: tuple[str, str],
        deadline: float | None,
    ) -> Team:
        """Change a team.

        Raises:
            VersionsMoved: it has changed since `before` was read.
        """
        new = replace(after, version=before.version + 1, created=before.created, updated=now)
        return await self.store.keep(
            TEAM, new, expected=before.version, request=request, deadline=deadline
        )
