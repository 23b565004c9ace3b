"""`gonghai quarantine`: what the services could not process, and trying it again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from typer.testing import CliRunner

from gonghai.upkeep.v1 import upkeep_service_pb2 as pb
from gonghai.upkeep.v1 import upkeep_service_pb2_grpc
from gonghai_cli.main import app

if TYPE_CHECKING:
    from collections.abc import Iterator


class Upkeep(upkeep_service_pb2_grpc.UpkeepServiceServicer):
    """A service with two events of one customer in quarantine, a page each, until it is mended."""

    def __init__(self) -> None:
        self.left = 2
        self.asked: list[tuple[str, str]] = []

    def ListQuarantinedEvents(self, request: Any, context: Any) -> Any:  # noqa: ANN401, ARG002, N802
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

    def RetryQuarantinedEvents(self, request: Any, context: Any) -> Any:  # noqa: ANN401, ARG002, N802
        self.asked.append((request.source, request.subject))
        processed, self.left = self.left, 0
        return pb.RetryQuarantinedEventsResponse(processed=processed, left=0)


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
