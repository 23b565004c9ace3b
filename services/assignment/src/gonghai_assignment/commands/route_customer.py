"""Choosing a rep for a customer on demand, and assigning it to him."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai_assignment.calls import Verdict, call_for
from gonghai_assignment.choosing import Bounds, cause_name
from gonghai_assignment.customers import CustodyState, Outcome
from gonghai_assignment.explanations import explanation_of
from gonghai_chassis.errors import (
    Contention,
    NotFound,
    PreconditionFailed,
    PreconditionViolation,
    Reason,
    RequestIdReused,
    WrongState,
)
from gonghai_plugin import Text
from gonghai_policy_service.reasons import in_language

if TYPE_CHECKING:
    from gonghai_assignment.calls import PoolCalls
    from gonghai_assignment.choosing import Choice, Chooser
    from gonghai_assignment.customers import Entry, Routing
    from gonghai_assignment.explanations import Explained
    from gonghai_assignment.roster import Rosters
    from gonghai_assignment.routing import TakingIn
    from gonghai_assignment.store.routing import RoutingStore
    from gonghai_chassis.names import CustomerName
    from gonghai_chassis.store import Store
    from gonghai_policy_service.book import PolicyBook

_LAUNCHES = 20


@dataclass(frozen=True, slots=True)
class RoutedCustomer:
    """The answer.

    Attributes:
        rep: id of the rep who has it now; None when a team or self-service has it.
        term: the custody's, that the assignment made; 0 when it was only tried.
        explained: who was considered; None when that is not kept any more.
    """

    rep: str | None
    term: int
    explained: Explained | None


@dataclass(frozen=True, slots=True)
class RouteCustomer:
    """Chooses, stores the choice with the call that follows from it, and makes the call.

    Whoever dies in between leaves the call as an intent, and the worker of the partition makes it;
    the same request then meets its own routing.
    """

    store: Store
    routings: RoutingStore
    rosters: Rosters
    chooser: Chooser
    book: PolicyBook
    taking: TakingIn
    calls: PoolCalls

    async def __call__(
        self,
        customer: CustomerName,
        *,
        among: frozenset[str] | None,
        validate_only: bool,
        request: tuple[str, str],
        deadline: float | None,
        language: str = "en",
    ) -> RoutedCustomer:
        """Route a customer.

        Args:
            customer: one in a pool.
            among: the only reps to consider; None: all.
            validate_only: say what would be, and change nothing.
            request: request id and fingerprint of the call.
            deadline: in seconds of `time.monotonic`.
            language: `en` or `zh`: of the refusal when nobody is eligible.

        Raises:
            WrongState: it is in no pool, locked or disputed.
            PreconditionFailed: nobody is eligible.
            Contention: what it rests on moved too often.
            PeerUnavailable: pool did not answer; the call will be made all the same.
        """
        tenant = customer.tenant
        if request[1] and not validate_only:
            settled = await self.routings.recall(tenant, request, deadline=deadline)
            if settled is not None:
                explained = explanation_of(settled.detail) if settled.detail else None
                return RoutedCustomer(settled.rep, settled.term, explained)
        tried: tuple[str, ...] = ()
        for _ in range(_LAUNCHES):
            entry = await self.routings.entry(tenant, customer.id, deadline=deadline)
            await self.book.ensure(tenant, entry.policy, deadline=deadline)
            routing = None if validate_only else _under_way(entry, request)
            if routing is None:
                _check_open(customer, entry)
                _check_not_given(customer, entry)
                roster = await self.rosters.read(tenant, deadline=deadline)
                choice = await self.chooser.choose(
                    entry,
                    roster,
                    now=self.store.clock.now(self.store.partition(tenant)),
                    bounds=Bounds(tried=frozenset(tried), among=among),
                )
                if choice.nobody:
                    raise _nobody(customer, choice, language)
                if validate_only:
                    return RoutedCustomer(choice.rep, 0, choice.explained)
                routed, routing = await self.taking.take(
                    choice, roster, asked=True, tried=tried, request=request, deadline=deadline
                )
                if routed.status != "ok" or routing is None:
                    continue
            answer = await self._carry_out(customer, routing, request, deadline)
            if answer is not None:
                return answer
            if routing.rep is not None:
                tried = (*tried, routing.rep)
        raise Contention(customer)

    async def _carry_out(
        self,
        customer: CustomerName,
        routing: Routing,
        request: tuple[str, str],
        deadline: float | None,
    ) -> RoutedCustomer | None:
        """Make the call and note the answer; None when somebody else is to be tried."""
        explained = explanation_of(routing.detail)
        call = call_for(
            customer,
            routing,
            reason=explained.reason,
            rule=explained.decision.rule if explained.decision is not None else "",
        )
        answer = await self.calls.assign(call)
        settled = await self.routings.settle(
            customer.tenant,
            customer.id,
            (routing.seq, routing.intent),
            assigned_term=answer.term if answer.verdict is Verdict.ASSIGNED else None,
            again=answer.verdict is Verdict.REP_REFUSED,
            full=answer.rep_is_full,
            reason=answer.refusal.message if answer.refusal is not None else "",
            request=request,
            deadline=deadline,
        )
        if settled.loads is not None:
            self.rosters.learn(customer.tenant, settled.loads)
        if settled.full is not None and settled.rep is not None:
            self.rosters.filled(customer.tenant, settled.rep, settled.full)
        match answer.verdict:
            case Verdict.ASSIGNED:
                return RoutedCustomer(routing.rep, answer.term, explained)
            case Verdict.REP_REFUSED:
                return None
            case Verdict.ENTRY_CHANGED | Verdict.NEVER:
                if answer.refusal is None:
                    raise Contention(customer)
                raise answer.refusal


def _under_way(entry: Entry, request: tuple[str, str]) -> Routing | None:
    """The routing to carry on with: one that pool has not answered yet, or this request's own."""
    routing = entry.routing
    if routing is None:
        return None
    own = request[0] != "" and routing.request[0] == request[0]
    if own and routing.request[1] != request[1]:
        raise RequestIdReused(request[0])
    if own and routing.outcome in {Outcome.PENDING, Outcome.ASSIGNED}:
        return routing
    current = entry.custody is not None and entry.custody.term == routing.term
    return routing if current and routing.outcome is Outcome.PENDING else None


