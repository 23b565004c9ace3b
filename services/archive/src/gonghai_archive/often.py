"""Which categories a customer buys often (常购品类), as its industry says what often is.

Windows are whole local days that end today, as in `gonghai_archive.metrics`. By time alone a
customer only ceases to buy a category often, so it is known from when on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from gonghai_archive.activities import Kind, Purchase, in_force
from gonghai_archive.metrics import day_number
from gonghai_engine.calendar import DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_archive.activities import Activity
    from gonghai_engine import Often
    from gonghai_engine.calendar import Calendar

FACT: Final = "buys_often"
"""The fact, and what the terms of the indexes of those who buy a category often begin with."""

MOST: Final = 50
"""Categories of one customer; of more, those that most of its orders are of."""


class BoughtOften(NamedTuple):
    """What is bought often at a moment.

    Attributes:
        categories: which, by name.
        changes_in: in how many days they may next be others although nothing happens; None never.
    """

    categories: tuple[str, ...] = ()
    changes_in: int | None = None


NOTHING: Final = BoughtOften()
"""Of a customer that buys nothing often."""


def buyers_of(category: str) -> str:
    """Return the term of the index of those who buy a category often."""
    return f"{FACT}:{category}"


def bought_often(
    activities: Sequence[Activity], often: Often, *, calendar: Calendar, now: int
) -> BoughtOften:
    """Return what a customer's activities, none later than now, make it buy often."""
    zone = calendar.zone
    today = day_number(zone, now)
    # A customer of years has many orders of before: whatever a clock was put forward or back in the
    # window, it was by less than a day.
    earliest = now - (often.within_days + 1) * DAY
    ages: dict[str, list[int]] = {}
    for activity in in_force(list(activities)):
        if activity.kind != Kind.PURCHASE or activity.occurred < earliest:
            continue
        age = today - day_number(zone, activity.occurred)
        if age < often.within_days:
            # By index, as there are many: a line's category. What takes an order back has no lines.
            for category in {line[1] for line in Purchase(*activity.content).lines} - {""}:
                ages.setdefault(category, []).append(age)
    found = {
        category: sorted(orders)
        for category, orders in ages.items()
        if len(orders) >= often.at_least
    }
    if len(found) <= MOST:
        # One order too few are left when the oldest of the youngest that are enough has gone.
        lasts = [orders[often.at_least - 1] for orders in found.values()]
        chosen = list(found)
    else:
        # Whichever order goes first may change which of them are the most.
        lasts = [orders[-1] for orders in found.values()]
        chosen = sorted(found, key=lambda category: (-len(found[category]), category))[:MOST]
    return BoughtOften(tuple(sorted(chosen)), often.within_days - max(lasts) if lasts else None)
