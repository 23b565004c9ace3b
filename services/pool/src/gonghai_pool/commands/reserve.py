"""A place is kept for a rep: for a customer who is being created with an owner, or for an offer."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gonghai_chassis.errors import EtagMismatch, NotFound, Reason
from gonghai_pool.alterations import altered
from gonghai_pool.commands.requirements import no_room, require, unfit
from gonghai_pool.custody import Change, Custody, Holder, Purpose, Reservation, State
from gonghai_pool.deciding import settled
from gonghai_pool.obstacles import holding_limit
from gonghai_pool.policies import claim_question, verdict_of, weight_of
from gonghai_pool.store.custodies import RESERVE, Changed
from gonghai_pool.transitions import reserved

if TYPE_CHECKING:
    from gonghai_chassis.names import CustomerName, RepName
    from gonghai_pool.commands.order import Order
    from gonghai_pool.ground import Ground
    from gonghai_pool.policies import Policies
    from gonghai_pool.store.custodies import CustodyStore

_MINUTE: Final = 60_000_000
DEFAULT_TTL: Final = 10 * _MINUTE
"""µs that a place is kept when the caller does not say."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """What is kept for whom, what for, and for how long (µs); `term` None for any."""

    customer: CustomerName
    rep: RepName
    purpose: Purpose
    ttl: int = DEFAULT_TTL
    term: int | None = None


class ReserveCustody:
    """Keeps a place, which counts against the rep's holding limit."""

    def __init__(self, custodies: CustodyStore, policies: Policies) -> None:
        """Take what it reads and asks."""
        self._custodies = custodies
        self._policies = policies

    async def __call__(self, reserve: Reserve, order: Order) -> Changed:
        """Reserve. A place that is kept for the same rep and purpose is kept longer.

        Raises:
            NotFound: there is no such customer to offer.
            EtagMismatch: the custody is not the one that the choice was based on.
            PreconditionFailed: it is not free, or the rep does not work.
            LimitReached: the rep may hold no more.
            Contention: it moved too often while deciding.
        """
        return await settled(lambda: self._attempt(reserve, order), reserve.customer)

    async def _attempt(self, reserve: Reserve, order: Order) -> Changed:
        customer, rep = reserve.customer, reserve.rep
        situation = await self._custodies.situation(customer.tenant, customer.id, order.deadline)
        custody, ground = situation.custody, situation.ground
        answered = await self._custodies.recall(customer.tenant, order.request, order.deadline)
        if answered is not None and _stands(custody, answered.custody):
            return answered
        seen = custody.term if custody is not None else 0
        if reserve.term is not None and reserve.term != seen:
            raise EtagMismatch(customer)
        self._require(reserve, custody, ground)
        base = custody or Custody(customer.id, 0, State.OUT, ground.now, Change.RESERVED)
        (claim,) = await self._policies.decide([claim_question(ground, base, rep.id)])
        verdict = verdict_of(claim)
        token = _kept_token(reserve, custody) or secrets.token_hex(16)
        kept = Reservation(token, rep.id, ground.now + reserve.ttl, reserve.purpose)
        weight = weight_of(ground, base, verdict.limits if verdict is not None else None)
        outcome = await self._custodies.give(
            RESERVE,
            altered(
                situation, reserved(custody, customer.id, kept, ground.now, weight), order.actor
            ),
            limit=holding_limit(ground, rep.id, verdict),
            request=order.request,
            # What the same request kept before has ended: a dead token helps nobody.
            anew=answered is not None,
            deadline=order.deadline,
        )
        if isinstance(outcome, Changed):
            return outcome
        raise no_room(customer.tenant, Holder.rep(rep.id), outcome, order.viewer.language)

    @staticmethod
    def _require(reserve: Reserve, custody: Custody | None, ground: Ground) -> None:
        customer = reserve.customer
        offered = reserve.purpose is Purpose.OFFER
        if custody is None and offered:
            raise NotFound(customer)
        further = unfit(customer.tenant, ground.setup, Holder.rep(reserve.rep.id), given=offered)
        state = State.IN_POOL if offered else State.OUT
        known = custody or Custody(customer.id, 0, State.OUT, ground.now, Change.RESERVED)
        states = [state]
        if _kept_token(reserve, custody):
            states.append(State.RESERVED)
        if not offered and known.facts is not None:
            # It exists: nobody can be its first owner any more.
            states.remove(State.OUT)
        require(
            customer,
            known,
            states=states,
            reason=Reason.CUSTOMER_NOT_IN_POOL if offered else Reason.WRONG_STATE,
            further=further,
        )


def _stands(custody: Custody | None, before: Custody) -> bool:
    """Whether the reservation that a repeated request got is there still."""
    kept = custody.reservation if custody is not None else None
    return (
        kept is not None
        and before.reservation is not None
        and kept.token == before.reservation.token
    )


def _kept_token(reserve: Reserve, custody: Custody | None) -> str:
    """The token of the place that is kept for this rep and purpose already, or ""."""
    kept = custody.reservation if custody is not None else None
    if kept is None or (kept.rep, kept.purpose) != (reserve.rep.id, reserve.purpose):
        return ""
    return kept.token
