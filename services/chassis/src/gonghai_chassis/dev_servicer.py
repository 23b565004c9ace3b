"""`ClockService`: the virtual clock over gRPC, in dev mode only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai.dev.v1 import clock_pb2, clock_pb2_grpc
from gonghai_chassis.cursor_messages import cursor_from, cursor_message
from gonghai_chassis.dev_clock import AreaWork, ClockRunsForward, Consumed, DevClock, Work
from gonghai_chassis.errors import Reason, WrongState
from gonghai_chassis.instants import instant_of, set_instant, timestamp

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from gonghai_chassis.dev_clock import ClockState
    from gonghai_chassis.store import Store


@dataclass(frozen=True, slots=True)
class PeerWork:
    """The open work of another service, asked for over its `GetWork`."""

    stub: clock_pb2_grpc.ClockServiceStub

    async def work(self) -> Work:
        """What it still has to do, as stored now."""
        message = await self.stub.GetWork(clock_pb2.GetWorkRequest())
        return Work(
            instant_of(message.next_due) if message.HasField("next_due") else None,
            message.due,
            message.intents,
            {cursor.partition: cursor_from(cursor) for cursor in message.heads},
            {
                consumed.source: {
                    cursor.partition: Consumed(cursor_from(cursor), instant_of(through))
                    for cursor, through in zip(
                        consumed.cursors, consumed.changes_through, strict=True
                    )
                }
                for consumed in message.consumed
            },
        )


class ClockServicer(clock_pb2_grpc.ClockServiceServicer):
    """Answers for one service, and moves the clock for all.

    Args:
        own: the open work of this service.
        peers: the other services by name.
    """

    def __init__(self, own: AreaWork, peers: Mapping[str, clock_pb2_grpc.ClockServiceStub]) -> None:
        self._own = own
        store: Store = own.store
        others = {name: PeerWork(stub) for name, stub in peers.items()}
        self._clock = DevClock(store, {store.area: own, **others})

    async def start(self) -> None:
        """Tells the clock what this service has; before the service is served."""
        await self._own.register()

    async def GetClock(  # noqa: N802 - the contract's name
        self,
        request: clock_pb2.GetClockRequest,  # noqa: ARG002 - it is empty
        context: object,  # noqa: ARG002
    ) -> clock_pb2.Clock:
        """Reads the clock."""
        return _clock(await self._clock.read())

    async def SetClock(  # noqa: N802
        self,
        request: clock_pb2.SetClockRequest,
        context: object,  # noqa: ARG002
    ) -> clock_pb2.Clock:
        """Sets the clock.

        Raises:
            WrongState: the moment has passed.
        """
        now = instant_of(request.now, "now") if request.HasField("now") else None
        try:
            return _clock(await self._clock.set(now, frozen=request.frozen))
        except ClockRunsForward as error:
            raise _not_movable(error) from error

    async def AdvanceClock(  # noqa: N802
        self,
        request: clock_pb2.AdvanceClockRequest,
        context: object,  # noqa: ARG002
    ) -> AsyncGenerator[clock_pb2.AdvanceClockResponse, None]:
        """Moves the clock from due moment to due moment.

        Raises:
            WrongState: the moment has passed.
        """
        try:
            async for stop in self._clock.advance(instant_of(request.until, "until")):
                yield clock_pb2.AdvanceClockResponse(now=timestamp(stop.now), due=stop.due)
        except ClockRunsForward as error:
            raise _not_movable(error) from error

    async def AwaitQuiet(  # noqa: N802
        self,
        request: clock_pb2.AwaitQuietRequest,  # noqa: ARG002 - it is empty
        context: object,  # noqa: ARG002
    ) -> clock_pb2.AwaitQuietResponse:
        """Waits until all services are quiet."""
        now = await self._clock.await_quiet()
        return clock_pb2.AwaitQuietResponse(now=timestamp(now))

    async def GetWork(  # noqa: N802
        self,
        request: clock_pb2.GetWorkRequest,  # noqa: ARG002 - it is empty
        context: object,  # noqa: ARG002
    ) -> clock_pb2.GetWorkResponse:
        """Says what this service still has to do."""
        work = await self._own.work()
        response = clock_pb2.GetWorkResponse(
            next_due=timestamp(work.next_due),
            due=work.due,
            intents=work.intents,
            heads=[cursor_message(cursor, partition) for partition, cursor in work.heads.items()],
        )
        for source, consumed in work.consumed.items():
            message = response.consumed.add(source=source)
            for partition, taken in consumed.items():
                message.cursors.append(cursor_message(taken.cursor, partition))
                set_instant(message.changes_through.add(), taken.changes_through)
        return response


def _clock(state: ClockState) -> clock_pb2.Clock:
    return clock_pb2.Clock(now=timestamp(state.now), frozen=state.frozen)


def _not_movable(error: ClockRunsForward) -> WrongState:
    return WrongState("clock", "running", str(error), reason=Reason.CLOCK_NOT_MOVABLE)
