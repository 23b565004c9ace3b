"""`gonghai scorecard show`: a month of a customer and its second level, and whether it is final."""

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

S1, PERIOD = "tenants/acme/customers/s1", "2026-11"


def yuan(units: int) -> Money:
    return Money(currency_code="CNY", units=units)


def card(**what: Any) -> pb.CustomerScorecard:  # noqa: ANN401 - fields of the message
    return pb.CustomerScorecard(
        own=pb.OrderVolume(order_count=3, bought=yuan(1200), total=yuan(1200)),
        second_level=pb.OrderVolume(
            order_count=41,
            bought=yuan(9000),
            return_count=2,
            returned=yuan(400),
            total=yuan(8600),
        ),
        members=9,
        active_members=7,
        joined_members=2,
        left_members=1,
        tier="gold",
        **what,
    )


class Archive(archive_service_pb2_grpc.ArchiveServiceServicer):
    """One card, final or not."""

    card = pb.CustomerScorecard()

    def GetCustomerScorecard(self, request: Any, context: Any) -> Any:  # noqa: ANN401, ARG002, N802
        assert (request.customer, request.period) == (S1, PERIOD)
        return self.card


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
def test_it_shows_a_month_and_ends_with_4_while_it_is_not_final(
    served: tuple[Archive, list[str]],
) -> None:
    archive, services = served
    runner = CliRunner(env={"COLUMNS": "120"})
    ask = [*services, "--lang", "en", "scorecard", "show", S1, PERIOD]
    archive.card = card(final=True, tier_at_end="silver")
    final = runner.invoke(app, ask)
    archive.card = card(commissions=pb.CommissionStatement(undecided_orders=2))
    waits = runner.invoke(app, ask)
    archive.card = card()
    runs = runner.invoke(app, ask)
    assert [each.exit_code for each in (final, waits, runs)] == [0, UNDECIDED, UNDECIDED]
    (row,) = [line for line in final.output.splitlines() if "8,600.00" in line]
    cells = [each.strip() for each in row.strip("│").split("│")]
    assert cells == ["second level", "41", "9,000.00", "2", "400.00", "8,600.00"]
    for part in ("9 (2 came, 1 left)", "ordered: 7", "tier now: gold", "ended: silver"):
        assert part in final.output
    assert "not final" not in final.output
    assert "that it waits for: 2" in waits.output
    assert "the month is not over" in runs.output
    assert "ended: –" in runs.output
