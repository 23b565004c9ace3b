"""What every call passes on its way in, told through a real server."""

from __future__ import annotations

import asyncio
import time
from importlib.resources import files
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from services.chassis.tests.server.doorstep import CLAIM, GET, Pool, door

from gonghai.archive.v1 import archive_service_pb2 as archive
from gonghai.archive.v1 import archive_service_pb2_grpc as archive_grpc
from gonghai.pool.v1 import pool_service_pb2 as pool
from gonghai.pool.v1.pool_service_pb2_grpc import PoolServiceStub
from gonghai_chassis.chain import ORDER, Chain
from gonghai_chassis.chain.call import Call, Method
from gonghai_chassis.chain.errors import leave
from gonghai_chassis.chain.request_context import language_of
from gonghai_chassis.context import RequestContext, current
from gonghai_chassis.errors import WrongState
from gonghai_chassis.principals import Reach, Role
from gonghai_chassis.store.failures import StoreUnavailable
from gonghai_chassis.testing.refusals import refused

HEALTH = "/grpc.health.v1.Health/Check"
ACME_REP = "rep:wang@acme"


def test_the_chain_refuses_to_be_built_in_another_order() -> None:
    with pytest.raises(ValueError, match="recovery, request_context"):
        Chain(())


async def test_the_stages_run_in_the_declared_order() -> None:
    async with door(Pool()) as served:
        stages = served.server._chain()._stages

        assert tuple(stage.name for stage in stages) == ORDER


async def test_the_servicer_finds_what_the_headers_said() -> None:
    servicer = Pool()
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with door(servicer) as served:
        stub = served.stub(
            PoolServiceStub,
            principal=ACME_REP,
            x_request_id="call-1",
            traceparent=trace,
            accept_language="fr, zh-CN;q=0.8, en;q=0.3",
        )
        await stub.ClaimCustomer(CLAIM, timeout=7)

    (found,) = servicer.contexts
    assert found.method == "/gonghai.pool.v1.PoolService/ClaimCustomer"
    assert found.call_id == "call-1"
    assert found.trace is not None
    assert found.trace.traceparent == trace
    assert found.language == "zh"
    assert (found.principal.subject, found.principal.tenant) == ("rep:wang", "acme")
    assert found.reach is Reach.OWN
    assert found.tenant == "acme"
    remaining = found.remaining()
    assert remaining is not None
    assert 5 < remaining <= 7
    assert len(found.fingerprint(CLAIM)) == 32
    assert not found.fingerprint(GET)


async def test_a_call_id_with_strange_characters_is_not_taken_over() -> None:
    servicer = Pool()
    async with door(servicer) as served:
        stub = served.stub(PoolServiceStub, x_request_id='"} {"event": "forged"')
        await stub.GetCustody(GET)
        await stub.GetCustody(GET)

    first, second = (context.call_id for context in servicer.contexts)
    assert first.isalnum()
    assert first != second


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("zh", "zh"),
        ("ZH-cn", "zh"),
        ("en, zh;q=0.9", "en"),
        ("en;q=0.1, zh;q=0.9", "zh"),
        ("fr", "en"),
        ("zh;q=nonsense", "en"),
    ],
)
def test_the_language_is_the_one_preferred_of_the_two(accepted: str, language: str) -> None:
    assert language_of(accepted) == language


async def test_a_refusal_leaves_as_one_status_with_one_error_info() -> None:
    servicer = Pool()

    async def act() -> None:
        raise WrongState("tenants/acme/customers/c1", "HELD", "somebody holds it")

    servicer.act = act
    async with door(servicer) as served:
        error = await refused(served.stub(PoolServiceStub).ClaimCustomer(CLAIM))

    assert error.code is grpc.StatusCode.FAILED_PRECONDITION
    assert error.reason == "WRONG_STATE"
    assert error.info.domain == "gonghai"
    assert error.metadata == {"resource": "tenants/acme/customers/c1", "state": "HELD"}
    (failure,) = error.details(error_details_pb2.PreconditionFailure)
    assert [violation.type for violation in failure.violations] == ["WRONG_STATE"]


async def test_a_refusal_inside_a_stream_ends_it_with_its_status() -> None:
    servicer = Pool()

    async def act() -> None:
        raise WrongState("tenants/acme", "SUSPENDED", "the tenant is suspended")

    servicer.act = act
    request = pool.WatchRequest()
    request.scope.tenant = "tenants/acme"
    async with door(servicer) as served:
        error = await refused(served.stub(PoolServiceStub).Watch(request))

    assert error.code is grpc.StatusCode.FAILED_PRECONDITION
    assert error.reason == "WRONG_STATE"


