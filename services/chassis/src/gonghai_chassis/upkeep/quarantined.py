"""The part of `UpkeepService` that is about a tenant's quarantined events."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gonghai.upkeep.v1 import upkeep_service_pb2 as pb
from gonghai_chassis.context import current
from gonghai_chassis.cursor_messages import cursor_message
from gonghai_chassis.errors import DeadlineExceeded, FieldViolation, InvalidRequest
from gonghai_chassis.events import Quarantine
from gonghai_chassis.events.quarantine import member_of
from gonghai_chassis.instants import set_instant
from gonghai_chassis.names import TenantName
from gonghai_chassis.page_tokens import page_place, page_size, page_token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_chassis.events import Quarantined
    from gonghai_chassis.store import Store

_LOOK_EVERY: Final = 0.05
_PATIENCE: Final = 30.0
"""Seconds that a retry may take where its caller set no deadline."""


@dataclass(frozen=True, slots=True)
class QuarantineUpkeep:
    """Shows what a service could not process, and has it retried.

    Attributes:
        store: the service's store.
        sources: the services whose events it follows.
    """

    store: Store
    sources: Sequence[str]

    async def list_events(
        self, request: pb.ListQuarantinedEventsRequest
    ) -> pb.ListQuarantinedEventsResponse:
        """List a tenant's events by source and subject, those of a subject in their order."""
        tenant = TenantName.parse(request.parent, "parent").tenant
        size = page_size(request)
        source, subject, index = page_place(request, str, str, int) or ["", "", 0]
        found: list[tuple[str, str, int, pb.QuarantinedEvent]] = []
        for name in sorted(self.sources):
            if name < source or len(found) > size:
                continue
            first, at = (subject, index) if name == source else ("", 0)
            left = size + 1 - len(found)
            quarantine = self._quarantine(tenant, name)
            found += [
                (name, each.entry.event.subject, each.index, _message(quarantine, each.entry))
                for each in await quarantine.listed(tenant, first, at, left)
            ]
        response = pb.ListQuarantinedEventsResponse(events=[each[3] for each in found[:size]])
        if len(found) > size:
            response.next_page_token = page_token(request, list(found[size][:3]))
        return response

    async def retry_events(
        self, request: pb.RetryQuarantinedEventsRequest
    ) -> pb.RetryQuarantinedEventsResponse:
        """Have a subject's events processed again by whoever holds the partition's lease.

        Raises:
            InvalidRequest: the service does not follow that source.
            DeadlineExceeded: nobody has done it in time; it will be done all the same.
        """
        tenant = TenantName.parse(request.parent, "parent").tenant
        if request.source not in self.sources:
            raise InvalidRequest(
                FieldViolation(
                    "source", f"is not followed by this service: {', '.join(self.sources)} are"
                )
            )
        quarantine = self._quarantine(tenant, request.source)
        member = member_of(tenant, request.subject)
        token = await quarantine.ask(member)
        processed = 0 if token is None else await self._answer(quarantine, token)
        entry, left = await quarantine.head(member)
        response = pb.RetryQuarantinedEventsResponse(processed=processed, left=left)
        if entry is not None:
            response.failed.CopyFrom(_message(quarantine, entry))
        return response

    async def _answer(self, quarantine: Quarantine, token: str) -> int:
        deadline = current().deadline
        until = time.monotonic() + _PATIENCE if deadline is None else deadline
        while time.monotonic() < until:
            processed = await quarantine.answered(token)
            if processed is not None:
                return processed
            await asyncio.sleep(_LOOK_EVERY)
        raise DeadlineExceeded

    def _quarantine(self, tenant: str, source: str) -> Quarantine:
        return Quarantine(self.store, self.store.partition(tenant), source)


def _message(quarantine: Quarantine, entry: Quarantined) -> pb.QuarantinedEvent:
    event = entry.event
    message = pb.QuarantinedEvent(
        source=quarantine.source,
        kind=event.kind,
        subject=event.subject,
        attempts=entry.attempts,
        problem=entry.problem,
    )
    if event.position:
        message.cursor.CopyFrom(cursor_message(entry.place, quarantine.partition.index))
    set_instant(message.event_time, event.time)
    set_instant(message.quarantine_time, entry.since)
    return message
