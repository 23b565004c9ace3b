"""The assignment service put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gonghai.archive.v1 import archive_service_pb2
from gonghai.archive.v1.archive_service_pb2_grpc import ArchiveServiceStub
from gonghai.assignment.v1 import assignment_service_pb2, events_pb2
from gonghai.assignment.v1.assignment_service_pb2_grpc import (
    add_AssignmentServiceServicer_to_server,
)
from gonghai.dev.v1.clock_pb2_grpc import ClockServiceStub, add_ClockServiceServicer_to_server
from gonghai.pool.v1 import pool_service_pb2
from gonghai.pool.v1.pool_service_pb2_grpc import PoolServiceStub
from gonghai_assignment.calls import PoolCalls
from gonghai_assignment.choosing import Chooser
from gonghai_assignment.commands.explain_assignment import ExplainAssignment
from gonghai_assignment.commands.keep_region import KeepRegion
from gonghai_assignment.commands.keep_rep import KeepRep
from gonghai_assignment.commands.keep_team import KeepTeam
from gonghai_assignment.commands.route_customer import RouteCustomer
from gonghai_assignment.commands.suggest_reps import SuggestReps
from gonghai_assignment.policies import Policies
from gonghai_assignment.projections.archive import ArchiveProjection
from gonghai_assignment.projections.pool import PoolProjection
from gonghai_assignment.roster import Rosters
from gonghai_assignment.routing import TakingIn
from gonghai_assignment.servicer import AssignmentServicer
from gonghai_assignment.servicers.routing import RoutingServicer
from gonghai_assignment.servicers.simulation import SimulationServicer
from gonghai_assignment.servicers.staff import StaffServicer
from gonghai_assignment.simulation.conversation import Living
from gonghai_assignment.simulation.population import Population
from gonghai_assignment.snapshot import Snapshot
from gonghai_assignment.store import keys
from gonghai_assignment.store.projections import ProjectionStore
from gonghai_assignment.store.routing import RoutingStore
from gonghai_assignment.store.staff import StaffStore
from gonghai_assignment.upkeep import upkeep_of
from gonghai_assignment.waits import Waits
from gonghai_assignment.workers.partition import PartitionTasks
from gonghai_chassis.dev_clock import AreaWork
from gonghai_chassis.dev_servicer import ClockServicer
from gonghai_chassis.events import EventStream, Tail
from gonghai_chassis.events.retention import retaining
from gonghai_chassis.feeds import PeerFeed
from gonghai_chassis.upkeep.servicer import UpkeepServicer, add_upkeep_service
from gonghai_chassis.watching import WatchServer
from gonghai_chassis.workers import PartitionWorkers
from gonghai_policy_service.book import PolicyBook
from gonghai_policy_service.plugins import load_plugins, watch_plugins
from gonghai_policy_service.servicer import PolicyServicer, add_policy_service
from gonghai_policy_service.store.keys import RECOMPUTE

if TYPE_CHECKING:
    from gonghai_assignment.settings import AssignmentSettings
    from gonghai_chassis.assembly import Assembly


async def assemble(assembly: Assembly[AssignmentSettings]) -> None:
    """Put the service together."""
    settings = assembly.settings
    store = await assembly.open_store()
    tail = await Tail.open(store)
    assembly.on_close("tail", tail.close)
    engine = load_plugins(assembly)
    watch_plugins(assembly, engine)
    book = PolicyBook(store, engine, recompute=True)
    staff = StaffStore(store, book.key)
    routings = RoutingStore(store, book.key)
    projections = ProjectionStore(store)
    rosters = Rosters(staff)
    chooser = Chooser(Policies(engine))
    calls = PoolCalls(assembly.peer("pool", PoolServiceStub))
    stream = EventStream(store, due_kinds=(keys.PARKED,))
    assembly.serve(
        add_AssignmentServiceServicer_to_server,
        AssignmentServicer(
            StaffServicer(store, staff, KeepRegion(staff), KeepTeam(staff), KeepRep(staff)),
            RoutingServicer(
                staff,
                SuggestReps(store, routings, rosters, chooser, book),
                RouteCustomer(
                    store,
                    routings,
                    rosters,
                    chooser,
                    book,
                    TakingIn(routings, rosters),
                    calls,
                ),
                ExplainAssignment(routings),
            ),
            SimulationServicer(Living(store, staff, routings, book), engine),
            WatchServer(
                store=store,
                stream=stream,
                tail=tail,
                event=events_pb2.Event,
                watched=assignment_service_pb2.WatchResponse,
                exported=assignment_service_pb2.ExportSnapshotResponse,
                snapshot=Snapshot(staff, projections),
            ),
        ),
    )
    add_policy_service(
        assembly,
        PolicyServicer(engine, book, Population(store, staff, routings, projections)),
    )
    clock = ClockServicer(
        AreaWork(store, (keys.PARKED, keys.QUEUED, RECOMPUTE), ("archive", "pool")),
        {name: assembly.peer(name, ClockServiceStub) for name in ("archive", "pool")},
    )
    await clock.start()
    assembly.serve_in_dev(add_ClockServiceServicer_to_server, clock)
    archive = PeerFeed(
        assembly.peer("archive", ArchiveServiceStub),
        archive_service_pb2.WatchRequest,
        archive_service_pb2.ExportSnapshotRequest,
        kinds=tuple(sorted(ArchiveProjection.kinds)),
    )
    pool = PeerFeed(
        assembly.peer("pool", PoolServiceStub),
        pool_service_pb2.WatchRequest,
        pool_service_pb2.ExportSnapshotRequest,
        kinds=tuple(sorted(PoolProjection.kinds)),
    )
    upkeep = upkeep_of(store, projections, archive=archive, pool=pool, dev=settings.dev)
    add_upkeep_service(assembly, UpkeepServicer(upkeep))
    waits = Waits()
    assembly.metrics.registry.register(waits)
    tasks = PartitionTasks(
        store=store,
        waits=waits,
        tail=tail,
        archive=archive,
        pool=pool,
        calls=calls,
        routings=routings,
        projections=projections,
        rosters=rosters,
        chooser=chooser,
        book=book,
    )
    workers = PartitionWorkers(
        store,
        lambda lease: [*tasks(lease), retaining(stream, lease.partition, settings)],
        ttl=settings.lease_ttl,
    )
    assembly.worker("partitions", workers.start, workers.stop)
