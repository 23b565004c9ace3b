"""How the archive is looked after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gonghai_archive.consistency import RecordsAudit
from gonghai_archive.projections.comparing import OfAssignment, OfPool
from gonghai_chassis.upkeep.condition import AreaCondition
from gonghai_chassis.upkeep.partitions import Followed, PartitionUpkeep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_archive.projections.resources import Resources
    from gonghai_archive.store.customers import CustomerStore
    from gonghai_chassis.events import Feed


def upkeep_of(
    customers: CustomerStore,
    resources: Resources,
    *,
    pool: Feed,
    assignment: Feed,
    due_kinds: Sequence[str],
    dev: bool,
) -> PartitionUpkeep:
    """Put together what looks after the archive's partitions."""
    store = customers.store
    return PartitionUpkeep(
        AreaCondition(store, due_kinds, ("pool", "assignment"), settled=not dev),
        {
            "pool": Followed(pool, lambda: OfPool(customers, resources)),
            "assignment": Followed(assignment, lambda: OfAssignment(resources)),
        },
        RecordsAudit(store),
    )
