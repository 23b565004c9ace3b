"""The course of a tenant's customers over a span, under a policy on trial.

It goes from moment to moment at which something may change: where windows slide, where something is
to happen. What decides and what is told are the living archive's own; only the store is left out.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from gonghai.archive.v1 import events_pb2
from gonghai_archive import events
from gonghai_archive.commands.deciding import AT_ONCE, Desk
from gonghai_archive.commands.record import NewActivity, Recording, admit
from gonghai_archive.customers import SYSTEM
from gonghai_archive.lines import KEPT
from gonghai_archive.policies import Assessor
from gonghai_archive.store.customers import told
from gonghai_chassis.errors import FieldViolation, InvalidRequest, NotFound, Refusal
from gonghai_chassis.instants import set_instant
from gonghai_chassis.names import CustomerName, TenantName

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence

    from gonghai_archive.activities import Activity
    from gonghai_archive.customers import Customer
    from gonghai_archive.store.customers import Change, CustomerStore
    from gonghai_policy_service import PolicyBook
    from gonghai_policy_service.trials import Trial

_TOLD_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when (µs, domain time); both moments belong to it."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Told:
    """What is told next, and how many customers of how many were looked at."""

    events: Sequence[events_pb2.Event]
    evaluated: int
    total: int


@dataclass(slots=True)
class _Tenant:
    """A tenant's customers on their way.

    Attributes:
        records: of each customer the record as it is by now; activities are read when needed.
        fresh: what happened to some of them since the start.
        due: when to decide again on whom, the next first. An entry that is not the record's own
            any more is passed over.
    """

    records: dict[str, Customer] = field(default_factory=dict)
    fresh: dict[str, list[Activity]] = field(default_factory=dict)
    due: list[tuple[int, str]] = field(default_factory=list)

    def keep(self, customer: Customer) -> None:
        self.records[customer.id] = customer
        at = customer.due_at
        if at is not None:
            heapq.heappush(self.due, (at, customer.id))

    def next_due(self) -> int | None:
        while self.due:
            at, ident = self.due[0]
            if self.records[ident].due_at == at:
                return at
            heapq.heappop(self.due)
        return None

    def take_due(self, until: int) -> list[str]:
        """Those that are due by a moment, in the order in which the living archive goes."""
        found: dict[str, None] = {}
        while (at := self.next_due()) is not None and at <= until:
            found[heapq.heappop(self.due)[1]] = None
        return list(found)


class SimulateCourse:
    """Works out what the archive would tell."""

    def __init__(self, customers: CustomerStore, book: PolicyBook) -> None:
        """Read customers from this store."""
        self._customers = customers
        self._book = book

    async def __call__(
        self,
        trial: Trial,
        span: Span,
        activities: Iterable[NewActivity],
        *,
        applied: bool,
    ) -> AsyncGenerator[Told, None]:
        """Yield what is told, in order of time; the first says how many customers there are.

        Args:
            trial: the tenant's policy on trial.
            span: what time is to pass.
            activities: what is to happen in it.
            applied: whether that policy is put in force at the start: all are decided on anew.

        Raises:
            InvalidRequest: an activity lies outside of the span.
            Refusal: an activity could not be recorded then.
        """
        course = _Course(self._customers, self._book, Assessor(trial), trial)
        happenings = _in_order(activities, span)
        ids = [each async for page in self._customers.each(trial.owner, AT_ONCE) for each in page]
        yield Told((), 0, len(ids))
        evaluated = 0
        for begin in range(0, len(ids), AT_ONCE):
            page = ids[begin : begin + AT_ONCE]
            evaluated += len(page)
            if applied:
                told_ = await course.assess(page, span.start)
            else:
                told_ = await course.know(page)
            yield Told(told_, evaluated, len(ids))
        tenant, place = course.tenant, 0
        while True:
            happens = happenings[place].activity.occurred if place < len(happenings) else None
            moments = [at for at in (tenant.next_due(), happens) if at is not None]
            now = max(min(moments, default=span.end + 1), span.start)
            if now > span.end:
                # Nothing may be told of the last on whom it could not be decided.
                yield Told((), evaluated, len(ids))
                return
            due = tenant.take_due(now)
            for begin in range(0, len(due), AT_ONCE):
                for part in _parts(await course.assess(due[begin : begin + AT_ONCE], now)):
                    yield Told(part, evaluated, len(ids))
            first = place
            while place < len(happenings) and happenings[place].activity.occurred == now:
                place += 1
            if place > first:
                for part in _parts(await course.record(happenings[first:place], now)):
                    yield Told(part, evaluated, len(ids))


class _Course:
    def __init__(
        self, customers: CustomerStore, book: PolicyBook, assessor: Assessor, trial: Trial
    ) -> None:
        self.tenant = _Tenant()
        self._customers = customers
        self._desk = Desk(customers, book, assessor, pays=False)
        self._trial = trial

    async def know(self, ids: Sequence[str]) -> list[events_pb2.Event]:
        """Learn of customers who go on as they are."""
        got = await self._customers.load(self._trial.owner, ids, activities=False)
        for customer in got.customers:
            if customer is not None:
                self.tenant.keep(customer)
        return []

    async def assess(self, ids: Sequence[str], now: int) -> list[events_pb2.Event]:
        """Decide on customers anew, and return what is told of it."""
        loaded = await self._loaded(ids)
        changes = await self._desk.decide(
            self._trial.policy,
            [(customer, customer, activities) for customer, activities in loaded],
            now=now,
            actor=SYSTEM,
            what="assess",
        )
        return [event for change in changes for event in await self._take(change, now)]

    async def record(self, news: Sequence[NewActivity], now: int) -> list[events_pb2.Event]:
        """Let things happen, and return what is told of it."""
        by_customer: dict[str, list[Recording]] = {}
        for place, new in enumerate(news):
            by_customer.setdefault(new.customer, []).append(Recording(place, new))
        loaded = await self._loaded(list(by_customer))
        known = {customer.id for customer, _ in loaded}
        for ident in by_customer:
            if ident not in known:
                raise NotFound(CustomerName(self._trial.owner, ident))
        wanted = []
        fresh: list[list[Activity]] = []
        for customer, activities in loaded:
            items = by_customer[customer.id]
            admitted = admit(customer, activities, items, SYSTEM, now)
            for item in items:
                if isinstance(item.outcome, Refusal):
                    raise item.outcome
            if admitted:
                wanted.append((customer, customer, activities))
                fresh.append([item.new.activity._replace(recorded=now) for item in admitted])
        changes = await self._desk.decide(
            self._trial.policy, wanted, now=now, actor=SYSTEM, what="record"
        )
        told_ = []
        for change, recorded in zip(changes, fresh, strict=True):
            after = change.after
            self.tenant.fresh.setdefault(after.id, []).extend(recorded)
            told_ += [
                _event(
                    after,
                    now,
                    events_pb2.Event(activity_recorded=events.activity_facts(after.name, each)),
                )
                for each in recorded
            ]
            told_ += await self._take(change, now)
        return told_

    async def _loaded(self, ids: Sequence[str]) -> list[tuple[Customer, list[Activity]]]:
        """Customers as they are by now, each with all its activities."""
        got = await self._customers.load(self._trial.owner, ids)
        found = []
        for ident, stored, activities in zip(ids, got.customers, got.activities, strict=True):
            customer = self.tenant.records.get(ident, stored)
            if customer is not None:
                found.append((customer, [*activities, *self.tenant.fresh.get(ident, ())]))
        return found

    async def _take(self, change: Change, now: int) -> list[events_pb2.Event]:
        change, payload = told(change)
        await self._stand(change, now)
        if payload is None:
            return []
        facts = events_pb2.CustomerFacts.FromString(payload)
        return [_event(change.after, now, events_pb2.Event(customer_changed=facts))]

    async def _stand(self, change: Change, now: int) -> None:
        """Keep a customer, and what its sponsors' second levels add up to now, as scripts do."""
        after = change.after
        known = self.tenant.records.get(after.id, after)
        gone, come = known.part, change.standing.part
        downline = known.downline
        if come is not None:
            sponsor = await self._record(come.sponsor)
            if come.sponsor == after.id or downline.members or sponsor is None or sponsor.part:
                come = None
        if downline.version == after.downline.version:
            downline = replace(downline, pending_since=None)
        self.tenant.keep(replace(after, part=come, downline=downline))
        today = change.standing.since + KEPT
        for name in dict.fromkeys(part.sponsor for part in (gone, come) if part is not None):
            sponsor = await self._record(name)
            if sponsor is None:
                continue
            changed = sponsor.downline.changed(
                gone if gone is not None and gone.sponsor == name else None,
                come if come is not None and come.sponsor == name else None,
                today,
                now,
            )
            if changed is not sponsor.downline:
                self.tenant.keep(replace(sponsor, downline=changed))

    async def _record(self, ident: str) -> Customer | None:
        """A customer as it is by now, be it not looked at yet."""
        known = self.tenant.records.get(ident)
        if known is not None:
            return known
        got = await self._customers.load(self._trial.owner, [ident], activities=False)
        return got.customers[0]


def _event(customer: Customer, now: int, event: events_pb2.Event) -> events_pb2.Event:
    event.tenant = str(TenantName(customer.tenant))
    event.subject = customer.id
    event.version = customer.version
    event.schema = 1
    set_instant(event.time, now)
    return event


def _in_order(activities: Iterable[NewActivity], span: Span) -> list[NewActivity]:
    found = sorted(activities, key=lambda new: new.activity.occurred)
    for new in found:
        if new.whenever or not span.start <= new.activity.occurred <= span.end:
            message = "must lie within the span that is simulated"
            raise InvalidRequest(FieldViolation("activities.occur_time", message))
    return found


def _parts(events_: Sequence[events_pb2.Event]) -> Iterable[Sequence[events_pb2.Event]]:
    for begin in range(0, len(events_), _TOLD_AT_ONCE):
        yield events_[begin : begin + _TOLD_AT_ONCE]
