"""The pool service served for a test, on a frozen clock, with its peers' streams in hand."""

# ruff: noqa: ANN401 - fields of many messages, and stubs of no common type
from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from google.protobuf.field_mask_pb2 import FieldMask

from gonghai.archive.v1 import events_pb2 as archive_events
from gonghai.assignment.v1 import rep_pb2
from gonghai.dev.v1 import clock_pb2
from gonghai.dev.v1.clock_pb2_grpc import ClockServiceStub
from gonghai.policy.v1 import policy_service_pb2
from gonghai.pool.v1 import custody_pb2, pool_pb2
from gonghai.pool.v1 import pool_service_pb2 as pb
from gonghai.pool.v1.pool_service_pb2_grpc import PoolServiceStub
from gonghai_chassis.events import read_progress
from gonghai_chassis.instants import instant_of, timestamp
from gonghai_chassis.testing.eventually import eventually
from gonghai_chassis.testing.serving import Served, dev_settings, serving
from gonghai_policy_service.values import to_value
from gonghai_pool.service import PoolParts, build
from gonghai_pool.settings import PoolSettings

from .feeds import HandFeed
from .sea_plugin import sea_engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from gonghai_chassis.assembly import Assembly
    from gonghai_chassis.store import StoreSettings
    from gonghai_engine import Engine
    from gonghai_pool.engine_face import Decider

TENANT = "acme"
PARENT = f"tenants/{TENANT}"
MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0, *, utc: int = 8) -> int:
    """An instant by a clock so many hours ahead of UTC (Shanghai's, if it is not said)."""
    moment = datetime(year, month, day, hour, minute, tzinfo=UTC)
    return int(moment.timestamp() - utc * 3600) * 1_000_000


START = at(2060, 3, 3, 10)
"""A Wednesday; later than any clock that a test runs by: domain time only goes forward."""


def customer_name(customer: str) -> str:
    return f"{PARENT}/customers/{customer}"


def rep_name(rep: str) -> str:
    return f"{PARENT}/reps/{rep}"


def pool_name(pool: str) -> str:
    return f"{PARENT}/pools/{pool}"


