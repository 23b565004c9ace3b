"""Regions, teams and reps in the store: one step makes or changes one, with its event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from gonghai_assignment.events import region_event, rep_event, team_event
from gonghai_assignment.regions import Region
from gonghai_assignment.reps import Leave, Load, Rep, RepState, WorkingHours
from gonghai_assignment.store import keys
from gonghai_assignment.teams import Team
from gonghai_chassis.errors import AlreadyExists, NotFound
from gonghai_chassis.names import RegionName, RepName, TeamName
from gonghai_chassis.store import Script, records
from gonghai_chassis.store.failures import VersionsMoved

if TYPE_CHECKING:
    from collections.abc import Callable

    from gonghai_chassis.store import Partition, Store

_KEEP = Script("gonghai_assignment.store", "keep")
_READ_ITEM = Script("gonghai_assignment.store", "read_item")
_READ_ROSTER = Script("gonghai_assignment.store", "read_roster")

_REGION = records.RecordType("region", schema=1)
_TEAM = records.RecordType("team", schema=1)
_REP = records.RecordType("rep", schema=1)

Item = TypeVar("Item", Region, Team, Rep)


@dataclass(frozen=True, slots=True)
class Kind(Generic[Item]):
    """What the store needs to know of one kind of thing that it keeps.

    Attributes:
        event: kind of its events.
        key: where a tenant's are.
        name: its resource name.
        pack: its record.
        unpack: what a record says.
        payload: its event.
    """

    event: str
    key: Callable[[Partition, str], str]
    name: Callable[[str, str], object]
    pack: Callable[[Item], bytes]
    unpack: Callable[[str, bytes], Item]
    payload: Callable[[Item], bytes]


@dataclass(frozen=True, slots=True)
class RosterRecords:
    """All regions, teams and reps of a tenant at one moment.

    Attributes:
        now: domain time (µs).
        regions: by id.
        teams: by id.
        reps: by id, in the order of ids.
        loads: of those reps that have any.
        version: how often regions, teams and reps were changed.
        loads_version: how often loads were changed.
        full: reps whom pool found full, with the least weight that it refused.
        turns: where in the round each rep is next, of those who had a turn.
        turn_clock: how far the round has come.
        policy: stamp of the tenant's policy.
    """

    now: int
    regions: dict[str, Region]
    teams: dict[str, Team]
    reps: dict[str, Rep]
    loads: dict[str, Load]
    version: int
    loads_version: int
    full: dict[str, int]
    turns: dict[str, int]
    turn_clock: int
    policy: bytes | None


class StaffStore:
    """Keeps regions, teams and reps."""

    def __init__(self, store: Store, policy_key: Callable[[Partition, str], str]) -> None:
        """Take the service's store, and where a tenant's policy stamp is."""
        self._store = store
        self._policy_key = policy_key

    async def get(
        self, kind: Kind[Item], tenant: str, item: str, *, deadline: float | None = None
    ) -> tuple[Item, Load]:
        """Return one thing; for a rep also what he looks after.

        Raises:
            NotFound: there is none of this id.
        """
        partition = self._store.partition(tenant)
        reply = await self._store.run(
            _READ_ITEM,
            partition,
            keys={"items": kind.key(partition, tenant), "loads": keys.loads(partition, tenant)},
            args={"id": item},
            deadline=deadline,
        )
        record = reply.fields.get("record")
        if not record:
            raise NotFound(kind.name(tenant, item))
        return kind.unpack(tenant, records.blob(record)), Load(*reply.fields["load"])

    async def keep(
        self,
        kind: Kind[Item],
        item: Item,
        *,
        expected: int | None,
        request: tuple[str, str],
        deadline: float | None,
    ) -> Item:
        """Make a thing (`expected` None) or change it from the version `expected`.

        Args:
            kind: what it is.
            item: what it shall be; its version is the new one.
            expected: the version it has now.
            request: request id and fingerprint of the call.
            deadline: in seconds of `time.monotonic`.

        Returns:
            What is stored; for a request that came before, what it stored then.

        Raises:
            AlreadyExists: there is one of this id.
            NotFound: there is none.
            VersionsMoved: it has another version by now.
        """
        tenant = item.tenant
        partition = self._store.partition(tenant)
        request_id, fingerprint = request
        reply = await self._store.run(
            _KEEP,
            partition,
            keys={
                "request": partition.request_key(tenant, request_id),
                "items": kind.key(partition, tenant),
                "roster": keys.roster(partition, tenant),
                "loads": keys.loads(partition, tenant),
                "tenants": keys.tenants(partition),
                "parked": keys.parked(partition, tenant),
                "due": keys.due_parked(partition),
            },
            args={
                "fingerprint": fingerprint,
                "tenant": tenant,
                "id": item.id,
                "kind": kind.event,
                "expected": expected,
                "version": item.version,
                "record": kind.pack(item),
                "event": kind.payload(item),
            },
            deadline=deadline,
        )
        match reply.status:
            case "exists":
                raise AlreadyExists(kind.name(tenant, item.id))
            case "missing":
                raise NotFound(kind.name(tenant, item.id))
            case "moved":
                raise VersionsMoved
            case _:
                pass
        return kind.unpack(tenant, records.blob(reply.fields["record"]))

    async def roster(self, tenant: str, *, deadline: float | None = None) -> RosterRecords:
        """Return all regions, teams and reps of a tenant at one moment."""
        partition = self._store.partition(tenant)
        reply = await self._store.run(
            _READ_ROSTER,
            partition,
            keys={
                "regions": keys.regions(partition, tenant),
                "teams": keys.teams(partition, tenant),
                "reps": keys.reps(partition, tenant),
                "roster": keys.roster(partition, tenant),
                "loads": keys.loads(partition, tenant),
                "policy": self._policy_key(partition, tenant),
            },
            args={},
            deadline=deadline,
        )
        fields = reply.fields
        policy = fields.get("policy")
        loads = records.sequence(fields["loads"])
        numbers = {field: int(value) for field, value in zip(loads[::2], loads[1::2], strict=True)}
        return RosterRecords(
            now=reply.now,
            regions=_by_id(REGION, tenant, fields["regions"]),
            teams=_by_id(TEAM, tenant, fields["teams"]),
            reps=_by_id(REP, tenant, fields["reps"]),
            loads=_loads(numbers),
            version=fields["version"],
            loads_version=numbers.get("version", 0),
            full=_of_reps(numbers, "full:"),
            turns=_of_reps(numbers, "turn:"),
            turn_clock=numbers.get("turn_clock", 0),
            policy=records.blob(policy) if policy else None,
        )


def _by_id(kind: Kind[Item], tenant: str, packed: Any) -> dict[str, Item]:  # noqa: ANN401 - as it came
    items = (kind.unpack(tenant, records.blob(each)) for each in records.sequence(packed))
    return {item.id: item for item in sorted(items, key=lambda item: item.id)}


def _of_reps(numbers: dict[str, int], prefix: str) -> dict[str, int]:
    return {
        field.removeprefix(prefix): number
        for field, number in numbers.items()
        if field.startswith(prefix)
    }


_LOAD = frozenset({"confirmed", "holdings", "pending", "coming"})


def _loads(numbers: dict[str, int]) -> dict[str, Load]:
    found: dict[str, dict[str, int]] = {}
    for field, value in numbers.items():
        what, _, rep = field.partition(":")
        if what in _LOAD:
            found.setdefault(rep, {})[what] = value
    return {rep: Load(**load) for rep, load in found.items()}


def _pack_region(region: Region) -> bytes:
    return _REGION.pack(
        {
            "id": region.id,
            "display_name": region.display_name,
            "parent": region.parent,
            "path": region.path,
            "facts": {
                name: list(fact) if isinstance(fact, tuple) else fact
                for name, fact in region.facts.items()
            },
            "version": region.version,
            "created": region.created,
            "updated": region.updated,
        }
    )


def _unpack_region(tenant: str, packed: bytes) -> Region:
    record = _REGION.unpack(packed)
    return Region(
        tenant=tenant,
        id=record["id"],
        display_name=record["display_name"],
        parent=record.get("parent"),
        path=record["path"],
        facts={
            name: tuple(fact) if isinstance(fact, list) else fact
            for name, fact in records.mapping(record["facts"]).items()
        },
        version=record["version"],
        created=record["created"],
        updated=record["updated"],
    )


def _pack_team(team: Team) -> bytes:
    return _TEAM.pack(
        {
            "id": team.id,
            "display_name": team.display_name,
            "managers": list(team.managers),
            "version": team.version,
            "created": team.created,
            "updated": team.updated,
        }
    )


def _unpack_team(tenant: str, packed: bytes) -> Team:
    record = _TEAM.unpack(packed)
    return Team(
        tenant=tenant,
        id=record["id"],
        display_name=record["display_name"],
        managers=tuple(records.sequence(record["managers"])),
        version=record["version"],
        created=record["created"],
        updated=record["updated"],
    )


_LISTS = ("regions", "skills", "product_lines", "languages", "roles")


def _pack_rep(rep: Rep) -> bytes:
    return _REP.pack(
        {
            "id": rep.id,
            "display_name": rep.display_name,
            "team": rep.team,
            **{name: list(getattr(rep, name)) for name in _LISTS},
            "seniority": rep.seniority,
            "performance": rep.performance,
            "capacity": rep.capacity,
            "hours": [[hours.day, hours.start, hours.end] for hours in rep.working_hours],
            "leaves": [
                {"start": leave.start, "end": leave.end, "reason": leave.reason}
                for leave in rep.leaves
            ],
            "state": int(rep.state),
            "version": rep.version,
            "created": rep.created,
            "updated": rep.updated,
        }
    )


def _unpack_rep(tenant: str, packed: bytes) -> Rep:
    record = _REP.unpack(packed)
    lists: dict[str, tuple[str, ...]] = {
        name: tuple(records.sequence(record[name])) for name in _LISTS
    }
    return Rep(
        tenant=tenant,
        id=record["id"],
        display_name=record["display_name"],
        team=record.get("team"),
        regions=lists["regions"],
        skills=lists["skills"],
        product_lines=lists["product_lines"],
        languages=lists["languages"],
        roles=lists["roles"],
        seniority=record["seniority"],
        performance=record["performance"],
        capacity=record["capacity"],
        working_hours=tuple(WorkingHours(*hours) for hours in records.sequence(record["hours"])),
        leaves=tuple(
            Leave(leave["start"], leave.get("end"), leave["reason"])
            for leave in records.sequence(record["leaves"])
        ),
        state=RepState(record["state"]),
        version=record["version"],
        created=record["created"],
        updated=record["updated"],
    )


REGION: Kind[Region] = Kind(
    "region_changed", keys.regions, RegionName, _pack_region, _unpack_region, region_event
)
TEAM: Kind[Team] = Kind("team_changed", keys.teams, TeamName, _pack_team, _unpack_team, team_event)
REP: Kind[Rep] = Kind("rep_changed", keys.reps, RepName, _pack_rep, _unpack_rep, rep_event)