def _check_open(customer: CustomerName, entry: Entry) -> None:
    custody = entry.custody
    if custody is None:
        raise NotFound(customer)
    if custody.state is not CustodyState.POOL:
        state = str(custody.state).upper()
        raise WrongState(
            customer,
            state,
            "the customer is in no pool, so that it cannot be assigned",
            reason=Reason.CUSTOMER_NOT_IN_POOL,
            metadata={"customer": str(customer), "state": state},
        )
    if custody.blocked:
        raise WrongState(
            customer,
            "LOCKED",
            "the customer is locked or disputed; unlock it or have the dispute decided first",
            reason=Reason.CUSTOMER_LOCKED,
            metadata={"customer": str(customer)},
        )


def _check_not_given(customer: CustomerName, entry: Entry) -> None:
    """Pool has agreed already to give it to somebody; only its event is not here yet."""
    routing, custody = entry.routing, entry.custody
    if routing is None or custody is None:
        return
    if routing.outcome is Outcome.ASSIGNED and routing.term == custody.term:
        raise WrongState(
            customer,
            "HELD",
            "the customer has just been given to somebody, so that it cannot be assigned",
            reason=Reason.CUSTOMER_NOT_IN_POOL,
            metadata={"customer": str(customer), "state": "HELD"},
        )


def _nobody(customer: CustomerName, choice: Choice, language: str) -> PreconditionFailed:
    causes = choice.explained.causes
    why = in_language(choice.reason, language)
    return PreconditionFailed(
        Reason.NO_ELIGIBLE_REP,
        why,
        [
            PreconditionViolation(
                Reason.NO_ELIGIBLE_REP,
                str(customer),
                in_language(_counted(code, causes[code]), language),
            )
            for code in sorted(causes)
        ]
        or [PreconditionViolation(Reason.NO_ELIGIBLE_REP, str(customer), why)],
        metadata={"customer": str(customer)},
    )


def _counted(code: str, count: int) -> Text:
    name = cause_name(code)
    return Text(f"{name.en}: {count} reps", f"{name.zh}：{count} 名销售")
