"""The sample's customers: who they are, and how they behave."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, TypeVar

from gonghai_aquatic.sample.places import PORTS
from gonghai_aquatic.sample.trade import Buyer, Habit
from gonghai_plugin.sample import Contact, Customer
from gonghai_plugin.sample.care import Care
from gonghai_plugin.sample.days import DAY
from gonghai_plugin.sample.identifiers import credit_code, mobile
from gonghai_plugin.sample.people import person

if TYPE_CHECKING:
    from random import Random

    from gonghai_aquatic.sample.places import Port

_KeyT = TypeVar("_KeyT")

_BUSINESSES: Final = {
    # Kind: how many of a hundred, the end of their names, cold chain, product forms.
    "farm": (8, "水产养殖有限公司", ("none", "ice"), ("processed",)),
    "wholesale": (28, "水产批发行", ("ice", "chilled_store", "cold_store"), ("live", "chilled")),
    "restaurant": (30, "海鲜酒楼", ("ice", "chilled_store"), ("live", "chilled", "frozen")),
    "processor": (12, "水产加工有限公司", ("cold_store", "full"), ("chilled", "frozen")),
    "retail": (22, "生鲜商行", ("ice", "chilled_store"), ("chilled", "frozen", "processed")),
}
_SUPPLIES: Final = {
    "farm": {"farmed": 100},
    "wholesale": {"wild_catch": 55, "farmed": 25, "frozen_stock": 10, "imported": 10},
    "restaurant": {"wild_catch": 35, "farmed": 40, "frozen_stock": 10, "imported": 15},
    "processor": {"wild_catch": 40, "farmed": 25, "frozen_stock": 35},
    "retail": {"wild_catch": 30, "farmed": 35, "frozen_stock": 25, "imported": 10},
}
_SPECIES: Final = {
    "wild_catch": (
        "large_yellow_croaker", "small_yellow_croaker", "hairtail", "pomfret", "spanish_mackerel",
        "swimming_crab", "mantis_shrimp", "squid", "octopus",
    ),
    "farmed": (
        "large_yellow_croaker", "whiteleg_shrimp", "grouper", "turbot", "sea_bass", "grass_carp",
        "crayfish", "oyster", "scallop", "abalone", "sea_cucumber",
    ),
    "frozen_stock": ("hairtail", "squid", "whiteleg_shrimp", "salmon", "scallop"),
    "imported": ("salmon", "squid", "whiteleg_shrimp", "abalone"),
}  # fmt: skip
_TEMPERATURES: Final = {
    "live": "seawater",
    "chilled": "chilled",
    "frozen": "frozen",
    "processed": "frozen",
}
_HABITS: Final = {
    Habit.STEADY: 48,
    Habit.GROWING: 12,
    Habit.SLOWING: 13,
    Habit.LOST: 12,
    Habit.POTENTIAL: 15,
}
_CARES: Final = {Care.TENDED: 66, Care.FADING: 16, Care.UNREACHED: 6, Care.NEGLECTED: 12}
_CARES_OF_LARGE: Final = {Care.TENDED: 80, Care.FADING: 20}
"""Processors are assigned at once, and seldom forgotten."""

_WORDS: Final = (
    "海丰", "渔歌", "蓝湾", "东港", "宏海", "顺渔", "碧波", "金鳞", "潮汕", "海之源",
    "大洋", "鲜到家", "渔港人", "新鲜汇", "海晏", "丰渔", "百川", "渔满仓", "望海", "澳洋",
    "远帆", "海都", "聚鲜", "龙洲", "星海", "通海", "海鲜坊", "舟桥", "银滩", "富渔",
)  # fmt: skip
_SOURCES: Final = ("fishery_expo", "referral", "market_visit", "website", "old_system")
_TITLES: Final = ("采购经理", "总经理", "厨师长", "老板", "品控主管")
_REQUIREMENTS: Final = (
    "", "", "", "每批附检疫证", "规格500克以上", "泡沫箱加倍加冰", "凌晨四点前到货",
)  # fmt: skip


def buyer(random: Random, number: int) -> tuple[Buyer, Port]:
    """Draw how a customer behaves, and where it is."""
    port = random.choice(PORTS)
    business = _draw(random, {name: row[0] for name, row in _BUSINESSES.items()})
    supply = _draw(random, _SUPPLIES[business])
    known = _SPECIES[supply]
    return Buyer(
        customer=f"a{number:04d}",
        business=business,
        species=tuple(sorted(random.sample(known, random.randrange(2, min(6, len(known)))))),
        sea_area=random.choice(port.sea_areas),
        supply=supply,
        habit=_draw(random, _HABITS),
        care=_draw(random, _CARES_OF_LARGE if business == "processor" else _CARES),
        size=math.exp(random.gauss(0, 0.6)),
        pace=random.uniform(1.0, 1.8),
    ), port


def customer(random: Random, one: Buyer, port: Port, start: int, taken: set[str]) -> Customer:
    """Make the record of a customer; names in ``taken`` are not used again."""
    _, ending, cold_chains, forms = _BUSINESSES[one.business]
    mostly = random.choice(forms)
    attributes: dict[str, bool | int | str | tuple[str, ...]] = {
        "business": one.business,
        "species": one.species,
        "product_forms": tuple(sorted({mostly, random.choice(forms)})),
        "cold_chain": random.choice(cold_chains),
        "temperature_band": "deep_frozen"
        if "salmon" in one.species and mostly == "frozen"
        else _TEMPERATURES[mostly],
        "sea_area": one.sea_area,
        "supply": one.supply,
    }
    standing = random.choices(("leading", "known", "small", ""), (12, 33, 45, 10))[0]
    outlook = random.choices(("growing", "steady", "shrinking", ""), (25, 45, 20, 10))[0]
    if standing:
        attributes["standing"] = standing
    if outlook:
        attributes["outlook"] = outlook
    if wish := random.choice(_REQUIREMENTS):
        attributes["special_requirements"] = wish
    fresh = one.habit is Habit.POTENTIAL
    return Customer(
        id=one.customer,
        name=_name(random, port, ending, taken),
        kind="organization",
        region=port.id,
        source=random.choice(_SOURCES),
        credit_code=credit_code(random, port.division),
        phone=mobile(random),
        address=f"{port.name}市{random.choice(port.markets)}{random.randrange(1, 999)}号",
        contacts=tuple(_contact(random, one, place) for place in range(random.randrange(1, 3))),
        tags=("新客",) if fresh else (),
        attributes=attributes,
        created_at=start
        - (random.randrange(5, 60) if fresh else random.randrange(366, 1500)) * DAY,
    )


def _contact(random: Random, one: Buyer, place: int) -> Contact:
    return Contact(
        name=person(random),
        title=random.choice(_TITLES),
        phone=mobile(random),
        email=f"{one.customer}-{place + 1}@example.com",
    )


def _name(random: Random, port: Port, ending: str, taken: set[str]) -> str:
    while True:
        word = random.choice(_WORDS)
        if random.random() < 0.4:  # noqa: PLR2004 - thirty words do not name three hundred
            word += random.choice(_WORDS)[0]
        name = f"{port.name}{word}{ending}"
        if name not in taken:
            taken.add(name)
            return name


def _draw(random: Random, shares: dict[_KeyT, int]) -> _KeyT:
    return random.choices(tuple(shares), weights=tuple(shares.values()))[0]
