"""An audit: do records, indexes, quotas, history, events and due times agree with each other?

For tests that break things, and for operators who want to know. It reads a partition as it stands,
in many steps: on a store that is written to it may see a change in the middle.
`gonghai_chassis.upkeep.auditing` looks again at what it finds.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from gonghai.pool.v1 import custody_pb2, events_pb2
from gonghai_chassis.upkeep.auditing import Audited
from gonghai_pool.alterations import NO_DUE, clock_at, reservation_at
from gonghai_pool.custody import BESIDE, Change, ExtensionState, State
from gonghai_pool.store import keys
from gonghai_pool.store.custody_records import unpack_custody, unpack_entry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from gonghai_chassis.store import Partition, Store
    from gonghai_pool.custody import Custody, HistoryEntry

_FIRST: Final = 1
_AT_ONCE: Final = 500
_OF_A_POOL: Final = {
    "time": "by time",
    "rank": "by rank",
    "offered": "offered out of it",
    "coming": "to go on to it",
}
"""The lists that a pool has, and what an audit calls them."""


@dataclass(slots=True)
class _Told:
    """What the stream says of one customer, oldest first."""

    versions: list[int] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    holders: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Tenant:
    """Everything that the store has of one tenant."""

    name: str
    custodies: Mapping[str, Custody]
    histories: Mapping[str, list[HistoryEntry]]


async def audit(store: Store) -> list[str]:
    """Return what does not agree, a sentence each; an empty list is what one wants to see."""
    found: list[str] = []
    for partition in store.partitions:
        found += (await RecordsAudit(store)(partition)).findings
    return found


@dataclass(frozen=True, slots=True)
class RecordsAudit:
    """Audits pool's records."""

    store: Store

    async def __call__(self, partition: Partition) -> Audited:
        """Go once over a partition."""
        return await _Pass(self.store, partition).run()