@dataclass
class Sea:
    """The served pool service and what its peers have told it."""

    served: Served[PoolSettings]
    parts: PoolParts
    archive: HandFeed
    assignment: HandFeed
    now: int = START
    _versions: dict[str, int] = field(default_factory=dict)
    _activities: int = 0
    _stubs: dict[str, Any] = field(default_factory=dict)

    @property
    def stub(self) -> Any:
        """As the tenant's administrator."""
        return self.as_("admin:ann@acme")

    def as_(self, principal: str) -> Any:
        """As somebody: `rep:wang@acme`."""
        if principal not in self._stubs:
            self._stubs[principal] = self.served.stub(PoolServiceStub, principal=principal)
        return self._stubs[principal]

    def rep_stub(self, rep: str) -> Any:
        """As a rep."""
        return self.as_(f"rep:{rep}@{TENANT}")

    @property
    def clock(self) -> Any:
        """The virtual clock."""
        if "clock" not in self._stubs:
            self._stubs["clock"] = self.served.stub(ClockServiceStub)
        return self._stubs["clock"]

    # What the peers tell.

    async def rep(self, rep: str, **fields: Any) -> None:
        """Assignment tells of a rep."""
        message = rep_pb2.Rep(name=rep_name(rep), state=rep_pb2.REP_STATE_ACTIVE)
        for name, value in fields.items():
            if isinstance(value, list):
                getattr(message, name).extend(value)
            else:
                setattr(message, name, value)
        self._tell_assignment("rep_changed", rep, message)
        await self.taken_in()

    async def team(self, team: str, managers: Sequence[str] = ()) -> None:
        """Assignment tells of a team."""
        message = rep_pb2.Team(
            name=f"{PARENT}/teams/{team}", managers=[rep_name(one) for one in managers]
        )
        self._tell_assignment("team_changed", team, message)
        await self.taken_in()

    def tell_customer(
        self, customer: str, *, tags: Sequence[str] = (), facts: Any = None, **fields: Any
    ) -> None:
        """The archive tells of a customer; nothing is waited for."""
        version = self._next(f"customer {customer}")
        told = {"admission_pool": pool_name("east"), "admission_rule": "region", **fields}
        message = archive_events.CustomerFacts(
            customer=customer_name(customer), version=version, **told
        )
        values = {"tags": frozenset(tags), **(facts or {})}
        for name, value in values.items():
            message.facts[name].CopyFrom(to_value(value))
        self.archive.tell(
            TENANT, "customer_changed", customer, version, message.SerializeToString(), self.now
        )

    async def customer(self, customer: str, **fields: Any) -> custody_pb2.Custody:
        """The archive tells of a customer; his custody once that is taken in."""
        self.tell_customer(customer, **fields)
        await self.taken_in()
        return await self.custody(customer)

    def tell_activity(
        self, customer: str, kind: str = "follow_up", *, when: int | None = None, **fields: Any
    ) -> str:
        """The archive tells of an activity; nothing is waited for. Its id."""
        self._activities += 1
        ident: str = fields.pop("ident", f"activity-{self._activities}")
        qualities = fields.pop("qualities", {})
        message = archive_events.ActivityFacts(
            customer=customer_name(customer),
            activity=ident,
            kind=kind,
            occur_time=timestamp(self.now if when is None else when),
            **fields,
        )
        for name, value in qualities.items():
            message.qualities[name].CopyFrom(to_value(value))
        self.archive.tell(
            TENANT, "activity_recorded", customer, 1, message.SerializeToString(), self.now
        )
        return ident

    async def activity(self, customer: str, kind: str = "follow_up", **fields: Any) -> None:
        """The archive tells of an activity; returns once that is taken in."""
        self.tell_activity(customer, kind, **fields)
        await self.taken_in()

    async def policy(self, text: str) -> None:
        """The archive tells of a policy revision; returns once holdings have followed it."""
        revision = self._next("policy")
        message = policy_service_pb2.PolicyRevision(
            name=f"{PARENT}/policyRevisions/{revision}",
            revision=revision,
            document=text,
            digest=self.parts.engine.parse(text).digest,
            apply_time=timestamp(self.now),
        )
        self.archive.tell(
            TENANT, "policy_applied", "", revision, message.SerializeToString(), self.now
        )
        await self.quiet()

    async def taken_in(self) -> None:
        """Wait until the pool service has taken in all that its peers have told."""
        store = self.parts.store
        partition = store.partition(TENANT)

        async def followed() -> bool:
            for source, feed in (("archive", self.archive), ("assignment", self.assignment)):
                progress = await read_progress(store, partition, source)
                if progress.cursor.position < feed.head(TENANT):
                    return False
            return True

        await eventually(followed)

    # What a tenant sets up.

    async def pool(self, pool: str = "east", **fields: Any) -> pool_pb2.Pool:
        """Make a pool, open to the team `sales` if it is not said otherwise."""
        told = {
            "display_name": pool,
            "members": [pool_pb2.PoolMember(team=f"{PARENT}/teams/sales")],
            **fields,
        }
        made: pool_pb2.Pool = await self.stub.CreatePool(
            pb.CreatePoolRequest(parent=PARENT, pool_id=pool, pool=pool_pb2.Pool(**told))
        )
        await self.quiet()
        return made

    async def limits(self, **fields: Any) -> pool_pb2.Limits:
        """Set the tenant's limits."""
        limits = pool_pb2.Limits(name=f"{PARENT}/limits", **fields)
        stored: pool_pb2.Limits = await self.stub.UpdateLimits(
            pb.UpdateLimitsRequest(limits=limits, update_mask=FieldMask(paths=["*"]))
        )
        await self.quiet()
        return stored

    async def staffed(self, *reps: str) -> None:
        """A team `sales` with these reps, run by `li`, and the pool `east` open to it."""
        await self.team("sales", managers=["li"])
        for rep in reps or ("wang", "zhao"):
            await self.rep(rep, team=f"{PARENT}/teams/sales")
        await self.pool("east")

    # What callers do.

    async def claim(self, customer: str, rep: str = "wang", **fields: Any) -> Any:
        """Claim as the rep himself."""
        request = pb.ClaimCustomerRequest(customer=customer_name(customer), **fields)
        return await self.rep_stub(rep).ClaimCustomer(request)

    async def release(self, customer: str, rep: str = "wang", **fields: Any) -> Any:
        """Release as the rep himself."""
        request = pb.ReleaseCustomerRequest(
            customer=customer_name(customer), reason="no interest", **fields
        )
        return await self.rep_stub(rep).ReleaseCustomer(request)

    async def assign(self, customer: str, rep: str = "wang", **fields: Any) -> Any:
        """Assign as the administrator."""
        request = pb.AssignCustomerRequest(
            customer=customer_name(customer), holder=custody_pb2.Holder(rep=rep_name(rep)), **fields
        )
        return await self.stub.AssignCustomer(request)

    async def transfer(self, customer: str, rep: str, **fields: Any) -> Any:
        """Transfer as the administrator."""
        request = pb.TransferCustomerRequest(
            customer=customer_name(customer), rep=rep_name(rep), reason="new area", **fields
        )
        return await self.stub.TransferCustomer(request)

    async def custody(self, customer: str) -> custody_pb2.Custody:
        """Who has a customer, as the administrator sees it."""
        request = pb.GetCustodyRequest(name=f"{customer_name(customer)}/custody")
        custody: custody_pb2.Custody = await self.stub.GetCustody(request)
        return custody

    async def quota(self, rep: str = "wang") -> pool_pb2.Quota:
        """How far a rep has used his limits."""
        quota: pool_pb2.Quota = await self.stub.GetQuota(pb.GetQuotaRequest(rep=rep_name(rep)))
        return quota

    async def history(self, customer: str) -> list[custody_pb2.CustodyHistoryEntry]:
        """What happened to a customer, oldest first."""
        answer = await self.stub.ListCustodyHistory(
            pb.ListCustodyHistoryRequest(parent=customer_name(customer), page_size=1000)
        )
        return list(reversed(answer.entries))

    # Time.

    async def quiet(self) -> None:
        """Wait until everything is taken in and nothing that is due by now is undone."""

        async def done() -> bool:
            work = await self.clock.GetWork(clock_pb2.GetWorkRequest())
            return bool(work.due == 0)

        await self.taken_in()
        await eventually(done)

    async def move_to(self, until: int, *, promise: bool = True) -> None:
        """Move the clock, from due moment to due moment; the archive says that it is complete.

        Without a promise the archive is silent: what waits for it stays due.
        """
        if not promise:
            await self._set(until)
            return
        while True:
            work = await self.clock.GetWork(clock_pb2.GetWorkRequest())
            following = instant_of(work.next_due) if work.HasField("next_due") else until
            if following >= until:
                break
            await self._set(max(self.now, following))
            self.archive.promise(self.now)
            await self.quiet()
        await self._set(until)
        self.archive.promise(self.now)
        await self.quiet()

    async def pass_days(self, days: int) -> None:
        """Let so many times 24 hours pass."""
        await self.move_to(self.now + days * DAY)

    async def _set(self, now: int) -> None:
        self.now = now
        await self.clock.SetClock(clock_pb2.SetClockRequest(now=timestamp(now), frozen=True))

    def _tell_assignment(self, kind: str, subject: str, message: Any) -> None:
        version = self._next(f"{kind} {subject}")
        self.assignment.tell(TENANT, kind, subject, version, message.SerializeToString(), self.now)

    def _next(self, what: str) -> int:
        self._versions[what] = self._versions.get(what, 0) + 1
        return self._versions[what]


@asynccontextmanager
async def sea(
    store: StoreSettings,
    *,
    now: int = START,
    decider: Decider | None = None,
    engine: Engine | None = None,
) -> AsyncIterator[Sea]:
    """Serve the pool service while the block runs."""
    archive, assignment = HandFeed(), HandFeed()
    built: list[PoolParts] = []

    async def assemble(assembly: Assembly[PoolSettings]) -> None:
        built.append(
            await build(
                assembly,
                engine or sea_engine(),
                archive=archive,
                assignment=assignment,
                decider=decider,
            )
        )

    async with serving("pool", assemble, dev_settings(PoolSettings, store=store)) as served:
        world = Sea(served, built[0], archive, assignment, now)
        await world._set(now)
        yield world
