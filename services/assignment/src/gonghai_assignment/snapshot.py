"""The service's present state, for those who rebuild a projection of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai_assignment.store.staff import REGION, REP, TEAM
from gonghai_chassis.events import SnapshotItem

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from gonghai_assignment.store.projections import ProjectionStore
    from gonghai_assignment.store.staff import StaffStore
    from gonghai_chassis.store import Partition


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Reads regions (from the top down), teams and reps of each tenant."""

    staff: StaffStore
    projections: ProjectionStore

    async def __call__(
        self, partition: Partition, tenant: str | None
    ) -> AsyncGenerator[SnapshotItem, None]:
        """Yield each region, team and rep of a partition, or of one tenant in it."""
        tenants = [tenant] if tenant else await self.projections.tenants(partition)
        for one in tenants:
            roster = await self.staff.roster(one)
            for region in sorted(roster.regions.values(), key=lambda region: region.path):
                payload = REGION.payload(region)
                yield SnapshotItem(REGION.event, one, region.id, region.version, payload)
            for team in roster.teams.values():
                yield SnapshotItem(TEAM.event, one, team.id, team.version, TEAM.payload(team))
            for rep in roster.reps.values():
                yield SnapshotItem(REP.event, one, rep.id, rep.version, REP.payload(rep))
