"""Assignment's events: reps and teams, on which membership, claims and leave rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gonghai.assignment.v1 import rep_pb2
from gonghai_chassis.instants import instant_of
from gonghai_pool.staff import Rep, RepState, Team

if TYPE_CHECKING:
    from gonghai_chassis.events import Event, SnapshotItem, Step
    from gonghai_chassis.store import Partition
    from gonghai_pool.store.setups import SetupStore

REP: Final = "rep_changed"
TEAM: Final = "team_changed"

_POINTS: Final = 25
"""Points of seniority, 0 to 100, for each step of the contract's scale."""


class AssignmentProjection:
    """Keeps reps and teams, together with the move of the cursor."""

    kinds = frozenset({REP, TEAM})
    side_by_side: frozenset[str] = frozenset()

    def __init__(self, setups: SetupStore) -> None:
        """Take where they are kept."""
        self._setups = setups

    async def apply(self, step: Step, event: Event) -> bool:
        """Take in one event."""
        return await self._keep(step, event.kind, event.tenant, event.payload, event.version)

    async def load(self, partition: Partition, generation: str, item: SnapshotItem) -> None:  # noqa: ARG002
        """Take in an item of a snapshot, unless newer is known."""
        await self._keep(partition, item.kind, item.tenant, item.payload, item.version)

    async def finish_rebuild(self, partition: Partition, generation: str) -> None:
        """Keep everything: reps and teams are never deleted, they leave."""

    async def checkpoint(self, partition: Partition, changes_through: int) -> None:
        """Nothing waits for assignment's watermark."""

    async def _keep(
        self, where: Step | Partition, kind: str, tenant: str, payload: bytes, version: int
    ) -> bool:
        if kind == TEAM:
            team = rep_pb2.Team.FromString(payload)
            managers = tuple(_id(name) for name in team.managers)
            await self._setups.keep_team(where, tenant, Team(_id(team.name), version, managers))
            return True
        if kind != REP:
            return False
        rep = _rep(rep_pb2.Rep.FromString(payload), version)
        known = (await self._setups.current(tenant)).reps.get(rep.id)
        if known is not None and known.version >= rep.version:
            return False
        # His leaves stop the clocks of what he holds.
        leaves_changed = rep.leaves != (known.leaves if known is not None else ())
        scope = f"rep:{rep.id}" if leaves_changed else None
        await self._setups.keep_rep(where, tenant, rep, scope=scope)
        return True


def _rep(message: rep_pb2.Rep, version: int) -> Rep:
    return Rep(
        id=_id(message.name),
        version=version,
        team=_id(message.team),
        roles=tuple(message.roles),
        state=RepState(message.state or RepState.ACTIVE),
        seniority=int(message.seniority) * _POINTS,
        skills=tuple(message.skills),
        regions=tuple(message.regions),
        leaves=tuple(
            (
                instant_of(leave.start_time),
                instant_of(leave.end_time) if leave.HasField("end_time") else 0,
            )
            for leave in message.leaves
        ),
    )


def _id(name: str) -> str:
    """The id in a resource name, or "" from ""."""
    return name.rpartition("/")[2]
