"""A service starts whole or not at all, tells its health truly, and stops in order."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import ssl
import sys
import urllib.request
from typing import TYPE_CHECKING

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub
from services.chassis.tests.server.doorstep import CLAIM, GET, Pool, door
from services.chassis.tests.server.keys import (
    AUDIENCE,
    ISSUER,
    Authority,
    Signer,
    replace,
    write_jwks,
)

from gonghai.pool.v1 import pool_service_pb2 as pool
from gonghai.pool.v1.pool_service_pb2_grpc import PoolServiceStub
from gonghai_chassis.closing import Closing
from gonghai_chassis.health import Health
from gonghai_chassis.metrics import Metrics
from gonghai_chassis.server import UNSAFE, ServiceServer
from gonghai_chassis.settings import Settings
from gonghai_chassis.store import Store
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.refusals import refused
from gonghai_chassis.testing.serving import dev_settings, serving
from gonghai_chassis.tls import ServerCertificate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from gonghai_chassis.assembly import Assembly
    from gonghai_chassis.store import StoreSettings

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def health_of(stub: HealthStub, service: str = "") -> int:
    answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
    return int(answer.status)


async def test_a_service_that_can_serve_says_so_for_itself_and_by_name() -> None:
    async with door(Pool()) as served:
        stub = served.stub(HealthStub)
        for service in ("", "liveness", "gonghai.pool.v1.PoolService", "grpc.health.v1.Health"):
            assert await health_of(stub, service) == SERVING
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await health_of(stub, "no.such.Service")
        assert raised.value.code() is grpc.StatusCode.NOT_FOUND


async def test_reflection_lists_the_services() -> None:
    async with door(Pool()) as served:
        stub = served.stub(ServerReflectionStub)
        asked = [reflection_pb2.ServerReflectionRequest(list_services="")]
        answers = [answer async for answer in stub.ServerReflectionInfo(iter(asked))]

    names = {service.name for service in answers[0].list_services_response.service}
    assert {"gonghai.pool.v1.PoolService", "grpc.health.v1.Health"} <= names


async def test_readiness_follows_a_probe_and_liveness_does_not() -> None:
    well = True
    looked = asyncio.Event()

    async def probe() -> None:
        looked.set()
        if not well:
            raise ConnectionError("the store is away")

    health = Health({"store": probe}, Metrics().ready, interval=0.01)
    await health.start(["x.Service"])
    statuses = health.servicer._server_status
    assert health.ready
    well = False
    await eventually(lambda: not health.ready)
    assert statuses[""] == statuses["x.Service"] == NOT_SERVING
    assert statuses["liveness"] == SERVING
    well = True
    await eventually(lambda: health.ready)
    await health.stop()
    assert statuses["liveness"] == NOT_SERVING


async def test_a_probe_that_hangs_is_a_probe_that_fails() -> None:
    async def probe() -> None:
        await asyncio.Event().wait()

    health = Health({"store": probe}, Metrics().ready, patience=0.01)
    await health.start([])

    assert not health.ready
    await health.stop()


async def test_everything_stops_in_the_order_opposite_to_its_start() -> None:
    order: list[str] = []

    def note(word: str) -> Callable[[], Awaitable[None]]:
        async def act() -> None:
            order.append(word)

        return act

    async def assemble(assembly: Assembly[Settings]) -> None:
        assembly.on_close("store", note("store closed"))
        assembly.worker("one", note("one started"), note("one stopped"))
        assembly.worker("two", note("two started"), note("two stopped"))
        assembly.on_close("tail", note("tail closed"))

    async with serving("pool", assemble, dev_settings(Settings)):
        order.append("serving")

    assert order == [
        "one started",
        "two started",
        "serving",
        "two stopped",
        "one stopped",
        "tail closed",
        "store closed",
    ]


async def test_what_was_begun_is_undone_when_the_start_fails() -> None:
    closed: list[str] = []

    async def close() -> None:
        closed.append("store")

    async def assemble(assembly: Assembly[Settings]) -> None:
        assembly.on_close("store", close)
        raise RuntimeError("no plugins")

    server = ServiceServer("pool", assemble, dev_settings(Settings))
    with pytest.raises(RuntimeError, match="no plugins"):
        await server.start()

    assert closed == ["store"]


async def test_one_thing_that_cannot_be_closed_does_not_keep_the_others_open() -> None:
    closed: list[str] = []
    closing = Closing()

    def close(word: str) -> Callable[[], Awaitable[None]]:
        async def act() -> None:
            closed.append(word)

        return act

    async def fail() -> None:
        raise OSError("broken")

    async def hang() -> None:
        await asyncio.Event().wait()

    closing.add("first", close("first"))
    closing.add("broken", fail)
    closing.add("hanging", hang)
    closing.add("last", close("last"))

    assert await closing.close(0.05) == ["hanging", "broken"]
    assert closed == ["last", "first"]
    assert await closing.close(0.05) == []


async def test_a_call_in_progress_may_end_while_new_ones_are_sent_elsewhere() -> None:
    servicer = Pool()
    goes_on = asyncio.Event()

    async def act() -> None:
        await goes_on.wait()

    servicer.act = act
    async with door(servicer, drain_time=5) as served:
        stub = served.stub(PoolServiceStub)
        call = asyncio.ensure_future(stub.ClaimCustomer(CLAIM))
        await servicer.entered.wait()
        stopping = asyncio.ensure_future(served.server.stop())
        await eventually(lambda: served.server._admission.draining)
        assert not served.server.ready
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub.ClaimCustomer(CLAIM)
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
        goes_on.set()

        assert (await call).name == "tenants/acme/customers/c1/custody"
        assert await stopping == []


async def test_a_watch_is_ended_at_once_and_its_reader_told_to_go_elsewhere() -> None:
    servicer = Pool()

    async def act() -> None:
        await asyncio.Event().wait()

    servicer.act = act
    request = pool.WatchRequest()
    request.scope.tenant = "tenants/acme"
    async with door(servicer, drain_time=60) as served:
        watching = served.stub(PoolServiceStub).Watch(request)
        await anext(aiter(watching))
        assert await served.server.stop() == []
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await anext(aiter(watching))
        await asyncio.wait_for(servicer.closed.wait(), 5)

    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_call_that_takes_longer_than_the_drain_is_cut_off() -> None:
    servicer = Pool()

    async def act() -> None:
        await asyncio.Event().wait()

    servicer.act = act
    async with door(servicer, drain_time=0.05) as served:
        call = asyncio.ensure_future(served.stub(PoolServiceStub).ClaimCustomer(CLAIM))
        await servicer.entered.wait()
        assert await served.server.stop() == []
        with pytest.raises(grpc.aio.AioRpcError):
            await call


async def test_stopping_under_load_fails_no_call_that_a_client_would_not_repeat() -> None:
    servicer = Pool()
    codes: set[grpc.StatusCode] = set()
    answered = 0

    async def caller(stub: PoolServiceStub) -> None:
        nonlocal answered
        while True:
            try:
                await stub.GetCustody(GET, timeout=5)
                answered += 1
            except grpc.aio.AioRpcError as error:
                codes.add(error.code())
                return

    async with door(servicer, drain_time=5) as served:
        callers = [asyncio.ensure_future(caller(served.stub(PoolServiceStub))) for _ in range(8)]
        await eventually(lambda: answered > 100)
        assert await served.server.stop() == []
        await asyncio.gather(*callers)

    assert codes == {grpc.StatusCode.UNAVAILABLE}


async def test_the_metrics_tell_how_many_calls_ended_how() -> None:
    servicer = Pool()
    async with door(servicer, metrics_port=0) as served:
        await served.stub(PoolServiceStub).GetCustody(GET)
        await refused(served.stub(PoolServiceStub, principal="reader:x@acme").ClaimCustomer(CLAIM))
        port = served.server.metrics_port

        def read() -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                return str(answer.read().decode())

        text = await asyncio.to_thread(read)

    get = 'method="gonghai.pool.v1.PoolService/GetCustody"'
    claim = 'method="gonghai.pool.v1.PoolService/ClaimCustomer"'
    assert f'gonghai_calls_handled_total{{code="OK",{get},reason=""}} 1.0' in text
    assert (
        f'gonghai_calls_handled_total{{code="PERMISSION_DENIED",{claim},reason="NOT_ALLOWED"}} 1.0'
        in text
    )
    assert f"gonghai_calls_started_total{{{get}}} 1.0" in text
    assert f"gonghai_call_seconds_count{{{get}}} 1.0" in text
    assert f"gonghai_calls_in_progress{{{get}}} 0.0" in text
    assert "gonghai_ready 1.0" in text


class Production:
    """Settings of a service in production, with certificates and keys of a test."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority()
        self.signer = Signer("k1")
        self.ca = folder / "ca.pem"
        self.certificate, self.key = folder / "tls.pem", folder / "tls.key"
        self.token = folder / "token"
        self.ca.write_bytes(self.authority.pem)
        self.renew("first")
        self.token.write_text(self.signer.token())
        self.jwks = write_jwks(folder / "jwks.json", self.signer)

    def renew(self, common_name: str) -> None:
        certificate, key = self.authority.issue(common_name)
        replace(self.key, key)
        replace(self.certificate, certificate)

    def settings(self, **more: object) -> Settings:
        told: dict[str, object] = {
            "mode": "production",
            "port": 0,
            "tls_certificate_file": self.certificate,
            "tls_key_file": self.key,
            "tls_ca_file": self.ca,
            "jwks_file": self.jwks,
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "service_token_file": self.token,
            "log_level": "error",
            **more,
        }
        return Settings(**told)  # type: ignore[arg-type]


