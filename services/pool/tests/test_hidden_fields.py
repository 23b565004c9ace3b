"""What a pool hides of its customers, its members do not hear from the pool service either."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from gonghai.pool.v1 import pool_pb2
from gonghai.pool.v1 import pool_service_pb2 as pb
from gonghai.type.v1 import decision_pb2
from gonghai_chassis.errors import Reason
from gonghai_chassis.testing.refusals import refused
from gonghai_engine import IndustryPolicy
from gonghai_plugin import Text
from gonghai_policy_service.hidden_fields import Concealment, HiddenFields
from gonghai_pool.messages import mask_extension
from gonghai_pool.obstacles import Obstacle, unexplained

from .sea import PARENT, customer_name, pool_name, rep_name, sea
from .test_obstacles import violations

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gonghai.pool.v1 import custody_pb2
    from gonghai_chassis.store import StoreSettings

    from .sea import Sea

HIDDEN = ["tags", "tier", "stage", "region"]
OF_HIDDEN = ("tier", "tier_rank", "stage", "region", "weight_milli")
MEMBERS = ("rep:wang@acme", "partner:pan@acme", "manager:wang@acme")


@asynccontextmanager
async def shy(store: StoreSettings) -> AsyncIterator[Sea]:
    """Customers `c1` in the pool `shy`, which hides what claims go by, and `c2` in an open one."""
    async with sea(store) as world:
        await world.team("sales", managers=["li"])
        await world.rep("wang", team=f"{PARENT}/teams/sales")
        await world.rep("zhao", team=f"{PARENT}/teams/sales")
        for other in ("pan", "mei"):
            await world.rep(other)
        everybody = [
            pool_pb2.PoolMember(team=f"{PARENT}/teams/sales"),
            pool_pb2.PoolMember(rep=rep_name("pan")),
        ]
        runs = [pool_pb2.PoolMember(rep=rep_name("mei"))]
        await world.pool("shy", members=everybody, managers=runs, hidden_fields=HIDDEN)
        await world.pool("open", members=everybody, managers=runs)
        for customer, pool in (("c1", "shy"), ("c2", "open")):
            await world.customer(
                customer,
                tags=["vip"],
                tier="a",
                tier_rank=90,
                stage="active",
                region="cn/east",
                admission_pool=pool_name(pool),
            )
        yield world


async def explained(
    world: Sea, principal: str, customer: str, rep: str = ""
) -> pb.ExplainCustodyResponse:
    rep = rep or principal.partition(":")[2].partition("@")[0]
    request = pb.ExplainCustodyRequest(customer=customer_name(customer), rep=rep_name(rep))
    answer: pb.ExplainCustodyResponse = await world.as_(principal).ExplainCustody(request)
    return answer


async def got(world: Sea, principal: str, customer: str) -> custody_pb2.Custody:
    request = pb.GetCustodyRequest(name=f"{customer_name(customer)}/custody")
    custody: custody_pb2.Custody = await world.as_(principal).GetCustody(request)
    return custody


async def listed(
    world: Sea, principal: str, pool: str, filter_: str = "", order_by: str = ""
) -> list[custody_pb2.Custody]:
    request = pb.ListPoolCustomersRequest(parent=pool_name(pool), filter=filter_, order_by=order_by)
    page = await world.as_(principal).ListPoolCustomers(request)
    assert not page.next_page_token
    return list(page.custodies)


def tells(custody: custody_pb2.Custody) -> set[str]:
    return {field for field in OF_HIDDEN[:-1] if getattr(custody, field)}


@pytest.mark.requirement("A16", "B2")
async def test_a_member_hears_nothing_of_what_a_decision_rests_on_where_it_is_hidden(
    store_settings: StoreSettings,
) -> None:
    async with shy(store_settings) as world:
        for principal in MEMBERS:
            told = await explained(world, principal, "c1")
            assert (told.claimable, told.claim_decision.outcome) == (False, "refuse")
            assert not told.claim_decision.facts
            assert not told.claim_decision.reason
            assert not told.claim_conditions
            assert [(one.reason, one.rule) for one in told.obstacles] == [("CLAIM_RULE", "vip")]
            assert b"seniors" not in told.SerializeToString()
            assert not tells(told.custody)
            told = await explained(world, principal, "c2")
            assert list(told.claim_decision.facts["tags"].set_value.values) == ["vip"]
            assert told.claim_decision.reason == "for seniors only"
            assert {one.rule for one in told.claim_conditions if one.holds} == {"vip"}
            assert [one.message for one in told.obstacles] == ["for seniors only"]
            assert tells(told.custody) == set(OF_HIDDEN[:-1])
        for principal in ("rep:mei@acme", "admin:ann@acme", "integrator:crm@acme"):
            told = await explained(
                world, principal, "c1", "mei" if principal.startswith("rep") else "wang"
            )
            assert told.claim_decision.facts["tags"].set_value.values, principal
            assert told.claim_conditions
            assert "for seniors only" in [one.message for one in told.obstacles]
            assert tells(told.custody) == set(OF_HIDDEN[:-1])


@pytest.mark.requirement("A16", "B2")
async def test_a_refused_claim_does_not_say_why_where_that_is_hidden(
    store_settings: StoreSettings,
) -> None:
    async with shy(store_settings) as world:
        for customer, said in (("c1", False), ("c2", True)):
            error = await refused(world.claim(customer, "wang"))
            assert [what for what, _ in violations(error)] == ["CLAIM_RULE:vip"]
            assert (error.message == "for seniors only") is said, customer


@pytest.mark.requirement("A16", "B2")
async def test_nobody_is_shown_or_found_by_what_is_hidden(store_settings: StoreSettings) -> None:
    async with shy(store_settings) as world:
        for principal in (*MEMBERS, "reader:ren@acme"):
            for pool, customer, hidden in (("shy", "c1", True), ("open", "c2", False)):
                shown = set() if hidden else set(OF_HIDDEN[:-1])
                (one,) = await listed(world, principal, pool)
                assert tells(one) == tells(await got(world, principal, customer)) == shown
                for filter_ in (
                    *('tier = "a"', 'tier != "b"', 'stage = "active"'),
                    *('region = "cn"', 'region != "us"'),
                ):
                    found = await listed(world, principal, pool, filter_)
                    assert len(found) == (not hidden), (principal, pool, filter_)
                found = await listed(world, principal, pool, order_by="tier desc")
                assert len(found) == (not hidden)
        for principal in ("rep:mei@acme", "admin:ann@acme"):
            (one,) = await listed(world, principal, "shy", 'tier = "a"', order_by="tier")
            assert tells(one) == set(OF_HIDDEN[:-1])


@pytest.mark.requirement("A16", "B2")
async def test_he_who_holds_it_sees_all_and_he_who_only_tries_nothing(
    store_settings: StoreSettings,
) -> None:
    async with shy(store_settings) as world:
        await world.customer("c3", tier="a", tier_rank=90, admission_pool=pool_name("shy"))
        tried = await world.claim("c3", "wang", validate_only=True)
        assert not tells(tried)
        assert not tried.weight_milli
        assert not tried.reclaim_decision.facts
        assert not tried.reclaim_decision.reason
        assert tried.HasField("due_time")
        claimed = await world.claim("c3", "wang")
        assert tells(claimed) == {"tier", "tier_rank"}
        assert claimed.reclaim_decision.facts
        for principal in ("rep:wang@acme", "manager:li@acme"):
            custody = await got(world, principal, "c3")
            assert tells(custody) == {"tier", "tier_rank"}
            assert custody.reclaim_decision.facts
        # Of the pool that it came from: members, and who runs it but not its holder.
        for principal in ("rep:zhao@acme", "rep:mei@acme", "manager:mei@acme", "reader:ren@acme"):
            custody = await got(world, principal, "c3")
            assert not tells(custody), principal
            assert not custody.reclaim_decision.facts
        request = pb.ListHoldingsRequest(parent=PARENT, filter='tier = "a"')
        assert not (await world.as_("reader:ren@acme").ListHoldings(request)).custodies
        assert len((await world.stub.ListHoldings(request)).custodies) == 1


@pytest.mark.requirement("A16", "B2")
async def test_a_history_tells_a_former_holder_nothing_of_what_is_hidden_again(
    store_settings: StoreSettings,
) -> None:
    async with shy(store_settings) as world:
        await world.customer(
            "c3", tier="a", admission_pool=pool_name("shy"), admission_reason="a vip of tier a"
        )
        await world.claim("c3", "wang")
        request = pb.ListCustodyHistoryRequest(parent=customer_name("c3"))

        async def said(principal: str) -> list[str]:
            page = await world.as_(principal).ListCustodyHistory(request)
            return [one.reason for one in page.entries]

        assert "a vip of tier a" in await said("rep:wang@acme")
        await world.release("c3", "wang")
        custody = await got(world, "rep:wang@acme", "c3")
        assert (custody.former_owner, custody.reason) == (rep_name("wang"), "no interest")
        mine = await said("rep:wang@acme")
        assert "no interest" in mine
        assert "a vip of tier a" not in mine
        assert "a vip of tier a" in await said("manager:mei@acme")


def test_who_may_not_read_a_rule_is_not_told_until_when_it_stands_in_his_way() -> None:
    rule = Obstacle(Reason.CLAIM_RULE, Text("too busy", "太忙"), until=7, rule="busy")
    limit = Obstacle(Reason.CLAIM_LIMIT, Text("three a day", "每天三个"), until=9)
    told = unexplained([rule, limit])
    assert (told[0].rule, told[0].until) == ("busy", None)
    assert "busy" not in told[0].message.en
    assert told[1] == limit


@pytest.mark.parametrize(
    ("words", "left"), [("many", ""), ("come back in May", "come back in May")]
)
def test_of_a_request_for_time_a_rules_words_are_hidden_and_a_persons_are_not(
    words: str, left: str
) -> None:
    decision = decision_pb2.Decision(policy="extension", rule="busy", reason="many")
    message = pb.Extension(decision=decision, decision_reason=words)
    nothing_known = IndustryPolicy("", "", None, None)
    mask_extension(message, Concealment(HiddenFields(frozenset({"tags"})), nothing_known))
    assert message.decision.reason == ""
    assert message.decision_reason == left
