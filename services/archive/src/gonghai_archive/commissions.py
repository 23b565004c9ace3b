"""Commissions (佣金): what a customer's orders pay to itself and to its sponsor.

Of each order the terms are kept by which it pays. What all of a customer's orders pay follows from
its activities and these terms alone; what a step books is the difference that the step makes. So a
return takes back what its purchase paid and no more, a correction takes the place of what it
corrects, whatever comes late lands where it would have, and a retry books nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

from gonghai_archive.activities import Kind, Purchase, PurchaseReturn, in_force
from gonghai_archive.metrics import day_number
from gonghai_plugin import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from gonghai_archive.activities import Activity
    from gonghai_engine.calendar import Calendar

WHOLE: Final = 10_000
"""Basis points of the whole amount."""

ORDERS: Final = frozenset({Kind.PURCHASE, Kind.PURCHASE_RETURN})
"""The kinds of activities that pay, or take back."""


class Terms(NamedTuple):
    """By what an order pays.

    Attributes:
        activity: id of the order's activity, one of its customer's.
        period: in which month it is booked, as `2026-11`; so it stays, whatever the tenant's zone.
        sponsor: id of the customer's sponsor when the order was recorded, or "".
        own: basis points to the customer itself; None while that could not be decided.
        sponsors: basis points to the sponsor.
        rule: the name of the rule that decided, or "".
    """

    activity: str
    period: str
    sponsor: str
    own: int | None = None
    sponsors: int = 0
    rule: str = ""


class Entry(NamedTuple):
    """A line of a beneficiary's statement; amounts in minor units, negative where it takes back.

    Attributes:
        beneficiary: id of the customer that it is paid to.
        period: of the statement, as `2026-11`.
        customer: id of the customer whose order it is.
        activity: id of the order's activity.
        occurred: when that happened (µs, domain time).
        basis: of what amount it is paid.
        basis_points: how much of it, in hundredths of a percent.
        amount: what is paid.
        rule: the name of the rule by which it is.
        reason_en: why, in English.
        reason_zh: likewise in Chinese.
    """

    beneficiary: str
    period: str
    customer: str
    activity: str
    occurred: int
    basis: int
    basis_points: int
    amount: int
    rule: str
    reason_en: str
    reason_zh: str

    @property
    def reason(self) -> Text:
        """Why, in both languages."""
        return Text(self.reason_en, self.reason_zh)


class Paid(NamedTuple):
    """What one order pays to one beneficiary: the basis, its part, and by which rule."""

    basis: int
    basis_points: int
    amount: int
    rule: str


class Account(NamedTuple):
    """Where something is booked: on whose statement of which month, and for which order."""

    beneficiary: str
    period: str
    activity: str


@dataclass(frozen=True, slots=True)
class Booking:
    """What a step books of one customer's orders.

    Attributes:
        terms: those that are new, or decided only now.
        entries: the lines that come of it, on statements of the customer and of its sponsors.
        waits: where it is not known yet what is to be booked, all of the customer's orders.
        settled: where it was not known before, and is now.
    """

    terms: tuple[Terms, ...] = ()
    entries: tuple[Entry, ...] = ()
    waits: tuple[Account, ...] = ()
    settled: tuple[Account, ...] = ()


NOTHING: Final = Booking()


def period_of(calendar: Calendar, instant: int) -> str:
    """Return the tenant's local month of an instant."""
    return date.fromordinal(day_number(calendar.zone, instant)).isoformat()[:7]


def share(amount: int, basis_points: int) -> int:
    """Return a part of an amount in whole minor units, rounded down: never more than the rate."""
    return amount * basis_points // WHOLE


def asked_of(activity: Activity) -> bool:
    """Say whether the policy is asked what an order pays: not of a return that names a purchase."""
    return activity.kind == Kind.PURCHASE or not PurchaseReturn(*activity.content).purchase


def latest(activity: str, successor: Mapping[str, str]) -> str:
    """Return the id of what counts instead of an activity by now."""
    while activity in successor:
        activity = successor[activity]
    return activity


def paid(
    customer: str, activities: Sequence[Activity], terms: Mapping[str, Terms]
) -> dict[Account, Paid]:
    """Return what a customer's orders pay, by where it is booked.

    Args:
        customer: its id.
        activities: all of them, in the order in which they were recorded.
        terms: of its orders, by the activity's id; an order without pays nothing.
    """
    found: dict[Account, Paid] = {}
    if not terms:
        return found
    successor = {each.corrects: each.id for each in activities if each.corrects}
    orders = [each for each in in_force(list(activities)) if each.kind in ORDERS]
    amounts: dict[str, int] = {}
    for order in orders:
        by = terms.get(order.id)
        if by is None or by.own is None or not asked_of(order):
            continue
        if order.kind == Kind.PURCHASE:
            basis = amounts[order.id] = Purchase(*order.content).amount
            found.update(_shares(customer, by, by, 0, basis, 1))
        else:
            basis = PurchaseReturn(*order.content).amount
            found.update(_shares(customer, by, by, 0, basis, -1))
    returned: Counter[str] = Counter()
    for order in orders:
        by = terms.get(order.id)
        if by is None or asked_of(order):
            continue
        content = PurchaseReturn(*order.content)
        purchase = latest(content.purchase, successor)
        if purchase not in amounts:
            continue
        before = returned[purchase]
        after = min(before + content.amount, amounts[purchase])
        returned[purchase] = after
        found.update(_shares(customer, by, terms[purchase], before, after, -1))
    return found


