"""The conventions of the contracts that buf cannot see, each as a rule over descriptors.

buf checks names, packages, the zero values of enums, and that everything has a comment. What is
here follows Google's API Improvement Proposals, named by number, and the project's own promises.
A rule yields a sentence for each place that breaks it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from google.api import field_behavior_pb2, resource_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FieldOptions, MessageOptions

from buf.validate import validate_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from google.protobuf.descriptor import (
        Descriptor,
        FieldDescriptor,
        FileDescriptor,
        MethodDescriptor,
    )


TIMESTAMP = "google.protobuf.Timestamp"
REQUIRED = field_behavior_pb2.FieldBehavior.REQUIRED
OUTPUT_ONLY = field_behavior_pb2.FieldBehavior.OUTPUT_ONLY
IDENTIFIER = field_behavior_pb2.FieldBehavior.IDENTIFIER
STRING = FieldDescriptorProto.TYPE_STRING
INT32 = FieldDescriptorProto.TYPE_INT32
MESSAGE = FieldDescriptorProto.TYPE_MESSAGE
FLOATS = {FieldDescriptorProto.TYPE_FLOAT, FieldDescriptorProto.TYPE_DOUBLE}

# Methods that change nothing; every other one changes something and takes a request id.
READ = re.compile(
    r"(Audit|AwaitQuiet|Evaluate$|BatchGet|Check|Compare|Explain|Export|Get|List|Simulate|Suggest|Watch)"
)
# Methods whose items carry ids of their own, so that sending all of them again is safe.
SAFE_BY_ITEM = {"BatchRecordActivities", "ImportCustomers", "IngestActivities"}
# What leads to the same however often it is asked: the virtual clock at a moment, nothing left in
# quarantine, a projection that is made anew.
SAFE_BY_NATURE = {"SetClock", "AdvanceClock", "RetryQuarantinedEvents", "RebuildProjection"}

MOMENT = re.compile(r"((?<!_on)_time|_at|_moment|_timestamp)$|^(now|since|until|through)$")
TIME_UNIT = re.compile(r"_(us|ms|micros|millis|seconds|minutes)$")
# What says something of a person. The qualities and facts by name are checked where they are made.
PERSONAL_FIELD = re.compile(
    r"^(display_name|phone|email|wechat|street|postal_code|special_requirements|note|summary|text)$"
)
PERSONAL_MESSAGE = {"Customer", "Contact", "Address", "Identifier", "SpecialDate", "Activity"}
# What carries the name of a thing and not of a person.
IMPERSONAL = {"Pool", "PoolMember", "Region", "Team"}

# What breaks a rule on purpose, and why. A test says when one of these is no longer needed.
EXCEPTIONS = {
    "gonghai.assignment.v1.Rep.state": (
        "whether a rep has left is told to us by the staff's own records, not decided by a verb"
    ),
    "gonghai.assignment.v1.Rep.display_name": (
        "events.proto promises that rep_changed leaves it empty; assignment's own tests hold it"
    ),
}


def messages(files: Sequence[FileDescriptor]) -> Iterator[Descriptor]:
    """Yield the messages of the files, nested ones too, but not those that stand for a map."""

    def within(found: Iterable[Descriptor]) -> Iterator[Descriptor]:
        for message in found:
            options = message.GetOptions()
            assert isinstance(options, MessageOptions)
            if not options.map_entry:
                yield message
                yield from within(message.nested_types)

    for file in files:
        yield from within(file.message_types_by_name.values())


def methods(files: Sequence[FileDescriptor]) -> Iterator[MethodDescriptor]:
    """Yield the methods of the files' services."""
    for file in files:
        for service in file.services_by_name.values():
            yield from service.methods


def behaviour(field: FieldDescriptor) -> list[int]:
    """Return the field behaviours (AIP 203) that the field declares."""
    options = field.GetOptions()
    assert isinstance(options, FieldOptions)
    return list(options.Extensions[field_behavior_pb2.field_behavior])


def resource(message: Descriptor) -> resource_pb2.ResourceDescriptor | None:
    """Return what the message says of itself as a resource, if it is one."""
    options = message.GetOptions()
    assert isinstance(options, MessageOptions)
    found: resource_pb2.ResourceDescriptor = options.Extensions[resource_pb2.resource]
    return found if options.HasExtension(resource_pb2.resource) else None


def reachable(message: Descriptor) -> set[Descriptor]:
    """Return the message and all that its fields can hold, however deep."""
    found: set[Descriptor] = set()
    todo = [message]
    while todo:
        at = todo.pop()
        if at not in found:
            found.add(at)
            todo += [field.message_type for field in at.fields if field.message_type is not None]
    return found


