"""What customers have earned on orders."""

# ruff: noqa: N802 - methods are named as in the contract
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai_archive.money import money_of
from gonghai_chassis.context import current
from gonghai_chassis.errors import NotFound
from gonghai_chassis.instants import timestamp
from gonghai_chassis.names import CustomerName
from gonghai_chassis.page_tokens import page_place, page_size, page_token

if TYPE_CHECKING:
    from gonghai_archive.commissions import Entry
    from gonghai_archive.servicers.reach import Guard
    from gonghai_archive.store.statements import StatementStore


@dataclass(frozen=True, slots=True)
class Commissions:
    """The RPC about commissions."""

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
        return pb.CommissionStatement(
            customer=str(name),
            period=request.period,
            lines=[self._line(name.tenant, booked, entry) for booked, entry in found.lines],
            next_page_token=page_token(request, [end]) if end < found.count else "",
            line_count=found.count,
            earned=money_of(found.earned, self.currency),
            taken_back=money_of(found.taken_back, self.currency),
            total=money_of(found.earned + found.taken_back, self.currency),
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
            reason=entry.reason_zh if current().language == "zh" else entry.reason_en,
        )
