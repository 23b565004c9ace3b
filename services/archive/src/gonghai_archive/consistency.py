"""An audit: do customers, indexes, identifiers, histories, custodies, statements, due times agree?

It reads a partition as it stands, in many steps; on a store that is written to it may see a change
in the middle. `gonghai_chassis.upkeep.auditing` looks again at what it finds.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from gonghai_archive.ledger_audit import LedgerAudit
from gonghai_archive.lines import BELOW, NOBODY, Downline, below
from gonghai_archive.metrics import YEAR
from gonghai_archive.places import crowded, too_many, within
from gonghai_archive.policies import index_terms
from gonghai_archive.store import keys
from gonghai_archive.store.collisions import COLLIDING
from gonghai_archive.store.neighbours import custody_from, custody_terms
from gonghai_archive.store.rows import unpack_customer, unpack_line, unpack_membership
from gonghai_chassis.upkeep.auditing import Audited
from gonghai_chassis.upkeep.listed import misplaced, names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gonghai_archive.customers import Customer
    from gonghai_chassis.store import Partition, Store

_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class RecordsAudit:
    """Audits the archive's records."""

    store: Store

    async def __call__(self, partition: Partition) -> Audited:
        """Go once over a partition."""
        return await _Pass(self.store, partition).run()


class _Pass:
    def __init__(self, store: Store, partition: Partition) -> None:
        self._store = store
        self._client: Any = store.client(partition)
        self._partition = partition
        self._found: list[str] = []
        self._records = 0
        self._now = 0

    async def run(self) -> Audited:
        p = self._partition
        due: dict[str, int] = {}
        for name in sorted(await self._client.smembers(keys.tenants(p))):
            tenant = name.decode()
            index: defaultdict[str, dict[str, int]] = defaultdict(dict)
            identifiers: dict[str, str] = {}
            lines = _Lines()
            ledger = LedgerAudit(self._store, p, tenant)
            ids = await names(self._client, f"{keys.index(p, tenant)}:all")
            for first in range(0, len(ids), _AT_ONCE):
                some = ids[first : first + _AT_ONCE]
                for customer in await self._customers(tenant, some):
                    self._expect(customer, index, identifiers, due)
                    lines.add(customer)
                await self._custodies(tenant, some, index)
                await ledger.expect(some)
            await self._indexes(tenant, index)
            await self._identifiers(tenant, identifiers)
            self._found += lines.faults(tenant, self._now)
            self._found += await self._memberships(tenant, lines)
            self._found += await ledger.faults()
        await self._same("due assessments", p.due_key(keys.ASSESSMENT), due)
        return Audited(self._found, self._records)

    async def _customers(self, tenant: str, ids: Sequence[str]) -> list[Customer]:
        p = self._partition
        read = await self._store.read(
            p,
            [
                *(keys.customer(p, tenant, ident) for ident in ids),
                *(keys.line(p, tenant, ident) for ident in ids),
            ],
        )
        pipeline = self._client.pipeline(transaction=False)
        for ident in ids:
            pipeline.llen(keys.history(p, tenant, ident))
        histories = await pipeline.execute()
        found = []
        self._now = read.now
        records, lines = read.values[: len(ids)], read.values[len(ids) :]
        for ident, packed, line, entries in zip(ids, records, lines, histories, strict=True):
            self._records += 1
            if packed is None:
                self._found.append(f"{tenant}/{ident}: listed, and has no record")
                continue
            if not entries:
                self._found.append(f"{tenant}/{ident}: has no history")
            part, downline = unpack_line(line)
            found.append(
                replace(unpack_customer(tenant, ident, packed), part=part, downline=downline)
            )
        return found

    def _expect(
        self,
        customer: Customer,
        index: defaultdict[str, dict[str, int]],
        identifiers: dict[str, str],
        due: dict[str, int],
    ) -> None:
        """Note where the customer is to stand."""
        assessment = customer.assessment
        for term in index_terms(customer.id, customer.profile, assessment):
            index[term][customer.id] = customer.created
        if customer.part is not None:
            index[BELOW][customer.id] = customer.created
            index[below(customer.part.sponsor)][customer.id] = customer.created
        if customer.downline != NOBODY:
            # It has sponsored somebody, be it nobody now: who stands below it is listed exactly.
            index.setdefault(below(customer.id), {})
        index["by_rank"][customer.id] = assessment.tier.rank if assessment.tier else 0
        for identifier in customer.profile.identifiers:
            other = identifiers.setdefault(str(identifier), customer.id)
            if other != customer.id:
                self._found.append(
                    f"{customer.tenant}: {other} and {customer.id} have an identifier in common"
                )
        if customer.due_at is not None:
            due[f"{customer.tenant}/{customer.id}"] = customer.due_at

    async def _custodies(
        self, tenant: str, ids: Sequence[str], index: defaultdict[str, dict[str, int]]
    ) -> None:
        p = self._partition
        read = await self._store.read(p, [keys.custody(p, tenant, ident) for ident in ids])
        for ident, packed in zip(ids, read.values, strict=True):
            if packed is None:
                continue
            custody = custody_from(packed.decode("utf-8", "surrogateescape"))
            created = index["all"].get(ident)
            if custody is not None and created is not None:
                for term in custody_terms(custody):
                    index[term][ident] = created

    async def _indexes(self, tenant: str, index: Mapping[str, dict[str, int]]) -> None:
        p = self._partition
        expected = dict(index)
        expected[COLLIDING] = {
            term: 0
            for term, members in index.items()
            if (least := too_many(term)) is not None
            and crowded(least, len(members), len(index.get(within(term), ())))
        }
        # Those in which nobody is to stand are known by whom they could be of.
        for kind, key in (("owner", keys.reps(p, tenant)), ("pool", keys.pools(p, tenant))):
            for ident in await self._client.hkeys(key):
                expected.setdefault(f"{kind}:{ident.decode()}", {})
        for term, members in sorted(expected.items()):
            what = f"{tenant}: index {term}"
            await self._same(what, f"{keys.index(p, tenant)}:{term}", members)

    async def _memberships(self, tenant: str, lines: _Lines) -> list[str]:
        """Compare who stands below sponsors with who came and did not leave."""
        pipeline = self._client.pipeline(transaction=False)
        sponsors = lines.sponsors()
        for each in sponsors:
            pipeline.lrange(f"{keys.memberships(self._partition, tenant)}:{each}", 0, -1)
        found = []
        for sponsor, stored in zip(sponsors, await pipeline.execute(), strict=True):
            last = {move.customer: move.joined for move in map(unpack_membership, stored)}
            noted = {customer for customer, joined in last.items() if joined}
            found += [
                f"{tenant}/{sponsor}: whether {each} is of its second level is noted wrongly"
                for each in sorted(noted ^ lines.below(sponsor))
            ]
        return found

    async def _identifiers(self, tenant: str, expected: Mapping[str, str]) -> None:
        """What an identifier is stays unsaid: it may be a phone number."""
        key = keys.identifiers(self._partition, tenant)
        stored = {
            name.decode("utf-8", "surrogateescape"): holder.decode()
            async for name, holder in self._client.hscan_iter(key, count=_AT_ONCE)
        }
        for name, holder in stored.items():
            if expected.get(name) != holder:
                self._found.append(f"{tenant}/{holder}: an identifier is noted that it has not")
        for name, holder in expected.items():
            if stored.get(name) != holder:
                self._found.append(f"{tenant}/{holder}: an identifier of it is not noted as its")

    async def _same(self, what: str, key: str, expected: Mapping[str, int]) -> None:
        self._found += await misplaced(self._client, what, key, expected)


