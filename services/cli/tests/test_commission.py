"""`gonghai commission`: what a month pays, over all pages, and whether it is final."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.type.money_pb2 import Money
from typer.testing import CliRunner

from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai.archive.v1 import archive_service_pb2_grpc
from gonghai_cli.main import app
from gonghai_cli.subcommands.session import UNDECIDED

if TYPE_CHECKING:
    from collections.abc import Iterator

CUSTOMERS = "tenants/acme/customers"
PERIOD = "2026-11"


def yuan(units: int, cents: int = 0) -> Money:
    return Money(currency_code="CNY", units=units, nanos=cents * 10_000_000)


class Archive(archive_service_pb2_grpc.ArchiveServiceServicer):
    """Two statements, a page each; one of them may wait for an order."""

    waiting = 0
    incomplete = False

    def ListCommissionStatements(self, request: Any, context: Any) -> Any:  # noqa: ANN401, ARG002, N802
        assert (request.parent, request.period) == ("tenants/acme", PERIOD)
        if not request.page_token:
            first = pb.CommissionStatement(
                customer=f"{CUSTOMERS}/s1",
                line_count=3,
                earned=yuan(1200, 50),
                taken_back=yuan(-200),
                total=yuan(1000, 50),
            )
            return pb.ListCommissionStatementsResponse(
                statements=[first], next_page_token="more", incomplete=self.incomplete
            )
        last = pb.CommissionStatement(
            customer=f"{CUSTOMERS}/d1", undecided_orders=self.waiting, total=yuan(0, 5)
        )
        return pb.ListCommissionStatementsResponse(statements=[last])

    def GetCommissionStatement(self, request: Any, context: Any) -> Any:  # noqa: ANN401, ARG002, N802
        assert (request.customer, request.period) == (f"{CUSTOMERS}/s1", PERIOD)
        place = request.page_token or "a"
        line = pb.CommissionLine(
            activity=f"{CUSTOMERS}/d1/activities/{place}",
            basis=yuan(100),
            basis_points=333,
            amount=yuan(3, 33),
            rule="second-level",
            reason="of [d1]",
        )
        return pb.CommissionStatement(
            lines=[line],
            next_page_token="" if request.page_token else "b",
            total=yuan(6, 66),
            undecided_orders=self.waiting,
        )


@pytest.fixture
def served() -> Iterator[tuple[Archive, list[str]]]:
    archive = Archive()
    server = grpc.server(ThreadPoolExecutor(1))
    # The stubs are typed for asyncio; the command line has a loop of its own, so this is a thread.
    archive_service_pb2_grpc.add_ArchiveServiceServicer_to_server(archive, server)  # type: ignore[arg-type]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield archive, [f"--{name}=127.0.0.1:{port}" for name in ("archive", "pool", "assignment")]
    server.stop(None).wait()


@pytest.mark.requirement("D3")
def test_it_shows_what_a_month_pays_and_ends_with_4_while_an_order_waits(
    served: tuple[Archive, list[str]],
) -> None:
    archive, services = served
    runner = CliRunner(env={"COLUMNS": "120"})
    commission = [*services, "--lang", "en", "commission"]
    everybody = [*commission, "list", "tenants/acme", PERIOD]
    one = [*commission, "show", f"{CUSTOMERS}/s1", PERIOD]
    final, line_by_line = runner.invoke(app, everybody), runner.invoke(app, one)
    archive.waiting = 2
    open_, waits = runner.invoke(app, everybody), runner.invoke(app, one)
    assert [each.exit_code for each in (final, line_by_line)] == [0, 0]
    assert [each.exit_code for each in (open_, waits)] == [UNDECIDED, UNDECIDED]
    assert [line.split() for line in final.output.splitlines() if "1,000.5" in line] == [
        ["│", "s1", "│", "3", "│", "1,200.50", "│", "-200.00", "│", "1,000.50", "│", "│"],
        ["│", "in", "all", "│", "3", "│", "1,200.50", "│", "-200.00", "│", "1,000.55", "│", "│"],
    ]
    for place in ("d1/a", "d1/b", "3.33 %", "of [d1] (second-level)", "6.66"):
        assert place in line_by_line.output
    assert "not final" not in final.output + line_by_line.output
    assert "undecided orders: 1" in open_.output
    assert "that it waits for: 2" in waits.output


@pytest.mark.requirement("D3")
def test_a_list_that_may_lack_somebody_says_so_and_ends_with_4(
    served: tuple[Archive, list[str]],
) -> None:
    archive, services = served
    runner = CliRunner(env={"COLUMNS": "120"})
    everybody = ["--lang", "en", "commission", "list", "tenants/acme", PERIOD]
    whole = runner.invoke(app, [*services, *everybody])
    archive.incomplete = True
    lacking = runner.invoke(app, [*services, *everybody])
    assert (whole.exit_code, lacking.exit_code) == (0, UNDECIDED)
    assert "not complete" not in whole.output
    assert "not complete: whose some customers are is in doubt" in lacking.output
