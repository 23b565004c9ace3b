"""The RPCs that change who has a customer."""

# ruff: noqa: N802 - methods are named as the contract names them
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gonghai.pool.v1 import pool_service_pb2 as pb
from gonghai.pool.v1 import pool_service_pb2_grpc as pb_grpc
from gonghai_chassis.context import current
from gonghai_chassis.errors import FieldViolation, InvalidRequest
from gonghai_chassis.etags import expected_version
from gonghai_chassis.names import CustomerName, PoolName, RepName, TenantName, same_tenant
from gonghai_policy_service.reasons import told_reason
from gonghai_pool.commands.assign import Assignment
from gonghai_pool.commands.cancel_reservation import Cancellation
from gonghai_pool.commands.claim import Claim
from gonghai_pool.commands.release import Release
from gonghai_pool.commands.reserve import DEFAULT_TTL, Reserve
from gonghai_pool.commands.transfer import Transfer
from gonghai_pool.custody import Purpose
from gonghai_pool.messages import reservation_token
from gonghai_pool.reading import holder_of
from gonghai_pool.servicers.answers import changed_custody, result
from gonghai_pool.servicers.circumstances import order_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai.pool.v1 import custody_pb2
    from gonghai_pool.commands.assign import AssignCustomer
    from gonghai_pool.commands.cancel_reservation import CancelReservation
    from gonghai_pool.commands.claim import ClaimCustomer
    from gonghai_pool.commands.release import ReleaseCustomer
    from gonghai_pool.commands.reserve import ReserveCustody
    from gonghai_pool.commands.transfer import TransferCustomer


