"""Lists against records: what is not where it should be is told, whatever the size of the list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gonghai_chassis.upkeep.listed import members, misplaced, names

if TYPE_CHECKING:
    from gonghai_chassis.testing.plugin import OpenStore

# The server keeps small lists otherwise than large ones.
SIZES = [3, 2000]


@pytest.mark.parametrize("size", SIZES)
async def test_what_is_not_where_its_record_has_it_is_told(
    open_store: OpenStore, size: int
) -> None:
    client: Any = (await open_store("pool")).client()
    # Instants are as large as this.
    expected = {f"c{number:05}": 1_700_000_000_000_000 + number for number in range(size)}
    await client.zadd("list", expected)
    assert await misplaced(client, "list", "list", expected) == []
    assert await names(client, "list") == sorted(expected)
    await client.zadd("list", {"c00001": 7, "stranger": 5})
    await client.zrem("list", "c00000")
    assert await misplaced(client, "list", "list", expected) == [
        "list: c00000 is at None, and 1700000000000000 by its record",
        "list: c00001 is at 7, and 1700000000000001 by its record",
        "list: stranger is at 5, and None by its record",
    ]


async def test_a_list_is_not_read_at_a_stroke(open_store: OpenStore) -> None:
    client: Any = (await open_store("pool")).client()
    await client.zadd("list", {f"c{number}": number for number in range(5000)})
    await client.config_resetstat()
    assert len({name async for name, _ in members(client, "list")}) == 5000
    calls = (await client.info("commandstats"))["cmdstat_zscan"]["calls"]
    assert calls >= 5
