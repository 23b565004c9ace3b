"""Assignment's events: reps and teams, on which membership, claims and leave rest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gonghai.assignment.v1 import rep_pb2
from gonghai_chassis.events import Rebuild
from gonghai_chassis.instants import instant_of
from gonghai_pool.staff import Rep, RepState, Team

if TYPE_CHECKING:
    from gonghai_chassis.events import Event, SnapshotItem, Step
    from gonghai_chassis.store import Partition
    from gonghai_pool.store.setups import SetupStore

SOURCE: Final = "assignment"
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
        self._generation = ""
        self._told: set[tuple[str, str, str]] = set()

    async def apply(self, step: Step, event: Event) -> bool:
        """Take in one event."""
        return await self._keep(step, event.kind, event.tenant, event.payload, event.version)

    async def load(self, partition: Partition, generation: str, item: SnapshotItem) -> None:
        """Take in an item of a snapshot, whatever is known."""
        if generation != self._generation:
            self._generation = generation
            self._told.clear()
        self._told.add((item.kind, item.tenant, item.subject))
        rebuild = Rebuild(partition, SOURCE, generation)
        await self._keep(rebuild, item.kind, item.tenant, item.payload, item.version)

    async def finish_rebuild(self, partition: Partition, generation: str) -> None:
        """Keep everything: reps and teams are never deleted, they leave.

        One whom assignment does not know (it lost the tail of its store) stays as he was, since his
        leaves stop clocks; but its next word of him counts, whatever version that has.
        """
        told = self._told if generation == self._generation else set()
        rebuild = Rebuild(partition, SOURCE, generation)
        for tenant in await self._setups.tenants(partition):
            setup = await self._setups.current(tenant)
            for rep in setup.reps.values():
                if rep.version and (REP, tenant, rep.id) not in told:
                    await self._setups.keep_rep(
                        rebuild, tenant, replace(rep, version=0), scope=None
                    )
            for team in setup.teams.values():
                if team.version and (TEAM, tenant, team.id) not in told:
                    await self._setups.keep_team(rebuild, tenant, replace(team, version=0))
        self._told = set()

    async def checkpoint(self, partition: Partition, changes_through: int) -> None:
        """Nothing waits for assignment's watermark."""

    async def _keep(
        self, where: Step | Rebuild, kind: str, tenant: str, payload: bytes, version: int
    ) -> bool:
        if kind == TEAM:
            team = team_of(rep_pb2.Team.FromString(payload), version)
            await self._setups.keep_team(where, tenant, team)
            return True
        if kind != REP:
            return False
        rep = rep_of(rep_pb2.Rep.FromString(payload), version)
        known = (await self._setups.current(tenant)).reps.get(rep.id)
        newer = known is None or known.version < rep.version
        if not newer and not isinstance(where, Rebuild):
            return False
        # His leaves stop the clocks of what he holds.
        leaves_changed = rep.leaves != (known.leaves if known is not None else ())
        scope = f"rep:{rep.id}" if leaves_changed else None
        await self._setups.keep_rep(where, tenant, rep, scope=scope)
        return True


def team_of(message: rep_pb2.Team, version: int) -> Team:
    """Return what pool keeps of a team."""
    return Team(_id(message.name), version, tuple(_id(name) for name in message.managers))


def rep_of(message: rep_pb2.Rep, version: int) -> Rep:
    """Return what pool keeps of a rep."""
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
