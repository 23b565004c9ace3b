r"""The documented subset of AIP-160 filters and AIP-132 orders.

A filter is terms joined by `AND`, each a field, an operator and a value:

    tier = "A" AND last_order_time < "2026-01-01T00:00:00Z" AND orders >= 3

Operators are `=`, `!=`, `<`, `<=`, `>`, `>=` and, where a field has parts or members, `:` (has).
Strings stand in double quotes, with `\"` and `\\` for the two characters that need it; a word of
letters, digits, `_`, `-`, `.` and `/` may stand bare. A moment is a string as of RFC 3339. There is
no `OR`, `NOT` or parenthesis: what is not listed here is refused, never ignored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Final, NoReturn

from gonghai_chassis.errors import FieldViolation, InvalidRequest, Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

Value = str | int | bool

EQUALITY: Final = ("=", "!=")
COMPARISONS: Final = ("=", "!=", "<", "<=", ">", ">=")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_TERMS: Final = 20
_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<text>"(?:[^"\\]|\\["\\])*")
      | (?P<op><=|>=|!=|=|<|>|:)
      | (?P<word>[^\s"<>=!:()]+)
    )""",
    re.VERBOSE,
)
_ESCAPED: Final = re.compile(r"\\(.)")
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")
_FIELD: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_-]*)*")
_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
)


class Kind(Enum):
    """What a field holds."""

    STRING = "a string"
    INT = "a whole number"
    BOOL = "true or false"
    INSTANT = "a moment as of RFC 3339"


@dataclass(frozen=True, slots=True)
class Field:
    """A field that a filter may name, and the operators it takes there."""

    kind: Kind
    ops: tuple[str, ...] = ()

    def operators(self) -> tuple[str, ...]:
        """Return the operators: those given, or the ones that suit the kind."""
        if self.ops:
            return self.ops
        return COMPARISONS if self.kind in {Kind.INT, Kind.INSTANT} else EQUALITY


@dataclass(frozen=True, slots=True)
class Term:
    """One condition of a filter; an instant is microseconds since the epoch."""

    field: str
    op: str
    value: Value


@dataclass(frozen=True, slots=True)
class Order:
    """One field of an order."""

    field: str
    descending: bool = False


def parse_filter(text: str, fields: Mapping[str, Field], path: str = "filter") -> tuple[Term, ...]:
    """Read a filter.

    Args:
        text: The filter; empty takes everything.
        fields: What it may name.
        path: The request's field, for the refusal.

    Returns:
        The terms, all of which must hold, in the order written.

    Raises:
        InvalidRequest: it is outside the subset, or names another field (INVALID_FILTER).
    """
    tokens = list(_tokens(text, path))
    terms: list[Term] = []
    at = 0
    while at < len(tokens):
        if terms:
            if tokens[at] != ("word", "AND"):
                _refuse(path, text, f"expected AND before {tokens[at][1]!r}")
            at += 1
        piece = tokens[at : at + 3]
        kinds = [kind for kind, _ in piece]
        if kinds not in (["word", "op", "word"], ["word", "op", "text"]):
            _refuse(path, text, f"expected field, operator and value after {len(terms)} terms")
        terms.append(_term(piece, fields, text, path))
        if len(terms) > _MOST_TERMS:
            _refuse(path, text, f"has more than {_MOST_TERMS} terms")
        at += 3
    return tuple(terms)


def parse_order(text: str, allowed: Collection[str], path: str = "order_by") -> tuple[Order, ...]:
    """Read an order: fields separated by commas, each perhaps followed by `desc` or `asc`.

    Raises:
        InvalidRequest: it names another field, one twice, or is malformed (INVALID_FILTER).
    """
    orders: list[Order] = []
    for part in text.split(",") if text.strip() else ():
        match part.split():
            case [name] | [name, "asc"]:
                order = Order(name)
            case [name, "desc"]:
                order = Order(name, descending=True)
            case _:
                _refuse(path, text, f"{part.strip()!r} is no field with asc or desc")
        if order.field not in allowed:
            _refuse(path, text, f"{order.field!r} is none of {', '.join(sorted(allowed))}")
        if any(order.field == other.field for other in orders):
            _refuse(path, text, f"{order.field!r} stands twice")
        orders.append(order)
    return tuple(orders)


def _tokens(text: str, path: str) -> Iterator[tuple[str, str]]:
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            _refuse(path, text, f"cannot be read from character {at + 1} on")
        yield match.lastgroup, match[match.lastgroup]
        at = match.end()


def _term(piece: list[tuple[str, str]], fields: Mapping[str, Field], text: str, path: str) -> Term:
    (_, name), (_, op), (kind, raw) = piece
    field = fields.get(name)
    if field is None or not _FIELD.fullmatch(name):
        _refuse(path, text, f"{name!r} is none of {', '.join(sorted(fields))}")
    if op not in field.operators():
        _refuse(path, text, f"{name} takes {' '.join(field.operators())}, not {op}")
    if kind == "text":
        raw = _ESCAPED.sub(r"\1", raw[1:-1])
    value = _value(field.kind, raw, quoted=kind == "text")
    if value is None:
        _refuse(path, text, f"{name} is {field.kind.value}, not {raw!r}")
    return Term(name, op, value)


def _value(kind: Kind, raw: str, *, quoted: bool) -> Value | None:
    match kind:
        case Kind.STRING:
            return raw
        case Kind.INT:
            return int(raw) if not quoted and _INTEGER.fullmatch(raw) else None
        case Kind.BOOL:
            return {"true": True, "false": False}.get(raw) if not quoted else None
        case Kind.INSTANT:
            return _instant(raw)


def _instant(raw: str) -> int | None:
    if not _INSTANT.fullmatch(raw):
        return None
    try:
        moment = datetime.fromisoformat(raw)
    except ValueError:
        return None
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _refuse(path: str, text: str, why: str) -> NoReturn:
    raise InvalidRequest(
        FieldViolation(path, why), reason=Reason.INVALID_FILTER, metadata={path: text}
    )
