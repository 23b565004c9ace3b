"""How the sample's customers order, and how they are looked after."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from gonghai_fmcg.sample.model import FollowUp, Line, Purchase

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

MINUTE: Final = 60_000_000
DAY: Final = 24 * 60 * MINUTE
_OFFSET: Final = 8 * 60 * MINUTE
"""Of Shanghai, which has no summer time."""


class Habit(Enum):
    """How a customer orders."""

    STEADY = "steady"
    GROWING = "growing"
    SLOWING = "slowing"
    LOST = "lost"
    POTENTIAL = "potential"


class Care(Enum):
    """How the rep looks after a customer in the days of the script."""

    TENDED = "tended"
    FADING = "fading"
    """At first, then for three weeks not at all, which costs the holding, then again."""
    UNREACHED = "unreached"
    """Tried again and again, and never reached: that does not count."""
    NEGLECTED = "neglected"


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


def local_midnight(instant: int) -> int:
    """Return the instant at which the local day of ``instant`` began."""
    return (instant + _OFFSET) // DAY * DAY - _OFFSET


def purchases(
    random: Random, trader: Trader, first_day: int, days: int, prefix: str
) -> Iterator[Purchase]:
    """Make a customer's purchases in ``days`` days from the midnight ``first_day`` on."""
    rhythm = RHYTHM[trader.role] * trader.pace
    day, number = random.uniform(0, rhythm), 0
    while day < days:
        number += 1
        at = first_day + int(day) * DAY + _office_hour(random)
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


def follow_ups(
    random: Random, trader: Trader, first_day: int, days: int, reps: tuple[str, ...]
) -> Iterator[FollowUp]:
    """Make the follow-ups of a year past, by one rep of the region."""
    rep = random.choice(reps)
    day, number = random.uniform(5, 60), 0
    while day < days:
        number += 1
        yield _contact(
            random,
            f"past-contact-{trader.customer}-{number}",
            trader.customer,
            rep,
            first_day + int(day) * DAY,
            reached=random.random() < 0.85,  # noqa: PLR2004 - most are
        )
        day += random.uniform(40, 110)


def script_follow_ups(
    random: Random, trader: Trader, first_day: int, days: int
) -> Iterator[FollowUp]:
    """Make what the holder does in the days of the script, according to the care he takes."""
    if trader.care is Care.NEGLECTED:
        return
    silent = range(18, 40) if trader.care is Care.FADING else range(0)
    day, number = random.uniform(1, 3), 0
    while day < days:
        number += 1
        if int(day) in silent:
            day += 1
            continue
        yield _contact(
            random,
            f"next-contact-{trader.customer}-{number}",
            trader.customer,
            None,
            first_day + int(day) * DAY,
            reached=trader.care is not Care.UNREACHED,
        )
        day += random.uniform(5, 9)


def _contact(
    random: Random, name: str, customer: str, rep: str | None, day: int, *, reached: bool
) -> FollowUp:
    kind, channel = random.choice(
        (("follow_up", "call"), ("follow_up", "call"), ("visit", "visit"))
    )
    return FollowUp(
        id=name,
        customer=customer,
        rep=rep,
        at=day + _office_hour(random),
        kind=kind,
        channel=channel,
        outcome=random.choice(("connected", "interested", "ordered"))
        if reached
        else random.choice(("no_answer", "closed")),
        minutes=(random.randrange(20, 60) if kind == "visit" else random.randrange(2, 20))
        if reached
        else 0,
    )


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


def _office_hour(random: Random) -> int:
    return random.randrange(9 * 60, 18 * 60) * MINUTE
