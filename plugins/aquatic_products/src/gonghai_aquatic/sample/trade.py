"""How the sample's customers buy, ask and complain; who lives on the catch pauses in summer."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from gonghai_aquatic.attributes import SPECIES
from gonghai_plugin.sample import Feedback, Interest, Line, Purchase, Return
from gonghai_plugin.sample.days import DAY, office_hour

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from gonghai_plugin.sample.care import Care


class Habit(Enum):
    """How a customer buys."""

    STEADY = "steady"
    GROWING = "growing"
    SLOWING = "slowing"
    LOST = "lost"
    POTENTIAL = "potential"


@dataclass(frozen=True, slots=True)
class Buyer:
    """What the generator knows of a customer: never shown to the system."""

    customer: str
    business: str
    species: tuple[str, ...]
    sea_area: str
    supply: str
    habit: Habit
    care: Care
    size: float
    pace: float

    def may_buy(self, at: int) -> bool:
        """Say whether there is anything to buy: in the closed season there is no catch."""
        if self.supply != "wild_catch":
            return True
        first, last = _CLOSED[self.sea_area]
        day = dt.datetime.fromtimestamp(at // 1_000_000, _SHANGHAI)
        return not first <= (day.month, day.day) <= last


_SHANGHAI: Final = dt.timezone(dt.timedelta(hours=8))
_CLOSED: Final = {
    "north_of_35": ((5, 1), (9, 1)),
    "between_35_and_26_30": ((5, 1), (9, 16)),
    "south_of_26_30": ((5, 1), (8, 16)),
}

RHYTHM: Final = {"farm": 40, "wholesale": 9, "restaurant": 6, "processor": 24, "retail": 8}
"""Days between orders usual for a kind of business."""

SILENCE: Final = {
    # Days without an order of a slowing customer, of a lost one.
    "farm": ((95, 200), (275, 330)),
    "wholesale": ((32, 80), (95, 300)),
    "restaurant": ((23, 60), (80, 300)),
    "processor": ((80, 180), (215, 330)),
    "retail": ((27, 70), (85, 300)),
}

_ORDER: Final = {
    # What an order is worth, in 元.
    "farm": 21_000,
    "wholesale": 14_000,
    "restaurant": 2_600,
    "processor": 58_000,
    "retail": 2_200,
}

_COMPLAINTS: Final = ("到货死亡率偏高", "冰量不足，鱼体发软", "规格与合同不符", "送货晚点")
_PRAISE: Final = ("鲜度很好", "规格整齐", "送货准时")
_SUGGESTIONS: Final = ("希望增加小规格包装", "希望提前一天报价", "希望提供检疫证扫描件")


def purchases(
    random: Random, buyer: Buyer, first_day: int, days: int, prefix: str
) -> Iterator[Purchase]:
    """Make a customer's purchases in ``days`` days from the midnight ``first_day`` on."""
    rhythm = RHYTHM[buyer.business] * buyer.pace
    day, number = random.uniform(0, rhythm), 0
    while day < days:
        at = first_day + int(day) * DAY + office_hour(random)
        share = day / days
        day += rhythm * random.uniform(0.75, 1.25)
        if not buyer.may_buy(at):
            continue
        number += 1
        growth = 1 + share if buyer.habit is Habit.GROWING else 1.0
        yield Purchase(
            id=f"{prefix}-order-{buyer.customer}-{number}",
            customer=buyer.customer,
            at=at,
            channel="market" if buyer.business == "wholesale" else "field",
            lines=tuple(_lines(random, buyer, growth)),
        )


def spoiled(random: Random, purchase: Purchase) -> Iterator[Return]:
    """Give one purchase in fifty back the day after: part of it arrived dead or soft."""
    if random.random() >= 0.02:  # noqa: PLR2004 - one in fifty
        return
    line = purchase.lines[0]
    yield Return(
        id=f"return-{purchase.id}",
        customer=purchase.customer,
        at=purchase.at + DAY,
        purchase=purchase.id,
        lines=(
            Line(
                line.product,
                line.category,
                max(1, line.quantity // 4),
                max(1, line.amount // 4),
            ),
        ),
    )


def voices(
    random: Random, buyer: Buyer, first_day: int, days: int, prefix: str
) -> Iterator[Feedback | Interest]:
    """Make what a customer says and asks; one that slows down falls silent, or complains."""
    sour = buyer.habit in {Habit.SLOWING, Habit.LOST}
    until = days - (80 if sour and random.random() < 0.5 else 0)  # noqa: PLR2004 - half of them
    day, number = random.uniform(0, 40), 0
    while day < until:
        number += 1
        at = first_day + int(day) * DAY + office_hour(random)
        if random.random() < 0.35:  # noqa: PLR2004 - a third are questions
            species = random.choice(tuple(SPECIES))
            yield Interest(
                f"{prefix}-interest-{buyer.customer}-{number}",
                buyer.customer,
                at,
                SPECIES[species].zh,
                species,
            )
        else:
            late = sour and day > days - 60
            kind = random.choices(
                ("complaint", "suggestion", "praise"), (8, 1, 1) if late else (1, 2, 4)
            )[0]
            texts = {"complaint": _COMPLAINTS, "suggestion": _SUGGESTIONS, "praise": _PRAISE}[kind]
            yield Feedback(
                f"{prefix}-feedback-{buyer.customer}-{number}",
                buyer.customer,
                at,
                kind,
                random.choice(texts),
            )
        day += random.uniform(10, 60)


def _lines(random: Random, buyer: Buyer, growth: float) -> Iterator[Line]:
    count = min(len(buyer.species), random.randrange(1, 4))
    worth = _ORDER[buyer.business] * buyer.size * growth * random.uniform(0.7, 1.3)
    for species in random.sample(buyer.species, count):
        amount = max(100, round(worth * 100 / count))
        yield Line(
            product=SPECIES[species].zh,
            category=species,
            quantity=max(1, amount // random.randrange(2_000, 9_000)),
            amount=amount,
        )
