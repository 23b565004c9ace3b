"""What pool keeps of archive and assignment, beside what their snapshots would have it keep."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from gonghai.archive.v1 import events_pb2
from gonghai.assignment.v1 import rep_pb2
from gonghai_chassis.instants import instant_of
from gonghai_chassis.store import records
from gonghai_chassis.upkeep.comparison import Known, Sight, content
from gonghai_policy_service.kept_policies import KIND as POLICY
from gonghai_policy_service.kept_policies import kept_policies, policies_seen
from gonghai_pool.activities import counted, taken_in
from gonghai_pool.custody import State
from gonghai_pool.projections import archive, assignment
from gonghai_pool.store import keys
from gonghai_pool.store.custody_records import facts_record, unpack_custody
from gonghai_pool.store.setup_records import pack_rep, pack_team

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from gonghai_chassis.events import SnapshotItem
    from gonghai_chassis.store import Partition
    from gonghai_pool.custody import Custody, Facts
    from gonghai_pool.store.custodies import CustodyStore

_AT_ONCE: Final = 500
_SCAN: Final = 500
_KEPT: Final = Known(0, "kept")
_UNHEEDED: Final = Known(0, "what it corrects counts")

Page = tuple[str, str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class OfArchive:
    """Facts of customers, activities since custody began, and policies; for one comparison."""

    custodies: CustodyStore
    kinds: frozenset[str] = archive.ArchiveProjection.kinds
    _corrected: set[str] = field(default_factory=set, init=False)

    def subject(self, item: SnapshotItem) -> str:
        """Return the item's own; of an activity the customer and its id."""
        if item.kind != archive.ACTIVITY:
            return item.subject
        message = events_pb2.ActivityFacts.FromString(item.payload)
        return f"{item.subject}/{archive.activity_of(message).id}"

    async def look(
        self, partition: Partition, tenant: str, kind: str, items: Sequence[SnapshotItem]
    ) -> list[Sight]:
        """Return what a rebuild would store, and what is stored."""
        if kind == POLICY:
            return await policies_seen(self.custodies.store, partition, items)
        custodies = await self._read(partition, tenant, [item.subject for item in items])
        if kind == archive.CUSTOMER:
            return [
                Sight(_facts(_told(item)), _facts(custody.facts) if custody is not None else None)
                for item, custody in zip(items, custodies, strict=True)
            ]
        told = [events_pb2.ActivityFacts.FromString(item.payload) for item in items]
        self._corrected.update(archive.activity_of(message).corrects for message in told)
        return [
            self._activity(message, custody)
            for message, custody in zip(told, custodies, strict=True)
        ]

    def _activity(self, message: events_pb2.ActivityFacts, custody: Custody | None) -> Sight:
        """An activity is known to the holding in which it happened, what it corrects is taken back.

        What counts although it was corrected differs in its correction.
        """
        activity = archive.activity_of(message)
        if custody is None or custody.state is not State.HELD:
            return Sight(None, None)
        if activity.corrects and counted(custody, activity.corrects):
            return Sight(_KEPT, _UNHEEDED)
        if taken_in(custody, activity.id):
            return Sight(_KEPT, _KEPT)
        before = min(activity.at, instant_of(message.record_time)) < custody.since
        if before or activity.id in self._corrected:
            return Sight(None, None)
        return Sight(_KEPT, None)

    async def subjects(self, partition: Partition) -> AsyncGenerator[Page, None]:
        """Yield the customers of whom facts are kept, and the policies."""
        async for page in kept_policies(self.custodies.store, partition):
            yield page
        for tenant in await self.custodies.tenants(partition):
            after = ""
            while names := await self.custodies.customers(tenant, after, _AT_ONCE):
                custodies = await self._read(partition, tenant, names)
                yield (
                    archive.CUSTOMER,
                    tenant,
                    {
                        name: custody.facts.version
                        for name, custody in zip(names, custodies, strict=True)
                        if custody is not None and custody.facts is not None
                    },
                )
                after = names[-1]

    async def _read(
        self, partition: Partition, tenant: str, names: Sequence[str]
    ) -> list[Custody | None]:
        read = await self.custodies.store.read(
            partition, [keys.custody(partition, tenant, name) for name in names]
        )
        return [None if packed is None else unpack_custody(packed) for packed in read.values]


@dataclass(frozen=True, slots=True)
class OfAssignment:
    """Reps and teams."""

    custodies: CustodyStore
    kinds: frozenset[str] = assignment.AssignmentProjection.kinds

    def subject(self, item: SnapshotItem) -> str:
        """Return the item's own."""
        return item.subject

    async def look(
        self, partition: Partition, tenant: str, kind: str, items: Sequence[SnapshotItem]
    ) -> list[Sight]:
        """Return what a rebuild would store, and what is stored."""
        if kind == assignment.TEAM:
            part = "teams"
            told = [
                pack_team(assignment.team_of(rep_pb2.Team.FromString(item.payload), item.version))
                for item in items
            ]
        else:
            part = "reps"
            told = [
                pack_rep(assignment.rep_of(rep_pb2.Rep.FromString(item.payload), item.version))
                for item in items
            ]
        client: Any = self.custodies.store.client(partition)
        key = keys.setup_parts(partition, tenant)[part]
        stored = await client.hmget(key, [item.subject for item in items])
        return [Sight(_known(one), _known(other)) for one, other in zip(told, stored, strict=True)]

    async def subjects(self, partition: Partition) -> AsyncGenerator[Page, None]:
        """Yield everything that is kept, but for those whom assignment is known to have lost."""
        client: Any = self.custodies.store.client(partition)
        for tenant in await self.custodies.tenants(partition):
            parts = keys.setup_parts(partition, tenant)
            for kind, part in ((assignment.REP, "reps"), (assignment.TEAM, "teams")):
                async for name, packed in client.hscan_iter(parts[part], count=_SCAN):
                    version = records.mapping(records.unpack(packed))["version"]
                    if version:
                        yield kind, tenant, {name.decode(): version}


def _told(item: SnapshotItem) -> Facts:
    return archive.facts_of(events_pb2.CustomerFacts.FromString(item.payload), 0)


def _facts(facts: Facts | None) -> Known | None:
    """Facts as they are stored; when they came does not count."""
    if facts is None:
        return None
    record = records.unpack(records.pack(facts_record(replace(facts, at=0))))
    return Known(facts.version, content(record))


def _known(packed: bytes | None) -> Known | None:
    if packed is None:
        return None
    record = records.mapping(records.unpack(packed))
    return Known(record["version"], content(record))