async def test_an_unexpected_failure_tells_the_caller_an_incident_and_nothing_else(
    capfd: pytest.CaptureFixture[str],
) -> None:
    servicer = Pool()

    async def act() -> None:
        raise RuntimeError("password=hunter2")

    servicer.act = act
    async with door(servicer) as served:
        error = await refused(served.stub(PoolServiceStub).GetCustody(GET))

    assert error.code is grpc.StatusCode.INTERNAL
    assert error.reason == "INTERNAL_FAULT"
    assert "hunter2" not in str(error.status)
    assert "RuntimeError" not in str(error.status)
    incident = error.metadata["incident"]
    assert incident in error.message
    logged = capfd.readouterr()
    assert incident in logged.out + logged.err
    assert "hunter2" in logged.out + logged.err


async def test_a_method_that_nobody_wrote_is_unimplemented_and_says_so() -> None:
    request = pool.LockCustomerRequest(customer="tenants/acme/customers/c1", reason="audit")
    async with door(Pool()) as served:
        error = await refused(served.stub(PoolServiceStub).LockCustomer(request))

    assert error.code is grpc.StatusCode.UNIMPLEMENTED
    assert error.reason == "NOT_IMPLEMENTED"
    assert error.metadata == {"method": "/gonghai.pool.v1.PoolService/LockCustomer"}


async def test_a_request_that_breaks_the_contract_is_refused_naming_every_field() -> None:
    request = pool.ClaimCustomerRequest(customer="c1", rep="wang", request_id="r" * 65)
    async with door(Pool()) as served:
        error = await refused(served.stub(PoolServiceStub).ClaimCustomer(request))

    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.reason == "INVALID_FIELD"
    (bad,) = error.details(error_details_pb2.BadRequest)
    fields = {violation.field for violation in bad.field_violations}
    assert fields == {"customer", "rep", "request_id"}


def purchases(tenant: str) -> archive.IngestActivitiesRequest:
    request = archive.IngestActivitiesRequest(parent=f"tenants/{tenant}")
    activity = request.activities.add(name=f"tenants/{tenant}/customers/c1/activities/a1")
    activity.purchase.amount.currency_code = "CNY"
    return request


async def test_each_message_of_a_stream_is_checked_on_its_way() -> None:
    empty = archive.IngestActivitiesRequest(parent="tenants/acme")
    good = purchases("acme")
    mixed = purchases("acme")
    mixed.activities[0].name = "tenants/other/customers/c1/activities/a1"
    async with door(Pool()) as served:
        stub = served.stub(archive_grpc.ArchiveServiceStub, principal="integrator:erp@acme")
        assert (await stub.IngestActivities(iter([good, good]))).recorded == 2
        invalid = await refused(stub.IngestActivities(iter([good, empty])))
        foreign = await refused(stub.IngestActivities(iter([purchases("other")])))
        strange = await refused(stub.IngestActivities(iter([good, mixed])))

    assert (invalid.code, invalid.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert (foreign.code, foreign.reason) == (grpc.StatusCode.PERMISSION_DENIED, "NOT_ALLOWED")
    assert (strange.code, strange.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("tenants/other/customers/c1/custody", "PERMISSION_DENIED", "NOT_ALLOWED"),
        ("tenants/acme/customers/c1", "INVALID_ARGUMENT", "INVALID_FIELD"),
    ],
)
async def test_nobody_reaches_into_another_tenant(name: str, code: str, reason: str) -> None:
    servicer = Pool()
    async with door(servicer) as served:
        stub = served.stub(PoolServiceStub, principal=ACME_REP)
        error = await refused(stub.GetCustody(pool.GetCustodyRequest(name=name)))

    assert (error.code.name, error.reason) == (code, reason)
    assert not servicer.contexts


async def test_a_request_that_names_two_tenants_is_refused() -> None:
    request = pool.ClaimCustomerRequest(
        customer="tenants/acme/customers/c1", rep="tenants/other/reps/wang"
    )
    async with door(Pool()) as served:
        error = await refused(served.stub(PoolServiceStub).ClaimCustomer(request))

    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert "tenants/other" in error.message