@pytest.fixture
def production(tmp_path: Path) -> Production:
    return Production(tmp_path)


async def test_in_production_a_call_needs_tls_and_a_token(production: Production) -> None:
    servicer = Pool()
    credentials = grpc.ssl_channel_credentials(production.authority.pem)
    authorization = (("authorization", f"Bearer {production.signer.token()}"),)
    async with (
        door(servicer, production.settings()) as served,
        grpc.aio.secure_channel(served.address, credentials) as channel,
    ):
        stub = PoolServiceStub(channel)
        await stub.GetCustody(GET, metadata=authorization)
        without = await refused(stub.GetCustody(GET))
        claimed = await refused(
            stub.GetCustody(GET, metadata=(("x-gonghai-principal", "admin:x@acme"),))
        )
        plain = served.stub(PoolServiceStub)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await plain.GetCustody(GET, metadata=authorization, timeout=5)
        # Probes come without a token.
        assert await health_of(HealthStub(channel)) == SERVING

    assert without.code is claimed.code is grpc.StatusCode.UNAUTHENTICATED
    assert without.reason == claimed.reason == "NOT_SIGNED_IN"
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    assert [context.principal.subject for context in servicer.contexts] == ["rep:wang"]


async def test_mutual_tls_turns_away_who_shows_no_certificate(production: Production) -> None:
    certificate, key = production.authority.issue("a caller")
    known = grpc.ssl_channel_credentials(production.authority.pem, key, certificate)
    stranger = grpc.ssl_channel_credentials(production.authority.pem)
    async with door(Pool(), production.settings(tls_client_certificates=True)) as served:
        async with grpc.aio.secure_channel(served.address, known) as channel:
            assert await health_of(HealthStub(channel)) == SERVING
        async with grpc.aio.secure_channel(served.address, stranger) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)

    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


