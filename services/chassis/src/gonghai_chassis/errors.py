"""What a command raises when it will not do what was asked.

No gRPC in here: commands, policies and stores raise these, and `gonghai_chassis.statuses` is the
one place that turns them into `google.rpc.Status`. Every refusal has one `Reason`, a sentence that
tells a person what to do, and whatever is variable in that sentence once more as metadata.

Durations are microseconds, instants are microseconds since the epoch in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Reason(StrEnum):
    """Why a call was refused: `gonghai.errors.v1.ErrorReason`, which documents each value."""

    INVALID_FIELD = "INVALID_FIELD"
    INVALID_FILTER = "INVALID_FILTER"
    INVALID_PAGE_TOKEN = "INVALID_PAGE_TOKEN"  # noqa: S105 - a reason, not a secret
    REQUEST_ID_REUSED = "REQUEST_ID_REUSED"
    INVALID_ATTRIBUTE = "INVALID_ATTRIBUTE"
    INVALID_IDENTIFIER = "INVALID_IDENTIFIER"
    INVALID_POLICY_DOCUMENT = "INVALID_POLICY_DOCUMENT"
    INVALID_CURSOR = "INVALID_CURSOR"

    RESOURCE_NOT_FOUND = "RESOURCE_NOT_FOUND"
    RESOURCE_EXISTS = "RESOURCE_EXISTS"
    DUPLICATE_CUSTOMER = "DUPLICATE_CUSTOMER"
    ACTIVITY_EXISTS = "ACTIVITY_EXISTS"

    CUSTOMER_NOT_IN_POOL = "CUSTOMER_NOT_IN_POOL"
    CUSTOMER_NOT_HELD = "CUSTOMER_NOT_HELD"
    CUSTOMER_LOCKED = "CUSTOMER_LOCKED"
    CUSTOMER_DISPUTED = "CUSTOMER_DISPUTED"
    NOT_POOL_MEMBER = "NOT_POOL_MEMBER"
    COOL_DOWN = "COOL_DOWN"
    EMBARGO = "EMBARGO"
    CLAIM_RULE = "CLAIM_RULE"
    POLICY_UNAVAILABLE = "POLICY_UNAVAILABLE"
    REP_NOT_ACTIVE = "REP_NOT_ACTIVE"
    POOL_IN_USE = "POOL_IN_USE"
    NO_ELIGIBLE_REP = "NO_ELIGIBLE_REP"
    RESOURCE_DELETED = "RESOURCE_DELETED"
    WRONG_STATE = "WRONG_STATE"
    RESERVATION_ENDED = "RESERVATION_ENDED"
    CLOCK_NOT_MOVABLE = "CLOCK_NOT_MOVABLE"
    CUSTOMER_FROZEN = "CUSTOMER_FROZEN"

    CLAIM_LIMIT = "CLAIM_LIMIT"
    HOLDING_LIMIT = "HOLDING_LIMIT"
    RATE_LIMIT = "RATE_LIMIT"
    STORE_FULL = "STORE_FULL"

    ETAG_MISMATCH = "ETAG_MISMATCH"
    CONTENTION = "CONTENTION"
    CURSOR_TOO_OLD = "CURSOR_TOO_OLD"

    NOT_SIGNED_IN = "NOT_SIGNED_IN"
    NOT_ALLOWED = "NOT_ALLOWED"

    STORE_UNAVAILABLE = "STORE_UNAVAILABLE"
    PEER_UNAVAILABLE = "PEER_UNAVAILABLE"
    DRAINING = "DRAINING"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"

    NOT_IMPLEMENTED = "NOT_IMPLEMENTED"
    INTERNAL_FAULT = "INTERNAL_FAULT"


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field of the request that is wrong: `field` is its path (`customer.display_name`)."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class PreconditionViolation:
    """One rule that stands in the way.

    Attributes:
        rule: A `Reason`, or for a plugin's rule `CLAIM_RULE:<rule>`.
        subject: The resource name it is about.
        message: A sentence for a person.
        until: When it will no longer stand in the way, if that is known (instant).
    """

    rule: str
    subject: str
    message: str
    until: int | None = None


@dataclass(frozen=True, slots=True)
class QuotaViolation:
    """One limit that is reached.

    Attributes:
        subject: The resource name whose limit it is, and which (`tenants/a/reps/b:day`).
        message: A sentence for a person.
        retry_after: When it frees by itself: after so many microseconds.
    """

    subject: str
    message: str
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class ResourceInfo:
    """The resource that is missing or in the way: its type (`gonghai.dev/Customer`) and name."""

    type: str
    name: str
    message: str = ""


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not an error of ours
    """The call is refused, and nothing was changed.

    Raise one of the subclasses where one fits. A reason decides the gRPC code; the details must be
    those that the reason's comment in errors.proto promises.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        metadata: Mapping[str, str] | None = None,
        fields: Sequence[FieldViolation] = (),
        preconditions: Sequence[PreconditionViolation] = (),
        quotas: Sequence[QuotaViolation] = (),
        resource: ResourceInfo | None = None,
        retry_after: int | None = None,
    ) -> None:
        """Say why.

        Args:
            reason: Why, for a program.
            message: Why, for a person, and what to do.
            metadata: What is variable in the message.
            fields: The fields that are wrong.
            preconditions: The rules in the way.
            quotas: The limits that are reached.
            resource: What is missing or in the way.
            retry_after: When trying again makes sense, in microseconds.
        """
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata: Mapping[str, str] = metadata or {}
        self.fields = tuple(fields)
        self.preconditions = tuple(preconditions)
        self.quotas = tuple(quotas)
        self.resource = resource
        self.retry_after = retry_after

    def __repr__(self) -> str:
        """Show reason and message."""
        return f"{type(self).__name__}({self.reason.value}, {self.message!r})"


