"""Checks requests against the rules of the contract (protovalidate)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import protovalidate

from gonghai_chassis.chain.call import MALFORMED
from gonghai_chassis.errors import FieldViolation, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from gonghai_chassis.chain.call import Call, Method


class Validation:
    """Refuses a request that breaks the declared rules, naming every field.

    protovalidate takes google messages as they are, without serializing them.
    """

    name = "validation"

    def __init__(self) -> None:
        """Start with no rules compiled: each message's are, the first time it comes."""
        self._violations = protovalidate.Validator().collect_violations

    def gate(self, method: Method) -> Callable[[Call], None] | None:
        """Check each request: by the rules of the contract where it is ours."""
        check = self._check if method.is_ours else _check_readable
        return lambda call: call.check_requests(check)

    def _check(self, request: Message) -> None:
        _check_readable(request)
        violations = self._violations(request)
        if violations:
            fields = [
                FieldViolation(path_of(violation.proto.field), violation.proto.message)
                for violation in violations
            ]
            fields = [field for field in fields if not _stays(request, field.field)]
            if fields:
                raise InvalidRequest(*fields)


def _stays(request: Message, path: str) -> bool:
    """Say whether an update leaves a field as it is, so that what stands there is not read.

    A resource that comes in for an update is a part of one: its rules hold for the fields that the
    mask names, or, without a mask, for those that are not empty.
    """
    if "update_mask" not in request.DESCRIPTOR.fields_by_name:
        return False
    resource, dot, inside = path.partition(".")
    name = re.split(r"[.\[]", inside, maxsplit=1)[0]
    if not dot or resource == "update_mask" or name in {"name", "etag"}:
        return False
    paths = getattr(request, "update_mask").paths  # noqa: B009 - asked for above
    if paths:
        return "*" not in paths and name not in {one.partition(".")[0] for one in paths}
    return name not in {field.name for field, _ in getattr(request, resource).ListFields()}


def _check_readable(request: Message) -> None:
    if request is MALFORMED:
        raise InvalidRequest(FieldViolation("", "the bytes sent are no message of this method"))


def path_of(path: Any) -> str:  # noqa: ANN401 - of the validator's own protobuf library
    """Write a field path: `customer.contacts[0].phone`, `attributes["x"]`."""
    if path is None:
        return ""
    written = ""
    for element in path.elements:
        written += f".{element.field_name}" if written else element.field_name
        subscript = element.subscript
        if subscript is not None:
            value = subscript.value
            written += f'["{value}"]' if isinstance(value, str) else f"[{value}]"
    return written
