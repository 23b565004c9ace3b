"""What a peer of a newer version tells, and this one does not know of."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from gonghai.archive.v1 import archive_service_pb2 as archive
from gonghai.archive.v1 import events_pb2
from gonghai_chassis.cursor_messages import cursor_message
from gonghai_chassis.events import Cursor, Subscriber, read_progress
from gonghai_chassis.feeds import PeerFeed
from gonghai_chassis.testing import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from gonghai_chassis.events import Event, Step
    from gonghai_chassis.testing.plugin import OpenStore

AFTER = Cursor("life", 2, "n2")
UNKNOWN = bytes([0xFA, 0x3F, 0x02, 0x0A, 0x00])
"""A field of a number that no kind has here."""


class Peer:
    """Tells of a change that it calls by a new name, then of one that is known."""

    async def Watch(self, _: Any) -> AsyncGenerator[archive.WatchResponse, None]:  # noqa: ANN401, N802
        new = events_pb2.Event(tenant="tenants/acme", position=1, nonce="n1", subject="c1")
        new.MergeFromString(UNKNOWN)
        known = events_pb2.Event(tenant="tenants/acme", position=2, nonce="n2", subject="c1")
        known.customer_erased.SetInParent()
        response = archive.WatchResponse(events=[new, known])
        response.checkpoint.cursor.CopyFrom(cursor_message(AFTER, 0))
        yield response
        await asyncio.Event().wait()


class Kept:
    """A projection that keeps of its events what they are."""

    kinds = frozenset({"customer_erased"})
    side_by_side: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.heard: list[tuple[int, str]] = []

    async def apply(self, step: Step, event: Event) -> bool:  # noqa: ARG002
        self.heard.append((event.position, event.kind))
        return False

    async def load(self, *_: Any) -> None:  # noqa: ANN401
        raise NotImplementedError

    async def finish_rebuild(self, *_: Any) -> None:  # noqa: ANN401
        raise NotImplementedError

    async def checkpoint(self, *_: Any) -> None:  # noqa: ANN401
        raise NotImplementedError


async def test_an_event_of_a_kind_that_is_not_known_is_passed_over(open_store: OpenStore) -> None:
    store = await open_store("pool")
    p = store.partitions[0]
    kept = Kept()
    feed = PeerFeed(Peer(), archive.WatchRequest, archive.ExportSnapshotRequest)
    subscriber = Subscriber(store, p, source="archive", feed=feed, projection=kept)
    running = asyncio.create_task(subscriber.run())

    async def passed() -> bool:
        return (await read_progress(store, p, "archive")).cursor == AFTER

    await eventually(passed)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert kept.heard == [(2, "customer_erased")]
    assert (await read_progress(store, p, "archive")).quarantined == 0
