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
class City:
    """A city: its region id, name, the region above, the division of its credit codes, streets."""

    id: str
    name: str
    area: str
    division: str
    streets: tuple[str, ...]


AREAS: Final = {
    "east": "华东",
    "south": "华南",
    "north": "华北",
    "central": "华中",
    "west": "西南",
}

CITIES: Final = (
    City("shanghai", "上海", "east", "310115", ("浦东大道", "沪南路", "宝山路")),
    City("hangzhou", "杭州", "east", "330106", ("文三路", "古墩路", "凤起路")),
    City("nanjing", "南京", "east", "320105", ("江东中路", "中央路", "汉中路")),
    City("guangzhou", "广州", "south", "440106", ("天河路", "黄埔大道", "机场路")),
    City("shenzhen", "深圳", "south", "440304", ("深南大道", "福华路", "滨河大道")),
    City("xiamen", "厦门", "south", "350203", ("湖滨南路", "思明南路", "仙岳路")),
    City("beijing", "北京", "north", "110105", ("朝阳路", "建国路", "京顺路")),
    City("tianjin", "天津", "north", "120104", ("南京路", "卫津路", "红旗路")),
    City("jinan", "济南", "north", "370102", ("经十路", "泉城路", "历山路")),
    City("wuhan", "武汉", "central", "420106", ("中南路", "武珞路", "解放大道")),
    City("changsha", "长沙", "central", "430102", ("五一大道", "芙蓉中路", "韶山路")),
    City("zhengzhou", "郑州", "central", "410105", ("花园路", "金水路", "农业路")),
    City("chengdu", "成都", "west", "510104", ("人民南路", "蜀都大道", "一环路")),
    City("chongqing", "重庆", "west", "500103", ("中山三路", "长江一路", "金开大道")),
    City("kunming", "昆明", "west", "530102", ("人民东路", "北京路", "环城南路")),
)

KEY_ACCOUNT_TEAM: Final = "key-accounts"
_HIDDEN: Final = ("contacts", "addresses")


def regions() -> tuple[Region, ...]:
    """Return the tree of regions, parents first."""
    return (
        Region("cn", "全国", None),
        *(Region(area, name, "cn") for area, name in AREAS.items()),
        *(Region(city.id, city.name, city.area) for city in CITIES),
    )


def reps(random: Random) -> tuple[Rep, ...]:
    """Make two dozen reps: four an area, and four for key accounts and e-commerce."""
    made: list[Rep] = []
    for area in AREAS:
        cities = [city.id for city in CITIES if city.area == area]
        # The manager and a senior cover the area, two juniors two cities each.
        covers = ((area,), (area,), (cities[0], cities[1]), (cities[1], cities[2]))
        for place, (covered, seniority) in enumerate(zip(covers, (85, 65, 45, 25), strict=True)):
            made.append(
                Rep(
                    id=f"{area}-{place + 1}",
                    name=person(random),
                    team=area,
                    regions=covered,
                    skills=("distribution",) + (("negotiation",) if place < 2 else ()),  # noqa: PLR2004 - the seniors
                    product_lines=tuple(
                        random.sample(("beverage", "dairy", "snack", "instant", "household"), 2)
                    ),
                    languages=("zh", "yue") if area == "south" else ("zh",),
                    seniority=seniority + random.randrange(-5, 6),
                    performance=random.randrange(45, 95),
                    capacity=(2000, 3000, 2500, 2000)[place],
                    manager=place == 0,
                    phone=mobile(random),
                )
            )
    skills = (("key_account", "negotiation"), ("key_account",), ("ecommerce",), ("ecommerce",))
    for place, held in enumerate(skills):
        made.append(
            Rep(
                id=f"national-{place + 1}",
                name=person(random),
                team=KEY_ACCOUNT_TEAM,
                regions=("cn",),
                skills=held,
                product_lines=("beverage", "snack"),
                languages=("zh", "en"),
                seniority=(90, 70, 60, 40)[place],
                performance=random.randrange(60, 95),
                capacity=6000,
                manager=place == 0,
                phone=mobile(random),
            )
        )
    return tuple(made)


def teams() -> tuple[Team, ...]:
    """Return the teams: one an area, and the national one."""
    return (
        *(Team(area, f"{name}战区", f"{area}-1", area) for area, name in AREAS.items()),
        Team(KEY_ACCOUNT_TEAM, "KA与电商部", "national-1", "cn"),
    )


def pools() -> tuple[Pool, ...]:
    """Return the pools: one an area, one of key accounts, one to win back, and a general one."""
    everybody = (*AREAS, KEY_ACCOUNT_TEAM)

    def pool(name: str, title: str, members: tuple[str, ...], manager: str) -> Pool:
        return Pool(name, title, members, (manager,), _HIDDEN, 8, 25, 60, 30, 0)

    return (
        *(
            pool(f"{area}-pool", f"{name}公海", (area, KEY_ACCOUNT_TEAM), f"{area}-1")
            for area, name in AREAS.items()
        ),
        pool("key-account-pool", "KA公海", (KEY_ACCOUNT_TEAM,), "national-1"),
        pool("win-back-pool", "流失赢回公海", everybody, "national-1"),
        pool("general-pool", "综合公海", everybody, "national-1"),
    )


POLICY_YAML: Final = """\
# 快消样例租户的策略：修改后用 `gonghai policy apply` 生效。
version: 1
zone: Asia/Shanghai
calendar: china
default:
  plugin: standard
  settings: {pool: general-pool}
industries:
  fmcg:
    plugin: fmcg_distributor
    settings:
      pools:
        regional:
          east: east-pool
          south: south-pool
          north: north-pool
          central: central-pool
          west: west-pool
        key_accounts: key-account-pool
        win_back: win-back-pool
        otherwise: general-pool
      clocks:
        first_follow_up_days: 3
        no_follow_up_days: {key: 10, a: 15, b: 21, c: 30}
        warn_before_days: 3
        grace_days: 1
      claims:
        per_day: 8
        cool_down_days: 30
"""
"""The tenant's policy document."""
