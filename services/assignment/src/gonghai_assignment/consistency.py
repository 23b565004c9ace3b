"""An audit: do loads, groups, parked customers and intents agree with custodies and routings?

It reads a partition as it stands, in many steps; on a store that is written to it may see a change
in the middle. `gonghai_chassis.upkeep.auditing` looks again at what it finds.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gonghai_assignment.customers import Outcome
from gonghai_assignment.store import keys
from gonghai_assignment.store.routing import ASSIGN, unpack_custody, unpack_facts
from gonghai_chassis.store import records
from gonghai_chassis.upkeep.auditing import Audited

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from gonghai_assignment.customers import Custody
    from gonghai_chassis.store import Partition, Store

_SCAN: Final = 500
_COUNTED: Final = ("confirmed", "holdings", "pending", "coming")


@dataclass(frozen=True, slots=True)
class RecordsAudit:
    """Audits assignment's records."""

    store: Store

    async def __call__(self, partition: Partition) -> Audited:
        """Go once over a partition."""
        return await _Pass(self.store, partition).run()


class _Pass:
    def __init__(self, store: Store, partition: Partition) -> None:
        self._client: Any = store.client(partition)
        self._partition = partition
        self._found: list[str] = []
        self._records = 0

    async def run(self) -> Audited:
        open_intents = await self._intents()
        called: set[tuple[int, str]] = set()
        for name in sorted(await self._client.smembers(keys.tenants(self._partition))):
            tenant = name.decode()
            custodies = {
                customer: unpack_custody(packed)
                async for customer, packed in self._hash(keys.custody(self._partition, tenant))
            }
            routings = {
                customer: records.mapping(records.unpack(packed))
                async for customer, packed in self._hash(keys.routing(self._partition, tenant))
            }
            self._records += len(custodies.keys() | routings.keys())
            await self._loads(tenant, custodies, routings)
            await self._groups(tenant, custodies)
            await self._parked(tenant, custodies, routings)
            called |= self._calls(tenant, routings, open_intents)
            await self._queued(tenant, custodies)
        self._found += [
            f"intent {seq}: no routing waits for it" for seq, _ in sorted(open_intents - called)
        ]
        return Audited(self._found, self._records)

    async def _hash(self, key: str) -> AsyncIterator[tuple[str, bytes]]:
        async for name, packed in self._client.hscan_iter(key, count=_SCAN):
            yield name.decode(), packed

    async def _intents(self) -> set[tuple[int, str]]:
        stored = await self._client.zrange(self._partition.keys.intents, 0, -1)
        unpacked = [records.mapping(records.unpack(packed)) for packed in stored]
        return {(intent["seq"], intent["id"]) for intent in unpacked if intent["kind"] == ASSIGN}

    async def _loads(
        self,
        tenant: str,
        custodies: Mapping[str, Custody],
        routings: Mapping[str, Mapping[str, Any]],
    ) -> None:
        expected: Counter[str] = Counter()
        for custody in custodies.values():
            if custody.rep is not None:
                expected[f"confirmed:{custody.rep}"] += custody.weight
                expected[f"holdings:{custody.rep}"] += 1
        for routing in routings.values():
            if routing.get("counts") and routing.get("rep"):
                expected[f"pending:{routing['rep']}"] += routing["weight"]
                expected[f"coming:{routing['rep']}"] += 1
        key = keys.loads(self._partition, tenant)
        stored = {
            name: int(value)
            async for name, value in self._hash(key)
            if name.partition(":")[0] in _COUNTED
        }
        for name in sorted(stored.keys() | expected.keys()):
            if stored.get(name, 0) != expected[name]:
                what, _, rep = name.partition(":")
                self._found.append(
                    f"{tenant}: {what} of rep {rep} is {stored.get(name, 0)} in the loads, and"
                    f" {expected[name]} by the records"
                )

    async def _groups(self, tenant: str, custodies: Mapping[str, Custody]) -> None:
        expected: defaultdict[str, Counter[str]] = defaultdict(Counter)
        async for customer, packed in self._hash(keys.facts(self._partition, tenant)):
            group = unpack_facts(packed).group
            if group:
                custody = custodies.get(customer)
                held = expected[group]
                if custody is not None and custody.rep is not None:
                    held[custody.rep] += 1
        for group, held in sorted(expected.items()):
            key = f"{keys.groups(self._partition, tenant)}:{group}"
            stored = {name: int(value) async for name, value in self._hash(key)}
            for rep in sorted(stored.keys() | held.keys()):
                if stored.get(rep, 0) != held[rep]:
                    self._found.append(
                        f"{tenant}: rep {rep} holds {stored.get(rep, 0)} of group {group} by the"
                        f" count, and {held[rep]} by the records"
                    )

    async def _parked(
        self,
        tenant: str,
        custodies: Mapping[str, Custody],
        routings: Mapping[str, Mapping[str, Any]],
    ) -> None:
        stored = await self._client.zrange(keys.parked(self._partition, tenant), 0, -1)
        parked = {name.decode() for name in stored}
        for customer in sorted(parked):
            custody = custodies.get(customer)
            if custody is None or not custody.open:
                self._found.append(f"{tenant}/{customer}: parked, and in no pool to be routed from")
        for customer, routing in sorted(routings.items()):
            custody = custodies.get(customer)
            current = custody is not None and custody.open and custody.term == routing["term"]
            waits = routing["outcome"] == Outcome.PARKED and current
            if waits and customer not in parked:
                self._found.append(f"{tenant}/{customer}: was parked, and is not in the index")

    def _calls(
        self,
        tenant: str,
        routings: Mapping[str, Mapping[str, Any]],
        open_intents: set[tuple[int, str]],
    ) -> set[tuple[int, str]]:
        called = set()
        for customer, routing in sorted(routings.items()):
            if routing["outcome"] != Outcome.PENDING:
                continue
            seq = routing.get("seq", 0)
            call = (seq, routing.get("intent", ""))
            called.add(call)
            if call not in open_intents:
                self._found.append(
                    f"{tenant}/{customer}: waits for pool's answer to call {seq}, which is not to"
                    " be made"
                )
        return called

    async def _queued(self, tenant: str, custodies: Mapping[str, Custody]) -> None:
        stored = await self._client.zrange(keys.queue(self._partition), 0, -1)
        for member in sorted(stored):
            owner, _, customer = member.decode().partition("/")
            custody = custodies.get(customer)
            if owner == tenant and (custody is None or not custody.open):
                self._found.append(f"{tenant}/{customer}: waits to be routed, and is in no pool")
