"""Values of facts as messages, and back.

An instant or a duration is an integer (µs) among facts; whoever knows the fact's type may write it
as a time, and both forms are read. A decimal is its scaled integer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

from gonghai.type.v1 import fact_pb2
from gonghai_chassis.instants import instant_of

if TYPE_CHECKING:
    from collections.abc import Mapping

FactValue: TypeAlias = "bool | int | str | frozenset[str] | None"
"""A fact's value as the engine has it."""


def to_value(value: object) -> fact_pb2.Value:
    """Return a fact's value as a message; a set comes sorted, None as the empty message.

    Raises:
        TypeError: no fact has such a value.
    """
    match value:
        case None:
            return fact_pb2.Value()
        case bool():
            return fact_pb2.Value(bool_value=value)
        case int():
            return fact_pb2.Value(int_value=value)
        case str():
            return fact_pb2.Value(string_value=value)
        case Iterable():
            return fact_pb2.Value(set_value=fact_pb2.StringSet(values=sorted(map(str, value))))
        case _:
            raise TypeError(f"a {type(value).__name__} is no value of a fact")


def from_value(message: fact_pb2.Value, field: str = "value") -> FactValue:  # noqa: PLR0911 - one line for each kind
    """Return what a message says; None for the empty one.

    Raises InvalidRequest, naming the field, for a time that is none.
    """
    match message.WhichOneof("kind"):
        case "bool_value":
            return message.bool_value
        case "int_value":
            return message.int_value
        case "string_value":
            return message.string_value
        case "time_value":
            return instant_of(message.time_value, field)
        case "duration_value":
            return message.duration_value.ToMicroseconds()
        case "set_value":
            return frozenset(message.set_value.values)
        case _:
            return None


def to_values(facts: Mapping[str, object]) -> dict[str, fact_pb2.Value]:
    """Return facts as messages by name; missing ones are left out."""
    return {name: to_value(value) for name, value in sorted(facts.items()) if value is not None}


def from_values(
    messages: Mapping[str, fact_pb2.Value], field: str = "facts"
) -> dict[str, FactValue]:
    """Return facts by name; an empty message is a missing value.

    Raises InvalidRequest for a time that is none, naming its place in the field.
    """
    return {name: from_value(message, f"{field}[{name}]") for name, message in messages.items()}
