"""A made-up FMCG business with a year behind it: the same for the same seed, always.

Nothing of it is anybody's: names are put together, identifiers are valid and drawn by chance.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final

from gonghai_fmcg.sample.customers import customer, trader
from gonghai_fmcg.sample.places import AREAS, POLICY_YAML, pools, regions, reps, teams
from gonghai_fmcg.sample.trade import RHYTHM, Habit, Trader, purchases
from gonghai_plugin.sample import (
    ClaimBack,
    Claims,
    Customer,
    Event,
    Purchase,
    Rep,
    SampleData,
    opens,
)
from gonghai_plugin.sample.care import follow_ups, script_follow_ups
from gonghai_plugin.sample.days import DAY, MINUTE, local_midnight

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gonghai_fmcg.sample.places import City

__all__ = ["INDUSTRY", "TENANT", "sample"]

TENANT: Final = "demo-fmcg"
INDUSTRY: Final = "fmcg"
CUSTOMERS: Final = 300
HISTORY_DAYS: Final = 365
SCRIPT_DAYS: Final = 75

_CLAIM_DAYS: Final = {0: 4, 1: 4, 2: 4, 14: 2, 28: 2, 42: 2, 56: 2}
"""On which days of the script reps claim, and how many each."""

_CLAIM_BACK_DAYS: Final = (20, 30, 45)


@opens(month=12, day=15)
def sample(*, seed: int = 7, start: int, customers: int = CUSTOMERS) -> SampleData:
    """Make the sample as it stands at ``start``.

    ``customers`` is how many there are. The history ends before the local day of ``start``; the
    script begins an hour after ``start`` at the earliest.
    """
    random = Random(seed)  # noqa: S311 - a sample is meant to be foreseeable
    today = local_midnight(start)
    people = reps(random)
    taken: set[str] = set()
    made: list[tuple[Trader, Customer, City]] = []
    for number in range(1, customers + 1):
        one = trader(random, number)
        made.append((one, *customer(random, one, today, taken)))
    bought = [item for one, _, _ in made for item in _history(random, one, today)]
    contacted = [
        item
        for one, _, city in made
        if one.habit is not Habit.POTENTIAL
        for item in follow_ups(
            random, one.customer, today - HISTORY_DAYS * DAY, HISTORY_DAYS, _near(people, city)
        )
    ]
    events: list[Event] = [*_claims(random, made, people, start)]
    for one, _, _ in made:
        events += script_follow_ups(random, one.customer, one.care, today + DAY, SCRIPT_DAYS - 1)
        events += _orders_to_come(random, one, today + DAY)
    events += [ClaimBack(today + day * DAY + 10 * 60 * MINUTE, count=5) for day in _CLAIM_BACK_DAYS]
    return SampleData(
        tenant=TENANT,
        industry=INDUSTRY,
        start=start,
        days=SCRIPT_DAYS,
        policy_yaml=POLICY_YAML,
        regions=regions(),
        teams=teams(),
        reps=people,
        pools=pools(),
        customers=tuple(record for _, record, _ in made),
        purchases=tuple(sorted(bought, key=lambda item: (item.at, item.id))),
        follow_ups=tuple(sorted(contacted, key=lambda item: (item.at, item.id))),
        others=(),
        script=tuple(sorted(events, key=lambda event: event.at)),
    )


def _history(random: Random, one: Trader, today: int) -> Iterator[Purchase]:
    rhythm = RHYTHM[one.role]
    match one.habit:
        case Habit.POTENTIAL:
            return
        case Habit.SLOWING:
            silent = int(rhythm * random.uniform(3.2, 6))
        case Habit.LOST:
            silent = min(int(rhythm * random.uniform(8.2, 14)), 300)
        case _:
            silent = 0
    days = HISTORY_DAYS - silent
    yield from purchases(random, one, today - HISTORY_DAYS * DAY, days, "past")


def _orders_to_come(random: Random, one: Trader, tomorrow: int) -> Iterator[Purchase]:
    match one.habit:
        case Habit.STEADY | Habit.GROWING:
            # Some of the good ones fall silent in the time of the script: tiers and stages move.
            days = random.choice((SCRIPT_DAYS - 1, SCRIPT_DAYS - 1, 12))
        case Habit.SLOWING:
            days = random.choice((0, SCRIPT_DAYS - 1))
        case Habit.POTENTIAL:
            days = random.choice((0, 0, SCRIPT_DAYS - 1))
        case _:
            return
    yield from purchases(random, one, tomorrow, days, "next")


def _claims(
    random: Random,
    made: Sequence[tuple[Trader, Customer, City]],
    people: Sequence[Rep],
    start: int,
) -> Iterator[Claims]:
    """Let reps claim what lies near them, and now and then what does not."""
    for day, count in _CLAIM_DAYS.items():
        for place, rep in enumerate(people):
            fitting = [record.id for one, record, city in made if _fits(rep, one, city)]
            chosen = random.sample(fitting, min(count, len(fitting)))
            if place % 4 == 3:  # noqa: PLR2004 - one rep in four tries his luck next door
                chosen.append(random.choice(_next_door(made, rep))[1].id)
            at = start + day * DAY + (60 + place) * MINUTE
            yield Claims(at, rep.id, tuple(dict.fromkeys(chosen)))


def _next_door(
    made: Sequence[tuple[Trader, Customer, City]], rep: Rep
) -> Sequence[tuple[Trader, Customer, City]]:
    """List the customers of a rep's area that are not his; of the whole country, if he has none."""
    near = [item for item in made if item[2].area == rep.team and item[2].id not in rep.regions]
    return near or made


def _fits(rep: Rep, one: Trader, city: City) -> bool:
    if one.role == "key_account":
        return "key_account" in rep.skills
    if one.role == "ecommerce":
        return "ecommerce" in rep.skills
    return city.id in rep.regions or city.area in rep.regions


def _near(people: Sequence[Rep], city: City) -> tuple[str, ...]:
    assert city.area in AREAS  # noqa: S101 - the tables of places agree
    return tuple(rep.id for rep in people if rep.team == city.area)
