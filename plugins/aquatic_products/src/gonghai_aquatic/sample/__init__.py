"""A made-up seafood business with a year behind it: the same for the same seed, always.

Who lives on the catch bought nothing in the closed season of its sea area. Nothing of it is
anybody's: names are put together, identifiers are valid and drawn by chance.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final

from gonghai_aquatic.sample.customers import buyer, customer
from gonghai_aquatic.sample.places import POLICY_YAML, pools, regions, reps, teams
from gonghai_aquatic.sample.trade import SILENCE, Buyer, Habit, purchases, spoiled, voices
from gonghai_plugin.sample import (
    ClaimBack,
    Claims,
    Customer,
    Event,
    Feedback,
    Interest,
    Purchase,
    Rep,
    Return,
    SampleData,
    opens,
)
from gonghai_plugin.sample.care import follow_ups, script_follow_ups
from gonghai_plugin.sample.days import DAY, MINUTE, local_midnight

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gonghai_aquatic.sample.places import Port

__all__ = ["INDUSTRY", "TENANT", "sample"]

TENANT: Final = "demo-aquatic"
INDUSTRY: Final = "aquatic"
CUSTOMERS: Final = 300
HISTORY_DAYS: Final = 365
SCRIPT_DAYS: Final = 75

_CLAIM_DAYS: Final = {0: 4, 1: 4, 2: 4, 14: 2, 28: 2, 42: 2, 56: 2}
"""On which days of the script reps claim, and how many each."""

_CLAIM_BACK_DAYS: Final = (20, 30, 45)

_Made = tuple[Buyer, Customer, "Port"]


@opens(month=4, day=13)
def sample(*, seed: int = 7, start: int, customers: int = CUSTOMERS) -> SampleData:
    """Make the sample as it stands at ``start``.

    ``customers`` is how many there are. The history ends before the local day of ``start``; the
    script begins an hour after ``start`` at the earliest. Started in the middle of April, the
    script runs into the closed season.
    """
    random = Random(seed)  # noqa: S311 - a sample is meant to be foreseeable
    today = local_midnight(start)
    people = reps(random)
    taken: set[str] = set()
    made: list[_Made] = []
    for number in range(1, customers + 1):
        one, port = buyer(random, number)
        made.append((one, customer(random, one, port, today, taken), port))
    bought = [item for one, _, _ in made for item in _history(random, one, today)]
    said = [item for one, _, _ in made for item in _said(random, one, today)]
    contacted = [
        item
        for one, _, port in made
        if one.habit is not Habit.POTENTIAL
        for item in follow_ups(
            random,
            one.customer,
            today - HISTORY_DAYS * DAY,
            HISTORY_DAYS,
            tuple(rep.id for rep in people if rep.team == port.area),
        )
    ]
    given_back = _before(today, (item for order in bought for item in spoiled(random, order)))
    events: list[Event] = [*_claims(random, made, people, start)]
    for one, _, _ in made:
        events += script_follow_ups(random, one.customer, one.care, today + DAY, SCRIPT_DAYS - 1)
        events += _orders_to_come(random, one, today + DAY)
        events += voices(random, one, today + DAY, SCRIPT_DAYS - 1, "next")
    to_come = [event for event in events if isinstance(event, Purchase)]
    last = today + SCRIPT_DAYS * DAY
    events += _before(last, (item for order in to_come for item in spoiled(random, order)))
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
        others=tuple(sorted((*said, *given_back), key=lambda item: (item.at, item.id))),
        script=tuple(sorted(events, key=lambda event: event.at)),
    )


def _history(random: Random, one: Buyer, today: int) -> Iterator[Purchase]:
    slowing, lost = SILENCE[one.business]
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


def _said(random: Random, one: Buyer, today: int) -> Iterator[Feedback | Interest]:
    days = 60 if one.habit is Habit.POTENTIAL else HISTORY_DAYS
    for item in voices(random, one, today - days * DAY, days, "past"):
        # Who never bought has nothing to complain of.
        if one.habit is not Habit.POTENTIAL or isinstance(item, Interest):
            yield item


def _before(moment: int, items: Iterable[Return]) -> Iterator[Return]:
    return (item for item in items if item.at < moment)


def _orders_to_come(random: Random, one: Buyer, tomorrow: int) -> Iterator[Event]:
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
    random: Random, made: Sequence[_Made], people: Sequence[Rep], start: int
) -> Iterator[Claims]:
    """Let reps claim what lies near them, and now and then what does not."""
    for day, count in _CLAIM_DAYS.items():
        for place, rep in enumerate(people):
            fitting = [record.id for one, record, port in made if _fits(rep, one, port)]
            chosen = random.sample(fitting, min(count, len(fitting)))
            if place % 4 == 3:  # noqa: PLR2004 - one rep in four tries his luck next door
                chosen.append(random.choice(made)[1].id)
            at = start + day * DAY + (60 + place) * MINUTE
            yield Claims(at, rep.id, tuple(dict.fromkeys(chosen)))


def _fits(rep: Rep, one: Buyer, port: Port) -> bool:
    if one.business in {"processor", "farm"}:
        return "industry" in rep.skills
    return rep.team == port.area and (port.id in rep.regions or port.area in rep.regions)
