"""Rebuilds of a projection: asked for by anybody, made by the subscriber, fenced in every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gonghai_chassis.ids import new_id
from gonghai_chassis.store.partitions import NO_TENANT
from gonghai_chassis.store.scripts import Script

if TYPE_CHECKING:
    from gonghai_chassis.store.partitions import Partition
    from gonghai_chassis.store.store import Store

_BEGIN_REBUILD = Script("gonghai_chassis.store", "begin_rebuild")


@dataclass(frozen=True, slots=True)
class Rebuild:
    """One rebuild of a projection in one partition.

    While it is noted as under way no event is taken in: the include `cursor` finds every step
    stale. So what a snapshot says, which is read after that, is never older than what is stored,
    and takes its place whatever the versions say.

    Attributes:
        partition: where the projection lives.
        source: area whose stream is followed.
        generation: marks what the snapshot had.
    """

    partition: Partition
    source: str
    generation: str

    def keys(self) -> dict[str, str]:
        """Keys that the include `rebuild` needs."""
        return {"cursor": self.partition.cursor_key(self.source)}

    def args(self) -> dict[str, Any]:
        """Arguments that the include `rebuild` needs."""
        return {"generation": self.generation}


async def begin_rebuild(store: Store, partition: Partition, source: str) -> Rebuild:
    """Notes that a projection is to be made anew; a rebuild that is under way starts again.

    Whoever holds the partition's lease notices with the next batch if that is this process, else
    with his next step, which is stale: within some seconds on a stream on which nothing happens.
    """
    rebuild = Rebuild(partition, source, new_id())
    await store.run(
        _BEGIN_REBUILD,
        partition,
        keys={**rebuild.keys(), "asked": asked_key(partition, source)},
        args=rebuild.args(),
    )
    return rebuild


def asked_key(partition: Partition, source: str) -> str:
    """What is written to whenever a rebuild begins (`Store.on_write`)."""
    return partition.key("rebuild_asked", NO_TENANT, source)
