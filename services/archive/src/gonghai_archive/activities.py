"""Activities (动态): anything dated that happened with a customer.

The values are tuples with names, written to the store as lists in this order: a new field goes to
the end and has a default. Money is in minor units of the tenant's currency.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias


class Kind(StrEnum):
    """The kind, named as the field of the contract's oneof."""

    PURCHASE = "purchase"
    PURCHASE_RETURN = "purchase_return"
    FOLLOW_UP = "follow_up"
    OPPORTUNITY = "opportunity"
    FEEDBACK = "feedback"
    REFERRAL = "referral"
    INTEREST = "interest"


class Line(NamedTuple):
    """A line of an order; quantity in thousandths, amount None when it is not said."""

    product: str
    category: str = ""
    quantity_milli: int = 0
    amount: int | None = None


class Purchase(NamedTuple):
    """One order (采购)."""

    amount: int
    order_number: str = ""
    lines: tuple[Line, ...] = ()


class PurchaseReturn(NamedTuple):
    """Goods given back (退货); `purchase` is the id of that purchase, or ""."""

    amount: int
    purchase: str = ""
    lines: tuple[Line, ...] = ()


class FollowUp(NamedTuple):
    """A rep's contact with the customer (跟进); the duration in whole seconds.

    `channel` and `outcome` are the contract's names in lower case (`phone`, `reached`). `note` and
    `next_action` are sensitive.
    """

    channel: str
    outcome: str
    seconds: int = 0
    note: str = ""
    next_action: str = ""
    next_action_at: int | None = None


class Opportunity(NamedTuple):
    """A change of an opportunity (商机): `opened`, `moved`, `won` or `lost`."""

    opportunity: str
    state: str
    amount: int | None = None
    lost_reason: str = ""


class Feedback(NamedTuple):
    """What the customer says of us: `complaint`, `suggestion`, `praise`. Its text is sensitive."""

    kind: str
    text: str = ""


class Referral(NamedTuple):
    """The customer brought another, whose id this is (转介绍)."""

    referred_customer: str


class Interest(NamedTuple):
    """The customer looked at a product, or asked about it."""

    product: str
    category: str = ""
    asked: bool = False


Content: TypeAlias = (
    Purchase | PurchaseReturn | FollowUp | Opportunity | Feedback | Referral | Interest
)

_CONTENTS: dict[str, Any] = {
    Kind.PURCHASE: Purchase,
    Kind.PURCHASE_RETURN: PurchaseReturn,
    Kind.FOLLOW_UP: FollowUp,
    Kind.OPPORTUNITY: Opportunity,
    Kind.FEEDBACK: Feedback,
    Kind.REFERRAL: Referral,
    Kind.INTEREST: Interest,
}


class Activity(NamedTuple):
    """One activity.

    Attributes:
        id: the caller's own, unique for the customer.
        kind: see `Kind`.
        occurred: when it happened (µs, domain time).
        content: the fields of its kind, in order.
        rep: id of the rep who did it, or "".
        sales_channel: by which it came, or "".
        corrects: id of the activity that it takes the place of, or "".
        actor: the principal that recorded it.
        on_behalf_of: the person for whom a back end did, or "".
        recorded: when it was recorded (µs, domain time); 0 before it is.
    """

    id: str
    kind: str
    occurred: int
    content: Any
    rep: str = ""
    sales_channel: str = ""
    corrects: str = ""
    actor: str = ""
    on_behalf_of: str = ""
    recorded: int = 0

    def unfold(self) -> Content:
        """Return the content as what it is."""
        content: Content = _CONTENTS[self.kind](*self.content)
        if isinstance(content, Purchase | PurchaseReturn):
            return content._replace(lines=tuple(map(Line._make, content.lines)))
        return content

    def same_as(self, other: Activity, *, whenever: bool) -> bool:
        """Say whether both tell of the same thing, whoever recorded them and when.

        Args:
            other: another activity of the same id.
            whenever: do not compare when it happened, because the caller did not say.
        """
        return (
            self.kind == other.kind
            and (whenever or self.occurred == other.occurred)
            and self.rep == other.rep
            and self.sales_channel == other.sales_channel
            and self.corrects == other.corrects
            and tuple(self.content) == tuple(other.content)
        )


def in_force(activities: list[Activity]) -> list[Activity]:
    """Return the activities that count: those that no other one corrects."""
    corrected = {activity.corrects for activity in activities if activity.corrects}
    if not corrected:
        return activities
    return [activity for activity in activities if activity.id not in corrected]


def is_annulment(activity: Activity) -> bool:
    """Say whether a correction takes an order back: it corrects one, and comes to nothing."""
    if not activity.corrects or activity.kind != Kind.PURCHASE:
        return False
    purchase = Purchase(*activity.content)
    return purchase.amount == 0 and not purchase.lines
