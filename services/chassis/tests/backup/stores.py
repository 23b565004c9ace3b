"""What backup tests fill stores with, and how they compare two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gonghai_chassis.backup.masters import partitions_of
from gonghai_chassis.store import Store
from gonghai_chassis.store.connection import connect
from gonghai_chassis.testing.counting import Counters
from gonghai_chassis.testing.plugin import PARTITIONS

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings

LARGE = 1234
"""Members of a key that does not go over in one piece."""


def tenant_of(store: Store, index: int) -> str:
    """A tenant that lives in the partition."""
    return next(t for t in map(str, range(10_000)) if store.partition(t).index == index)


async def fill(settings: StoreSettings) -> None:
    """Puts something of every kind into every partition."""
    store = await Store.open(settings, area="pool")
    for p in store.partitions:
        tenant = tenant_of(store, p.index)
        for subject in ("a", "b"):
            await Counters(store).count(tenant, subject, request_id=subject, due_at=1, intent="i")
        trips = store.connection.trips(p)
        awkward = bytes(range(256))
        numbers = [number / 7 for number in range(LARGE)]
        entries = [("XADD", p.key("log"), f"{n}-0", "n", n) for n in range(1, LARGE)]
        answers = await trips.exchange(
            [
                ("SET", p.key("text"), awkward),
                ("SET", p.key("fleeting"), "x", "PX", 3_600_000),
                ("SET", p.key("gone"), "x", "PX", 1),
                ("HSET", p.key("map"), *(str(n) for n in range(2 * LARGE))),
                ("HSET", p.key("small"), awkward, awkward),
                ("SADD", p.key("set"), *numbers),
                ("ZADD", p.key("index"), *(x for n in numbers for x in (repr(n), f"m{n}"))),
                ("RPUSH", p.key("list"), *numbers),
                ("EXPIRE", p.key("list"), 3600),
                *entries,
                ("XTRIM", p.key("log"), "MINID", "7-0"),
                ("XDEL", p.key("log"), "9-0"),
            ]
        )
        assert not [answer for answer in answers if isinstance(answer, Exception)]
    await store.close()


async def readout(settings: StoreSettings) -> dict[bytes, Any]:
    """All keys of all partitions but the leases, with what is in them and when they expire."""
    connection = await connect(settings, "test")
    found: dict[bytes, Any] = {}
    for p in partitions_of(PARTITIONS):
        trips = connection.trips(p)
        cursor: bytes | int = 0
        while cursor != b"0":
            (answer,) = await trips.exchange(
                [("SCAN", cursor, "MATCH", f"gh:{{{p.tag}}}:*", "COUNT", 1000)]
            )
            cursor, keys = answer
            for key in keys:
                if not key.endswith((b":gone", b":-:lease")):
                    found[key] = await _read(trips, key)
    await connection.close()
    return found


async def _read(trips: Any, key: bytes) -> Any:  # noqa: ANN401 - as the server answers
    (kind,) = await trips.exchange([("TYPE", key)])
    ask: dict[bytes, list[tuple[Any, ...]]] = {
        b"string": [("GET", key)],
        b"hash": [("HGETALL", key)],
        b"set": [("SMEMBERS", key)],
        b"zset": [("ZRANGE", key, 0, -1, "WITHSCORES")],
        b"list": [("LRANGE", key, 0, -1)],
        b"stream": [("XRANGE", key, "-", "+"), ("XINFO", "STREAM", key)],
    }
    answers = await trips.exchange([("PEXPIRETIME", key), *ask[kind]])
    if kind == b"hash":
        flat = answers[1]
        answers[1] = (
            flat if isinstance(flat, dict) else dict(zip(flat[::2], flat[1::2], strict=True))
        )
    elif kind == b"set":
        answers[1] = set(answers[1])
    elif kind == b"stream":
        flat = answers[2]
        about = flat if isinstance(flat, dict) else dict(zip(flat[::2], flat[1::2], strict=True))
        answers[2] = {
            name: about[name]
            for name in (b"length", b"last-generated-id", b"entries-added", b"max-deleted-entry-id")
        }
    return kind, answers
