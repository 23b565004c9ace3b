"""The tenants' set-up: read once, kept while its mark stands, changed one part at a time."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from gonghai_chassis.events import Rebuild
from gonghai_chassis.store import Script, records
from gonghai_chassis.store.failures import VersionsMoved
from gonghai_pool.pools import Limits
from gonghai_pool.store import keys
from gonghai_pool.store.setup_records import (
    pack_limits,
    pack_pool,
    pack_rep,
    pack_team,
    unpack_limits,
    unpack_pool,
    unpack_rep,
    unpack_team,
)
from gonghai_pool.tenant_setup import TenantSetup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_chassis.events import Step
    from gonghai_chassis.store import Partition, Reply, Store
    from gonghai_pool.pools import Pool
    from gonghai_pool.staff import Rep, Team
    from gonghai_pool.store.custodies import Request

_READ: Final = Script("gonghai_pool.store", "read_setup")
_WRITE_POOL: Final = Script("gonghai_pool.store", "write_pool")
_DELETE_POOL: Final = Script("gonghai_pool.store", "delete_pool")
_WRITE_LIMITS: Final = Script("gonghai_pool.store", "write_limits")
_COUNT_POOLS: Final = Script("gonghai_pool.store", "count_pools")
_PROJECT_STAFF: Final = Script("gonghai_pool.store", "project_staff")
_LOAD_STAFF: Final = Script("gonghai_pool.store", "load_staff")
_LIST_TENANTS: Final = Script("gonghai_pool.store", "list_tenants")
_RECALL: Final = Script("gonghai_pool.store", "recall")

_MOST_KEPT: Final = 1000
ALL: Final = "all"
"""The scope of a recomputation that goes over every customer of the tenant."""


class PoolInUse(Exception):  # noqa: N818 - an answer of the store
    """Customers are in the pool, or cannot do without it.

    Attributes:
        customers: how many are in it.
        offered: how many are kept for somebody out of it.
        coming: how many are to go on to it.
    """

    def __init__(self, customers: int, offered: int, coming: int) -> None:
        """Say how many."""
        super().__init__(f"{customers} customers in it, {offered} offered, {coming} coming")
        self.customers = customers
        self.offered = offered
        self.coming = coming


class SetupStore:
    """Reads and changes what tenants have set up."""

    def __init__(self, store: Store) -> None:
        """Take the store."""
        self._store = store
        self._kept: OrderedDict[str, TenantSetup] = OrderedDict()

    async def of(
        self, partition: Partition, tenant: str, mark: bytes | None, deadline: float | None
    ) -> TenantSetup:
        """Return the set-up that has this mark, or a later one."""
        text = (mark or b"").decode()
        kept = self._kept.get(tenant)
        if kept is not None and kept.mark == text:
            return kept
        if not text:
            return TenantSetup(tenant)
        return await self._read(partition, tenant, deadline)

    async def current(self, tenant: str, deadline: float | None = None) -> TenantSetup:
        """Read the set-up as it is now."""
        partition = self._store.partition(tenant)
        read = await self._store.read(partition, [keys.setup(partition, tenant)], deadline=deadline)
        return await self.of(partition, tenant, read.values[0], deadline)

    async def _read(self, partition: Partition, tenant: str, deadline: float | None) -> TenantSetup:
        reply = await self._store.run(
            _READ, partition, keys=keys.setup_parts(partition, tenant), args={}, deadline=deadline
        )
        fields = reply.fields
        pools = [unpack_pool(records.blob(one)) for one in records.sequence(fields["pools"])]
        reps = [unpack_rep(records.blob(one)) for one in records.sequence(fields["reps"])]
        teams = [unpack_team(records.blob(one)) for one in records.sequence(fields["teams"])]
        limits = fields["limits"]
        setup = TenantSetup(
            tenant,
            fields["mark"],
            unpack_limits(records.blob(limits)) if limits else Limits(),
            {pool.id: pool for pool in sorted(pools, key=lambda pool: pool.id)},
            {rep.id: rep for rep in reps},
            {team.id: team for team in teams},
        )
        self._kept[tenant] = setup
        self._kept.move_to_end(tenant)
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return setup

    async def tenants(self, partition: Partition) -> list[str]:
        """List the tenants that a partition has records of, by name."""
        reply = await self._store.run(
            _LIST_TENANTS, partition, keys={"tenants": keys.tenants(partition)}, args={}
        )
        return records.sequence(reply.fields["tenants"])

    async def recall_pool(
        self, tenant: str, request: Request, deadline: float | None = None
    ) -> Pool | None:
        """Return the pool that this very request was answered with before; None for a new one."""
        reply = await self._recalled(tenant, request, deadline)
        record = reply.fields.get("record") if reply is not None else None
        return None if record is None else unpack_pool(records.blob(record))

    async def recall_limits(
        self, tenant: str, request: Request, deadline: float | None = None
    ) -> Limits | None:
        """Return the limits that this very request was answered with before; None for a new one."""
        reply = await self._recalled(tenant, request, deadline)
        record = reply.fields.get("record") if reply is not None else None
        return None if record is None else unpack_limits(records.blob(record))

    async def deleted_before(
        self, tenant: str, request: Request, deadline: float | None = None
    ) -> bool:
        """Whether this very request has deleted its pool before."""
        return await self._recalled(tenant, request, deadline) is not None

    async def _recalled(
        self, tenant: str, request: Request, deadline: float | None
    ) -> Reply | None:
        if not request.fingerprint:
            return None
        partition = self._store.partition(tenant)
        reply = await self._store.run(
            _RECALL,
            partition,
            keys={"request": partition.request_key(tenant, request.id)},
            args={"fingerprint": request.fingerprint},
            deadline=deadline,
        )
        return None if reply.status == "none" else reply

    async def write_pool(
        self,
        setup: TenantSetup,
        pool: Pool,
        event: bytes,
        *,
        request: tuple[str, str],
        recompute: bool,
        trial: bool = False,
        deadline: float | None = None,
    ) -> Pool:
        """Store a pool on this set-up; returns it, or what a repeated request was answered with.

        Raises:
            VersionsMoved: the set-up has changed.
        """
        partition = self._store.partition(setup.tenant)
        parts = keys.setup_parts(partition, setup.tenant)
        reply = await self._store.run(
            _WRITE_POOL,
            partition,
            keys={
                "request": partition.request_key(setup.tenant, request[0]),
                "setup": parts["setup"],
                "pool_records": parts["pool_records"],
                "tenants": keys.tenants(partition),
                **keys.recompute(partition),
            },
            args={
                "fingerprint": request[1],
                "tenant": setup.tenant,
                "seen_setup": setup.mark,
                "pool": pool.id,
                "version": pool.version,
                "record": pack_pool(pool),
                "event": event,
                "scope": ALL if recompute else None,
                "trial": trial or None,
            },
            deadline=deadline,
        )
        return unpack_pool(records.blob(_accepted(reply).fields["record"]))

    async def delete_pool(
        self,
        setup: TenantSetup,
        pool: Pool,
        event: bytes,
        *,
        request: tuple[str, str],
        deadline: float | None = None,
    ) -> None:
        """Remove a pool that no customer needs.

        Raises:
            VersionsMoved: the set-up has changed.
            PoolInUse: customers are in it, are offered out of it, or are to go on to it.
        """
        partition = self._store.partition(setup.tenant)
        parts = keys.setup_parts(partition, setup.tenant)
        reply = await self._store.run(
            _DELETE_POOL,
            partition,
            keys={
                "request": partition.request_key(setup.tenant, request[0]),
                "setup": parts["setup"],
                "pool_records": parts["pool_records"],
                "in_pool": keys.index(partition, setup.tenant)["in_pool"],
            },
            args={
                "fingerprint": request[1],
                "tenant": setup.tenant,
                "seen_setup": setup.mark,
                "pool": pool.id,
                "version": pool.version + 1,
                "event": event,
            },
            deadline=deadline,
        )
        if reply.status == "in_use":
            fields = reply.fields
            raise PoolInUse(fields["customers"], fields["offered"], fields["coming"])
        _accepted(reply)

    async def write_limits(
        self,
        setup: TenantSetup,
        limits: Limits,
        event: bytes,
        *,
        request: tuple[str, str],
        recompute: bool,
        deadline: float | None = None,
    ) -> Limits:
        """Store the limits on this set-up; returns them, or what the request was answered with.

        Raises:
            VersionsMoved: the set-up has changed.
        """
        partition = self._store.partition(setup.tenant)
        parts = keys.setup_parts(partition, setup.tenant)
        reply = await self._store.run(
            _WRITE_LIMITS,
            partition,
            keys={
                "request": partition.request_key(setup.tenant, request[0]),
                "setup": parts["setup"],
                "limits": parts["limits"],
                "tenants": keys.tenants(partition),
                **keys.recompute(partition),
            },
            args={
                "fingerprint": request[1],
                "tenant": setup.tenant,
                "seen_setup": setup.mark,
                "version": limits.version,
                "record": pack_limits(limits),
                "event": event,
                "scope": ALL if recompute else None,
            },
            deadline=deadline,
        )
        return unpack_limits(records.blob(_accepted(reply).fields["record"]))

    async def count(
        self, tenant: str, pools: Sequence[str], deadline: float | None = None
    ) -> dict[str, int]:
        """Return how many customers are in each of these pools."""
        if not pools:
            return {}
        partition = self._store.partition(tenant)
        reply = await self._store.run(
            _COUNT_POOLS,
            partition,
            keys={"in_pool": keys.index(partition, tenant)["in_pool"]},
            args={"pools": list(pools)},
            deadline=deadline,
        )
        return dict(zip(pools, reply.fields["counts"], strict=True))

    async def keep_rep(
        self, where: Step | Rebuild, tenant: str, rep: Rep, *, scope: str | None
    ) -> None:
        """Keep what assignment says of a rep; in a step unless a newer word is known."""
        await self._keep(where, tenant, "reps", rep.id, rep.version, pack_rep(rep), scope)

    async def keep_team(self, where: Step | Rebuild, tenant: str, team: Team) -> None:
        """Keep what assignment says of a team; in a step unless a newer word is known."""
        await self._keep(where, tenant, "teams", team.id, team.version, pack_team(team), None)

    async def _keep(
        self,
        where: Step | Rebuild,
        tenant: str,
        part: str,
        ident: str,
        version: int,
        record: bytes,
        scope: str | None,
    ) -> None:
        partition = where.partition
        parts = keys.setup_parts(partition, tenant)
        names = {
            **where.keys(),
            "staff": parts[part],
            "setup": parts["setup"],
            "tenants": keys.tenants(partition),
            **keys.recompute(partition),
        }
        args = {
            "tenant": tenant,
            "id": ident,
            "record": record,
            "scope": scope,
        }
        if isinstance(where, Rebuild):
            await self._store.run(_LOAD_STAFF, partition, keys=names, args={**where.args(), **args})
            return
        await self._store.run(
            _PROJECT_STAFF,
            partition,
            keys=names,
            args={**where.args(), **args, "version": version},
        )


def _accepted(reply: Reply) -> Reply:
    if reply.status == "moved":
        raise VersionsMoved("The tenant's set-up has changed.")
    return reply
