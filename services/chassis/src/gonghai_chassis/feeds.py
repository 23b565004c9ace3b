"""Following another service's events over its `Watch` and `ExportSnapshot`."""

# ruff: noqa: ANN401 - the messages are those of three contracts, alike in form and not in type.
from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gonghai.type.v1 import watch_pb2
from gonghai_chassis.cursor_messages import cursor_from, cursor_message
from gonghai_chassis.errors import PeerRefused, Reason
from gonghai_chassis.events import Batch, Cursor, Event, SnapshotItem, SnapshotStart
from gonghai_chassis.instants import instant_of
from gonghai_chassis.names import TenantName
from gonghai_chassis.store.failures import CursorTooOld

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


@dataclass(frozen=True, slots=True)
class PeerFeed:
    """A peer's event stream, a partition at a time; what a `Subscriber` reads.

    Attributes:
        stub: The peer's typed stub, with its `Watch` and `ExportSnapshot`.
        watch_request: The request message of its `Watch`.
        export_request: The request message of its `ExportSnapshot`.
        kinds: Only events of these kinds; empty for all.
    """

    stub: Any
    watch_request: type[Any]
    export_request: type[Any]
    kinds: tuple[str, ...] = ()

    async def watch(self, partition: int, cursor: Cursor) -> AsyncGenerator[Batch, None]:
        """Yield the batches after a cursor, without end.

        Raises:
            CursorTooOld: (store failure) The peer no longer has the cursor's entry.
            PeerUnavailable: The peer cannot be reached.
        """
        request = self.watch_request(
            scope=watch_pb2.WatchScope(partition=partition),
            cursor=cursor_message(cursor, partition) if cursor.position else None,
            kinds=self.kinds,
        )
        try:
            async with aclosing(self.stub.Watch(request)) as responses:
                async for response in responses:
                    yield _batch(response)
        except PeerRefused as refused:
            if refused.reason == Reason.CURSOR_TOO_OLD:
                raise CursorTooOld(cursor) from refused
            raise

    async def snapshot(self, partition: int) -> AsyncGenerator[SnapshotStart | SnapshotItem, None]:
        """Yield the peer's present state: first where to go on from, then each subject.

        Raises:
            PeerUnavailable: The peer cannot be reached, or the snapshot broke off.
        """
        request = self.export_request(scope=watch_pb2.WatchScope(partition=partition))
        async with aclosing(self.stub.ExportSnapshot(request)) as responses:
            async for response in responses:
                if response.HasField("checkpoint"):
                    yield SnapshotStart(cursor_from(response.checkpoint.cursor))
                for message in response.events:
                    kind, payload = _fold(message)
                    tenant = TenantName.parse(message.tenant).tenant
                    yield SnapshotItem(kind, tenant, message.subject, message.version, payload)


def _batch(response: Any) -> Batch:
    checkpoint = response.checkpoint
    events = []
    for message in response.events:
        kind, payload = _fold(message)
        events.append(
            Event(
                position=message.position,
                kind=kind,
                tenant=TenantName.parse(message.tenant).tenant,
                subject=message.subject,
                version=message.version,
                time=instant_of(message.time),
                schema=message.schema,
                payload=payload,
                nonce=message.nonce,
            )
        )
    through = instant_of(checkpoint.changes_through)
    return Batch(tuple(events), cursor_from(checkpoint.cursor), through, through)


def _fold(message: Any) -> tuple[str, bytes]:
    """The kind and payload of an event; a kind that this version does not know is empty.

    It is none of those that a projection names, so it is passed over like any that it has no use
    for: a new kind must not be the only one to tell what projections keep already.
    """
    kind = message.WhichOneof("kind")
    if kind is None:
        return "", b""
    value = getattr(message, kind)
    return kind, value.encode() if isinstance(value, str) else value.SerializeToString()
