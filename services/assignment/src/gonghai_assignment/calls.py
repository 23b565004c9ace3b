"""Calls of pool's AssignCustomer: as an intent keeps them, and as they go out."""

from __future__ import annotations

import asyncio
from contextvars import Context
from dataclasses import dataclass
from enum import Enum, auto
from hashlib import blake2b
from typing import TYPE_CHECKING, Protocol

import grpc
import structlog

from gonghai.pool.v1 import custody_pb2, pool_service_pb2
from gonghai_chassis.errors import PeerRefused, Reason
from gonghai_chassis.names import CustomerName, RepName, TeamName
from gonghai_chassis.statuses import code_of
from gonghai_chassis.store import records
from gonghai_policy_service.reasons import chinese_apart

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from gonghai_assignment.customers import Routing
    from gonghai_plugin import Text

_log = structlog.get_logger(__name__)

TIMEOUT = 10.0
"""Seconds to wait for pool's answer outside of a call."""

_LONGEST_REASON = 500
_LONGEST_RULE = 100


class PoolStub(Protocol):
    """The part of pool's stub that is used here."""

    def AssignCustomer(  # noqa: N802 - the contract's name
        self, request: pool_service_pb2.AssignCustomerRequest, *, timeout: float | None = None
    ) -> Awaitable[custody_pb2.Custody]:
        """Give a customer in a pool to somebody."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of AssignCustomer.

    Attributes:
        customer: whom it is about.
        intent: the request id to call with.
        message: the request, without its request id.
        request: request id and fingerprint of the call that asked for the routing, or "".
    """

    customer: CustomerName
    intent: str
    message: bytes
    request: tuple[str, str] = ("", "")

    def payload(self) -> bytes:
        """The call as an intent keeps it."""
        return records.pack(
            {"customer": str(self.customer), "call": self.message, "request": list(self.request)}
        )

    @classmethod
    def of(cls, intent: str, payload: bytes) -> Call:
        """Read what `payload` wrote."""
        fields = records.unpack(payload)
        request = fields["request"]
        return cls(
            customer=CustomerName.parse(fields["customer"]),
            intent=intent,
            message=records.blob(fields["call"]),
            request=(request[0], request[1]),
        )


class Verdict(Enum):
    """What pool's answer means for the routing."""

    ASSIGNED = auto()
    """Pool agreed."""
    ENTRY_CHANGED = auto()
    """The customer is not as it was when it was decided."""
    REP_REFUSED = auto()
    """This rep may not have it; another one may."""
    NEVER = auto()
    """Pool does not take this call, however often it is made."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Pool's answer.

    Attributes:
        verdict: what it means.
        term: the custody term that the assignment made; 0 for a refusal.
        refusal: the refusal, if it was one.
    """

    verdict: Verdict
    term: int = 0
    refusal: PeerRefused | None = None

    @property
    def rep_is_full(self) -> bool:
        """Whether it was refused because the rep has no room."""
        return self.refusal is not None and self.refusal.reason == Reason.HOLDING_LIMIT


_ENTRY = frozenset(
    {
        Reason.CUSTOMER_NOT_IN_POOL,
        Reason.CUSTOMER_LOCKED,
        Reason.CUSTOMER_DISPUTED,
        Reason.ETAG_MISMATCH,
        Reason.RESOURCE_NOT_FOUND,
        Reason.RESOURCE_DELETED,
        Reason.WRONG_STATE,
    }
)
_REP = frozenset(
    {
        Reason.HOLDING_LIMIT,
        Reason.REP_NOT_ACTIVE,
        Reason.COOL_DOWN,
        Reason.EMBARGO,
        Reason.CLAIM_RULE,
        Reason.CLAIM_LIMIT,
        Reason.NOT_POOL_MEMBER,
        Reason.POLICY_UNAVAILABLE,
    }
)


_FINAL = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.OUT_OF_RANGE,
    }
)
"""What the same call will get again. Who may call is a matter of settings, and may change."""


class PoolCalls:
    """Makes the calls; one that is under way already is waited for instead of being made twice."""

    def __init__(self, pool: PoolStub) -> None:
        """Take pool's stub."""
        self._pool = pool
        self._under_way: dict[str, asyncio.Task[Answer]] = {}

    async def assign(self, call: Call) -> Answer:
        """Call pool.

        Raises:
            PeerUnavailable: the outcome is unknown; call again.
            PeerRefused: a refusal that says nothing about customer or rep; call again.
        """
        task = self._under_way.get(call.intent)
        if task is None:
            # Outside of the call that asks, whose person would travel with it: who makes a call is
            # part of what pool remembers, and the worker may have to make it again.
            task = asyncio.create_task(
                self._assign(call), name=f"assign-{call.intent}", context=Context()
            )
            self._under_way[call.intent] = task
            task.add_done_callback(lambda _: self._under_way.pop(call.intent, None))
        return await asyncio.shield(task)

    async def _assign(self, call: Call) -> Answer:
        request = pool_service_pb2.AssignCustomerRequest.FromString(call.message)
        request.request_id = call.intent
        try:
            custody = await self._pool.AssignCustomer(request, timeout=TIMEOUT)
        except PeerRefused as refused:
            return answer_of(refused)
        return answer_of(custody.term)


def answer_of(said: PeerRefused | int) -> Answer:
    """Return what pool's refusal means, or the term of the custody that it made.

    Raises:
        PeerRefused: the refusal says nothing about customer or rep.
    """
    if isinstance(said, int):
        return Answer(Verdict.ASSIGNED, term=said)
    if said.reason in _ENTRY:
        return Answer(Verdict.ENTRY_CHANGED, refusal=said)
    if said.reason in _REP:
        return Answer(Verdict.REP_REFUSED, refusal=said)
    if code_of(said) in _FINAL:
        _log.error("assignment_refused", reason=said.reason, error=str(said))
        return Answer(Verdict.NEVER, refusal=said)
    raise said


def call_for(
    customer: CustomerName,
    routing: Routing,
    *,
    reason: Text,
    rule: str,
    request: tuple[str, str] = ("", ""),
) -> Call:
    """The call by which a routing is carried out; the same routing makes the same request id.

    Args:
        customer: whom it is about.
        routing: who was chosen, and on which custody term.
        reason: why, for pool's history.
        rule: the rule that decided, likewise.
        request: request id and fingerprint of the call that asked for it.

    Raises:
        ValueError: the routing gives the customer to nobody.
    """
    tenant = customer.tenant
    if routing.channel is not None:
        holder = custody_pb2.Holder(self_service=routing.channel)
    elif routing.team is not None:
        holder = custody_pb2.Holder(team=str(TeamName(tenant, routing.team)))
    elif routing.rep is not None:
        holder = custody_pb2.Holder(rep=str(RepName(tenant, routing.rep)))
    else:
        raise ValueError("Nobody was chosen.")
    message = pool_service_pb2.AssignCustomerRequest(
        customer=str(customer),
        holder=holder,
        reason=reason.en[:_LONGEST_REASON],
        reason_zh=chinese_apart(reason)[:_LONGEST_REASON],
        custody_term=routing.term,
        rule=rule[:_LONGEST_RULE],
    ).SerializeToString(deterministic=True)
    intent = blake2b(message, digest_size=16).hexdigest()
    return Call(customer, intent, message, request)
