"""`gonghai customer re-parent`: who goes where, and whether anybody is left."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from typer.testing import CliRunner

from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai.archive.v1 import archive_service_pb2_grpc
from gonghai_cli.main import app

if TYPE_CHECKING:
    from collections.abc import Iterator

GONE = "tenants/acme/customers/gone"


class Archive(archive_service_pb2_grpc.ArchiveServiceServicer):
    """Moves three, of whom one stays where it is as long as somebody works on it."""

    def __init__(self) -> None:
        self.asked: list[pb.ReparentCustomersRequest] = []
        self.stuck = True

    def ReparentCustomers(self, request: Any, context: Any) -> Any:  # noqa: ANN401, ARG002, N802
        self.asked.append(request)
        moved = pb.ReparentedCustomer(
            customer="tenants/acme/customers/m1",
            sponsor="tenants/acme/customers/heir",
            rule="of-its-region",
            reason="the largest",
        )
        orphan = pb.ReparentedCustomer(customer="tenants/acme/customers/m2", reason="nobody")
        yield pb.ReparentCustomersResponse(customers=[moved, orphan], moved_count=2)
        stuck = pb.ReparentedCustomer(customer="tenants/acme/customers/m3")
        stuck.status.code, stuck.status.message = 10, "it moved again and again"
        failed = int(self.stuck)
        yield pb.ReparentCustomersResponse(
            customers=[stuck] if failed else [],
            moved_count=2,
            orphaned_count=1,
            failed_count=failed,
            remaining_count=failed,
            done=True,
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


def test_it_says_who_goes_where_and_ends_with_1_while_somebody_is_left(
    served: tuple[Archive, list[str]],
) -> None:
    archive, services = served
    runner = CliRunner(env={"COLUMNS": "60"})
    command = [*services, "--lang", "en", "customer", "re-parent", GONE]
    left = runner.invoke(app, command)
    assert left.exit_code == 1
    assert left.output.splitlines() == [
        "m1 → heir: the largest (of-its-region)",
        "m2 → no sponsor: nobody",
        "m3 stays: it moved again and again",
        "2 moved, 1 of them to nobody; 1 failed, 1 left",
    ]
    archive.stuck = False
    heir = "tenants/acme/customers/heir"
    done = runner.invoke(app, [*command, "--to", heir])
    tried = runner.invoke(app, [*command, "--dry-run"])
    assert (done.exit_code, tried.exit_code) == (0, 0)
    assert "2 would move, 1 of them to nobody; 0 would fail" in tried.output
    assert [(each.sponsor, each.heir, each.validate_only) for each in archive.asked] == [
        (GONE, "", False),
        (GONE, heir, False),
        (GONE, "", True),
    ]
