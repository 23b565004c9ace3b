"""Suggesting, routing and explaining over gRPC."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from gonghai.assignment.v1 import assignment_service_pb2 as pb
from gonghai_assignment import access
from gonghai_assignment.candidates import excluded_messages, ranked_messages
from gonghai_assignment.customers import Outcome
from gonghai_chassis.context import current
from gonghai_chassis.errors import NotAllowed
from gonghai_chassis.instants import timestamp
from gonghai_chassis.names import CustomerName, RepName, same_tenant
from gonghai_chassis.principals import Reach, Role
from gonghai_policy_service.decisions import decision_message
from gonghai_policy_service.reasons import in_language

if TYPE_CHECKING:
    from gonghai_assignment.commands.explain_assignment import ExplainAssignment
    from gonghai_assignment.commands.route_customer import RouteCustomer
    from gonghai_assignment.commands.suggest_reps import SuggestReps
    from gonghai_assignment.store.staff import StaffStore
    from gonghai_chassis.context import RequestContext

_SUGGESTED = 10
_MOST_SUGGESTED = 100
_EXPLAINED = 10


@dataclass(frozen=True, slots=True)
class RoutingServicer:
    """Answers the methods about who gets a customer."""

    staff: StaffStore
    suggest: SuggestReps
    route: RouteCustomer
    explain: ExplainAssignment

    async def suggest_reps(self, request: pb.SuggestRepsRequest) -> pb.SuggestRepsResponse:
        """Say who suits a customer."""
        context = current()
        customer = CustomerName.parse(request.customer, "customer")
        within = await self._within(context, customer.tenant)
        choice = await self.suggest(customer, among=within, deadline=context.deadline)
        explained = choice.explained
        most = min(request.max_results or _SUGGESTED, _MOST_SUGGESTED)
        response = pb.SuggestRepsResponse(
            candidates=list(ranked_messages(customer.tenant, explained))[:most]
        )
        if request.include_excluded:
            response.excluded.extend(excluded_messages(customer.tenant, explained))
        if explained.decision is not None:
            response.needs.CopyFrom(
                decision_message(explained.decision, context.language, explained.kept_because)
            )
        return response

    async def route_customer(self, request: pb.RouteCustomerRequest) -> pb.RouteCustomerResponse:
        """Choose a rep for a customer and assign it to him."""
        context = current()
        customer = CustomerName.parse(request.customer, "customer")
        routed = await self.route(
            customer,
            among=await self._within(context, customer.tenant),
            validate_only=request.validate_only,
            request=(request.request_id, context.fingerprint(request)),
            deadline=context.deadline,
            language=context.language,
        )
        response = pb.RouteCustomerResponse(custody_term=routed.term)
        if routed.rep is not None:
            response.rep = str(RepName(customer.tenant, routed.rep))
        if routed.explained is not None:
            reason = routed.explained.reason
            response.reason = in_language(reason, context.language)
            for candidate in ranked_messages(customer.tenant, routed.explained):
                if candidate.rep == response.rep:
                    response.choice.CopyFrom(candidate)
                    break
        return response

    async def explain_assignment(
        self, request: pb.ExplainAssignmentRequest
    ) -> pb.ExplainAssignmentResponse:
        """Say why a customer went to whom it went."""
        context = current()
        customer = CustomerName.parse(request.customer, "customer")
        tenant = customer.tenant
        asked = RepName.parse_optional(request.rep, "rep")
        if asked is not None:
            same_tenant(tenant, asked, "rep")
            context.require_rep(asked.id)
        elif context.reach is Reach.OWN:
            raise NotAllowed(context.method, "name yourself as the rep: you may ask about yourself")
        roster = await self.staff.roster(tenant, deadline=context.deadline)
        seen = access.reps_seen(context, roster.reps, roster.teams)
        routing, explained = await self.explain(
            customer,
            may_know=partial(access.may_know, context, roster.reps),
            deadline=context.deadline,
        )
        best = list(ranked_messages(tenant, explained))
        first, others = best[:_EXPLAINED], best[_EXPLAINED:]
        others += excluded_messages(tenant, explained)
        shown = first + [each for each in others if asked and each.rep == str(asked)]
        reason = in_language(explained.reason, context.language)
        response = pb.ExplainAssignmentResponse(
            customer=str(customer),
            parked=routing.outcome is Outcome.PARKED,
            reason=reason,
            candidates=[
                each for each in shown if seen is None or RepName.parse(each.rep).id in seen
            ],
            exclusions=explained.causes,
            decide_time=timestamp(routing.at),
            custody_term=routing.term,
        )
        given = routing.rep is not None and routing.outcome in {Outcome.PENDING, Outcome.ASSIGNED}
        if given and routing.rep is not None:
            response.rep = str(RepName(tenant, routing.rep))
        if explained.decision is not None:
            response.needs.CopyFrom(
                decision_message(explained.decision, context.language, explained.kept_because)
            )
        if seen is not None:
            _mask(response, routing.rep, seen, manages=Role.MANAGER in context.principal.roles)
        return response

    async def _within(self, context: RequestContext, tenant: str) -> frozenset[str] | None:
        if context.reach >= Reach.TENANT:
            return None
        roster = await self.staff.roster(tenant, deadline=context.deadline)
        return access.reps_within(context, roster.reps, roster.teams)


def _mask(
    response: pb.ExplainAssignmentResponse,
    chosen: str | None,
    seen: frozenset[str],
    *,
    manages: bool,
) -> None:
    """Clear who was chosen and what that shows of him and of the customer, where he is not seen.

    Of a customer for whom nobody was found, managers alone see the facts.
    """
    if chosen in seen or (chosen is None and manages):
        return
    if chosen is not None:
        response.ClearField("rep")
        response.ClearField("reason")  # it names him
    response.needs.ClearField("facts")
    response.needs.ClearField("reason")  # it has them filled in