def undecided(
    customer: str, activities: Sequence[Activity], terms: Mapping[str, Terms]
) -> set[Account]:
    """Return where something may be booked yet of orders that are known already.

    An order of which it could not be decided what it pays waits, and with it every return that
    takes back of it: on the statements of those who may be paid for it, each in its own month.

    Args:
        customer: its id.
        activities: all of them, in the order in which they were recorded.
        terms: of its orders, by the activity's id.
    """
    open_ = {each.activity for each in terms.values() if each.own is None}
    if not open_:
        return set()
    successor = {each.corrects: each.id for each in activities if each.corrects}
    found: set[Account] = set()
    for order in in_force(list(activities)):
        by = terms.get(order.id)
        if order.kind not in ORDERS or by is None:
            continue
        waits_for = order.id
        if not asked_of(order):
            waits_for = latest(PurchaseReturn(*order.content).purchase, successor)
        if waits_for in open_:
            found.update(
                Account(each, by.period, order.id)
                for each in (customer, terms[waits_for].sponsor)
                if each
            )
    return found


def difference(
    customer: str,
    activities: Sequence[Activity],
    before: Mapping[Account, Paid],
    after: Mapping[Account, Paid],
    reasons: Mapping[str, Text],
) -> Iterator[Entry]:
    """Yield the entries that bring statements from what was paid to what is.

    Args:
        customer: whose orders they are.
        activities: all of the customer's.
        before: what was paid.
        after: what is to be.
        reasons: of the orders that were decided just now, by the activity's id.
    """
    by_id = {each.id: each for each in activities}
    corrected = {each.corrects: each.id for each in activities if each.corrects}
    for account in dict.fromkeys((*before, *after)):
        was, becomes = before.get(account), after.get(account)
        if was == becomes:
            continue
        known = becomes or was
        assert known is not None  # noqa: S101 - the account is in one of the two
        basis = (becomes.basis if becomes else 0) - (was.basis if was else 0)
        amount = (becomes.amount if becomes else 0) - (was.amount if was else 0)
        if not basis and not amount:
            continue
        order = by_id[account.activity]
        reason = _reason(order, corrected.get(order.id), reasons.get(order.id))
        yield Entry(
            account.beneficiary,
            account.period,
            customer,
            order.id,
            order.occurred,
            basis,
            known.basis_points,
            amount,
            known.rule,
            reason.en,
            reason.zh,
        )


def admitted(
    activities: Iterable[Activity],
    known: Mapping[str, Terms],
    *,
    pays: bool,
    sponsor: str,
    calendar: Calendar,
) -> list[Terms]:
    """Return the terms with which orders that were recorded just now begin.

    What corrects an order counts where that one did, and pays to whom that one paid. Other orders
    count where the industry has commissions, and a return where its purchase counts.

    Args:
        activities: all of a customer's; one that is recorded just now has no time of recording.
        known: the terms there are, by the activity's id.
        pays: whether the industry has commissions, or nobody can say.
        sponsor: id of the customer's sponsor, or "".
        calendar: the tenant's.
    """
    found: dict[str, Terms] = {}
    for activity in activities:
        if activity.recorded or activity.kind not in ORDERS or activity.id in known:
            continue
        began = Terms(activity.id, period_of(calendar, activity.occurred), sponsor)
        if not asked_of(activity):
            began = began._replace(own=0)
        if activity.corrects:
            old = found.get(activity.corrects) or known.get(activity.corrects)
            if old is None:
                continue
            began = began._replace(sponsor=old.sponsor)
            if not pays and asked_of(activity):
                began = began._replace(own=old.own, sponsors=old.sponsors, rule=old.rule)
        elif not pays and not (known and not asked_of(activity)):
            continue
        found[activity.id] = began
    return list(found.values())


def _shares(
    customer: str, at: Terms, by: Terms, start: int, end: int, sign: int
) -> Iterator[tuple[Account, Paid]]:
    """What the part of an amount from start to end pays, or takes back, by some terms.

    The parts of one amount add up to what the whole pays, to the minor unit.
    """
    for beneficiary, points in ((customer, by.own or 0), (by.sponsor, by.sponsors)):
        if beneficiary and points and end > start:
            amount = share(end, points) - share(start, points)
            yield (
                Account(beneficiary, at.period, at.activity),
                Paid(sign * (end - start), points, sign * amount, by.rule),
            )


def _reason(order: Activity, corrected_by: str | None, decided: Text | None) -> Text:
    if corrected_by is not None:
        return Text(f"{corrected_by} corrects it", f"已由{corrected_by}更正，予以冲销")
    if decided is not None:
        return decided
    if order.kind == Kind.PURCHASE_RETURN:
        purchase = PurchaseReturn(*order.content).purchase
        return Text(f"takes back what {purchase} paid", f"冲回{purchase}已付的佣金")
    return Text("it counts by its terms", "按既定比例计佣")
