"""The RPCs that look up and explain."""

# ruff: noqa: N802 - methods are named as the contract names them
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gonghai.pool.v1 import pool_service_pb2 as pb
from gonghai.pool.v1 import pool_service_pb2_grpc as pb_grpc
from gonghai_chassis.context import current
from gonghai_chassis.filters import EQUALITY, Field, Kind, parse_filter, parse_order
from gonghai_chassis.instants import set_instant
from gonghai_chassis.names import (
    CustodyName,
    CustomerName,
    ExtensionName,
    PoolName,
    RepName,
    TeamName,
    TenantName,
    same_tenant,
)
from gonghai_chassis.page_tokens import page_place, page_size, page_token
from gonghai_policy_service.decisions import decision_message
from gonghai_policy_service.reasons import in_language
from gonghai_pool.commands.look_up import Seen
from gonghai_pool.custody import Holder, HolderKind
from gonghai_pool.messages import (
    extension_message,
    history_message,
    mask_entry,
    mask_extension,
)
from gonghai_pool.servicers.answers import seen_custody
from gonghai_pool.servicers.circumstances import order_of
from gonghai_pool.store.custodies import Place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from google.protobuf.message import Message

    from gonghai.pool.v1 import custody_pb2
    from gonghai_chassis.watching import WatchServer
    from gonghai_pool.commands.explain import ExplainCustody
    from gonghai_pool.commands.look_up import LookUp

_FILTER: Final = {
    "tier": Field(Kind.STRING, EQUALITY),
    "stage": Field(Kind.STRING, EQUALITY),
    "region": Field(Kind.STRING, EQUALITY),
}
_ORDERS: Final = {"enter_time", "tier"}


class LookUpRpcs(pb_grpc.PoolServiceServicer):
    """Reads; what the caller may not see of an owner is left out."""

    _look_up: LookUp
    _explain: ExplainCustody
    _watching: WatchServer

    async def GetCustody(
        self,
        request: pb.GetCustodyRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> custody_pb2.Custody:
        """Get who has a customer."""
        name = CustodyName.parse(request.name)
        seen = await self._look_up.custody(name.parent, order_of(request))
        return seen_custody(name.tenant, seen, current().language)

    async def ListPoolCustomers(
        self,
        request: pb.ListPoolCustomersRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> pb.ListPoolCustomersResponse:
        """List the customers in a pool."""
        pool = PoolName.parse(request.parent, "parent")
        terms = parse_filter(request.filter, _FILTER)
        orders = parse_order(request.order_by, allowed=_ORDERS)
        by_rank = bool(orders) and orders[0].field == "tier"
        page = await self._look_up.in_pool(
            pool,
            terms,
            _place(request),
            page_size(request),
            order_of(request),
            by_rank=by_rank,
            descending=bool(orders) and orders[0].descending,
        )
        language = current().language
        answer = pb.ListPoolCustomersResponse(
            custodies=[seen_custody(pool.tenant, seen, language) for seen in page.seen]
        )
        if page.next is not None:
            answer.next_page_token = page_token(request, [page.next.score, page.next.member])
        return answer

    async def ListHoldings(
        self,
        request: pb.ListHoldingsRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> pb.ListHoldingsResponse:
        """List what somebody holds."""
        tenant, holder = _parent(request.parent)
        page = await self._look_up.holdings(
            tenant,
            holder,
            parse_filter(request.filter, _FILTER),
            _place(request),
            page_size(request),
            order_of(request),
        )
        language = current().language
        answer = pb.ListHoldingsResponse(
            custodies=[seen_custody(tenant, seen, language) for seen in page.seen]
        )
        if page.next is not None:
            answer.next_page_token = page_token(request, [page.next.score, page.next.member])
        return answer

    async def ListCustodyHistory(
        self,
        request: pb.ListCustodyHistoryRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> pb.ListCustodyHistoryResponse:
        """List what happened to a customer's custody, newest first."""
        customer = CustomerName.parse(request.parent, "parent")
        place = page_place(request, int)
        entries, following, seen = await self._look_up.history(
            customer, place[0] if place else None, page_size(request), order_of(request)
        )
        answer = pb.ListCustodyHistoryResponse()
        for entry in entries:
            message = history_message(customer.tenant, entry, current().language)
            mask_entry(message, seen.concealed)
            if not seen.owner:
                for field in ("holder", "former_holder", "actor", "reason", "decision"):
                    message.ClearField(field)
            answer.entries.append(message)
        if following:
            answer.next_page_token = page_token(request, [following])
        return answer

    async def ExplainCustody(
        self,
        request: pb.ExplainCustodyRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> pb.ExplainCustodyResponse:
        """Explain whether a rep may claim a customer, and when it will be reclaimed."""
        customer = CustomerName.parse(request.customer, "customer")
        rep = RepName.parse_optional(request.rep, "rep")
        if rep is not None:
            same_tenant(customer.tenant, rep, "rep")
        explained = await self._explain(customer, rep, order_of(request))
        concealed = explained.concealed
        language = current().language
        answer = pb.ExplainCustodyResponse(
            custody=seen_custody(
                customer.tenant, Seen(explained.custody, explained.owner, concealed), language
            ),
            claimable=explained.found is not None and not explained.found,
            reclaim_summary=in_language(explained.summary, language),
            reset_by=explained.reset_by,
            extended_by=explained.extended_by,
            waits_for=in_language(explained.waits_for, language),
        )
        for one in explained.extensions:
            name = ExtensionName(customer.tenant, customer.id, one.id)
            asked = extension_message(name, one, language)
            mask_extension(asked, concealed)
            answer.extensions.append(asked)
        for obstacle in explained.found or ():
            told = answer.obstacles.add(
                reason=obstacle.reason.value,
                rule=obstacle.rule,
                message=in_language(obstacle.message, language),
            )
            if obstacle.until is not None:
                set_instant(told.until, obstacle.until)
        if explained.claim is not None:
            answer.claim_decision.CopyFrom(decision_message(explained.claim.decision, language))
            concealed.mask(answer.claim_decision)
            answer.claim_conditions.extend(concealed.conditions(explained.claim))
        if explained.reclaim is not None:
            answer.reclaim_decision.CopyFrom(decision_message(explained.reclaim.decision, language))
            concealed.mask(answer.reclaim_decision)
            answer.reclaim_conditions.extend(concealed.conditions(explained.reclaim))
        return answer

    async def Watch(
        self,
        request: pb.WatchRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> AsyncIterator[pb.WatchResponse]:
        """Stream changes from a cursor on."""
        async for message in self._watching.watch(request):
            yield message

    async def ExportSnapshot(
        self,
        request: pb.ExportSnapshotRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> AsyncIterator[pb.ExportSnapshotResponse]:
        """Stream the present state."""
        async for message in self._watching.export(request):
            yield message


def _parent(text: str) -> tuple[str, Holder | None]:
    if "/reps/" in text:
        rep = RepName.parse(text, "parent")
        return rep.tenant, Holder.rep(rep.id)
    if "/teams/" in text:
        team = TeamName.parse(text, "parent")
        return team.tenant, Holder(HolderKind.TEAM, team.id)
    return TenantName.parse(text, "parent").tenant, None


def _place(request: Message) -> Place | None:
    place = page_place(request, int, str)
    return Place(place[1], place[0]) if place else None
