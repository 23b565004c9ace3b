"""Making, reading, changing, listing and importing customers."""

# ruff: noqa: N802 - methods are named as in the contract
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai.archive.v1 import customer_pb2
from gonghai_archive.commands.create import CreateCustomer, NewCustomer
from gonghai_archive.listing import Entries, page_of
from gonghai_archive.messages import profile_from, profile_message, rep_id
from gonghai_archive.servicers.reach import Guard, actor, request_of
from gonghai_archive.store.customers import Selection
from gonghai_chassis.context import current
from gonghai_chassis.errors import (
    FieldViolation,
    InvalidRequest,
    NotAllowed,
    NotFound,
    Reason,
    Refusal,
)
from gonghai_chassis.etags import expected_version
from gonghai_chassis.field_masks import apply_update, strip_output_only
from gonghai_chassis.filters import Field, Kind, Term, parse_filter, parse_order
from gonghai_chassis.names import CustomerName, TenantName, check_id, same_tenant
from gonghai_chassis.page_tokens import page_place, page_size, page_token
from gonghai_chassis.statuses import status_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from gonghai_archive.commands.evaluate import EvaluateCustomer
    from gonghai_archive.commands.import_customers import ImportCustomers, Outcome
    from gonghai_archive.commands.update import UpdateCustomer
    from gonghai_archive.customers import Customer, Request
    from gonghai_archive.presenting import Presenter
    from gonghai_archive.profiles import Profile
    from gonghai_archive.store.customers import CustomerStore, Place

FILTER: Final = {
    "tier": Field(Kind.STRING),
    "stage": Field(Kind.STRING),
    "industry": Field(Kind.STRING),
    "region": Field(Kind.STRING),
    "owner": Field(Kind.STRING),
    "pool": Field(Kind.STRING),
    "tag": Field(Kind.STRING, ops=("=", "!=", ":")),
    "source": Field(Kind.STRING),
    "buys_often": Field(Kind.STRING, ops=("=", "!=", ":")),
}
"""What a list of customers may be filtered by; each has an index."""

_PATHS: Final = {
    "tier": "tier.tier",
    "stage": "stage.stage",
    "industry": "industry",
    "region": "region",
    "owner": "custody.owner",
    "pool": "custody.pool",
    "tag": "tags",
    "source": "source",
    "buys_often": "buys_often",
}
"""The field of a customer that each part of a filter looks at."""

_SCAN: Final = 5000
"""How many entries of an index one step of a page looks at, at the most."""


