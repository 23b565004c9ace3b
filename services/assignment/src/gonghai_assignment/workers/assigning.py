"""Carrying choices out: the calls to pool, until each is answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai_assignment.calls import Call, Verdict
from gonghai_chassis.errors import PeerRefused, Reason

if TYPE_CHECKING:
    from gonghai_assignment.calls import Answer, PoolCalls
    from gonghai_assignment.roster import Rosters
    from gonghai_assignment.routing import Router
    from gonghai_assignment.store.routing import RoutingStore
    from gonghai_chassis.intents import Intent


@dataclass(frozen=True, slots=True)
class Assigning:
    """Carries out the intents of a partition."""

    calls: PoolCalls
    routings: RoutingStore
    rosters: Rosters
    router: Router

    async def carry_out(self, intent: Intent) -> bool:
        """Call pool, and note the answer; raises while there is none.

        That pool agreed need not be noted: its event says so, and removes the intent, but where a
        caller waits for the answer.

        Returns:
            Whether the intent is removed, or will be.

        Raises:
            PeerUnavailable: the outcome is unknown.
            PeerRefused: a refusal that settles nothing.
            StoreUnavailable: the answer could not be noted.
        """
        call = Call.of(intent.id, intent.payload)
        answer = await self._answer(intent, call)
        if answer is None:
            return False
        if answer.verdict is Verdict.ASSIGNED and not call.request[0]:
            return True
        settled = await self.routings.settle(
            call.customer.tenant,
            call.customer.id,
            (intent.seq, intent.id),
            assigned_term=answer.term if answer.verdict is Verdict.ASSIGNED else None,
            again=answer.verdict is Verdict.REP_REFUSED,
            full=answer.rep_is_full,
            reason=answer.refusal.message if answer.refusal is not None else "",
            request=call.request,
        )
        if settled.loads is not None:
            self.rosters.learn(call.customer.tenant, settled.loads)
        if settled.full is not None and settled.rep is not None:
            self.rosters.filled(call.customer.tenant, settled.rep, settled.full)
        if answer.verdict is not Verdict.ASSIGNED:
            self.router.wake()
        return True

    async def _answer(self, intent: Intent, call: Call) -> Answer | None:
        """Pool's answer; None when the routing is over by what pool's events said meanwhile."""
        try:
            return await self.calls.assign(call)
        except PeerRefused as refused:
            if refused.reason != Reason.CONTENTION:
                raise
            entry = await self.routings.entry(call.customer.tenant, call.customer.id)
            routing = entry.routing
            if routing is not None and (routing.seq, routing.intent) == (intent.seq, intent.id):
                raise
            return None
