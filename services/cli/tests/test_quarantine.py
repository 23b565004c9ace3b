"""`gonghai quarantine`: what the services could not process, and trying it again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from typer.testing import CliRunner

from gonghai.upkeep.v1 import upkeep_service_pb2 as pb
from gonghai.upkeep.v1 import upkeep_service_pb2_grpc
from gonghai_cli.main import app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Upkeep(upkeep_service_pb2_grpc.UpkeepServiceServicer):
    """A service with two events of one customer in quarantine, a page each, until it is mended."""

    def __init__(self) -> None:
        self.left = 2
        self.asked: list[tuple[str, str]] = []
        self.callers: set[str] = set()

    def ListQuarantinedEvents(self, request: Any, context: Any) -> Any:  # noqa: ANN401, N802
        self._called(context)
        at = int(request.page_token or 0)
        events = [
            pb.QuarantinedEvent(source="archive", kind="activity_recorded", subject="c1",
                                attempts=3 if at == 0 else 0,
                                problem="KeyError (incident 12ab)" if at == 0 else "")
        ]  # fmt: skip
        return pb.ListQuarantinedEventsResponse(
            events=events if self.left else [],
            next_page_token="1" if self.left and at == 0 else "",
        )

    def RetryQuarantinedEvents(self, request: Any, context: Any) -> Any:  # noqa: ANN401, N802
        self._called(context)
        self.asked.append((request.source, request.subject))
        processed, self.left = self.left, 0
        return pb.RetryQuarantinedEventsResponse(processed=processed, left=0)

    def _called(self, context: Any) -> None:  # noqa: ANN401
        told = dict(context.invocation_metadata())
        self.callers.add(str(told.get("authorization") or told.get("x-gonghai-principal")))


@pytest.fixture
def served() -> Iterator[tuple[Upkeep, list[str]]]:
    upkeep = Upkeep()
    server = grpc.server(ThreadPoolExecutor(1))
    # The stubs are typed for asyncio; the command line has a loop of its own, so this is a thread.
    upkeep_service_pb2_grpc.add_UpkeepServiceServicer_to_server(upkeep, server)  # type: ignore[arg-type]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    services = [f"--{name}=127.0.0.1:{port}" for name in ("archive", "pool", "assignment")]
    yield upkeep, services
    server.stop(None).wait()


def test_it_lists_all_and_retries_one(served: tuple[Upkeep, list[str]]) -> None:
    upkeep, services = served
    runner = CliRunner(env={"COLUMNS": "200"})
    listed = runner.invoke(app, [*services, "quarantine", "list", "tenants/acme"])
    assert listed.exit_code == 1
    assert listed.output.count("activity_recorded") == 6
    assert listed.output.count("KeyError (incident 12ab)") == 3
    assert listed.output.count("waits behind the one before") == 3

    told = ["quarantine", "retry", "tenants/acme", "pool", "archive", "c1"]
    retried = runner.invoke(app, [*services, "--lang", "zh", *told])
    assert (retried.exit_code, retried.output) == (0, "已处理2条，剩余0条\n")
    assert upkeep.asked == [("archive", "c1")]

    listed = runner.invoke(app, [*services, "quarantine", "list", "tenants/acme"])
    assert (listed.exit_code, listed.output) == (0, "nothing is in quarantine\n")


def test_it_calls_with_the_token_that_production_asks_for(
    served: tuple[Upkeep, list[str]], tmp_path: Path
) -> None:
    upkeep, services = served
    token = tmp_path / "token"
    token.write_text("eyJ.ann\n", "utf-8")
    runner = CliRunner()
    for what in (["list", "tenants/acme"], ["retry", "tenants/acme", "pool", "archive", "c1"]):
        upkeep.callers.clear()
        runner.invoke(app, [*services, "quarantine", *what, "--token-file", str(token)])
        assert upkeep.callers == {"Bearer eyJ.ann"}
        upkeep.callers.clear()
        runner.invoke(app, [*services, "--as", "admin:ann@acme", "quarantine", *what])
        assert upkeep.callers == {"admin:ann@acme"}


def test_it_reaches_services_that_encrypt(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain = certificate.public_bytes(Encoding.PEM)
    (tmp_path / "ca.pem").write_bytes(chain)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    upkeep = Upkeep()
    server = grpc.server(ThreadPoolExecutor(1))
    upkeep_service_pb2_grpc.add_UpkeepServiceServicer_to_server(upkeep, server)  # type: ignore[arg-type]
    credentials = grpc.ssl_server_credentials([(secret, chain)])
    port = server.add_secure_port("localhost:0", credentials)
    server.start()
    services = [f"--{name}=localhost:{port}" for name in ("archive", "pool", "assignment")]
    what = ["quarantine", "retry", "tenants/acme", "pool", "archive", "c1"]
    try:
        told = [*services, *what, "--ca-file", str(tmp_path / "ca.pem")]
        answer = CliRunner().invoke(app, told)
    finally:
        server.stop(None).wait()
    assert (answer.exit_code, upkeep.asked) == (0, [("archive", "c1")]), answer.output
