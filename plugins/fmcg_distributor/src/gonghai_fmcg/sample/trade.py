"""How the sample's customers order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from gonghai_plugin.sample import Line, Purchase
from gonghai_plugin.sample.days import DAY, office_hour

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from gonghai_plugin.sample.care import Care


class Habit(Enum):
    """How a customer orders."""

    STEADY = "steady"
    GROWING = "growing"
    SLOWING = "slowing"
    LOST = "lost"
    POTENTIAL = "potential"


@dataclass(frozen=True, slots=True)
class Trader:
    """What the generator knows of a customer: never shown to the system."""

    customer: str
    role: str
    categories: tuple[str, ...]
    habit: Habit
    care: Care
    size: float
    pace: float


RHYTHM: Final = {
    "distributor": 14,
    "wholesaler": 18,
    "key_account": 7,
    "convenience": 10,
    "family_store": 21,
    "ecommerce": 9,
}
"""Days between orders usual for a channel role."""

_ORDER: Final = {
    # What an order is worth, in 元.
    "distributor": 42_000,
    "wholesaler": 16_000,
    "key_account": 21_000,
    "convenience": 4_500,
    "family_store": 1_300,
    "ecommerce": 9_000,
}

_PRODUCTS: Final = {
    "beverage": ("冰红茶", "矿泉水", "果汁", "气泡水"),
    "dairy": ("纯牛奶", "酸奶", "奶粉"),
    "snack": ("薯片", "坚果", "饼干"),
    "instant": ("方便面", "自热米饭", "螺蛳粉"),
    "seasoning": ("生抽", "食用油", "鸡精"),
    "personal_care": ("洗发水", "牙膏", "沐浴露"),
    "household": ("洗衣液", "抽纸", "洗洁精"),
}


def purchases(
    random: Random, trader: Trader, first_day: int, days: int, prefix: str
) -> Iterator[Purchase]:
    """Make a customer's purchases in ``days`` days from the midnight ``first_day`` on."""
    rhythm = RHYTHM[trader.role] * trader.pace
    day, number = random.uniform(0, rhythm), 0
    while day < days:
        number += 1
        at = first_day + int(day) * DAY + office_hour(random)
        share = day / days
        growth = 1 + share if trader.habit is Habit.GROWING else 1.0
        yield Purchase(
            id=f"{prefix}-order-{trader.customer}-{number}",
            customer=trader.customer,
            at=at,
            channel="online" if trader.role == "ecommerce" else "field",
            lines=tuple(_lines(random, trader, growth)),
        )
        day += rhythm * random.uniform(0.75, 1.25)


def _lines(random: Random, trader: Trader, growth: float) -> Iterator[Line]:
    count = min(len(trader.categories), random.randrange(1, 4))
    worth = _ORDER[trader.role] * trader.size * growth * random.uniform(0.7, 1.3)
    for category in random.sample(trader.categories, count):
        amount = max(100, round(worth * 100 / count))
        yield Line(
            product=random.choice(_PRODUCTS[category]),
            category=category,
            quantity=max(1, amount // random.randrange(3_000, 9_000)),
            amount=amount,
        )
