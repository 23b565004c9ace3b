"""The sample's distributors: who they are, who sponsors them, and how they behave."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, TypeVar

from gonghai_plugin.sample import Contact, Customer
from gonghai_plugin.sample.care import Care
from gonghai_plugin.sample.days import DAY
from gonghai_plugin.sample.identifiers import credit_code, mobile
from gonghai_plugin.sample.people import person
from gonghai_two_tier.sample.places import CITIES
from gonghai_two_tier.sample.trade import Dealer, Habit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    from gonghai_two_tier.sample.places import City

_KeyT = TypeVar("_KeyT")

_HABITS: Final = {
    "first": {Habit.STEADY: 60, Habit.GROWING: 20, Habit.SLOWING: 12, Habit.LOST: 8},
    "second": {
        Habit.STEADY: 46,
        Habit.GROWING: 10,
        Habit.SLOWING: 14,
        Habit.LOST: 12,
        Habit.POTENTIAL: 18,
    },
}
_CARES: Final = {
    "first": {Care.TENDED: 80, Care.FADING: 20},
    "second": {Care.TENDED: 66, Care.FADING: 16, Care.UNREACHED: 6, Care.NEGLECTED: 12},
}
_WORDS: Final = (
    "金樽", "醉江南", "老窖坊", "玉泉", "杏花", "古井巷", "兴隆", "福星", "瑞祥", "盛和",
    "同福", "百顺", "天成", "万盛", "鸿运", "聚德", "长盛", "宝丰", "永和", "泰安",
    "东方", "华夏", "君悦", "四海", "德茂", "广源", "丰泽", "仁和", "新丰", "恒源",
)  # fmt: skip
_ENDINGS: Final = {"first": "酒业有限公司", "second": "名酒商行"}
_SOURCES: Final = {
    "first": ("trade_fair", "recruiting", "old_system"),
    "second": ("sponsor", "sponsor", "recruiting"),
}
_TITLES: Final = ("总经理", "老板", "采购", "店长")


def dealer(
    random: Random, number: int, first_level: Sequence[str], homes: Mapping[str, City]
) -> tuple[Dealer, City]:
    """Draw how a distributor behaves, and where it is.

    The first ``len(first_level)`` are of the first level; ``homes`` says where those are. Some
    sponsor many, some hardly anybody, each in its own area.
    """
    customer = f"d{number:04d}"
    level = "first" if customer in first_level else "second"
    sponsor = (
        random.choices(first_level, [1 / (place + 2) for place in range(len(first_level))])[0]
        if level == "second"
        else None
    )
    return Dealer(
        customer=customer,
        sponsor=sponsor,
        orphan=level == "second" and random.random() < 0.04,  # noqa: PLR2004 - a few
        habit=_draw(random, _HABITS[level]),
        care=_draw(random, _CARES[level]),
        size=math.exp(random.gauss(0, 0.5)),
        pace=random.uniform(1.0, 1.8),
    ), random.choice(
        CITIES if sponsor is None else [city for city in CITIES if city.area == homes[sponsor].area]
    )


def customer(
    random: Random,
    one: Dealer,
    city: City,
    start: int,
    attributes: dict[str, bool | int | str | tuple[str, ...]],
    taken: set[str],
) -> Customer:
    """Make the record of a distributor; names in ``taken`` are not used again."""
    fresh = one.habit is Habit.POTENTIAL
    return Customer(
        id=one.customer,
        name=_name(random, city, _ENDINGS[one.level], taken),
        kind="organization",
        region=city.id,
        source=random.choice(_SOURCES[one.level]),
        credit_code=credit_code(random, city.division),
        phone=mobile(random),
        address=f"{city.name}市{random.choice(city.streets)}{random.randrange(1, 999)}号",
        contacts=tuple(_contact(random, one, place) for place in range(random.randrange(1, 3))),
        tags=("新加盟",) if fresh else (),
        attributes=attributes,
        created_at=start
        - (random.randrange(5, 60) if fresh else random.randrange(366, 1500)) * DAY,
    )


def _contact(random: Random, one: Dealer, place: int) -> Contact:
    return Contact(
        name=person(random),
        title=random.choice(_TITLES),
        phone=mobile(random),
        email=f"{one.customer}-{place + 1}@example.com",
    )


def _name(random: Random, city: City, ending: str, taken: set[str]) -> str:
    while True:
        word = random.choice(_WORDS)
        if random.random() < 0.4:  # noqa: PLR2004 - thirty words do not name three hundred
            word += random.choice(_WORDS)[0]
        name = f"{city.name}{word}{ending}"
        if name not in taken:
            taken.add(name)
            return name


def _draw(random: Random, shares: dict[_KeyT, int]) -> _KeyT:
    return random.choices(tuple(shares), weights=tuple(shares.values()))[0]
