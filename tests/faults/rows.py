"""The rows of the table: what each fault does, at moments that a seed chooses."""

from __future__ import annotations

import signal
from random import Random
from typing import TYPE_CHECKING, Final

from tests.faults.callers import Manners
from tests.faults.crew import LEASE_TTL, SERVICES, SingleStore
from tests.faults.moments import lapse
from tests.faults.stage import Play

if TYPE_CHECKING:
    from tests.faults.stage import Scene

STORE_AWAY: Final = 10.0
"""Seconds for which the store is stopped in F3."""

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
        for _ in range(max(1, round(scale))):
            await lapse(random.uniform(1, 2.5))
            store.server.pause()
            scene.struck("store stopped")
            try:
                await lapse(STORE_AWAY)
            finally:
                store.server.resume()
            await lapse(2)

    return Play("F3", strike)


def holder_paused(scale: float) -> Play:
    """F8: who holds leases stands still as work falls due, and wakes up after others took over."""

    async def strike(scene: Scene) -> None:
        random = random_of("F8", scene)
        lost = scene.crew.said("lease_lost")
        await lapse(2)
        turns = round(6 * scale)
        for turn in range(turns):
            victims = scene.crew.of("pool" if turn % 3 != 2 else random.choice(SERVICES))
            replica = victims[turn % len(victims)]
            await scene.forward(random.choice((1, 2)))
            await lapse(random.uniform(0, 0.15))
            replica.signal(signal.SIGSTOP)
            scene.struck(f"{replica.name} paused")
            try:
                await lapse(_TAKEN_OVER + random.uniform(0, 0.6))
            finally:
                replica.signal(signal.SIGCONT)
            await lapse(random.uniform(0.1, 0.6))
        scene.evidence["leases lost"] = scene.crew.said("lease_lost") - lost

    return Play("F8", strike)


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
            replica = random.choice(scene.crew.of(service))
            status = await scene.crew.end(replica)
            scene.struck(f"{replica.name} ended")
            if status:
                scene.found(scene.tenants[0], replica.name, [f"{replica.name} ended with {status}"])
            await scene.crew.launch(replica)
            await scene.crew.ready(replica)

    return Play("F13", strike)


PLAIN: Final = {
    "F1": store_killed,
    "F2": services_killed,
    "F3": store_stopped,
    "F8": holder_paused,
    "F9": requests_repeated,
    "F13": services_ended,
}
"""The rows that share a crew, each with tenants of its own."""
