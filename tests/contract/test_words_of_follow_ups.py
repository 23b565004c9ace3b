"""The words of a follow-up are the same in the contract, in the SDK, and in what plugins say."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import pytest

from gonghai.archive.v1 import activity_pb2, customer_pb2
from gonghai_engine import Engine
from gonghai_plugin import Plugin, host_facts
from gonghai_plugin.policies import FollowUp

if TYPE_CHECKING:
    from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

    from gonghai_plugin import Fact


@pytest.mark.requirement("B6")
@pytest.mark.parametrize(
    ("fact", "enum", "prefix"),
    [
        (host_facts.ACTIVITY_CHANNEL, customer_pb2.ContactChannel, "CONTACT_CHANNEL_"),
        (host_facts.ACTIVITY_OUTCOME, activity_pb2.FollowUpOutcome, "FOLLOW_UP_OUTCOME_"),
    ],
)
def test_rules_can_ask_for_what_the_contract_tells_and_nothing_else(
    fact: Fact, enum: EnumTypeWrapper, prefix: str
) -> None:
    told = [name.removeprefix(prefix).lower() for name, number in enum.items() if number]
    assert fact.type.values == tuple(told)


def test_plugins_plan_follow_ups_by_channels_that_there_are() -> None:
    known = set(host_facts.ACTIVITY_CHANNEL.type.values or ())
    loaded: dict[str, Plugin] = {}

    class Shelf:
        def add(self, plugin: Plugin) -> None:
            loaded[plugin.name] = plugin

    for point in entry_points(group="gonghai"):
        point.load().register(Shelf())
    assert loaded.keys() >= Engine.load().plugins.keys()
    for plugin in loaded.values():
        for declared in plugin.policies:
            if isinstance(declared, FollowUp):
                for rule in declared.rules.rules:
                    assert known.issuperset(rule.then.channels), f"{plugin.name}, {rule.name}"
