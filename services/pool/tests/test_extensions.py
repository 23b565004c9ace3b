"""Extensions (延期申请): asked for by who holds a customer, approved or denied, with a maximum."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from gonghai.pool.v1 import pool_service_pb2 as pb
from gonghai_chassis.instants import instant_of
from gonghai_chassis.testing.refusals import refused
from gonghai_pool.alterations import AFTER
from gonghai_pool.commands.extensions import MOST, MOST_DENIED
from gonghai_pool.consistency import audit

from .sea import DAY, PARENT, TENANT, Sea, customer_name, sea
from .test_clocks import DUE, WARN, changes, held

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings

MANAGER = "manager:li@acme"


async def ask(world: Sea, days: int = 5, rep: str = "wang", **fields: str) -> pb.Extension:
    """Ask for more time as the rep himself."""
    extension: pb.Extension = await world.rep_stub(rep).RequestExtension(
        pb.RequestExtensionRequest(
            parent=customer_name("c1"),
            extension=pb.Extension(days=days, reason="the buyer is abroad"),
            **fields,
        )
    )
    return extension


async def approve(world: Sea, name: str, principal: str = MANAGER, **fields: str) -> pb.Extension:
    """Approve as a manager."""
    request = pb.ApproveExtensionRequest(name=name, **fields)
    extension: pb.Extension = await world.as_(principal).ApproveExtension(request)
    return extension


@pytest.mark.requirement("B8")
async def test_an_approved_request_moves_warning_and_due_time(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await held(world)
        asked = await ask(world)
        assert asked.state == pb.EXTENSION_STATE_PENDING
        assert (asked.rep, asked.days) == (f"{PARENT}/reps/wang", 5)
        assert instant_of((await world.custody("c1")).due_time) == DUE

        given = await approve(world, asked.name, reason="fair")

        assert given.state == pb.EXTENSION_STATE_APPROVED
        assert (given.decider.principal, given.decision_reason) == ("manager:li", "fair")
        assert instant_of(given.decide_time) == world.now
        custody = await world.custody("c1")
        assert instant_of(custody.due_time) == DUE + 5 * DAY
        (clock,) = custody.clocks
        assert clock.extension.ToTimedelta().days == 5
        await world.move_to(DUE + AFTER)
        assert changes(await world.history("c1"))[1:] == [
            "CLAIMED", "EXTENSION_CHANGED", "EXTENSION_CHANGED",
        ]  # fmt: skip
        await world.move_to(DUE + 5 * DAY + AFTER)
        assert changes(await world.history("c1"))[-2:] == ["WARNED", "RECLAIMED"]
        assert await audit(world.parts.store) == []


@pytest.mark.requirement("B8")
async def test_a_denied_request_moves_nothing(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await held(world)
        asked = await ask(world)
        denied = await world.as_(MANAGER).DenyExtension(
            pb.DenyExtensionRequest(name=asked.name, reason="work on it")
        )
        assert denied.state == pb.EXTENSION_STATE_DENIED
        assert instant_of((await world.custody("c1")).due_time) == DUE
        again = await refused(approve(world, asked.name))
        assert again.reason == "WRONG_STATE"
        await world.move_to(DUE + AFTER)
        assert changes(await world.history("c1"))[-1] == "RECLAIMED"


@pytest.mark.requirement("B8")
async def test_nobody_gets_more_than_the_policy_lets_one_custody_have(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await held(world)
        too_much = await refused(ask(world, days=9))
        assert too_much.reason == "INVALID_FIELD"
        assert "at most 8 days" in too_much.message
        first = await ask(world, days=6)
        second = await refused(ask(world, days=1))
        assert second.reason == "WRONG_STATE"
        await approve(world, first.name)
        assert "at most 2 days" in (await refused(ask(world, days=3))).message
        await approve(world, (await ask(world, days=2)).name)
        assert instant_of((await world.custody("c1")).due_time) == DUE + 8 * DAY
        assert (await refused(ask(world, days=1))).reason == "INVALID_FIELD"


async def test_who_holds_it_asks_and_who_manages_him_decides(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await held(world)
        stranger = await refused(ask(world, rep="zhao"))
        assert stranger.code is grpc.StatusCode.PERMISSION_DENIED
        asked = await ask(world)
        himself = await refused(approve(world, asked.name, "rep:wang@acme"))
        assert himself.code is grpc.StatusCode.PERMISSION_DENIED
        other = await refused(approve(world, asked.name, "manager:bo@acme"))
        assert other.code is grpc.StatusCode.PERMISSION_DENIED
        stale = await refused(approve(world, asked.name, etag='"7"'))
        assert stale.code is grpc.StatusCode.ABORTED
        given = await approve(world, asked.name, etag=asked.etag)
        assert given.etag != asked.etag


async def test_a_repeated_request_asks_once_and_is_answered_alike(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await held(world)
        first, second = await ask(world, request_id="r1"), await ask(world, request_id="r1")
        assert first == second
        given = await approve(world, first.name, request_id="r2")
        assert await approve(world, first.name, request_id="r2") == given
        assert changes(await world.history("c1")).count("EXTENSION_CHANGED") == 2


async def forget(world: Sea, *request_ids: str) -> None:
    """Let the day pass after which answers are remembered no more: of real time, in the store."""
    store = world.parts.store
    partition = store.partition(TENANT)
    client: Any = store.client(partition)
    for ident in request_ids:
        assert await client.delete(partition.request_key(TENANT, ident)) == 1


@pytest.mark.requirement("B8")
async def test_a_repeat_after_the_day_hears_how_the_request_stands(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await held(world)
        asked = await ask(world, request_id="r1")
        given = await approve(world, asked.name)
        # For a day the same answer, and then the same request.
        assert await ask(world, request_id="r1") == asked
        await forget(world, "r1")
        assert await ask(world, request_id="r1") == given
        other = await refused(ask(world, days=1, request_id="r1"))
        assert (other.code, other.reason) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "REQUEST_ID_REUSED",
        )
        assert (await refused(ask(world, rep="zhao", request_id="r1"))).reason == "NOT_ALLOWED"
        assert changes(await world.history("c1")).count("EXTENSION_CHANGED") == 2
        assert await audit(world.parts.store) == []


@pytest.mark.requirement("B8")
async def test_two_repeats_after_the_day_ask_once(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await held(world)
        asked = await asyncio.gather(*(ask(world, request_id="r1") for _ in range(3)))
        await forget(world, "r1")
        again = await asyncio.gather(*(ask(world, request_id="r1") for _ in range(3)))
        assert {one.name for one in (*asked, *again)} == {asked[0].name}
        assert changes(await world.history("c1")).count("EXTENSION_CHANGED") == 1


@pytest.mark.requirement("B8")
async def test_denied_requests_use_up_nothing_and_the_last_are_kept(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await held(world)
        for _ in range(MOST + 1):
            asked = await ask(world)
            await world.as_(MANAGER).DenyExtension(
                pb.DenyExtensionRequest(name=asked.name, reason="no")
            )
        given = await approve(world, (await ask(world)).name)
        request = pb.ExplainCustodyRequest(customer=customer_name("c1"))
        kept = (await world.stub.ExplainCustody(request)).extensions
        assert len(kept) == MOST_DENIED + 1
        assert kept[-1] == given
        assert instant_of((await world.custody("c1")).due_time) == DUE + 5 * DAY
        assert await audit(world.parts.store) == []


async def test_a_new_custody_knows_nothing_of_what_the_one_before_was_given(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await held(world)
        asked = await ask(world)
        await approve(world, asked.name)
        await world.transfer("c1", "zhao")
        assert instant_of((await world.custody("c1")).due_time) == DUE
        gone = await refused(approve(world, asked.name, "admin:ann@acme"))
        assert gone.code is grpc.StatusCode.NOT_FOUND


async def test_more_time_after_a_warning_asks_for_a_new_one(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await held(world)
        await world.move_to(WARN + AFTER)
        assert (await world.custody("c1")).warned
        await approve(world, (await ask(world)).name)
        assert not (await world.custody("c1")).warned
        await world.move_to(DUE + 5 * DAY + AFTER)
        assert changes(await world.history("c1")).count("WARNED") == 2
        assert changes(await world.history("c1"))[-1] == "RECLAIMED"
