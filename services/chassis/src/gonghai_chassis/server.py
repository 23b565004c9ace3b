"""A service's process: starts what `assemble` put together, serves, and stops in the right order.

Starting: settings are checked, the parts assembled, the workers started, and then the port opened.
Stopping, on SIGTERM or SIGINT: health says NOT_SERVING, calls in progress get `drain_time` to end
while new ones go elsewhere, workers stop and give their leases back, and last the peers' channels
and the store are closed; all of it within `stop_time`.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from typing import TYPE_CHECKING, Any, Final, Generic, cast

import grpc
import structlog
import uvloop
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from pydantic import ValidationError

from gonghai_chassis.assembly import Assembly, S
from gonghai_chassis.chain import Chain
from gonghai_chassis.chain.access_log import AccessLog
from gonghai_chassis.chain.admission import Admission
from gonghai_chassis.chain.deadline import Deadline
from gonghai_chassis.chain.errors import Errors
from gonghai_chassis.chain.metrics import MetricsStage
from gonghai_chassis.chain.permission import Permission
from gonghai_chassis.chain.principal import PrincipalStage
from gonghai_chassis.chain.recovery import Recovery
from gonghai_chassis.chain.request_context import RequestContextStage
from gonghai_chassis.chain.tenancy import Tenancy
from gonghai_chassis.chain.validation import Validation
from gonghai_chassis.credentials import Authenticator, BearerTokens, LocalClaims
from gonghai_chassis.health import Health
from gonghai_chassis.logs import CallLog, configure
from gonghai_chassis.metrics import MetricsEndpoint
from gonghai_chassis.settings import Settings, UnsafeSettings
from gonghai_chassis.store.failures import StoreUnusable
from gonghai_chassis.tls import server_certificate
from gonghai_chassis.tokens import NoKeys, Tokens

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["Assembly", "ServiceServer", "main", "run"]

_LAST_ANSWERS: Final = 0.2
"""Seconds for the refusals that are still being sent when the transport is closed."""
UNSAFE: Final = 2
"""The exit status when the settings are refused."""


class ServiceServer(Generic[S]):
    """One service in this process."""

    def __init__(
        self, name: str, assemble: Callable[[Assembly[S]], Awaitable[None]], settings: S
    ) -> None:
        """Take the service's name, the function that puts it together, and its settings.

        Raises:
            UnsafeSettings: the settings would let strangers in.
        """
        settings.check_safe()
        self.assembly: Assembly[S] = Assembly(name, settings)
        self._assemble = assemble
        self._settings = settings
        self._log = structlog.get_logger("gonghai.server")
        self._call_log = CallLog(name, log_format_of(settings), settings.log_level)
        self._admission = Admission(settings.max_concurrent_calls)
        self._health: Health | None = None
        self._server: grpc.aio.Server | None = None
        self._services: tuple[str, ...] = ()
        self.port = 0
        self.metrics_port: int | None = None

    @property
    def address(self) -> str:
        """Where the service listens."""
        return f"{self._settings.host}:{self.port}"

    @property
    def ready(self) -> bool:
        """Whether the service says SERVING."""
        return self._health is not None and self._health.ready

    async def start(self) -> None:
        """Put the service together and open its port; what was begun is undone when that fails."""
        try:
            await self._start()
        except BaseException:
            await self.assembly.closing.close(self._settings.stop_time)
            raise

    async def _start(self) -> None:
        assembly, settings = self.assembly, self._settings
        assembly.closing.add("access log", self._flush_log)
        if settings.metrics_port is not None:
            endpoint = MetricsEndpoint(
                assembly.metrics, settings.metrics_host, settings.metrics_port
            )
            self.metrics_port = endpoint.port
            assembly.closing.add("metrics", lambda: asyncio.to_thread(endpoint.close))
        await self._assemble(assembly)
        health = self._health = Health(assembly.probes, assembly.metrics.ready)
        for worker in assembly.workers:
            assembly.closing.add(f"worker {worker.name}", worker.stop)
            await worker.start()
        server = self._server = self._make_server(health)
        await health.start(self._services)
        assembly.closing.add("health", health.stop)
        await server.start()
        assembly.closing.add("calls", self._drain)
        self._log.info("serving", service=assembly.name, address=self.address)

    def _make_server(self, health: Health) -> grpc.aio.Server:
        settings = self._settings
        server = grpc.aio.server(interceptors=[self._chain()], options=_options(settings))
        recorder = _Recorder(server)
        for mount in self.assembly.mounts:
            mount(cast("grpc.aio.Server", recorder))
        health_pb2_grpc.add_HealthServicer_to_server(
            health.servicer, cast("grpc.aio.Server", recorder)
        )
        self._services = tuple(recorder.services)
        reflection.enable_server_reflection((*self._services, reflection.SERVICE_NAME), server)
        certificate = server_certificate(settings)
        address = f"{settings.host}:{settings.port}"
        if certificate is None:
            self.port = server.add_insecure_port(address)
        else:
            self.port = server.add_secure_port(address, certificate.credentials())
        return server

    def _chain(self) -> Chain:
        settings, metrics = self._settings, self.assembly.metrics
        return Chain(
            (
                Recovery(),
                RequestContextStage(self.assembly.pages),
                AccessLog(self._call_log, successes=settings.log_successes),
                MetricsStage(metrics),
                Errors(),
                self._admission,
                PrincipalStage(_authenticator(settings)),
                Permission(),
                Deadline(settings.default_deadline, settings.max_deadline),
                Validation(),
                Tenancy(),
            )
        )

    async def stop(self) -> list[str]:
        """Stop in order; returns the names of the steps that failed or were cut off."""
        if self._health is not None:
            await self._health.drain()
        return await self.assembly.closing.close(self._settings.stop_time)

    async def _drain(self) -> None:
        """Let calls in progress end; what is still in progress then is cut off.

        While health says NOT_SERVING, calls are answered a moment longer: clients that watch it
        (as the published service config has them do) leave before anything is refused. The rest
        get UNAVAILABLE, and the transport is closed when nobody is left: it drops what it has
        accepted but not handed over, and would answer CANCELLED, which clients do not repeat.
        """
        if self._server is None:
            return
        await asyncio.sleep(self._settings.leave_time)
        await self._admission.drain(self._settings.drain_time)
        await self._server.stop(_LAST_ANSWERS)

    async def _flush_log(self) -> None:
        self._call_log.flush()


async def run(name: str, assemble: Callable[[Assembly[S]], Awaitable[None]], settings: S) -> None:
    """Serve until SIGTERM or SIGINT, then stop in order."""
    server = ServiceServer(name, assemble, settings)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    starting = asyncio.create_task(server.start())
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting
        return
    try:
        await starting
        await waiting
    finally:
        waiting.cancel()
        await server.stop()


def main(
    name: str,
    assemble: Callable[[Assembly[S]], Awaitable[None]],
    settings_type: Callable[[], S],
) -> int:
    """Run a service as a process: what its `__main__` calls.

    Returns:
        The exit status: 0 after an ordered stop, 2 when the settings, or the store that they name,
        are refused.
    """
    try:
        settings = settings_type()
        settings.check_safe()
        configure(settings.log_level, log_format_of(settings), name)
        uvloop.run(run(name, assemble, settings))
    except (UnsafeSettings, NoKeys, ValidationError, StoreUnusable) as error:
        sys.stderr.write(f"{name}: {error}\n")
        return UNSAFE
    return 0


def log_format_of(settings: Settings) -> str:
    """Return json or console: as set, or as the mode calls for."""
    return settings.log_format or ("console" if settings.dev else "json")


def _authenticator(settings: Settings) -> Authenticator:
    if settings.dev:
        return LocalClaims()
    if settings.jwks_file is None:
        raise UnsafeSettings(("GONGHAI_JWKS_FILE: the keys that sign bearer tokens",))
    return BearerTokens(Tokens(settings.jwks_file, settings.issuer, settings.audience))


def _options(settings: Settings) -> tuple[tuple[str, int], ...]:
    return (
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", settings.max_message_bytes),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        # Clients of this project ping every 30 s; one that pings all the time is cut off.
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        # A second server on the same port must fail to start, not share the calls by chance.
        ("grpc.so_reuseport", 0),
    )


class _Recorder:
    """Takes handlers for the server, and notes the names of the services."""

    def __init__(self, server: grpc.aio.Server) -> None:
        self._server = server
        self.services: list[str] = []

    def add_generic_rpc_handlers(self, handlers: Any) -> None:  # noqa: ANN401 - grpc's
        self._server.add_generic_rpc_handlers(handlers)

    def add_registered_method_handlers(
        self,
        service: str,
        handlers: Any,  # noqa: ANN401, ARG002 - grpc's
    ) -> None:
        # Not handed on: the same handlers are generic ones already. For each method that is
        # registered grpc.aio keeps a future of its own, and waits for all of them anew with each
        # call: a fifth of a claim's CPU with sixty methods.
        self.services.append(service)
