"""The forecast: a span passes in advance, moment by moment, and everything that is due is done.

Pool conducts. Archive streams what it would tell; assignment is told that and what pool would tell,
and answers with the assignments that it would make. What is done with a customer is done by the
living service's own code, over custodies in memory.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from gonghai.archive.v1 import archive_service_pb2
from gonghai.assignment.v1 import assignment_service_pb2
from gonghai.pool.v1 import events_pb2
from gonghai_chassis.errors import FieldViolation, InvalidRequest, Refusal
from gonghai_chassis.events import Cursor, Event, Step
from gonghai_chassis.instants import timestamp
from gonghai_chassis.leases import Lease
from gonghai_chassis.names import CustomerName
from gonghai_chassis.principals import Reach
from gonghai_engine.calendar import DAY
from gonghai_policy_service.reasons import told_reason
from gonghai_policy_service.trials import check_unchanged, on_trial
from gonghai_policy_service.turns import Turns
from gonghai_pool.commands.assign import AssignCustomer, Assignment
from gonghai_pool.commands.order import Order
from gonghai_pool.ground import Actor
from gonghai_pool.policies import Policies
from gonghai_pool.projections.archive import ArchiveProjection
from gonghai_pool.reading import holder_of
from gonghai_pool.simulation.peers import Course, Routing
from gonghai_pool.simulation.scratch import ScratchCustodies
from gonghai_pool.viewing import Viewer
from gonghai_pool.workers.clocks import Clocks
from gonghai_pool.workers.due import BATCH
from gonghai_pool.workers.recomputation import Recomputation
from gonghai_pool.workers.reservations import Reservations

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from gonghai.archive.v1 import activity_pb2
    from gonghai.archive.v1 import events_pb2 as archive_pb2
    from gonghai.archive.v1.archive_service_pb2_grpc import ArchiveServiceStub
    from gonghai.assignment.v1.assignment_service_pb2_grpc import AssignmentServiceStub
    from gonghai.pool.v1 import pool_service_pb2
    from gonghai.type.v1 import decision_pb2
    from gonghai_engine import Engine
    from gonghai_policy_service import PolicyBook
    from gonghai_policy_service.trials import Trial
    from gonghai_pool.simulation.scratch import Change
    from gonghai_pool.store.custodies import CustodyStore

_Told: TypeAlias = "AsyncGenerator[archive_service_pb2.SimulateCourseResponse, None]"
LONGEST: Final = 400 * DAY
"""The longest span that is simulated: a year's seasons, and a month."""
_CUSTOMER: Final = "customer_changed"
_ACTIVITY: Final = "activity_recorded"
_TOLD_AT_ONCE: Final = 200
"""Events of a message to assignment."""
_ASSIGNMENT: Final = Actor("system:assignment")


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be simulated.

    Attributes:
        tenant: whose customers.
        document: the policy document, as YAML; "" for the one in force.
        until: the end of the span (instant); None for `days`.
        days: its length, where the end is not said.
        activities: what is to happen in it, as archive takes it.
        candidates: versions of plugins in place of those that are installed.
    """

    tenant: str
    document: str
    until: int | None
    days: int = 0
    activities: Sequence[activity_pb2.Activity] = ()
    candidates: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """A customer's tier or stage is another one.

    Attributes:
        at: from when on (instant).
        cause: "document", "time" or "activity".
        before: tier and stage.
        after: likewise.
    """

    at: int
    customer: str
    cause: str
    before: tuple[str, str]
    after: tuple[str, str]


@dataclass(slots=True)
class Moment:
    """What happens at one moment, in order, and how far the simulation has come.

    Attributes:
        at: the moment (instant).
        evaluated: how many customers archive has looked at.
        total: how many there are.
    """

    at: int
    evaluated: int = 0
    total: int = 0
    changes: list[Change] = field(default_factory=list)
    standings: list[Standing] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Begun:
    """How the tenant stands when a simulation begins."""

    trial: Trial
    now: int
    until: int
    holdings: int
    total: int


@dataclass(frozen=True, slots=True)
class Ended:
    """What is left to say when a simulation has come to its end.

    Attributes:
        undecided: on whom a policy could not decide, as each of the services says.
        frozen: how many holdings have clocks that stand still for that reason.
    """

    undecided: Sequence[decision_pb2.Undecided]
    frozen: int


class Forecast:
    """Lets spans pass in advance; tenants take turns, since each takes what it can of a core."""

    def __init__(
        self,
        custodies: CustodyStore,
        book: PolicyBook,
        engine: Engine,
        archive: ArchiveServiceStub,
        assignment: AssignmentServiceStub,
        turns: Turns | None = None,
    ) -> None:
        """Take what is simulated, and who takes part."""
        self._custodies = custodies
        self._book = book
        self._engine = engine
        self._archive = archive
        self._assignment = assignment
        self._turns = turns or Turns()

    def __call__(self, question: Question) -> AsyncGenerator[Begun | Moment | Ended, None]:
        """Yield how it begins, moment by moment what happens, and what it could not tell.

        Raises:
            InvalidRequest: the document has faults, or the span does not lie ahead.
            Refusal: an activity could not be recorded, there are too many customers, no turn came,
                what was found was not read in time, or another policy came into force meanwhile.
        """
        return self._turns.run(question.tenant, self._conduct(question))

    async def _conduct(self, question: Question) -> AsyncGenerator[Begun | Moment | Ended, None]:
        tenant = question.tenant
        present = await self._book.tenant(tenant)
        if question.candidates and not question.document:
            # An upgrade counts for all from the start, as a document does that is applied then.
            question = replace(question, document=present.document.text)
        async with on_trial(
            self._engine, present, question.document, candidates=question.candidates
        ) as trial:
            ground = await self._custodies.ground(tenant)
            until = question.until
            if until is None:
                until = ground.now + question.days * DAY
            if not ground.now < until <= ground.now + LONGEST:
                message = "must lie ahead, by 400 days at the most"
                raise InvalidRequest(FieldViolation("until", message))
            scratch = ScratchCustodies(tenant, ground.setup, trial.policy, ground.now)
            async for _ in scratch.read(self._custodies):
                check_unchanged(self._engine, present)
            yield Begun(trial, ground.now, until, scratch.holdings, scratch.total)
            async with aclosing(self._pass(question, until, trial, scratch)) as moments:
                async for moment in moments:
                    if isinstance(moment, Ended):
                        await self._book.tenant(tenant)
                    check_unchanged(self._engine, present)
                    yield moment

    async def _pass(
        self, question: Question, until: int, trial: Trial, scratch: ScratchCustodies
    ) -> AsyncGenerator[Moment | Ended, None]:
        parent = f"tenants/{question.tenant}"
        revision = trial.policy.revision
        asked = archive_service_pb2.SimulateCourseRequest(
            parent=parent,
            document=question.document,
            start_time=timestamp(scratch.now),
            end_time=timestamp(until),
            activities=question.activities,
            revision=revision,
            candidates=question.candidates,
        )
        # Over a channel to a peer each answer is a generator, to be closed.
        told = cast("_Told", self._archive.SimulateCourse(asked))
        routing = Routing(parent, question.document, revision, question.candidates)
        async with aclosing(told), routing.with_(self._assignment):
            passing = _Passing(scratch, trial, self._custodies, self._book, Course(told), routing)
            if question.document:
                await passing.apply_policy()
            yield await passing.live(applied=bool(question.document))
            while (at := await passing.next_at()) is not None and at <= until:
                scratch.now = max(scratch.now, at)
                yield await passing.live()
            yield passing.ended(trial)


class _Passing:
    """One simulation on its way."""

    def __init__(
        self,
        scratch: ScratchCustodies,
        trial: Trial,
        living: CustodyStore,
        book: PolicyBook,
        course: Course,
        routing: Routing,
    ) -> None:
        self._scratch = scratch
        self._course = course
        self._routing = routing
        self._tenant = trial.owner
        policies = Policies(trial)
        partition = living.store.partition(self._tenant)
        lease = Lease(partition, "simulation", 0)
        self._step = Step(partition, "archive", Cursor.START, Cursor.START)
        self._archive = ArchiveProjection(scratch, policies, book, lambda: None)
        self._clocks = Clocks(scratch, policies, lease)
        self._reservations = Reservations(scratch, lease)
        self._recomputation = Recomputation(scratch, policies, book, lease)
        self._assign = AssignCustomer(scratch, policies)
        viewer = Viewer("AssignCustomer", Reach.ALL, "", masked=False)
        self._order = Order(_ASSIGNMENT, viewer)

    async def apply_policy(self) -> None:
        """All follow the document, as after a change of the policy."""
        after = ""
        while customers := await self._scratch.customers(self._tenant, after, BATCH):
            await self._recomputation.go_over(self._tenant, customers)
            after = customers[-1]

    def ended(self, trial: Trial) -> Ended:
        """Say what it could not foresee."""
        own = trial.undecided.messages(self._tenant)
        told = (*self._course.undecided, *own, *self._routing.undecided)
        return Ended(told, len(self._scratch.standing_still))

    async def next_at(self) -> int | None:
        """When something happens next (instant)."""
        moments = (await self._course.next_at(), self._scratch.next_due(), self._routing.next_at)
        return min((at for at in moments if at is not None), default=None)

    async def live(self, *, applied: bool = False) -> Moment:
        """Do what is to be done at the present moment."""
        now = self._scratch.now
        moment = Moment(now)
        told: list[archive_pb2.Event] = []
        active: set[str] = set()
        while events := await self._course.take(now):
            # A customer's activity and what comes of it may be in two messages.
            active |= {each.subject for each in events if each.WhichOneof("kind") == _ACTIVITY}
            moment.standings += await self._take_in(events, active, applied=applied)
            told += [each for each in events if each.WhichOneof("kind") == _CUSTOMER]
        await self._tell(moment, told)
        while customers := self._scratch.due_clocks(BATCH):
            await self._clocks.work(self._tenant, customers)
            await self._tell(moment, ())
            if customers == self._scratch.due_clocks(BATCH):
                # As with work that fails: it is looked at again later, and the others go on.
                self._scratch.put_off(customers)
        while customers := self._scratch.due_reservations(BATCH):
            await self._reservations.work(self._tenant, customers)
            await self._tell(moment, ())
        moment.evaluated, moment.total = self._course.evaluated, self._course.total
        await asyncio.sleep(0)
        return moment

    async def _take_in(
        self, events: Sequence[archive_pb2.Event], active: AbstractSet[str], *, applied: bool
    ) -> list[Standing]:
        """Let archive's events take effect; returns which tiers and stages they change.

        Args:
            events: what it tells next of this moment.
            active: with whom something has happened at it.
            applied: whether the document comes into force at it.
        """
        found = []
        for event in events:
            known = self._scratch.known(event.subject)
            facts = known.facts if known is not None else None
            if facts is not None and event.WhichOneof("kind") == _CUSTOMER:
                before, changed = (facts.tier, facts.stage), event.customer_changed
                after = (changed.tier, changed.stage)
                cause = "document" if applied else "time"
                if event.subject in active:
                    cause = "activity"
                if before != after:
                    found.append(Standing(self._scratch.now, event.subject, cause, before, after))
            await self._archive.apply(self._step, _of_archive(self._tenant, event))
        return found

    async def _tell(self, moment: Moment, archive: Sequence[archive_pb2.Event]) -> None:
        """Tell assignment what happened, and do what it asks, until it asks for nothing."""
        now = self._scratch.now
        changes = self._scratch.take_changes()
        moment.changes += changes
        looks = self._routing.next_at is not None and self._routing.next_at <= now
        if not (archive or changes or looks):
            return
        for facts, news in _parts(archive, self._events(changes), _TOLD_AT_ONCE):
            calls = await self._routing.goes_on(now, archive=facts, pool=news)
            while calls:
                answers = [await self._answer(call) for call in calls]
                changes = self._scratch.take_changes()
                moment.changes += changes
                calls = await self._routing.goes_on(
                    now, answers=answers, pool=self._events(changes)
                )

    async def _answer(
        self, call: pool_service_pb2.AssignCustomerRequest
    ) -> assignment_service_pb2.SimulatedAnswer:
        customer = CustomerName.parse(call.customer)
        assignment = Assignment(
            customer,
            holder_of(call.holder, customer.tenant, "holder"),
            told_reason(call.reason, call.reason_zh),
            call.custody_term or None,
            call.rule,
        )
        try:
            changed = await self._assign(assignment, self._order)
        except Refusal as refusal:
            return assignment_service_pb2.SimulatedAnswer(
                refusal=refusal.reason.value, message=refusal.message
            )
        return assignment_service_pb2.SimulatedAnswer(custody_term=changed.custody.term)

    def _events(self, changes: Sequence[Change]) -> list[events_pb2.Event]:
        return [
            events_pb2.Event(
                tenant=f"tenants/{self._tenant}",
                time=timestamp(self._scratch.now),
                schema=1,
                subject=change.alteration.situation.customer,
                version=change.alteration.after.version,
                custody_changed=events_pb2.CustodyChanged.FromString(change.event),
            )
            for change in changes
        ]


def _parts(
    archive: Sequence[archive_pb2.Event], pool: Sequence[events_pb2.Event], at_once: int
) -> Iterator[tuple[Sequence[archive_pb2.Event], Sequence[events_pb2.Event]]]:
    """Yield what is told of a moment in messages: all of archive's before the first of pool's.

    Pool may tell at first of a customer whom archive told of last.
    """
    while len(archive) > at_once:
        yield archive[:at_once], ()
        archive = archive[at_once:]
    yield archive, pool[:at_once]
    for start in range(at_once, len(pool), at_once):
        yield (), pool[start : start + at_once]


def _of_archive(tenant: str, event: archive_pb2.Event) -> Event:
    kind = event.WhichOneof("kind") or ""
    return Event(
        position=0,
        kind=kind,
        tenant=tenant,
        subject=event.subject,
        version=event.version,
        time=event.time.seconds * 1_000_000 + event.time.nanos // 1000,
        schema=event.schema,
        payload=getattr(event, kind).SerializeToString() if kind else b"",
        nonce="",
    )
