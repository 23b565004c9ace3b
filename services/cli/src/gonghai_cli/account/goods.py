"""What is bought often and asked for, by category: who would want to hear of a new product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gonghai_cli.account.kinds import label_of
from gonghai_cli.account.reading import list_activities, list_buyers, side_by_side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai.archive.v1 import activity_pb2, customer_pb2
    from gonghai.policy.v1.policy_service_pb2 import AttributeDeclaration
    from gonghai_cli.account.kinds import Label
    from gonghai_cli.account.reading import Findings
    from gonghai_cli.services import Services

DAYS: Final = 90
"""Days in which a question about a product is a fresh one."""

_DAY: Final = 86_400_000_000
_FIRST: Final = 3


@dataclass(frozen=True, slots=True)
class Goods:
    """A category: how many buy it often, how many asked for it in 90 days, and whom to tell first.

    The last are some of those who buy it often, the most valuable of them.
    """

    category: str
    label: Label
    often: int
    asked: int
    first: tuple[str, ...]


async def goods_of(
    services: Services, tenant: str, found: Findings, attributes: Sequence[AttributeDeclaration]
) -> list[Goods]:
    """Read who buys what often and who asked for it; what is asked for most comes first.

    A category that is named after a value of an attribute is called as that.
    """
    labels = {
        value.value: label_of(value) for attribute in attributes for value in attribute.values
    }
    asked = await _asked(services, found)
    bought = {category for each in found.customers.values() for category in each.buys_often}

    async def goods(category: str) -> Goods:
        buyers = await list_buyers(services, tenant, category) if category in bought else []
        return Goods(
            category=category,
            label=labels.get(category, (category, category)),
            often=len(buyers),
            asked=len(asked.get(category, ())),
            first=tuple(each.display_name for each in buyers[:_FIRST]),
        )

    lines = await side_by_side(goods, sorted(bought | asked.keys()))
    return sorted(lines, key=lambda line: (-line.asked, -line.often, line.category))


async def _asked(services: Services, found: Findings) -> dict[str, set[str]]:
    """Return who asked for each category lately."""
    since = found.now - DAYS * _DAY

    async def ask(customer: customer_pb2.Customer) -> list[activity_pb2.Activity]:
        if not customer.metrics.facts["interests_90d"].int_value:
            return []
        return await list_activities(services, customer.name, "interest", since)

    customers = [found.customers[each] for each in sorted(found.customers)]
    asked: dict[str, set[str]] = {}
    for customer, activities in zip(customers, await side_by_side(ask, customers), strict=True):
        for activity in activities:
            if activity.interest.category:
                asked.setdefault(activity.interest.category, set()).add(customer.name)
    return asked
