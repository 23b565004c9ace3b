"""Pools, reps and teams: small resources that a peer tells of whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gonghai_archive.store import keys
from gonghai_chassis.store import Script, records

if TYPE_CHECKING:
    from gonghai_chassis.events import Rebuild, Step
    from gonghai_chassis.store import Partition, Store

FOLLOW: Final = Script("gonghai_archive.store", "follow_resource")
LOAD: Final = Script("gonghai_archive.store", "load_resource")
DROP: Final = Script("gonghai_archive.store", "drop_resources")
TENANTS: Final = Script("gonghai_archive.store", "list_tenants")


@dataclass(frozen=True, slots=True)
class Resources:
    """Keeps what peers tell of their resources."""

    store: Store

    async def follow(
        self, step: Step, key: str, tenant: str, ident: str, version: int, record: bytes | None
    ) -> None:
        """Keep what an event says; without a record the resource is forgotten."""
        await self.store.run(
            FOLLOW,
            step.partition,
            keys={**step.keys(), "resources": key, "tenants": keys.tenants(step.partition)},
            args={
                **step.args(),
                "tenant": tenant,
                "id": ident,
                "version": version,
                "record": record,
            },
        )

    async def load(
        self, rebuild: Rebuild, key: str, tenant: str, ident: str, record: bytes
    ) -> None:
        """Keep what a snapshot says, whatever is known."""
        await self.store.run(
            LOAD,
            rebuild.partition,
            keys={
                **rebuild.keys(),
                "resources": key,
                "tenants": keys.tenants(rebuild.partition),
            },
            args={**rebuild.args(), "tenant": tenant, "id": ident, "record": record},
        )

    async def drop(self, rebuild: Rebuild, key: str) -> None:
        """Forget those that do not carry the rebuild's generation."""
        await self.store.run(
            DROP,
            rebuild.partition,
            keys={**rebuild.keys(), "resources": key},
            args=rebuild.args(),
        )

    async def idents(self, partition: Partition, key: str) -> list[str]:
        """Return the ids of those that are kept under a key."""
        client: Any = self.store.client(partition)
        return sorted(each.decode() for each in await client.hkeys(key))

    async def tenants(self, partition: Partition) -> list[str]:
        """Return the tenants of a partition that the archive knows, in order."""
        reply = await self.store.run(
            TENANTS, partition, keys={"tenants": keys.tenants(partition)}, args={}
        )
        return sorted(records.sequence(reply.fields["tenants"]))
