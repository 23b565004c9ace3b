"""Lists of a store, held against what the records say of them, some members at a time.

To read a list of a million at a stroke would stop the store for all who use it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from redis.asyncio import Redis

_AT_ONCE: Final = 500


async def members(client: Redis, key: str) -> AsyncIterator[tuple[str, int]]:
    """The members of a sorted set with their scores, in no order.

    Who comes, goes or moves meanwhile may be told or not; anybody may be told twice.
    """
    async for member, score in client.zscan_iter(key, count=_AT_ONCE):
        yield member.decode(), int(score)


async def names(client: Redis, key: str) -> list[str]:
    """The members of a sorted set, each once, in the order of their names."""
    return sorted({name async for name, _ in members(client, key)})


async def misplaced(client: Redis, what: str, key: str, expected: Mapping[str, int]) -> list[str]:
    """A sentence for each member that is not where its record has it, by its name.

    Args:
        client: of the server that has the list.
        what: the list is, in the sentences.
        key: of the sorted set.
        expected: scores by member.
    """
    missing = set(expected)
    other: dict[str, int] = {}
    async for name, at in members(client, key):
        missing.discard(name)
        if expected.get(name) != at:
            other[name] = at
    return [
        f"{what}: {name} is at {other.get(name)}, and {expected.get(name)} by its record"
        for name in sorted(missing | other.keys())
    ]
