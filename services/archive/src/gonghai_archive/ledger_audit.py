"""An audit of commissions: is each statement what the orders pay, worked out anew?"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from gonghai_archive.commissions import paid, undecided
from gonghai_archive.store import keys
from gonghai_archive.store.rows import (
    month_number,
    unpack_activities,
    unpack_entry_of,
    unpack_terms,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gonghai_chassis.store import Partition, Store

_AT_ONCE: Final = 500
_EARNED: Final = ":earned"
_TAKEN_BACK: Final = ":taken_back"


@dataclass(slots=True)
class LedgerAudit:
    """Goes over a tenant's commissions: first `expect` of all customers, then `faults`."""

    store: Store
    partition: Partition
    tenant: str
    owed: defaultdict[tuple[str, str], Counter[tuple[str, str]]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    """By beneficiary and month: by customer and order, what is paid."""
    months: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    waiting: defaultdict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    """By beneficiary: the orders that its statements wait for, each with its month."""
    customers: list[str] = field(default_factory=list)

    async def expect(self, ids: Sequence[str]) -> None:
        """Work out what the orders of some customers pay."""
        p, tenant = self.partition, self.tenant
        self.customers += ids
        read = await self.store.read(p, [keys.commissions(p, tenant, each) for each in ids])
        paying = [each for each, stored in zip(ids, read.values, strict=True) if stored]
        if not paying:
            return
        # Together, so that an order is not seen on one side only.
        read = await self.store.read(
            p,
            [
                *(keys.commissions(p, tenant, each) for each in paying),
                *(keys.activities(p, tenant, each) for each in paying),
            ],
        )
        terms, activities = read.values[: len(paying)], read.values[len(paying) :]
        for ident, by, happened in zip(paying, terms, activities, strict=True):
            orders, known = unpack_activities(happened), unpack_terms(by)
            for account in undecided(ident, orders, known):
                order = f"{ident}/{account.activity}"
                self.waiting[account.beneficiary][order] = month_number(account.period)
            for account, share in paid(ident, orders, known).items():
                self.months[account.beneficiary].add(account.period)
                self.owed[account.beneficiary, account.period][ident, account.activity] += (
                    share.amount
                )

    async def faults(self) -> list[str]:
        """Compare with what is booked, and say what differs."""
        p, tenant = self.partition, self.tenant
        client: Any = self.store.client(p)
        found: list[str] = []
        for first in range(0, len(self.customers), _AT_ONCE):
            some = self.customers[first : first + _AT_ONCE]
            pipeline = client.pipeline(transaction=False)
            for each in some:
                pipeline.hgetall(f"{keys.commission_sums(p, tenant)}:{each}")
                pipeline.zrange(f"{keys.undecided(p, tenant)}:{each}", 0, -1, withscores=True)
            read = await pipeline.execute()
            for each, stored, waits in zip(some, read[::2], read[1::2], strict=True):
                found += self._waits(each, {order.decode(): int(at) for order, at in waits})
                sums = {name.decode(): int(value) for name, value in stored.items()}
                months = {name.partition(":")[0] for name in sums}
                months |= self.months[each]
                for month in sorted(months):
                    key = f"{keys.statements(p, tenant)}:{each}:{month}"
                    lines = await client.lrange(key, 0, -1)
                    found += self._statement(each, month, sums, lines)
        return found

    def _waits(self, customer: str, noted: dict[str, int]) -> Iterator[str]:
        waiting = self.waiting[customer]
        for order in sorted(noted.keys() | waiting.keys()):
            is_in, should = noted.get(order), waiting.get(order)
            if is_in != should:
                yield (
                    f"{self.tenant}/{customer}: commissions wait for {order} in {is_in}, and in "
                    f"{should} by its terms"
                )

    def _statement(
        self, customer: str, month: str, sums: dict[str, int], lines: Sequence[bytes]
    ) -> Iterator[str]:
        where = f"{self.tenant}/{customer}: commissions of {month}"
        entries = [unpack_entry_of(customer, month, line)[1] for line in lines]
        booked: Counter[tuple[str, str]] = Counter()
        for entry in entries:
            booked[entry.customer, entry.activity] += entry.amount
        owed = self.owed[customer, month]
        for order in sorted(booked.keys() | owed.keys()):
            if booked[order] != owed[order]:
                yield (
                    f"{where}: {'/'.join(order)} is booked at {booked[order]}, and pays "
                    f"{owed[order]}"
                )
        for name, amounts in (
            (_EARNED, (entry.amount for entry in entries if entry.amount > 0)),
            (_TAKEN_BACK, (entry.amount for entry in entries if entry.amount <= 0)),
        ):
            stored, added = sums.get(month + name, 0), sum(amounts)
            if stored != added:
                yield f"{where}: {name[1:]} is {stored}, and its lines add up to {added}"