class _Pass:
    """Goes over one partition."""

    def __init__(self, store: Store, partition: Partition) -> None:
        self._client: Any = store.client(partition)
        self._partition = partition
        self._found: list[str] = []
        self._records = 0

    async def run(self) -> Audited:
        members = await self._client.smembers(keys.tenants(self._partition))
        told = await self._events()
        due: dict[str, dict[str, int]] = {keys.CLOCK: {}, keys.RESERVATION: {}}
        for name in sorted(member.decode() for member in members):
            tenant = await self._read(name)
            self._records += len(tenant.custodies)
            await self._indexes(tenant)
            await self._quotas(tenant)
            for customer, custody in tenant.custodies.items():
                where = f"{name}/{customer}"
                self._history(where, custody, tenant.histories[customer])
                self._requests(where, custody)
                self._told(where, tenant.histories[customer], told.pop(where, _Told()))
                for kind, at in (
                    (keys.CLOCK, clock_at(custody)),
                    (keys.RESERVATION, reservation_at(custody)),
                ):
                    if at is not None:
                        due[kind][where] = at
        for where in told:
            self._found.append(f"{where}: events of a customer that has no record")
        for kind, expected in due.items():
            await self._same(f"due {kind}", self._partition.due_key(kind), expected)
        return Audited(self._found, self._records)

    async def _read(self, tenant: str) -> _Tenant:
        index = keys.index(self._partition, tenant)
        names = [name.decode() for name in await self._client.zrange(index["customers"], 0, -1)]
        custodies: dict[str, Custody] = {}
        histories: dict[str, list[HistoryEntry]] = {}
        for name in names:
            packed = await self._client.get(keys.custody(self._partition, tenant, name))
            if packed is None:
                self._found.append(f"{tenant}/{name}: listed, and has no record")
                continue
            custodies[name] = unpack_custody(packed)
            entries = await self._client.lrange(keys.history(self._partition, tenant, name), 0, -1)
            histories[name] = [unpack_entry(entry) for entry in entries]
        return _Tenant(tenant, custodies, histories)

    async def _indexes(self, tenant: _Tenant) -> None:
        index = keys.index(self._partition, tenant.name)
        pools = await self._client.hkeys(
            keys.setup_parts(self._partition, tenant.name)["pool_records"]
        )
        in_pool: dict[str, dict[str, dict[str, int]]] = {
            pool.decode(): {kept: {} for kept in _OF_A_POOL} for pool in pools
        }
        holdings: defaultdict[str, dict[str, int]] = defaultdict(dict)
        holdings["all"] = {}
        waiting: dict[str, int] = {}
        for name, custody in tenant.custodies.items():
            for pool, kept, at in _in_pools(custody):
                in_pool.setdefault(pool, {one: {} for one in _OF_A_POOL})[kept][name] = at
            if custody.state is State.HELD and custody.holder is not None:
                due = custody.plan.due_at if custody.plan is not None else None
                at = NO_DUE if due is None else due
                holdings[custody.holder.key][name] = at
                holdings["all"][name] = at
            if custody.waiting:
                waiting[name] = 0
        for entry in _holders(tenant):
            holdings.setdefault(entry, {})
        for pool, lists in in_pool.items():
            for kept, expected in lists.items():
                await self._same(
                    f"{tenant.name}: pool {pool}, {_OF_A_POOL[kept]}",
                    f"{index['in_pool']}:{pool}:{kept}",
                    expected,
                )
        for holder, expected in holdings.items():
            await self._same(
                f"{tenant.name}: holdings of {holder}", f"{index['holdings']}:{holder}", expected
            )
        await self._same(f"{tenant.name}: waiting", index["waiting"], waiting)

    async def _quotas(self, tenant: _Tenant) -> None:
        index = keys.index(self._partition, tenant.name)
        held: Counter[str] = Counter()
        weight: Counter[str] = Counter()
        claimed: Counter[str] = Counter()
        claims: defaultdict[str, set[str]] = defaultdict(set)
        for name, custody in tenant.custodies.items():
            if custody.counted is not None:
                weight[custody.counted.key] += custody.weight
            if custody.state is State.HELD and custody.holder is not None:
                held[custody.holder.key] += 1
            for entry in tenant.histories[name]:
                if entry.change is Change.CLAIMED and entry.holder is not None:
                    claimed[entry.holder.key] += 1
                    claims[entry.holder.key].add(f"{name}:{entry.version}")
        for holder in _holders(tenant) | held.keys() | weight.keys():
            stored = await self._client.hgetall(f"{index['quotas']}:{holder}")
            quota = {name.decode(): int(value) for name, value in stored.items()}
            for what, counted in (("holdings", held), ("weight", weight), ("claimed", claimed)):
                if quota.get(what, 0) != counted[holder]:
                    self._found.append(
                        f"{tenant.name}: {what} of {holder} is {quota.get(what, 0)} in the quota,"
                        f" and {counted[holder]} by the records"
                    )
            kept = await self._client.zrange(
                f"{keys.claims(self._partition, tenant.name)}:{holder}", 0, -1
            )
            strange = {member.decode() for member in kept} - claims[holder]
            if strange:
                self._found.append(f"{tenant.name}: claims of {holder} without history: {strange}")

    def _history(self, where: str, custody: Custody, entries: list[HistoryEntry]) -> None:
        versions = [entry.version for entry in entries]
        if versions != list(range(_FIRST, custody.version + 1)):
            self._found.append(
                f"{where}: version {custody.version}, and the history has {versions}"
            )
        for before, after in pairwise(entries):
            if after.former_holder != before.holder:
                self._found.append(
                    f"{where}: version {after.version} takes it from {after.former_holder},"
                    f" but {before.holder} had it"
                )
            if after.time < before.time or after.term < before.term:
                self._found.append(f"{where}: version {after.version} goes back in time or term")
        if entries:
            last = entries[-1]
            # How the custody came to be: a warning, say, left it as it was.
            came = [entry.change for entry in entries if entry.change not in BESIDE]
            said = (last.state, last.pool, last.holder, came[-1:], last.term, last.weight)
            counted = custody.weight
            known = (
                custody.state,
                custody.pool,
                custody.holder,
                [custody.change],
                custody.term,
                counted,
            )
            if said != known:
                self._found.append(f"{where}: the record says {known}, the history {said}")

    def _requests(self, where: str, custody: Custody) -> None:
        """Requests for more time: each once, one waits, and only what was approved gives days."""
        waiting = [one.id for one in custody.extensions if one.state is ExtensionState.PENDING]
        if len(waiting) > 1:
            self._found.append(f"{where}: {len(waiting)} requests for more time wait at a time")
        for ident, times in Counter(one.id for one in custody.extensions).items():
            if times > 1:
                self._found.append(f"{where}: {ident} is the id of {times} requests for more time")
        for one in custody.extensions:
            approved = one.state is ExtensionState.APPROVED
            if not (1 <= one.granted <= one.days if approved else one.granted == 0):
                self._found.append(
                    f"{where}: of {one.days} days asked for in {one.id} {one.granted} are granted,"
                    f" and it is {one.state.name.lower()}"
                )
            if (one.decided is None) is not (one.state is ExtensionState.PENDING):
                self._found.append(
                    f"{where}: {one.id} was decided at {one.decided}, and it is"
                    f" {one.state.name.lower()}"
                )

    def _told(self, where: str, entries: list[HistoryEntry], told: _Told) -> None:
        """The stream may have been trimmed: what it still has must be the tail of the history."""
        tail = entries[len(entries) - len(told.versions) :]
        history = (
            [entry.version for entry in tail],
            [entry.change.value for entry in tail],
            [entry.holder.key if entry.holder is not None else "" for entry in tail],
        )
        if history != (told.versions, told.changes, told.holders):
            self._found.append(
                f"{where}: the stream tells {told.versions} {told.changes} {told.holders},"
                f" the history {history}"
            )

    async def _events(self) -> dict[str, _Told]:
        found: defaultdict[str, _Told] = defaultdict(_Told)
        position = 0
        async for number, fields in self._entries():
            if position and number != position + 1:
                self._found.append(f"stream: {number} follows {position}")
            position = number
            if fields[b"kind"] != b"custody_changed":
                continue
            event = events_pb2.CustodyChanged.FromString(fields[b"payload"])
            told = found[f"{fields[b'tenant'].decode()}/{fields[b'subject'].decode()}"]
            told.versions.append(event.custody.version)
            told.changes.append(
                custody_pb2.CustodyChange.Name(event.change).removeprefix("CUSTODY_CHANGE_")
            )
            told.holders.append(_holder_key(event.custody.holder))
        stored = await self._client.hget(self._partition.keys.meta, "seq")
        if int(stored or 0) != position:
            self._found.append(f"stream: ends at {position}, and {stored} entries were counted")
        return dict(found)

    async def _entries(self) -> AsyncIterator[tuple[int, Mapping[bytes, bytes]]]:
        """The stream, some at a time: to read all of it at once would stop the store."""
        after = "-"
        while page := await self._client.xrange(self._partition.keys.stream, after, count=_AT_ONCE):
            for entry, fields in page:
                yield int(entry.decode().partition("-")[0]), fields
            after = f"({page[-1][0].decode()}"

    async def _same(self, what: str, key: str, expected: Mapping[str, int]) -> None:
        stored = {
            member.decode(): int(score)
            for member, score in await self._client.zrange(key, 0, -1, withscores=True)
        }
        for name in sorted(stored.keys() | expected.keys()):
            is_at, should = stored.get(name), expected.get(name)
            if is_at != should:
                self._found.append(f"{what}: {name} is at {is_at}, and {should} by its record")


def _in_pools(custody: Custody) -> Iterator[tuple[str, str, int]]:
    """In which lists of which pools a customer is, and where in each."""
    if custody.state is State.IN_POOL:
        rank = custody.facts.tier_rank if custody.facts is not None else 0
        yield custody.pool, "time", custody.entered or 0
        yield custody.pool, "rank", rank
    if custody.offered:
        yield custody.pool, "offered", reservation_at(custody) or 0
    if custody.onward is not None:
        yield custody.onward.pool, "coming", custody.onward.at


def _holders(tenant: _Tenant) -> set[str]:
    """Everybody who ever held something."""
    return {
        entry.holder.key
        for entries in tenant.histories.values()
        for entry in entries
        if entry.holder is not None
    }


def _holder_key(holder: custody_pb2.Holder) -> str:
    kind = holder.WhichOneof("kind")
    if kind is None:
        return ""
    return f"{kind}:{getattr(holder, kind).rpartition('/')[2]}"
