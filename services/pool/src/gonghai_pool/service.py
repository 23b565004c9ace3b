"""The pool service put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gonghai.archive.v1 import archive_service_pb2, archive_service_pb2_grpc
from gonghai.assignment.v1 import assignment_service_pb2, assignment_service_pb2_grpc
from gonghai.dev.v1 import clock_pb2_grpc
from gonghai.pool.v1 import events_pb2, pool_service_pb2, pool_service_pb2_grpc
from gonghai_chassis.dev_clock import AreaWork
from gonghai_chassis.dev_servicer import ClockServicer
from gonghai_chassis.events import EventStream, Subscriber, Tail
from gonghai_chassis.events.retention import retaining
from gonghai_chassis.feeds import PeerFeed
from gonghai_chassis.sweeper import Sweeper
from gonghai_chassis.upkeep.servicer import UpkeepServicer, add_upkeep_service
from gonghai_chassis.watching import WatchServer
from gonghai_chassis.workers import PartitionTask, PartitionWorkers
from gonghai_policy_service import PolicyBook, PolicyServicer, add_policy_service
from gonghai_policy_service.plugins import load_plugins, watch_plugins
from gonghai_pool.commands.assign import AssignCustomer
from gonghai_pool.commands.cancel_reservation import CancelReservation
from gonghai_pool.commands.claim import ClaimCustomer
from gonghai_pool.commands.explain import ExplainCustody
from gonghai_pool.commands.extensions import Extensions
from gonghai_pool.commands.limits import TenantLimits
from gonghai_pool.commands.look_up import LookUp
from gonghai_pool.commands.pools import Pools
from gonghai_pool.commands.release import ReleaseCustomer
from gonghai_pool.commands.reserve import ReserveCustody
from gonghai_pool.commands.transfer import TransferCustomer
from gonghai_pool.policies import Policies
from gonghai_pool.projections.archive import ArchiveProjection
from gonghai_pool.projections.assignment import AssignmentProjection
from gonghai_pool.servicer import Commands, PoolServicer
from gonghai_pool.simulation.forecast import Forecast
from gonghai_pool.simulation.population import Population
from gonghai_pool.snapshot import Snapshot
from gonghai_pool.store import keys
from gonghai_pool.store.custodies import CustodyStore
from gonghai_pool.store.setups import SetupStore
from gonghai_pool.upkeep import upkeep_of
from gonghai_pool.workers.clocks import Clocks
from gonghai_pool.workers.recomputation import Recomputation
from gonghai_pool.workers.reservations import Reservations

if TYPE_CHECKING:
    from gonghai_chassis.assembly import Assembly
    from gonghai_chassis.events import Feed
    from gonghai_chassis.leases import Lease
    from gonghai_chassis.store import Store
    from gonghai_engine import Engine
    from gonghai_pool.engine_face import Decider
    from gonghai_pool.settings import PoolSettings

DUE_KINDS: Final = (keys.CLOCK, keys.RESERVATION, keys.RECOMPUTE, keys.POLICY)
"""All kinds of time-driven work of this service."""


class PoolParts:
    """Stores, commands and workers of the service over one store and one engine."""

    def __init__(self, store: Store, tail: Tail, engine: Engine, decider: Decider) -> None:
        """Put the parts together; `decider` is the engine, or what stands for it in a test."""
        self.store = store
        self.tail = tail
        self.engine = engine
        self.book = PolicyBook(store, engine, recompute=True)
        self.setups = SetupStore(store)
        self.custodies = CustodyStore(store, self.setups, self.book)
        self.policies = Policies(decider)
        self.commands = Commands(
            claim=ClaimCustomer(self.custodies, self.policies),
            assign=AssignCustomer(self.custodies, self.policies),
            transfer=TransferCustomer(self.custodies, self.policies),
            release=ReleaseCustomer(self.custodies, self.policies),
            reserve=ReserveCustody(self.custodies, self.policies),
            cancel_reservation=CancelReservation(self.custodies),
            look_up=LookUp(self.custodies),
            explain=ExplainCustody(self.custodies, self.policies),
            pools=Pools(self.custodies, self.setups),
            limits=TenantLimits(self.custodies, self.setups),
            extensions=Extensions(self.custodies, self.policies),
        )

    def watching(self) -> WatchServer:
        """What serves the stream of events."""
        return WatchServer(
            self.store,
            EventStream(self.store, DUE_KINDS),
            self.tail,
            event=events_pb2.Event,
            watched=pool_service_pb2.WatchResponse,
            exported=pool_service_pb2.ExportSnapshotResponse,
            snapshot=Snapshot(self.custodies),
        )

    def tasks(self, lease: Lease, archive: Feed, assignment: Feed) -> list[PartitionTask]:
        """What runs for a partition whose lease is held."""
        clocks = Clocks(self.custodies, self.policies, lease)
        reservations = Reservations(self.custodies, lease)
        recomputation = Recomputation(self.custodies, self.policies, self.book, lease)
        sweepers = {
            kind: Sweeper(self.store, self.tail, lease.partition, due_kind=kind, handle=handle)
            for kind, handle in (
                (keys.CLOCK, clocks.handle),
                (keys.RESERVATION, reservations.handle),
                (keys.RECOMPUTE, recomputation.follow_setup),
                (keys.POLICY, recomputation.follow_policy),
            )
        }

        def heard() -> None:
            sweepers[keys.CLOCK].notify()
            sweepers[keys.RESERVATION].notify()

        following = (
            (
                keys.ARCHIVE,
                archive,
                ArchiveProjection(self.custodies, self.policies, self.book, heard),
            ),
            (keys.ASSIGNMENT, assignment, AssignmentProjection(self.setups)),
        )
        subscribers = [
            PartitionTask(
                f"follow-{source}",
                Subscriber(
                    self.store,
                    lease.partition,
                    source=source,
                    feed=feed,
                    projection=projection,
                ).run,
            )
            for source, feed, projection in following
        ]
        return [
            *subscribers,
            *(PartitionTask(f"sweep-{kind}", sweeper.run) for kind, sweeper in sweepers.items()),
        ]


async def assemble(assembly: Assembly[PoolSettings]) -> None:
    """Put the service together, with its plugins and its peers."""
    engine = load_plugins(assembly)
    archive = PeerFeed(
        assembly.peer(keys.ARCHIVE, archive_service_pb2_grpc.ArchiveServiceStub),
        archive_service_pb2.WatchRequest,
        archive_service_pb2.ExportSnapshotRequest,
    )
    assignment = PeerFeed(
        assembly.peer(keys.ASSIGNMENT, assignment_service_pb2_grpc.AssignmentServiceStub),
        assignment_service_pb2.WatchRequest,
        assignment_service_pb2.ExportSnapshotRequest,
    )
    await build(assembly, engine, archive=archive, assignment=assignment)


async def build(
    assembly: Assembly[PoolSettings],
    engine: Engine,
    *,
    archive: Feed,
    assignment: Feed,
    decider: Decider | None = None,
) -> PoolParts:
    """Put the service together over an engine and two feeds, whatever they are.

    Args:
        assembly: what is filled in.
        engine: plugins and tenants' policies.
        archive: the archive's events.
        assignment: assignment's events.
        decider: what decides instead of the engine, in a test.
    """
    store = await assembly.open_store()
    tail = await Tail.open(store)
    assembly.on_close("tail", tail.close)
    parts = PoolParts(store, tail, engine, decider or engine)
    watch_plugins(assembly, engine)
    forecast = Forecast(
        parts.custodies,
        parts.book,
        engine,
        assembly.peer(keys.ARCHIVE, archive_service_pb2_grpc.ArchiveServiceStub),
        assembly.peer(keys.ASSIGNMENT, assignment_service_pb2_grpc.AssignmentServiceStub),
    )
    servicer = PoolServicer(parts.commands, parts.watching(), forecast)
    assembly.serve(pool_service_pb2_grpc.add_PoolServiceServicer_to_server, servicer)
    add_policy_service(assembly, PolicyServicer(engine, parts.book, Population(parts.custodies)))
    upkeep = upkeep_of(
        parts.custodies,
        archive=archive,
        assignment=assignment,
        due_kinds=DUE_KINDS,
        dev=assembly.settings.dev,
    )
    add_upkeep_service(assembly, UpkeepServicer(upkeep))
    await _serve_clock(assembly, store)
    workers = PartitionWorkers(
        store,
        lambda lease: [
            *parts.tasks(lease, archive, assignment),
            retaining(EventStream(store), lease.partition, assembly.settings),
        ],
        ttl=assembly.settings.lease_ttl,
    )
    assembly.worker("partitions", workers.start, workers.stop)
    return parts


async def _serve_clock(assembly: Assembly[PoolSettings], store: Store) -> None:
    if not assembly.settings.dev:
        return
    own = AreaWork(store, DUE_KINDS, (keys.ARCHIVE, keys.ASSIGNMENT))
    peers = {
        name: assembly.peer(name, clock_pb2_grpc.ClockServiceStub)
        for name in (keys.ARCHIVE, keys.ASSIGNMENT)
    }
    clock = ClockServicer(own, peers)
    await clock.start()
    assembly.serve_in_dev(clock_pb2_grpc.add_ClockServiceServicer_to_server, clock)
