"""The one place that builds clients: of a service for its peers, and of the command line.

A channel from here retries UNAVAILABLE alone and spreads its calls over all replicas behind a name
(`gonghai/service_config.json`, published with the contracts). Inside a call it passes on what
belongs to it: the call id, the trace, what is left of the deadline, the language, and the person
for whom it is made. Errors come back typed: `PeerUnavailable` (the outcome is unknown: repeat with
the same request_id) or `PeerRefused` (a refusal, with its reason and details).
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar, cast

import grpc
from google.rpc import status_pb2

from gonghai_chassis.context import current_or_none
from gonghai_chassis.errors import PeerRefused, PeerUnavailable, Reason
from gonghai_chassis.files import WatchedFile
from gonghai_chassis.principals import SUBJECT
from gonghai_chassis.statuses import refusal_in
from gonghai_chassis.tls import channel_credentials

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
    from types import TracebackType

    from gonghai_chassis.settings import Settings

TIMEOUT: Final = 10.0
"""Seconds for a unary call that is made outside of any call, when its caller says nothing."""

Metadata = tuple[tuple[str, str], ...]
Request = TypeVar("Request")
Response = TypeVar("Response")

_DETAILS: Final = "grpc-status-details-bin"
_UNKNOWN_OUTCOME: Final = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
    }
)


class PeerFailed(Exception):  # noqa: N818 - the peer did, not this service
    """The peer answered with something that is no refusal: a fault of ours, there or here."""

    def __init__(self, service: str, code: grpc.StatusCode, message: str) -> None:
        """Say who, and what."""
        super().__init__(f"{service} answered {code.name}: {message}")
        self.service = service
        self.code = code


class Channels:
    """The channels of one service to its peers, one each."""

    def __init__(self, settings: Settings, name: str) -> None:
        """Take the settings (addresses, TLS, token) and the name of the calling service."""
        self._settings = settings
        self._name = name
        self._open: dict[str, PeerChannel] = {}
        self._token = _ServiceToken(settings, name)

    def to(self, service: str) -> PeerChannel:
        """Return the channel to `archive`, `pool` or `assignment`."""
        channel = self._open.get(service)
        if channel is None:
            address: str = getattr(self._settings, f"{service}_address")
            channel = open_channel(
                address,
                service=service,
                credentials=channel_credentials(self._settings),
                headers=self._token.headers,
                max_message_bytes=self._settings.max_message_bytes,
            )
            self._open[service] = channel
        return channel

    async def close(self) -> None:
        """Close them all."""
        while self._open:
            _, channel = self._open.popitem()
            await channel.close()


class _ServiceToken:
    """Shows the peers who calls: by a token from a file that is re-read, or by name in dev mode."""

    def __init__(self, settings: Settings, name: str) -> None:
        path = settings.service_token_file
        self._file = None if path is None else WatchedFile(path)
        self._dev: Metadata = (("x-gonghai-principal", f"system:{name}"),) if settings.dev else ()
        self._held: Metadata = ()

    def headers(self) -> Metadata:
        if self._file is None:
            return self._dev
        content = self._file.changed()
        if content is not None:
            self._held = (("authorization", f"Bearer {content.decode().strip()}"),)
        return self._held


def open_channel(
    address: str,
    *,
    service: str = "",
    credentials: grpc.ChannelCredentials | None = None,
    headers: Callable[[], Metadata] = tuple,
    max_message_bytes: int = 4 * 1024 * 1024,
) -> PeerChannel:
    """Open a channel.

    Args:
        address: `host:port`, or a target of gRPC (`dns:///pool:7402`, `unix:…`).
        service: What errors call the other side; the address when empty.
        credentials: TLS; plaintext when None.
        headers: Called for each call: its credentials.
        max_message_bytes: The largest message to take.
    """
    target = address if "://" in address or address.startswith("unix:") else f"dns:///{address}"
    options = (
        (
            "grpc.service_config",
            files("gonghai").joinpath("service_config.json").read_text("utf-8"),
        ),
        ("grpc.enable_retries", 1),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.max_send_message_length", max_message_bytes),
    )
    if credentials is None:
        channel = grpc.aio.insecure_channel(target, options=options)
    else:
        channel = grpc.aio.secure_channel(target, credentials, options=options)
    return PeerChannel(channel, service or address, headers)


class PeerChannel(grpc.aio.Channel):
    """A channel whose calls carry the context of the running call, and whose errors are typed."""

    def __init__(
        self, channel: grpc.aio.Channel, service: str, headers: Callable[[], Metadata]
    ) -> None:
        """Wrap a channel to a service."""
        self._channel = channel
        self._service = service
        self._headers = headers

    def unary_unary(self, method: str, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as grpc
        """Return what calls a unary method."""
        inner = self._channel.unary_unary(method, *arguments, **named)
        return _Unary(inner, self._service, self._headers)

    def stream_unary(self, method: str, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as grpc
        """Return what calls a client-streaming method."""
        inner = self._channel.stream_unary(method, *arguments, **named)
        return _Unary(inner, self._service, self._headers, stays_open=True)

    def unary_stream(self, method: str, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as grpc
        """Return what calls a server-streaming method."""
        inner = self._channel.unary_stream(method, *arguments, **named)
        return _Streaming(inner, self._service, self._headers)

    def stream_stream(self, method: str, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as grpc
        """Return what calls a method that streams both ways."""
        inner = self._channel.stream_stream(method, *arguments, **named)
        return _Streaming(inner, self._service, self._headers)

    async def close(self, grace: float | None = None) -> None:
        """Close the channel; calls in progress are cancelled after `grace` seconds."""
        await self._channel.close(grace)

    def get_state(  # the signature is grpc's
        self,
        try_to_connect: bool = False,  # noqa: FBT001, FBT002
    ) -> grpc.ChannelConnectivity:
        """Return the state of the connection."""
        return self._channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Wait until the state is another one."""
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Wait until the channel is connected."""
        await self._channel.channel_ready()

    async def __aenter__(self) -> Self:
        """Use the channel."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the channel."""
        await self.close()


