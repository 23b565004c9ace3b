"""What a plugin declares beside what it decides is listed where its policies are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import grpc
import pytest

from gonghai.policy.v1 import policy_service_pb2 as messages
from gonghai_chassis.testing.refusals import refused
from gonghai_engine import Engine
from gonghai_plugin import TEXT, Attribute, Text, setting, text_of
from gonghai_plugin.workflows import After, Happens, State, Transition, Workflow

from .small_plugin import SMALL
from .test_policies import PARENT, STRICT, served

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings

ANYWAY = Text("anyway", "总之")
ROLE = Attribute(
    "role",
    text_of("shop", "stall"),
    Text("role", "角色"),
    required=True,
    value_labels={"shop": Text("Shop", "门店")},
)
DEPOSIT = Attribute("deposit", TEXT, Text("deposit", "保证金"), sensitive=True, maximum=20)
GREET = Workflow(
    "greet",
    Text("Greeting", "问候"),
    (State("greeted", ANYWAY), State("gone", ANYWAY, final=True)),
    (
        Transition("greets", (), "greeted", Happens(("purchase",)), ANYWAY),
        Transition("goes", ("greeted",), "gone", After(setting("dormant_days")), ANYWAY),
    ),
)


def _engine() -> Engine:
    return Engine({"standard": replace(SMALL, attributes=(ROLE, DEPOSIT), workflows=(GREET,))})


async def _get(settings: StoreSettings, policy: str) -> messages.Policy:
    async with served(settings, engine=_engine()) as stub:
        await stub.ApplyPolicy(messages.ApplyPolicyRequest(parent=PARENT, document=STRICT))
        name = f"{PARENT}/policies/default.{policy}"
        return await stub.GetPolicy(messages.GetPolicyRequest(name=name))


async def test_attributes_are_listed_as_they_are_shown(store_settings: StoreSettings) -> None:
    policy = await _get(store_settings, "attributes")
    assert (policy.plugin, policy.plugin_version, policy.policy) == (
        "standard",
        "1.2.3",
        "attributes",
    )
    assert not policy.rules
    role, deposit = policy.attributes
    assert (role.attribute, role.label_en, role.label_zh, role.required) == (
        "role",
        "role",
        "角色",
        True,
    )
    # A value without a label is called as it is stored.
    assert [(each.value, each.label_en, each.label_zh) for each in role.values] == [
        ("shop", "Shop", "门店"),
        ("stall", "stall", "stall"),
    ]
    assert (deposit.sensitive, deposit.maximum, deposit.HasField("minimum")) == (True, 20, False)


async def test_workflows_are_listed_with_their_settings(store_settings: StoreSettings) -> None:
    policy = await _get(store_settings, "workflows")
    (workflow,) = policy.workflows
    assert (workflow.workflow, workflow.title_zh) == ("greet", "问候")
    assert workflow.transitions[1] == "goes: greeted -> gone, on After(days=30)"


async def test_they_stand_among_the_policies_of_who_declares_them(
    store_settings: StoreSettings,
) -> None:
    request = messages.ListPoliciesRequest(parent=PARENT)
    async with served(store_settings, engine=_engine()) as stub:
        listed = {each.policy for each in (await stub.ListPolicies(request)).policies}
    assert {"attributes", "workflows", "tiering"} <= listed


@pytest.mark.parametrize("kind", ["attributes", "workflows"])
async def test_nothing_is_decided_by_them(store_settings: StoreSettings, kind: str) -> None:
    request = messages.EvaluateRequest(name=f"{PARENT}/policies/default.{kind}")
    async with served(store_settings, engine=_engine()) as stub:
        error = await refused(stub.Evaluate(request))
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert "declared" in str(error)
