"""The rows of the table: what each fault does, at moments that a seed chooses."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from random import Random
from time import monotonic
from typing import TYPE_CHECKING, Final

from gonghai.dev.v1.clock_pb2_grpc import ClockServiceStub
from gonghai.pool.v1 import pool_service_pb2
from gonghai_chassis.clients import open_channel
from gonghai_chassis.events import EventStream, read_progress
from gonghai_chassis.store import Partition, Store, StoreSettings
from gonghai_chassis.store.failures import CursorTooOld
from gonghai_chassis.store.partitions import partition_index
from tests.faults.callers import Manners, ident
from tests.faults.cluster import ClusterStore
from tests.faults.crew import LEASE_TTL, PARTITIONS, SERVICES, Crew, SingleStore
from tests.faults.moments import lapse
from tests.faults.policy_rows import bad_documents, moody_crew, plugin_goes_wrong
from tests.faults.record import State
from tests.faults.stage import Play
from tests.faults.tenant import DUE_DAYS, GRACE_DAYS, WARN_DAYS
from tests.faults.wall_clocks import Suspension, skewed, skewing_library

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.stage import Scene

MakeCrew = Callable[["Path", int], Awaitable[Crew]]

STORE_AWAY: Final = 10.0
"""Seconds for which the store is stopped in F3."""

KEPT: Final = 8
"""Events that a stream keeps in F5."""

_MOST_LOOKS: Final = 40

_SIGNAL: Final = 0.1
"""Seconds within which a process stands still that was told to."""

FENCED: Final = "Another replica holds the lease now"

_MOST_TURNS: Final = 2
"""How many times as many turns F8 takes at most until a write was fenced off."""

_TAKEN_OVER: Final = LEASE_TTL * 2
"""Seconds after which another replica has the leases of one that stands still."""


def random_of(row: str, scene: Scene) -> Random:
    """Return what chooses the moments of a row."""
    return Random(f"{row}-{scene.seed}")


def store_killed(scale: float) -> Play:
    """F1: kill -9 of the store, and again, and again."""

    async def strike(scene: Scene) -> None:
        random = random_of("F1", scene)
        store = scene.crew.backing
        assert isinstance(store, SingleStore)
        for _ in range(round(4 * scale)):
            await lapse(random.uniform(0.6, 2.2))
            await scene.forward(random.choice((1, 2, 3)))
            await lapse(random.uniform(0, 0.1))
            await store.server.kill()
            scene.struck("store killed")
            await lapse(random.uniform(0, 0.6))
            await store.server.start()
        await lapse(1.5)

    return Play("F1", strike)


def services_killed(scale: float) -> Play:
    """F2: kill -9 of any replica of any service, also of one that is just starting."""

    async def strike(scene: Scene) -> None:
        random = random_of("F2", scene)
        # Each service is hit, in any order.
        victims = [service for _ in range(max(1, round(2 * scale))) for service in SERVICES]
        random.shuffle(victims)
        for service in victims:
            await lapse(random.uniform(0.6, 2.4))
            replica = random.choice(scene.crew.of(service))
            if random.random() < 0.7:
                await scene.forward(random.choice((1, 2, 3)))
                await lapse(random.uniform(0, 0.1))
            await scene.crew.kill(replica)
            scene.struck(f"{replica.name} killed")
            await scene.crew.launch(replica)
        await lapse(1.5)

    return Play("F2", strike)


def store_stopped(scale: float) -> Play:
    """F3: the store stands still for ten seconds."""

    async def strike(scene: Scene) -> None:
        random = random_of("F3", scene)
        store = scene.crew.backing
        assert isinstance(store, SingleStore)
        for turn in range(max(1, round(scale))):
            await lapse(random.uniform(1, 2.5))
            store.server.pause()
            scene.struck("store stopped")
            # A signal arrives a moment after it was sent.
            began = monotonic() + _SIGNAL
            try:
                await lapse(STORE_AWAY)
            finally:
                scene.noted("still", f"stop {turn}", began, monotonic())
                store.server.resume()
            await lapse(2)

    return Play("F3", strike)


def holder_paused(scale: float) -> Play:
    """F8: who holds leases stands still as work falls due, and wakes up after others took over.

    In every second turn it is suspended as a virtual machine is: its own clock stood still too, so
    that it believes in its leases and goes on with what it was at. Only the fences stop it then.
    """

    async def strike(scene: Scene) -> None:
        random = random_of("F8", scene)
        lost, fenced = scene.crew.said("lease_lost"), scene.crew.said(FENCED)
        await lapse(2)
        turns = round(8 * scale)
        for turn in range(turns * _MOST_TURNS):
            fences_seen = scene.crew.said(FENCED) - fenced
            if turn >= turns and fences_seen:
                break
            victims = scene.crew.of("pool" if turn % 4 != 3 else random.choice(SERVICES))
            replica = victims[turn % len(victims)]
            await scene.forward(random.choice((1, 2)))
            # In the middle of the sweep that begins now, with some luck.
            await lapse(random.uniform(0, 0.05))
            replica.signal(signal.SIGSTOP)
            began = monotonic()
            suspended = replica.suspension if turn % 2 else None
            scene.struck(f"{replica.name} {'paused' if suspended is None else 'suspended'}")
            try:
                await lapse(_TAKEN_OVER + random.uniform(0, 0.6))
                if suspended is not None:
                    # It wakes up to work that is not its own any more, and does not know it.
                    await scene.forward(1)
            finally:
                if suspended is not None:
                    suspended.lasted(monotonic() - began)
                replica.signal(signal.SIGCONT)
            await lapse(random.uniform(0.1, 0.6))
        scene.evidence["leases lost"] = scene.crew.said("lease_lost") - lost
        scene.evidence["fenced off"] = scene.crew.said(FENCED) - fenced

    return Play("F8", strike, least={"leases lost": 1}, hoped={"fenced off": 1})


def requests_repeated(scale: float) -> Play:
    """F9: each request three times side by side and once more; answers lost on the way."""

    async def strike(scene: Scene) -> None:
        await lapse(10 * scale)
        scene.struck("three copies of each request, a quarter of the answers lost")

    return Play("F9", strike, manners=Manners(copies=3, hang_up=0.25), callers=4)


def services_ended(scale: float) -> Play:
    """F13: SIGTERM to a replica of each service under load."""

    async def strike(scene: Scene) -> None:
        random = random_of("F13", scene)
        order = list(SERVICES) * max(1, round(scale))
        random.shuffle(order)
        for service in order:
            await lapse(random.uniform(0.3, 1.2))
            # The other one must be there to take over.
            await scene.crew.ready(*scene.crew.of(service))
            replica = random.choice(scene.crew.of(service))
            began = monotonic()
            status = await scene.crew.end(replica)
            scene.noted("drained", f"{replica.name} at {began:.1f}", began, monotonic())
            scene.struck(f"{replica.name} ended")
            if status:
                scene.found(scene.tenants[0], replica.name, [f"{replica.name} ended with {status}"])
            await scene.crew.launch(replica)
        await lapse(1)

    return Play("F13", strike)


def consumers_cut_off(scale: float) -> Play:
    """F5: who follows a stream is away until it was trimmed behind him; he rebuilds."""

    async def strike(scene: Scene) -> None:
        rebuilt = scene.crew.said("rebuilt")
        random = random_of("F5", scene)
        for away, sources in (
            ("pool", ("archive", "assignment")),
            ("archive", ("pool", "assignment")),
            ("assignment", ("archive", "pool")),
        ):
            await lapse(random.uniform(1, 2))
            for replica in scene.crew.of(away):
                await scene.crew.kill(replica)
            await lapse(2 * scale)
            behind = [source for source in sources if await _fell_behind(scene, away, source)]
            scene.struck(f"{away} away, behind what is kept of {' and '.join(behind) or 'nobody'}")
            for replica in scene.crew.of(away):
                await scene.crew.launch(replica)
            await scene.crew.ready(*scene.crew.of(away))
        await lapse(2)
        scene.evidence["rebuilt"] = scene.crew.said("rebuilt") - rebuilt

    return Play("F5", strike, listening=False, whole=False, least={"rebuilt": 1})


def archive_away(scale: float) -> Play:
    """F10: wall clocks minutes apart; the archive is away while holdings fall due."""

    async def strike(scene: Scene) -> None:
        random = random_of("F10", scene)
        callers = scene.callers[0]
        await lapse(3 + 2 * scale)
        # The warnings go out; the day of reclaim comes when the archive is away.
        await scene.forward(DUE_DAYS - WARN_DAYS + 1)
        await lapse(2)
        held = await _held(scene)
        worked = random.sample(held, len(held) // 2)
        for replica in scene.crew.of("pool"):
            replica.signal(signal.SIGSTOP)
        try:
            done = await asyncio.gather(*(callers.follow_up(customer) for customer in worked))
        finally:
            for replica in scene.crew.of("archive"):
                await scene.crew.kill(replica)
            scene.struck("archive killed")
            async with open_channel(scene.crew.target("assignment")) as channel:
                clock = ClockServiceStub(channel)
                await scene.forward(WARN_DAYS + GRACE_DAYS + 1, clock)
                gone = await scene.now(clock)
                for replica in scene.crew.of("pool"):
                    replica.signal(signal.SIGCONT)
                await lapse(3)
                back = await scene.now(clock)
        for tenant in scene.tenants:
            span = {"from": gone, "to": back}
            scene.recorder.add(State(tenant.id, "away", "archive", span))
        for replica in scene.crew.of("archive"):
            await scene.crew.launch(replica)
        await scene.crew.ready(*scene.crew.of("archive"))
        await lapse(2)
        scene.evidence["held"] = len(held)
        scene.evidence["worked unseen"] = sum(done)

    return Play("F10", strike, callers=3, least={"worked unseen": 1})


def master_killed(scale: float) -> Play:
    """F4: in a Cluster, the master of the tenant's partition dies, and its replica takes over."""

    async def strike(scene: Scene) -> None:
        random = random_of("F4", scene)
        cluster = scene.crew.backing
        assert isinstance(cluster, ClusterStore)
        for turn in range(max(1, round(scale))):
            await lapse(random.uniform(2, 4))
            tenant = scene.tenants[turn % len(scene.tenants)].id
            victim = await cluster.master_of(_partition_key(tenant))
            await scene.forward(random.choice((4, 5)))
            await lapse(random.uniform(0, 0.1))
            await cluster.kill(victim)
            scene.struck(f"master on {victim.port} killed")
            await lapse(random.uniform(0, 1))
            await victim.start()
            await lapse(6)

    # What is read without WAIT may be lost with the master; so may events that were heard. What was
    # acknowledged may not: whoever asks later sees it, and what is done later is later.
    relaxed = frozenset({"what_was_read_stays"})
    return Play("F4", strike, listening=False, relaxed=relaxed)


