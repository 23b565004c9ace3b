"""Routing simulated over gRPC, a message for a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai.assignment.v1 import assignment_service_pb2 as pb
from gonghai_assignment.simulation.board import Board
from gonghai_assignment.simulation.conversation import Conversation, Living, PoolAnswer
from gonghai_chassis.context import current
from gonghai_chassis.errors import FieldViolation, InvalidRequest, PeerRefused, Reason, Refusal
from gonghai_chassis.events import Event
from gonghai_chassis.instants import instant_of, set_instant
from gonghai_chassis.names import TenantName
from gonghai_policy_service.trials import check_same, check_unchanged, on_trial

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from gonghai.archive.v1 import events_pb2 as archive_pb2
    from gonghai.pool.v1 import events_pb2 as pool_pb2
    from gonghai_engine import Engine
    from gonghai_policy_service.trials import Trial


@dataclass(frozen=True, slots=True)
class SimulationServicer:
    """Answers SimulateRouting."""

    living: Living
    engine: Engine

    async def simulate_routing(
        self, requests: AsyncIterator[pb.SimulateRoutingRequest]
    ) -> AsyncGenerator[pb.SimulateRoutingResponse, None]:
        """Answer each message with what would be asked of pool."""
        living = self.living
        first = await anext(requests, None)
        if first is None:
            return
        tenant = TenantName.parse(first.parent, "parent").tenant
        now = instant_of(first.time, "time")
        present = await living.book.tenant(tenant, deadline=current().deadline)
        check_same(present, first.document, first.revision)
        async with on_trial(
            self.engine, present, first.document, first.revision, first.candidates
        ) as trial:
            board = await Board.read(tenant, now, living.staff, living.routings)
            conversation = Conversation(living, board, trial)
            if first.document:
                await conversation.policy_changed()
            yield await _answer(conversation, first, trial)
            async for request in requests:
                moment = instant_of(request.time, "time")
                if request.parent != first.parent or moment < now:
                    raise InvalidRequest(FieldViolation("time", "must not go back"))
                now = moment
                check_unchanged(self.engine, present)
                yield await _answer(conversation, request, trial)


async def _answer(
    conversation: Conversation, request: pb.SimulateRoutingRequest, trial: Trial
) -> pb.SimulateRoutingResponse:
    calls = await conversation.goes_on(
        instant_of(request.time, "time"),
        answers=[_pool_answer(each) for each in request.answers],
        archive=[_event(each) for each in request.archive_events],
        pool=[_event(each) for each in request.pool_events],
    )
    response = pb.SimulateRoutingResponse(
        calls=calls, undecided=trial.undecided.messages(trial.owner)
    )
    if conversation.next_at is not None:
        set_instant(response.next_time, conversation.next_at)
    return response


def _pool_answer(answer: pb.SimulatedAnswer) -> PoolAnswer:
    if not answer.refusal:
        return PoolAnswer(answer.custody_term)
    try:
        reason = Reason(answer.refusal)
    except ValueError:
        message = f"{answer.refusal!r} is no reason of a refusal"
        raise InvalidRequest(FieldViolation("answers.refusal", message)) from None
    return PoolAnswer(0, PeerRefused("pool", Refusal(reason, answer.message)))


def _event(event: archive_pb2.Event | pool_pb2.Event) -> Event:
    kind = event.WhichOneof("kind") or ""
    content = getattr(event, kind).SerializeToString() if kind else b""
    return Event(
        position=0,
        kind=kind,
        tenant=TenantName.parse(event.tenant, "events.tenant").tenant,
        subject=event.subject,
        version=event.version,
        time=instant_of(event.time, "events.time"),
        schema=event.schema,
        payload=content,
        nonce="",
    )
