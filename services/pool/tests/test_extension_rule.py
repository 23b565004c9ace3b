"""Requests for more time that a plugin's rule decides as they are made (按规则审批延期)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gonghai.policy.v1 import policy_service_pb2 as policy_pb
from gonghai.policy.v1.policy_service_pb2_grpc import PolicyServiceStub
from gonghai.pool.v1 import pool_service_pb2 as pb
from gonghai_chassis.instants import instant_of
from gonghai_chassis.testing.refusals import refused
from gonghai_engine import Engine, Policy
from gonghai_plugin import host_facts
from gonghai_plugin.facts import setting
from gonghai_plugin.outcomes import Deny, Grant, Refer
from gonghai_plugin.policies import Extension
from gonghai_plugin.rules import Rule, first_hit, otherwise
from gonghai_plugin.texts import Text
from gonghai_policy_service.values import to_value
from gonghai_pool.alterations import AFTER
from gonghai_pool.commands.extensions import MOST, MOST_DENIED
from gonghai_pool.consistency import audit
from gonghai_pool.custody import ExtensionState
from gonghai_pool.store import keys
from gonghai_pool.store.custody_records import pack_custody, unpack_custody
from gonghai_pool.workers.recomputation import Recomputation

from .moody import Moody
from .sea import DAY, TENANT, Sea, customer_name, sea
from .sea_plugin import SEA
from .test_clocks import DUE, WARN, changes, held
from .test_extensions import approve, ask

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings

RULES = Extension(
    first_hit(
        Rule(
            "closed",
            host_facts.TAGS.has("closed"),
            Deny(),
            Text("closed at the moment", "暂时关闭"),
        ),
        Rule(
            "none-left",
            host_facts.TAGS.has("stingy"),
            Grant(setting("grace_days")),
            Text("as many as the grace", "与宽限期相同"),
        ),
        Rule(
            "early",
            host_facts.HELD_DAYS.equals(0),
            Refer(),
            Text(
                "{due_clock} runs out in {days_until_due} days",
                "距{due_clock}到期还有{days_until_due}天",
            ),
        ),
        Rule(
            "first",
            host_facts.EXTENSION_REQUESTS.equals(0),
            Grant(3),
            Text(
                "the first request of {extension_days} days: up to 3",
                "首次申请{extension_days}天：最多3天",
            ),
        ),
        Rule(
            "within",
            host_facts.EXTENSION_DAYS.at_most(1),
            Grant(),
            Text("{extension_days_left} days are left", "尚余{extension_days_left}天"),
        ),
        otherwise(Refer(), Text("granted {extension_days_granted} so far", "已批准若干天")),
    )
)


def engine() -> Engine:
    plugin = replace(SEA, sdk="1.3", policies=(*SEA.policies, RULES))
    return Engine({"standard": plugin})


async def explained(world: Sea) -> pb.ExplainCustodyResponse:
    """Explain the custody as the administrator."""
    told: pb.ExplainCustodyResponse = await world.stub.ExplainCustody(
        pb.ExplainCustodyRequest(customer=customer_name("c1"))
    )
    return told


@pytest.mark.requirement("B8")
async def test_a_rule_grants_at_once_perhaps_fewer_days_and_the_due_time_moves(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings, engine=engine()) as world:
        await held(world)
        await world.pass_days(2)
        given = await ask(world, days=5)
        assert given.state == pb.EXTENSION_STATE_APPROVED
        assert (given.days, given.granted_days) == (5, 3)
        assert given.decider.principal == "system:pool"
        assert instant_of(given.decide_time) == world.now
        assert given.decision_reason == "the first request of 5 days: up to 3"
        decision = given.decision
        assert (decision.policy, decision.rule) == ("extension", "first")
        assert (decision.plugin_version, decision.outcome) == ("1.0.0", "grant up to 3d")
        custody = await world.custody("c1")
        assert instant_of(custody.due_time) == DUE + 3 * DAY
        assert custody.clocks[0].extension.ToTimedelta().days == 3

        again = await ask(world, days=1)
        assert (again.state, again.granted_days) == (pb.EXTENSION_STATE_APPROVED, 1)
        assert again.decision.reason == "5 days are left"
        assert instant_of((await world.custody("c1")).due_time) == DUE + 4 * DAY

        entry = (await world.history("c1"))[-1]
        assert changes([entry]) == ["EXTENSION_CHANGED"]
        assert (entry.rule, entry.reason) == ("within", "the buyer is abroad")
        assert entry.decision == again.decision
        assert entry.actor.principal == "rep:wang"
        assert list((await explained(world)).extensions) == [given, again]
        await world.move_to(DUE + 4 * DAY + AFTER)
        assert changes(await world.history("c1"))[-2:] == ["WARNED", "RECLAIMED"]
        assert await audit(world.parts.store) == []


@pytest.mark.requirement("B8")
async def test_the_sentence_is_in_the_readers_language(store_settings: StoreSettings) -> None:
    async with sea(store_settings, engine=engine()) as world:
        await held(world)
        await world.pass_days(2)
        await ask(world)
        stub = world.rep_stub("wang")
        request = pb.ExplainCustodyRequest(customer=customer_name("c1"))
        told = await stub.ExplainCustody(request, metadata=(("accept-language", "zh"),))
        (one,) = told.extensions
        assert one.decision.reason == one.decision_reason == "首次申请5天：最多3天"


@pytest.mark.requirement("B8")
async def test_a_rule_denies_and_no_manager_is_asked(store_settings: StoreSettings) -> None:
    async with sea(store_settings, engine=engine()) as world:
        await held(world)
        await world.customer("c1", tags=["closed"])
        denied = await ask(world)
        assert (denied.state, denied.granted_days) == (pb.EXTENSION_STATE_DENIED, 0)
        assert denied.decision_reason == "closed at the moment"
        assert (await refused(approve(world, denied.name))).reason == "WRONG_STATE"
        assert instant_of((await world.custody("c1")).due_time) == DUE


@pytest.mark.requirement("B8")
@pytest.mark.parametrize(("tags", "rule"), [([], "early"), (["stingy"], "none-left")])
async def test_what_a_rule_leaves_to_a_manager_waits_for_him(
    store_settings: StoreSettings, tags: list[str], rule: str
) -> None:
    async with sea(store_settings, engine=engine()) as world:
        await held(world)
        await world.customer("c1", tags=tags)
        asked = await ask(world)
        if rule == "early":
            assert asked.decision.reason == "no_follow_up runs out in 10 days"
        assert (asked.state, asked.decision.rule) == (pb.EXTENSION_STATE_PENDING, rule)
        assert asked.waits_because == ""
        given = await approve(world, asked.name, reason="fair")
        assert (given.granted_days, given.decision_reason) == (5, "fair")
        assert given.decision.rule == rule
        assert instant_of((await world.custody("c1")).due_time) == DUE + 5 * DAY


@pytest.mark.requirement("B8")
async def test_where_the_rule_fails_the_request_waits_for_a_manager_and_says_so(
    store_settings: StoreSettings,
) -> None:
    made = engine()
    moody = Moody(made)
    moody.failing = {Policy.EXTENSION}
    async with sea(store_settings, engine=made, decider=moody) as world:
        await held(world)
        asked = await ask(world)
        assert asked.state == pb.EXTENSION_STATE_PENDING
        assert asked.waits_because
        assert not asked.HasField("decision")
        entry = (await world.history("c1"))[-1]
        assert "waits for a manager" in entry.reason
        assert asked.waits_because in entry.reason
        given = await approve(world, asked.name)
        assert given.granted_days == 5
        assert await audit(world.parts.store) == []


@pytest.mark.requirement("B8")
async def test_a_repeat_hears_the_same_answer_whatever_the_rule_would_say_now(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings, engine=engine()) as world:
        await held(world)
        await world.pass_days(2)
        first = await ask(world, days=8, request_id="r1")
        assert first.granted_days == 3
        await world.customer("c1", tags=["closed"])
        assert await ask(world, days=8, request_id="r1") == first
        assert changes(await world.history("c1")).count("EXTENSION_CHANGED") == 1
        other = await ask(world, days=1, request_id="r2")
        assert other.state == pb.EXTENSION_STATE_DENIED
        assert await ask(world, days=1, request_id="r2") == other


@pytest.mark.requirement("B8")
async def test_what_the_rule_denies_uses_up_nothing(store_settings: StoreSettings) -> None:
    async with sea(store_settings, engine=engine()) as world:
        await held(world)
        await world.pass_days(2)
        await world.customer("c1", tags=["closed"])
        denied = [await ask(world, days=1) for _ in range(MOST + 1)]
        assert {one.state for one in denied} == {pb.EXTENSION_STATE_DENIED}
        assert list((await explained(world)).extensions) == denied[-MOST_DENIED:]
        assert changes(await world.history("c1")).count("EXTENSION_CHANGED") == MOST + 1

        # It is open again: what it asked for before is told to the rule, and in nobody's way.
        await world.customer("c1")
        given = await ask(world, days=1)
        assert (given.decision.rule, given.granted_days) == ("within", 1)
        assert given.decision.facts["extension_requests"].int_value == MOST + 1
        assert await audit(world.parts.store) == []


@pytest.mark.requirement("B8")
async def test_a_rule_grants_no_more_than_the_maximum_leaves(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings, engine=engine()) as world:
        await held(world)
        await world.policy(
            "version: 1\ndefault: {plugin: standard, settings: {extension_days: 2}}\n"
        )
        await world.pass_days(2)
        assert "at most 2 days" in (await refused(ask(world, days=3))).message
        assert (await ask(world, days=2)).granted_days == 2
        assert instant_of((await world.custody("c1")).due_time) == DUE + 2 * DAY
        assert "at most 0 days" in (await refused(ask(world, days=1))).message


@pytest.mark.requirement("B8")
async def test_more_time_after_the_warning_makes_that_void(store_settings: StoreSettings) -> None:
    async with sea(store_settings, engine=engine()) as world:
        await held(world)
        await world.move_to(WARN + AFTER)
        assert (await world.custody("c1")).warned
        await ask(world)
        assert not (await world.custody("c1")).warned


@pytest.mark.requirement("B8")
async def test_the_rule_is_listed_and_can_be_tried_on_given_facts(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings, engine=engine()) as world:
        stub = world.served.stub(PolicyServiceStub, principal="admin:ann@acme")
        listed = await stub.ListPolicies(policy_pb.ListPoliciesRequest(parent="tenants/acme"))
        (listed_rule,) = [one for one in listed.policies if one.policy == "extension"]
        shown = await stub.GetPolicy(policy_pb.GetPolicyRequest(name=listed_rule.name))
        assert [one.rule for one in shown.rules][:2] == ["closed", "none-left"]
        assert [one.outcome for one in shown.rules][3] == "Grant(days=3)"
        told = await stub.Evaluate(
            policy_pb.EvaluateRequest(
                name=listed_rule.name,
                facts={"extension_days": to_value(5), "extension_requests": to_value(0)},
            )
        )
        assert (told.decision.rule, told.decision.outcome) == ("first", "grant up to 3d")


@pytest.mark.requirement("B8")
async def test_the_audit_finds_days_that_nobody_granted(store_settings: StoreSettings) -> None:
    async with sea(store_settings, engine=engine()) as world:
        await held(world)
        await world.pass_days(2)
        await ask(world)
        custody = (await world.parts.custodies.situation(TENANT, "c1")).custody
        assert custody is not None
        (given,) = custody.extensions
        waits = replace(given, state=ExtensionState.PENDING)
        store = world.parts.store
        partition = store.partition(TENANT)
        await store.client(partition).set(
            keys.custody(partition, TENANT, "c1"),
            pack_custody(replace(custody, extensions=(waits, waits))),
        )
        found = "\n".join(await audit(store))
        assert "acme/c1: 2 requests for more time wait at a time" in found
        assert f"acme/c1: {given.id} is the id of 2 requests for more time" in found
        assert "3 are granted, and it is pending" in found
        assert f"was decided at {given.decided}, and it is pending" in found


async def test_a_request_of_before_rules_is_read_as_granted_in_full(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await held(world)
        given = await approve(world, (await ask(world)).name)
        assert given.granted_days == 5
        custody = (await world.parts.custodies.situation(TENANT, "c1")).custody
        assert custody is not None
        assert unpack_custody(pack_custody(custody)) == custody
        (one,) = custody.extensions
        assert (one.granted, one.decision) == (5, {})


@pytest.mark.requirement("B8")
async def test_a_request_is_answered_by_the_policy_in_force_also_before_the_clocks_follow_it(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stands_still(*_: object) -> None:
        """Nobody's clocks are computed anew."""

    async with sea(store_settings, engine=engine()) as world:
        await held(world)
        await world.pass_days(2)
        monkeypatch.setattr(Recomputation, "go_over", stands_still)
        await world.policy(
            "version: 1\ndefault: {plugin: standard, settings: {extension_days: 1}}\n"
        )
        assert (await refused(ask(world, days=5))).reason == "INVALID_FIELD"
        given = await ask(world, days=1)
        assert (given.state, given.granted_days) == (pb.EXTENSION_STATE_APPROVED, 1)
        assert await audit(world.parts.store) == []
