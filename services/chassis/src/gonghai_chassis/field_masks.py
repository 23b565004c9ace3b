"""Update masks (AIP-134, AIP-161), applied to messages by what their fields declare (AIP-203).

The servicer applies the mask to the resource as it is and to the one that came in, and gets the
resource as it should be; commands see only that. Fields that callers may not write (OUTPUT_ONLY,
the name, the etag) are left as they are, wherever they stand.
"""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from google.api import field_behavior_pb2
from google.protobuf.descriptor import FieldDescriptor

from gonghai_chassis.errors import FieldViolation, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.field_mask_pb2 import FieldMask
    from google.protobuf.message import Message

M = TypeVar("M", bound="Message")

_OUTPUT_ONLY: Final = field_behavior_pb2.OUTPUT_ONLY
_IDENTIFIER: Final = field_behavior_pb2.IDENTIFIER
_IMMUTABLE: Final = field_behavior_pb2.IMMUTABLE


class Access(Enum):
    """What a caller may do to a field."""

    WRITE = "write"
    KEEP = "keep"
    """He may say it once, when the resource is made."""
    NONE = "none"
    """Not his to write: what he says is not read."""


def apply_update(current: M, change: M, mask: FieldMask, prefix: str = "") -> M:
    """Return the resource as an update leaves it; neither argument is changed.

    Args:
        current: The resource as it is.
        change: The resource as it came in.
        mask: What to take from it: paths, or `*` for everything; empty takes all top-level fields
            that are not empty.
        prefix: The request's field that `change` came in, for refusals.

    Raises:
        InvalidRequest: the mask names an unknown field, or the update changes an immutable one.
    """
    updated = type(current)()
    updated.CopyFrom(current)
    for path in _paths(change, mask):
        _apply(updated, change, path.split("."), path, prefix)
    return updated


def strip_output_only(message: M) -> M:
    """Return a resource that came in for Create without what callers may not write."""
    stripped = type(message)()
    stripped.CopyFrom(message)
    _strip(stripped)
    return stripped


@cache
def access_of(field: FieldDescriptor) -> Access:
    """Return what a caller may do to a field."""
    behaviours = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    if _OUTPUT_ONLY in behaviours or _IDENTIFIER in behaviours or field.name == "etag":
        return Access.NONE
    return Access.KEEP if _IMMUTABLE in behaviours else Access.WRITE


def _paths(change: Message, mask: FieldMask) -> Iterable[str]:
    if not mask.paths:
        return [field.name for field, _ in change.ListFields()]
    if "*" in mask.paths:
        return [field.name for field in change.DESCRIPTOR.fields]
    return mask.paths


def _apply(target: Message, source: Message, steps: list[str], path: str, prefix: str) -> None:
    field = _field_named(target, steps[0], path)
    access = access_of(field)
    if access is Access.NONE:
        return
    if len(steps) > 1:
        _apply_inside(target, source, field, steps, path, prefix)
        return
    if access is Access.KEEP and _differ(target, source, field):
        where = f"{prefix}.{path}" if prefix else path
        raise InvalidRequest(FieldViolation(where, "cannot be changed once it is set"))
    _copy(target, source, field)


def _field_named(message: Message, name: str, path: str) -> FieldDescriptor:
    for field in message.DESCRIPTOR.fields:
        if field.name == name:
            # types-protobuf tells apart two descriptors that are one.
            return cast("FieldDescriptor", field)
    raise InvalidRequest(FieldViolation("update_mask", f"{path!r} names no field"))


def _apply_inside(
    target: Message,
    source: Message,
    field: FieldDescriptor,
    steps: list[str],
    path: str,
    prefix: str,
) -> None:
    entry = _entry_of(field)
    if entry is not None:
        _copy_entry(target, source, field, entry, ".".join(steps[1:]), path)
        return
    if field.message_type is None or field.is_repeated:
        raise InvalidRequest(FieldViolation("update_mask", f"{path!r} goes into no single message"))
    _apply(getattr(target, field.name), getattr(source, field.name), steps[1:], path, prefix)


