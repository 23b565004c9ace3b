"""The one table that turns refusals into `google.rpc.Status`, for whole calls and for batch items.

Each status carries exactly one ErrorInfo (domain "gonghai") and the detail of its class (api.md,
"Errors"). A status over 8 KiB is lost on the wire, so lists of violations are cut and say so.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from gonghai_chassis.errors import (
    Contention,
    CursorTooOld,
    DeadlineExceeded,
    FieldViolation,
    LimitReached,
    PeerRefused,
    PreconditionViolation,
    QuotaViolation,
    Reason,
    Refusal,
    RequestIdReused,
    ResourceInfo,
)
from gonghai_chassis.store import failures

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from google.protobuf.message import Message

DOMAIN: Final = "gonghai"
MAX_BYTES: Final = 7_000
"""The most a status may take, serialized: the trailer encodes it in base64 and has 8 KiB."""

_INVALID = grpc.StatusCode.INVALID_ARGUMENT
_PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION
_EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
_UNAVAILABLE = grpc.StatusCode.UNAVAILABLE

CODES: Final[dict[Reason, grpc.StatusCode]] = {
    Reason.INVALID_FIELD: _INVALID,
    Reason.INVALID_FILTER: _INVALID,
    Reason.INVALID_PAGE_TOKEN: _INVALID,
    Reason.REQUEST_ID_REUSED: _INVALID,
    Reason.INVALID_ATTRIBUTE: _INVALID,
    Reason.INVALID_IDENTIFIER: _INVALID,
    Reason.INVALID_POLICY_DOCUMENT: _INVALID,
    Reason.INVALID_CURSOR: _INVALID,
    Reason.RESOURCE_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Reason.RESOURCE_EXISTS: grpc.StatusCode.ALREADY_EXISTS,
    Reason.DUPLICATE_CUSTOMER: grpc.StatusCode.ALREADY_EXISTS,
    Reason.ACTIVITY_EXISTS: grpc.StatusCode.ALREADY_EXISTS,
    Reason.CUSTOMER_NOT_IN_POOL: _PRECONDITION,
    Reason.CUSTOMER_NOT_HELD: _PRECONDITION,
    Reason.CUSTOMER_LOCKED: _PRECONDITION,
    Reason.CUSTOMER_DISPUTED: _PRECONDITION,
    Reason.NOT_POOL_MEMBER: _PRECONDITION,
    Reason.COOL_DOWN: _PRECONDITION,
    Reason.EMBARGO: _PRECONDITION,
    Reason.CLAIM_RULE: _PRECONDITION,
    Reason.POLICY_UNAVAILABLE: _PRECONDITION,
    Reason.REP_NOT_ACTIVE: _PRECONDITION,
    Reason.POOL_IN_USE: _PRECONDITION,
    Reason.NO_ELIGIBLE_REP: _PRECONDITION,
    Reason.RESOURCE_DELETED: _PRECONDITION,
    Reason.WRONG_STATE: _PRECONDITION,
    Reason.RESERVATION_ENDED: _PRECONDITION,
    Reason.CLOCK_NOT_MOVABLE: _PRECONDITION,
    Reason.CUSTOMER_FROZEN: _PRECONDITION,
    Reason.CLAIM_LIMIT: _EXHAUSTED,
    Reason.HOLDING_LIMIT: _EXHAUSTED,
    Reason.RATE_LIMIT: _EXHAUSTED,
    Reason.STORE_FULL: _EXHAUSTED,
    Reason.ETAG_MISMATCH: grpc.StatusCode.ABORTED,
    Reason.CONTENTION: grpc.StatusCode.ABORTED,
    Reason.CURSOR_TOO_OLD: grpc.StatusCode.OUT_OF_RANGE,
    Reason.NOT_SIGNED_IN: grpc.StatusCode.UNAUTHENTICATED,
    Reason.NOT_ALLOWED: grpc.StatusCode.PERMISSION_DENIED,
    Reason.STORE_UNAVAILABLE: _UNAVAILABLE,
    Reason.PEER_UNAVAILABLE: _UNAVAILABLE,
    Reason.DRAINING: _UNAVAILABLE,
    Reason.DEADLINE_EXCEEDED: grpc.StatusCode.DEADLINE_EXCEEDED,
    Reason.NOT_IMPLEMENTED: grpc.StatusCode.UNIMPLEMENTED,
    Reason.INTERNAL_FAULT: grpc.StatusCode.INTERNAL,
}
"""The gRPC code of every reason."""

_LIST_BYTES: Final = 2_200
"""What each of the lists of violations may take of a status."""

_V = TypeVar("_V", FieldViolation, PreconditionViolation, QuotaViolation)


def code_of(refusal: Refusal) -> grpc.StatusCode:
    """Return the gRPC code of a refusal."""
    return CODES[refusal.reason]


def status_of(refusal: Refusal) -> status_pb2.Status:
    """Return the status of a refusal: for the call, or for one item of a batch."""
    details = (
        _bad_request(refusal),
        _precondition_failure(refusal),
        _quota_failure(refusal),
        _resource_info(refusal),
        _retry_info(refusal.retry_after),
    )
    status = status_pb2.Status(
        code=CODES[refusal.reason].value[0], message=_cut(refusal.message, 1_000)
    )
    for detail in (_error_info(refusal), *details):
        if detail is not None:
            status.details.add().Pack(detail, deterministic=True)
    if status.ByteSize() > MAX_BYTES:
        # Whatever else is long, the reason must arrive.
        del status.details[1:]
    return status


def refusal_of(error: BaseException, request_id: str = "") -> Refusal | None:
    """Return the refusal that an exception is, or that a failure of the store amounts to.

    Args:
        error: What was raised.
        request_id: The request's id, for the message that it was reused.

    Returns:
        None for anything else: a fault of ours, of which the caller learns nothing. Also when a
        peer did not let this service in or failed: the caller has no part in that.
    """
    if isinstance(error, PeerRefused) and error.reason in _OURS:
        return None
    if isinstance(error, Refusal):
        return error
    if isinstance(error, failures.RequestReused):
        return RequestIdReused(request_id)
    for kind, refuse in _STORE_FAILURES:
        if isinstance(error, kind):
            return refuse(error)
    return None


def refusal_in(status: status_pb2.Status) -> Refusal | None:
    """Read a refusal back from the status of a peer; None when it carries no reason of ours."""
    info = error_details_pb2.ErrorInfo()
    for detail in status.details:
        if detail.Unpack(info) and info.domain == DOMAIN and info.reason in Reason.__members__:
            break
    else:
        return None
    bad, rules, quotas = (
        error_details_pb2.BadRequest(),
        error_details_pb2.PreconditionFailure(),
        error_details_pb2.QuotaFailure(),
    )
    resource, retry = error_details_pb2.ResourceInfo(), error_details_pb2.RetryInfo()
    seen = {
        type(message): any(detail.Unpack(message) for detail in status.details)
        for message in (bad, rules, quotas, resource, retry)
    }
    return Refusal(
        Reason[info.reason],
        status.message,
        metadata=dict(info.metadata),
        fields=[FieldViolation(v.field, v.description) for v in bad.field_violations],
        preconditions=[
            PreconditionViolation(v.type, v.subject, v.description) for v in rules.violations
        ],
        quotas=[QuotaViolation(v.subject, v.description) for v in quotas.violations],
        resource=ResourceInfo(resource.resource_type, resource.resource_name, resource.description)
        if seen[type(resource)]
        else None,
        retry_after=retry.retry_delay.ToMicroseconds() if seen[type(retry)] else None,
    )


_OURS: Final = frozenset(
    {Reason.NOT_SIGNED_IN, Reason.NOT_ALLOWED, Reason.NOT_IMPLEMENTED, Reason.INTERNAL_FAULT}
)


def _unavailable(_error: BaseException) -> Refusal:
    return Refusal(
        Reason.STORE_UNAVAILABLE,
        "the store cannot be reached, and whether a change was made is unknown:"
        " repeat with the same request_id",
        retry_after=1_000_000,
    )


def _full(_error: BaseException) -> Refusal:
    message = "the store's memory is full; an operator must add some"
    return LimitReached(Reason.STORE_FULL, message, (QuotaViolation("store memory", message),))


def _too_old(error: BaseException) -> Refusal:
    oldest = error.oldest if isinstance(error, failures.CursorTooOld) else None
    if oldest is None:
        return CursorTooOld("")
    return CursorTooOld(f"{oldest.incarnation}:{oldest.position}:{oldest.nonce}")


_STORE_FAILURES: Final[
    tuple[tuple[type[BaseException], Callable[[BaseException], Refusal]], ...]
] = (
    (failures.StoreFull, _full),
    (failures.StoreUnavailable, _unavailable),
    (failures.LeaseLost, _unavailable),
    (failures.DeadlineExceeded, lambda _error: DeadlineExceeded()),
    (failures.VersionsMoved, lambda _error: Contention("what the decision rests on")),
    (failures.CursorTooOld, _too_old),
)


def rfc3339(instant: int) -> str:
    """Write an instant as RFC 3339, in UTC."""
    return datetime.fromtimestamp(instant / 1_000_000, tz=UTC).isoformat().replace("+00:00", "Z")


def _error_info(refusal: Refusal) -> Message:
    metadata = {key: _cut(value, 300) for key, value in refusal.metadata.items()}
    if "until" not in metadata:
        ends = [violation.until for violation in refusal.preconditions]
        known = [end for end in ends if end is not None]
        if known and len(known) == len(ends):
            metadata["until"] = rfc3339(max(known))
    return error_details_pb2.ErrorInfo(
        reason=refusal.reason.value, domain=DOMAIN, metadata=metadata
    )


def _bad_request(refusal: Refusal) -> Message | None:
    if not refusal.fields:
        return None
    kept, left = _fitting(refusal.fields)
    detail = error_details_pb2.BadRequest()
    for violation in kept:
        detail.field_violations.add(
            field=_cut(violation.field, 300), description=_cut(violation.message, 500)
        )
    if left:
        detail.field_violations.add(description=_more(left))
    return detail


def _precondition_failure(refusal: Refusal) -> Message | None:
    if not refusal.preconditions:
        return None
    kept, left = _fitting(refusal.preconditions)
    detail = error_details_pb2.PreconditionFailure()
    for violation in kept:
        text = _cut(violation.message, 500)
        if violation.until is not None:
            text = f"{text} (until {rfc3339(violation.until)})"
        detail.violations.add(
            type=_cut(violation.rule, 150), subject=_cut(violation.subject, 300), description=text
        )
    if left:
        detail.violations.add(type=refusal.reason.value, description=_more(left))
    return detail


def _quota_failure(refusal: Refusal) -> Message | None:
    if not refusal.quotas:
        return None
    kept, left = _fitting(refusal.quotas)
    detail = error_details_pb2.QuotaFailure()
    for violation in kept:
        detail.violations.add(
            subject=_cut(violation.subject, 300), description=_cut(violation.message, 500)
        )
    if left:
        detail.violations.add(description=_more(left))
    return detail


def _resource_info(refusal: Refusal) -> Message | None:
    if refusal.resource is None:
        return None
    return error_details_pb2.ResourceInfo(
        resource_type=refusal.resource.type,
        resource_name=_cut(refusal.resource.name, 300),
        description=_cut(refusal.resource.message, 500),
    )


def _retry_info(retry_after: int | None) -> Message | None:
    if retry_after is None:
        return None
    delay = Duration()
    delay.FromMicroseconds(max(0, retry_after))
    return error_details_pb2.RetryInfo(retry_delay=delay)


def _fitting(violations: Sequence[_V]) -> tuple[Sequence[_V], int]:
    """Return those of the violations that fit a status, and how many were left out."""
    room = _LIST_BYTES
    for kept, violation in enumerate(violations):
        room -= sum(min(len(text.encode()), 500) for text in _texts(violation)) + 60
        if room < 0:
            return violations[:kept], len(violations) - kept
    return violations, 0


def _texts(violation: FieldViolation | PreconditionViolation | QuotaViolation) -> tuple[str, ...]:
    match violation:
        case FieldViolation(field, message):
            return (field, message)
        case PreconditionViolation(rule, subject, message):
            return (rule, subject, message)
        case QuotaViolation(subject, message):
            return (subject, message)


def _more(left: int) -> str:
    return f"and {left} more"


def _cut(text: str, most: int) -> str:
    """Shorten a text to so many bytes of UTF-8, and say so by an ellipsis."""
    if len(text) * 4 <= most:
        return text
    data = text.encode()
    if len(data) <= most:
        return text
    return data[: most - 3].decode(errors="ignore") + "…"
