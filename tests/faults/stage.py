"""One row of the table played: set up, load, faults at random moments, rest, reading, checking."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from gonghai.dev.v1 import clock_pb2
from gonghai_chassis.clients import PeerFailed
from gonghai_chassis.errors import PeerRefused, PeerUnavailable
from gonghai_chassis.instants import instant_of, timestamp
from gonghai_chassis.store import Store, StoreSettings
from gonghai_cli.flow.repeat import repeated
from gonghai_cli.services import Services
from gonghai_cli.stack import Addresses
from gonghai_pool.consistency import audit
from tests.faults.callers import Callers, Doors, Manners
from tests.faults.checks import Violation, check
from tests.faults.crew import PARTITIONS, SERVICES
from tests.faults.examination import examined, head, upkeep_of
from tests.faults.moments import lapse
from tests.faults.pulse import Pulse
from tests.faults.record import History, Recorder, State, Struck
from tests.faults.tenant import Tenant
from tests.faults.witness import SOURCES, Reader, Watcher

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path
    from types import TracebackType

    from tests.faults.crew import Crew

DAY: Final = 86_400_000_000
_REST_WITHIN: Final = 60.0
_END_WITHIN: Final = 60.0
_HEAR_WITHIN: Final = 30.0
"""Seconds that the machine gives until it has taken too long."""

_ASK_AGAIN: Final = 0.2


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a row.

    Attributes:
        row: F1 and so on.
        seed: repeats it.
        calls: how many requests were sent.
        done: how many of these were acknowledged.
        unknown: how many got no answer that says whether it was done.
        faults: how often something was broken.
        violations: laws that were broken.
        weak: what should have been seen, was not, and is nobody's fault: the row proves less.
        seconds: how long it took.
        evidence: what shows that the fault did what it should, by name.
    """

    row: str
    seed: int
    calls: int
    done: int
    unknown: int
    faults: int
    violations: tuple[Violation, ...]
    seconds: float
    evidence: dict[str, int] = field(default_factory=dict)
    weak: tuple[str, ...] = ()


class Scene:
    """A crew at work, for a fault to break into."""

    def __init__(self, crew: Crew, pulse: Pulse, tenants: list[Tenant], seed: int) -> None:
        """Open the channels; `__aexit__` closes them."""
        self.crew = crew
        self.pulse = pulse
        self.recorder = pulse.recorder
        self.tenants = tenants
        self.seed = seed
        self.doors = Doors.of(crew)
        self.services = services_of(crew)
        self.callers: list[Callers] = []
        self.evidence: dict[str, int] = {}
        self.faults = 0

    async def __aenter__(self) -> Self:
        """Use the channels."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close them."""
        await self.doors.close()
        await self.services.close()

    def struck(self, what: str) -> None:
        """Take down that a fault was injected."""
        self.faults += 1
        self.recorder.add(Struck(time.monotonic(), what))

    def found(self, tenant: Tenant, subject: str, sentences: list[str]) -> None:
        """Take down what a fault itself found wrong."""
        self.recorder.add(State(tenant.id, "audit", subject, sentences))

    async def lapse(self, seconds: float) -> None:
        """Let the machine give some seconds: for what takes longer where it does much else."""
        await self.pulse.lapse(seconds)

    def noted(self, kind: str, subject: str, began: float, ended: float) -> None:
        """Take down a span of monotonic seconds that all tenants lived through."""
        for tenant in self.tenants:
            span = {"from": began, "to": ended}
            self.recorder.add(State(tenant.id, kind, subject, span))

    def prove(self, what: str, seen: int, least: int) -> None:
        """Take down how often something was seen that must be seen."""
        content = {"seen": seen, "least": least}
        self.recorder.add(State(self.tenants[0].id, "evidence", what, content))

    async def now(self, clock: Any = None) -> int:  # noqa: ANN401 - a clock stub
        """Return domain time (µs), as any service says it, or the one asked."""
        stub = clock or self.services.clock
        request = clock_pb2.GetClockRequest()
        return instant_of((await repeated(lambda: stub.GetClock(request))).now)

    async def forward(self, days: int, clock: Any = None) -> None:  # noqa: ANN401 - a clock stub
        """Let domain time, which runs, be some days later."""
        stub = clock or self.services.clock
        now = await self.now(stub)
        request = clock_pb2.SetClockRequest(now=timestamp(now + days * DAY))
        await repeated(lambda: stub.SetClock(request))

    async def stand_still(self, *, still: bool = True) -> None:
        """Let domain time stand still, so that nothing falls due while it is read, or run again."""
        request = clock_pb2.SetClockRequest(frozen=still)
        await repeated(lambda: self.services.clock.SetClock(request))

    async def rest(self) -> None:
        """Wait until the services have nothing left to do, as long as the machine gives them."""
        began, request = time.monotonic(), clock_pb2.AwaitQuietRequest()
        while True:
            try:
                await self.services.clock.AwaitQuiet(request, timeout=_REST_WITHIN)
            except (PeerUnavailable, PeerFailed, PeerRefused):
                if self.pulse.given_since(began) > _REST_WITHIN:
                    raise
                await lapse(_ASK_AGAIN)
            else:
                return


@dataclass(frozen=True, slots=True)
class Play:
    """How a row is played.

    Attributes:
        row: F1 and so on.
        strike: breaks things, and returns when it has done so often enough.
        manners: of the callers.
        callers: how many, of each tenant.
        listening: whether watchers follow all streams.
        whole: whether the streams still have their first entries in the end.
        relaxed: laws that this fault may break, as the documents say.
        least: evidence that the row guarantees, and how much of it.
        hoped: evidence that the row mostly brings about, and how much makes it strong.
    """

    row: str
    strike: Callable[[Scene], Awaitable[None]]
    manners: Manners = field(default_factory=Manners)
    callers: int = 6
    listening: bool = True
    whole: bool = True
    relaxed: frozenset[str] = frozenset()
    least: Mapping[str, int] = field(default_factory=dict)
    hoped: Mapping[str, int] = field(default_factory=dict)


