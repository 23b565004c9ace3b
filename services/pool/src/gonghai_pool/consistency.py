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
from gonghai_chassis.upkeep.listed import misplaced, names
from gonghai_pool.alterations import NO_DUE, clock_at, reservation_at
from gonghai_pool.custody import BESIDE, Change, ExtensionState, State
from gonghai_pool.store import keys
from gonghai_pool.store.custody_records import unpack_custody, unpack_entry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence

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
_ALL: Final = "all"
"""Beside the lists of holders the one of all that is held."""


@dataclass(slots=True)
class _Told:
    """What the stream says of one customer, oldest first."""

    versions: list[int] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    holders: list[str] = field(default_factory=list)


def _lists() -> dict[str, dict[str, int]]:
    return {kept: {} for kept in _OF_A_POOL}


@dataclass(slots=True)
class _Expected:
    """What lists, quotas and due times should be, by the records of a tenant gone over so far.

    The records themselves are not kept: a tenant may have more of them than there is memory for.
    """

    in_pool: defaultdict[str, dict[str, dict[str, int]]] = field(
        default_factory=lambda: defaultdict(_lists)
    )
    holdings: defaultdict[str, dict[str, int]] = field(
        default_factory=lambda: defaultdict(dict, {_ALL: {}})
    )
    waiting: dict[str, int] = field(default_factory=dict)
    held: Counter[str] = field(default_factory=Counter)
    weight: Counter[str] = field(default_factory=Counter)
    claimed: Counter[str] = field(default_factory=Counter)
    claims: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    holders: set[str] = field(default_factory=set)

    def add(self, name: str, custody: Custody, entries: Sequence[HistoryEntry]) -> None:
        """Go over one customer."""
        for pool, kept, at in _in_pools(custody):
            self.in_pool[pool][kept][name] = at
        if custody.state is State.HELD and custody.holder is not None:
            due = custody.plan.due_at if custody.plan is not None else None
            at = NO_DUE if due is None else due
            self.holdings[custody.holder.key][name] = at
            self.holdings[_ALL][name] = at
            self.held[custody.holder.key] += 1
        if custody.waiting:
            self.waiting[name] = 0
        if custody.counted is not None:
            self.weight[custody.counted.key] += custody.weight
        for entry in entries:
            if entry.holder is None:
                continue
            self.holders.add(entry.holder.key)
            if entry.change is Change.CLAIMED:
                self.claimed[entry.holder.key] += 1
                self.claims[entry.holder.key].add(f"{name}:{entry.version}")


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
        for tenant in sorted(member.decode() for member in members):
            expected = _Expected()
            async for customer, custody, entries in self._customers(tenant):
                self._records += 1
                expected.add(customer, custody, entries)
                where = f"{tenant}/{customer}"
                self._history(where, custody, entries)
                self._requests(where, custody)
                self._told(where, entries, told.pop(where, _Told()))
                for kind, at in (
                    (keys.CLOCK, clock_at(custody)),
                    (keys.RESERVATION, reservation_at(custody)),
                ):
                    if at is not None:
                        due[kind][where] = at
            await self._indexes(tenant, expected)
            await self._quotas(tenant, expected)
        for where in told:
            self._found.append(f"{where}: events of a customer that has no record")
        for kind, moments in due.items():
            await self._same(f"due {kind}", self._partition.due_key(kind), moments)
        return Audited(self._found, self._records)

    async def _customers(
        self, tenant: str
    ) -> AsyncIterator[tuple[str, Custody, list[HistoryEntry]]]:
        """Everybody on the list, in order, with his record and history, some at a time."""
        ids = await names(self._client, keys.index(self._partition, tenant)["customers"])
        for first in range(0, len(ids), _AT_ONCE):
            some = ids[first : first + _AT_ONCE]
            for name, (packed, entries) in zip(some, await self._read(tenant, some), strict=True):
                if packed is None:
                    self._found.append(f"{tenant}/{name}: listed, and has no record")
                else:
                    yield name, unpack_custody(packed), [unpack_entry(entry) for entry in entries]

    async def _read(
        self, tenant: str, ids: Sequence[str]
    ) -> Iterable[tuple[bytes | None, list[bytes]]]:
        asked = self._client.pipeline(transaction=False)
        for ident in ids:
            asked.get(keys.custody(self._partition, tenant, ident))
            asked.lrange(keys.history(self._partition, tenant, ident), 0, -1)
        answers = await asked.execute()
        return zip(answers[::2], answers[1::2], strict=True)

    async def _indexes(self, tenant: str, expected: _Expected) -> None:
        index = keys.index(self._partition, tenant)
        pools = await self._client.hkeys(keys.setup_parts(self._partition, tenant)["pool_records"])
        for pool in expected.in_pool.keys() | {pool.decode() for pool in pools}:
            for kept, customers in expected.in_pool[pool].items():
                what = f"{tenant}: pool {pool}, {_OF_A_POOL[kept]}"
                await self._same(what, f"{index['in_pool']}:{pool}:{kept}", customers)
        for holder in expected.holdings.keys() | expected.holders:
            what = f"{tenant}: holdings of {holder}"
            await self._same(what, f"{index['holdings']}:{holder}", expected.holdings[holder])
        await self._same(f"{tenant}: waiting", index["waiting"], expected.waiting)

    async def _quotas(self, tenant: str, expected: _Expected) -> None:
        index = keys.index(self._partition, tenant)
        for holder in expected.holders | expected.held.keys() | expected.weight.keys():
            stored = await self._client.hgetall(f"{index['quotas']}:{holder}")
            quota = {name.decode(): int(value) for name, value in stored.items()}
            for what, counted in (
                ("holdings", expected.held),
                ("weight", expected.weight),
                ("claimed", expected.claimed),
            ):
                if quota.get(what, 0) != counted[holder]:
                    self._found.append(
                        f"{tenant}: {what} of {holder} is {quota.get(what, 0)} in the quota,"
                        f" and {counted[holder]} by the records"
                    )
            kept = await self._client.zrange(
                f"{keys.claims(self._partition, tenant)}:{holder}", 0, -1
            )
            strange = {member.decode() for member in kept} - expected.claims[holder]
            if strange:
                self._found.append(f"{tenant}: claims of {holder} without history: {strange}")

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
        self._found += await misplaced(self._client, what, key, expected)


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


def _holder_key(holder: custody_pb2.Holder) -> str:
    kind = holder.WhichOneof("kind")
    if kind is None:
        return ""
    return f"{kind}:{getattr(holder, kind).rpartition('/')[2]}"