class _Unary(Generic[Request, Response]):
    """Calls a method that answers once."""

    def __init__(
        self,
        inner: Any,  # noqa: ANN401 - one of grpc's four
        service: str,
        headers: Callable[[], Metadata],
        *,
        stays_open: bool = False,
    ) -> None:
        self._inner = inner
        self._service = service
        self._headers = headers
        self._stays_open = stays_open

    async def __call__(
        self,
        request: Request,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - it travels with the call
        metadata: Sequence[tuple[str, str]] = (),
        **named: Any,  # noqa: ANN401 - whatever else grpc takes
    ) -> Response:
        passed, left = _of_running_call()
        limit = left if timeout is None else timeout if left is None else min(timeout, left)
        if limit is None and not self._stays_open:
            limit = TIMEOUT
        try:
            response: Response = await self._inner(
                request,
                timeout=limit,
                metadata=(*self._headers(), *passed, *metadata),
                **named,
            )
        except grpc.aio.AioRpcError as error:
            raise translated(error, self._service) from None
        return response


class _Streaming(Generic[Request, Response]):
    """Calls a method that answers with a stream."""

    def __init__(
        self,
        inner: Any,  # noqa: ANN401 - one of grpc's four
        service: str,
        headers: Callable[[], Metadata],
    ) -> None:
        self._inner = inner
        self._service = service
        self._headers = headers

    async def __call__(
        self,
        request: Request | AsyncIterable[Request],
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - it travels with the call
        metadata: Sequence[tuple[str, str]] = (),
        **named: Any,  # noqa: ANN401 - whatever else grpc takes
    ) -> AsyncIterator[Response]:
        passed, left = _of_running_call()
        limit = left if timeout is None else timeout if left is None else min(timeout, left)
        call = self._inner(
            request, timeout=limit, metadata=(*self._headers(), *passed, *metadata), **named
        )
        try:
            async for response in call:
                yield response
        except grpc.aio.AioRpcError as error:
            raise translated(error, self._service) from None
        finally:
            # Without this a reader who stops early would leave the stream open.
            call.cancel()


def translated(error: grpc.aio.AioRpcError, service: str) -> Exception:
    """Turn what grpc raises into what this side means by it."""
    refusal = refusal_in(status_in(error))
    if error.code() in _UNKNOWN_OUTCOME:
        if refusal is None:
            return PeerUnavailable(service)
        return PeerUnavailable(service, refusal.retry_after or 1_000_000, refusal.message)
    if refusal is None:
        if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
            return PeerUnavailable(service)
        return PeerFailed(service, error.code(), error.details() or "")
    if refusal.reason is Reason.RATE_LIMIT:
        return PeerUnavailable(service, refusal.retry_after or 100_000, refusal.message)
    return PeerRefused(service, refusal)


def status_in(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    """Return the google.rpc.Status of an error; a bare one when it came without."""
    trailing = cast("tuple[tuple[str, str | bytes], ...]", error.trailing_metadata() or ())
    for key, value in trailing:
        if key == _DETAILS and isinstance(value, bytes):
            return status_pb2.Status.FromString(value)
    return status_pb2.Status(code=error.code().value[0], message=error.details() or "")


def _of_running_call() -> tuple[Metadata, float | None]:
    """Return what belongs to the call that is being answered: its headers, and the seconds left."""
    call = current_or_none()
    if call is None:
        return (), None
    headers = [("x-request-id", call.call_id), ("accept-language", call.language)]
    if call.trace is not None:
        headers.append(("traceparent", call.trace.traceparent))
        if call.trace.state:
            headers.append(("tracestate", call.trace.state))
    if not call.principal.is_own_service or call.principal.on_behalf_of:
        person = call.principal.person
        if SUBJECT.fullmatch(person):
            headers.append(("on-behalf-of", person))
    return tuple(headers), call.remaining()