class InvalidRequest(Refusal):
    """INVALID_ARGUMENT: fields of the request are wrong."""

    def __init__(
        self,
        *fields: FieldViolation,
        reason: Reason = Reason.INVALID_FIELD,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Name the fields, the first one in the message."""
        first = fields[0]
        more = f" (and {len(fields) - 1} more)" if len(fields) > 1 else ""
        message = f"{first.field}: {first.message}{more}"
        super().__init__(reason, message, metadata=metadata, fields=fields)


class RequestIdReused(Refusal):
    """INVALID_ARGUMENT: the request id belongs to a request with other content."""

    def __init__(self, request_id: str) -> None:
        """Name the request id."""
        message = (
            f"request_id {request_id!r} was used within the last day for a request with other"
            " content; send the same content, or another id"
        )
        super().__init__(
            Reason.REQUEST_ID_REUSED,
            message,
            metadata={"request_id": request_id},
            fields=(FieldViolation("request_id", "was used for other content"),),
        )


class NotFound(Refusal):
    """NOT_FOUND: the resource does not exist, or the caller may not know that it does."""

    def __init__(self, name: object, type_: str = "") -> None:
        """Name the resource; its type (`gonghai.dev/Customer`) is read from the name if empty."""
        text = str(name)
        super().__init__(
            Reason.RESOURCE_NOT_FOUND,
            f"{text} does not exist, or you may not see it",
            metadata={"resource": text},
            resource=ResourceInfo(type_ or type_of(text), text, "not found"),
        )


class AlreadyExists(Refusal):
    """ALREADY_EXISTS: a resource of this name exists, or (another reason) of this identity."""

    def __init__(
        self,
        name: object,
        message: str = "",
        *,
        reason: Reason = Reason.RESOURCE_EXISTS,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Name the resource that is there already."""
        text = str(name)
        super().__init__(
            reason,
            message or f"{text} exists already; choose another id",
            metadata={"resource": text} if metadata is None else metadata,
            resource=ResourceInfo(type_of(text), text, "exists"),
        )


class PreconditionFailed(Refusal):
    """FAILED_PRECONDITION: rules stand in the way, perhaps with limits beside them."""

    def __init__(
        self,
        reason: Reason,
        message: str,
        preconditions: Sequence[PreconditionViolation],
        *,
        quotas: Sequence[QuotaViolation] = (),
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Name every rule in the way; `reason` is the weightiest."""
        super().__init__(
            reason, message, metadata=metadata, preconditions=preconditions, quotas=quotas
        )


class WrongState(PreconditionFailed):
    """FAILED_PRECONDITION: the verb does not fit the state the resource is in."""

    def __init__(
        self,
        name: object,
        state: str,
        message: str,
        *,
        reason: Reason = Reason.WRONG_STATE,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Name the resource and its state."""
        text = str(name)
        super().__init__(
            reason,
            message,
            (PreconditionViolation(reason, text, message),),
            metadata={"resource": text, "state": state} if metadata is None else metadata,
        )


class LimitReached(Refusal):
    """RESOURCE_EXHAUSTED: only limits stand in the way."""

    def __init__(
        self,
        reason: Reason,
        message: str,
        quotas: Sequence[QuotaViolation],
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Name every limit. It frees by itself when all of them do: after the longest of them."""
        waits = [quota.retry_after for quota in quotas]
        known = [wait for wait in waits if wait is not None]
        retry_after = max(known) if known and len(known) == len(waits) else None
        super().__init__(reason, message, metadata=metadata, quotas=quotas, retry_after=retry_after)


class EtagMismatch(Refusal):
    """ABORTED: the etag is not the current one."""

    def __init__(self, name: object) -> None:
        """Name the resource."""
        super().__init__(
            Reason.ETAG_MISMATCH,
            f"{name} has changed since you read it; read it again and decide",
            metadata={"resource": str(name)},
        )


class Contention(Refusal):
    """ABORTED: what the decision rests on moved too often."""

    def __init__(self, name: object) -> None:
        """Name the resource."""
        super().__init__(
            Reason.CONTENTION,
            f"{name} changed too often while deciding; try again",
            metadata={"resource": str(name)},
        )


class CursorTooOld(Refusal):
    """OUT_OF_RANGE: the stream no longer has the entry that the cursor names."""

    def __init__(self, oldest_cursor: str) -> None:
        """Tell the oldest cursor that can be read on from (`incarnation:position:nonce`)."""
        super().__init__(
            Reason.CURSOR_TOO_OLD,
            "the stream no longer has the entry that the cursor names; rebuild from a snapshot",
            metadata={"oldest_cursor": oldest_cursor},
        )


class NotSignedIn(Refusal):
    """UNAUTHENTICATED: no credentials, or ones that do not check."""

    def __init__(self, message: str = "sign in: send a bearer token as `authorization`") -> None:
        """Say what is missing."""
        super().__init__(Reason.NOT_SIGNED_IN, message)


class NotAllowed(Refusal):
    """PERMISSION_DENIED: the caller's roles do not allow the method here."""

    def __init__(self, method: str, message: str) -> None:
        """Name the method."""
        super().__init__(Reason.NOT_ALLOWED, message, metadata={"method": method})


class PeerUnavailable(Refusal):
    """UNAVAILABLE: another service cannot be reached, or did not answer in time."""

    def __init__(self, service: str, retry_after: int = 1_000_000, why: str = "") -> None:
        """Name the service.

        Args:
            service: which one.
            retry_after: when to try again (µs).
            why: its own words, where it gave some.
        """
        again = "; try again with the same request_id"
        said = f"does not answer now: {why.removesuffix(again)}" if why else "cannot be reached"
        super().__init__(
            Reason.PEER_UNAVAILABLE,
            f"the {service} service {said}{again}",
            metadata={"service": service},
            retry_after=retry_after,
        )


class PeerRefused(Refusal):
    """Another service refused what this one asked of it: its reason and details, as they came.

    Let fly, it is the answer to our own caller too; catch it where the reason means something.

    Attributes:
        service: Who refused.
    """

    def __init__(self, service: str, refusal: Refusal) -> None:
        """Take over the refusal."""
        super().__init__(
            refusal.reason,
            refusal.message,
            metadata=refusal.metadata,
            fields=refusal.fields,
            preconditions=refusal.preconditions,
            quotas=refusal.quotas,
            resource=refusal.resource,
            retry_after=refusal.retry_after,
        )
        self.service = service


class Draining(Refusal):
    """UNAVAILABLE: this replica is stopping."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__(
            Reason.DRAINING,
            "this replica is stopping; try again, another one answers",
            retry_after=100_000,
        )


class DeadlineExceeded(Refusal):
    """DEADLINE_EXCEEDED: the time was not enough; the outcome of a write is unknown."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__(
            Reason.DEADLINE_EXCEEDED,
            "the deadline passed; whether a change was made is unknown:"
            " repeat with the same request_id",
        )


class NotBuilt(Refusal):
    """UNIMPLEMENTED: the method belongs to the contract and is not built yet."""

    def __init__(self, method: str) -> None:
        """Name the method."""
        super().__init__(
            Reason.NOT_IMPLEMENTED,
            f"{method} belongs to the contract and is not built yet",
            metadata={"method": method},
        )


_TYPES = {
    "tenants": "gonghai.dev/Tenant",
    "custody": "gonghai.dev/Custody",
    "limits": "gonghai.dev/Limits",
    "customers": "gonghai.dev/Customer",
    "activities": "gonghai.dev/Activity",
    "pools": "gonghai.dev/Pool",
    "extensions": "gonghai.dev/Extension",
    "reps": "gonghai.dev/Rep",
    "teams": "gonghai.dev/Team",
    "regions": "gonghai.dev/Region",
    "plans": "gonghai.dev/Plan",
    "offers": "gonghai.dev/Offer",
    "policyRevisions": "gonghai.dev/PolicyRevision",
    "policies": "gonghai.dev/Policy",
}


def type_of(name: str) -> str:
    """Return the type of a resource name (`tenants/a/reps/b` → `gonghai.dev/Rep`), or ""."""
    parts = name.split("/")
    collection = parts[-2] if len(parts) % 2 == 0 and len(parts) > 1 else parts[-1]
    return _TYPES.get(collection, "")
