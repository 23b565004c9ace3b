"""Puts the archive service together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gonghai.archive.v1 import archive_service_pb2, events_pb2
from gonghai.archive.v1.archive_service_pb2_grpc import add_ArchiveServiceServicer_to_server
from gonghai.assignment.v1 import assignment_service_pb2
from gonghai.assignment.v1.assignment_service_pb2_grpc import AssignmentServiceStub
from gonghai.dev.v1.clock_pb2_grpc import ClockServiceStub, add_ClockServiceServicer_to_server
from gonghai.pool.v1 import pool_service_pb2
from gonghai.pool.v1.pool_service_pb2_grpc import PoolServiceStub
from gonghai_archive.commands.create import CreateCustomer
from gonghai_archive.commands.deciding import Desk
from gonghai_archive.commands.evaluate import AssessCustomers, EvaluateCustomer
from gonghai_archive.commands.import_customers import ImportCustomers
from gonghai_archive.commands.record import RecordActivities
from gonghai_archive.commands.reparent import ReparentCustomers
from gonghai_archive.commands.update import UpdateCustomer
from gonghai_archive.policies import Assessor
from gonghai_archive.pool_peer import Reservations
from gonghai_archive.presenting import Presenter
from gonghai_archive.projections import assignment as assignment_projection
from gonghai_archive.projections import pool as pool_projection
from gonghai_archive.projections.resources import Resources
from gonghai_archive.servicer import ArchiveServicer
from gonghai_archive.servicers.activities import Activities
from gonghai_archive.servicers.collisions import Collisions
from gonghai_archive.servicers.commissions import Commissions
from gonghai_archive.servicers.customers import Customers
from gonghai_archive.servicers.reach import Guard
from gonghai_archive.servicers.scorecards import Scorecards
from gonghai_archive.servicers.simulation import Courses
from gonghai_archive.servicers.succession import Successions
from gonghai_archive.simulation.course import SimulateCourse
from gonghai_archive.simulation.population import Population
from gonghai_archive.snapshot import Snapshot
from gonghai_archive.store import keys
from gonghai_archive.store.customers import CustomerStore
from gonghai_archive.store.neighbours import Reader
from gonghai_archive.store.scorecards import ScorecardStore
from gonghai_archive.store.statements import StatementStore
from gonghai_archive.store.successions import SuccessionStore
from gonghai_archive.upkeep import upkeep_of
from gonghai_archive.workers.assessing import DueAssessments
from gonghai_archive.workers.recomputing import Recompute
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
from gonghai_policy_service.store.keys import RECOMPUTE

if TYPE_CHECKING:
    from gonghai_archive.settings import ArchiveSettings
    from gonghai_chassis.leases import Lease
    from gonghai_chassis.server import Assembly
    from gonghai_engine import Engine

DUE_KINDS = (keys.ASSESSMENT, RECOMPUTE)
"""Work that falls due with time, and holds back the moment up to which the stream is complete."""


async def assemble(assembly: Assembly[ArchiveSettings]) -> None:
    """Load the plugins and put the service together."""
    await build(assembly, load_plugins(assembly))


async def build(assembly: Assembly[ArchiveSettings], engine: Engine) -> None:
    """Open the store, make the commands, and say what to serve and what to run."""
    settings = assembly.settings
    watch_plugins(assembly, engine)
    store = await assembly.open_store()
    tail = await Tail.open(store)
    assembly.on_close("tail", tail.close)

    book = PolicyBook(store, engine, recompute=True)
    assessor = Assessor(engine)
    customers = CustomerStore(store, book)
    desk = Desk(customers, book, assessor)
    pool = assembly.peer("pool", PoolServiceStub)
    assignment = assembly.peer("assignment", AssignmentServiceStub)
    resources = Resources(store)
    presenter = Presenter(Reader(store, book), book, assessor, settings.currency)
    guard = Guard(presenter)
    create = CreateCustomer(desk, Reservations(pool))
    assess = AssessCustomers(desk)

    stream = EventStream(store, due_kinds=DUE_KINDS)
    changes = WatchServer(
        store,
        stream,
        tail,
        events_pb2.Event,
        archive_service_pb2.WatchResponse,
        archive_service_pb2.ExportSnapshotResponse,
        Snapshot(customers, book, assessor, resources),
    )
    servicer = ArchiveServicer(
        Customers(
            create,
            UpdateCustomer(desk),
            EvaluateCustomer(desk),
            ImportCustomers(create),
            customers,
            presenter,
            guard,
        ),
        Activities(RecordActivities(desk), presenter, guard, settings.currency),
        Commissions(StatementStore(store), guard, settings.currency),
        Scorecards(ScorecardStore(store, book), guard, settings.currency),
        Collisions(customers),
        Successions(ReparentCustomers(desk), SuccessionStore(store)),
        Courses(SimulateCourse(customers, book), engine, book, settings.currency),
        changes,
    )
    assembly.serve(add_ArchiveServiceServicer_to_server, servicer)
    add_policy_service(
        assembly, PolicyServicer(engine, book, Population(customers), publishes=True)
    )
    if settings.dev:
        clock = ClockServicer(
            AreaWork(store, DUE_KINDS, ("pool", "assignment")),
            {
                "pool": assembly.peer("pool", ClockServiceStub),
                "assignment": assembly.peer("assignment", ClockServiceStub),
            },
        )
        await clock.start()
        assembly.serve(add_ClockServiceServicer_to_server, clock)

    pool_feed = PeerFeed(
        pool,
        pool_service_pb2.WatchRequest,
        pool_service_pb2.ExportSnapshotRequest,
        pool_projection.KINDS,
    )
    assignment_feed = PeerFeed(
        assignment,
        assignment_service_pb2.WatchRequest,
        assignment_service_pb2.ExportSnapshotRequest,
        assignment_projection.KINDS,
    )
    upkeep = upkeep_of(
        customers,
        resources,
        pool=pool_feed,
        assignment=assignment_feed,
        due_kinds=DUE_KINDS,
        dev=settings.dev,
    )
    add_upkeep_service(assembly, UpkeepServicer(upkeep))
    of_pool = pool_projection.PoolProjection(store, customers, resources)
    of_assignment = assignment_projection.AssignmentProjection(resources)

    def tasks(lease: Lease) -> list[PartitionTask]:
        p = lease.partition
        recompute = Recompute(p, customers, assess, book)
        due = DueAssessments(assess)
        return [
            PartitionTask(
                "follow-pool",
                Subscriber(store, p, source="pool", feed=pool_feed, projection=of_pool).run,
            ),
            PartitionTask(
                "follow-assignment",
                Subscriber(
                    store, p, source="assignment", feed=assignment_feed, projection=of_assignment
                ).run,
            ),
            PartitionTask(
                "recompute", Sweeper(store, tail, p, due_kind=RECOMPUTE, handle=recompute).run
            ),
            PartitionTask(
                "assess", Sweeper(store, tail, p, due_kind=keys.ASSESSMENT, handle=due).run
            ),
            retaining(stream, p, settings),
        ]

    workers = PartitionWorkers(store, tasks, ttl=settings.lease_ttl)
    assembly.worker("partitions", workers.start, workers.stop)
