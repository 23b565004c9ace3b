"""Keeps callers in their tenant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from google.api import resource_pb2
from google.protobuf.descriptor import FieldDescriptor

from gonghai_chassis.errors import FieldViolation, InvalidRequest, NotAllowed

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

    from gonghai_chassis.chain.call import Call, Method, Proceed
    from gonghai_chassis.context import RequestContext

_NAMES: Final = frozenset({"name", "names", "parent", "tenant"})
_DEPTH: Final = 6
_COLLECTION: Final = "tenants/"

Reader = Callable[["Message"], Iterator[str]]
"""Finds the resource names in a message."""


class Tenancy:
    """Checks the tenant of every resource name in a request: one tenant, and the caller's own.

    The names are found by the contract: fields called `name`, `names`, `parent` or `tenant`, and
    those with a `google.api.resource_reference`, at any depth. Only principals without a tenant
    (Gonghai's services, dev's local admin) may call for any, or without naming one.
    """

    name = "tenancy"

    def around(self, method: Method, proceed: Proceed) -> Proceed:
        """Check each request of a method of ours."""
        if not method.is_ours or method.request is None:
            return proceed
        if method.rule is not None and method.rule.tenantless:
            return proceed
        readers = readers_of(method.request)

        async def run(call: Call) -> object:
            info = call.info

            def check(request: Message) -> None:
                _enter_tenant(info, request, readers)

            call.check_requests(check)
            return await proceed(call)

        return run


def _enter_tenant(info: RequestContext, request: Message, readers: tuple[Reader, ...]) -> None:
    own = info.principal.tenant
    for reader in readers:
        for name in reader(request):
            if not name.startswith(_COLLECTION):
                # Not a name; what the contract does not refuse the servicer's parser does.
                continue
            end = name.find("/", 8)
            tenant = name[8:] if end < 0 else name[8:end]
            if tenant == info.tenant:
                continue
            if info.tenant:
                raise InvalidRequest(
                    FieldViolation("", f"names both tenants/{info.tenant} and tenants/{tenant}")
                )
            if own is not None and tenant != own:
                raise NotAllowed(info.method, f"you belong to tenants/{own}, not tenants/{tenant}")
            info.tenant = tenant
    if not info.tenant and own is not None:
        raise NotAllowed(info.method, f"name your own tenant, tenants/{own}")


def readers_of(message: Descriptor, depth: int = _DEPTH) -> tuple[Reader, ...]:
    """Return what finds the resource names in messages of a type, nested ones included."""
    readers = (_reader(field, depth) for field in message.fields if not _is_map(field))
    return tuple(reader for reader in readers if reader is not None)


def _reader(field: FieldDescriptor, depth: int) -> Reader | None:
    if field.type == FieldDescriptor.TYPE_STRING:
        if not _is_name(field):
            return None
        return _texts(field.name) if field.is_repeated else _text(field.name)
    if field.message_type is None or depth == 0:
        return None
    inner = readers_of(field.message_type, depth - 1)
    if not inner:
        return None
    return _messages(field.name, inner) if field.is_repeated else _message(field.name, inner)


def _is_name(field: FieldDescriptor) -> bool:
    return field.name in _NAMES or field.GetOptions().HasExtension(resource_pb2.resource_reference)


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _text(name: str) -> Reader:
    def read(message: Message) -> Iterator[str]:
        yield getattr(message, name)

    return read


def _texts(name: str) -> Reader:
    def read(message: Message) -> Iterator[str]:
        yield from getattr(message, name)

    return read


def _message(name: str, inner: tuple[Reader, ...]) -> Reader:
    def read(message: Message) -> Iterator[str]:
        if message.HasField(name):
            child = getattr(message, name)
            for reader in inner:
                yield from reader(child)

    return read


def _messages(name: str, inner: tuple[Reader, ...]) -> Reader:
    def read(message: Message) -> Iterator[str]:
        for child in getattr(message, name):
            for reader in inner:
                yield from reader(child)

    return read
