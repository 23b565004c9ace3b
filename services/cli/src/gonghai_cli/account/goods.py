"""What is bought and asked for, by category: who would want to hear of a new product."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gonghai_cli.account.kinds import label_of
from gonghai_cli.account.reading import list_activities, side_by_side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai.archive.v1 import activity_pb2, customer_pb2
    from gonghai.policy.v1.policy_service_pb2 import AttributeDeclaration
    from gonghai_cli.account.kinds import Label
    from gonghai_cli.account.reading import Findings
    from gonghai_cli.services import Services

DAYS: Final = 90
_DAY: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Goods:
    """A category: who bought it and asked for it in 90 days, and who bought it most often."""

    category: str
    label: Label
    buyers: int
    orders: int
    asked: int
    most_often: str
    times: int


async def goods_of(
    services: Services, found: Findings, attributes: Sequence[AttributeDeclaration]
) -> list[Goods]:
    """Read what each customer bought and asked for; what is asked for most comes first.

    A category that is named after a value of an attribute is called as that.
    """
    labels = {
        value.value: label_of(value) for attribute in attributes for value in attribute.values
    }
    since = found.now - DAYS * _DAY

    async def ask(customer: customer_pb2.Customer) -> list[activity_pb2.Activity]:
        facts = customer.metrics.facts
        recent: list[activity_pb2.Activity] = []
        for kind, count in (("purchase", "orders_90d"), ("interest", "interests_90d")):
            if count in facts and facts[count].int_value:
                recent += await list_activities(services, customer.name, kind, since)
        return recent

    customers = [found.customers[each] for each in sorted(found.customers)]
    orders: dict[str, Counter[str]] = {}
    asking: dict[str, set[str]] = {}
    for customer, activities in zip(customers, await side_by_side(ask, customers), strict=True):
        for activity in activities:
            if activity.interest.category:
                asking.setdefault(activity.interest.category, set()).add(customer.name)
            for category in {line.category for line in activity.purchase.lines} - {""}:
                orders.setdefault(category, Counter())[customer.display_name] += 1
    lines = []
    for category in sorted({*orders, *asking}):
        by = orders.get(category, Counter())
        most = min(by, key=lambda name: (-by[name], name), default="")
        asked = len(asking.get(category, ()))
        lines.append(
            Goods(
                category=category,
                label=labels.get(category, (category, category)),
                buyers=len(by),
                orders=by.total(),
                asked=asked,
                most_often=most,
                times=by[most] if most else 0,
            )
        )
    return sorted(lines, key=lambda line: (-line.asked, -line.buyers, line.category))
