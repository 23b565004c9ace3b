"""What a document or a revision changes, through real gRPC on a real store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gonghai.policy.v1 import policy_service_pb2 as messages
from gonghai_chassis.testing.refusals import refused

from .test_policies import BAD, PARENT, PLAIN, STRICT, served

if TYPE_CHECKING:
    from gonghai.policy.v1.policy_service_pb2_grpc import PolicyServiceStub
    from gonghai_chassis.store import StoreSettings

AWAY = "version: 1\nzone: Asia/Tokyo\nholidays: [2026-12-31]\ndefault: {plugin: standard}\n"
NAMED = (
    "version: 1\ndefault: {plugin: standard}\n"
    "industries:\n  tea: {plugin: standard, settings: {key_amount: 5}}\n"
)


async def _apply(stub: PolicyServiceStub, *documents: str) -> None:
    for document in documents:
        await stub.ApplyPolicy(messages.ApplyPolicyRequest(parent=PARENT, document=document))


async def _compare(
    stub: PolicyServiceStub, document: str = "", *, revision: int = 0, base: int = 0
) -> messages.ComparePolicyResponse:
    request = messages.ComparePolicyRequest(parent=PARENT, base_revision=base)
    if document:
        request.document = document
    else:
        request.revision = revision
    return await stub.ComparePolicy(request)


async def test_a_setting_and_the_rule_that_reads_otherwise_with_it(
    store_settings: StoreSettings,
) -> None:
    async with served(store_settings) as stub:
        await _apply(stub, PLAIN)
        found = await _compare(stub, STRICT)
        listed = await stub.ListRevisions(messages.ListRevisionsRequest(parent=PARENT))
    (change,) = found.industries
    assert found.base_revision == 1
    assert (change.industry, change.plugin_before, change.plugin_after) == (
        "default", "standard", "standard",
    )  # fmt: skip
    (setting,) = change.settings
    assert (setting.path, setting.before, setting.after) == ("dormant_days", "60", "30")
    (rule,) = change.rules
    assert (rule.policy, rule.before.rule, rule.after.rule) == ("lifecycle", "dormant", "dormant")
    assert rule.before.condition == "days_since_last_order > 60"
    assert rule.after.condition == "days_since_last_order > 30"
    assert not found.calendar
    assert len(listed.revisions) == 1  # nothing was applied


async def test_what_says_the_same_changes_nothing(store_settings: StoreSettings) -> None:
    async with served(store_settings) as stub:
        await _apply(stub, STRICT)
        spelled = "# a comment\nversion: 1\ndefault:\n  plugin: standard\n  settings:\n"
        found = await _compare(stub, spelled + "    dormant_days: 30\n")
    assert found == messages.ComparePolicyResponse(base_revision=1)


async def test_revisions_are_compared_with_each_other(store_settings: StoreSettings) -> None:
    async with served(store_settings) as stub:
        await _apply(stub, PLAIN, STRICT, AWAY)
        forward = await _compare(stub, revision=2, base=1)
        back = await _compare(stub, revision=1, base=2)
        present = await _compare(stub, revision=1)
    ((change,), (turned,)) = forward.industries[0].settings, back.industries[0].settings
    assert (forward.base_revision, back.base_revision, present.base_revision) == (1, 2, 3)
    assert (change.before, change.after) == (turned.after, turned.before) == ("60", "30")
    assert {value.path: (value.before, value.after) for value in present.calendar} == {
        "zone": ('"Asia/Tokyo"', '"Asia/Shanghai"'),
        "holidays": ('["2026-12-31"]', "[]"),
    }


async def test_an_industry_that_gets_settings_of_its_own_was_decided_as_by_default(
    store_settings: StoreSettings,
) -> None:
    async with served(store_settings) as stub:
        without_any = await _compare(stub, NAMED)
        await _apply(stub, NAMED)
        away = await _compare(stub, PLAIN)
    assert without_any.base_revision == 0
    for found, values in ((without_any, ("1000000", "5")), (away, ("5", "1000000"))):
        (change,) = found.industries
        (setting,) = change.settings
        assert change.industry == "tea"
        assert (setting.path, setting.before, setting.after) == ("key_amount", *values)


async def test_one_revision_is_got_by_its_name(store_settings: StoreSettings) -> None:
    async with served(store_settings) as stub:
        await _apply(stub, PLAIN, STRICT)
        request = messages.GetPolicyRevisionRequest(name=f"{PARENT}/policyRevisions/1")
        assert (await stub.GetPolicyRevision(request)).document == PLAIN
        request.name = f"{PARENT}/policyRevisions/3"
        gone = await refused(stub.GetPolicyRevision(request))
        request.name = f"{PARENT}/policyRevisions/0"
        wrong = await refused(stub.GetPolicyRevision(request))
    assert gone.reason == "RESOURCE_NOT_FOUND"
    assert wrong.reason == "INVALID_FIELD"


async def test_what_cannot_be_compared_is_refused(store_settings: StoreSettings) -> None:
    async with served(store_settings) as stub:
        bad = await refused(_compare(stub, BAD))
        unknown = await refused(_compare(stub, revision=4))
        nothing = messages.ComparePolicyRequest(parent=PARENT)
        neither = await refused(stub.ComparePolicy(nothing))
    assert bad.reason == "INVALID_POLICY_DOCUMENT"
    assert unknown.reason == "RESOURCE_NOT_FOUND"
    assert neither.reason == "INVALID_FIELD"


@pytest.mark.parametrize("method", ["GetPolicyRevision", "ComparePolicy"])
async def test_archive_alone_knows_of_revisions(store_settings: StoreSettings, method: str) -> None:
    async with served(store_settings, "pool", publishes=False) as stub:
        asked = await refused(
            stub.GetPolicyRevision(
                messages.GetPolicyRevisionRequest(name=f"{PARENT}/policyRevisions/1")
            )
            if method == "GetPolicyRevision"
            else stub.ComparePolicy(messages.ComparePolicyRequest(parent=PARENT, revision=1))
        )
    assert asked.reason == "NOT_IMPLEMENTED"
