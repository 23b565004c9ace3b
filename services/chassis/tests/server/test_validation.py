"""The rules of the contract as the door holds requests to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gonghai.assignment.v1 import assignment_service_pb2 as pb
from gonghai.assignment.v1 import rep_pb2
from gonghai_chassis.chain.validation import Validation
from gonghai_chassis.errors import InvalidRequest

if TYPE_CHECKING:
    from google.protobuf.message import Message

REP = "tenants/acme/reps/li"


def faults(request: Message) -> list[str]:
    try:
        Validation()._check(request)
    except InvalidRequest as error:
        return [field.field for field in error.fields]
    return []


def update(*mask: str, **fields: object) -> pb.UpdateRepRequest:
    request = pb.UpdateRepRequest(rep=rep_pb2.Rep(name=REP, **fields))  # type: ignore[arg-type]
    request.update_mask.paths.extend(mask)
    return request


def test_a_resource_is_held_to_all_rules_when_it_is_made() -> None:
    request = pb.CreateRepRequest(parent="tenants/acme", rep=rep_pb2.Rep(performance=5))
    assert faults(request) == ["rep.display_name"]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (update("performance", performance=5), []),
        (update(performance=5), []),
        (update("performance", performance=5000), ["rep.performance"]),
        (update(performance=5000), ["rep.performance"]),
        (update("display_name"), ["rep.display_name"]),
        (update("*", performance=5), ["rep.display_name"]),
        (update("leaves", leaves=[rep_pb2.Leave()]), ["rep.leaves[0].start_time"]),
        (update("skills", leaves=[rep_pb2.Leave()]), []),
        (pb.UpdateRepRequest(), ["rep"]),
    ],
)
def test_an_update_is_held_to_the_rules_of_what_it_changes(
    request_: pb.UpdateRepRequest, expected: list[str]
) -> None:
    assert faults(request_) == expected
