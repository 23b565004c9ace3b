"""`gonghai policy simulate` where a policy could not decide: it says so, and does not end well."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from typer.testing import CliRunner

from gonghai.pool.v1 import pool_service_pb2 as pb
from gonghai.pool.v1 import pool_service_pb2_grpc
from gonghai.type.v1 import decision_pb2
from gonghai_cli.main import app
from gonghai_cli.subcommands.session import UNDECIDED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Pool(pool_service_pb2_grpc.PoolServiceServicer):
    """Answers every simulation with one summary."""

    def __init__(self) -> None:
        self.summary = pb.SimulationSummary(holdings=7, moved=3)
        self.customers = 7

    def SimulateReclaims(self, request: Any, context: Any) -> Any:  # noqa: ANN401, ARG002, N802
        yield pb.SimulateReclaimsResponse(total=self.customers)
        yield pb.SimulateReclaimsResponse(summary=self.summary)


@pytest.fixture
def served() -> Iterator[tuple[Pool, str]]:
    pool = Pool()
    server = grpc.server(ThreadPoolExecutor(1))
    # The stubs are typed for asyncio; the command line has a loop of its own, so this is a thread.
    pool_service_pb2_grpc.add_PoolServiceServicer_to_server(pool, server)  # type: ignore[arg-type]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield pool, f"--pool=127.0.0.1:{port}"
    server.stop(None).wait()


def test_on_whom_could_not_be_decided_is_told(served: tuple[Pool, str], tmp_path: Path) -> None:
    pool, address = served
    document = tmp_path / "policy.yaml"
    document.write_text("version: 1\n", "utf-8")
    asked = [address, "policy", "simulate", str(document), "-t", "acme"]
    runner = CliRunner(env={"COLUMNS": "200"})
    whole = runner.invoke(app, asked)
    assert whole.exit_code == 0, whole.output
    assert "not the whole" not in whole.output
    assert "3 gone on to another pool" in whole.output

    pool.summary.frozen = 6
    pool.summary.undecided.append(
        decision_pb2.Undecided(
            policy="reclaim",
            plugin="tea",
            cause="bad_facts",
            message="fact 'shops' is a int64",
            customers=6,
            examples=[f"tenants/acme/customers/c{number}" for number in range(1, 6)],
        )
    )
    told = runner.invoke(app, asked)
    assert told.exit_code == UNDECIDED
    assert "the clocks of 6 holdings stand still" in told.output
    for words in ("reclaim", "tea", "bad_facts: fact 'shops' is a int64", "c1, c2, c3, c4, c5, …"):
        assert words in told.output, told.output
    chinese = runner.invoke(app, ["--lang", "zh", *asked])
    assert "6 个保有客户的计时已冻结" in chinese.output


def test_a_tenant_without_customers_may_be_a_slip(served: tuple[Pool, str]) -> None:
    pool, address = served
    asked = [address, "policy", "simulate", "-t", "acmee"]
    runner = CliRunner(env={"COLUMNS": "200"})
    assert "is that its name?" not in runner.invoke(app, asked).output
    pool.customers = 0
    told = runner.invoke(app, asked)
    assert told.exit_code == 0
    assert "tenants/acmee has no customers: is that its name?" in told.output


def test_a_preview_of_nothing_is_asked_for_what(served: tuple[Pool, str]) -> None:
    _, address = served
    told = CliRunner(env={"COLUMNS": "200"}).invoke(
        app, [address, "policy", "preview", "-t", "acme"]
    )
    assert told.exit_code == 2
    assert "say which document, or which --candidate, is to decide" in told.output