def _is(message: Descriptor, name: str, kind: int) -> bool:
    field = message.fields_by_name.get(name)
    return field is not None and field.type == kind and not field.is_repeated


def _holds(message: Descriptor, name: str, full_name: str) -> bool:
    field = message.fields_by_name.get(name)
    held = None if field is None else field.message_type
    return held is not None and held.full_name == full_name


def fields_say_their_behaviour(files: Sequence[FileDescriptor]) -> Iterator[str]:
    """AIP 203: whether a field is required, optional, or comes from the server."""
    for message in messages(files):
        for field in message.fields:
            if not behaviour(field):
                yield f"{field.full_name} says no field_behavior"


def answers_are_output_only(files: Sequence[FileDescriptor]) -> Iterator[str]:
    """AIP 203: a response that is not a resource asks nothing of anybody."""
    for method in methods(files):
        answer = method.output_type
        if answer.name.endswith("Response"):
            for field in answer.fields:
                if behaviour(field) != [OUTPUT_ONLY]:
                    yield f"{field.full_name} of a response is not OUTPUT_ONLY"


def requests_have_no_output(files: Sequence[FileDescriptor]) -> Iterator[str]:
    """AIP 203: what a request carries is read."""
    for method in methods(files):
        for field in method.input_type.fields:
            if OUTPUT_ONLY in behaviour(field):
                yield f"{field.full_name} of a request is OUTPUT_ONLY"


def resources_have_names(files: Sequence[FileDescriptor]) -> Iterator[str]:
    """AIP 122, 123: `name` is field 1 and the identifier, and lies in a tenant."""
    for message in messages(files):
        kind = resource(message)
        name = message.fields_by_name.get("name")
        if kind is None:
            if name is not None and IDENTIFIER in behaviour(name):
                yield f"{message.full_name} has an identifier and is not declared a resource"
            continue
        if name is None or name.number != 1 or behaviour(name) != [IDENTIFIER]:
            yield f"{message.full_name}.name is not field 1 with IDENTIFIER"
        if not kind.type.startswith("gonghai.dev/") or not kind.plural or not kind.singular:
            yield f"{message.full_name} lacks type, singular or plural"
        if not kind.pattern or not all(
            pattern.startswith("tenants/{tenant}") for pattern in kind.pattern
        ):
            yield f"{message.full_name} does not lie in a tenant"


def mutable_resources_have_etags(files: Sequence[FileDescriptor]) -> Iterator[str]:
    """AIP 154: what can be updated carries an etag, and times of its making and changing."""
    for method in methods(files):
        message = method.output_type
        if not method.name.startswith("Update") or resource(message) is None:
            continue
        if not _is(message, "etag", STRING):
            yield f"{message.full_name} can be updated and has no etag"
        if not _holds(message, "update_time", TIMESTAMP):
            yield f"{message.full_name} can be updated and has no update_time"


def states_change_by_verbs(files: Sequence[FileDescriptor]) -> Iterator[str]:
    """AIP 216: the state of a resource is output only."""
    for message in messages(files):
        if resource(message) is None:
            continue
        for field in message.fields:
            if field.name.endswith("state") and behaviour(field) != [OUTPUT_ONLY]:
                yield f"{field.full_name} is a state and not OUTPUT_ONLY"


def mutations_take_a_request_id(files: Sequence[FileDescriptor]) -> Iterator[str]:
    """AIP 155: what changes something can be repeated safely; what reads has nothing to repeat."""
    for method in methods(files):
        has = _is(method.input_type, "request_id", STRING)
        if READ.match(method.name):
            if has:
                yield f"{method.full_name} reads and takes a request_id"
        elif not has and method.name not in SAFE_BY_ITEM | SAFE_BY_NATURE:
            yield f"{method.full_name} changes something and takes no request_id"


def lists_are_paged(files: Sequence[FileDescriptor]) -> Iterator[str]:
    """AIP 132, 158: page by page, the items being the answer's first field."""
    for method in methods(files):
        request, answer = method.input_type, method.output_type
        if not method.name.startswith("List"):
            continue
        if not _is(request, "page_size", INT32) or not _is(request, "page_token", STRING):
            yield f"{request.full_name} lacks page_size or page_token"
        if not _is(answer, "next_page_token", STRING):
            yield f"{answer.full_name} lacks next_page_token"
        if not answer.fields or not answer.fields[0].is_repeated or answer.fields[0].number != 1:
            yield f"{answer.full_name} does not begin with its items"


