"""The policies that a service keeps, beside those that archive's snapshot has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gonghai.policy.v1 import policy_service_pb2
from gonghai_chassis.store import Script, records
from gonghai_chassis.upkeep.comparison import Known, Sight
from gonghai_policy_service.book import KIND
from gonghai_policy_service.messages import revision_of
from gonghai_policy_service.revisions import Revision
from gonghai_policy_service.store import keys

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from gonghai_chassis.events import SnapshotItem
    from gonghai_chassis.store import Partition, Store

__all__ = ["KIND", "kept_policies", "policies_seen"]

_LIST_TENANTS = Script("gonghai_policy_service.store", "list_tenants")


async def policies_seen(
    store: Store, partition: Partition, items: Sequence[SnapshotItem]
) -> list[Sight]:
    """Return what a rebuild would store of policies, and what is stored."""
    told = [
        revision_of(policy_service_pb2.PolicyRevision.FromString(item.payload)) for item in items
    ]
    read = await store.read(partition, [keys.document(partition, item.subject) for item in items])
    return [
        Sight(_known(one), None if packed is None else _known(Revision.unpack(packed)))
        for one, packed in zip(told, read.values, strict=True)
    ]


async def kept_policies(
    store: Store, partition: Partition
) -> AsyncGenerator[tuple[str, str, dict[str, int]], None]:
    """Yield the present revision of each tenant, as subjects of a projection."""
    reply = await store.run(
        _LIST_TENANTS, partition, keys={"tenants": keys.tenants(partition)}, args={}
    )
    for tenant in sorted(records.sequence(reply.fields["tenants"])):
        read = await store.read(partition, [keys.document(partition, tenant)])
        packed = read.values[0]
        if packed is not None:
            yield KIND, tenant, {tenant: Revision.unpack(packed).number}


def _known(revision: Revision) -> Known:
    return Known(revision.number, revision)
