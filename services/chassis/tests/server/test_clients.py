"""Clients: what belongs to the running call goes along, and errors come back typed."""

# A servicer's methods have the names and arguments that grpc gives them.
# ruff: noqa: N802, ARG002, ANN401

from __future__ import annotations

import asyncio
import json
from importlib.resources import files
from typing import TYPE_CHECKING

import grpc
import pytest
from services.chassis.tests.server.doorstep import CLAIM, GET, Pool, door
from services.chassis.tests.server.test_server import Production

from gonghai.pool.v1 import pool_service_pb2 as pool
from gonghai.pool.v1 import pool_service_pb2_grpc as pool_grpc
from gonghai_chassis.clients import Channels, PeerFailed, open_channel
from gonghai_chassis.errors import (
    LimitReached,
    PeerRefused,
    PeerUnavailable,
    QuotaViolation,
    Reason,
    Refusal,
)
from gonghai_chassis.settings import Settings
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.refusals import refused
from gonghai_chassis.testing.serving import dev_settings, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path
    from typing import Any

    from gonghai.pool.v1 import custody_pb2
    from gonghai_chassis.assembly import Assembly
    from gonghai_chassis.testing.serving import Served

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Relay(Pool):
    """Asks another service for the answer."""

    def __init__(self) -> None:
        super().__init__()
        self.peer: pool_grpc.PoolServiceStub

    async def ClaimCustomer(
        self, request: pool.ClaimCustomerRequest, context: Any
    ) -> custody_pb2.Custody:
        return await self.peer.ClaimCustomer(request)

    async def Watch(
        self, request: pool.WatchRequest, context: Any
    ) -> AsyncIterator[pool.WatchResponse]:
        async for message in self.peer.Watch(request):
            yield message


def relaying(to: str) -> AbstractAsyncContextManager[Served[Settings]]:
    async def assemble(assembly: Assembly[Settings]) -> None:
        relay = Relay()
        relay.peer = assembly.peer("pool", pool_grpc.PoolServiceStub)
        assembly.serve(pool_grpc.add_PoolServiceServicer_to_server, relay)

    return serving("archive", assemble, dev_settings(Settings, pool_address=to))


async def test_what_belongs_to_the_call_goes_along() -> None:
    servicer = Pool()
    async with door(servicer) as served, relaying(served.address) as relay:
        stub = relay.stub(
            pool_grpc.PoolServiceStub,
            principal="rep:wang@acme",
            x_request_id="call-7",
            traceparent=TRACE,
            accept_language="zh",
        )
        await stub.ClaimCustomer(CLAIM, timeout=5)

    (found,) = servicer.contexts
    assert found.call_id == "call-7"
    assert found.language == "zh"
    assert found.trace is not None
    assert found.trace.traceparent == TRACE
    assert str(found.principal) == "system:archive for rep:wang"
    assert found.principal.is_own_service
    remaining = found.remaining()
    assert remaining is not None
    assert 3 < remaining <= 5


async def test_a_peers_refusal_reaches_our_own_caller_as_it_is() -> None:
    servicer = Pool()

    async def act() -> None:
        raise LimitReached(
            Reason.CLAIM_LIMIT,
            "3 a day",
            [QuotaViolation("tenants/acme/reps/wang:day", "3 a day", 60_000_000)],
            metadata={"rep": "tenants/acme/reps/wang", "limit": "day"},
        )

    servicer.act = act
    async with door(servicer) as served, relaying(served.address) as relay:
        direct = await refused(served.stub(pool_grpc.PoolServiceStub).ClaimCustomer(CLAIM))
        relayed = await refused(relay.stub(pool_grpc.PoolServiceStub).ClaimCustomer(CLAIM))

    assert relayed.status == direct.status


async def test_a_peers_fault_is_a_fault_of_ours(capfd: pytest.CaptureFixture[str]) -> None:
    servicer = Pool()

    async def act() -> None:
        raise RuntimeError("secret")

    servicer.act = act
    async with door(servicer) as served, relaying(served.address) as relay:
        error = await refused(relay.stub(pool_grpc.PoolServiceStub).ClaimCustomer(CLAIM))

    assert error.code is grpc.StatusCode.INTERNAL
    assert "secret" not in str(error.status)
    assert error.metadata["incident"] in "".join(capfd.readouterr())


async def test_a_peer_that_is_away_is_unavailable_and_named() -> None:
    async with relaying("127.0.0.1:1") as relay:
        error = await refused(
            relay.stub(pool_grpc.PoolServiceStub).ClaimCustomer(CLAIM, timeout=20)
        )

    assert error.code is grpc.StatusCode.UNAVAILABLE
    assert error.reason == "PEER_UNAVAILABLE"
    assert error.metadata == {"service": "pool"}


async def test_a_stream_from_a_peer_is_closed_when_its_reader_leaves() -> None:
    servicer = Pool()

    async def act() -> None:
        await asyncio.Event().wait()

    servicer.act = act
    request = pool.WatchRequest()
    request.scope.tenant = "tenants/acme"
    async with door(servicer) as served, relaying(served.address) as relay:
        watching = relay.stub(pool_grpc.PoolServiceStub).Watch(request)
        await anext(aiter(watching))
        watching.cancel()
        await asyncio.wait_for(servicer.closed.wait(), 5)


