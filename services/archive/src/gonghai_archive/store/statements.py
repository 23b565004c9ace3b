"""Commission statements in the store: lists that only grow, each with what it adds up to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gonghai_archive.store import keys
from gonghai_archive.store.rows import unpack_entry_of
from gonghai_chassis.store import Script, records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_archive.commissions import Entry
    from gonghai_chassis.names import CustomerName
    from gonghai_chassis.store import Store

READ: Final = Script("gonghai_archive.store", "read_statement")


@dataclass(frozen=True, slots=True)
class Statement:
    """Some lines of a statement, and what all of them add up to (minor units).

    Attributes:
        lines: each with when it was booked (µs, domain time), in that order.
        count: how many lines there are in all.
        earned: the sum of those that pay.
        taken_back: the sum of those that take back, which is not positive.
    """

    lines: Sequence[tuple[int, Entry]]
    count: int
    earned: int
    taken_back: int


@dataclass(frozen=True, slots=True)
class StatementStore:
    """Reads statements."""

    store: Store

    async def read(
        self, name: CustomerName, period: str, *, start: int, limit: int, deadline: float | None
    ) -> Statement | None:
        """Read a customer's statement of a month, from a line on; None: no such customer."""
        p = self.store.partition(name.tenant)
        reply = await self.store.run(
            READ,
            p,
            keys={
                "customer": keys.customer(p, name.tenant, name.id),
                "statement": f"{keys.statements(p, name.tenant)}:{name.id}:{period}",
                "commission_sums": f"{keys.commission_sums(p, name.tenant)}:{name.id}",
            },
            args={"period": period, "start": start, "limit": limit},
            deadline=deadline,
        )
        if reply.status == "missing":
            return None
        fields = reply.fields
        return Statement(
            [
                unpack_entry_of(name.id, period, records.blob(line))
                for line in records.sequence(fields["lines"])
            ],
            fields["count"],
            fields["earned"],
            fields["taken_back"],
        )
