"""What happens with the customers of a sample, as messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.duration_pb2 import Duration
from google.type.money_pb2 import Money

from gonghai.archive.v1 import activity_pb2, customer_pb2
from gonghai_chassis.instants import timestamp
from gonghai_cli.flow.sample import Feedback, Return

if TYPE_CHECKING:
    from gonghai_cli.flow.sample import FollowUp, Line, Other, Purchase

_CENT: Final = 10_000_000
"""Nanounits of a minor unit."""

_CHANNELS: Final = {"call": "PHONE", "message": "WECHAT"}
_OUTCOMES: Final = {"connected": "REACHED", "no_answer": "NOT_REACHED", "closed": "NOT_REACHED"}
"""How the contract calls what a sample calls otherwise."""


def purchase_message(parent: str, purchase: Purchase) -> activity_pb2.Activity:
    """Return a purchase as an activity of the tenant's customer."""
    return activity_pb2.Activity(
        name=f"{parent}/customers/{purchase.customer}/activities/purchase-{purchase.id}",
        occur_time=timestamp(purchase.at),
        sales_channel=purchase.channel,
        purchase=activity_pb2.Purchase(
            amount=money(purchase.amount),
            lines=[_line(line) for line in purchase.lines],
        ),
    )


def follow_up_message(parent: str, follow_up: FollowUp, rep: str | None) -> activity_pb2.Activity:
    """Return a follow-up, done by a rep (an id), as an activity of the tenant's customer."""
    channel = _CHANNELS.get(follow_up.channel, follow_up.channel.upper())
    outcome = _OUTCOMES.get(follow_up.outcome, follow_up.outcome.upper())
    return activity_pb2.Activity(
        name=f"{parent}/customers/{follow_up.customer}/activities/follow-up-{follow_up.id}",
        occur_time=timestamp(follow_up.at),
        rep=f"{parent}/reps/{rep}" if rep else "",
        follow_up=activity_pb2.FollowUp(
            channel=customer_pb2.ContactChannel.Value(f"CONTACT_CHANNEL_{channel}"),
            outcome=activity_pb2.FollowUpOutcome.Value(f"FOLLOW_UP_OUTCOME_{outcome}"),
            duration=Duration(seconds=follow_up.minutes * 60),
        ),
    )


def other_message(parent: str, other: Other) -> activity_pb2.Activity:
    """Return a return, feedback or interest as an activity of the tenant's customer."""
    message = activity_pb2.Activity(occur_time=timestamp(other.at))
    if isinstance(other, Return):
        message.purchase_return.CopyFrom(
            activity_pb2.PurchaseReturn(
                amount=money(other.amount),
                lines=[_line(line) for line in other.lines],
                purchase=f"purchase-{other.purchase}",
            )
        )
    elif isinstance(other, Feedback):
        message.feedback.kind = activity_pb2.FeedbackKind.Value(
            f"FEEDBACK_KIND_{other.kind.upper()}"
        )
        message.feedback.text = other.text
    else:
        message.interest.product = other.product
        message.interest.category = other.category
    message.name = f"{parent}/customers/{other.customer}/activities/{other.id}"
    return message


def money(minor: int) -> Money:
    """Return an amount of minor units of the sample's currency."""
    units, cents = divmod(minor, 100)
    return Money(currency_code="CNY", units=units, nanos=cents * _CENT)


def _line(line: Line) -> activity_pb2.PurchaseLine:
    return activity_pb2.PurchaseLine(
        product=line.product,
        category=line.category,
        quantity_milli=line.quantity * 1000,
        amount=money(line.amount),
    )
