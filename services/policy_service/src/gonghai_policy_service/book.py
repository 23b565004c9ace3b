"""The policy documents of the tenants, as one service keeps them in its own store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from gonghai.policy.v1 import policy_service_pb2
from gonghai_chassis.events import SnapshotItem
from gonghai_chassis.store import Script, records
from gonghai_engine import PolicyDocument
from gonghai_policy_service.messages import revision_message, revision_of
from gonghai_policy_service.revisions import Revision
from gonghai_policy_service.store import keys

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gonghai_chassis.events import Event, Rebuild, Step
    from gonghai_chassis.store import Partition, Reply, Store
    from gonghai_engine import Engine, TenantPolicy

KIND = "policy_applied"
"""The event by which archive tells of a revision."""

_log = structlog.get_logger(__name__)

_APPLY = Script("gonghai_policy_service.store", "apply_policy")
_FOLLOW = Script("gonghai_policy_service.store", "follow_policy")
_LOAD = Script("gonghai_policy_service.store", "load_policy")
_FINISH_RECOMPUTE = Script("gonghai_policy_service.store", "finish_recompute")
_LIST_TENANTS = Script("gonghai_policy_service.store", "list_tenants")
_LIST_REVISIONS = Script("gonghai_policy_service.store", "list_revisions")


class PolicyBook:
    """Keeps each tenant's present revision in the store and in the engine.

    Commands read the tenant's stamp together with what they decide on, and `ensure` that the engine
    has that revision. A tenant never goes back to an older one, in whatever order a replica learns
    of them, but where the store itself does: it lost the later one in a fail-over.
    """

    def __init__(self, store: Store, engine: Engine, *, recompute: bool = False) -> None:
        """Open the book.

        Args:
            store: the service's own.
            engine: where tenants' policies are activated.
            recompute: whether a new revision leaves work of kind `policy` for the service: the
                records of the tenant are to be decided anew, then `recomputed` is told.
        """
        self._store = store
        self._engine = engine
        self._recompute = recompute
        self._seen: dict[str, bytes] = {}
        self._activating: dict[str, asyncio.Lock] = {}

    def key(self, partition: Partition, tenant: str) -> str:
        """Return where a tenant's stamp is, to be read with what is decided on."""
        return keys.stamp(partition, tenant)

    async def ensure(
        self, tenant: str, stamp: bytes | None, *, deadline: float | None = None
    ) -> TenantPolicy:
        """Return the tenant's policy, of the stamp's revision or a later one.

        The store is right where it has an older one than this process knows: a fail-over lost it.

        Raises:
            StoreUnavailable: the document could not be fetched.
        """
        if self._seen.get(tenant) != stamp:
            await self._activate(tenant, stamp, deadline)
        return self._engine.tenant(tenant)

    async def tenant(self, tenant: str, *, deadline: float | None = None) -> TenantPolicy:
        """Read the tenant's stamp and return his policy; raises what `ensure` raises."""
        partition = self._store.partition(tenant)
        read = await self._store.read(partition, [keys.stamp(partition, tenant)], deadline=deadline)
        return await self.ensure(tenant, read.values[0], deadline=deadline)

    async def follow(self, step: Step, event: Event) -> bool:
        """Keep the revision that archive published, moving the cursor in the same step."""
        revision = revision_of(policy_service_pb2.PolicyRevision.FromString(event.payload))
        await self._store.run(
            _FOLLOW,
            step.partition,
            keys={**step.keys(), **self._keys(step.partition, revision.tenant)},
            args={**step.args(), **self._args(revision)},
        )
        return True

    async def load(self, rebuild: Rebuild, item: SnapshotItem) -> None:
        """Keep a revision out of archive's snapshot, whatever is known."""
        revision = revision_of(policy_service_pb2.PolicyRevision.FromString(item.payload))
        await self._store.run(
            _LOAD,
            rebuild.partition,
            keys={**rebuild.keys(), **self._keys(rebuild.partition, revision.tenant)},
            args={**rebuild.args(), **self._args(revision)},
        )

    async def recomputed(self, partition: Partition, tenant: str, revision: int) -> bool:
        """Note that the tenant's records were all decided by this revision or a later one.

        Returns:
            False when there is a later revision by now: the work goes on.
        """
        reply = await self._store.run(
            _FINISH_RECOMPUTE,
            partition,
            keys={"stamp": keys.stamp(partition, tenant), "due": keys.recompute(partition)},
            args={"tenant": tenant, "revision": revision},
        )
        return reply.status == "done"

    async def current(
        self, tenant: str, *, deadline: float | None = None
    ) -> tuple[Revision | None, int]:
        """Return the tenant's present revision, None while he has none, and domain time (µs)."""
        partition = self._store.partition(tenant)
        read = await self._store.read(
            partition, [keys.document(partition, tenant)], deadline=deadline
        )
        packed = read.values[0]
        return (None if packed is None else Revision.unpack(packed)), read.now

    async def append(
        self,
        revision: Revision,
        document: PolicyDocument,
        *,
        base_revision: int,
        request: tuple[str, str],
        deadline: float | None,
    ) -> Reply:
        """Store a tenant's next revision and publish it; archive alone does.

        Args:
            revision: the next one.
            document: the same, as the engine read it.
            base_revision: the one that the caller saw; 0 when he asks for no check.
            request: request id and fingerprint of the call, both "" for none.
            deadline: in seconds of `time.monotonic`.

        Returns:
            `ok{record}`, `moved` when its number is not the next one, or `outdated{revision}`
            when the base is not the present one.
        """
        tenant = revision.tenant
        partition = self._store.partition(tenant)
        request_id, fingerprint = request
        reply = await self._store.run(
            _APPLY,
            partition,
            keys={
                **self._keys(partition, tenant),
                "request": partition.request_key(tenant, request_id),
                "revisions": keys.revisions(partition, tenant),
            },
            args={
                **self._args(revision),
                "fingerprint": fingerprint,
                "base_revision": base_revision,
                "event": revision_message(revision).SerializeToString(),
            },
            deadline=deadline,
        )
        if reply.status == "ok" and not reply.replayed:
            await self._engine.put_in_force(tenant, revision.number, document)
        return reply

    async def revisions(
        self, tenant: str, *, below: int | None, limit: int, deadline: float | None = None
    ) -> tuple[list[Revision], bool]:
        """Return revisions below a number, newest first, and whether there are more."""
        partition = self._store.partition(tenant)
        reply = await self._store.run(
            _LIST_REVISIONS,
            partition,
            keys={"revisions": keys.revisions(partition, tenant)},
            args={"below": below, "limit": limit},
            deadline=deadline,
        )
        stored = records.sequence(reply.fields["records"])
        return [Revision.unpack(records.blob(each)) for each in stored], reply.fields["more"]

    async def revision(
        self, tenant: str, number: int, *, deadline: float | None = None
    ) -> Revision | None:
        """Return one of a tenant's revisions, None where there is none of this number."""
        found, _ = await self.revisions(tenant, below=number + 1, limit=1, deadline=deadline)
        return found[0] if found and found[0].number == number else None

    async def snapshot(
        self, partition: Partition, tenant: str | None = None
    ) -> AsyncIterator[SnapshotItem]:
        """Yield the present revision of each tenant of a partition, or of one of them."""
        reply = await self._store.run(
            _LIST_TENANTS, partition, keys={"tenants": keys.tenants(partition)}, args={}
        )
        for name in sorted(records.sequence(reply.fields["tenants"])):
            if tenant not in {None, name}:
                continue
            revision, _ = await self.current(name)
            if revision is not None:
                payload = revision_message(revision).SerializeToString()
                yield SnapshotItem(KIND, name, name, revision.number, payload)

    async def _activate(self, tenant: str, stamp: bytes | None, deadline: float | None) -> None:
        # One after the other, so that what was read last is in force at the end.
        async with self._activating.setdefault(tenant, asyncio.Lock()):
            await self._follow_store(tenant, deadline)
            if stamp is None:
                self._seen.pop(tenant, None)
            else:
                self._seen[tenant] = stamp

    async def _follow_store(self, tenant: str, deadline: float | None) -> None:
        current, _ = await self.current(tenant, deadline=deadline)
        if current is None:
            lost = self._engine.tenant(tenant).revision
            if lost:
                _log.warning("policy_lost", tenant=tenant, revision=lost)
                self._engine.forget(tenant)
            return
        # Archive has checked it against its plugins. One that is missing here makes its decisions
        # fail, on the safe side, instead of leaving the tenant on the revision before; so does a
        # document that archive's release can read and this one can't.
        document = await asyncio.to_thread(PolicyDocument.in_force, current.document)
        if document.unreadable:
            _log.error(
                "policy_unreadable",
                tenant=tenant,
                revision=current.number,
                why=document.unreadable,
            )
        known = self._engine.tenant(tenant)
        lost = known.revision > current.number or (
            known.revision == current.number and known.document.digest != document.digest
        )
        if lost:
            _log.warning(
                "policy_lost", tenant=tenant, revision=known.revision, present=current.number
            )
        if await self._engine.put_in_force(tenant, current.number, document, instead=lost):
            _log.info("policy_activated", tenant=tenant, revision=current.number)

    def _keys(self, partition: Partition, tenant: str) -> dict[str, str]:
        return {
            "stamp": keys.stamp(partition, tenant),
            "document": keys.document(partition, tenant),
            "tenants": keys.tenants(partition),
            "due": keys.recompute(partition),
        }

    def _args(self, revision: Revision) -> dict[str, object]:
        return {
            "tenant": revision.tenant,
            "revision": revision.number,
            "digest": revision.digest,
            "record": revision.pack(),
            "recompute": self._recompute,
        }
