"""A simulation of routing: told what archive and pool would tell, it says what it asks of pool.

The router, the projections and what notes pool's answers are the living ones, over a board.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gonghai.pool.v1 import pool_service_pb2
from gonghai_assignment.calls import Answer, Call, PoolCalls, answer_of
from gonghai_assignment.choosing import Chooser
from gonghai_assignment.policies import Policies
from gonghai_assignment.projections.archive import ArchiveProjection, LatestFacts
from gonghai_assignment.projections.pool import PoolProjection
from gonghai_assignment.roster import Rosters
from gonghai_assignment.routing import Router
from gonghai_assignment.simulation.board import Board, BoardProjections, BoardRoutings, BoardStaff
from gonghai_assignment.workers.assigning import Assigning
from gonghai_chassis.errors import Contention, FieldViolation, InvalidRequest
from gonghai_chassis.events import Cursor, Event, Step
from gonghai_chassis.names import TenantName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_assignment.store.routing import RoutingStore
    from gonghai_assignment.store.staff import StaffStore
    from gonghai_chassis.errors import PeerRefused
    from gonghai_chassis.intents import Intent
    from gonghai_chassis.store import Store
    from gonghai_policy_service import PolicyBook
    from gonghai_policy_service.trials import Trial

_PATIENCE: Final = 10.0
"""Seconds to wait for facts that pool had seen and that are not here yet."""


@dataclass(frozen=True, slots=True)
class Living:
    """What of the living service a simulation reads."""

    store: Store
    staff: StaffStore
    routings: RoutingStore
    book: PolicyBook


@dataclass(frozen=True, slots=True)
class PoolAnswer:
    """How pool would answer a call: the term that it makes, or its refusal."""

    term: int
    refusal: PeerRefused | None = None


class _KnownAnswers(PoolCalls):
    """Pool, whose answers are known before it is called."""

    def __init__(self) -> None:
        self.answers: dict[str, PoolAnswer] = {}

    async def assign(self, call: Call) -> Answer:
        known = self.answers.pop(call.intent)
        if known.refusal is not None:
            return answer_of(known.refusal)
        return answer_of(known.term)


class Conversation:
    """One simulation of a tenant's routing."""

    def __init__(self, living: Living, board: Board, trial: Trial) -> None:
        """Begin with how things stand."""
        tenant = trial.owner
        partition = living.store.partition(tenant)
        self._board = board
        self._partition = partition
        self._routings = BoardRoutings(board, living.routings)
        self._projections = BoardProjections(board, self._routings)
        self._rosters = Rosters(BoardStaff(board))
        self._router = Router(
            lambda: board.now,
            partition,
            routings=self._routings,
            rosters=self._rosters,
            chooser=Chooser(Policies(trial)),
            book=living.book,
        )
        self._intents: list[Intent] = []
        self._asked: list[Intent] = []
        self._router.offer_to(self._intents.append)
        latest = LatestFacts(self._projections)
        self._archive = ArchiveProjection(self._projections, latest, living.book, self._router)
        self._pool = PoolProjection(self._projections, latest, self._rosters, self._router)
        self._calls = _KnownAnswers()
        self._assigning = Assigning(self._calls, self._routings, self._rosters, self._router)

    async def policy_changed(self) -> None:
        """The document is put in force: what was parked is tried again, as after a change."""
        async with self._router.lock:
            await self._projections.forget_full(self._partition, self._board.tenant)
            self._rosters.forget(self._board.tenant)
            await self._router.retry(self._board.tenant)

    async def goes_on(
        self,
        now: int,
        *,
        answers: Sequence[PoolAnswer],
        archive: Sequence[Event],
        pool: Sequence[Event],
    ) -> list[pool_service_pb2.AssignCustomerRequest]:
        """Take in what happens at a moment; returns what it asks of pool, in order.

        Args:
            now: the moment (µs).
            answers: pool's, to what was asked before, in that order.
            archive: what archive tells.
            pool: what pool tells, after that.

        Raises:
            InvalidRequest: some calls have no answer, or there are answers to none.
            Contention: archive's events have not come as far here as pool's were.
        """
        if len(answers) != len(self._asked):
            message = f"{len(answers)} to {len(self._asked)} calls"
            raise InvalidRequest(FieldViolation("answers", message))
        board = self._board
        board.now = now
        asked, self._asked = self._asked, []
        try:
            async with asyncio.timeout(_PATIENCE):
                for intent, answer in zip(asked, answers, strict=True):
                    self._calls.answers[intent.id] = answer
                    await self._assigning.carry_out(intent)
                for event in archive:
                    if event.kind in self._archive.kinds:
                        await self._archive.apply(self._step("archive"), event)
                for event in pool:
                    if event.kind in self._pool.kinds:
                        await self._pool.apply(self._step("pool"), event)
                await self._rest(now)
        except TimeoutError:
            raise Contention(TenantName(board.tenant)) from None
        self._asked = list(self._intents)
        self._intents.clear()
        return [_request(intent) for intent in self._asked]

    @property
    def next_at(self) -> int | None:
        """When it would look at parked customers again (µs)."""
        return self._board.retry_at if self._board.parked else None

    async def _rest(self, now: int) -> None:
        """Route what is put up again, and try what is parked, where its moment has come."""
        async with self._router.lock:
            await self._router.drain()
            while (
                self._board.parked
                and self._board.retry_at is not None
                and self._board.retry_at <= now
            ):
                before = self._board.retry_at, self._board.loads_version
                await self._router.retry(self._board.tenant)
                if before == (self._board.retry_at, self._board.loads_version):
                    # Nothing came of it, and nothing would of another look at this moment.
                    self._board.retry_at = None

    def _step(self, source: str) -> Step:
        return Step(self._partition, source, Cursor.START, Cursor.START)


def _request(intent: Intent) -> pool_service_pb2.AssignCustomerRequest:
    call = Call.of(intent.id, intent.payload)
    return pool_service_pb2.AssignCustomerRequest.FromString(call.message)
