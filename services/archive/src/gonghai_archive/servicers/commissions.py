"""What customers have earned on orders."""

# ruff: noqa: N802 - methods are named as in the contract
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai_archive.listing import Entries, Shown, page_of
from gonghai_archive.money import money_of
from gonghai_chassis.context import current
from gonghai_chassis.errors import NotFound
from gonghai_chassis.instants import timestamp
from gonghai_chassis.names import CustomerName, TenantName
from gonghai_chassis.page_tokens import page_place, page_size, page_token
from gonghai_policy_service.reasons import in_language

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_archive.commissions import Entry
    from gonghai_archive.servicers.reach import Guard
    from gonghai_archive.store.customers import Place
    from gonghai_archive.store.statements import StatementStore, Sums

_SCAN: Final = 1000
"""How many customers one step of a page of statements goes over, at the most."""


@dataclass(frozen=True, slots=True)
class Commissions:
    """The RPCs about commissions."""

    statements: StatementStore
    guard: Guard
    currency: str

    async def GetCommissionStatement(
        self, request: pb.GetCommissionStatementRequest
    ) -> pb.CommissionStatement:
        """Get a customer's statement of a month."""
        name = CustomerName.parse(request.customer, "customer")
        size = page_size(request)
        (start,) = page_place(request, int) or [0]
        await self.guard.over_earnings(name)
        found = await self.statements.read(
            name, request.period, start=start, limit=size, deadline=current().deadline
        )
        if found is None:
            raise NotFound(name)
        end = start + len(found.lines)
        statement = statement_message(name, request.period, found.sums, self.currency)
        statement.lines.extend(self._line(name.tenant, *line) for line in found.lines)
        if end < found.sums.count:
            statement.next_page_token = page_token(request, [end])
        return statement

    async def ListCommissionStatements(
        self, request: pb.ListCommissionStatementsRequest
    ) -> pb.ListCommissionStatementsResponse:
        """List what a tenant's customers have earned in a month."""
        tenant = TenantName.parse(request.parent, "parent").tenant

        async def look(place: Place | None, limit: int) -> Entries[tuple[str, Sums]]:
            found = await self.statements.list(
                tenant,
                request.period,
                place=place,
                limit=limit,
                scan=_SCAN,
                deadline=current().deadline,
            )
            return Entries(
                [(at, (at[1], sums)) for at, sums in found.sums], found.place, found.looked_at
            )

        async def show(
            entries: Sequence[tuple[str, Sums]],
        ) -> list[Shown[pb.CommissionStatement]]:
            earners = await self.guard.earning(tenant, [ident for ident, _ in entries])
            return [
                Shown(
                    statement_message(
                        CustomerName(tenant, ident), request.period, sums, self.currency
                    )
                    if earner.readable
                    else None,
                    earner.in_doubt,
                )
                for (ident, sums), earner in zip(entries, earners, strict=True)
            ]

        place = page_place(request, int, str)
        page = await page_of(
            page_size(request), None if place is None else (place[0], place[1]), look, show
        )
        return pb.ListCommissionStatementsResponse(
            statements=page.messages,
            incomplete=page.incomplete,
            next_page_token=page_token(request, list(page.place)) if page.place else "",
        )

    def _line(self, tenant: str, booked: int, entry: Entry) -> pb.CommissionLine:
        customer = CustomerName(tenant, entry.customer)
        return pb.CommissionLine(
            activity=f"{customer}/activities/{entry.activity}",
            occur_time=timestamp(entry.occurred),
            book_time=timestamp(booked),
            basis=money_of(entry.basis, self.currency),
            basis_points=entry.basis_points,
            amount=money_of(entry.amount, self.currency),
            rule=entry.rule,
            reason=in_language(entry.reason, current().language),
        )


def statement_message(
    name: CustomerName, period: str, sums: Sums, currency: str
) -> pb.CommissionStatement:
    """Return a customer's statement of a month, without its lines."""
    return pb.CommissionStatement(
        customer=str(name),
        period=period,
        line_count=sums.count,
        earned=money_of(sums.earned, currency),
        taken_back=money_of(sums.taken_back, currency),
        total=money_of(sums.earned + sums.taken_back, currency),
        undecided_orders=sums.undecided,
    )