async def _held(scene: Scene) -> list[str]:
    request = pool_service_pb2.ListHoldingsRequest(parent=scene.tenants[0].name, page_size=1000)
    page = await scene.services.pool.ListHoldings(request)
    return sorted(ident(custody.customer) for custody in page.custodies)


async def _fell_behind(scene: Scene, away: str, source: str) -> bool:
    """Wait, not for ever, until a stream has dropped what somebody who is away had to read next."""
    settings = StoreSettings(url=scene.crew.backing.url, partitions=PARTITIONS)
    follower = await Store.open(settings, area=away)
    store = await Store.open(settings, area=source)
    try:
        for _ in range(_MOST_LOOKS):
            for partition in store.partitions:
                own = follower.partitions[partition.index]
                cursor = (await read_progress(follower, own, source)).cursor
                try:
                    await EventStream(store).read(partition, cursor, limit=1)
                except CursorTooOld:
                    return True
            await lapse(0.2)
    finally:
        await store.close()
        await follower.close()
    return False


def _partition_key(tenant: str) -> str:
    return Partition(partition_index(tenant, PARTITIONS), "pool").keys.clock


async def plain_crew(folder: Path, seed: int) -> Crew:
    """One store, nothing special."""
    del seed
    return Crew(folder, SingleStore(folder / "store"))


