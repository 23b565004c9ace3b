"""Whoever reads why something happened reads it in his language, whichever it was asked for in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from gonghai.pool.v1 import custody_pb2, pool_pb2
from gonghai.pool.v1 import pool_service_pb2 as pb
from gonghai.type.v1 import watch_pb2
from gonghai_chassis.store import records
from gonghai_chassis.testing.refusals import refused
from gonghai_engine import Policy
from gonghai_plugin import Text
from gonghai_policy_service.reasons import verbatim
from gonghai_pool.custody import (
    Change,
    Custody,
    Extension,
    ExtensionState,
    Facts,
    HistoryEntry,
    Longer,
    Plan,
    RunningClock,
    State,
)
from gonghai_pool.store.custody_records import (
    CUSTODY,
    HISTORY,
    pack_custody,
    pack_entry,
    unpack_custody,
    unpack_entry,
)

from .moody import Moody
from .sea import PARENT, START, Sea, customer_name, pool_name, rep_name, sea
from .sea_plugin import sea_engine
from .test_clocks import DUE, WARN, held

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings

CHINESE: Final = (("accept-language", "zh-CN,zh;q=0.9,en;q=0.5"),)


async def custody(world: Sea, metadata: Any = CHINESE) -> custody_pb2.Custody:  # noqa: ANN401
    request = pb.GetCustodyRequest(name=f"{customer_name('c1')}/custody")
    found: custody_pb2.Custody = await world.stub.GetCustody(request, metadata=metadata)
    return found


async def explained(world: Sea, rep: str = "") -> pb.ExplainCustodyResponse:
    request = pb.ExplainCustodyRequest(customer=customer_name("c1"), rep=rep)
    answer: pb.ExplainCustodyResponse = await world.stub.ExplainCustody(request, metadata=CHINESE)
    return answer


async def reasons(world: Sea, metadata: Any = ()) -> dict[str, str]:  # noqa: ANN401
    """The reasons of a history, by what happened."""
    answer = await world.stub.ListCustodyHistory(
        pb.ListCustodyHistoryRequest(parent=customer_name("c1")), metadata=metadata
    )
    name = custody_pb2.CustodyChange.Name
    return {
        name(entry.change).removeprefix("CUSTODY_CHANGE_"): entry.reason for entry in answer.entries
    }


@pytest.mark.requirement("B6", "D1")
async def test_a_history_is_told_in_the_readers_language(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.customer(
            "c1", admission_reason="lives in the east", admission_reason_zh="位于华东"
        )
        assert (await custody(world)).reason == "位于华东"
        await world.assign("c1", reason="first by score", reason_zh="得分居首")
        kept = await custody(world)
        assert (kept.reason, kept.clocks[0].length) == ("得分居首", "10 个自然日")
        assert (await explained(world)).reclaim_summary == (
            "no_follow_up 于 2060-03-13 结束时到期；2060-03-14 回收"
        )
        await world.move_to(DUE + 60_000_000)

        assert await reasons(world, CHINESE) == {
            "ADMITTED": "位于华东",
            "ASSIGNED": "得分居首",
            "WARNED": "太久未跟进",
            "RECLAIMED": "太久未跟进",
        }
        assert await reasons(world) == {
            "ADMITTED": "lives in the east",
            "ASSIGNED": "first by score",
            "WARNED": "no follow-up for too long",
            "RECLAIMED": "no follow-up for too long",
        }
        assert (await custody(world)).reason == "太久未跟进"
        assert (await custody(world, ())).reason == "no follow-up for too long"


async def test_who_changes_a_custody_is_answered_in_his_language_and_words_stay_as_they_are(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.customer("c1", admission_reason="in the east", admission_reason_zh="在华东")
        request = pb.ClaimCustomerRequest(customer=customer_name("c1"), request_id="r1")
        wang = world.rep_stub("wang")
        chinese = await wang.ClaimCustomer(request, metadata=CHINESE)
        english = await wang.ClaimCustomer(request)
        assert [one.clocks[0].length for one in (chinese, english)] == [
            "10 个自然日",
            "10 calendar days",
        ]
        assert chinese.version == english.version
        await world.release("c1")
        assert (await reasons(world, CHINESE))["RELEASED"] == "no interest"


async def test_what_failed_and_what_is_waited_for_is_told_in_the_readers_language(
    store_settings: StoreSettings,
) -> None:
    engine = sea_engine()
    moody = Moody(engine)
    async with sea(store_settings, engine=engine, decider=moody) as world:
        await held(world)
        moody.failing = {Policy.RECLAIM}
        await world.move_to(WARN + 60_000_000)
        frozen = await custody(world)
        assert frozen.frozen_because == "插件规则出错（the plugin raised）"
        assert frozen.reclaim_decision.kept_because == frozen.frozen_because
        assert (await custody(world, ())).frozen_because == "the plugin raised"
        told = await explained(world)
        assert told.reclaim_summary == "策略无法作出决定期间不回收"
        assert told.waits_for == "策略作出决定：插件规则出错（the plugin raised）"
        assert (await reasons(world, CHINESE))["FROZEN_CHANGED"] == "回收倒计时已重新计算"


@pytest.mark.requirement("B3")
async def test_what_stands_in_the_way_of_a_claim_is_told_in_the_readers_language(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.pool("east-too", claim_limits=pool_pb2.ClaimLimits(per_day=1))
        await world.customer("c0", admission_pool=pool_name("east-too"))
        await world.customer("c1", admission_pool=pool_name("east-too"), tags=["vip"])
        await world.claim("c0")
        told = await explained(world, rep_name("wang"))
        assert [(one.reason, one.message) for one in told.obstacles] == [
            ("CLAIM_RULE", "仅限资深销售"),
            ("CLAIM_LIMIT", "该销售今天已领取 1 个客户，达到上限"),
        ]
        request = pb.ClaimCustomerRequest(customer=customer_name("c1"))
        wang = world.rep_stub("wang")
        refusal = await refused(wang.ClaimCustomer(request, metadata=CHINESE))
        assert refusal.message == "仅限资深销售（另有 1 项阻碍）"
        assert (await refused(wang.ClaimCustomer(request))).message == (
            "for seniors only (and 1 more in the way)"
        )


async def test_words_in_events_do_not_hang_on_who_caused_them(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.customer("c1")
        request = pb.ClaimCustomerRequest(customer=customer_name("c1"))
        await world.rep_stub("wang").ClaimCustomer(request, metadata=CHINESE)
        stub = world.as_("integrator:crm@acme")
        scope = watch_pb2.WatchScope(tenant=PARENT)
        watching = stub.Watch(pb.WatchRequest(scope=scope), metadata=CHINESE)
        lengths: list[str] = []
        async for message in watching:
            for event in message.events:
                lengths += [clock.length for clock in event.custody_changed.custody.clocks]
            if lengths:
                break
        watching.cancel()
        assert lengths == ["10 calendar days"]


def test_records_of_earlier_builds_are_read_as_both_languages() -> None:
    """They kept one text, and "" for nothing."""
    clock = RunningClock(
        "no_order",
        START,
        DUE,
        verbatim("10 calendar days"),
        longer=Longer(((verbatim("2 calendar days"), ("visit",)),), verbatim("5 calendar days")),
    )
    frozen = Plan(revision=1, clocks=(clock,), frozen_because=verbatim("the plugin raised"))
    asked = Extension("e1", ExtensionState.PENDING, 3, "abroad", "wang", START)
    facts = Facts(1, START, admission_reason=verbatim("in the east"))
    custody_ = Custody(
        "c1",
        1,
        State.HELD,
        START,
        Change.CLAIMED,
        reason=verbatim("in the east"),
        facts=facts,
        plan=frozen,
        extensions=(asked, replace(asked, waits_because=verbatim("no plugin"))),
    )
    record = CUSTODY.unpack(pack_custody(custody_))
    assert record["reason"] == record["facts"]["admission_reason"] == "in the east"
    assert record["plan"]["clocks"][0][3] == "10 calendar days"
    assert record["plan"]["clocks"][0][7] == [
        [["2 calendar days", ["visit"]]],
        "5 calendar days",
        "",
    ]
    assert record["plan"]["frozen_because"] == "the plugin raised"
    assert record["extensions"][1][-1] == "no plugin"
    assert unpack_custody(pack_custody(custody_)) == custody_

    entry = HistoryEntry(1, START, Change.RELEASED, State.IN_POOL, reason=verbatim("no interest"))
    assert HISTORY.unpack(pack_entry(entry))["reason"] == "no interest"
    assert unpack_entry(pack_entry(entry)) == entry


def test_both_languages_are_kept_and_no_more() -> None:
    reason = Text("no order for too long", "太久未下单")
    plain = Custody("c1", 1, State.IN_POOL, START, Change.RECLAIMED)
    kept = replace(plain, reason=reason)
    assert unpack_custody(pack_custody(kept)).reason == reason
    more = len(pack_custody(kept)) - len(pack_custody(plain))
    texts = len(records.pack([reason.en, reason.zh]))
    assert more == texts + len(records.pack("reason"))
    assert "reason" not in CUSTODY.unpack(pack_custody(plain))
