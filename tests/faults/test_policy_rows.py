"""Who is asked while a plugin goes wrong is asked to the end, and each refusal is taken down."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import grpc
import pytest

from gonghai.policy.v1 import policy_service_pb2
from gonghai.policy.v1.policy_service_pb2_grpc import (
    PolicyServiceServicer,
    add_PolicyServiceServicer_to_server,
)
from gonghai_chassis.testing import eventually
from tests.faults.checks import check
from tests.faults.policy_rows import probing
from tests.faults.record import History, State
from tests.faults.tenant import Tenant

if TYPE_CHECKING:
    from tests.faults.record import Entry
    from tests.faults.stage import Scene


class Deciding(PolicyServiceServicer):
    """Decides, or refuses."""

    def __init__(self, refuses: grpc.StatusCode | None) -> None:
        self.refuses = refuses
        self.asked = 0

    async def Evaluate(self, _request: Any, context: Any) -> Any:  # noqa: ANN401, N802 - as grpc has it
        self.asked += 1
        if self.refuses is not None:
            await context.abort(self.refuses, "no")
        return policy_service_pb2.EvaluateResponse()


@pytest.mark.parametrize(
    ("refuses", "broken"),
    [
        (None, set()),
        (grpc.StatusCode.FAILED_PRECONDITION, {"who_is_asked_answers_in_time"}),
        (grpc.StatusCode.UNAVAILABLE, {"who_is_asked_answers_in_time"}),
        (grpc.StatusCode.INTERNAL, {"who_is_asked_answers_in_time"}),
    ],
)
async def test_each_refusal_is_taken_down_and_the_asking_goes_on(
    refuses: grpc.StatusCode | None, broken: set[str]
) -> None:
    deciding, server = Deciding(refuses), grpc.aio.server()
    add_PolicyServiceServicer_to_server(deciding, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    entries: list[Entry] = []
    scene = SimpleNamespace(
        crew=SimpleNamespace(target=lambda _service: f"127.0.0.1:{port}"),
        recorder=SimpleNamespace(add=entries.append),
        evidence={},
    )
    try:
        async with probing(cast("Scene", scene), Tenant("t")):
            await eventually(lambda: deciding.asked > 6)
    finally:
        await server.stop(None)
    history = History.of(entries)
    assert {violation.law for violation in check(history, ["t"])} == broken
    refused = [entry for entry in entries if isinstance(entry, State)]
    # More than one: the first ends nothing. Whom nobody answers is asked again by the client.
    assert (len(refused) > 1) is bool(broken)
    assert scene.evidence["decided in time"] == (0 if broken else deciding.asked)