async def test_errors_come_back_typed() -> None:
    servicer = Pool()
    async with (
        door(servicer) as served,
        open_channel(served.address, service="pool") as channel,
    ):
        stub = pool_grpc.PoolServiceStub(channel)
        with pytest.raises(PeerRefused) as refusal:
            await stub.GetCustody(pool.GetCustodyRequest(name="nonsense"))
        with pytest.raises(PeerRefused) as unbuilt:
            await stub.GetPool(pool.GetPoolRequest(name="tenants/acme/pools/p"))

        async def act() -> None:
            await asyncio.Event().wait()

        servicer.act = act
        with pytest.raises(PeerUnavailable):
            await stub.ClaimCustomer(CLAIM, timeout=0.1)

    assert refusal.value.reason is Reason.INVALID_FIELD
    assert [violation.field for violation in refusal.value.fields] == ["name"]
    assert refusal.value.service == "pool"
    assert unbuilt.value.reason is Reason.NOT_IMPLEMENTED


async def test_a_server_that_is_none_of_ours_is_a_fault() -> None:
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with open_channel(f"127.0.0.1:{port}") as channel:
            with pytest.raises(PeerFailed) as raised:
                await pool_grpc.PoolServiceStub(channel).GetCustody(GET)
    finally:
        await server.stop(None)

    assert raised.value.code is grpc.StatusCode.UNIMPLEMENTED


async def test_unavailable_is_tried_again_and_a_refusal_is_not() -> None:
    servicer = Pool()
    tries: list[str] = []

    async def act() -> None:
        tries.append("try")
        if len(tries) < 3:
            raise PeerUnavailable("somebody")

    servicer.act = act
    async with door(servicer) as served, open_channel(served.address) as channel:
        stub = pool_grpc.PoolServiceStub(channel)
        await stub.ClaimCustomer(CLAIM)
        assert len(tries) == 3

        async def refuse() -> None:
            tries.append("try")
            raise LimitReached(Reason.HOLDING_LIMIT, "full", [QuotaViolation("x", "full")])

        servicer.act = refuse
        tries.clear()
        with pytest.raises(PeerRefused):
            await stub.ClaimCustomer(CLAIM)
        assert len(tries) == 1


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (
            Refusal(Reason.RATE_LIMIT, "a simulation is running: ask later"),
            "the pool service does not answer now: a simulation is running: ask later",
        ),
        (
            PeerUnavailable("archive"),
            "the pool service does not answer now: the archive service cannot be reached",
        ),
    ],
)
async def test_who_does_not_answer_now_is_heard_to_say_why(raised: Refusal, words: str) -> None:
    servicer = Pool()

    async def act() -> None:
        raise raised

    servicer.act = act
    async with (
        door(servicer) as served,
        open_channel(served.address, service="pool") as channel,
    ):
        with pytest.raises(PeerUnavailable) as refusal:
            await pool_grpc.PoolServiceStub(channel).ClaimCustomer(CLAIM)
    assert refusal.value.message == f"{words}; try again with the same request_id"


def test_the_published_service_config_retries_unavailable_alone() -> None:
    config = json.loads(files("gonghai").joinpath("service_config.json").read_text("utf-8"))

    (method,) = config["methodConfig"]
    assert method["name"] == [{}]
    assert method["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE"]
    assert config["loadBalancingConfig"] == [{"round_robin": {}}]


async def test_in_production_services_show_each_other_a_token_that_is_read_again(
    tmp_path: Path,
) -> None:
    production = Production(tmp_path)
    production.token.write_text(
        production.signer.token(sub="system:archive", roles=["service"], tenant=None) + "\n"
    )
    servicer = Pool()
    async with door(servicer, production.settings()) as served:
        channels = Channels(production.settings(pool_address=served.address), "archive")
        stub = pool_grpc.PoolServiceStub(channels.to("pool"))
        await stub.GetCustody(GET)
        assert channels.to("pool") is channels.to("pool")
        await channels.close()

    assert [str(context.principal) for context in servicer.contexts] == ["system:archive"]


async def test_a_client_of_ours_does_not_notice_that_a_replica_stops_under_load() -> None:
    servicers = Pool(), Pool()
    failures: list[Exception] = []
    answered = 0
    done = False

    async def caller(channel: grpc.aio.Channel) -> None:
        nonlocal answered
        stub = pool_grpc.PoolServiceStub(channel)
        while not done:
            try:
                await stub.GetCustody(GET)
                answered += 1
            except (PeerRefused, PeerUnavailable, PeerFailed) as error:
                failures.append(error)

    async with (
        door(servicers[0], leave_time=0.3) as stopping,
        door(servicers[1]) as staying,
        open_channel(f"ipv4:///{stopping.address},{staying.address}", service="pool") as channel,
    ):
        callers = [asyncio.ensure_future(caller(channel)) for _ in range(8)]
        await eventually(lambda: all(len(servicer.contexts) > 20 for servicer in servicers))
        assert await stopping.server.stop() == []
        so_far = answered
        await eventually(lambda: answered > so_far + 50)
        done = True
        await asyncio.gather(*callers)

    assert failures == []