class CustodyRpcs(pb_grpc.PoolServiceServicer):
    """Claims, assignments, transfers, releases, and reservations."""

    _claim: ClaimCustomer
    _assign: AssignCustomer
    _transfer: TransferCustomer
    _release: ReleaseCustomer
    _reserve: ReserveCustody
    _cancel: CancelReservation

    async def ClaimCustomer(
        self,
        request: pb.ClaimCustomerRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> custody_pb2.Custody:
        """Take a customer out of a pool."""
        customer = CustomerName.parse(request.customer, "customer")
        claim = Claim(
            customer,
            _rep(request.rep, customer.tenant),
            _pool(request.pool, customer.tenant),
            expected_version(request.etag, customer),
            trial=request.validate_only,
        )
        changed = await self._claim(claim, order_of(request))
        return changed_custody(customer.tenant, changed, current().language)

    async def BatchClaimCustomers(
        self,
        request: pb.BatchClaimCustomersRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> pb.BatchClaimCustomersResponse:
        """Claim several, each for itself, in the order asked."""
        tenant = TenantName.parse(request.parent, "parent").tenant
        rep = _rep(request.rep, tenant)
        customers = [CustomerName.parse(text, "customers") for text in request.customers]
        for customer in customers:
            same_tenant(tenant, customer, "customers")
        _each_once(customers, "customers[{}]")
        answer = pb.BatchClaimCustomersResponse()
        for customer in customers:
            order = order_of(request, item=customer.id)
            work = self._claim(Claim(customer, rep), order)
            answer.results.append(await result(customer, work, current().language))
        return answer

    async def AssignCustomer(
        self,
        request: pb.AssignCustomerRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> custody_pb2.Custody:
        """Give a customer in a pool to a holder."""
        assignment = _assignment(request)
        changed = await self._assign(assignment, order_of(request))
        return changed_custody(assignment.customer.tenant, changed, current().language)

    async def BatchAssignCustomers(
        self,
        request: pb.BatchAssignCustomersRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> pb.BatchAssignCustomersResponse:
        """Assign several, each for itself, in the order asked."""
        tenant = TenantName.parse(request.parent, "parent").tenant
        assignments = [_assignment(one) for one in request.requests]
        for assignment in assignments:
            same_tenant(tenant, assignment.customer, "requests.customer")
        _each_once([one.customer for one in assignments], "requests[{}].customer")
        answer = pb.BatchAssignCustomersResponse()
        for assignment in assignments:
            order = order_of(request, item=assignment.customer.id)
            work = self._assign(assignment, order)
            answer.results.append(await result(assignment.customer, work, current().language))
        return answer

    async def TransferCustomer(
        self,
        request: pb.TransferCustomerRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> custody_pb2.Custody:
        """Move a holding to another rep."""
        customer = CustomerName.parse(request.customer, "customer")
        rep = RepName.parse(request.rep, "rep")
        same_tenant(customer.tenant, rep, "rep")
        transfer = Transfer(customer, rep, request.reason, expected_version(request.etag, customer))
        changed = await self._transfer(transfer, order_of(request))
        return changed_custody(customer.tenant, changed, current().language)

    async def ReleaseCustomer(
        self,
        request: pb.ReleaseCustomerRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> custody_pb2.Custody:
        """Give a holding back to a pool."""
        customer = CustomerName.parse(request.customer, "customer")
        release = Release(
            customer,
            request.reason,
            _pool(request.pool, customer.tenant),
            expected_version(request.etag, customer),
        )
        changed = await self._release(release, order_of(request))
        return changed_custody(customer.tenant, changed, current().language)

    async def ReserveCustody(
        self,
        request: pb.ReserveCustodyRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> custody_pb2.Custody:
        """Keep a place for a rep; only this answer has the token."""
        customer = CustomerName.parse(request.customer, "customer")
        rep = RepName.parse(request.rep, "rep")
        same_tenant(customer.tenant, rep, "rep")
        reserve = Reserve(
            customer,
            rep,
            _PURPOSES[int(request.purpose)],
            request.ttl.ToMicroseconds() if request.HasField("ttl") else DEFAULT_TTL,
            request.custody_term or None,
        )
        changed = await self._reserve(reserve, order_of(request))
        message = changed_custody(customer.tenant, changed, current().language)
        reservation_token(message, changed.custody)
        return message

    async def CancelReservation(
        self,
        request: pb.CancelReservationRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> pb.CancelReservationResponse:
        """Give a place up."""
        customer = CustomerName.parse(request.customer, "customer")
        await self._cancel(Cancellation(customer, request.token), order_of(request))
        return pb.CancelReservationResponse()


_PURPOSES = {1: Purpose.SELF_SOURCED, 2: Purpose.OFFER}


def _assignment(request: pb.AssignCustomerRequest) -> Assignment:
    customer = CustomerName.parse(request.customer, "customer")
    return Assignment(
        customer,
        holder_of(request.holder, customer.tenant, "holder"),
        told_reason(request.reason, request.reason_zh),
        request.custody_term or None,
        request.rule,
    )


def _each_once(customers: Sequence[CustomerName], field: str) -> None:
    """Refuse a batch that names a customer twice: its items are told apart by their customers."""
    first: dict[CustomerName, int] = {}
    twice = [
        FieldViolation(field.format(index), f"names the same customer as item {before}")
        for index, customer in enumerate(customers)
        if (before := first.setdefault(customer, index)) != index
    ]
    if twice:
        raise InvalidRequest(*twice)


def _rep(text: str, tenant: str) -> RepName:
    """The rep that is named, or the caller."""
    if not text:
        caller = current().principal.rep
        if caller is None:
            raise InvalidRequest(FieldViolation("rep", "say for whom: you are no rep yourself"))
        return RepName(tenant, caller)
    rep = RepName.parse(text, "rep")
    same_tenant(tenant, rep, "rep")
    return rep


def _pool(text: str, tenant: str) -> str:
    """The id of the pool that is named, or ""."""
    pool = PoolName.parse_optional(text, "pool")
    if pool is None:
        return ""
    same_tenant(tenant, pool, "pool")
    return pool.id