async def test_only_who_belongs_to_no_tenant_may_watch_a_whole_partition() -> None:
    servicer = Pool()
    request = pool.WatchRequest()
    request.scope.partition = 0
    async with door(servicer) as served:
        stub = served.stub(PoolServiceStub, principal="integrator:erp@acme")
        error = await refused(stub.Watch(request))
        assert error.reason == "NOT_ALLOWED"

        watching = served.stub(PoolServiceStub, principal="system:archive").Watch(request)
        assert await anext(aiter(watching)) == pool.WatchResponse()
        watching.cancel()


async def test_a_stream_whose_reader_leaves_is_closed() -> None:
    servicer = Pool()
    request = pool.WatchRequest()
    request.scope.tenant = "tenants/acme"
    forever = asyncio.Event()

    async def act() -> None:
        await forever.wait()

    servicer.act = act
    async with door(servicer) as served:
        watching = served.stub(PoolServiceStub).Watch(request)
        await anext(aiter(watching))
        watching.cancel()
        await asyncio.wait_for(servicer.closed.wait(), 5)

    (context,) = servicer.contexts
    assert context.deadline is None


async def test_a_call_without_a_deadline_gets_the_default_one() -> None:
    servicer = Pool()
    forever = asyncio.Event()

    async def act() -> None:
        await forever.wait()

    servicer.act = act
    async with door(servicer, default_deadline=0.2) as served:
        begun = time.monotonic()
        error = await refused(served.stub(PoolServiceStub).ClaimCustomer(CLAIM))
        took = time.monotonic() - begun

    assert error.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert error.reason == "DEADLINE_EXCEEDED"
    assert 0.2 <= took < 2


async def test_a_very_long_deadline_is_cut_to_the_longest_allowed() -> None:
    servicer = Pool()
    forever = asyncio.Event()

    async def act() -> None:
        await forever.wait()

    servicer.act = act
    async with door(servicer, default_deadline=0.1, max_deadline=0.3) as served:
        error = await refused(served.stub(PoolServiceStub).ClaimCustomer(CLAIM, timeout=3600))

    assert error.reason == "DEADLINE_EXCEEDED"
    (context,) = servicer.contexts
    assert context.deadline is not None


async def test_the_callers_own_deadline_cancels_the_work() -> None:
    servicer = Pool()
    ended = asyncio.Event()

    async def act() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    servicer.act = act
    async with door(servicer) as served:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await served.stub(PoolServiceStub).ClaimCustomer(CLAIM, timeout=0.2)
        await asyncio.wait_for(ended.wait(), 5)

    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_who_waits_for_a_store_that_is_away_hears_so_before_his_deadline() -> None:
    # Found by `make faults`, F3: he heard DEADLINE_EXCEEDED, as his call was cancelled first.
    servicer = Pool()

    async def away() -> None:
        never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await asyncio.wait((never,), timeout=current().remaining())
        raise StoreUnavailable("The store did not answer in time.")

    servicer.act = away
    config = files("gonghai").joinpath("service_config.json").read_text("utf-8")
    options = (("grpc.service_config", config),)
    async with (
        door(servicer) as served,
        # Its policy is to try again, which would take what is left.
        grpc.aio.insecure_channel(served.address, options=options) as channel,
    ):
        error = await refused(PoolServiceStub(channel).GetCustody(GET, timeout=1.0))
    assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE")


async def test_more_calls_than_there_is_room_for_are_refused_and_told_when_to_try_again() -> None:
    servicer = Pool()
    goes_on = asyncio.Event()

    async def act() -> None:
        await goes_on.wait()

    servicer.act = act
    async with door(servicer, max_concurrent_calls=1) as served:
        stub = served.stub(PoolServiceStub)
        first = asyncio.ensure_future(stub.ClaimCustomer(CLAIM))
        await servicer.entered.wait()
        error = await refused(stub.ClaimCustomer(CLAIM))
        goes_on.set()
        await first

        assert error.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert error.reason == "RATE_LIMIT"
        (retry,) = error.details(error_details_pb2.RetryInfo)
        assert retry.retry_delay.ToMicroseconds() > 0
        await stub.ClaimCustomer(CLAIM)


