"""Logs: one line a call, readable by machines, that names the call and tells no secrets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from services.chassis.tests.server.doorstep import CLAIM, GET, Pool, door

from gonghai.pool.v1.pool_service_pb2_grpc import PoolServiceStub
from gonghai_chassis.logs import CallLine, CallLog, configure
from gonghai_chassis.testing.refusals import refused

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def _default_logs() -> Iterator[None]:
    yield
    structlog.reset_defaults()


texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]))


@given(
    st.builds(
        CallLine,
        st.floats(0, 4e9),
        st.just("x/Y"),
        st.just("OK"),
        *[texts] * 3,
        st.floats(0, 1e5),
        *[texts] * 4,
    )
)
def test_every_line_is_one_json_object(line: CallLine) -> None:
    if not line.call_id.isalnum():
        # The door lets only harmless call ids in.
        line = line._replace(call_id="c1")
    written: list[str] = []
    log = CallLog("pool", "json", "info", written.append)
    log._lines.append(line)
    log.flush()

    (text,) = written
    assert text.count("\n") == 1
    told = json.loads(text)
    assert told["principal"] == line.principal
    assert told.get("tenant", "") == line.tenant


async def test_a_call_is_logged_with_what_finds_it_again() -> None:
    written: list[str] = []
    async with door(Pool(), log_format="json", log_level="info") as served:
        served.server._call_log._out = written.append
        stub = served.stub(PoolServiceStub, principal="rep:wang@acme", x_request_id="call-9")
        await stub.ClaimCustomer(CLAIM)
        reader = served.stub(PoolServiceStub, principal="reader:x@acme")
        await refused(reader.ClaimCustomer(CLAIM))

    first, second = (json.loads(line) for line in "".join(written).splitlines())
    assert first.pop("ms") > 0
    assert first.pop("time").endswith("Z")
    assert first == {
        "level": "info",
        "service": "pool",
        "event": "call",
        "method": "gonghai.pool.v1.PoolService/ClaimCustomer",
        "code": "OK",
        "call_id": "call-9",
        "principal": "rep:wang",
        "tenant": "acme",
    }
    assert (second["code"], second["reason"]) == ("PERMISSION_DENIED", "NOT_ALLOWED")
    assert second["peer"].startswith("ipv4:127.0.0.1")


async def test_successes_can_be_left_out() -> None:
    written: list[str] = []
    async with door(Pool(), log_level="info", log_successes=False) as served:
        served.server._call_log._out = written.append
        await served.stub(PoolServiceStub).GetCustody(GET)
        await refused(served.stub(PoolServiceStub, principal="x").GetCustody(GET))

    assert len("".join(written).splitlines()) == 1


@pytest.mark.usefixtures("_default_logs")
async def test_a_line_logged_inside_a_call_names_it_and_holds_no_local_variables(
    capfd: pytest.CaptureFixture[str],
) -> None:
    servicer = Pool()

    async def act() -> None:
        phone = "13800138000"
        structlog.get_logger("test").info("deciding")
        raise RuntimeError(f"{len(phone)} digits")

    servicer.act = act
    configure("info", "json", "pool")
    async with door(servicer, log_format="json") as served:
        stub = served.stub(PoolServiceStub, x_request_id="call-3")
        error = await refused(stub.GetCustody(GET))

    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    (deciding,) = [line for line in lines if line["event"] == "deciding"]
    assert deciding["call_id"] == "call-3"
    assert deciding["service"] == "pool"
    (failure,) = [line for line in lines if line["event"] == "unexpected failure"]
    assert failure["incident"] == error.metadata["incident"]
    assert failure["exception"][0]["exc_value"] == "11 digits"
    assert "13800138000" not in json.dumps(lines)
