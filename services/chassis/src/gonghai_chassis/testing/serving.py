"""Runs a service inside a test: a real gRPC server on a free port, in dev mode."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import grpc

from gonghai_chassis.assembly import Assembly, S
from gonghai_chassis.server import ServiceServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from gonghai_chassis.store import StoreSettings

Stub = TypeVar("Stub")
_ONE_CONNECTION_EACH = (("grpc.use_local_subchannel_pool", 1),)


def dev_settings(
    settings_type: Callable[..., S],
    store: StoreSettings | None = None,
    **more: Any,  # noqa: ANN401 - whatever the settings have
) -> S:
    """Return settings for a test: dev mode, loopback, a free port, and the store given."""
    told: dict[str, Any] = {
        "mode": "dev",
        "host": "127.0.0.1",
        "port": 0,
        "log_level": "warning",
        "drain_time": 1.0,
        "leave_time": 0.0,
    }
    if store is not None:
        told["store"] = store
    return settings_type(**{**told, **more})


class Served(Generic[S]):
    """A service that is being served.

    Attributes:
        server: Its server.
        assembly: What it is put together from.
    """

    def __init__(self, server: ServiceServer[S]) -> None:
        """Take a started server."""
        self.server = server
        self.assembly: Assembly[S] = server.assembly
        self._channels: list[grpc.aio.Channel] = []

    @property
    def address(self) -> str:
        """Where it listens: `127.0.0.1:port`."""
        return self.server.address

    def channel(self, principal: str = "", **headers: str) -> grpc.aio.Channel:
        """Return a plain channel, without retries; it is closed with the service.

        Args:
            principal: Who calls, as dev mode's header says it: `rep:wang@acme`.
            headers: Further metadata; underscores stand for hyphens.
        """
        metadata = [(key.replace("_", "-"), value) for key, value in headers.items()]
        if principal:
            metadata.append(("x-gonghai-principal", principal))
        channel = grpc.aio.insecure_channel(
            self.address, options=_ONE_CONNECTION_EACH, interceptors=_adding(metadata)
        )
        self._channels.append(channel)
        return channel

    def stub(self, make: Callable[[Any], Stub], principal: str = "", **headers: str) -> Stub:
        """Return a stub over a channel of its own; see `channel`."""
        return make(self.channel(principal, **headers))

    async def close(self) -> None:
        """Close the channels and stop the service."""
        for channel in self._channels:
            await channel.close(None)
        failed = await self.server.stop()
        if failed:
            message = f"could not close: {', '.join(failed)}"
            raise AssertionError(message)


@asynccontextmanager
async def serving(
    name: str, assemble: Callable[[Assembly[S]], Awaitable[None]], settings: S
) -> AsyncIterator[Served[S]]:
    """Serve while the block runs, then stop in order.

    Raises:
        AssertionError: something could not be closed.
    """
    server = ServiceServer(name, assemble, settings)
    await server.start()
    served = Served(server)
    try:
        yield served
    finally:
        await served.close()


def _adding(metadata: Sequence[tuple[str, str]]) -> Sequence[Any]:
    if not metadata:
        return ()
    return (
        _UnaryUnary(metadata),
        _UnaryStream(metadata),
        _StreamUnary(metadata),
        _StreamStream(metadata),
    )


class _Adding:
    """Adds metadata to each call."""

    def __init__(self, metadata: Sequence[tuple[str, str]]) -> None:
        self._metadata = metadata

    def _with(self, details: grpc.aio.ClientCallDetails) -> grpc.aio.ClientCallDetails:
        metadata = grpc.aio.Metadata(*(details.metadata or ()), *self._metadata)
        return grpc.aio.ClientCallDetails(
            details.method, details.timeout, metadata, details.credentials, details.wait_for_ready
        )


class _UnaryUnary(_Adding, grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]
    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:  # noqa: ANN401
        return await continuation(self._with(details), request)


class _UnaryStream(_Adding, grpc.aio.UnaryStreamClientInterceptor):  # type: ignore[type-arg]
    async def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:  # noqa: ANN401
        return await continuation(self._with(details), request)


class _StreamUnary(_Adding, grpc.aio.StreamUnaryClientInterceptor):  # type: ignore[type-arg]
    async def intercept_stream_unary(self, continuation: Any, details: Any, requests: Any) -> Any:  # noqa: ANN401
        return await continuation(self._with(details), requests)


class _StreamStream(_Adding, grpc.aio.StreamStreamClientInterceptor):  # type: ignore[type-arg]
    async def intercept_stream_stream(self, continuation: Any, details: Any, requests: Any) -> Any:  # noqa: ANN401
        return await continuation(self._with(details), requests)
