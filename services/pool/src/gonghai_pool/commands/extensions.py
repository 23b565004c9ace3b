"""More time for a holding (延期申请): asked for by its holder, decided by rule or by a manager."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from gonghai_chassis.errors import (
    EtagMismatch,
    FieldViolation,
    InvalidRequest,
    NotFound,
    Reason,
    RequestIdReused,
    WrongState,
)
from gonghai_chassis.ids import new_id
from gonghai_chassis.names import ExtensionName
from gonghai_plugin import Text
from gonghai_policy_service.reasons import verbatim
from gonghai_pool.alterations import Beside, altered
from gonghai_pool.commands.requirements import require
from gonghai_pool.custody import Change, Custody, Extension, ExtensionState, State
from gonghai_pool.deciding import settled
from gonghai_pool.extension_rule import days_left, has_rule, ruled
from gonghai_pool.policies import extension_question, held_questions, keep
from gonghai_pool.store.custodies import EXTEND, Changed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_chassis.names import CustomerName
    from gonghai_pool.commands.order import Order
    from gonghai_pool.ground import Situation
    from gonghai_pool.policies import Policies
    from gonghai_pool.store.custodies import CustodyStore

MOST: Final = 20
"""Requests of one custody that were granted, or that wait. A denied one uses up nothing."""
MOST_DENIED: Final = 10
"""Denied requests that a custody keeps, the last; its history has them all."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for."""

    customer: CustomerName
    days: int
    reason: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is decided about a request.

    Attributes:
        expected: version of the request that the caller saw; None for any.
    """

    name: ExtensionName
    approved: bool
    reason: str
    expected: int | None = None


class Extensions:
    """Keeps requests for more time with the holding; an approved one moves its due times."""

    def __init__(self, custodies: CustodyStore, policies: Policies) -> None:
        """Take what it reads and asks."""
        self._custodies = custodies
        self._policies = policies

    async def ask(self, wish: Wish, order: Order) -> Extension:
        """Ask for more time, and hear what the plugin's rule says, if it has one.

        Raises:
            NotFound: there is no such customer.
            NotAllowed: the holding is not the caller's.
            InvalidRequest: more than the policy lets anybody have.
            RequestIdReused: the custody knows another request of this id.
            PreconditionFailed: nobody holds it, or a request waits already.
            Contention: it moved too often while deciding.
        """
        customer = wish.customer
        ident = _id(order)
        changed = await settled(
            lambda: self._ask(wish, ident, order),
            customer,
            lambda: self._custodies.recall(customer.tenant, order.request, order.deadline),
        )
        return _of(changed.custody, ExtensionName(customer.tenant, customer.id, ident))

    async def decide(self, ruling: Ruling, order: Order) -> Extension:
        """Approve or deny it.

        Raises:
            NotFound: there is no such request; custody may have ended meanwhile.
            NotAllowed: he manages neither who holds it nor its pool.
            EtagMismatch: the request is not as the caller saw it.
            PreconditionFailed: it was decided already.
            Contention: it moved too often while deciding.
        """
        customer = ruling.name.parent
        changed = await settled(
            lambda: self._decide(ruling, order),
            customer,
            lambda: self._custodies.recall(customer.tenant, order.request, order.deadline),
        )
        return _of(changed.custody, ruling.name)

    async def _ask(self, wish: Wish, ident: str, order: Order) -> Changed:
        customer = wish.customer
        situation = await self._custodies.situation(customer.tenant, customer.id, order.deadline)
        ground = situation.ground
        custody = order.viewer.require_known(ground.setup, customer, situation.custody, ground.now)
        order.viewer.require_holder(ground.setup, custody.holder, custody.pool)
        known = _known(custody, ident)
        if known is not None:
            return await self._again(wish, custody, known, order)
        require(customer, custody, states=(State.HELD,), reason=Reason.CUSTOMER_NOT_HELD)
        if any(one.state is ExtensionState.PENDING for one in custody.extensions):
            raise WrongState(customer, "PENDING", "a request for more time waits already")
        if sum(one.state is not ExtensionState.DENIED for one in custody.extensions) >= MOST:
            raise WrongState(customer, "GRANTED", f"more time was granted {MOST} times already")
        plan = custody.plan
        if plan is None or plan.revision != ground.policy.revision or plan.frozen_because:
            # The rule answers on the clocks that the present policy gives, not on earlier ones.
            reclaim, claim = await self._policies.decide(held_questions(ground, custody))
            custody = keep(ground, custody, reclaim, claim)
        left = days_left(custody)
        if wish.days > left:
            message = f"at most {left} days more may be granted to this holding"
            raise InvalidRequest(FieldViolation("extension.days", message))
        holder = custody.holder
        asked = Extension(
            id=ident,
            state=ExtensionState.PENDING,
            days=wish.days,
            reason=wish.reason,
            rep=holder.id if holder is not None else "",
            created=ground.now,
        )
        if has_rule(ground, custody):
            question = extension_question(ground, custody, wish.days, left)
            (answer,) = await self._policies.decide([question])
            asked = ruled(asked, answer, ground.now)
        after = _with(custody, (*custody.extensions, asked))
        beside = Beside(Change.EXTENSION_CHANGED, _said(asked), asked.decision)
        return await self._take(situation, after, asked, beside, order)

    async def _again(self, wish: Wish, custody: Custody, known: Extension, order: Order) -> Changed:
        """Answer a repeat as before; when that is forgotten, with what the custody knows of it."""
        tenant = wish.customer.tenant
        answered = await self._custodies.recall(tenant, order.request, order.deadline)
        if answered is not None:
            return answered
        if (known.days, known.reason) != (wish.days, wish.reason):
            raise RequestIdReused(order.request.id)
        return Changed(custody)

    async def _decide(self, ruling: Ruling, order: Order) -> Changed:
        name = ruling.name
        customer = name.parent
        situation = await self._custodies.situation(customer.tenant, customer.id, order.deadline)
        custody, ground = situation.custody, situation.ground
        if custody is None:
            raise NotFound(name)
        order.viewer.require_holder(ground.setup, custody.holder, custody.pool)
        asked = _of(custody, name)
        if ruling.expected is not None and ruling.expected != asked.version:
            raise EtagMismatch(name)
        if asked.state is not ExtensionState.PENDING:
            raise WrongState(name, asked.state.name, "it was decided already")
        require(customer, custody, states=(State.HELD,), reason=Reason.CUSTOMER_NOT_HELD)
        decided = replace(
            asked,
            state=ExtensionState.APPROVED if ruling.approved else ExtensionState.DENIED,
            decided=ground.now,
            decider=(order.actor.principal, order.actor.on_behalf_of),
            decision_reason=ruling.reason,
            granted=asked.days if ruling.approved else 0,
        )
        after = _with(
            custody, tuple(decided if one is asked else one for one in custody.extensions)
        )
        beside = Beside(Change.EXTENSION_CHANGED, verbatim(ruling.reason))
        return await self._take(situation, after, decided, beside, order)

    async def _take(
        self, situation: Situation, after: Custody, changed: Extension, beside: Beside, order: Order
    ) -> Changed:
        """Take the step that keeps a request; one that was approved moves the due times with it."""
        if changed.state is ExtensionState.APPROVED:
            ground = situation.ground
            reclaim, claim = await self._policies.decide(held_questions(ground, after))
            after = keep(ground, after, reclaim, claim)
        return await self._custodies.put_back(
            EXTEND,
            altered(situation, after, order.actor, beside=beside),
            request=order.request,
            deadline=order.deadline,
        )


def _said(asked: Extension) -> Text:
    """What the history keeps of a request, in words: why it was asked for, and why it waits."""
    failed = asked.waits_because
    if failed is None:
        return verbatim(asked.reason)
    return Text(
        f"{asked.reason}; it waits for a manager, as its rule failed: {failed.en}",
        f"{asked.reason}；规则出错，待主管审批：{failed.zh}",
    )


def _of(custody: Custody, name: ExtensionName) -> Extension:
    found = _known(custody, name.id)
    if found is None:
        raise NotFound(name)
    return found


def _known(custody: Custody, ident: str) -> Extension | None:
    return next((one for one in custody.extensions if one.id == ident), None)


def _with(custody: Custody, extensions: Sequence[Extension]) -> Custody:
    """Return a custody with these requests, of the denied ones with the last."""
    denied = [one for one in extensions if one.state is ExtensionState.DENIED]
    dropped = denied[: max(0, len(denied) - MOST_DENIED)]
    return replace(
        custody,
        version=custody.version + 1,
        extensions=tuple(one for one in extensions if one not in dropped),
        denied_before=custody.denied_before + len(dropped),
    )


def _id(order: Order) -> str:
    """The id of a request: the same for each attempt of the same call."""
    if not order.request.id:
        return new_id()
    return blake2b(order.request.id.encode(), digest_size=16).hexdigest()
