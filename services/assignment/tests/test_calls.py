"""A call of pool is the same whoever makes it: a person's own call, or the worker's repeat."""

from __future__ import annotations

from gonghai.pool.v1 import custody_pb2, pool_service_pb2
from gonghai_assignment.calls import Call, PoolCalls, Verdict
from gonghai_chassis.context import RequestContext, current_or_none, enter
from gonghai_chassis.names import CustomerName


class ListeningPool:
    """Notes on whose behalf it is called."""

    def __init__(self) -> None:
        self.contexts: list[RequestContext | None] = []

    async def AssignCustomer(  # noqa: N802 - the contract's name
        self,
        request: pool_service_pb2.AssignCustomerRequest,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - as the stub has it
    ) -> custody_pb2.Custody:
        del timeout
        self.contexts.append(current_or_none())
        return custody_pb2.Custody(customer=request.customer, term=2)


async def test_no_person_travels_with_a_call_that_the_worker_may_have_to_repeat() -> None:
    # Found by `make faults`, F9: pool remembers who made a call. With the person of RouteCustomer
    # on it, the worker's repeat was another request of the same id, and refused for ever.
    pool = ListeningPool()
    enter(RequestContext("/gonghai.assignment.v1.AssignmentService/RouteCustomer", "call-1"))
    call = Call(CustomerName("acme", "c1"), "intent-1", b"")
    answer = await PoolCalls(pool).assign(call)
    assert answer.verdict is Verdict.ASSIGNED
    assert pool.contexts == [None]
