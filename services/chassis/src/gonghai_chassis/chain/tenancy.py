"""Keeps callers in their tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from google.api import resource_pb2
from google.protobuf.descriptor import FieldDescriptor

from gonghai_chassis.errors import FieldViolation, InvalidRequest, NotAllowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

    from gonghai_chassis.chain.call import Call, Method
    from gonghai_chassis.context import RequestContext

_NAMES: Final = frozenset({"name", "names", "parent", "tenant"})
_DEPTH: Final = 6
_COLLECTION: Final = "tenants/"


class Tenancy:
    """Checks the tenant of every resource name in a request: one tenant, and the caller's own.

    The names are found by the contract: fields called `name`, `names`, `parent` or `tenant`, and
    those with a `google.api.resource_reference`, at any depth. Only principals without a tenant
    (Gonghai's services, dev's local admin) may call for any, or without naming one.
    """

    name = "tenancy"

    def gate(self, method: Method) -> Callable[[Call], None] | None:
        """Check each request of a method of ours."""
        if not method.is_ours or method.request is None:
            return None
        if method.rule is not None and method.rule.tenantless:
            return None
        where = where_names_are(method.request)

        def check_call(call: Call) -> None:
            info = call.info
            if call.request is not None:
                _enter_tenant(info, call.request, where)
                _must_name_one(info)
            else:
                call.check_requests(check_each(info))

        def check_each(info: RequestContext) -> Callable[[Message], None]:
            def check(request: Message) -> None:
                _enter_tenant(info, request, where)
                _must_name_one(info)

            return check

        return check_call


@dataclass(frozen=True, slots=True)
class Where:
    """Where resource names stand in messages of a type.

    Attributes:
        texts: Fields that hold one name.
        lists: Fields that hold several.
        messages: Fields with a message that holds names, whether it is repeated, and where in it.
    """

    texts: tuple[str, ...]
    lists: tuple[str, ...]
    messages: tuple[tuple[str, bool, Where], ...]

    def __bool__(self) -> bool:
        """Say whether there are any."""
        return bool(self.texts or self.lists or self.messages)


def where_names_are(message: Descriptor, depth: int = _DEPTH) -> Where:
    """Find the fields of a type that hold resource names, in nested messages too."""
    texts: list[str] = []
    lists: list[str] = []
    messages: list[tuple[str, bool, Where]] = []
    for field in message.fields:
        if field.type == FieldDescriptor.TYPE_STRING and _is_name(field):
            (lists if field.is_repeated else texts).append(field.name)
        nested = field.message_type
        if nested is not None and depth and not nested.GetOptions().map_entry:
            inner = where_names_are(nested, depth - 1)
            if inner:
                messages.append((field.name, field.is_repeated, inner))
    return Where(tuple(texts), tuple(lists), tuple(messages))


def _enter_tenant(info: RequestContext, message: Message, where: Where) -> None:
    """Check the names in a message, and set the tenant of the call by the first."""
    for field in where.texts:
        name = getattr(message, field)
        if name and name.startswith(_COLLECTION):
            _check_name(info, name)
    for field in where.lists:
        for name in getattr(message, field):
            if name.startswith(_COLLECTION):
                _check_name(info, name)
    for field, repeated, inner in where.messages:
        if repeated:
            for child in getattr(message, field):
                _enter_tenant(info, child, inner)
        elif message.HasField(field):
            _enter_tenant(info, getattr(message, field), inner)


def _check_name(info: RequestContext, name: str) -> None:
    end = name.find("/", 8)
    tenant = name[8:] if end < 0 else name[8:end]
    if tenant == info.tenant:
        return
    if info.tenant:
        raise InvalidRequest(
            FieldViolation("", f"names both tenants/{info.tenant} and tenants/{tenant}")
        )
    own = info.principal.tenant
    if own is not None and tenant != own:
        raise NotAllowed(info.method, f"you belong to tenants/{own}, not tenants/{tenant}")
    info.tenant = tenant


def _must_name_one(info: RequestContext) -> None:
    if not info.tenant and info.principal.tenant is not None:
        raise NotAllowed(info.method, f"name your own tenant, tenants/{info.principal.tenant}")


def _is_name(field: FieldDescriptor) -> bool:
    return field.name in _NAMES or field.GetOptions().HasExtension(resource_pb2.resource_reference)
