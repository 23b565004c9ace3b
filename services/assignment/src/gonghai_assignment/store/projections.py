"""What the other services said, in the store: each step moves the cursor with the effect."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai_assignment.store import keys
from gonghai_assignment.store.routing import (
    LoadsChange,
    custody_record,
    pack_facts,
    unpack_custody,
    unpack_facts,
)
from gonghai_chassis.events import read_progress
from gonghai_chassis.store import Script, records

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from gonghai_assignment.customers import Custody, CustomerFacts
    from gonghai_chassis.events import Rebuild, Step
    from gonghai_chassis.store import Partition, Store

_PROJECT_CUSTODY = Script("gonghai_assignment.store", "project_custody")
_LOAD_CUSTODY = Script("gonghai_assignment.store", "load_custody")
_DROP_CUSTODY = Script("gonghai_assignment.store", "drop_custody")
_PROJECT_CUSTOMER = Script("gonghai_assignment.store", "project_customer")
_LOAD_CUSTOMER = Script("gonghai_assignment.store", "load_customer")
_DROP_CUSTOMER = Script("gonghai_assignment.store", "drop_customer")
_PROJECT_COOL_DOWN = Script("gonghai_assignment.store", "project_cool_down")
_LOAD_COOL_DOWN = Script("gonghai_assignment.store", "load_cool_down")
_DROP_COOL_DOWNS = Script("gonghai_assignment.store", "drop_cool_downs")
_RECOUNT_LOADS = Script("gonghai_assignment.store", "recount_loads")
_FORGET_FULL = Script("gonghai_assignment.store", "forget_full")
_READ_FACTS = Script("gonghai_assignment.store", "read_facts")
_LIST_TENANTS = Script("gonghai_assignment.store", "list_tenants")
_PAGE = Script("gonghai_assignment.store", "page_of_hash")

_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class CustodyTaken:
    """How a custody was taken in.

    Attributes:
        news: it was newer than what was known.
        open: it is one to be routed.
        retry: somebody has more room now, so that parked customers are to be tried again.
        loads: what it did to loads.
    """

    news: bool
    open: bool
    retry: bool
    loads: LoadsChange


class ProjectionStore:
    """Keeps what archive and pool say."""

    def __init__(self, store: Store) -> None:
        """Take the service's store."""
        self._store = store

    async def take_custody(
        self, step: Step, tenant: str, customer: str, custody: Custody
    ) -> CustodyTaken:
        """Take in an event of pool's about a customer."""
        partition = step.partition
        reply = await self._store.run(
            _PROJECT_CUSTODY,
            partition,
            keys={
                **step.keys(),
                **_custody_keys(partition, tenant),
                "due": keys.due_parked(partition),
            },
            args={
                **step.args(),
                "tenant": tenant,
                "customer": customer,
                "custody": custody_record(custody),
            },
        )
        fields = reply.fields
        return CustodyTaken(fields["news"], fields["open"], fields["retry"], LoadsChange.of(fields))

    async def load_custody(
        self, rebuild: Rebuild, tenant: str, customer: str, custody: Custody
    ) -> LoadsChange:
        """Take in an item of pool's snapshot about a customer, whatever is known."""
        reply = await self._store.run(
            _LOAD_CUSTODY,
            rebuild.partition,
            keys={**rebuild.keys(), **_custody_keys(rebuild.partition, tenant)},
            args={
                **rebuild.args(),
                "tenant": tenant,
                "customer": customer,
                "custody": custody_record(custody, rebuild.generation),
            },
        )
        return LoadsChange.of(reply.fields)

    async def drop_custodies(self, rebuild: Rebuild, tenant: str) -> None:
        """Forget the custodies that the rebuild's snapshot did not have."""
        partition = rebuild.partition
        wanted = ("custody", "facts", "loads", "groups", "parked", "queue", "tenants")
        named = _custody_keys(partition, tenant)
        async for customer in self._fields(partition, keys.custody(partition, tenant)):
            await self._store.run(
                _DROP_CUSTODY,
                partition,
                keys={**rebuild.keys(), **{name: named[name] for name in wanted}},
                args={**rebuild.args(), "tenant": tenant, "customer": customer},
            )

    async def take_facts(
        self, step: Step, tenant: str, customer: str, facts: CustomerFacts
    ) -> bool:
        """Take in an event of archive's about a customer.

        Returns:
            Whether the customer is parked, and to be tried again.
        """
        partition = step.partition
        await step.turn()
        reply = await self._store.run(
            _PROJECT_CUSTOMER,
            partition,
            keys={
                **step.keys(),
                **_facts_keys(partition, tenant),
                "due": keys.due_parked(partition),
            },
            args={
                **step.args(),
                "tenant": tenant,
                "customer": customer,
                "version": facts.version,
                "group": facts.group,
                "record": pack_facts(facts),
            },
        )
        retry: bool = reply.fields["retry"]
        return retry

    async def load_facts(
        self, rebuild: Rebuild, tenant: str, customer: str, facts: CustomerFacts
    ) -> None:
        """Take in an item of archive's snapshot about a customer, whatever is known."""
        await self._store.run(
            _LOAD_CUSTOMER,
            rebuild.partition,
            keys={**rebuild.keys(), **_facts_keys(rebuild.partition, tenant)},
            args={
                **rebuild.args(),
                "tenant": tenant,
                "customer": customer,
                "version": facts.version,
                "group": facts.group,
                "record": pack_facts(facts, rebuild.generation),
            },
        )

    async def drop_facts(self, rebuild: Rebuild, tenant: str) -> None:
        """Forget the customers that the rebuild's snapshot did not have."""
        partition = rebuild.partition
        key = keys.facts(partition, tenant)
        async for customer in self._fields(partition, key):
            await self._store.run(
                _DROP_CUSTOMER,
                partition,
                keys={**rebuild.keys(), "facts": key},
                args={**rebuild.args(), "customer": customer},
            )

    async def facts(self, partition: Partition, tenant: str, customer: str) -> CustomerFacts | None:
        """Return what archive said of a customer; None when it said nothing."""
        reply = await self._store.run(
            _READ_FACTS,
            partition,
            keys={"facts": keys.facts(partition, tenant)},
            args={"customer": customer},
        )
        packed = reply.fields.get("facts")
        return unpack_facts(records.blob(packed)) if packed else None

    async def heard(self, partition: Partition, source: str) -> int:
        """Return up to when a source's changes are known here (domain time, µs)."""
        return (await read_progress(self._store, partition, source)).changes_through

    async def take_cool_down(self, step: Step, tenant: str, pool: str, days: int) -> bool:
        """Take in how long a former owner may not have a customer back.

        Returns:
            Whether there are parked customers, to be tried again.
        """
        partition = step.partition
        reply = await self._store.run(
            _PROJECT_COOL_DOWN,
            partition,
            keys={
                **step.keys(),
                "cool_downs": keys.cool_downs(partition, tenant),
                "loads": keys.loads(partition, tenant),
                "parked": keys.parked(partition, tenant),
                "due": keys.due_parked(partition),
            },
            args={**step.args(), "tenant": tenant, "pool": pool, "days": days},
        )
        retry: bool = reply.fields["retry"]
        return retry

    async def forget_full(self, partition: Partition, tenant: str) -> None:
        """Ask reps again whom pool found full: a policy may have changed what they may hold."""
        await self._store.run(
            _FORGET_FULL, partition, keys={"loads": keys.loads(partition, tenant)}, args={}
        )

    async def load_cool_down(self, rebuild: Rebuild, tenant: str, pool: str, days: int) -> None:
        """Take in the same out of pool's snapshot."""
        await self._store.run(
            _LOAD_COOL_DOWN,
            rebuild.partition,
            keys={**rebuild.keys(), "cool_downs": keys.cool_downs(rebuild.partition, tenant)},
            args={**rebuild.args(), "pool": pool, "days": days},
        )

    async def drop_cool_downs(self, rebuild: Rebuild, tenant: str, had: Iterable[str]) -> None:
        """Forget the cool-downs of a tenant but for those that the snapshot had."""
        await self._store.run(
            _DROP_COOL_DOWNS,
            rebuild.partition,
            keys={**rebuild.keys(), "cool_downs": keys.cool_downs(rebuild.partition, tenant)},
            args={**rebuild.args(), "had": sorted(had)},
        )

    async def recount_loads(self, rebuild: Rebuild, tenant: str) -> None:
        """Count anew what reps hold: a custody that was lost is no longer counted double.

        While the rebuild is under way nothing else changes what is counted here.
        """
        partition = rebuild.partition
        # By customer first: a scan may come by one twice.
        held: dict[str, tuple[str, int]] = {}
        async for customer, packed in self._items(partition, keys.custody(partition, tenant)):
            custody = unpack_custody(packed)
            if custody.rep is not None:
                held[customer] = (custody.rep, custody.weight)
        counted: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
        for rep, weight in held.values():
            counted[rep][0] += weight
            counted[rep][1] += 1
        await self._store.run(
            _RECOUNT_LOADS,
            partition,
            keys={**rebuild.keys(), "loads": keys.loads(partition, tenant)},
            args={**rebuild.args(), "counted": dict(counted)},
        )

    async def tenants(self, partition: Partition) -> list[str]:
        """Return the tenants that the partition knows of, in order."""
        reply = await self._store.run(
            _LIST_TENANTS, partition, keys={"tenants": keys.tenants(partition)}, args={}
        )
        return sorted(records.sequence(reply.fields["tenants"]))

    def customers(self, partition: Partition, tenant: str) -> AsyncIterator[str]:
        """Yield the ids of all customers that pool told of; one may come twice."""
        return self._fields(partition, keys.custody(partition, tenant))

    async def _fields(self, partition: Partition, key: str) -> AsyncIterator[str]:
        async for field, _ in self._items(partition, key):
            yield field

    async def _items(self, partition: Partition, key: str) -> AsyncIterator[tuple[str, bytes]]:
        place = "0"
        while True:
            reply = await self._store.run(
                _PAGE, partition, keys={"hash": key}, args={"place": place, "limit": _AT_ONCE}
            )
            flat: list[str] = records.sequence(reply.fields["flat"])
            for field, packed in zip(flat[::2], flat[1::2], strict=True):
                yield field, records.blob(packed)
            place = str(reply.fields["place"])
            if place == "0":
                return


def _custody_keys(partition: Partition, tenant: str) -> dict[str, str]:
    return {
        "custody": keys.custody(partition, tenant),
        "facts": keys.facts(partition, tenant),
        "routing": keys.routing(partition, tenant),
        "loads": keys.loads(partition, tenant),
        "groups": keys.groups(partition, tenant),
        "parked": keys.parked(partition, tenant),
        "queue": keys.queue(partition),
        "tenants": keys.tenants(partition),
    }


def _facts_keys(partition: Partition, tenant: str) -> dict[str, str]:
    return {
        "facts": keys.facts(partition, tenant),
        "custody": keys.custody(partition, tenant),
        "groups": keys.groups(partition, tenant),
        "parked": keys.parked(partition, tenant),
        "tenants": keys.tenants(partition),
    }
