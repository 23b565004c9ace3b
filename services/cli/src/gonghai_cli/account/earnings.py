"""What a month paid in commissions (佣金), one statement line by line, and scorecards (业绩卡)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from gonghai.archive.v1 import archive_service_pb2
from gonghai_chassis.instants import instant_of
from gonghai_cli.account.reading import minor, side_by_side
from gonghai_cli.flow.repeat import repeated

if TYPE_CHECKING:
    from gonghai.archive.v1 import customer_pb2
    from gonghai_cli.account.reading import Findings
    from gonghai_cli.services import Services

_PAGE: Final = 1000
_CARDS: Final = 8
_ZONE: Final = ZoneInfo("Asia/Shanghai")
"""In which the samples' tenants count months."""


@dataclass(frozen=True, slots=True)
class Earning:
    """What one earned in the month, on his own orders and on those of his second level."""

    customer: str
    name: str
    tier: str
    lines: int
    earned: int
    taken_back: int
    total: int


@dataclass(frozen=True, slots=True)
class StatementLine:
    """An order, or part of one: whose, of what amount, how much of it, and why."""

    at: int
    activity: str
    name: str
    basis: int
    basis_points: int
    amount: int
    why: str


@dataclass(frozen=True, slots=True)
class Card:
    """How one and its second level did in the month.

    Attributes:
        name: what people call it.
        tier_at_end: its tier when the month ended, or "".
        own: what it bought less what it gave back.
        second_level: likewise its second level.
        members: how many that had when the month ended.
        joined: how many of them had come in the month.
        left: how many had left in it.
        active: how many ordered in it.
    """

    name: str
    tier_at_end: str
    own: int
    second_level: int
    members: int
    joined: int
    left: int
    active: int


@dataclass(frozen=True, slots=True)
class Month:
    """A month's earnings, the largest first.

    Attributes:
        period: such as `2026-11`.
        earnings: of everybody who earned anything.
        example: whose statement stands here: whom returns took most from, else who earned most.
        statement: that statement, by time; what took back comes first.
        cards: how those did who earned most.
    """

    period: str
    earnings: tuple[Earning, ...]
    example: str
    statement: tuple[StatementLine, ...]
    cards: tuple[Card, ...]


async def month_of(services: Services, found: Findings) -> Month | None:
    """Read the statements of the last whole month; None when nobody earned anything."""
    local = datetime.fromtimestamp(found.now / 1_000_000, tz=UTC).astimezone(_ZONE)
    period = (local.replace(day=1) - timedelta(days=1)).strftime("%Y-%m")

    async def ask(customer: customer_pb2.Customer) -> archive_service_pb2.CommissionStatement:
        request = archive_service_pb2.GetCommissionStatementRequest(
            customer=customer.name, period=period, page_size=_PAGE
        )
        return await repeated(lambda: services.archive.GetCommissionStatement(request))

    customers = [found.customers[each] for each in sorted(found.customers)]
    statements = [each for each in await side_by_side(ask, customers) if each.line_count]
    if not statements:
        return None
    statements.sort(key=lambda each: (-minor(each.total), each.customer))

    async def ask_card(
        statement: archive_service_pb2.CommissionStatement,
    ) -> archive_service_pb2.CustomerScorecard:
        request = archive_service_pb2.GetCustomerScorecardRequest(
            customer=statement.customer, period=period
        )
        return await repeated(lambda: services.archive.GetCustomerScorecard(request))

    cards = await side_by_side(ask_card, statements[:_CARDS])
    example = min(statements, key=lambda each: minor(each.taken_back))
    return Month(
        period=period,
        earnings=tuple(_earning(found, each) for each in statements),
        example=found.name(example.customer),
        statement=tuple(
            sorted(
                (_line(found, line) for line in example.lines),
                key=lambda line: (line.amount >= 0, line.at, line.activity),
            )
        ),
        cards=tuple(_card(found, each) for each in cards),
    )


def _earning(found: Findings, statement: archive_service_pb2.CommissionStatement) -> Earning:
    customer = found.customers[statement.customer.rpartition("/")[2]]
    return Earning(
        customer=statement.customer.rpartition("/")[2],
        name=customer.display_name,
        tier=customer.tier.tier,
        lines=statement.line_count,
        earned=minor(statement.earned),
        taken_back=minor(statement.taken_back),
        total=minor(statement.total),
    )


def _card(found: Findings, card: archive_service_pb2.CustomerScorecard) -> Card:
    return Card(
        name=found.name(card.customer),
        tier_at_end=card.tier_at_end,
        own=minor(card.own.total),
        second_level=minor(card.second_level.total),
        members=card.members,
        joined=card.joined_members,
        left=card.left_members,
        active=card.active_members,
    )


def _line(found: Findings, line: archive_service_pb2.CommissionLine) -> StatementLine:
    customer, _, activity = line.activity.partition("/activities/")
    return StatementLine(
        at=instant_of(line.occur_time),
        activity=activity,
        name=found.name(customer),
        basis=minor(line.basis),
        basis_points=line.basis_points,
        amount=minor(line.amount),
        why=line.reason,
    )
