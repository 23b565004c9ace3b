"""The reps of a tenant as routing sees them: kept in memory, moved along with every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from gonghai_assignment import availability
from gonghai_assignment.reps import NO_LOAD, Load
from gonghai_assignment.store.routing import Turns
from gonghai_engine.matching import Candidate, CandidateTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gonghai_assignment.regions import Region
    from gonghai_assignment.reps import Rep
    from gonghai_assignment.store.routing import LoadsChange
    from gonghai_assignment.store.staff import RosterRecords, StaffStore
    from gonghai_assignment.teams import Team

HUNDREDTH = 10
"""Thousandths of a customer in a hundredth, which the engine counts by."""

_ROOMY = 10_000
"""Room (hundredths) of a rep without a limit, beyond twice the largest load: he is never full, and
still has a share of his room in use that can be compared with others'."""

_ROUND = 1_000_000
"""A turn of a rep with room for one customer."""


@dataclass(slots=True)
class Sight:
    """Reps as candidates, for as long as the same of them are there.

    Attributes:
        table: what the engine scores.
        obstacles: what keeps a rep from being given customers, of those whom something keeps.
        start: first instant for which it holds (µs).
        end: first instant for which it does not (µs); None: for ever.
    """

    table: CandidateTable
    obstacles: Mapping[str, str]
    start: int
    end: int | None


class Roster:
    """Regions, teams, reps and loads of a tenant, as of one version of each."""

    def __init__(self, found: RosterRecords) -> None:
        """Take what was read."""
        self.regions: Mapping[str, Region] = {
            region.path: region for region in found.regions.values()
        }
        self.teams: Mapping[str, Team] = found.teams
        self.reps: Mapping[str, Rep] = found.reps
        self.version = found.version
        self.loads_version = found.loads_version
        self.policy = found.policy
        self.turn_clock = found.turn_clock
        self._turns = found.turns
        self._full = found.full
        self._loads = found.loads
        self._sight: Sight | None = None
        self._zone = ""
        self._unlimited = [
            index for index, rep in enumerate(self.reps.values()) if not rep.capacity
        ]

    def load(self, rep: str) -> Load:
        """What a rep looks after."""
        return self._loads.get(rep, NO_LOAD)

    def full_for(self, weight: int) -> frozenset[str]:
        """The reps whom pool found full for this weight (thousandths) or a lesser one."""
        return frozenset(rep for rep, refused in self._full.items() if weight >= refused)

    def sight(self, now: int, zone: str) -> Sight:
        """The reps as candidates at an instant."""
        sight = self._sight
        if (
            sight is None
            or zone != self._zone
            or now < sight.start
            or (sight.end is not None and now >= sight.end)
        ):
            sight = self._sight = self._look(now, zone)
            self._zone = zone
            self._make_room(sight.table)
        return sight

    def learn(self, change: LoadsChange) -> bool:
        """Take in what a step did to loads.

        Returns:
            False when steps are missing in between: read anew.
        """
        if change.version == self.loads_version and not change.changed:
            return True
        if change.version != self.loads_version + 1:
            return False
        self.loads_version = change.version
        for rep, load in change.changed.items():
            if load.confirmed < self.load(rep).confirmed:
                self._full.pop(rep, None)
        self._loads.update(change.changed)
        if self._sight is not None:
            table = self._sight.table
            for rep, load in change.changed.items():
                if rep in table.place:
                    table.load[table.place[rep]] = load.weight // HUNDREDTH
            self._make_room(table)
        return True

    def turns(self, rep: str | None) -> Turns:
        """Where the round stands once this rep had his turn; None: nobody's in particular.

        Who was away does not make up for it: his turn counts from where the round is.
        """
        if rep is None:
            return Turns(clock=self.turn_clock, turn=self.turn_clock)
        clock = max(self._turns.get(rep, 0), self.turn_clock)
        room = self.reps[rep].capacity or _ROOMY // 100
        return Turns(clock=clock, turn=clock + _ROUND // room)

    def filled(self, rep: str, weight: int) -> None:
        """Note that pool found a rep full for a weight (thousandths)."""
        self._full[rep] = weight

    def turned(self, rep: str, turns: Turns) -> None:
        """Note that a rep had his turn."""
        self._turns[rep] = turns.turn
        self.turn_clock = turns.clock
        if self._sight is not None:
            table = self._sight.table
            table.turn[table.place[rep]] = turns.turn
            table.turn.clip(min=turns.clock, out=table.turn)

    def _look(self, now: int, zone: str) -> Sight:
        zone_info = ZoneInfo(zone)
        start, end = availability.window(self.reps.values(), now, zone_info)
        obstacles = {
            rep.id: why
            for rep in self.reps.values()
            if (why := availability.obstacle(rep, now, zone_info)) is not None
        }
        candidates = [
            Candidate(
                rep=rep.id,
                team=rep.team or "",
                seniority=rep.seniority_points,
                skills=frozenset(rep.skills),
                regions=frozenset(rep.regions),
                product_lines=frozenset(rep.product_lines),
                languages=frozenset(rep.languages),
                performance=rep.performance_points,
                load=self.load(rep.id).weight // HUNDREDTH,
                capacity=rep.capacity * 100,
                available=rep.id not in obstacles,
                turn=max(self._turns.get(rep.id, 0), self.turn_clock),
            )
            for rep in self.reps.values()
        ]
        return Sight(CandidateTable(candidates), obstacles, start, end)

    def _make_room(self, table: CandidateTable) -> None:
        if self._unlimited:
            table.capacity[self._unlimited] = 2 * int(table.load.max()) + _ROOMY


class Rosters:
    """The rosters that this process has in memory."""

    def __init__(self, staff: StaffStore) -> None:
        """Take where they are read from."""
        self._staff = staff
        self._known: dict[str, Roster] = {}

    async def get(self, tenant: str, *, deadline: float | None = None) -> Roster:
        """Return a tenant's roster, as of a version that may be old: the step compares."""
        roster = self._known.get(tenant)
        if roster is None:
            roster = Roster(await self._staff.roster(tenant, deadline=deadline))
            self._known[tenant] = roster
        return roster

    async def read(self, tenant: str, *, deadline: float | None = None) -> Roster:
        """Return a tenant's roster as it is now, apart from the one in memory."""
        return Roster(await self._staff.roster(tenant, deadline=deadline))

    def learn(self, tenant: str, change: LoadsChange) -> None:
        """Take in what a step of this process did to a tenant's loads."""
        roster = self._known.get(tenant)
        if roster is not None and not roster.learn(change):
            del self._known[tenant]

    def filled(self, tenant: str, rep: str, weight: int) -> None:
        """Take in that pool found a rep full for a weight."""
        roster = self._known.get(tenant)
        if roster is not None:
            roster.filled(rep, weight)

    def turned(self, tenant: str, rep: str, turns: Turns) -> None:
        """Take in that a rep had his turn."""
        roster = self._known.get(tenant)
        if roster is not None and rep in roster.reps:
            roster.turned(rep, turns)

    def forget(self, tenant: str) -> None:
        """Read a tenant's roster anew the next time."""
        self._known.pop(tenant, None)
