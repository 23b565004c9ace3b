"""`gonghai customer list`: over all pages, as asked, and whether somebody may be missing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from typer.testing import CliRunner

from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai.archive.v1 import archive_service_pb2_grpc, customer_pb2
from gonghai_cli.main import app
from gonghai_cli.subcommands.session import UNDECIDED

if TYPE_CHECKING:
    from collections.abc import Iterator


class Archive(archive_service_pb2_grpc.ArchiveServiceServicer):
    """Two customers, a page each."""

    incomplete = False

    def __init__(self) -> None:
        self.filters: list[str] = []

    def ListCustomers(self, request: Any, context: Any) -> Any:  # noqa: ANN401, ARG002, N802
        assert (request.parent, request.order_by) == ("tenants/acme", "tier desc")
        self.filters.append(request.filter)
        if request.page_token:
            last = customer_pb2.Customer(name="tenants/acme/customers/c2", display_name="[b]Two")
            return pb.ListCustomersResponse(customers=[last])
        first = customer_pb2.Customer(
            name="tenants/acme/customers/c1", display_name="渔歌", buys_often=["crab", "squid"]
        )
        first.tier.tier = "core"
        first.custody.owner = "tenants/acme/reps/wang"
        return pb.ListCustomersResponse(
            customers=[first], next_page_token="more", incomplete=self.incomplete
        )


@pytest.fixture
def served() -> Iterator[tuple[Archive, list[str]]]:
    archive = Archive()
    server = grpc.server(ThreadPoolExecutor(1))
    archive_service_pb2_grpc.add_ArchiveServiceServicer_to_server(archive, server)  # type: ignore[arg-type] # stubs are of aio
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield archive, ["--archive", f"127.0.0.1:{port}", "customer", "list", "tenants/acme"]
    server.stop(None).wait()


@pytest.mark.requirement("A14", "D2")
def test_who_buys_often_is_listed_with_what_else_is_asked(
    served: tuple[Archive, list[str]],
) -> None:
    archive, command = served
    runner = CliRunner(env={"COLUMNS": "200"})
    result = runner.invoke(app, [*command, "--buys-often", 'a "b"', "--filter", 'tier = "core"'])
    assert result.exit_code == 0, result.output
    assert archive.filters == ['buys_often = "a \\"b\\"" AND tier = "core"'] * 2
    for part in ("渔歌 (c1)", "core", "wang", "crab, squid", "[b]Two (c2)"):
        assert part in result.output
    assert runner.invoke(app, command).exit_code == 0
    assert archive.filters[2:] == ["", ""]


def test_a_list_that_may_lack_somebody_says_so(served: tuple[Archive, list[str]]) -> None:
    archive, command = served
    archive.incomplete = True
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, command)
    assert result.exit_code == UNDECIDED
    assert "not complete" in result.output