def services_of(crew: Crew) -> Services:
    """Return stubs that repeat and are typed, over all replicas."""
    return Services(Addresses(**{service: crew.target(service) for service in SERVICES}))


async def play(play: Play, crew: Crew, seed: int, record: Path) -> Result:
    """Play a row on a crew that serves; it serves again afterwards."""
    began = time.monotonic()
    tenants = [
        Tenant(f"{play.row.lower()}-{seed}-claims"),
        Tenant(f"{play.row.lower()}-{seed}-routed", routed=True),
    ]
    with Recorder(record) as recorder:
        async with Pulse(recorder) as pulse, Scene(crew, pulse, tenants, seed) as scene:
            for tenant in tenants:
                await tenant.set_up(scene.services)
            await scene.rest()
            await _under_load(play, scene)
            await _heal(crew)
            await _read(play, scene)
            evidence = scene.evidence
            for what, least in play.least.items():
                scene.prove(what, evidence.get(what, 0), least)
            scene.prove("faults", scene.faults, 1)
    history = History.read(record)
    evidence["past the deadline"] = sum(
        attempt.code == "DEADLINE_EXCEEDED" for attempt in history.attempts
    )
    for change in ("ASSIGNED", "CLAIMED", "RECLAIMED"):
        evidence[change.lower()] = sum(
            entry["change"] == change
            for state in history.states
            if state.kind == "history"
            for entry in state.content
        )
    evidence["breaks of watchers"] = sum(
        state.content["breaks"] for state in history.states if state.kind == "watched"
    )
    violations = [
        violation
        for violation in check(history, [tenant.id for tenant in tenants])
        if violation.law not in play.relaxed
    ]
    return Result(
        play.row,
        seed,
        len(history.attempts),
        sum(attempt.ok for attempt in history.attempts),
        sum(attempt.unknown for attempt in history.attempts),
        len(history.struck),
        tuple(violations),
        time.monotonic() - began,
        evidence,
        tuple(
            f"{what}: {evidence.get(what, 0)} of {enough}"
            for what, enough in play.hoped.items()
            if evidence.get(what, 0) < enough
        ),
    )


async def _under_load(play: Play, scene: Scene) -> None:
    ways = [scene.doors]
    if play.manners.copies > 1:
        ways += [
            Doors({service: f"ipv4:///{scene.crew.of(service)[n].address}" for service in SERVICES})
            for n in range(2)
        ]
    scene.callers = [
        Callers(ways, scene.recorder, tenant, scene.seed, play.callers, play.manners)
        for tenant in scene.tenants
    ]
    loads = [asyncio.create_task(callers.run()) for callers in scene.callers]
    watchers = [
        Watcher(scene.doors, scene.recorder, tenant, source)
        for tenant in scene.tenants
        for source in SOURCES
        if play.listening
    ]
    watching = [asyncio.create_task(watcher.run()) for watcher in watchers]
    try:
        await play.strike(scene)
        await _heal(scene.crew)
        for callers in scene.callers:
            callers.over.set()
        async with asyncio.timeout(_END_WITHIN):
            await asyncio.gather(*loads)
        if watchers:
            await scene.rest()
            await _hear_the_end(scene, watchers)
    finally:
        for task in (*loads, *watching):
            task.cancel()
        await asyncio.gather(*loads, *watching, return_exceptions=True)
        for doors in ways[1:]:
            await doors.close()


async def _hear_the_end(scene: Scene, watchers: list[Watcher]) -> None:
    async with upkeep_of(scene.crew) as services:
        heads = [await head(services, each.source, each.tenant.id) for each in watchers]
    began = time.monotonic()

    def over() -> bool:
        return scene.pulse.given_since(began) > _HEAR_WITHIN

    await asyncio.gather(
        *(each.hear(last, over) for each, last in zip(watchers, heads, strict=True))
    )


async def _heal(crew: Crew) -> None:
    for replica in crew.replicas:
        if not replica.running:
            await crew.launch(replica)
    await crew.ready()


async def _read(play: Play, scene: Scene) -> None:
    # Who was warned late is taken back on a full minute, many at once: not between two readings.
    await scene.stand_still()
    await scene.rest()
    moment = await scene.now()
    for tenant in scene.tenants:
        reader = Reader(scene.services, scene.doors, scene.recorder, tenant)
        await reader.run(whole=play.whole)
    settings = StoreSettings(url=scene.crew.backing.url, partitions=PARTITIONS)
    store = await Store.open(settings, area="pool")
    try:
        scene.found(scene.tenants[0], "pool", await audit(store))
    finally:
        await store.close()
    audits, comparisons = await examined(scene.crew)
    for place, sentences in audits.items():
        scene.found(scene.tenants[0], place, sentences)
    for place, sentences in comparisons.items():
        scene.recorder.add(State(scene.tenants[0].id, "comparison", place, sentences))
    scene.evidence["audits"], scene.evidence["comparisons"] = len(audits), len(comparisons)
    scene.prove("audits", len(audits), len(SERVICES) * PARTITIONS)
    scene.prove("comparisons", len(comparisons), len(SERVICES) * PARTITIONS)
    if await scene.now() != moment:
        raise RuntimeError("domain time ran while the end was read")
    await scene.stand_still(still=False)
