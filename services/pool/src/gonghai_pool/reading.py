"""Messages of the contract as the pool service's values, checked where a check needs values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gonghai.archive.v1 import customer_pb2
from gonghai_chassis.errors import FieldViolation, InvalidRequest
from gonghai_chassis.names import RepName, TeamName, same_tenant
from gonghai_pool.custody import Holder, HolderKind
from gonghai_pool.pools import ClaimLimits, HoldingLimit, Limits, Member, MemberKind, Pool

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from google.protobuf.descriptor import Descriptor

    from gonghai.pool.v1 import custody_pb2, pool_pb2


def holder_of(message: custody_pb2.Holder, tenant: str, field: str) -> Holder:
    """Read who is to hold a customer.

    Raises:
        InvalidRequest: it names nobody, or somebody of another tenant.
    """
    kind = message.WhichOneof("kind")
    if kind == "rep":
        rep = RepName.parse(message.rep, f"{field}.rep")
        same_tenant(tenant, rep, f"{field}.rep")
        return Holder.rep(rep.id)
    if kind == "team":
        team = TeamName.parse(message.team, f"{field}.team")
        same_tenant(tenant, team, f"{field}.team")
        return Holder(HolderKind.TEAM, team.id)
    if kind == "self_service" and message.self_service:
        return Holder(HolderKind.SELF_SERVICE, message.self_service)
    raise InvalidRequest(FieldViolation(field, "name a rep, a team, or a self-service channel"))


def pool_of(message: pool_pb2.Pool, ident: str, tenant: str) -> Pool:
    """Read what a caller says of a pool.

    Raises:
        InvalidRequest: a member belongs to another tenant; a hidden field is none of a customer's.
    """
    return Pool(
        id=ident,
        version=0,
        display_name=message.display_name,
        members=members_of(message.members, tenant, "pool.members"),
        managers=members_of(message.managers, tenant, "pool.managers"),
        hidden_fields=_hidden_fields(message.hidden_fields),
        claim_limits=claim_limits_of(message.claim_limits),
        fallback=message.fallback,
        region=message.region,
    )


def limits_of(message: pool_pb2.Limits, tenant: str) -> Limits:
    """Read what a caller says of the tenant's limits.

    Raises:
        InvalidRequest: a limit's member belongs to another tenant.
    """
    return Limits(
        claim_limits=claim_limits_of(message.claim_limits),
        holding_limit=message.holding_limit,
        holding_limits=tuple(
            HoldingLimit(
                member_of(one.member, tenant, "limits.holding_limits.member"), one.holding_limit
            )
            for one in message.holding_limits
        ),
        tier_weights=dict(sorted(message.tier_weights_milli.items())),
        deals_exempt=message.deals_exempt,
    )


def members_of(
    messages: Iterable[pool_pb2.PoolMember], tenant: str, field: str
) -> tuple[Member, ...]:
    """Read members, each once, in the order given; raises what `member_of` raises."""
    return tuple(dict.fromkeys(member_of(one, tenant, field) for one in messages))


def member_of(message: pool_pb2.PoolMember, tenant: str, field: str) -> Member:
    """Read a member.

    Raises:
        InvalidRequest: it names nobody, or somebody of another tenant.
    """
    kind = message.WhichOneof("kind")
    if kind == "rep":
        rep = RepName.parse(message.rep, f"{field}.rep")
        same_tenant(tenant, rep, f"{field}.rep")
        return Member(MemberKind.REP, rep.id)
    if kind == "team":
        team = TeamName.parse(message.team, f"{field}.team")
        same_tenant(tenant, team, f"{field}.team")
        return Member(MemberKind.TEAM, team.id)
    if kind == "role" and message.role:
        return Member(MemberKind.ROLE, message.role)
    raise InvalidRequest(FieldViolation(field, "name a rep, a team or a role"))


def claim_limits_of(message: pool_pb2.ClaimLimits) -> ClaimLimits:
    """Read claim limits."""
    return ClaimLimits(
        per_day=message.per_day,
        per_week=message.per_week,
        total=message.total,
        min_interval=message.min_interval.ToMicroseconds(),
        cool_down_days=message.cool_down_days,
        embargo=message.embargo.ToMicroseconds(),
    )


def _hidden_fields(paths: Sequence[str]) -> tuple[str, ...]:
    """Read hidden fields; one that is misspelt would hide nothing, so it is refused."""
    customer = customer_pb2.Customer.DESCRIPTOR
    wrong = [
        FieldViolation(f"pool.hidden_fields[{index}]", f"a customer has no field {path!r}")
        for index, path in enumerate(paths)
        if not _is_field(customer, path)
    ]
    if wrong:
        raise InvalidRequest(*wrong)
    return tuple(paths)


def _is_field(message: Descriptor, path: str) -> bool:
    name, dot, rest = path.partition(".")
    field = message.fields_by_name.get(name)
    if field is None:
        return False
    if not dot:
        return True
    if field.message_type is None:
        return False
    if field.message_type.GetOptions().map_entry:
        # The tenant's own attributes: any name may come.
        return bool(rest)
    return _is_field(field.message_type, rest)