async def skewed_crew(folder: Path, seed: int) -> Crew:
    """One store; no two replicas agree on the time of day."""
    crew = Crew(folder, SingleStore(folder / "store"))
    library = await skewing_library(folder)
    random = Random(f"wall clocks {seed}")
    for replica in crew.replicas:
        minutes = random.randint(2, 6) * (1 if replica.number else -1)
        replica.environment |= skewed(library, minutes * 60)
    return crew


async def suspendable_crew(folder: Path, seed: int) -> Crew:
    """One store; processes that can be suspended without noticing."""
    del seed
    crew = Crew(folder, SingleStore(folder / "store"))
    library = await skewing_library(folder)
    for replica in crew.replicas:
        replica.suspension = Suspension(folder / f"{replica.name}.suspended")
        replica.environment |= replica.suspension.environment(library)
    return crew


async def forgetful_crew(folder: Path, seed: int) -> Crew:
    """One store; streams that keep next to nothing, by the services' own retention."""
    del seed
    settings = {
        "GONGHAI_EVENT_RETENTION_COUNT": str(KEPT),
        "GONGHAI_EVENT_RETENTION_EVERY": "0.2",
    }
    return Crew(folder, SingleStore(folder / "store"), settings)


async def cluster_crew(folder: Path, seed: int) -> Crew:
    """A Cluster; nothing is acknowledged that is not on a replica as well."""
    del seed
    settings = {"GONGHAI_STORE__WAIT_REPLICAS": "1"}
    return Crew(folder, ClusterStore(folder / "store"), settings)


ROWS: Final[dict[str, tuple[Callable[[float], Play], MakeCrew]]] = {
    "F1": (store_killed, plain_crew),
    "F2": (services_killed, plain_crew),
    "F3": (store_stopped, plain_crew),
    "F9": (requests_repeated, plain_crew),
    "F13": (services_ended, plain_crew),
    "F8": (holder_paused, suspendable_crew),
    "F5": (consumers_cut_off, forgetful_crew),
    "F6": (plugin_goes_wrong, moody_crew),
    "F7": (bad_documents, moody_crew),
    "F10": (archive_away, skewed_crew),
    "F4": (master_killed, cluster_crew),
}
"""In the order in which they are played; neighbours with the same crew share it."""
