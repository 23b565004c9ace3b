"""A made-up wine and spirits house with two levels of distributors and a year behind it.

The same for the same seed, always. Nothing of it is anybody's: names are put together, identifiers
are valid and drawn by chance.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final

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
from gonghai_two_tier.sample.customers import customer, dealer
from gonghai_two_tier.sample.places import (
    Sponsor,
    policy_yaml,
    pools,
    regions,
    reps,
    teams,
)
from gonghai_two_tier.sample.trade import SILENCE, Dealer, Habit, given_back, purchases, voices

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gonghai_two_tier.sample.places import City

__all__ = ["INDUSTRY", "TENANT", "sample"]

TENANT: Final = "demo-two-tier"
INDUSTRY: Final = "distribution"
CUSTOMERS: Final = 300
HISTORY_DAYS: Final = 365
SCRIPT_DAYS: Final = 75

_SPONSORS_WITH_A_POOL: Final = 10

_CLAIM_DAYS: Final = {0: 4, 1: 4, 2: 4, 10: 4, 24: 2, 38: 2, 52: 2}
"""On which days of the script who claims how many; by the tenth sponsors have had their days."""

_CLAIM_BACK_DAYS: Final = (20, 30, 45)

_Made = tuple[Dealer, Customer, "City"]


@opens(month=12, day=15)
def sample(*, seed: int = 7, start: int, customers: int = CUSTOMERS) -> SampleData:
    """Make the sample as it stands at ``start``.

    ``customers`` is how many distributors there are, of which one in ten is of the first level. The
    history ends before the local day of ``start``; the script begins an hour after ``start`` at the
    earliest.
    """
    random = Random(seed)  # noqa: S311 - a sample is meant to be foreseeable
    today = local_midnight(start)
    first_level = tuple(f"d{number:04d}" for number in range(1, max(1, customers // 10) + 1))
    homes: dict[str, City] = {}
    drawn: list[tuple[Dealer, City]] = []
    for number in range(1, customers + 1):
        one, home = dealer(random, number, first_level, homes)
        homes[one.customer] = home
        drawn.append((one, home))
    bought = {one.customer: list(_history(random, one, today)) for one, _ in drawn}
    taken: set[str] = set()
    made: list[_Made] = [
        (
            one,
            customer(
                random,
                one,
                city,
                today,
                _attributes(random, one, first_level),
                taken,
            ),
            city,
        )
        for one, city in drawn
    ]
    sponsors = tuple(
        Sponsor(f"s{place:02d}", record.id, record.name, city)
        for place, (_, record, city) in enumerate(made[: len(first_level)], start=1)
    )[:_SPONSORS_WITH_A_POOL]
    people = reps(random, sponsors)
    contacted = [
        item
        for one, _, city in made
        if one.habit is not Habit.POTENTIAL
        for item in follow_ups(
            random,
            one.customer,
            today - HISTORY_DAYS * DAY,
            HISTORY_DAYS,
            tuple(rep.id for rep in people if rep.team == _looked_after_by(one, city, sponsors)),
        )
    ]
    orders = [order for one, _ in drawn for order in bought[one.customer]]
    returns = [item for order in orders for item in given_back(random, order) if item.at < today]
    said = [
        item
        for one, _ in drawn
        if one.habit is not Habit.POTENTIAL
        for item in voices(random, one, today - HISTORY_DAYS * DAY, HISTORY_DAYS, "past")
    ]
    events: list[Event] = [*_claims(random, made, people, sponsors, start)]
    for one, _, _ in made:
        events += script_follow_ups(random, one.customer, one.care, today + DAY, SCRIPT_DAYS - 1)
        events += _orders_to_come(random, one, today + DAY)
        events += voices(random, one, today + DAY, SCRIPT_DAYS - 1, "next")
    to_come = [event for event in events if isinstance(event, Purchase)]
    back = (item for order in to_come for item in given_back(random, order))
    events += [item for item in back if item.at < today + SCRIPT_DAYS * DAY]
    events += [ClaimBack(today + day * DAY + 10 * 60 * MINUTE, count=5) for day in _CLAIM_BACK_DAYS]
    return SampleData(
        tenant=TENANT,
        industry=INDUSTRY,
        start=start,
        days=SCRIPT_DAYS,
        policy_yaml=policy_yaml(sponsors),
        regions=regions(),
        teams=teams(sponsors),
        reps=people,
        pools=pools(sponsors),
        customers=tuple(record for _, record, _ in made),
        purchases=tuple(sorted(orders, key=lambda item: (item.at, item.id))),
        follow_ups=tuple(sorted(contacted, key=lambda item: (item.at, item.id))),
        others=tuple(sorted((*said, *returns), key=lambda item: (item.at, item.id))),
        script=tuple(sorted(events, key=lambda event: event.at)),
    )


def _attributes(
    random: Random,
    one: Dealer,
    first_level: Sequence[str],
) -> dict[str, bool | int | str | tuple[str, ...]]:
    attributes: dict[str, bool | int | str | tuple[str, ...]] = {"level": one.level}
    if one.sponsor is None:
        attributes |= {
            "commitment": random.choice((80_000_000, 120_000_000, 200_000_000)),
            "deposit": random.choice((2_000_000, 5_000_000, 10_000_000)),
        }
        if random.random() < 0.15:  # noqa: PLR2004 - a few
            attributes["cross_region_cases"] = random.randrange(1, 4)
        return attributes
    if one.orphan:
        return attributes
    attributes["sponsor"] = one.sponsor
    others = [name for name in first_level if name != one.sponsor]
    if others and random.random() < 0.03:  # noqa: PLR2004 - a few
        attributes["rival_sponsor"] = random.choice(others)
    return attributes


def _history(random: Random, one: Dealer, today: int) -> Iterator[Purchase]:
    slowing, lost = SILENCE[one.level]
    match one.habit:
        case Habit.POTENTIAL:
            return
        case Habit.SLOWING:
            silent = random.randrange(*slowing)
        case Habit.LOST:
            silent = random.randrange(*lost)
        case _:
            silent = 0
    yield from purchases(random, one, today - HISTORY_DAYS * DAY, HISTORY_DAYS - silent, "past")


def _orders_to_come(random: Random, one: Dealer, tomorrow: int) -> Iterator[Purchase]:
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


def _looked_after_by(one: Dealer, city: City, sponsors: Sequence[Sponsor]) -> str:
    """Return the team: the sponsor's where it has one, else the house's of the area."""
    for sponsor in sponsors:
        if one.sponsor == sponsor.distributor and not one.orphan:
            return sponsor.key
    return city.area


def _claims(
    random: Random,
    made: Sequence[_Made],
    people: Sequence[Rep],
    sponsors: Sequence[Sponsor],
    start: int,
) -> Iterator[Claims]:
    """Let everybody claim what he looks after; one in four tries a sponsor's pool, too early."""
    of_sponsors = [
        record.id
        for one, record, _ in made
        if any(one.sponsor == sponsor.distributor for sponsor in sponsors)
    ]
    for day, count in _CLAIM_DAYS.items():
        for place, rep in enumerate(people):
            fitting = [
                record.id
                for one, record, city in made
                if _looked_after_by(one, city, sponsors) == rep.team
                and ("sponsor" in rep.skills or {city.id, city.area} & set(rep.regions))
            ]
            chosen = random.sample(fitting, min(count, len(fitting)))
            if place % 4 == 3 and of_sponsors:  # noqa: PLR2004 - one in four
                chosen.append(random.choice(of_sponsors))
            at = start + day * DAY + (60 + place) * MINUTE
            if chosen:
                yield Claims(at, rep.id, tuple(dict.fromkeys(chosen)))
