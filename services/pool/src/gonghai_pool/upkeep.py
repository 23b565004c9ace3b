"""How pool is looked after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gonghai_chassis.upkeep.condition import AreaCondition
from gonghai_chassis.upkeep.partitions import Followed, PartitionUpkeep
from gonghai_pool.consistency import RecordsAudit
from gonghai_pool.projections.comparing import OfArchive, OfAssignment
from gonghai_pool.store import keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_chassis.events import Feed
    from gonghai_pool.store.custodies import CustodyStore


def upkeep_of(
    custodies: CustodyStore,
    *,
    archive: Feed,
    assignment: Feed,
    due_kinds: Sequence[str],
    dev: bool,
) -> PartitionUpkeep:
    """Put together what looks after pool's partitions."""
    return PartitionUpkeep(
        AreaCondition(custodies.store, due_kinds, (keys.ARCHIVE, keys.ASSIGNMENT), settled=not dev),
        {
            keys.ARCHIVE: Followed(archive, lambda: OfArchive(custodies)),
            keys.ASSIGNMENT: Followed(assignment, lambda: OfAssignment(custodies)),
        },
        RecordsAudit(custodies.store),
    )
