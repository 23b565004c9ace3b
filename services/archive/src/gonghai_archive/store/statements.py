"""Commission statements in the store: lists that only grow, each with what it adds up to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gonghai_archive.store import keys
from gonghai_archive.store.rows import month_number, unpack_entry_of
from gonghai_chassis.store import Script, records

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gonghai_archive.commissions import Entry
    from gonghai_archive.store.customers import Place
    from gonghai_chassis.names import CustomerName
    from gonghai_chassis.store import Store

READ: Final = Script("gonghai_archive.store", "read_statement")
LIST: Final = Script("gonghai_archive.store", "list_statements")


@dataclass(frozen=True, slots=True)
class Sums:
    """What a statement adds up to (minor units).

    Attributes:
        count: how many lines there are in all.
        earned: the sum of those that pay.
        taken_back: the sum of those that take back, which is not positive.
        undecided: how many orders wait for what they pay.
    """

    count: int
    earned: int
    taken_back: int
    undecided: int


@dataclass(frozen=True, slots=True)
class Statement:
    """Some lines of a statement, and what all of them add up to.

    Attributes:
        lines: each with when it was booked (µs, domain time), in that order.
        sums: of all lines.
    """

    lines: Sequence[tuple[int, Entry]]
    sums: Sums


@dataclass(frozen=True, slots=True)
class Statements:
    """What some customers have earned in a month.

    Attributes:
        sums: with the place and the id of each customer, the oldest record first.
        place: where to go on; None at the end.
        looked_at: how many customers were gone over.
    """

    sums: Sequence[tuple[Place, Sums]]
    place: Place | None
    looked_at: int


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
                "undecided": f"{keys.undecided(p, name.tenant)}:{name.id}",
            },
            args={
                "period": period,
                "month": month_number(period),
                "start": start,
                "limit": limit,
            },
            deadline=deadline,
        )
        if reply.status == "missing":
            return None
        lines = records.sequence(reply.fields["lines"])
        return Statement(
            [unpack_entry_of(name.id, period, records.blob(line)) for line in lines],
            sums_of(reply.fields),
        )

    async def list(
        self,
        tenant: str,
        period: str,
        *,
        place: Place | None,
        limit: int,
        scan: int,
        deadline: float | None,
    ) -> Statements:
        """List what customers have earned in a month, from a place on.

        Args:
            tenant: whose customers.
            period: the month, as `2026-11`.
            place: the one that a page before ended with; None for the first.
            limit: how many statements at the most.
            scan: how many customers to look at: a page may be short, or even empty, and still have
                a place to go on from.
            deadline: in seconds of `time.monotonic`.
        """
        p = self.store.partition(tenant)
        reply = await self.store.run(
            LIST,
            p,
            keys={
                "index": keys.index(p, tenant),
                "statements": keys.statements(p, tenant),
                "commission_sums": keys.commission_sums(p, tenant),
                "undecided": keys.undecided(p, tenant),
            },
            args={
                "period": period,
                "month": month_number(period),
                "score": place[0] if place else None,
                "member": place[1] if place else None,
                "descending": False,
                "limit": limit,
                "scan": scan,
            },
            deadline=deadline,
        )
        fields = reply.fields
        return Statements(
            [
                ((each["score"], each["customer"]), sums_of(each))
                for each in map(records.mapping, records.sequence(fields["statements"]))
            ],
            (fields["score"], fields["member"]) if fields["more"] else None,
            fields["looked"],
        )


def sums_of(fields: Mapping[str, int]) -> Sums:
    """Return what a statement adds up to, as scripts answer it."""
    return Sums(fields["count"], fields["earned"], fields["taken_back"], fields["undecided"])
