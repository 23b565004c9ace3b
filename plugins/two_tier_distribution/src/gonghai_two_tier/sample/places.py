"""Where the sample's business works: regions, the house's teams, the sponsors' teams, pools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gonghai_plugin.sample import Pool, Region, Rep, Team
from gonghai_plugin.sample.identifiers import mobile
from gonghai_plugin.sample.people import person

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random


@dataclass(frozen=True, slots=True)
class City:
    """A city: its region id, name, the area above, the division of its credit codes, streets."""

    id: str
    name: str
    area: str
    division: str
    streets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sponsor:
    """A first-level distributor with a pool and people of its own; ``key`` names them."""

    key: str
    distributor: str
    name: str
    city: City


AREAS: Final = {
    "east": "华东",
    "south": "华南",
    "north": "华北",
    "west": "西部",
}

CITIES: Final = (
    City("suzhou", "苏州", "east", "320508", ("干将路", "人民路", "东环路")),
    City("hefei", "合肥", "east", "340104", ("长江路", "徽州大道", "芜湖路")),
    City("fuzhou", "福州", "east", "350102", ("五四路", "八一七路", "华林路")),
    City("foshan", "佛山", "south", "440604", ("季华路", "汾江路", "祖庙路")),
    City("nanning", "南宁", "south", "450103", ("民族大道", "七星路", "东葛路")),
    City("changsha", "长沙", "south", "430102", ("五一大道", "芙蓉路", "韶山路")),
    City("shijiazhuang", "石家庄", "north", "130102", ("中山路", "裕华路", "建设大街")),
    City("taiyuan", "太原", "north", "140105", ("迎泽大街", "平阳路", "长风街")),
    City("shenyang", "沈阳", "north", "210102", ("青年大街", "中华路", "文化路")),
    City("xian", "西安", "west", "610103", ("长安路", "友谊路", "雁塔路")),
    City("guiyang", "贵阳", "west", "520102", ("中华路", "延安路", "遵义路")),
    City("lanzhou", "兰州", "west", "620102", ("东岗路", "庆阳路", "天水路")),
)

_HIDDEN: Final = ("contacts", "addresses")


def regions() -> tuple[Region, ...]:
    """Return the tree of regions, parents first."""
    return (
        Region("cn", "全国", None),
        *(Region(area, name, "cn") for area, name in AREAS.items()),
        *(Region(city.id, city.name, city.area) for city in CITIES),
    )


def reps(random: Random, sponsors: Sequence[Sponsor]) -> tuple[Rep, ...]:
    """Make twelve reps of the house, three an area, and two people for each sponsor."""
    made: list[Rep] = []
    for area in AREAS:
        cities = tuple(city.id for city in CITIES if city.area == area)
        # The manager and a senior cover the area, the junior two of its cities.
        covers = ((area,), (area,), cities[:2])
        for place, (covered, seniority) in enumerate(zip(covers, (88, 68, 45), strict=True)):
            made.append(
                Rep(
                    id=f"{area}-{place + 1}",
                    name=person(random),
                    team=area,
                    regions=covered,
                    skills=("channel_management", "recruiting") if place < 2 else ("recruiting",),  # noqa: PLR2004
                    product_lines=("baijiu", "wine") if place % 2 else ("baijiu", "beer"),
                    languages=("zh",),
                    seniority=seniority + random.randrange(-5, 6),
                    performance=random.randrange(45, 95),
                    capacity=(3000, 4500, 4500)[place],
                    manager=place == 0,
                    phone=mobile(random),
                )
            )
    for sponsor in sponsors:
        made += [
            Rep(
                id=f"{sponsor.key}-{place + 1}",
                name=person(random),
                team=sponsor.key,
                regions=(sponsor.city.id,),
                skills=("sponsor",),
                product_lines=("baijiu", "gift"),
                languages=("zh",),
                seniority=(55, 30)[place],
                performance=random.randrange(45, 90),
                capacity=(1500, 2000)[place],
                manager=place == 0,
                phone=mobile(random),
            )
            for place in range(2)
        ]
    return tuple(made)


def teams(sponsors: Sequence[Sponsor]) -> tuple[Team, ...]:
    """Return the teams: one an area, and one a sponsor."""
    return (
        *(Team(area, f"{name}渠道部", f"{area}-1", area) for area, name in AREAS.items()),
        *(Team(one.key, f"{one.name}团队", f"{one.key}-1", one.city.id) for one in sponsors),
    )


def pools(sponsors: Sequence[Sponsor]) -> tuple[Pool, ...]:
    """Return the pools: the sponsors', those of each level, and the general one.

    A sponsor's pool is for its own people; whom they do not take in the sponsor's first days, the
    policy puts into the public pool of the second level, where the house's teams are members.
    """
    house = tuple(AREAS)

    def pool(name: str, title: str, members: tuple[str, ...], manager: str) -> Pool:
        return Pool(name, title, members, (manager,), _HIDDEN, 8, 25, 80, 30, 0)

    return (
        *(
            pool(
                f"{one.key}-pool",
                f"{one.name}公海",
                (one.key,),
                f"{one.key}-1",
            )
            for one in sponsors
        ),
        pool("first-level-pool", "一级分销商公海", house, "east-1"),
        pool("second-level-pool", "二级分销商公海", house, "south-1"),
        pool("orphan-pool", "待改挂公海", house, "north-1"),
        pool("dispute-pool", "归属争议公海", house, "west-1"),
        pool("win-back-pool", "流失赢回公海", house, "east-1"),
        pool("general-pool", "综合公海", house, "south-1"),
    )


def policy_yaml(sponsors: Sequence[Sponsor]) -> str:
    """Return the tenant's policy document."""
    by_sponsor = "".join(f"          {one.distributor}: {one.key}-pool\n" for one in sponsors)
    return _POLICY_YAML.replace("          BY_SPONSOR\n", by_sponsor)


_POLICY_YAML: Final = """\
# 二级分销样例租户的策略：修改后用 `gonghai policy apply` 生效。
version: 1
zone: Asia/Shanghai
calendar: china
default:
  plugin: standard
  settings: {pool: general-pool}
industries:
  distribution:
    plugin: two_tier_distribution
    settings:
      pools:
        first_level: first-level-pool
        by_sponsor:
          BY_SPONSOR
        second_level: second-level-pool
        orphans: orphan-pool
        disputed: dispute-pool
        win_back: win-back-pool
      clocks:
        first_follow_up_days: 3
        warn_before_days: 3
        grace_days: 1
      claims:
        per_day: 8
        sponsor_per_day: 4
        sponsor_first_days: 7
        cool_down_days: 30
"""
