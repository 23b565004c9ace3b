"""Scorecards (业绩卡): what a customer and its second level did in a month of the tenant's zone.

Nothing of it is kept. Orders count where statements count them: in the month in which they
happened, for the sponsor below whom their customer stood when they were recorded. So what comes
late and what is corrected changes a month that is over, and who gets another sponsor takes nothing
along.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from gonghai_archive.activities import Kind, Purchase, PurchaseReturn, in_force, is_annulment
from gonghai_archive.commissions import ORDERS, latest, period_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gonghai_archive.activities import Activity
    from gonghai_archive.commissions import Terms
    from gonghai_archive.lines import Membership
    from gonghai_engine.calendar import Calendar


class Volume(NamedTuple):
    """Orders and returns, how many and of what amounts (minor units)."""

    orders: int = 0
    bought: int = 0
    returns: int = 0
    returned: int = 0

    def and_also(self, other: Volume) -> Volume:
        """Return both together."""
        return Volume(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


class Counted(NamedTuple):
    """Where an order counts: in which month, and for which sponsor, or ""."""

    period: str
    sponsor: str


@dataclass(frozen=True, slots=True)
class Members:
    """A sponsor's second level in a month, as ids of customers.

    Attributes:
        at_beginning: who was of it before the month began.
        at_end: who was of it when the month ended, or is while it has not.
    """

    at_beginning: frozenset[str]
    at_end: frozenset[str]


class SecondLevel:
    """Who was below a sponsor, and when."""

    __slots__ = ("_calendar", "_moves", "_sponsor")

    def __init__(self, sponsor: str, memberships: Iterable[Membership], calendar: Calendar) -> None:
        """Know it from who came below the sponsor and who left, in the order in which they did."""
        self._sponsor = sponsor
        self._calendar = calendar
        self._moves: defaultdict[str, list[Membership]] = defaultdict(list)
        for each in memberships:
            self._moves[each.customer].append(each)

    @property
    def ever(self) -> list[str]:
        """Who has ever been of it, by id."""
        return sorted(self._moves)

    def members(self, period: str) -> Members:
        """Return who was of it at the beginning and at the end of a month."""
        before: set[str] = set()
        until: set[str] = set()
        for customer, moves in self._moves.items():
            months = [period_of(self._calendar, each.at) for each in moves]
            for found, past in (
                (before, bisect_left(months, period)),
                (until, bisect_right(months, period)),
            ):
                if past and moves[past - 1].joined:
                    found.add(customer)
        return Members(frozenset(before), frozenset(until))

    def volume(
        self,
        customer: str,
        activities: Sequence[Activity],
        terms: Mapping[str, Terms],
        period: str,
    ) -> Volume:
        """Return what of a customer's orders counts for the sponsor in a month."""

        def sponsor_at(moment: int) -> str:
            moves = self._moves[customer]
            past = bisect_right(moves, moment, key=lambda each: each.at)
            return self._sponsor if past and moves[past - 1].joined else ""

        places = _counted(activities, terms, self._calendar, sponsor_at)
        return _volume(activities, places, Counted(period, self._sponsor))


def own_volume(
    activities: Sequence[Activity], terms: Mapping[str, Terms], calendar: Calendar, period: str
) -> Volume:
    """Return what of a customer's orders counts for itself in a month."""
    places = _counted(activities, terms, calendar, lambda _: "")
    itself = {order: place._replace(sponsor="") for order, place in places.items()}
    return _volume(activities, itself, Counted(period, ""))


def tier_at_end(
    history: Sequence[tuple[int, Any]],
    *,
    created: int,
    now: str,
    calendar: Calendar,
    period: str,
) -> str:
    """Return which tier a customer had when a month ended; "" where it had none, or was not there.

    Args:
        history: its entries, oldest first: when, and who, for whom, what, before, after.
        created: when its record was made.
        now: the tier that it has.
        calendar: the tenant's.
        period: the month.
    """
    if period_of(calendar, created) > period:
        return ""
    for at, (_, _, what, before, _) in history:
        if what == "tier" and period_of(calendar, at) > period:
            return str(before["tier"][0]) if before else ""
    return now


def _counted(
    activities: Sequence[Activity],
    terms: Mapping[str, Terms],
    calendar: Calendar,
    sponsor_at: Callable[[int], str],
) -> dict[str, Counted]:
    """Where each order counts that is in force, by its id.

    By its terms, where it has any. One without counts likewise: where its customer stood when the
    first was recorded of those that it corrects. A return that names a purchase counts for whom
    that one does.
    """
    by_id = {each.id: each for each in activities}
    successor = {each.corrects: each.id for each in activities if each.corrects}
    orders = [each for each in in_force(list(activities)) if each.kind in ORDERS]
    found: dict[str, Counted] = {}
    for order in orders:
        by = terms.get(order.id)
        if by is not None:
            found[order.id] = Counted(by.period, by.sponsor)
            continue
        first = order
        while first.corrects in by_id:
            first = by_id[first.corrects]
        found[order.id] = Counted(period_of(calendar, order.occurred), sponsor_at(first.recorded))
    for order in orders:
        if order.kind == Kind.PURCHASE_RETURN:
            purchase = latest(PurchaseReturn(*order.content).purchase, successor)
            if purchase in found and by_id[purchase].kind == Kind.PURCHASE:
                found[order.id] = found[order.id]._replace(sponsor=found[purchase].sponsor)
    return found


def _volume(
    activities: Sequence[Activity], places: Mapping[str, Counted], place: Counted
) -> Volume:
    counts = [each for each in activities if places.get(each.id) == place]
    bought = [
        Purchase(*each.content).amount
        for each in counts
        if each.kind == Kind.PURCHASE and not is_annulment(each)
    ]
    returned = [
        PurchaseReturn(*each.content).amount for each in counts if each.kind == Kind.PURCHASE_RETURN
    ]
    return Volume(len(bought), sum(bought), len(returned), sum(returned))
