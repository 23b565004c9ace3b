"""The sample's customers: who they are, and how they behave."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, TypeVar

from gonghai_fmcg.attributes import CATEGORIES
from gonghai_fmcg.sample.places import CITIES
from gonghai_fmcg.sample.trade import Habit, Trader
from gonghai_plugin.sample import Contact, Customer
from gonghai_plugin.sample.care import Care
from gonghai_plugin.sample.days import DAY
from gonghai_plugin.sample.identifiers import credit_code, mobile
from gonghai_plugin.sample.people import person

if TYPE_CHECKING:
    from random import Random

    from gonghai_fmcg.sample.places import City

_KeyT = TypeVar("_KeyT")
_ROLES: Final = {
    # Role: how many of a hundred, the end of their names, outlets, m², vehicles.
    "distributor": (16, "商贸有限公司", (60, 600), (800, 6000), (5, 40)),
    "wholesaler": (20, "批发有限公司", (20, 200), (300, 2500), (2, 12)),
    "key_account": (8, "超市连锁有限公司", (8, 120), (2000, 20000), (5, 30)),
    "convenience": (20, "便利店有限公司", (5, 90), (100, 800), (1, 6)),
    "family_store": (27, "食品商行", (1, 2), (20, 120), (0, 1)),
    "ecommerce": (9, "电子商务有限公司", (1, 5), (400, 5000), (0, 4)),
}
_HABITS: Final = {
    Habit.STEADY: 50,
    Habit.GROWING: 10,
    Habit.SLOWING: 12,
    Habit.LOST: 12,
    Habit.POTENTIAL: 16,
}
_CARES: Final = {Care.TENDED: 66, Care.FADING: 16, Care.UNREACHED: 6, Care.NEGLECTED: 12}
_CARES_OF_LARGE: Final = {Care.TENDED: 80, Care.FADING: 20}
"""Key accounts and large distributors are assigned at once, and seldom forgotten."""

_PACES: Final = (1.0, 1.8)
_WORDS: Final = (
    "鑫源", "恒达", "永顺", "华联", "聚丰", "万家", "惠民", "德胜", "宏泰", "金桥",
    "百汇", "嘉禾", "众诚", "福满", "通达", "康源", "利群", "新世纪", "好邻居", "天天",
    "鼎盛", "五洲", "瑞丰", "东升", "和兴", "隆昌", "盛世", "民生", "佳佳", "顺发",
)  # fmt: skip
_SOURCES: Final = ("trade_fair", "referral", "field_visit", "website", "old_system")
_TITLES: Final = ("采购经理", "总经理", "店长", "老板", "商品部主管")


def trader(random: Random, number: int) -> Trader:
    """Draw how a customer behaves."""
    role = _draw(random, {name: row[0] for name, row in _ROLES.items()})
    large = role in {"distributor", "key_account"}
    return Trader(
        customer=f"c{number:04d}",
        role=role,
        categories=tuple(sorted(random.sample(tuple(CATEGORIES), random.randrange(2, 6)))),
        habit=_draw(random, _HABITS),
        care=_draw(random, _CARES_OF_LARGE if large else _CARES),
        size=math.exp(random.gauss(0, 0.6)),
        pace=random.uniform(*_PACES),
    )


def customer(random: Random, one: Trader, start: int, taken: set[str]) -> tuple[Customer, City]:
    """Make the record of a customer; names in ``taken`` are not used again."""
    city = random.choice(CITIES)
    _, ending, outlets, area, vehicles = _ROLES[one.role]
    name = _name(random, city, ending, taken)
    credit_days = random.choice((0, 15, 30, 45))
    late = random.random() < 0.1  # noqa: PLR2004 - one in ten
    exclusive = one.role == "distributor" and random.random() < 0.25  # noqa: PLR2004 - a quarter
    attributes: dict[str, bool | int | str | tuple[str, ...]] = {
        "channel_role": one.role,
        "outlets": _between(random, outlets, one.size),
        "warehouse_area": _between(random, area, one.size),
        "vehicles": _between(random, vehicles, one.size),
        "categories": one.categories,
        "credit_days": credit_days,
    }
    if one.role == "distributor":
        attributes["exclusive"] = exclusive
    if exclusive:
        attributes["exclusive_categories"] = one.categories[:1]
    if one.habit is not Habit.POTENTIAL:
        attributes["payment_days"] = credit_days + (random.randrange(21, 60) if late else 0)
    return Customer(
        id=one.customer,
        name=name,
        kind="organization",
        region=city.id,
        source=random.choice(_SOURCES),
        credit_code=credit_code(random, city.division),
        phone=mobile(random),
        address=f"{city.name}市{random.choice(city.streets)}{random.randrange(1, 999)}号",
        contacts=tuple(_contact(random, one, place) for place in range(random.randrange(1, 3))),
        tags=("新客",) if one.habit is Habit.POTENTIAL else (),
        attributes=attributes,
        created_at=start
        - (random.randrange(5, 60) if one.habit is Habit.POTENTIAL else random.randrange(366, 1500))
        * DAY,
    ), city


def _contact(random: Random, one: Trader, place: int) -> Contact:
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


def _between(random: Random, bounds: tuple[int, int], size: float) -> int:
    low, high = bounds
    return max(low, min(high, round(low + (high - low) * random.random() * min(size, 1.5))))


def _draw(random: Random, shares: dict[_KeyT, int]) -> _KeyT:
    return random.choices(tuple(shares), weights=tuple(shares.values()))[0]
