"""PolicyService as archive and as pool serve it, through real gRPC on a real store."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.rpc import error_details_pb2

from gonghai.policy.v1 import policy_service_pb2 as messages
from gonghai.policy.v1.policy_service_pb2_grpc import PolicyServiceStub
from gonghai.type.v1 import fact_pb2
from gonghai_chassis.events import (
    Cursor,
    Event,
    EventStream,
    SnapshotItem,
    Step,
    read_progress,
)
from gonghai_chassis.events.rebuilds import begin_rebuild
from gonghai_chassis.settings import Settings
from gonghai_chassis.store import Script
from gonghai_chassis.store.failures import StaleStep
from gonghai_chassis.testing.failing_scripts import run_failing_at_each_read
from gonghai_chassis.testing.refusals import refused
from gonghai_chassis.testing.serving import dev_settings, serving
from gonghai_engine import (
    Decision,
    DecisionFailure,
    DecisionRequest,
    Engine,
    Explanation,
    FailureCause,
    PluginHealth,
    Policy,
    PolicyDocument,
)
from gonghai_plugin import host_facts
from gonghai_plugin.policies import OPTIONAL
from gonghai_plugin.texts import Text
from gonghai_plugin.workflows import Happens, RaiseEvent, State, Transition, Workflow
from gonghai_policy_service import PolicyBook, PolicyServicer, add_policy_service
from gonghai_policy_service.decisions import decision_message
from gonghai_policy_service.messages import revision_message
from gonghai_policy_service.revisions import Revision
from gonghai_policy_service.store import keys
from gonghai_policy_service.trials import on_trial

from .small_plugin import SMALL, small_engine

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from gonghai_chassis.assembly import Assembly
    from gonghai_chassis.store import Store, StoreSettings
    from gonghai_chassis.testing.plugin import OpenStore
    from gonghai_policy_service.trials import Trial

PARENT = "tenants/acme"
PLAIN = "version: 1\ndefault: {plugin: standard}\n"
STRICT = "version: 1\ndefault: {plugin: standard, settings: {dormant_days: 30}}\n"
BAD = (
    "version: 1\ndefault:\n  plugin: standard\n  settings:\n    dormant_days: 0\n    nonsense: 1\n"
)


@asynccontextmanager
async def served(
    settings: StoreSettings,
    name: str = "archive",
    *,
    publishes: bool = True,
    engine: Engine | None = None,
) -> AsyncIterator[PolicyServiceStub]:
    async def assemble(assembly: Assembly[Settings]) -> None:
        store = await assembly.open_store()
        deciding = engine or small_engine()
        book = PolicyBook(store, deciding)
        add_policy_service(
            assembly, PolicyServicer(deciding, book, one_customer, publishes=publishes)
        )

    async with serving(name, assemble, dev_settings(Settings, store=settings)) as service:
        yield service.stub(PolicyServiceStub)


async def one_customer(
    present: Trial, trial: Trial, language: str
) -> AsyncGenerator[messages.SimulateResponse, None]:
    """A population of one, decided on by the document in force and by the one on trial."""
    asked = DecisionRequest(
        tenant=trial.owner,
        industry="",
        policy=Policy.LIFECYCLE,
        facts={"days_since_last_order": 40, "orders_lifetime": 3},
        now=1,
        subject="c1",
    )
    (after,) = await trial.decide([asked])
    assert isinstance(after, Decision)
    yield messages.SimulateResponse(
        customer=f"tenants/{trial.owner}/customers/c1",
        after=decision_message(after, language),
        total=present.policy.revision,
    )


async def events_of(store: Store, tenant: str = "acme") -> tuple[Event, ...]:
    return (await EventStream(store).read(store.partition(tenant), Cursor.START)).events


async def test_a_document_becomes_the_next_revision_and_is_published(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    async with served(store_settings) as stub:
        first = await stub.ApplyPolicy(messages.ApplyPolicyRequest(parent=PARENT, document=PLAIN))
        second = await stub.ApplyPolicy(
            messages.ApplyPolicyRequest(
                parent=PARENT, document=STRICT, base_revision=1, comment="they sleep sooner"
            )
        )
        listed = await stub.ListRevisions(messages.ListRevisionsRequest(parent=PARENT, page_size=1))
        rest = await stub.ListRevisions(
            messages.ListRevisionsRequest(
                parent=PARENT, page_size=1, page_token=listed.next_page_token
            )
        )
    assert [first.revision, second.revision] == [1, 2]
    assert second.name == "tenants/acme/policyRevisions/2"
    assert second.actor.principal == "admin:local"
    assert list(listed.revisions) == [second]
    assert list(rest.revisions) == [first]
    assert not rest.next_page_token
    events = await events_of(await open_store("archive"))
    assert [event.kind for event in events] == ["policy_applied", "policy_applied"]
    assert messages.PolicyRevision.FromString(events[1].payload) == second


async def test_the_same_request_is_answered_alike_and_published_once(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    request = messages.ApplyPolicyRequest(
        parent=PARENT, document=PLAIN, base_revision=0, request_id="r1"
    )
    async with served(store_settings) as stub:
        first = await stub.ApplyPolicy(request)
        await stub.ApplyPolicy(messages.ApplyPolicyRequest(parent=PARENT, document=STRICT))
        again = await stub.ApplyPolicy(request)
        other = messages.ApplyPolicyRequest(parent=PARENT, document=STRICT, request_id="r1")
        reused = await refused(stub.ApplyPolicy(other))
    assert again == first
    assert reused.reason == "REQUEST_ID_REUSED"
    assert len(await events_of(await open_store("archive"))) == 2


async def test_a_repeat_with_the_base_it_was_sent_with_is_answered(
    store_settings: StoreSettings,
) -> None:
    async with served(store_settings) as stub:
        await stub.ApplyPolicy(messages.ApplyPolicyRequest(parent=PARENT, document=PLAIN))
        request = messages.ApplyPolicyRequest(
            parent=PARENT, document=STRICT, base_revision=1, request_id="r2"
        )
        first = await stub.ApplyPolicy(request)
        assert await stub.ApplyPolicy(request) == first


async def test_another_base_than_the_present_is_aborted(store_settings: StoreSettings) -> None:
    async with served(store_settings) as stub:
        await stub.ApplyPolicy(messages.ApplyPolicyRequest(parent=PARENT, document=PLAIN))
        for dry in (False, True):
            error = await refused(
                stub.ApplyPolicy(
                    messages.ApplyPolicyRequest(
                        parent=PARENT, document=STRICT, base_revision=7, validate_only=dry
                    )
                )
            )
            assert error.code is grpc.StatusCode.ABORTED
            assert error.reason == "ETAG_MISMATCH"


async def test_a_bad_document_is_refused_whole_naming_lines_and_fields(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    async with served(store_settings) as stub:
        error = await refused(
            stub.ApplyPolicy(messages.ApplyPolicyRequest(parent=PARENT, document=BAD))
        )
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.reason == "INVALID_POLICY_DOCUMENT"
    assert error.metadata["line"] == "5"
    (detail,) = error.details(error_details_pb2.BadRequest)
    found = {v.field: v.description for v in detail.field_violations}
    assert found["document.default.settings.dormant_days"].startswith("line 5: ")
    assert found["document.default.settings.nonsense"].startswith("line 6: ")
    assert await events_of(await open_store("archive")) == ()


async def test_trying_a_document_changes_nothing(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    async with served(store_settings) as stub:
        would = await stub.ApplyPolicy(
            messages.ApplyPolicyRequest(parent=PARENT, document=STRICT, validate_only=True)
        )
    assert would.revision == 1
    assert await events_of(await open_store("archive")) == ()


async def test_only_archive_applies_and_lists_revisions(store_settings: StoreSettings) -> None:
    async with served(store_settings, "pool", publishes=False) as stub:
        for call in (
            stub.ApplyPolicy(messages.ApplyPolicyRequest(parent=PARENT, document=PLAIN)),
            stub.ListRevisions(messages.ListRevisionsRequest(parent=PARENT)),
        ):
            error = await refused(call)
            assert error.code is grpc.StatusCode.UNIMPLEMENTED
            assert error.reason == "NOT_IMPLEMENTED"


async def test_policies_are_listed_with_what_is_in_force(store_settings: StoreSettings) -> None:
    async with served(store_settings) as stub:
        await stub.ApplyPolicy(messages.ApplyPolicyRequest(parent=PARENT, document=STRICT))
        listed = await stub.ListPolicies(messages.ListPoliciesRequest(parent=PARENT))
        policy = await stub.GetPolicy(
            messages.GetPolicyRequest(name=f"{PARENT}/policies/default.lifecycle")
        )
        in_chinese = await stub.GetPolicy(
            messages.GetPolicyRequest(name=policy.name), metadata=(("accept-language", "zh"),)
        )
        missing = await refused(
            stub.GetPolicy(messages.GetPolicyRequest(name=f"{PARENT}/policies/fmcg.lifecycle"))
        )
    tiering = next(item for item in listed.policies if item.policy == "tiering")
    assert (tiering.plugin, tiering.plugin_version, tiering.revision) == ("standard", "1.2.3", 1)
    assert {item.policy for item in listed.policies} == set(Policy) - OPTIONAL
    assert [rule.rule for rule in policy.rules] == ["dormant", "otherwise"]
    assert policy.rules[0].condition == "days_since_last_order > 30"
    assert "30" in policy.settings_json
    assert [fact.fact for fact in policy.facts] == ["days_since_last_order"]
    meant = host_facts.DAYS_SINCE_LAST_ORDER.about
    assert [fact.description for fact in policy.facts] == [meant.en]
    assert [fact.description for fact in in_chinese.facts] == [meant.zh]
    assert meant.en != meant.zh
    assert missing.code is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    ("language", "reason"), [("en", "no order for 45 days"), ("zh", "已45天未下单")]
)
async def test_a_decision_can_be_tried_and_says_why(
    store_settings: StoreSettings, language: str, reason: str
) -> None:
    async with served(store_settings) as stub:
        await stub.ApplyPolicy(messages.ApplyPolicyRequest(parent=PARENT, document=STRICT))
        answer = await stub.Evaluate(
            messages.EvaluateRequest(
                name=f"{PARENT}/policies/default.lifecycle",
                facts={"days_since_last_order": fact_pb2.Value(int_value=45)},
            ),
            metadata=(("accept-language", language),),
        )
    assert answer.decision.outcome == "dormant"
    assert answer.decision.reason == reason
    assert answer.decision.revision == 1
    (condition,) = answer.conditions
    assert (condition.rule, condition.condition, condition.holds) == (
        "dormant",
        "days_since_last_order > settings.dormant_days (30)",
        True,
    )
    assert condition.facts["days_since_last_order"].int_value == 45


async def test_a_fact_of_the_wrong_type_is_the_callers_fault(store_settings: StoreSettings) -> None:
    async with served(store_settings) as stub:
        error = await refused(
            stub.Evaluate(
                messages.EvaluateRequest(
                    name=f"{PARENT}/policies/default.lifecycle",
                    facts={"days_since_last_order": fact_pb2.Value(string_value="long")},
                )
            )
        )
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_workflows_are_listed_as_they_are_read(store_settings: StoreSettings) -> None:
    anyway = Text("anyway", "总之")
    greet = Workflow(
        "greet",
        Text("Greeting", "问候"),
        (State("greeted", anyway, final=True),),
        (Transition("greets", (), "greeted", Happens(("purchase",)), anyway, (RaiseEvent("hi"),)),),
    )
    engine = Engine(
        {"standard": replace(SMALL, workflows=(greet,))},
        (PluginHealth("standard", "small", "1.2.3", "1.1", ok=True, required=False, error=""),),
    )
    async with served(store_settings, engine=engine) as stub:
        answer = await stub.GetPluginHealth(messages.GetPluginHealthRequest())
    assert list(answer.plugins[0].workflows) == [
        messages.Workflow(
            workflow="greet",
            title_en="Greeting",
            title_zh="问候",
            states=["greeted"],
            transitions=[
                "greets: nothing -> greeted, on Happens(kinds=[purchase]): RaiseEvent(name=hi)"
            ],
        )
    ]


async def test_plugins_say_how_they_are_and_how_often_they_failed(
    store_settings: StoreSettings,
) -> None:
    health = (
        PluginHealth("broken", "", "", "", ok=False, required=True, error="no such module"),
        PluginHealth("standard", "small", "1.2.3", "1.0", ok=True, required=False, error=""),
    )
    engine = Engine({"standard": SMALL}, health)
    name = f"{PARENT}/policies/default.lifecycle"
    wrong = {"days_since_last_order": fact_pb2.Value(string_value="long")}
    async with served(store_settings, engine=engine) as stub:
        await refused(stub.Evaluate(messages.EvaluateRequest(name=name, facts=wrong)))
        answer = await stub.GetPluginHealth(messages.GetPluginHealthRequest())
    broken, standard = answer.plugins
    assert (broken.healthy, broken.required, broken.problem) == (False, True, "no such module")
    assert (standard.healthy, standard.version) == (True, "1.2.3")
    assert (standard.failed_decisions, broken.failed_decisions) == (1, 0)
    assert list(standard.policies) == ["lifecycle", "tiering"]


def revision(number: int, document: str = PLAIN) -> Revision:
    digest = PolicyDocument.in_force(document).digest
    return Revision("acme", number, document, digest, at=1_000_000 * number)


def told(number: int, document: str = PLAIN) -> SnapshotItem:
    payload = revision_message(revision(number, document)).SerializeToString()
    return SnapshotItem("policy_applied", "acme", "acme", number, payload)


async def load(store: Store, book: PolicyBook, *items: SnapshotItem) -> None:
    """A rebuild whose snapshot has these."""
    rebuild = await begin_rebuild(store, store.partition("acme"), "archive")
    for item in items:
        await book.load(rebuild, item)
    await store.client().hdel(rebuild.keys()["cursor"], "rebuilding")


async def follow(store: Store, book: PolicyBook, item: SnapshotItem) -> None:
    """The same as an event, right after the last one."""
    p = store.partition("acme")
    before = (await read_progress(store, p, "archive")).cursor
    event = Event(
        before.position + 1, item.kind, "acme", "acme", item.version, 0, 1, item.payload, "n"
    )
    assert await book.follow(Step(p, "archive", before, event.cursor("life")), event)


async def stamp(store: Store, book: PolicyBook) -> bytes | None:
    p = store.partition("acme")
    read = await store.read(p, [book.key(p, "acme")])
    return read.values[0]


async def stage_of(store: Store, book: PolicyBook, days: int) -> tuple[str, int]:
    policy = await book.ensure("acme", await stamp(store, book))
    (decision,) = await book._engine.decide(
        [DecisionRequest("acme", "", Policy.LIFECYCLE, {"days_since_last_order": days}, 0)]
    )
    return decision.outcome.name, policy.revision  # type: ignore[union-attr]


async def test_a_follower_has_the_newest_revision_whatever_the_order(
    open_store: OpenStore,
) -> None:
    store = await open_store("pool")
    book = PolicyBook(store, small_engine())
    p = store.partition("acme")
    assert await stage_of(store, book, 45) == ("active", 0)
    await follow(store, book, told(2, STRICT))
    assert await stage_of(store, book, 45) == ("dormant", 2)
    await follow(store, book, told(1))
    assert await stage_of(store, book, 45) == ("dormant", 2)
    assert [item.version async for item in book.snapshot(p)] == [2]
    assert [item async for item in book.snapshot(p, "other")] == []


async def test_a_revision_that_archive_lost_gives_way_to_what_archive_has(
    open_store: OpenStore,
) -> None:
    store = await open_store("pool")
    book = PolicyBook(store, small_engine(), recompute=True)
    p = store.partition("acme")
    await follow(store, book, told(1))
    await follow(store, book, told(2, STRICT))
    assert await stage_of(store, book, 45) == ("dormant", 2)
    # A fail-over lost the second revision: the snapshot has the first.
    await load(store, book, told(1))
    assert await stage_of(store, book, 45) == ("active", 1)
    assert await store.client().zrange(keys.recompute(p), 0, -1) == [b"acme"]
    # The next one is the second again, with another content, and replicas learn of it.
    await follow(store, book, told(2, STRICT))
    assert await stage_of(store, book, 45) == ("dormant", 2)
    await load(store, book, told(2))
    assert await stage_of(store, book, 45) == ("active", 2)


async def test_a_first_revision_that_was_lost_gives_way_to_another_first_one(
    open_store: OpenStore,
) -> None:
    store = await open_store("pool")
    book = PolicyBook(store, small_engine())
    await follow(store, book, told(1, STRICT))
    assert await stage_of(store, book, 45) == ("dormant", 1)
    await load(store, book)
    await follow(store, book, told(1))
    assert await stage_of(store, book, 45) == ("active", 1)


async def test_a_store_that_lost_its_policy_is_believed(open_store: OpenStore) -> None:
    store = await open_store("archive")
    book = PolicyBook(store, small_engine())
    p = store.partition("acme")
    await follow(store, book, told(1, STRICT))
    assert await stage_of(store, book, 45) == ("dormant", 1)
    await store.client().delete(keys.stamp(p, "acme"), keys.document(p, "acme"))
    assert await stage_of(store, book, 45) == ("active", 0)


async def test_an_item_of_a_rebuild_that_another_took_over_is_refused(
    open_store: OpenStore,
) -> None:
    store = await open_store("pool")
    book = PolicyBook(store, small_engine())
    p = store.partition("acme")
    slow = await begin_rebuild(store, p, "archive")
    await load(store, book, told(2, STRICT))
    with pytest.raises(StaleStep):
        await book.load(slow, told(1))
    assert await stage_of(store, book, 45) == ("dormant", 2)


async def test_following_moves_the_cursor_in_the_same_step(
    open_store: OpenStore, store_settings: StoreSettings
) -> None:
    async with served(store_settings) as stub:
        await stub.ApplyPolicy(messages.ApplyPolicyRequest(parent=PARENT, document=STRICT))
    (event,) = await events_of(await open_store("archive"))
    store = await open_store("pool")
    book = PolicyBook(store, small_engine())
    step = Step(store.partition("acme"), "archive", Cursor.START, Cursor("i", 1, event.nonce))
    assert await book.follow(step, event)
    assert await stage_of(store, book, 45) == ("dormant", 1)
    with pytest.raises(StaleStep):
        await book.follow(step, event)


async def test_a_new_revision_leaves_work_until_all_is_decided_anew(
    open_store: OpenStore,
) -> None:
    store = await open_store("pool")
    p = store.partition("acme")
    book = PolicyBook(store, small_engine(), recompute=True)
    due = keys.recompute(p)
    await load(store, book, told(1))
    assert await store.client().zrange(due, 0, -1) == [b"acme"]
    await load(store, book, told(2, STRICT))
    assert not await book.recomputed(p, "acme", 1)
    assert await store.client().zrange(due, 0, -1) == [b"acme"]
    assert await book.recomputed(p, "acme", 2)
    assert await store.client().zrange(due, 0, -1) == []


async def test_a_missing_plugin_fails_decisions_and_keeps_no_older_revision(
    open_store: OpenStore,
) -> None:
    store = await open_store("pool")
    book = PolicyBook(store, small_engine())
    await load(store, book, told(1))
    await book.ensure("acme", await stamp(store, book))
    await load(store, book, told(2, "version: 1\ndefault: {plugin: absent}\n"))
    policy = await book.ensure("acme", await stamp(store, book))
    assert policy.revision == 2
    assert policy.industry("").missing


async def test_a_document_that_this_release_can_t_read_fails_decisions_and_nothing_else(
    open_store: OpenStore,
) -> None:
    store = await open_store("pool")
    book = PolicyBook(store, small_engine())
    await load(store, book, told(1))
    await book.ensure("acme", await stamp(store, book))
    await load(store, book, told(2, f"{PLAIN}of_a_later_release: 1\n"))
    policy = await book.ensure("acme", await stamp(store, book))
    assert policy.revision == 2
    assert "of_a_later_release" in policy.industry("").failure
    (failed,) = await book._engine.decide([DecisionRequest("acme", "", Policy.LIFECYCLE, {}, 0)])
    assert isinstance(failed, DecisionFailure)
    assert failed.cause is FailureCause.MISSING_PLUGIN
    await load(store, book, told(3, STRICT))
    assert await stage_of(store, book, 45) == ("dormant", 3)


ENDS = {
    "apply_policy": (5, "ok"),
    "finish_recompute": (3, "done"),
    "follow_policy": (4, "ok"),
    "list_revisions": (4, "ok"),
    "list_tenants": (3, "ok"),
    "load_policy": (4, "ok"),
}
"""At how many reads each script is made to fail, and in what it ends when none does."""


@pytest.mark.parametrize("verb", ENDS)
async def test_a_script_leaves_nothing_behind_when_a_read_fails(
    open_store: OpenStore, verb: str
) -> None:
    reads, ends = ENDS[verb]
    store = await open_store("archive")
    p = store.partition("acme")
    book = PolicyBook(store, small_engine(), recompute=True)
    known = {
        **book._keys(p, "acme"),
        "request": p.request_key("acme", "r"),
        "revisions": keys.revisions(p, "acme"),
        "cursor": p.cursor_key("archive"),
        "quarantine": p.quarantine_key("archive"),
        "quarantined": p.quarantined_key("archive"),
    }
    args = {
        **book._args(revision(1)),
        "fingerprint": "f",
        "base_revision": 0,
        "event": b"event",
        "generation": "g",
        "below": None,
        "limit": 9,
        "step": {
            "from_incarnation": "",
            "from_position": 0,
            "from_nonce": "",
            "incarnation": "i",
            "position": 1,
            "nonce": "n",
        },
    }
    script = Script("gonghai_policy_service.store", verb)
    if verb != "apply_policy":
        apply = Script("gonghai_policy_service.store", "apply_policy")
        await store.run(apply, p, keys=named(apply, known), args=named(apply, args, arguments=True))
    if verb in {"follow_policy", "load_policy"}:
        # Another one of the same number, so that there is something to write.
        args |= {**book._args(revision(1, STRICT))}
    if verb == "load_policy":
        await store.client(p).hset(known["cursor"], "rebuilding", "g")
    tried = await run_failing_at_each_read(
        store,
        script,
        p,
        keys=named(script, known),
        args=named(script, args, arguments=True),
        ends=ends,
    )
    assert tried == reads


def named(script: Script, known: dict[str, Any], *, arguments: bool = False) -> dict[str, Any]:
    """Those that the script's header names."""
    names = script.header.args if arguments else script.header.keys
    return {name: known[name] for name in names if name in known}