async def test_a_message_over_the_limit_is_refused() -> None:
    request = pool.GetCustodyRequest(name="x" * 5000)
    async with door(Pool(), max_message_bytes=2048) as served:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await served.stub(PoolServiceStub).GetCustody(request)

    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_stage_that_fails_itself_does_not_take_the_server_down(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    async with door(Pool()) as served:
        tally = served.assembly.metrics.calls.of("gonghai.pool.v1.PoolService/GetCustody")
        stub = served.stub(PoolServiceStub)
        await stub.GetCustody(GET)

        def broken(*_arguments: object) -> None:
            raise ZeroDivisionError

        with monkeypatch.context() as patch:
            patch.setattr(type(tally), "end", broken)
            error = await refused(stub.GetCustody(GET))
        assert error.reason == "INTERNAL_FAULT"
        await stub.GetCustody(GET)
    assert error.metadata["incident"] in "".join(capfd.readouterr())


async def test_a_back_end_acts_with_the_rights_of_the_person_and_no_more() -> None:
    servicer = Pool()
    lock = pool.LockCustomerRequest(customer="tenants/acme/customers/c1", reason="audit")
    async with door(servicer) as served:
        stub = served.stub(PoolServiceStub, principal="admin:crm@acme", on_behalf_of="rep:wang")
        await stub.ClaimCustomer(CLAIM)
        error = await refused(stub.LockCustomer(lock))

    (context,) = servicer.contexts
    assert context.principal.subject == "admin:crm"
    assert context.principal.person == "rep:wang"
    assert context.principal.rep == "wang"
    assert context.principal.roles == {Role.REP}
    assert context.reach is Reach.OWN
    assert error.reason == "NOT_ALLOWED"


@pytest.mark.parametrize("person", ["admin:root", "service:pool", "nonsense", "integrator:erp"])
async def test_nobody_acts_for_one_who_cannot_be_acted_for(person: str) -> None:
    async with door(Pool()) as served:
        stub = served.stub(PoolServiceStub, principal="admin:crm@acme", on_behalf_of=person)
        error = await refused(stub.ClaimCustomer(CLAIM))

    assert error.code is grpc.StatusCode.PERMISSION_DENIED
    assert error.reason == "NOT_ALLOWED"


async def test_one_of_our_services_keeps_its_rights_and_names_the_person() -> None:
    servicer = Pool()
    async with door(servicer) as served:
        stub = served.stub(PoolServiceStub, principal="system:archive", on_behalf_of="rep:wang")
        await stub.ClaimCustomer(CLAIM)

    (context,) = servicer.contexts
    assert context.principal.is_own_service
    assert context.reach is Reach.ALL
    assert str(context.principal) == "system:archive for rep:wang"


@pytest.mark.parametrize("method", ["/gonghai.pool.v1.PoolService/GetCustody", HEALTH])
async def test_bytes_that_are_no_message_are_refused(method: str) -> None:
    async with door(Pool()) as served:
        error = await refused(served.channel().unary_unary(method, None, None)(b"\xff\xff"))

    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.reason == "INVALID_FIELD"


async def test_bytes_that_are_no_message_are_refused_in_a_stream_too() -> None:
    method = "/gonghai.archive.v1.ArchiveService/IngestActivities"
    async with door(Pool()) as served:
        error = await refused(
            served.channel().stream_unary(method, None, None)(iter([b"\xff\xff"]))
        )

    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.reason == "INVALID_FIELD"


async def test_an_answer_of_the_wrong_type_is_a_fault_of_ours(
    capfd: pytest.CaptureFixture[str],
) -> None:
    class Mistaken(Pool):
        async def GetCustody(self, request: object, context: object) -> Any:  # noqa: ANN401, ARG002, N802
            return None

    async with door(Mistaken()) as served:
        error = await refused(served.stub(PoolServiceStub).GetCustody(GET))

    assert error.code is grpc.StatusCode.INTERNAL
    assert error.reason == "INTERNAL_FAULT"
    assert error.metadata["incident"] in "".join(capfd.readouterr())


class HungUp:
    """The transport of a call whose caller has gone: nothing can be sent any more."""

    async def abort(self, code: grpc.StatusCode, *_: object) -> None:
        # What cygrpc raises then is no class that it shows.
        raise RuntimeError(f"Failed to send {code}")


async def test_a_caller_who_hangs_up_as_the_refusal_leaves_is_no_incident() -> None:
    # Found by `make faults`, F9: it was logged as an unexpected failure, with a traceback.
    method = Method(
        "/gonghai.pool.v1.PoolService/ClaimCustomer",
        None,
        None,
        streams_in=False,
        streams_out=False,
    )
    transport: Any = HungUp()
    info = RequestContext(method.path, "call-1")
    call = Call(method, transport, {}, None, info)
    refusal = WrongState("customers/c1", "HELD", "somebody has it")
    with pytest.raises(asyncio.CancelledError):
        await leave(call, refusal)
    assert (call.code, call.reason) == (grpc.StatusCode.CANCELLED, "")
