"""Routing by itself: what enters a pool is given to the rep who suits it best, in order (C7, C9).

Everything that decides runs under one lock a partition, and in the order of pool's events, so that
the same events lead to the same choices, however long pool takes to agree to each.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from gonghai_assignment.calls import call_for
from gonghai_assignment.choosing import Bounds
from gonghai_assignment.customers import Outcome, Routing
from gonghai_assignment.events import routed_event
from gonghai_assignment.explanations import explanation_of, pack_explanation
from gonghai_assignment.store.routing import ASSIGN, Assignment
from gonghai_assignment.waits import never_frozen
from gonghai_chassis.intents import Intent
from gonghai_chassis.names import CustomerName
from gonghai_engine.document import PolicyDocumentError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gonghai_assignment.choosing import Choice, Chooser
    from gonghai_assignment.customers import Entry
    from gonghai_assignment.roster import Roster, Rosters
    from gonghai_assignment.store.routing import Routed, RoutingStore
    from gonghai_chassis.events import Step
    from gonghai_chassis.store import Partition
    from gonghai_policy_service.book import PolicyBook

_log = structlog.get_logger(__name__)

_PAGE = 100
_LAUNCHES = 20


class TakingIn:
    """Stores choices, with all that follows from one in the same step."""

    def __init__(
        self,
        store: RoutingStore,
        rosters: Rosters,
        offer: Callable[[Intent], None] = lambda _intent: None,
    ) -> None:
        """Take where they are stored, the rosters to move along, and who makes the calls."""
        self._store = store
        self._rosters = rosters
        self.offer = offer

    async def take(
        self,
        choice: Choice,
        roster: Roster,
        *,
        asked: bool = False,
        tried: tuple[str, ...] = (),
        request: tuple[str, str] = ("", ""),
        step: Step | None = None,
        deadline: float | None = None,
    ) -> tuple[Routed, Routing | None]:
        """Store a choice: the assignment and its call, that nobody was eligible, or that it stays.

        Args:
            choice: what was decided.
            roster: the reps that it was decided on.
            asked: a call asked for it; otherwise only what the policy wants assigned is.
            tried: reps whom pool refused before.
            request: request id and fingerprint of the call that asked for it.
            step: takes in the event, too, by which pool told of the customer for the first time.
            deadline: in seconds of `time.monotonic`.

        Returns:
            How it was taken in, and what was stored.
        """
        entry, versions = choice.entry, choice.versions
        tenant = entry.tenant
        if not choice.auto_assign and not asked:
            routed = await self._store.route(entry, versions, None, step=step, deadline=deadline)
            self._learn(tenant, routed)
            return routed, None
        customer = CustomerName(tenant, entry.customer)
        held_by_rep = choice.rep is not None and choice.team is None
        routing = Routing(
            term=versions.term,
            outcome=Outcome.PARKED if choice.nobody else Outcome.PENDING,
            rep=choice.rep if held_by_rep else None,
            team=choice.team,
            channel=choice.channel,
            weight=choice.weight,
            tried=tried,
            request=request,
            reason=choice.reason.en if choice.nobody else "",
            detail=pack_explanation(choice.explained),
        )
        event = routed_event(
            customer,
            versions.term,
            rep=choice.rep,
            parked=choice.nobody,
            reason=choice.reason,
            rule=choice.rule,
        )
        assignment = None
        if not choice.nobody:
            call = call_for(
                customer, routing, reason=choice.reason, rule=choice.rule, request=request
            )
            routing = replace(routing, intent=call.intent)
            turns = roster.turns(routing.rep)
            assignment = Assignment(call.intent, call.payload(), turns)
        routed = await self._store.route(
            entry,
            versions,
            routing,
            assignment=assignment,
            event=event,
            retry_at=choice.retry_at,
            step=step,
            deadline=deadline,
        )
        self._learn(tenant, routed)
        if assignment is not None and routed.status == "ok":
            if routing.rep is not None:
                self._rosters.turned(tenant, routing.rep, assignment.turns)
            self.offer(Intent(routed.seq, assignment.intent, ASSIGN, assignment.payload))
        return routed, replace(routing, seq=routed.seq)

    def _learn(self, tenant: str, routed: Routed) -> None:
        if routed.loads is not None:
            self._rosters.learn(tenant, routed.loads)


class Router:
    """Routes the customers of one partition; make one for each lease."""

    def __init__(
        self,
        now: Callable[[], int],
        partition: Partition,
        *,
        routings: RoutingStore,
        rosters: Rosters,
        chooser: Chooser,
        book: PolicyBook,
        frozen: Callable[[str, str], Awaitable[bool]] = never_frozen,
    ) -> None:
        """Take domain time (µs), the partition, and what routing rests on.

        `frozen` tells whether archive's events about a customer are in quarantine.
        """
        self._frozen = frozen
        self._now = now
        self._partition = partition
        self._routings = routings
        self._rosters = rosters
        self._chooser = chooser
        self._book = book
        self._taking = TakingIn(routings, rosters)
        self._woken = asyncio.Event()
        self._caught_up = False
        self._owing: set[tuple[str, str]] = set()
        self.lock = asyncio.Lock()
        """Held while an event is taken in and what it leads to is decided."""

    def offer_to(self, offer: Callable[[Intent], None]) -> None:
        """Tell who carries out the calls that follow from choices."""
        self._taking.offer = offer

    def wake(self) -> None:
        """Look at the queue: pool refused somebody, and the next best is to be tried."""
        self._woken.set()

    async def run(self, poll: float = 1.0) -> None:
        """Route what is put up again out of the order of events, until cancelled."""
        while True:
            self._woken.clear()
            async with self.lock:
                await self.drain()
            try:
                async with asyncio.timeout(poll):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def catch_up(self) -> None:
        """Route what a predecessor left, before the next event; call it with the lock held."""
        if not self._caught_up:
            await self.drain()
            self._caught_up = True

    async def drain(self) -> None:
        """Route all that waits, in order; call it with the lock held.

        Who waits for facts that pool had seen is passed over until they come; where they are in
        quarantine he is parked until then.
        """
        self._owing.clear()
        while waiting := await self._waiting():
            for tenant, customers in waiting.items():
                for entry in await self._routings.entries(tenant, customers):
                    if not _lacks_facts(entry):
                        await self.route(tenant, entry.customer, known=entry)
                    elif not await self._frozen(tenant, entry.customer) or not await self._park(
                        entry
                    ):
                        self._owing.add((tenant, entry.customer))

    async def _park(self, entry: Entry) -> bool:
        """Park a customer whose facts are in quarantine; False when that is to be tried again."""
        roster = await self._rosters.get(entry.tenant)
        await self._ensure(entry.tenant, roster.policy)
        choice = self._chooser.park(entry, roster, now=self._now())
        routed, _ = await self._taking.take(choice, roster)
        if routed.status == "moved":
            self._rosters.forget(entry.tenant)
        return routed.status != "moved"

    def facts_came(self, tenant: str, customer: str) -> None:
        """Archive's facts of a customer are stored."""
        if (tenant, customer) in self._owing:
            self.wake()

    async def _waiting(self) -> dict[str, list[str]]:
        """The first customers in the queue who need not wait for facts, by tenant."""
        queued = await self._routings.queued(self._partition, _PAGE + len(self._owing))
        waiting: dict[str, list[str]] = {}
        for tenant, customer in queued:
            if (tenant, customer) not in self._owing:
                waiting.setdefault(tenant, []).append(customer)
        return waiting

    async def enter(self, step: Step, entry: Entry) -> bool:
        """Take in that a customer whom nobody had entered a pool, and route it, in one step.

        Call it with the lock held.

        Returns:
            False when it is not as plain as that; nothing was done then.
        """
        roster = await self._rosters.get(entry.tenant)
        await self._ensure(entry.tenant, roster.policy)
        choice = await self._chooser.choose(entry, roster, now=self._now())
        routed, _ = await self._taking.take(choice, roster, step=step)
        if routed.status == "ok":
            return True
        self._rosters.forget(entry.tenant)
        return False

    async def route(
        self, tenant: str, customer: str, *, known: Entry | None = None, again: bool = False
    ) -> Choice | None:
        """Route one customer; call it with the lock held.

        Args:
            tenant: whose.
            customer: its id.
            known: what routing it rests on, where that is at hand.
            again: it was parked, and everybody is to be considered afresh.

        Returns:
            The choice taken in; None when there was nothing to choose any more.
        """
        entry = known
        roster: Roster | None = None
        for _ in range(_LAUNCHES):
            if entry is None:
                entry = await self._routings.entry(tenant, customer)
                await self._ensure(tenant, entry.policy)
            if roster is None:
                roster = await self._rosters.get(tenant)
                await self._ensure(tenant, roster.policy)
            if entry.custody is None:
                return None
            tried = _tried(entry, again=again)
            choice = await self._chooser.choose(
                entry,
                roster,
                now=self._now(),
                bounds=Bounds(tried=frozenset(tried)),
            )
            if again and _stays_parked(entry, choice):
                return choice
            routed, _ = await self._taking.take(choice, roster, tried=tried)
            if routed.status == "ok":
                return choice
            if routed.status != "moved":
                return None
            entry = None
            roster = None
            self._rosters.forget(tenant)
        _log.warning("routing_contended", tenant=tenant, customer=customer)
        return None

    async def retry(self, tenant: str) -> None:
        """Try all parked customers of a tenant again, in order; call it with the lock held."""
        # What made them worth trying may have happened in another process.
        self._rosters.forget(tenant)
        after: int | None = None
        moments: list[int] = []
        while page := await self._routings.parked(tenant, after, _PAGE):
            after = page[-1][1]
            entries = await self._routings.entries(tenant, [customer for customer, _ in page])
            for entry in entries:
                if _lacks_facts(entry) and await self._frozen(tenant, entry.customer):
                    continue
                choice = await self.route(tenant, entry.customer, known=entry, again=True)
                if choice is not None and choice.nobody and choice.retry_at is not None:
                    moments.append(choice.retry_at)
        roster = await self._rosters.get(tenant)
        await self._routings.finish_retry(
            tenant,
            roster=roster.version,
            loads=roster.loads_version,
            next_at=min(moments, default=None),
        )

    async def _ensure(self, tenant: str, policy: bytes | None) -> None:
        if policy is None:
            return
        try:
            await self._book.ensure(tenant, policy)
        except PolicyDocumentError as error:
            # Archive took it and this service cannot read it: what was in force goes on.
            _log.error("policy_unreadable", tenant=tenant, error=str(error))


def _lacks_facts(entry: Entry) -> bool:
    """Whether pool had seen facts of the customer that have not come here yet."""
    custody = entry.custody
    return custody is not None and entry.facts.version < custody.archive_version


def _stays_parked(entry: Entry, choice: Choice) -> bool:
    """Whether nothing is new about a customer who is parked: nothing is to be stored then."""
    routing = entry.routing
    if routing is None or not choice.nobody or not choice.auto_assign:
        return False
    same = (
        routing.outcome is Outcome.PARKED
        and routing.term == choice.versions.term
        and routing.reason == choice.reason.en
    )
    if not same:
        return False
    before, now = explanation_of(routing.detail).decision, choice.decision
    if before is None or now is None:
        return before is now
    return before.order == now.order


def _tried(entry: Entry, *, again: bool) -> tuple[str, ...]:
    routing = entry.routing
    if again or routing is None or entry.custody is None:
        return ()
    return routing.tried if routing.term == entry.custody.term else ()
