"""Making and changing regions: the map is a tree, and a region stays where it was put."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gonghai_assignment.store.staff import REGION
from gonghai_chassis.errors import FieldViolation, InvalidRequest

if TYPE_CHECKING:
    from gonghai_assignment.regions import Region
    from gonghai_assignment.store.staff import StaffStore

_LONGEST_PATH = 200


@dataclass(frozen=True, slots=True)
class KeepRegion:
    """Makes and changes regions."""

    store: StaffStore

    async def create(
        self, region: Region, *, request: tuple[str, str], deadline: float | None
    ) -> Region:
        """Make a region.

        Raises:
            InvalidRequest: the region above it does not exist, or the path is too long.
            AlreadyExists: there is one of this id.
        """
        roster = await self.store.roster(region.tenant, deadline=deadline)
        path = region.id
        if region.parent is not None:
            above = roster.regions.get(region.parent)
            if above is None:
                raise InvalidRequest(
                    FieldViolation("region.parent_region", "does not exist; make it first")
                )
            path = f"{above.path}/{region.id}"
        if len(path) > _LONGEST_PATH:
            raise InvalidRequest(
                FieldViolation("region_id", f"its path {path} is longer than {_LONGEST_PATH}")
            )
        new = replace(region, path=path, version=1, created=roster.now, updated=roster.now)
        return await self.store.keep(REGION, new, expected=None, request=request, deadline=deadline)

    async def update(
        self,
        before: Region,
        after: Region,
        *,
        now: int,
        request: tuple[str, str],
        deadline: float | None,
    ) -> Region:
        """Change a region.

        Raises:
            InvalidRequest: it would lie elsewhere.
            VersionsMoved: it has changed since `before` was read.
        """
        if after.parent != before.parent:
            raise InvalidRequest(
                FieldViolation("region.parent_region", "cannot change once a region is made")
            )
        new = replace(
            after,
            path=before.path,
            version=before.version + 1,
            created=before.created,
            updated=now,
        )
        return await self.store.keep(
            REGION, new, expected=before.version, request=request, deadline=deadline
        )
