"""Where the sample's business works: regions, teams, reps and pools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gonghai_plugin.sample import Pool, Region, Rep, Team
from gonghai_plugin.sample.identifiers import mobile
from gonghai_plugin.sample.people import person

if TYPE_CHECKING:
    from random import Random


@dataclass(frozen=True, slots=True)
class Port:
    """A city: region id, name, area, division of its credit codes, markets, its sea areas."""

    id: str
    name: str
    area: str
    division: str
    markets: tuple[str, ...]
    sea_areas: tuple[str, ...]


_NORTH: Final = ("north_of_35",)
_MIDDLE: Final = ("between_35_and_26_30",)
_SOUTH: Final = ("south_of_26_30",)

AREAS: Final = {
    "bohai": "环渤海",
    "east-sea": "东海沿岸",
    "south-sea": "南海沿岸",
    "inland": "内陆",
}

PORTS: Final = (
    Port("dalian", "大连", "bohai", "210202", ("大连湾水产街", "辽渔路"), _NORTH),
    Port("yantai", "烟台", "bohai", "370602", ("红利市场路", "环海路"), _NORTH),
    Port("qingdao", "青岛", "bohai", "370212", ("城阳水产路", "沙子口渔港"), _NORTH),
    Port("zhoushan", "舟山", "east-sea", "330903", ("沈家门渔港路", "国际水产城"), _MIDDLE),
    Port("ningbo", "宁波", "east-sea", "330225", ("石浦渔港路", "路林市场"), _MIDDLE),
    Port("shanghai", "上海", "east-sea", "310110", ("军工路", "江阳北路"), (*_NORTH, *_MIDDLE)),
    Port("xiamen", "厦门", "south-sea", "350203", ("夏商水产路", "高崎渔港"), _SOUTH),
    Port("guangzhou", "广州", "south-sea", "440103", ("黄沙大道", "丛桂路"), _SOUTH),
    Port("zhanjiang", "湛江", "south-sea", "440802", ("霞山水产路", "海滨大道"), _SOUTH),
    Port("haikou", "海口", "south-sea", "460105", ("新港路", "滨海大道"), _SOUTH),
    Port("beijing", "北京", "inland", "110106", ("京深海鲜路", "新发地"), (*_NORTH, *_MIDDLE)),
    Port("wuhan", "武汉", "inland", "420112", ("白沙洲大道", "华南路"), (*_MIDDLE, *_SOUTH)),
    Port("chengdu", "成都", "inland", "510106", ("青石桥", "海霸王路"), (*_MIDDLE, *_SOUTH)),
)

INDUSTRY_TEAM: Final = "industry"
_HIDDEN: Final = ("contacts", "addresses")


def regions() -> tuple[Region, ...]:
    """Return the tree of regions, parents first."""
    return (
        Region("cn", "全国", None),
        *(Region(area, name, "cn") for area, name in AREAS.items()),
        *(Region(port.id, port.name, port.area) for port in PORTS),
    )


def reps(random: Random) -> tuple[Rep, ...]:
    """Make twenty reps: four an area, and four for processors and farms."""
    made: list[Rep] = []
    for area in AREAS:
        cities = [port.id for port in PORTS if port.area == area]
        # The manager and a senior cover the area, two juniors two cities each.
        covers = ((area,), (area,), (cities[0], cities[1]), (cities[1], cities[2]))
        for place, (covered, seniority) in enumerate(zip(covers, (88, 70, 50, 30), strict=True)):
            made.append(
                Rep(
                    id=f"{area}-{place + 1}",
                    name=person(random),
                    team=area,
                    regions=covered,
                    # The youngest does not handle live goods yet.
                    skills=("live_goods", "restaurant") if place < 3 else ("restaurant",),  # noqa: PLR2004
                    product_lines=("live", "chilled") if place % 2 else ("chilled", "frozen"),
                    languages=("zh", "yue") if area == "south-sea" else ("zh",),
                    seniority=seniority + random.randrange(-5, 6),
                    performance=random.randrange(45, 95),
                    capacity=(2000, 3500, 3000, 2000)[place],
                    manager=place == 0,
                    phone=mobile(random),
                )
            )
    made += [
        Rep(
            id=f"industry-{place + 1}",
            name=person(random),
            team=INDUSTRY_TEAM,
            regions=("cn",),
            skills=("industry", "live_goods"),
            product_lines=("frozen", "processed"),
            languages=("zh", "en"),
            seniority=(90, 70, 60, 40)[place],
            performance=random.randrange(60, 95),
            capacity=4000,
            manager=place == 0,
            phone=mobile(random),
        )
        for place in range(4)
    ]
    return tuple(made)


def teams() -> tuple[Team, ...]:
    """Return the teams: one an area, and one for processors and farms."""
    return (
        *(Team(area, f"{name}销售部", f"{area}-1", area) for area, name in AREAS.items()),
        Team(INDUSTRY_TEAM, "产业客户部", "industry-1", "cn"),
    )


def pools() -> tuple[Pool, ...]:
    """Return the pools: one an area, one of the industry, one to win back, and a general one."""
    everybody = (*AREAS, INDUSTRY_TEAM)

    def pool(name: str, title: str, members: tuple[str, ...], manager: str) -> Pool:
        return Pool(name, title, members, (manager,), _HIDDEN, 6, 20, 50, 30, 0)

    return (
        *(
            pool(f"{area}-pool", f"{name}公海", (area,), f"{area}-1")
            for area, name in AREAS.items()
        ),
        pool("industry-pool", "产业客户公海", (INDUSTRY_TEAM,), "industry-1"),
        pool("win-back-pool", "流失赢回公海", everybody, "industry-1"),
        pool("general-pool", "综合公海", everybody, "industry-1"),
    )


POLICY_YAML: Final = """\
# 水产样例租户的策略：修改后用 `gonghai policy apply` 生效。
version: 1
zone: Asia/Shanghai
calendar: china
default:
  plugin: standard
  settings: {pool: general-pool}
industries:
  aquatic:
    plugin: aquatic_products
    settings:
      pools:
        regional:
          bohai: bohai-pool
          east-sea: east-sea-pool
          south-sea: south-sea-pool
          inland: inland-pool
        industry: industry-pool
        win_back: win-back-pool
        otherwise: general-pool
      moratorium:
        north_of_35: {start_month: 5, start_day: 1, start_hour: 12, end_month: 9, end_day: 1, end_hour: 12}
        between_35_and_26_30: {start_month: 5, start_day: 1, start_hour: 12, end_month: 9, end_day: 16, end_hour: 12}
        south_of_26_30: {start_month: 5, start_day: 1, start_hour: 12, end_month: 8, end_day: 16, end_hour: 12}
        supplies: [wild_catch]
      clocks:
        first_follow_up_days: 3
        warn_before_days: 3
        grace_days: 1
      claims:
        per_day: 6
        cool_down_days: 30
"""  # noqa: E501 - a season is read as one line
"""The tenant's policy document."""
