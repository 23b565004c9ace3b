"""Serving a service's event stream: `Watch` and `ExportSnapshot`, the same for all services."""

# ruff: noqa: ANN401 - the messages are those of three contracts, alike in form and not in type.
from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from gonghai_chassis.context import current
from gonghai_chassis.cursor_messages import cursor_from, cursor_message
from gonghai_chassis.errors import FieldViolation, InvalidRequest, NotAllowed, Reason
from gonghai_chassis.events import watch
from gonghai_chassis.instants import set_instant
from gonghai_chassis.names import TenantName
from gonghai_chassis.principals import Reach

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from google.protobuf.message import Message

    from gonghai.type.v1 import watch_pb2
    from gonghai_chassis.events import Event, EventStream, SnapshotItem, Tail
    from gonghai_chassis.store import Partition, Store

_PAGE = 200
"""Most items of one message of a snapshot."""

_MOST_BYTES = 1 << 20
"""From how many bytes of payloads on a message is sent: clients take no more than 4 MiB at once."""


class SnapshotSource(Protocol):
    """Reads a service's present state for those who rebuild a projection."""

    def __call__(
        self, partition: Partition, tenant: str | None
    ) -> AsyncGenerator[SnapshotItem, None]:
        """Yield each subject of the partition, or of one tenant in it, as it is now."""


@dataclass(frozen=True, slots=True)
class WatchServer:
    """Answers `Watch` and `ExportSnapshot` for one service.

    An entry's kind is the name of a field of the `Event` oneof, and its payload that field's
    message, so that one translation serves all services.

    Attributes:
        store: The service's store.
        stream: Its event stream.
        tail: What wakes watchers.
        event: The service's `Event` message.
        watched: The response message of its `Watch`.
        exported: The response message of its `ExportSnapshot`.
        snapshot: Reads its present state.
    """

    store: Store
    stream: EventStream
    tail: Tail
    event: type[Any]
    watched: type[Any]
    exported: type[Any]
    snapshot: SnapshotSource

    async def watch(self, request: Any) -> AsyncIterator[Any]:
        """Answer a `WatchRequest`, until the caller has enough.

        Raises:
            InvalidRequest: The cursor is not one of this stream, or a kind is unknown.
            NotAllowed: A whole partition is for Gonghai's own services.
            CursorTooOld: (store failure) The entry is gone: rebuild from a snapshot.
        """
        partition, tenant = self._scope(request.scope)
        cursor = cursor_from(request.cursor)
        if cursor.position and request.cursor.partition != partition.index:
            raise InvalidRequest(
                FieldViolation("cursor.partition", "is another partition than the scope's"),
                reason=Reason.INVALID_CURSOR,
            )
        kinds = self._kinds(request.kinds)
        batches = watch(self.stream, self.tail, partition, cursor, tenant=tenant, kinds=kinds)
        async with aclosing(batches) as open_batches:
            async for batch in open_batches:
                response, size, place = self.watched(), 0, batch.cursor
                for event in batch.events:
                    if size >= _MOST_BYTES:
                        # More of the batch follows: nothing is said of how complete this is.
                        response.checkpoint.cursor.CopyFrom(cursor_message(place, partition.index))
                        yield response
                        response, size = self.watched(), 0
                    _tell(response.events.add(), event)
                    place = event.cursor(batch.cursor.incarnation)
                    size += len(event.payload)
                response.checkpoint.cursor.CopyFrom(cursor_message(batch.cursor, partition.index))
                set_instant(response.checkpoint.changes_through, batch.changes_through)
                yield response

    async def export(self, request: Any) -> AsyncIterator[Any]:
        """Answer an `ExportSnapshotRequest`: first the cursor, then every subject.

        Raises:
            NotAllowed: A whole partition is for Gonghai's own services.
        """
        partition, tenant = self._scope(request.scope)
        # The cursor is taken before the items are read: what changes meanwhile comes again.
        head = await self.stream.head(partition)
        response = self.exported()
        response.checkpoint.cursor.CopyFrom(cursor_message(head, partition.index))
        yield response
        response, size = self.exported(), 0
        async with aclosing(self.snapshot(partition, tenant)) as items:
            async for item in items:
                message = response.events.add()
                message.tenant = str(TenantName(item.tenant))
                message.subject = item.subject
                message.version = item.version
                _unfold(message, item.kind, item.payload)
                size += len(item.payload)
                if len(response.events) >= _PAGE or size >= _MOST_BYTES:
                    yield response
                    response, size = self.exported(), 0
        if response.events:
            yield response

    def _scope(self, scope: watch_pb2.WatchScope) -> tuple[Partition, str | None]:
        if scope.WhichOneof("scope") == "tenant":
            tenant = TenantName.parse(scope.tenant, "scope.tenant").tenant
            return self.store.partition(tenant), tenant
        context = current()
        if context.reach is not Reach.ALL and context.principal.tenant is not None:
            raise NotAllowed(context.method, "watch your tenant: partitions are for Gonghai's own")
        partitions = self.store.partitions
        if scope.partition >= len(partitions):
            raise InvalidRequest(
                FieldViolation("scope.partition", f"must be below {len(partitions)}")
            )
        return partitions[scope.partition], None

    def _kinds(self, kinds: Any) -> frozenset[str]:
        known = self.event.DESCRIPTOR.oneofs_by_name["kind"].fields
        names = {field.name for field in known}
        for index, kind in enumerate(kinds):
            if kind not in names:
                raise InvalidRequest(
                    FieldViolation(f"kinds[{index}]", f"must be one of {', '.join(sorted(names))}")
                )
        return frozenset(kinds)


def _tell(message: Any, event: Event) -> None:
    """Fill the message of an event."""
    message.tenant = str(TenantName(event.tenant))
    message.position = event.position
    message.nonce = event.nonce
    message.schema = event.schema
    message.subject = event.subject
    message.version = event.version
    set_instant(message.time, event.time)
    _unfold(message, event.kind, event.payload)


def _unfold(message: Message, kind: str, payload: bytes) -> None:
    """Put a payload into the field that its kind names; of a string it is the UTF-8 bytes."""
    field = message.DESCRIPTOR.fields_by_name[kind]
    if field.message_type is None:
        setattr(message, kind, payload.decode())
    else:
        part = getattr(message, kind)
        part.ParseFromString(payload)
        # An empty payload (all defaults) must still say which kind it is.
        part.SetInParent()
