"""What a sample tells becomes an activity that the contract takes."""

from __future__ import annotations

import protovalidate
import pytest

from gonghai.archive.v1 import activity_pb2
from gonghai_cli.flow.activities import other_message
from gonghai_cli.flow.sample import Feedback, FollowUp, Interest, Purchase, Return
from gonghai_plugin import sample

PARENT = "tenants/demo"
LINE = sample.Line("带鱼", "hairtail", 3, 4_550)
RETURN = sample.Return("r1", "c1", 1_795_000_000_000_000, "o1", (LINE,))
FEEDBACK = sample.Feedback("f1", "c1", 1_795_000_000_000_000, "complaint", "冰量不足")
INTEREST = sample.Interest("i1", "c1", 1_795_000_000_000_000, "带鱼", "hairtail")


@pytest.mark.parametrize("other", [RETURN, FEEDBACK, INTEREST], ids=lambda other: str(other.id))
def test_what_happens_beside_orders_is_taken_by_the_contract(
    other: sample.Return | sample.Feedback | sample.Interest,
) -> None:
    message = other_message(PARENT, other)
    protovalidate.validate(message)
    assert message.name == f"tenants/demo/customers/c1/activities/{other.id}"
    assert message.occur_time.ToMicroseconds() == other.at


def test_each_keeps_what_it_says() -> None:
    given_back = other_message(PARENT, RETURN).purchase_return
    assert (given_back.amount.units, given_back.amount.nanos) == (45, 500_000_000)
    assert given_back.purchase == "purchase-o1"
    assert [line.quantity_milli for line in given_back.lines] == [3000]
    said = other_message(PARENT, FEEDBACK).feedback
    assert (said.kind, said.text) == (activity_pb2.FEEDBACK_KIND_COMPLAINT, "冰量不足")
    asked = other_message(PARENT, INTEREST).interest
    assert (asked.product, asked.category) == ("带鱼", "hairtail")


def test_events_of_a_script_are_told_apart_by_what_they_hold() -> None:
    purchase = sample.Purchase("o1", "c1", 1, "field", (LINE,))
    follow_up = sample.FollowUp("f1", "c1", None, 1, "phone", "reached", 3)
    protocols = (Purchase, FollowUp, Return, Feedback, Interest)
    for event, expected in (
        (purchase, Purchase),
        (follow_up, FollowUp),
        (RETURN, Return),
        (FEEDBACK, Feedback),
        (INTEREST, Interest),
    ):
        assert [each for each in protocols if isinstance(event, each)] == [expected]
