"""How the sample's distributors order: the first level from the house, the second through it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from gonghai_plugin.sample import Feedback, Line, Purchase, Return
from gonghai_plugin.sample.days import DAY, office_hour

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from gonghai_plugin.sample.care import Care


class Habit(Enum):
    """How a distributor orders."""

    STEADY = "steady"
    GROWING = "growing"
    SLOWING = "slowing"
    LOST = "lost"
    POTENTIAL = "potential"


@dataclass(frozen=True, slots=True)
class Dealer:
    """What the generator knows of a distributor: never shown to the system."""

    customer: str
    sponsor: str | None
    orphan: bool
    """Its sponsor has left, and it has no other yet."""
    habit: Habit
    care: Care
    size: float
    pace: float

    @property
    def level(self) -> str:
        """Return ``first`` or ``second``."""
        return "first" if self.sponsor is None else "second"


RHYTHM: Final = {"first": 13, "second": 16}
"""Days between orders usual for a level."""

SILENCE: Final = {
    # Days without an order of a slowing distributor, of a lost one.
    "first": ((47, 120), (155, 300)),
    "second": ((42, 100), (125, 300)),
}

_ORDER: Final = {"first": 36_000, "second": 5_200}
"""What an order is worth, in 元."""

_PRODUCTS: Final = {
    "baijiu": ("陈酿十年", "原浆酒", "光瓶酒"),
    "wine": ("干红", "起泡酒"),
    "beer": ("精酿罐装", "原浆啤酒"),
    "gift": ("礼盒装", "婚宴定制"),
}
_COMPLAINTS: Final = ("返利到账慢", "隔壁区域低价窜货", "物料不足", "破瓶未补")
_PRAISE: Final = ("动销快", "培训有用", "包装升级好")


def purchases(
    random: Random, dealer: Dealer, first_day: int, days: int, prefix: str
) -> Iterator[Purchase]:
    """Make a distributor's purchases in ``days`` days from the midnight ``first_day`` on."""
    rhythm = RHYTHM[dealer.level] * dealer.pace
    day, number = random.uniform(0, rhythm), 0
    while day < days:
        number += 1
        share = day / days
        growth = 1 + share if dealer.habit is Habit.GROWING else 1.0
        yield Purchase(
            id=f"{prefix}-order-{dealer.customer}-{number}",
            customer=dealer.customer,
            at=first_day + int(day) * DAY + office_hour(random),
            channel="house" if dealer.sponsor is None else "sponsor",
            lines=tuple(_lines(random, dealer, growth)),
        )
        day += rhythm * random.uniform(0.75, 1.25)


def given_back(random: Random, purchase: Purchase) -> Iterator[Return]:
    """Give one purchase in forty back within two weeks: its first line, or all of it."""
    if random.random() >= 0.025:  # noqa: PLR2004 - one in forty
        return
    whole = random.random() < 0.3  # noqa: PLR2004 - a third give back all
    yield Return(
        id=f"return-{purchase.id}",
        customer=purchase.customer,
        at=purchase.at + random.randrange(2, 15) * DAY,
        purchase=purchase.id,
        lines=purchase.lines if whole else purchase.lines[:1],
    )


def voices(
    random: Random, dealer: Dealer, first_day: int, days: int, prefix: str
) -> Iterator[Feedback]:
    """Make what a distributor says; one that slows down complains in the end."""
    sour = dealer.habit in {Habit.SLOWING, Habit.LOST}
    day, number = random.uniform(0, 90), 0
    while day < days:
        number += 1
        kind = random.choices(
            ("complaint", "praise"), (4, 1) if sour and day > days - 90 else (1, 3)
        )[0]
        yield Feedback(
            f"{prefix}-feedback-{dealer.customer}-{number}",
            dealer.customer,
            first_day + int(day) * DAY + office_hour(random),
            kind,
            random.choice(_COMPLAINTS if kind == "complaint" else _PRAISE),
        )
        day += random.uniform(20, 120)


def _lines(random: Random, dealer: Dealer, growth: float) -> Iterator[Line]:
    categories = random.sample(tuple(_PRODUCTS), random.randrange(1, 4))
    worth = _ORDER[dealer.level] * dealer.size * growth * random.uniform(0.7, 1.3)
    for category in categories:
        amount = max(100, round(worth * 100 / len(categories)))
        yield Line(
            product=random.choice(_PRODUCTS[category]),
            category=category,
            quantity=max(1, amount // random.randrange(4_000, 30_000)),
            amount=amount,
        )
