"""Customers of two levels: what each of the second gives to its sponsor, and what that adds up to.

The store keeps both exactly, by local days, so that the sums of a sponsor are a matter of its own
record, whatever the size of its second level, and slide at midnights without anybody of it moving.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from gonghai_archive.activities import Kind, Purchase, PurchaseReturn, in_force, is_annulment
from gonghai_archive.metrics import QUARTER, YEAR, day_number
from gonghai_archive.money import MOST_IN_SUM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gonghai_archive.activities import Activity
    from gonghai_engine.calendar import Calendar

KEPT: Final = YEAR + 2
"""Days kept of what comes and goes: the longest window, and what a change of zone may shift it."""

BELOW: Final = "below"
"""The index of those who have a sponsor."""

_Days: TypeAlias = tuple[tuple[int, int], ...]


def below(sponsor: str) -> str:
    """Return the term of the index of those whose sponsor it is; the scripts keep both."""
    return f"{BELOW}:{sponsor}"


class Part(NamedTuple):
    """What a customer of the second level gives to its sponsor.

    Attributes:
        sponsor: id of the customer that sponsors it.
        last_order: number of the local day of its last order; None: it never ordered.
        amounts: by number of the day, what it bought less what it gave back (minor units).
    """

    sponsor: str
    last_order: int | None = None
    amounts: _Days = ()


class Membership(NamedTuple):
    """That a customer came below a sponsor, or left it.

    Attributes:
        at: when (µs, domain time).
        customer: its id.
        joined: whether it came.
    """

    at: int
    customer: str
    joined: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a customer is to stand.

    Attributes:
        part: what it gives to its sponsor; None where it has none.
        since: number of the local day before which nothing that it gives is kept.
        strict: a sponsor that it cannot have is refused, because somebody just named it; else it
            counts for nobody.
    """

    part: Part | None
    since: int
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Downline:
    """What the second level of a sponsor adds up to.

    Attributes:
        version: grows with each change of it that the sponsor's facts show.
        members: how many there are.
        pending_since: since when (µs, domain time) it is other than the sponsor was decided on
            with; None while it is not.
        amounts: by number of the day, what all of them bought less what they gave back.
        last_orders: by number of the day, of how many it is the day of the last order.
    """

    version: int = 0
    members: int = 0
    pending_since: int | None = None
    amounts: Mapping[int, int] = field(default_factory=dict)
    last_orders: Mapping[int, int] = field(default_factory=dict)

    def facts(self, today: int) -> dict[str, int | None]:
        """Return the facts as of a local day."""
        amount = sum(self.amounts[day] for day in self.amounts if 0 <= today - day < YEAR)
        return {
            "downline_members": self.members,
            "downline_active_90d": sum(
                count for day, count in self.last_orders.items() if 0 <= today - day < QUARTER
            ),
            "downline_amount_365d": max(-MOST_IN_SUM, min(amount, MOST_IN_SUM)),
        }

    def changes_in(self, today: int) -> dict[str, int | None]:
        """Return in how many days each of the facts may next change by itself; None never."""
        return {
            "downline_active_90d": _leaves(self.last_orders, today, QUARTER),
            "downline_amount_365d": _leaves(self.amounts, today, YEAR),
        }

    def changed(self, gone: Part | None, come: Part | None, today: int, now: int) -> Downline:
        """Return it after a customer's part in it became another, as the scripts keep it."""
        since = today - KEPT
        amounts = Counter(dict(come.amounts) if come else {})
        amounts.subtract(dict(gone.amounts) if gone else {})
        last_orders: Counter[int] = Counter()
        for part, sign in ((gone, -1), (come, 1)):
            if part is not None and part.last_order is not None:
                last_orders[part.last_order] += sign
        if (
            gone is not None
            and come is not None
            and gone.last_order == come.last_order
            and not any(value for day, value in amounts.items() if day >= since)
        ):
            return self
        amounts.update(self.amounts)
        last_orders.update(self.last_orders)
        return Downline(
            self.version + 1,
            self.members + (come is not None) - (gone is not None),
            now if self.pending_since is None else self.pending_since,
            {day: value for day, value in amounts.items() if value and day >= since},
            {day: count for day, count in last_orders.items() if count and day >= since},
        )


NOBODY: Final = Downline()
"""The second level of a customer that sponsors nobody."""


def part_of(sponsor: str, activities: Sequence[Activity], *, calendar: Calendar, now: int) -> Part:
    """Return what a customer's activities, none later than now, give to its sponsor."""
    zone = calendar.zone
    since = day_number(zone, now) - KEPT
    last_order: int | None = None
    amounts: Counter[int] = Counter()
    for activity in in_force(list(activities)):
        match activity.kind:
            case Kind.PURCHASE if not is_annulment(activity):
                day = day_number(zone, activity.occurred)
                last_order = day if last_order is None else max(last_order, day)
                amounts[day] += Purchase(*activity.content).amount
            case Kind.PURCHASE_RETURN:
                day = day_number(zone, activity.occurred)
                amounts[day] -= PurchaseReturn(*activity.content).amount
            case _:
                continue
    kept = {day: amount for day, amount in amounts.items() if amount and day >= since}
    return Part(sponsor, last_order, tuple(sorted(kept.items())))


def _leaves(days: Mapping[int, int], today: int, window: int) -> int | None:
    """In how many days the oldest that is within a window leaves it."""
    ages = [today - day for day in days if 0 <= today - day < window]
    return window - max(ages) if ages else None
