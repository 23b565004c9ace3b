"""The pool service's parts driven by hand: no server, and no workers that run by themselves."""

# ruff: noqa: ANN401 - fields of many messages, and stubs of no common type
from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gonghai.archive.v1 import events_pb2 as archive_events
from gonghai.assignment.v1 import rep_pb2
from gonghai_chassis.dev_clock import DevClock
from gonghai_chassis.events import Event, Step, Tail, read_progress
from gonghai_chassis.events.cursors import Cursor
from gonghai_chassis.instants import timestamp
from gonghai_chassis.leases import Lease, Leases
from gonghai_chassis.names import CustomerName, PoolName, RepName
from gonghai_chassis.principals import Reach
from gonghai_chassis.store import Script, Store
from gonghai_chassis.sweeper import Due
from gonghai_policy_service.values import to_value
from gonghai_pool.commands.assign import Assignment
from gonghai_pool.commands.claim import Claim
from gonghai_pool.commands.order import Order
from gonghai_pool.commands.release import Release
from gonghai_pool.commands.reserve import Reserve
from gonghai_pool.commands.transfer import Transfer
from gonghai_pool.custody import Custody, Holder, Purpose
from gonghai_pool.ground import Actor
from gonghai_pool.pools import Member, MemberKind, Pool
from gonghai_pool.projections.archive import ArchiveProjection
from gonghai_pool.projections.assignment import AssignmentProjection
from gonghai_pool.service import DUE_KINDS, PoolParts
from gonghai_pool.store import keys
from gonghai_pool.store.custodies import Request
from gonghai_pool.viewing import Viewer
from gonghai_pool.workers.clocks import Clocks
from gonghai_pool.workers.recomputation import Recomputation
from gonghai_pool.workers.reservations import Reservations

from .feeds import INCARNATION
from .sea import PARENT, START, TENANT, customer_name, rep_name
from .sea_plugin import sea_engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gonghai_chassis.store import StoreSettings
    from gonghai_pool.engine_face import Decider

_PROGRESS = Script("gonghai_chassis.store", "store_progress")


def order(request_id: str = "") -> Order:
    """As the administrator, who may do everything."""
    return Order(
        Actor("admin:ann"),
        Viewer("test", Reach.TENANT, "", masked=False),
        Request(request_id, f"print of {request_id}") if request_id else Request(),
    )


