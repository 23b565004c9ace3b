"""Checks requests against the rules of the contract (protovalidate)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import protovalidate

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
        """Check each request of a method of ours."""
        if not method.is_ours:
            return None
        check = self._check
        return lambda call: call.check_requests(check)

    def _check(self, request: Message) -> None:
        violations = self._violations(request)
        if violations:
            raise InvalidRequest(
                *(
                    FieldViolation(path_of(violation.proto.field), violation.proto.message)
                    for violation in violations
                )
            )


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
