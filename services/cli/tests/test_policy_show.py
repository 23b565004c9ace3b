"""A policy as a person is shown it: rules, attributes, workflows, with their brackets."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from gonghai.policy.v1.policy_service_pb2 import (
    AttributeDeclaration,
    AttributeValue,
    Policy,
    Rule,
    Workflow,
)
from gonghai_cli.subcommands.policy import table_of

ROLE = AttributeDeclaration(
    attribute="role",
    type="text",
    label_en="channel role",
    label_zh="渠道角色",
    required=True,
    values=[AttributeValue(value="shop", label_en="Shop", label_zh="门店")],
)
GREET = Workflow(
    workflow="greet",
    title_en="Greeting",
    title_zh="问候",
    transitions=["greets: nothing -> met, on Happens(kinds=[purchase])", "goes: met -> gone"],
)
KEY = Rule(rule="key", condition="tags has [vip]", outcome="Tier(name=key)", reason_zh="大客户")


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (Policy(attributes=[ROLE]), ("role", "required", "渠道角色", "shop (门店)")),
        (Policy(workflows=[GREET]), ("greet: 问候", "kinds=[purchase]", "goes: met -> gone")),
        (Policy(rules=[KEY]), ("key", "tags has [vip]", "大客户")),
    ],
)
def test_everything_of_it_is_told(policy: Policy, told: tuple[str, ...]) -> None:
    console = Console(file=StringIO(), width=200)
    console.print(table_of(policy, zh=True))
    assert isinstance(console.file, StringIO)
    text = console.file.getvalue()
    assert [part for part in told if part not in text] == []