@dataclass
class Hands:
    """The parts, the lease of the tenant's partition, and what was told."""

    store: Store
    parts: PoolParts
    lease: Lease
    leases: Leases
    clock: DevClock
    now: int = START
    _versions: dict[str, int] = field(default_factory=dict)

    # Time.

    async def at(self, now: int, *, promise: bool = True) -> None:
        """Move the clock, and let the archive say that it is complete up to there."""
        self.now = now
        await self.clock.set(now, frozen=True)
        if promise:
            await self.promise(now)

    async def promise(self, through: int) -> None:
        """Let the archive say that everything before this moment is in its stream."""
        step = await self._step("archive", 0)
        await self.store.run(
            _PROGRESS,
            self.lease.partition,
            keys=step.keys(),
            args={**step.args(), "through": through},
        )

    async def pass_to(self, until: int) -> None:
        """Move the clock from due moment to due moment, and do at each what is due."""
        client: Any = self.store.client(self.lease.partition)
        while True:
            coming = [
                int(at)
                for kind in DUE_KINDS
                for _, at in await client.zrange(
                    self.lease.partition.due_key(kind), 0, 0, withscores=True
                )
            ]
            if not coming or min(coming) > until:
                await self.at(until)
                return
            await self.at(max(self.now, min(coming)))
            await self.sweep()

    async def sweep(self) -> None:
        """Do once what is due, in the order in which it fell due."""
        for kind, handle in (
            (keys.RESERVATION, Reservations(self.parts.custodies, self.lease).handle),
            (keys.CLOCK, self.clocks.handle),
            (keys.RECOMPUTE, self.recomputation.follow_setup),
            (keys.POLICY, self.recomputation.follow_policy),
        ):
            due = await self.due(kind)
            if due:
                await handle(due, self.now)

    async def due(self, kind: str) -> list[Due]:
        """What of a kind is due by now."""
        client: Any = self.store.client(self.lease.partition)
        found = await client.zrange(
            self.lease.partition.due_key(kind), "-inf", self.now, byscore=True, withscores=True
        )
        return [Due(member.decode(), int(at)) for member, at in found]

    @property
    def clocks(self) -> Clocks:
        """The sweeper of clocks."""
        return Clocks(self.parts.custodies, self.parts.policies, self.lease)

    @property
    def recomputation(self) -> Recomputation:
        """The sweeper of recomputations."""
        parts = self.parts
        return Recomputation(parts.custodies, parts.policies, parts.book, self.lease)

    # What the peers tell.

    async def customer(self, customer: str, *, tags: tuple[str, ...] = (), **fields: Any) -> None:
        """The archive tells of a customer."""
        version = self._next(customer)
        told = {"admission_pool": f"{PARENT}/pools/east", "admission_rule": "region", **fields}
        message = archive_events.CustomerFacts(
            customer=customer_name(customer), version=version, **told
        )
        message.facts["tags"].CopyFrom(to_value(frozenset(tags)))
        await self._archive("customer_changed", customer, version, message)

    async def activity(
        self, customer: str, kind: str = "follow_up", *, when: int | None = None, **fields: Any
    ) -> None:
        """The archive tells of an activity."""
        message = archive_events.ActivityFacts(
            customer=customer_name(customer),
            activity=f"activity-{self._next('activity')}",
            kind=kind,
            occur_time=timestamp(self.now if when is None else when),
            **fields,
        )
        await self._archive("activity_recorded", customer, 1, message)

    async def rep(self, rep: str, **fields: Any) -> None:
        """Assignment tells of a rep of the team `sales`."""
        told = {"team": f"{PARENT}/teams/sales", **fields}
        message = rep_pb2.Rep(name=rep_name(rep), state=rep_pb2.REP_STATE_ACTIVE, **told)
        await self._assignment("rep_changed", rep, message)

    async def team(self, team: str) -> None:
        """Assignment tells of a team."""
        await self._assignment("team_changed", team, rep_pb2.Team(name=f"{PARENT}/teams/{team}"))

    async def pool(self, pool: str = "east", **fields: Any) -> None:
        """Make a pool that is open to the team `sales`."""
        made = Pool(
            id=pool,
            version=0,
            display_name=pool,
            **{"members": (Member(MemberKind.TEAM, "sales"),), **fields},
        )
        await self.parts.commands.pools.create(TENANT, made, order())

    # What callers do.

    async def claim(self, customer: str, rep: str, request_id: str = "") -> None:
        """Claim for a rep."""
        claim = Claim(CustomerName(TENANT, customer), RepName(TENANT, rep))
        await self.parts.commands.claim(claim, order(request_id))

    async def assign(self, customer: str, rep: str) -> None:
        """Assign to a rep."""
        assignment = Assignment(CustomerName(TENANT, customer), Holder.rep(rep))
        await self.parts.commands.assign(assignment, order())

    async def offer(self, customer: str, rep: str) -> None:
        """Keep a pooled customer for a rep."""
        reserve = Reserve(CustomerName(TENANT, customer), RepName(TENANT, rep), Purpose.OFFER)
        await self.parts.commands.reserve(reserve, order())

    async def transfer(self, customer: str, rep: str) -> None:
        """Transfer to a rep."""
        transfer = Transfer(CustomerName(TENANT, customer), RepName(TENANT, rep), "new area")
        await self.parts.commands.transfer(transfer, order())

    async def release(self, customer: str) -> None:
        """Release."""
        release = Release(CustomerName(TENANT, customer), "no interest")
        await self.parts.commands.release(release, order())

    async def delete_pool(self, pool: str) -> None:
        """Delete a pool."""
        await self.parts.commands.pools.delete(PoolName(TENANT, pool), order())

    async def custody(self, customer: str) -> Custody:
        """Who has a customer."""
        situation = await self.parts.custodies.situation(TENANT, customer)
        assert situation.custody is not None
        return situation.custody

    async def _archive(self, kind: str, subject: str, version: int, message: Any) -> None:
        parts = self.parts
        projection = ArchiveProjection(parts.custodies, parts.policies, parts.book, lambda: None)
        step = await self._step("archive", 1)
        await projection.apply(
            step,
            Event(
                step.after.position, kind, TENANT, subject, version, self.now, 1,
                message.SerializeToString(), step.after.nonce,
            ),
        )  # fmt: skip

    async def _assignment(self, kind: str, subject: str, message: Any) -> None:
        step = await self._step("assignment", 1)
        version = self._next(f"{kind} {subject}")
        await AssignmentProjection(self.parts.setups).apply(
            step,
            Event(
                step.after.position, kind, TENANT, subject, version, self.now, 1,
                message.SerializeToString(), step.after.nonce,
            ),
        )  # fmt: skip

    async def _step(self, source: str, further: int) -> Step:
        progress = await read_progress(self.store, self.lease.partition, source)
        before = progress.cursor
        position = before.position + further
        nonce = f"{position:016x}" if position else ""
        after = Cursor(INCARNATION if position else "", position, nonce)
        return Step(self.lease.partition, source, before, after)

    def _next(self, what: str) -> int:
        self._versions[what] = self._versions.get(what, 0) + 1
        return self._versions[what]


@asynccontextmanager
async def hands(settings: StoreSettings, *, decider: Decider | None = None) -> AsyncIterator[Hands]:
    """Open the parts on a store whose clock stands still."""
    store = await Store.open(settings, area="pool")
    tail = await Tail.open(store)
    leases = Leases(store, ttl=600.0)
    try:
        clock = DevClock(store, {})
        await clock.set(START, frozen=True)
        held = {lease.partition.index: lease for lease in await leases.acquire(leases.share)}
        engine = sea_engine()
        parts = PoolParts(store, tail, engine, decider or engine)
        yield Hands(store, parts, held[store.partition(TENANT).index], leases, clock)
    finally:
        await tail.close()
        await store.close()
