"""What the stages of the chain pass along."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

import grpc

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

    from gonghai_chassis.access import Rule
    from gonghai_chassis.context import RequestContext


MALFORMED: Final[Any] = object()
"""Stands for a request whose bytes are no message of its type."""


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC of a service.

    Attributes:
        path: The full method: `/gonghai.pool.v1.PoolService/ClaimCustomer`.
        rule: Its row of the access table; None when it has none, and nobody may call it.
        request: What its requests look like; None for a service whose contract is not loaded.
        streams_in: Whether the caller sends a stream.
        streams_out: Whether it answers with a stream.
    """

    path: str
    rule: Rule | None
    request: Descriptor | None
    streams_in: bool
    streams_out: bool

    @property
    def is_ours(self) -> bool:
        """Whether the contract is one of Gonghai's (and not health or reflection)."""
        return self.path.startswith("/gonghai.")

    @property
    def watches(self) -> bool:
        """Whether it streams out without an end, as each service's Watch does."""
        return self.streams_out and self.path.endswith("/Watch")

    @property
    def stays_open(self) -> bool:
        """Whether a call may last: it streams in or out."""
        return self.streams_in or self.streams_out


@dataclass(slots=True)
class Call:
    """One call on its way through the chain.

    Attributes:
        method: What is called.
        transport: The transport's side of the call.
        metadata: What the caller sent beside the request; of a repeated key the last value.
        request: The request, or None when the caller streams.
        requests: What the caller streams, or None.
        info: What the servicer finds as `context.current()`.
        checks: What each request of a stream must pass, in order.
        code: How the call ended.
        reason: The reason of its refusal, or "".
        incident: The id of the log line that tells what went wrong inside, or "".
    """

    method: Method
    transport: grpc.aio.ServicerContext[Any, Any]
    metadata: dict[str, str | bytes]
    request: Message | None
    info: RequestContext
    requests: AsyncIterator[Message] | None = None
    checks: tuple[Callable[[Message], None], ...] = ()
    code: grpc.StatusCode = grpc.StatusCode.OK
    reason: str = ""
    incident: str = ""

    def header(self, key: str) -> str:
        """Return a text header, or ""."""
        value = self.metadata.get(key, "")
        return value if isinstance(value, str) else ""

    def check_requests(self, check: Callable[[Message], None]) -> None:
        """Apply a check to the request, or to each of a stream as it comes in."""
        if self.request is not None:
            check(self.request)
        else:
            self.checks = (*self.checks, check)

    async def checked(self) -> AsyncIterator[Message]:
        """Pass on the requests of the caller's stream, each checked.

        Raises:
            Refusal: one did not pass.
        """
        if self.requests is None:
            return
        async for request in self.requests:
            for check in self.checks:
                check(request)
            yield request


Proceed = Callable[[Call], Awaitable[object]]
"""Runs the rest of the chain: returns the response, or None once a stream of them was sent."""


class Stage(Protocol):
    """One link of the chain that sees how the call ends."""

    @property
    def name(self) -> str:
        """What the order of the chain calls it."""

    def around(self, method: Method, proceed: Proceed) -> Proceed:
        """Put this stage around the rest of the chain, for one method (once, when first called)."""


@runtime_checkable
class Gate(Protocol):
    """One link of the chain that is done before the call goes on: it lets it pass, or refuses.

    Gates that follow each other share one coroutine, since each of them costs a call.
    """

    @property
    def name(self) -> str:
        """What the order of the chain calls it."""

    def gate(self, method: Method) -> Callable[[Call], None] | None:
        """Return what each call of a method passes (made once); None when it has nothing to do.

        What it returns raises a refusal to stop the call.
        """