async def shown_by(port: int, ca: bytes) -> str:
    """Return the common name of the certificate that a server shows."""
    context = ssl.create_default_context(cadata=ca.decode())
    context.check_hostname = False
    context.set_alpn_protocols(["h2"])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        subject = writer.get_extra_info("peercert")["subject"]
    finally:
        writer.close()
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            await writer.wait_closed()
    return str(dict(pair[0] for pair in subject)["commonName"])


async def test_a_new_certificate_is_shown_without_a_restart(production: Production) -> None:
    certificate = ServerCertificate(production.certificate, production.key, None, interval=0)
    server = grpc.aio.server()
    port = server.add_secure_port("127.0.0.1:0", certificate.credentials())
    await server.start()
    try:
        assert await shown_by(port, production.authority.pem) == "first"
        production.renew("second")
        assert await shown_by(port, production.authority.pem) == "second"
        # A broken file leaves what there is.
        replace(production.certificate, b"nonsense")
        assert await shown_by(port, production.authority.pem) == "second"
    finally:
        await server.stop(None)


PROGRAM = """
import sys
from gonghai_chassis.server import main
from gonghai_chassis.settings import Settings

async def assemble(assembly):
    async def start():
        print("worker started", flush=True)
    async def stop():
        print("worker stopped", flush=True)
    assembly.worker("w", start, stop)

sys.exit(main("pool", assemble, Settings))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_process_stops_in_order_on_a_signal_and_ends_with_0(number: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        env={"GONGHAI_MODE": "dev", "GONGHAI_LOG_FORMAT": "json"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    async with asyncio.timeout(30):
        assert await process.stdout.readline() == b"worker started\n"
        while b'"serving"' not in await process.stderr.readline():
            pass
        process.send_signal(number)
        out, _ = await process.communicate()

    assert out == b"worker stopped\n"
    assert process.returncode == 0


STORE_PROGRAM = """
import sys
from gonghai_chassis.server import main
from gonghai_chassis.settings import Settings

async def assemble(assembly):
    await assembly.open_store()

sys.exit(main("pool", assemble, Settings))
"""


async def start_on(url: str, partitions: int) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        STORE_PROGRAM,
        env={
            "GONGHAI_MODE": "dev",
            "GONGHAI_REDIS_URL": url,
            "GONGHAI_PARTITIONS": str(partitions),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        _, err = await process.communicate()
    return process.returncode, err.decode()


async def test_a_store_of_other_partitions_is_refused_in_a_sentence(
    store_settings: StoreSettings,
) -> None:
    await (await Store.open(store_settings, area="pool")).close()

    status, said = await start_on(store_settings.url, store_settings.partitions + 1)

    assert status == UNSAFE
    assert "Traceback" not in said
    assert "pool: " in said
