"""The audit of the archive's records: each thing that can disagree is broken, and told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from gonghai.archive.v1 import customer_pb2
from gonghai_archive.consistency import RecordsAudit
from gonghai_archive.store import keys
from gonghai_chassis.testing import eventually

from .archive import archive

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings
    from gonghai_chassis.testing.plugin import OpenStore

Break = Callable[[Any, Any], Awaitable[object]]

BREAKS: dict[str, tuple[Break, str]] = {
    "a customer in no index": (
        lambda c, p: c.zrem(f"{keys.index(p, 'acme')}:industry:trade", "c1"),
        "acme: index industry:trade: c1 is at None",
    ),
    "a customer in an index of others": (
        lambda c, p: c.zadd(f"{keys.index(p, 'acme')}:industry:trade", {"c9": 5}),
        "acme: index industry:trade: c9 is at 5, and None by its record",
    ),
    "a rank that is not the tier's": (
        lambda c, p: c.zadd(f"{keys.index(p, 'acme')}:by_rank", {"c1": 77}),
        "acme: index by_rank: c1 is at 77",
    ),
    "a holding that nobody lists": (
        lambda c, p: c.zrem(f"{keys.index(p, 'acme')}:owner:wang", "c1"),
        "acme: index owner:wang: c1 is at None",
    ),
    "a list of a rep who holds nothing": (
        lambda c, p: c.zadd(f"{keys.index(p, 'acme')}:owner:zhao", {"c1": 5}),
        "acme: index owner:zhao: c1 is at 5, and None by its record",
    ),
    "a record that is gone": (
        lambda c, p: c.delete(keys.customer(p, "acme", "c2")),
        "acme/c2: listed, and has no record",
    ),
    "a history that is gone": (
        lambda c, p: c.delete(keys.history(p, "acme", "c1")),
        "acme/c1: has no history",
    ),
    "an identifier that is free to take": (
        lambda c, p: c.delete(keys.identifiers(p, "acme")),
        "acme/c1: an identifier of it is not noted as its",
    ),
    "an identifier of nobody": (
        lambda c, p: c.hset(keys.identifiers(p, "acme"), "phone:1", "c2"),
        "acme/c2: an identifier is noted that it has not",
    ),
    "a due time of nothing to decide": (
        lambda c, p: c.zadd(p.due_key(keys.ASSESSMENT), {"acme/c1": 5}),
        "due assessments: acme/c1 is at 5, and None by its record",
    ),
}


@pytest.mark.parametrize("what", BREAKS)
async def test_what_was_broken_is_told(
    what: str, store_settings: StoreSettings, open_store: OpenStore
) -> None:
    async with archive(store_settings) as a:
        await a.create(
            "c1",
            industry="trade",
            identifiers=[
                customer_pb2.Identifier(
                    kind=customer_pb2.IDENTIFIER_KIND_PHONE, value="13800138000"
                )
            ],
        )
        await a.create("c2", industry="trade")
        store = await open_store("archive")
        p = store.partition("acme")
        client: Any = store.client(p)
        await a.beside.pool.custody("acme", "c1", 1, "HELD", owner="wang")
        await eventually(lambda: client.exists(keys.custody(p, "acme", "c1")))
    await client.hset(keys.reps(p, "acme"), "zhao", b"")
    audit = RecordsAudit(store)
    whole = await audit(p)
    assert (list(whole.findings), whole.records) == ([], 2)
    act, words = BREAKS[what]
    await act(client, p)
    found = (await audit(p)).findings
    assert [finding for finding in found if finding.startswith(words)], found
