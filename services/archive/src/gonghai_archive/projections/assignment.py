"""What assignment tells: the teams of reps, and who manages them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gonghai.assignment.v1 import rep_pb2
from gonghai_archive.sight import Rep, Team
from gonghai_archive.store import keys
from gonghai_archive.store.neighbours import pack_rep, pack_team
from gonghai_chassis.events import Rebuild

if TYPE_CHECKING:
    from gonghai_archive.projections.resources import Resources
    from gonghai_chassis.events import Event, SnapshotItem, Step
    from gonghai_chassis.store import Partition

SOURCE: Final = "assignment"
KINDS: Final = ("rep_changed", "team_changed")


class AssignmentProjection:
    """Keeps reps and teams."""

    kinds = frozenset(KINDS)
    side_by_side: frozenset[str] = frozenset()

    def __init__(self, resources: Resources) -> None:
        """Keep them here."""
        self._resources = resources

    async def apply(self, step: Step, event: Event) -> bool:
        """Keep what an event says."""
        key, record = record_of(step.partition, event, "")
        await self._resources.follow(step, key, event.tenant, event.subject, event.version, record)
        return True

    async def load(self, partition: Partition, generation: str, item: SnapshotItem) -> None:
        """Keep what a snapshot says."""
        if item.kind in self.kinds:
            key, record = record_of(partition, item, generation)
            rebuild = Rebuild(partition, SOURCE, generation)
            await self._resources.load(rebuild, key, item.tenant, item.subject, record)

    async def finish_rebuild(self, partition: Partition, generation: str) -> None:
        """Forget what the snapshot did not have."""
        rebuild = Rebuild(partition, SOURCE, generation)
        for tenant in await self._resources.tenants(partition):
            for key in (keys.reps(partition, tenant), keys.teams(partition, tenant)):
                await self._resources.drop(rebuild, key)

    async def checkpoint(self, partition: Partition, changes_through: int) -> None:
        """Nothing waits for assignment's watermark."""


def record_of(p: Partition, told: Event | SnapshotItem, generation: str) -> tuple[str, bytes]:
    """Return where a rep or team is kept, and how."""
    if told.kind == "team_changed":
        team = rep_pb2.Team.FromString(told.payload)
        managers = frozenset(name.rpartition("/")[2] for name in team.managers)
        return keys.teams(p, told.tenant), pack_team(Team(told.version, managers), generation)
    rep = rep_pb2.Rep.FromString(told.payload)
    known = Rep(told.version, rep.team.rpartition("/")[2], frozenset(rep.roles))
    return keys.reps(p, told.tenant), pack_rep(known, generation)