@dataclass(frozen=True, slots=True)
class Customers:
    """The RPCs about customers' records."""

    create: CreateCustomer
    update: UpdateCustomer
    evaluate: EvaluateCustomer
    imports: ImportCustomers
    store: CustomerStore
    presenter: Presenter
    guard: Guard

    async def CreateCustomer(self, request: pb.CreateCustomerRequest) -> customer_pb2.Customer:
        """Make a customer."""
        call = current()
        tenant = TenantName.parse(request.parent, "parent").tenant
        new = _new(tenant, request.customer_id, request.customer, request.owner)
        asked = request_of(request)
        try:
            if new.owner:
                await self.guard.over_rep(tenant, new.owner)
        except NotAllowed:
            made = await self.create.recalled(tenant, new, request=asked, deadline=call.deadline)
            if made is None:
                raise
            return await self.presenter.changed(made)
        customer = await self.create(
            tenant,
            new,
            actor=actor(),
            request=asked,
            validate_only=request.validate_only,
            deadline=call.deadline,
        )
        return await self.presenter.changed(customer, made=True)

    async def GetCustomer(self, request: pb.GetCustomerRequest) -> customer_pb2.Customer:
        """Get a customer."""
        name = CustomerName.parse(request.name)
        return await self.presenter.customer(name, token=request.consistency_token)

    async def BatchGetCustomers(
        self, request: pb.BatchGetCustomersRequest
    ) -> pb.BatchGetCustomersResponse:
        """Get several customers, all or none."""
        tenant = TenantName.parse(request.parent, "parent").tenant
        names = []
        for place, each in enumerate(request.names):
            name = CustomerName.parse(each, f"names[{place}]")
            same_tenant(tenant, name, f"names[{place}]")
            names.append(name)
        found = await self.presenter.customers(tenant, [name.id for name in names])
        answer = []
        for name, message in zip(names, found, strict=True):
            if message is None:
                raise NotFound(name)
            answer.append(message)
        return pb.BatchGetCustomersResponse(customers=answer)

    async def UpdateCustomer(self, request: pb.UpdateCustomerRequest) -> customer_pb2.Customer:
        """Change a customer."""
        name = CustomerName.parse(request.customer.name, "customer.name")
        asked = request_of(request)
        before = await self._before_it_was_lost(name, asked)
        if before is not None:
            return await self.presenter.changed(before)

        def change(profile: Profile) -> Profile:
            message = apply_update(
                profile_message(profile, name.tenant),
                request.customer,
                request.update_mask,
                prefix="customer",
            )
            return profile_from(message, name.tenant)

        customer = await self.update(
            name,
            change,
            expected=expected_version(request.customer.etag, name),
            actor=actor(),
            request=asked,
            validate_only=request.validate_only,
            deadline=current().deadline,
        )
        return await self.presenter.changed(customer)

    async def ListCustomers(self, request: pb.ListCustomersRequest) -> pb.ListCustomersResponse:
        """List customers, a page at a time."""
        tenant = TenantName.parse(request.parent, "parent").tenant
        terms = parse_filter(request.filter, FILTER)
        selection = await self._selection(tenant, request, terms)
        asked = {_PATHS[term.field] for term in terms}
        if selection.by_rank:
            asked.add(_PATHS["tier"])

        async def look(place: Place | None, limit: int) -> Entries[str]:
            page = await self.store.select(
                tenant,
                selection,
                place=place,
                limit=limit,
                scan=_SCAN,
                deadline=current().deadline,
            )
            return Entries(
                list(zip(page.places, page.ids, strict=True)), page.place, page.looked_at
            )

        place = page_place(request, int, str)
        page = await page_of(
            page_size(request),
            None if place is None else (place[0], place[1]),
            look,
            lambda ids: self.presenter.listed(tenant, ids, asked=asked),
        )
        return pb.ListCustomersResponse(
            customers=page.messages,
            incomplete=page.incomplete,
            next_page_token=page_token(request, list(page.place)) if page.place else "",
        )

    async def EvaluateCustomer(
        self, request: pb.EvaluateCustomerRequest
    ) -> pb.EvaluateCustomerResponse:
        """Decide on a customer now."""
        name = CustomerName.parse(request.name)
        asked = request_of(request)
        before = await self._before_it_was_lost(name, asked)
        if before is not None:
            # What each condition rests on is for who works on the customer now.
            return pb.EvaluateCustomerResponse(customer=await self.presenter.changed(before))
        evaluated = await self.evaluate(
            name, actor=actor(), request=asked, deadline=current().deadline
        )
        return pb.EvaluateCustomerResponse(
            customer=await self.presenter.changed(evaluated.customer),
            tier_conditions=await self.presenter.conditions(evaluated.customer, evaluated.tier),
            stage_conditions=await self.presenter.conditions(evaluated.customer, evaluated.stage),
        )

    async def ImportCustomers(
        self, requests: AsyncIterator[pb.ImportCustomersRequest]
    ) -> AsyncIterator[pb.ImportCustomersResponse]:
        """Make customers from rows, a part at a time."""
        async for request in requests:
            tenant = TenantName.parse(request.parent, "parent").tenant
            results = [pb.ImportResult(row=row.row) for row in request.rows]
            news: list[NewCustomer] = []
            places: list[int] = []
            for place, row in enumerate(request.rows):
                try:
                    new = _new(tenant, row.customer_id, row.customer, row.owner)
                except Refusal as refusal:
                    results[place].status.CopyFrom(status_of(refusal))
                    continue
                news.append(new)
                places.append(place)
            outcomes = await self.imports(tenant, news, actor=actor(), deadline=current().deadline)
            for place, outcome in zip(places, outcomes, strict=True):
                _report(results[place], outcome)
            yield pb.ImportCustomersResponse(results=results)

    async def _before_it_was_lost(self, name: CustomerName, request: Request) -> Customer | None:
        """Check that the caller may change a customer, or return what he did by this very call.

        A call whose answer got lost is repeated, perhaps when somebody else has the customer; what
        he was told then he hears again, as far as he may see it now.

        Raises:
            NotFound: there is no such customer, or not for him.
            NotAllowed: he neither works on it nor manages who does.
        """
        try:
            await self.guard.over_customer(name)
        except NotAllowed:
            before = await self.store.recalled(name, request, deadline=current().deadline)
            if before is None:
                raise
            return before
        return None

    async def _selection(
        self, tenant: str, request: pb.ListCustomersRequest, terms: Sequence[Term]
    ) -> Selection:
        within: list[str] = []
        without: list[str] = []
        for term in terms:
            if term.field == "owner":
                await self.guard.over_holdings(tenant, _last(term))
            (without if term.op == "!=" else within).append(f"{term.field}:{_last(term)}")
        orders = parse_order(request.order_by, {"create_time", "tier"})
        if len(orders) > 1 or (orders and orders[0].field == "tier" and not orders[0].descending):
            raise InvalidRequest(
                FieldViolation("order_by", "must be create_time, create_time desc or tier desc"),
                reason=Reason.INVALID_FILTER,
                metadata={"order_by": request.order_by},
            )
        return Selection(
            tuple(within),
            tuple(without),
            by_rank=bool(orders) and orders[0].field == "tier",
            descending=not orders or orders[0].descending,
        )


def _last(term: Term) -> str:
    """The value of a term; of an owner or pool its id, named whole or by id alone."""
    value = str(term.value)
    return value.rpartition("/")[2] if term.field in {"owner", "pool"} else value


def _new(tenant: str, ident: str, message: customer_pb2.Customer, owner: str) -> NewCustomer:
    return NewCustomer(
        check_id(ident, "customer_id") if ident else "",
        profile_from(strip_output_only(message), tenant),
        rep_id(owner, tenant, "owner"),
    )


def _report(result: pb.ImportResult, outcome: Outcome) -> None:
    match outcome:
        case CustomerName():
            result.customer = str(outcome)
            # Present and empty: OK.
            result.status.SetInParent()
        case _:
            result.status.CopyFrom(status_of(outcome))
