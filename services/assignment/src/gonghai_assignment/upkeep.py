"""How assignment is looked after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gonghai_assignment.consistency import RecordsAudit
from gonghai_assignment.projections.comparing import OfArchive, OfPool
from gonghai_assignment.store import keys
from gonghai_chassis.upkeep.condition import AreaCondition
from gonghai_chassis.upkeep.partitions import Followed, PartitionUpkeep
from gonghai_policy_service.store.keys import RECOMPUTE

if TYPE_CHECKING:
    from gonghai_assignment.store.projections import ProjectionStore
    from gonghai_chassis.events import Feed
    from gonghai_chassis.store import Store


def upkeep_of(
    store: Store, projections: ProjectionStore, *, archive: Feed, pool: Feed, dev: bool
) -> PartitionUpkeep:
    """Put together what looks after assignment's partitions."""
    return PartitionUpkeep(
        AreaCondition(
            store,
            (keys.PARKED, RECOMPUTE),
            ("archive", "pool"),
            queue_kinds=(keys.QUEUED,),
            settled=not dev,
        ),
        {
            "archive": Followed(archive, lambda: OfArchive(store, projections)),
            "pool": Followed(pool, lambda: OfPool(store, projections)),
        },
        RecordsAudit(store),
    )
