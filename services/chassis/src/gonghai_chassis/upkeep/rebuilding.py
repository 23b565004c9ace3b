"""Asking for a rebuild, and following it to its end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from gonghai_chassis.events.rebuilds import begin_rebuild
from gonghai_chassis.events.subscriber import read_progress

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from gonghai_chassis.store.partitions import Partition
    from gonghai_chassis.store.store import Store

_LOOK_EVERY: Final = 0.1
_TELL_EVERY: Final = 10


async def rebuilt(store: Store, partition: Partition, source: str) -> AsyncGenerator[bool, None]:
    """Notes that a projection is to be made anew; yields True while it is, at last False.

    Whoever holds the partition's lease makes it, in whatever process; cut off, it still goes on.

    Raises:
        StoreUnavailable: the store did not answer.
    """
    await begin_rebuild(store, partition, source)
    looks = 0
    while (await read_progress(store, partition, source)).rebuilding:
        if looks % _TELL_EVERY == 0:
            yield True
        looks += 1
        await asyncio.sleep(_LOOK_EVERY)
    yield False