def standard_methods_look_alike(files: Sequence[FileDescriptor]) -> Iterator[str]:
    """AIP 131, 133, 134, 231: Get, Create, Update and BatchGet are asked in the same way."""
    kinds = {message.name for message in messages(files) if resource(message) is not None}
    for method in methods(files):
        request, answer = method.input_type, method.output_type
        verb, noun = re.findall(r"^(BatchGet|[A-Z][a-z]+)(.*)", method.name)[0]
        field = re.sub(r"(?<!^)(?=[A-Z])", "_", noun).lower()
        wanted: list[str] = []
        if verb == "BatchGet":
            wanted = ["parent", "names"]
        elif noun not in kinds:
            continue
        elif verb == "Get":
            wanted = ["name"]
        elif verb == "Create":
            wanted = ["parent", f"{field}_id", field]
        elif verb == "Update":
            wanted = [field, "update_mask"]
        elif verb == "Delete":
            wanted = ["name", "etag"]
        missing = [name for name in wanted if name not in request.fields_by_name]
        if missing:
            yield f"{request.full_name} lacks {', '.join(missing)}"
        if verb in {"Get", "Create", "Update"} and answer.name != noun:
            yield f"{method.full_name} does not answer {noun}"


def nothing_is_a_float(files: Sequence[FileDescriptor]) -> Iterator[str]:
    """Money, scores and shares are exact: integers with a stated scale, or google.type.Money."""
    for message in messages(files):
        for field in message.fields:
            if field.type in FLOATS:
                yield f"{field.full_name} is a floating-point number"


def times_are_timestamps(files: Sequence[FileDescriptor]) -> Iterator[str]:
    """AIP 142: a moment is a Timestamp, a length of time a Duration, neither a number."""
    for message in messages(files):
        for field in message.fields:
            held = field.message_type
            if MOMENT.search(field.name) and (held is None or held.full_name != TIMESTAMP):
                yield f"{field.full_name} is named as a moment and is no Timestamp"
            if field.type != MESSAGE and TIME_UNIT.search(field.name):
                yield f"{field.full_name} is a length of time and no Duration"


def references_name_existing_resources(files: Sequence[FileDescriptor]) -> Iterator[str]:
    """AIP 4231: a reference names the type of a resource that one of the contracts declares."""
    known = {kind.type for message in messages(files) if (kind := resource(message)) is not None}
    for message in messages(files):
        for field in message.fields:
            options = field.GetOptions()
            assert isinstance(options, FieldOptions)
            if not options.HasExtension(resource_pb2.resource_reference):
                continue
            refers: resource_pb2.ResourceReference = options.Extensions[
                resource_pb2.resource_reference
            ]
            for name in filter(None, (refers.type, refers.child_type)):
                if name not in known:
                    yield f"{field.full_name} refers to {name}, which nobody declares"


def required_fields_are_checked(files: Sequence[FileDescriptor]) -> Iterator[str]:
    """A field that a request must have is refused when it is missing, before anything is done."""
    for method in methods(files):
        for field in method.input_type.fields:
            options = field.GetOptions()
            assert isinstance(options, FieldOptions)
            if REQUIRED in behaviour(field) and not options.HasExtension(validate_pb2.field):
                yield f"{field.full_name} is required and no rule refuses its absence"


def events_carry_nothing_personal(files: Sequence[FileDescriptor]) -> Iterator[str]:
    """Erasing a person must not mean rewriting a stream."""
    for method in methods(files):
        if method.name not in {"Watch", "ExportSnapshot"}:
            continue
        for message in reachable(method.output_type):
            if message.name in PERSONAL_MESSAGE:
                yield f"{method.full_name} can carry {message.full_name}"
            for field in message.fields:
                named = message.name not in IMPERSONAL and PERSONAL_FIELD.match(field.name)
                if named and field.type == STRING:
                    yield f"{method.full_name} can carry {field.full_name}"


def excepted(breach: str) -> str | None:
    """Return the exception that the breach falls under, if it does."""
    return next((name for name in EXCEPTIONS if name in breach), None)


RULES = (
    answers_are_output_only,
    events_carry_nothing_personal,
    fields_say_their_behaviour,
    lists_are_paged,
    mutable_resources_have_etags,
    mutations_take_a_request_id,
    nothing_is_a_float,
    references_name_existing_resources,
    requests_have_no_output,
    required_fields_are_checked,
    resources_have_names,
    standard_methods_look_alike,
    states_change_by_verbs,
    times_are_timestamps,
)
