"""Putting a tenant's set-up in place: what is missing is made, what is there is brought in line."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.json_format import ParseDict, ParseError

from gonghai.assignment.v1 import assignment_service_pb2, rep_pb2
from gonghai.pool.v1 import pool_pb2, pool_service_pb2
from gonghai_chassis.errors import PeerRefused, Reason
from gonghai_cli.flow.repeat import repeated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message

    from gonghai_cli.services import Services

_WHOLE: Final = FieldMask(paths=["*"])


class BadResource(ValueError):  # noqa: N818 - named after what it is
    """An entry of a file is no such resource; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resource below a tenant.

    Attributes:
        collection: as names and files call it: `pools`.
        service: who keeps it.
        message: what it looks like.
        create: the request that makes one.
        update: the request that changes one.
    """

    collection: str
    service: str
    message: type[Any]
    create: type[Any]
    update: type[Any]

    @property
    def singular(self) -> str:
        """`pool`."""
        return self.collection.removesuffix("s")


KINDS: Final = (
    Kind(
        "regions",
        "assignment",
        rep_pb2.Region,
        assignment_service_pb2.CreateRegionRequest,
        assignment_service_pb2.UpdateRegionRequest,
    ),
    Kind(
        "teams",
        "assignment",
        rep_pb2.Team,
        assignment_service_pb2.CreateTeamRequest,
        assignment_service_pb2.UpdateTeamRequest,
    ),
    Kind(
        "reps",
        "assignment",
        rep_pb2.Rep,
        assignment_service_pb2.CreateRepRequest,
        assignment_service_pb2.UpdateRepRequest,
    ),
    Kind(
        "pools",
        "pool",
        pool_pb2.Pool,
        pool_service_pb2.CreatePoolRequest,
        pool_service_pb2.UpdatePoolRequest,
    ),
)
"""In the order in which they are put in place: each names only what stands before it."""

BY_COLLECTION: Final = {kind.collection: kind for kind in KINDS}


def parse(message: type[Any], content: Mapping[str, Any], where: str) -> Any:  # noqa: ANN401
    """Read an entry of a file, with the fields of the contract.

    Raises:
        BadResource: it has other fields, or values that do not fit.
    """
    try:
        return ParseDict(dict(content), message())
    except ParseError as error:
        raise BadResource(f"{where}: {error}") from None


async def put(
    services: Services, tenant: str, collection: str, ident: str, resource: Message
) -> bool:
    """Make a resource, or bring the one of that id in line with it; safe to repeat.

    Returns:
        Whether it was made.
    """
    kind = BY_COLLECTION[collection]
    stub = getattr(services, kind.service)
    name = kind.singular
    create = kind.create(
        parent=f"tenants/{tenant}",
        request_id=request_id(f"create-{collection}-{ident}", resource),
        **{f"{name}_id": ident, name: resource},
    )
    try:
        await repeated(lambda: getattr(stub, f"Create{name.capitalize()}")(create))
    except PeerRefused as error:
        if error.reason is not Reason.RESOURCE_EXISTS:
            raise
    else:
        return True
    changed = kind.message()
    changed.CopyFrom(resource)
    changed.name = f"tenants/{tenant}/{collection}/{ident}"
    update = kind.update(update_mask=_WHOLE, **{name: changed})
    await repeated(lambda: getattr(stub, f"Update{name.capitalize()}")(update))
    return False


async def put_limits(services: Services, tenant: str, limits: pool_pb2.Limits) -> None:
    """Set the tenant's limits; safe to repeat."""
    changed = pool_pb2.Limits()
    changed.CopyFrom(limits)
    changed.name = f"tenants/{tenant}/limits"
    request = pool_service_pb2.UpdateLimitsRequest(limits=changed, update_mask=_WHOLE)
    await repeated(lambda: services.pool.UpdateLimits(request))


def request_id(step: str, content: Message) -> str:
    """Return the id of a mutation: the same for the same step and content."""
    packed = content.SerializeToString(deterministic=True)
    return hashlib.sha256(step.encode() + b"\0" + packed).hexdigest()[:32]
