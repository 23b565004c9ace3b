"""What scorecards are made from, in the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gonghai_archive.store import keys
from gonghai_archive.store.rows import (
    month_number,
    unpack_activities,
    unpack_customer,
    unpack_entry,
    unpack_membership,
    unpack_terms,
)
from gonghai_archive.store.statements import Sums, sums_of
from gonghai_chassis.store import Script, records

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from gonghai_archive.activities import Activity
    from gonghai_archive.commissions import Terms
    from gonghai_archive.customers import Customer
    from gonghai_archive.lines import Membership
    from gonghai_chassis.names import CustomerName
    from gonghai_chassis.store import Store
    from gonghai_policy_service import PolicyBook

READ: Final = Script("gonghai_archive.store", "read_scorecard")

_AT_ONCE: Final = 50
"""Of how many customers the orders are read in one step."""


@dataclass(frozen=True, slots=True)
class Orders:
    """A customer's activities, in the order in which they were recorded, and by what they pay."""

    activities: Sequence[Activity]
    terms: Mapping[str, Terms]


@dataclass(frozen=True, slots=True)
class Sources:
    """What a customer's scorecard is made from, as it was at one moment.

    Attributes:
        now: that moment (µs, domain time).
        stamp: of the tenant's policy then.
        customer: its record.
        history: of the record, oldest first: when, and who, for whom, what, before, after.
        orders: its own.
        memberships: who came below it and who left, in that order.
        sums: of its statement.
    """

    now: int
    stamp: bytes | None
    customer: Customer
    history: Sequence[tuple[int, Any]]
    orders: Orders
    memberships: Sequence[Membership]
    sums: Sums


@dataclass(frozen=True, slots=True)
class ScorecardStore:
    """Reads what scorecards are made from."""

    store: Store
    book: PolicyBook

    async def read(
        self, name: CustomerName, period: str, *, deadline: float | None
    ) -> Sources | None:
        """Read all but the orders of the second level; None: no such customer."""
        p, tenant, ident = self.store.partition(name.tenant), name.tenant, name.id
        reply = await self.store.run(
            READ,
            p,
            keys={
                "policy": self.book.key(p, tenant),
                "customer": keys.customer(p, tenant, ident),
                "history": keys.history(p, tenant, ident),
                "activities": keys.activities(p, tenant, ident),
                "commissions": keys.commissions(p, tenant, ident),
                "memberships": f"{keys.memberships(p, tenant)}:{ident}",
                "commission_sums": f"{keys.commission_sums(p, tenant)}:{ident}",
                "statement": f"{keys.statements(p, tenant)}:{ident}:{period}",
                "undecided": f"{keys.undecided(p, tenant)}:{ident}",
            },
            args={"period": period, "month": month_number(period)},
            deadline=deadline,
        )
        if reply.status == "missing":
            return None
        fields = reply.fields
        return Sources(
            now=reply.now,
            stamp=_blob(fields.get("stamp")),
            customer=unpack_customer(tenant, ident, records.blob(fields["record"])),
            history=[unpack_entry(records.blob(each)) for each in _list(fields["history"])],
            orders=Orders(
                unpack_activities(_blob(fields.get("activities"))),
                unpack_terms(_blob(fields.get("terms"))),
            ),
            memberships=[
                unpack_membership(records.blob(each)) for each in _list(fields["memberships"])
            ],
            sums=sums_of(fields),
        )

    async def orders(
        self, tenant: str, ids: Sequence[str], *, until: int, deadline: float | None
    ) -> AsyncGenerator[tuple[str, Orders], None]:
        """Yield the orders of customers that were recorded up to a moment (µs, domain time)."""
        p = self.store.partition(tenant)
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            wanted = [keys.activities(p, tenant, each) for each in some]
            wanted += [keys.commissions(p, tenant, each) for each in some]
            got = (await self.store.read(p, wanted, deadline=deadline)).values
            for ident, happened, terms in zip(
                some, got[: len(some)], got[len(some) :], strict=True
            ):
                activities = unpack_activities(happened)
                yield (
                    ident,
                    Orders(
                        [each for each in activities if each.recorded <= until],
                        unpack_terms(terms),
                    ),
                )


def _list(stored: Any) -> Sequence[Any]:  # noqa: ANN401 - as the script answers it
    return records.sequence(stored)


def _blob(stored: Any) -> bytes | None:  # noqa: ANN401 - as the script answers it
    return None if stored is None else records.blob(stored)
