"""How a sample's customers are looked after, whatever they buy."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from gonghai_plugin.sample.days import DAY, office_hour
from gonghai_plugin.sample.model import FollowUp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random


class Care(Enum):
    """How the rep looks after a customer in the days of the script."""

    TENDED = "tended"
    FADING = "fading"
    """At first, then for three weeks not at all, which costs the holding, then again."""
    UNREACHED = "unreached"
    """Tried again and again, and never reached: that does not count."""
    NEGLECTED = "neglected"


def follow_ups(
    random: Random, customer: str, first_day: int, days: int, reps: tuple[str, ...]
) -> Iterator[FollowUp]:
    """Make the follow-ups of a year past, by one of ``reps``."""
    rep = random.choice(reps)
    day, number = random.uniform(5, 60), 0
    while day < days:
        number += 1
        yield _contact(
            random,
            f"past-contact-{customer}-{number}",
            customer,
            rep,
            first_day + int(day) * DAY,
            reached=random.random() < 0.85,  # noqa: PLR2004 - most are
        )
        day += random.uniform(40, 110)


def script_follow_ups(
    random: Random, customer: str, care: Care, first_day: int, days: int
) -> Iterator[FollowUp]:
    """Make what the holder does in the days of the script, according to the care he takes."""
    if care is Care.NEGLECTED:
        return
    silent = range(18, 40) if care is Care.FADING else range(0)
    day, number = random.uniform(1, 3), 0
    while day < days:
        number += 1
        if int(day) in silent:
            day += 1
            continue
        yield _contact(
            random,
            f"next-contact-{customer}-{number}",
            customer,
            None,
            first_day + int(day) * DAY,
            reached=care is not Care.UNREACHED,
        )
        day += random.uniform(5, 9)


def _contact(
    random: Random, name: str, customer: str, rep: str | None, day: int, *, reached: bool
) -> FollowUp:
    channel = random.choice(("phone", "phone", "visit"))
    return FollowUp(
        id=name,
        customer=customer,
        rep=rep,
        at=day + office_hour(random),
        channel=channel,
        outcome=random.choice(("reached", "interested", "ordered")) if reached else "not_reached",
        minutes=(random.randrange(20, 60) if channel == "visit" else random.randrange(2, 20))
        if reached
        else random.randrange(2),
    )