class _Lines:
    """A tenant's customers of two levels: what sponsors have against what is given to them."""

    def __init__(self) -> None:
        self._downlines: dict[str, Downline] = {}
        self._members: defaultdict[str, set[str]] = defaultdict(set)
        self._amounts: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self._last_orders: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self._sponsored: set[str] = set()

    def add(self, customer: Customer) -> None:
        self._downlines[customer.id] = customer.downline
        part = customer.part
        if part is None:
            return
        self._sponsored.add(customer.id)
        self._members[part.sponsor].add(customer.id)
        self._amounts[part.sponsor].update(dict(part.amounts))
        if part.last_order is not None:
            self._last_orders[part.sponsor][part.last_order] += 1

    def sponsors(self) -> list[str]:
        """Who has sponsored somebody, be it nobody now."""
        had = {name for name, downline in self._downlines.items() if downline != NOBODY}
        return sorted(had | self._members.keys())

    def below(self, sponsor: str) -> set[str]:
        """Whose sponsor it is."""
        return self._members.get(sponsor, set())

    def faults(self, tenant: str, now: int) -> Iterator[str]:
        # Older days may be kept on one side only. Wherever the tenant is, its day is no later.
        day = datetime.fromtimestamp(now // 10**6, UTC).toordinal() + 1 - (YEAR - 1)
        for name in sorted(self._downlines.keys() | self._members.keys()):
            downline = self._downlines.get(name, NOBODY)
            members = len(self.below(name))
            if downline.members != members:
                yield (
                    f"{tenant}/{name}: sponsors {downline.members}, and {members} by their records"
                )
            if downline.members and name in self._sponsored:
                yield f"{tenant}/{name}: has a sponsor, and sponsors others"
            for what, stored, given in (
                ("amounts", downline.amounts, self._amounts.get(name, Counter[int]())),
                ("last orders", downline.last_orders, self._last_orders.get(name, Counter[int]())),
            ):
                if _since(stored, day) != _since(given, day):
                    yield f"{tenant}/{name}: {what} of its second level are not theirs"


def _since(days: Mapping[int, int], first: int) -> dict[int, int]:
    return {day: value for day, value in days.items() if value and day >= first}