def test_all_scripts_are_made_to_fail() -> None:
    home = files("gonghai_policy_service.store").joinpath("lua")
    verbs = {one.name.removesuffix(".lua") for one in home.iterdir() if one.name.endswith(".lua")}
    assert verbs == ENDS.keys()


async def test_a_document_is_tried_and_nothing_changes(
    store_settings: StoreSettings,
) -> None:
    engine = small_engine()
    async with served(store_settings, engine=engine) as service:
        await service.ApplyPolicy(messages.ApplyPolicyRequest(parent=PARENT, document=PLAIN))
        tried = [
            response
            async for response in service.Simulate(
                messages.SimulateRequest(parent=PARENT, document=STRICT)
            )
        ]
        assert [(one.after.outcome, one.after.revision, one.total) for one in tried] == [
            ("dormant", 2, 1)
        ]
        assert engine.tenant("acme").revision == 1
        revisions = await service.ListRevisions(messages.ListRevisionsRequest(parent=PARENT))
        assert [each.revision for each in revisions.revisions] == [1]


async def test_a_bad_document_is_not_tried_naming_line_and_field(
    store_settings: StoreSettings,
) -> None:
    async with served(store_settings) as service:
        refusal = await refused(
            service.Simulate(messages.SimulateRequest(parent=PARENT, document=BAD))
        )
    assert refusal.reason == "INVALID_POLICY_DOCUMENT"


async def test_a_trial_decides_for_nobody_else_and_is_forgotten() -> None:
    engine = small_engine()
    engine.activate("acme", 1, engine.parse(PLAIN))
    asked = DecisionRequest("acme", "", Policy.LIFECYCLE, {"days_since_last_order": 40}, now=1)
    async with on_trial(engine, engine.tenant("acme"), STRICT) as trial:
        (tried,) = await trial.decide([asked])
        (living,) = await engine.decide([asked])
        explained = await trial.explain(asked)
    assert isinstance(tried, Decision)
    assert isinstance(living, Decision)
    assert isinstance(explained, Explanation)
    assert (tried.rule, living.rule) == ("dormant", "otherwise")
    assert explained.decision.rule == "dormant"
    assert engine.tenant(trial.policy.tenant).revision == 0
    assert trial.tenant("acme").revision == engine.tenant("acme").revision + 1


async def test_without_a_document_the_one_in_force_is_tried() -> None:
    engine = small_engine()
    engine.activate("acme", 4, engine.parse(STRICT))
    async with on_trial(engine, engine.tenant("acme"), "") as trial:
        assert trial.policy.revision == 4
        assert trial.policy.document.digest == engine.tenant("acme").document.digest
