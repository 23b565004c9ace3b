"""The door of every service: one interceptor that runs named stages in a declared order.

A call passes the stages of `ORDER` from left to right, then the servicer. The first five see how it
ended: whatever is refused further right is logged and counted, and leaves as a `google.rpc.Status`.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.message import DecodeError

from gonghai_chassis.access import TABLE
from gonghai_chassis.chain.call import MALFORMED, Call, Gate, Method, Proceed, Stage
from gonghai_chassis.context import RequestContext

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

    from gonghai_chassis.access import Rule

ORDER: Final = (
    "recovery",
    "request_context",
    "access_log",
    "metrics",
    "errors",
    "admission",
    "principal",
    "permission",
    "deadline",
    "validation",
    "tenancy",
)
"""The stages, outermost first."""


class Chain(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]
    """The interceptor that hosts the stages."""

    def __init__(self, stages: Sequence[Stage | Gate], table: Mapping[str, Rule] = TABLE) -> None:
        """Take the stages, in the order of `ORDER`.

        Args:
            stages: One of each name.
            table: The access table.

        Raises:
            ValueError: a stage is missing, or they are in another order.
        """
        names = tuple(stage.name for stage in stages)
        if names != ORDER:
            message = f"the chain is {', '.join(ORDER)}, not {', '.join(names)}"
            raise ValueError(message)
        self._stages = tuple(stages)
        self._table = table
        self._wrapped: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    async def intercept_service(  # type: ignore[override]
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Answer with the method's handler, the stages around it; None for an unknown method."""
        path = handler_call_details.method
        wrapped = self._wrapped.get(path)
        if wrapped is None:
            handler = await continuation(handler_call_details)
            if handler is None:
                return None
            wrapped = self._wrapped[path] = self._wrap(path, handler)
        return wrapped

    def _wrap(
        self, path: str, handler: grpc.RpcMethodHandler[Any, Any]
    ) -> grpc.RpcMethodHandler[Any, Any]:
        method = Method(
            path,
            self._table.get(path),
            _request_of(path),
            handler.request_streaming,
            handler.response_streaming,
        )
        serialize = handler.response_serializer or _as_it_is
        run = self._fold(method, _innermost(method, _behaviour(handler), serialize))

        async def one(request: Message, context: grpc.aio.ServicerContext[Any, Any]) -> object:
            return await run(_call(method, context, request))

        async def many(
            requests: AsyncIterator[Message], context: grpc.aio.ServicerContext[Any, Any]
        ) -> object:
            call = _call(method, context, None)
            call.requests = requests
            return await run(call)

        make = _MAKERS[handler.request_streaming, handler.response_streaming]
        return make(
            many if method.streams_in else one,
            request_deserializer=_reader(handler.request_deserializer),
            # A single answer is serialized inside the chain, where a failure still becomes a status
            # of ours; those of a stream are when they are written, which is inside as well.
            response_serializer=handler.response_serializer if method.streams_out else None,
        )

    def _fold(self, method: Method, innermost: Proceed) -> Proceed:
        run = innermost
        gates: list[Callable[[Call], None]] = []
        for stage in reversed(self._stages):
            if isinstance(stage, Gate):
                gate = stage.gate(method)
                if gate is not None:
                    gates.insert(0, gate)
                continue
            run = stage.around(method, _through(tuple(gates), run))
            gates.clear()
        return _through(tuple(gates), run)


def _through(gates: tuple[Callable[[Call], None], ...], proceed: Proceed) -> Proceed:
    if not gates:
        return proceed

    async def run(call: Call) -> object:
        for gate in gates:
            gate(call)
        return await proceed(call)

    return run


_MAKERS: Final = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


def _behaviour(handler: grpc.RpcMethodHandler[Any, Any]) -> Callable[..., Any]:
    for behaviour in (
        handler.unary_unary,
        handler.unary_stream,
        handler.stream_unary,
        handler.stream_stream,
    ):
        if behaviour is not None:
            return behaviour
    message = "a handler without behaviour"
    raise TypeError(message)


def _reader(deserialize: Callable[[bytes], Any] | None) -> Callable[[bytes], Any]:
    """Return what reads requests: what it cannot read becomes MALFORMED, which validation refuses.

    If it raised, the transport would answer UNKNOWN before any stage had seen the call.
    """
    if deserialize is None:
        return _as_it_is

    def read(data: bytes) -> Any:  # noqa: ANN401 - whatever the contract has
        try:
            return deserialize(data)
        except DecodeError:
            return MALFORMED

    return read


def _as_it_is(data: Any) -> Any:  # noqa: ANN401 - bytes, as a rule
    return data


def _innermost(
    method: Method, behaviour: Callable[..., Any], serialize: Callable[[Any], bytes]
) -> Proceed:
    """Call the servicer; a stream of answers is sent from here, so that stages see its end."""
    generates = inspect.isasyncgenfunction(behaviour)

    async def run(call: Call) -> object:
        given = call.request if call.request is not None else call.checked()
        if not generates:
            answer = await behaviour(given, call.transport)
            return answer if method.streams_out else serialize(answer)
        answers = behaviour(given, call.transport)
        try:
            async for answer in answers:
                await call.transport.write(answer)
        finally:
            # A caller who goes away must not leave the servicer's generator to the collector.
            await answers.aclose()
        return None

    async def unary(call: Call) -> object:
        return serialize(await behaviour(call.request, call.transport))

    return run if method.stays_open else unary


def _call(
    method: Method, context: grpc.aio.ServicerContext[Any, Any], request: Message | None
) -> Call:
    return Call(
        method,
        context,
        dict(context.invocation_metadata() or ()),
        request,
        RequestContext(method.path, ""),
    )


def _request_of(path: str) -> Descriptor | None:
    service, _, name = path.lstrip("/").partition("/")
    try:
        found = descriptor_pool.Default().FindMethodByName(f"{service}.{name}")
    except KeyError:
        return None
    return found.input_type
