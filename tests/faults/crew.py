"""The processes of one run: a store, and two replicas of each service, to be hurt one by one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, Self

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gonghai_chassis.embedded import LOOPBACK, EmbeddedSettings, EmbeddedStore, free_port
from tests.faults.moments import lapse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from tests.faults.wall_clocks import Suspension

SERVICES: Final = ("archive", "pool", "assignment")
REPLICAS: Final = 2
PARTITIONS: Final = 4
LEASE_TTL: Final = 1.0
"""Seconds until another replica may take a dead one's work: short, so that a run stays short."""

_READY_WITHIN: Final = 90.0
_STOP_WITHIN: Final = 30.0
_ASK_AGAIN: Final = 0.05


class NotReady(Exception):  # noqa: N818 - named after what is wrong
    """A process did not come up; the message has the end of its log."""


class Backing(Protocol):
    """What the services keep their data in."""

    @property
    def url(self) -> str:
        """For `GONGHAI_REDIS_URL`."""

    async def start(self) -> None:
        """Start it and wait until it answers."""

    async def stop(self) -> None:
        """End it."""


class SingleStore:
    """One embedded server: append-only, on the disk before it acknowledges."""

    def __init__(self, folder: Path) -> None:
        """Keep the data in a folder."""
        self.server = EmbeddedStore(EmbeddedSettings(folder, port=free_port(), fsync="always"))

    @property
    def url(self) -> str:
        """For `GONGHAI_REDIS_URL`."""
        return self.server.url

    async def start(self) -> None:
        """Start it and wait until it answers."""
        await self.server.start()

    async def stop(self) -> None:
        """End it."""
        await self.server.stop()


@dataclass(slots=True)
class Replica:
    """One process of a service.

    Attributes:
        service: archive, pool or assignment.
        number: from 0.
        port: where it listens, in each of its lives.
        environment: what it is told beside what all are told.
        process: its present life, or the last one.
        suspension: what its clocks do not know of; None where they go as they should.
    """

    service: str
    number: int
    port: int
    environment: dict[str, str] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None
    suspension: Suspension | None = None

    @property
    def name(self) -> str:
        """`pool-1`."""
        return f"{self.service}-{self.number}"

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self.process is not None and self.process.returncode is None

    def signal(self, number: signal.Signals) -> None:
        """Send its process a signal; nothing happens when that is gone."""
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)


class Crew:
    """A store and the replicas that work on it."""

    def __init__(
        self, folder: Path, backing: Backing, environment: Mapping[str, str] | None = None
    ) -> None:
        """Prepare; nothing is started.

        Args:
            folder: for the logs.
            backing: the store.
            environment: further settings of all services (`GONGHAI_…`).
        """
        self.folder = folder
        self.backing = backing
        self._environment = dict(environment or {})
        self.replicas = [
            Replica(service, number, free_port())
            for service in SERVICES
            for number in range(REPLICAS)
        ]

    def of(self, service: str) -> list[Replica]:
        """Return the replicas of a service."""
        return [replica for replica in self.replicas if replica.service == service]

    def target(self, service: str) -> str:
        """Return where a client finds all replicas of a service."""
        return "ipv4:///" + ",".join(replica.address for replica in self.of(service))

    async def start(self) -> None:
        """Start everything and wait until it serves."""
        self.folder.mkdir(parents=True, exist_ok=True)
        await self.backing.start()
        # One first: it installs the store, and the others find the code in the cache.
        for replica in self.replicas:
            await self.launch(replica)
        await self.ready()

    async def stop(self) -> None:
        """End everything, whatever state it is in."""
        for replica in self.replicas:
            replica.signal(signal.SIGCONT)
            replica.signal(signal.SIGTERM)
        await asyncio.gather(*(self._until_ended(replica) for replica in self.replicas))
        await self.backing.stop()

    async def launch(self, replica: Replica) -> None:
        """Start a replica that is not running; it may not serve yet."""
        with (self.folder / f"{replica.name}.log").open("ab") as log:
            replica.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                f"gonghai_{replica.service}",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._told(replica),
                start_new_session=True,
            )

    async def kill(self, replica: Replica) -> None:
        """End a replica at once, as a crash would (kill -9)."""
        replica.signal(signal.SIGKILL)
        if replica.process is not None:
            await replica.process.wait()

    async def end(self, replica: Replica) -> int:
        """Ask a replica to end (SIGTERM), wait until it has, and answer its exit status."""
        replica.signal(signal.SIGTERM)
        await self._until_ended(replica)
        status = None if replica.process is None else replica.process.returncode
        return 0 if status is None else status

    async def ready(self, *replicas: Replica) -> None:
        """Wait until replicas serve; all of them when none is named.

        Raises:
            NotReady: one ended, or took too long.
        """
        await asyncio.gather(*(self._until_ready(each) for each in replicas or self.replicas))

    def said(self, words: str) -> int:
        """Count how often the services logged something."""
        return sum(log.read_bytes().count(words.encode()) for log in self.folder.glob("*.log"))

    async def __aenter__(self) -> Self:
        """Start everything; what was begun is ended when that fails."""
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End everything."""
        await self.stop()

    async def _until_ready(self, replica: Replica) -> None:
        async with grpc.aio.insecure_channel(replica.address) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            try:
                async with asyncio.timeout(_READY_WITHIN):
                    while not await _serves(health):
                        if not replica.running:
                            raise NotReady(f"{replica.name} ended.\n{self._last_words(replica)}")
                        await lapse(_ASK_AGAIN)
            except TimeoutError:
                raise NotReady(
                    f"{replica.name} does not serve.\n{self._last_words(replica)}"
                ) from None

    async def _until_ended(self, replica: Replica) -> None:
        if replica.process is None:
            return
        try:
            async with asyncio.timeout(_STOP_WITHIN):
                await replica.process.wait()
        except TimeoutError:
            await self.kill(replica)

    def _last_words(self, replica: Replica) -> str:
        log = self.folder / f"{replica.name}.log"
        return "\n".join(log.read_text("utf-8", "replace").splitlines()[-10:])

    def _told(self, replica: Replica) -> dict[str, str]:
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith("GONGHAI_")
        }
        return {
            **inherited,
            "GONGHAI_MODE": "dev",
            "GONGHAI_HOST": LOOPBACK,
            "GONGHAI_PORT": str(replica.port),
            "GONGHAI_REDIS_URL": self.backing.url,
            "GONGHAI_PARTITIONS": str(PARTITIONS),
            "GONGHAI_LEASE_TTL": str(LEASE_TTL),
            "GONGHAI_LOG_LEVEL": "info",
            "GONGHAI_LOG_SUCCESSES": "false",
            "GONGHAI_LOG_FORMAT": "json",
            **{f"GONGHAI_{peer.upper()}_ADDRESS": self.target(peer) for peer in SERVICES},
            **self._environment,
            **replica.environment,
        }


async def _serves(health: health_pb2_grpc.HealthStub) -> bool:
    try:
        answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=1.0)
    except grpc.aio.AioRpcError:
        return False
    serving: bool = answer.status == health_pb2.HealthCheckResponse.SERVING
    return serving
