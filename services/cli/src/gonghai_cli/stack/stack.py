"""Starting, stopping, killing and starting again the processes of one Gonghai."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gonghai_chassis.embedded import LOOPBACK, EmbeddedSettings, EmbeddedStore, free_port
from gonghai_chassis.store.failures import StoreUnavailable
from gonghai_cli.stack.addresses import PORT_BASE, Addresses
from gonghai_cli.stack.data import DataDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import TracebackType

STORE: Final = "store"
SERVICES: Final = ("archive", "pool", "assignment")

_READY_WITHIN: Final = 60.0
_STOP_WITHIN: Final = 30.0
_ASK_AGAIN: Final = 0.05
_LAST_LINES: Final = 15


class StackFailed(Exception):  # noqa: N818 - named after what happened
    """A process did not come up, or ended by itself; the message tells a person which and why."""


class PortInUse(StackFailed):
    """Something else listens on a port that is needed."""


@dataclass(frozen=True, slots=True)
class StackSettings:
    """What to start.

    Attributes:
        data: where everything is kept.
        port_base: the store's port; the services follow. 0 takes free ones.
        partitions: how many partitions a new installation gets.
        fsync: when an acknowledged write is on the disk: `always`, `everysec`, `no`.
        environment: further settings of the services (`GONGHAI_…`).
    """

    data: Path
    port_base: int = PORT_BASE
    partitions: int = 8
    fsync: str = "always"
    environment: Mapping[str, str] = field(default_factory=dict)


class Stack:
    """The store and the three services; started and ended together, or one by one."""

    def __init__(
        self, settings: StackSettings, report: Callable[[str], None] = lambda _line: None
    ) -> None:
        """Prepare; nothing is started.

        Args:
            settings: what to start.
            report: is told, in a sentence each, what happens.
        """
        self.settings = settings
        self.data = DataDirectory(settings.data)
        self._report = report
        self._ports = _ports(settings.port_base)
        self._store: EmbeddedStore | None = None
        self._processes: dict[str, asyncio.subprocess.Process] = {}

    @property
    def addresses(self) -> Addresses:
        """Where the services listen."""
        return Addresses(**{name: self._address(name) for name in SERVICES})

    @property
    def store_url(self) -> str:
        """Where the store listens."""
        return f"redis://{LOOPBACK}:{self._ports[STORE]}/0"

    async def start(self, *, fresh: bool = False) -> None:
        """Start everything and wait until it serves; what was begun is ended when that fails.

        Args:
            fresh: whether to throw away the data of earlier runs.

        Raises:
            DataInUse: another stack runs on the data.
            StackFailed: a process did not come up.
        """
        for name in await asyncio.to_thread(self.data.acquire):
            self._report(f"ended {name}, which an earlier run had left behind")
        try:
            if fresh:
                await asyncio.to_thread(self.data.clear)
            await asyncio.to_thread(self.data.logs.mkdir, parents=True, exist_ok=True)
            for name, port in self._ports.items():
                _check_free(name, port)
            await self.start_one(STORE)
            for name in SERVICES:
                await self._launch(name)
            await asyncio.gather(*(self.until_ready(name) for name in SERVICES))
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End the services, then the store; each is killed when it takes too long."""
        for name in reversed(SERVICES):
            process = self._processes.get(name)
            if process is not None and process.returncode is None:
                process.send_signal(signal.SIGTERM)
        for name in reversed(SERVICES):
            await self._until_ended(name)
        if self._store is not None:
            await self._store.stop()
        await asyncio.to_thread(self.data.release)

    async def start_one(self, name: str) -> None:
        """Start the store or a service that is not running; a service may not serve yet.

        Raises:
            StackFailed: the store did not come up.
        """
        if name == STORE:
            self._store = EmbeddedStore(
                EmbeddedSettings(
                    self.data.store, port=self._ports[STORE], fsync=self.settings.fsync
                )
            )
            try:
                await self._store.start()
            except StoreUnavailable as error:
                raise StackFailed(f"{error}\n{_tail(self._store.log_path)}") from error
            self._note()
        else:
            await self._launch(name)

    async def kill(self, name: str) -> None:
        """End the store or a service at once, as a crash would (kill -9)."""
        if name == STORE:
            if self._store is not None:
                await self._store.kill()
            return
        process = self._processes[name]
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()

    def running(self, name: str) -> bool:
        """Say whether the process of this name lives."""
        if name == STORE:
            return self._store is not None and self._store.pid is not None
        process = self._processes.get(name)
        return process is not None and process.returncode is None

    async def until_ready(self, name: str) -> None:
        """Wait until a service says that it serves.

        Raises:
            StackFailed: it ended, or took too long; the message has the end of its log.
        """
        async with grpc.aio.insecure_channel(self._address(name)) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            try:
                async with asyncio.timeout(_READY_WITHIN):
                    while not await _serves(health):
                        if not self.running(name):
                            raise StackFailed(f"{name} ended at once.\n{self._last_words(name)}")
                        await asyncio.sleep(_ASK_AGAIN)
            except TimeoutError:
                raise StackFailed(
                    f"{name} does not serve after {_READY_WITHIN:.0f} s.\n{self._last_words(name)}"
                ) from None

    async def until_one_ends(self) -> str:
        """Wait until a process ends that should not, and say which and how, for a person."""
        ends: set[asyncio.Task[object]] = {
            asyncio.create_task(process.wait(), name=name)
            for name, process in self._processes.items()
        }
        ends.add(asyncio.create_task(self._until_store_ends(), name=STORE))
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in ends:
                task.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
        name = min(task.get_name() for task in done)
        return f"{name} ended by itself; see {self._log(name)}\n{self._last_words(name)}"

    async def __aenter__(self) -> Self:
        """Start everything."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop everything."""
        await self.stop()

    async def _launch(self, name: str) -> None:
        with self._log(name).open("ab") as log:
            self._processes[name] = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                f"gonghai_{name}",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(name),
                # Ctrl-C goes to the whole foreground group; we end them ourselves, in order.
                start_new_session=True,
            )
        self._note()

    async def _until_ended(self, name: str) -> None:
        process = self._processes.get(name)
        if process is None:
            return
        try:
            async with asyncio.timeout(_STOP_WITHIN):
                await process.wait()
        except TimeoutError:
            self._report(f"{name} does not end; killed")
            await self.kill(name)

    async def _until_store_ends(self) -> None:
        if self._store is not None:
            await self._store.ended()

    def _note(self) -> None:
        children = {
            name: process.pid
            for name, process in self._processes.items()
            if process.returncode is None
        }
        if self._store is not None and self._store.pid is not None:
            children[STORE] = self._store.pid
        self.data.note(children)

    def _address(self, name: str) -> str:
        return f"{LOOPBACK}:{self._ports[name]}"

    def _log(self, name: str) -> Path:
        return self.data.store / "store.log" if name == STORE else self.data.logs / f"{name}.log"

    def _last_words(self, name: str) -> str:
        return _tail(self._log(name))

    def _environment(self, name: str) -> dict[str, str]:
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith("GONGHAI_")
        }
        return {
            **inherited,
            "GONGHAI_MODE": "dev",
            "GONGHAI_HOST": LOOPBACK,
            "GONGHAI_PORT": str(self._ports[name]),
            "GONGHAI_REDIS_URL": self.store_url,
            "GONGHAI_PARTITIONS": str(self.settings.partitions),
            "GONGHAI_LOG_SUCCESSES": "false",
            "GONGHAI_LOG_FORMAT": "json",
            **{f"GONGHAI_{peer.upper()}_ADDRESS": self._address(peer) for peer in SERVICES},
            **self.settings.environment,
        }


async def _serves(health: health_pb2_grpc.HealthStub) -> bool:
    try:
        answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=1.0)
    except grpc.aio.AioRpcError:
        return False
    serving: bool = answer.status == health_pb2.HealthCheckResponse.SERVING
    return serving


def _ports(base: int) -> dict[str, int]:
    names = (STORE, *SERVICES)
    if base == 0:
        ports: set[int] = set()
        while len(ports) < len(names):
            ports.add(free_port())
        return dict(zip(names, sorted(ports), strict=True))
    return {name: base + place for place, name in enumerate(names)}


def _check_free(name: str, port: int) -> None:
    with socket.socket() as probe:
        # As the servers do: a port whose last connections are still closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            raise PortInUse(
                f"Port {port}, meant for {name}, is in use. End what listens there, or choose"
                " other ports with --port-base."
            ) from None


def _tail(log: Path) -> str:
    try:
        lines = log.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return "\n".join(f"  {line}" for line in lines[-_LAST_LINES:])
