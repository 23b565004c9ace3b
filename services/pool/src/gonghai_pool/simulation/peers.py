"""The other services in a simulation: what archive tells, and what assignment would do about it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Self, TypeAlias, cast

from gonghai.assignment.v1 import assignment_service_pb2
from gonghai_chassis.instants import instant_of, timestamp

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Sequence

    from gonghai.archive.v1 import archive_service_pb2
    from gonghai.archive.v1 import events_pb2 as archive_pb2
    from gonghai.assignment.v1.assignment_service_pb2_grpc import AssignmentServiceStub
    from gonghai.pool.v1 import events_pb2, pool_service_pb2
    from gonghai.type.v1 import decision_pb2

_Answers: TypeAlias = "AsyncGenerator[assignment_service_pb2.SimulateRoutingResponse, None]"


class Course:
    """What archive tells, a moment at a time."""

    def __init__(self, stream: AsyncIterable[archive_service_pb2.SimulateCourseResponse]) -> None:
        """Take archive's answer."""
        self._stream = aiter(stream)
        self._waiting: list[archive_pb2.Event] = []
        self._place = 0
        self._ended = False
        self.evaluated = 0
        self.total = 0
        self.undecided: Sequence[decision_pb2.Undecided] = ()

    async def next_at(self) -> int | None:
        """When something is told next (instant); None for never again."""
        while self._place >= len(self._waiting) and not self._ended:
            await self._more()
        if self._place >= len(self._waiting):
            return None
        return instant_of(self._waiting[self._place].time)

    async def take(self, until: int) -> list[archive_pb2.Event]:
        """Return the next events of a moment or before, some at a time; none when that is all."""
        if (at := await self.next_at()) is None or at > until:
            return []
        start = self._place
        while self._place < len(self._waiting):
            if instant_of(self._waiting[self._place].time) > until:
                break
            self._place += 1
        return self._waiting[start : self._place]

    async def _more(self) -> None:
        message = await anext(self._stream, None)
        if message is None:
            self._ended = True
            return
        self._waiting, self._place = list(message.events), 0
        self.evaluated, self.total = message.evaluated, message.total
        self.undecided = message.undecided


class Routing:
    """What assignment does: each message is answered before the next is sent."""

    def __init__(
        self, parent: str, document: str, revision: int, candidates: Sequence[str] = ()
    ) -> None:
        """Begin for a tenant with a document, and versions of plugins to try."""
        self._parent = parent
        self._document = document
        self._revision = revision
        self._candidates = candidates
        self._requests: asyncio.Queue[assignment_service_pb2.SimulateRoutingRequest] = (
            asyncio.Queue(maxsize=1)
        )
        self._answers: _Answers | None = None
        self.next_at: int | None = None
        """When it would look at those whom it could give to nobody again (instant)."""
        self.undecided: Sequence[decision_pb2.Undecided] = ()

    @asynccontextmanager
    async def with_(self, stub: AssignmentServiceStub) -> AsyncGenerator[Self, None]:
        """Talk with assignment for as long as the context lasts."""
        # Over a channel to a peer the answer is a generator, to be closed.
        answers = cast("_Answers", stub.SimulateRouting(self._sent()))
        self._answers = answers
        async with aclosing(answers):
            yield self

    async def goes_on(
        self,
        now: int,
        *,
        answers: Sequence[assignment_service_pb2.SimulatedAnswer] = (),
        archive: Sequence[archive_pb2.Event] = (),
        pool: Sequence[events_pb2.Event] = (),
    ) -> list[pool_service_pb2.AssignCustomerRequest]:
        """Tell what happens at a moment; returns what assignment asks of pool."""
        await self._requests.put(
            assignment_service_pb2.SimulateRoutingRequest(
                parent=self._parent,
                time=timestamp(now),
                document=self._document,
                revision=self._revision,
                candidates=self._candidates,
                archive_events=archive,
                pool_events=pool,
                answers=answers,
            )
        )
        self._document, self._revision, self._candidates = "", 0, ()
        if self._answers is None:
            raise TypeError("It is talked with inside of `with_`.")
        answer = await anext(self._answers)
        self.next_at = instant_of(answer.next_time) if answer.HasField("next_time") else None
        self.undecided = answer.undecided
        return list(answer.calls)

    async def _sent(self) -> AsyncIterator[assignment_service_pb2.SimulateRoutingRequest]:
        while True:
            yield await self._requests.get()