def _copy_entry(
    target: Message,
    source: Message,
    field: FieldDescriptor,
    entry: Descriptor,
    key: str,
    path: str,
) -> None:
    """Take over one entry of a map with string keys: `attributes.outlets`."""
    if entry.fields_by_name["key"].type != FieldDescriptor.TYPE_STRING:
        raise InvalidRequest(FieldViolation("update_mask", f"{path!r}: the keys are no strings"))
    key = key.removeprefix("`").removesuffix("`")
    into, of = getattr(target, field.name), getattr(source, field.name)
    if key not in of:
        into.pop(key, None)
    elif entry.fields_by_name["value"].message_type is not None:
        into[key].CopyFrom(of[key])
    else:
        into[key] = of[key]


def _differ(target: Message, source: Message, field: FieldDescriptor) -> bool:
    """Say whether an immutable field that is set would get another value."""
    old, new = getattr(target, field.name), getattr(source, field.name)
    return bool(old) and old != new if field.message_type is None else bool(old != new)


def _copy(target: Message, source: Message, field: FieldDescriptor) -> None:
    """Take over one field, less what lies in it that callers may not write."""
    kept = None
    if _may_hold_more(field) and target.HasField(field.name):
        kept = type(getattr(target, field.name))()
        kept.CopyFrom(getattr(target, field.name))
    target.ClearField(field.name)
    if field.has_presence and not source.HasField(field.name):
        return
    _merge_field(target, source, field)
    if not _may_hold_more(field):
        return
    taken = getattr(target, field.name)
    _strip(taken)
    if kept is not None:
        _put_back(taken, kept)


def _merge_field(target: Message, source: Message, field: FieldDescriptor) -> None:
    value = getattr(source, field.name)
    entry = _entry_of(field)
    if entry is not None:
        _merge_map(getattr(target, field.name), value, entry)
    elif field.is_repeated:
        getattr(target, field.name).extend(value)
        if field.message_type is not None:
            for item in getattr(target, field.name):
                _strip(item)
    elif field.message_type is not None:
        getattr(target, field.name).CopyFrom(value)
    else:
        setattr(target, field.name, value)


def _merge_map(target: Any, source: Any, entry: Descriptor) -> None:  # noqa: ANN401 - containers
    if entry.fields_by_name["value"].message_type is None:
        target.update(source)
    else:
        target.MergeFrom(source)


def _may_hold_more(field: FieldDescriptor) -> bool:
    return (
        field.message_type is not None
        and not field.is_repeated
        and _holds_output_only(field.message_type)
    )


def _put_back(taken: Message, kept: Message) -> None:
    """Restore what callers may not write, in a nested message that was replaced."""
    for field, value in kept.ListFields():
        if access_of(field) is Access.NONE:
            _merge_field(taken, kept, field)
        elif _may_hold_more(field) and taken.HasField(field.name):
            _put_back(getattr(taken, field.name), value)


def _strip(message: Message) -> None:
    """Clear what callers may not write, at every depth."""
    if not _holds_output_only(message.DESCRIPTOR):
        return
    for field, value in message.ListFields():
        if access_of(field) is Access.NONE:
            message.ClearField(field.name)
        elif field.message_type is not None and _entry_of(field) is None:
            for item in value if field.is_repeated else (value,):
                _strip(item)


@cache
def _holds_output_only(message: Descriptor) -> bool:
    return _search(message, set())


def _search(message: Descriptor, seen: set[str]) -> bool:
    if message.full_name in seen:
        return False
    seen.add(message.full_name)
    return any(
        access_of(field) is Access.NONE
        or (field.message_type is not None and _search(field.message_type, seen))
        for field in message.fields
    )


def _entry_of(field: FieldDescriptor) -> Descriptor | None:
    """Return the type of a map's entries; None for a field that is no map."""
    entry = field.message_type
    return entry if entry is not None and entry.GetOptions().map_entry else None
