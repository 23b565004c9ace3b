"""The pool service's values as messages of its contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gonghai.pool.v1 import custody_pb2, events_pb2, pool_pb2, pool_service_pb2
from gonghai.type.v1 import decision_pb2
from gonghai_chassis.etags import etag_of
from gonghai_chassis.instants import set_instant
from gonghai_chassis.names import RepName
from gonghai_policy_service.decisions import decision_message
from gonghai_policy_service.hidden_fields import REGION, STAGE, TIER, TIER_RANK
from gonghai_policy_service.reasons import in_language
from gonghai_pool.custody import (
    Change,
    Custody,
    ExtensionState,
    HistoryEntry,
    Holder,
    HolderKind,
    OutCause,
    Plan,
    State,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gonghai_chassis.names import ExtensionName
    from gonghai_policy_service.hidden_fields import Concealment
    from gonghai_pool.custody import Extension
    from gonghai_pool.pools import ClaimLimits, Limits, Member, Pool

_STATES: Final = {
    State.IN_POOL: custody_pb2.CUSTODY_STATE_IN_POOL,
    State.HELD: custody_pb2.CUSTODY_STATE_HELD,
    State.RESERVED: custody_pb2.CUSTODY_STATE_RESERVED,
    State.OUT: custody_pb2.CUSTODY_STATE_OUT,
}
_CHANGES: Final = {
    change: custody_pb2.CustodyChange.Value(f"CUSTODY_CHANGE_{change.value}") for change in Change
}
_CAUSES: Final = {
    cause: custody_pb2.OutCause.Value(f"OUT_CAUSE_{cause.value}") for cause in OutCause
}
_EXTENSION_STATES: Final = {
    ExtensionState.PENDING: pool_service_pb2.EXTENSION_STATE_PENDING,
    ExtensionState.APPROVED: pool_service_pb2.EXTENSION_STATE_APPROVED,
    ExtensionState.DENIED: pool_service_pb2.EXTENSION_STATE_DENIED,
}
_DAY: Final = 86_400


def state_name(state: State) -> str:
    """Return a state as errors and explanations name it: `IN_POOL`."""
    return custody_pb2.CustodyState.Name(_STATES[state]).removeprefix("CUSTODY_STATE_")


EVENTS_LANGUAGE: Final = "en"
"""Of the words in an event: many read it, in whatever language."""


def custody_message(
    tenant: str, custody: Custody, language: str = EVENTS_LANGUAGE
) -> custody_pb2.Custody:
    """Return a custody as whoever may see everything of it sees it, less the decision."""
    prefix = f"tenants/{tenant}"
    name = f"{prefix}/customers/{custody.customer}"
    message = custody_pb2.Custody(
        name=f"{name}/custody",
        customer=name,
        state=_STATES[custody.state],
        change=_CHANGES[custody.change],
        reason=in_language(custody.reason, language),
        locked=custody.locked,
        disputed=custody.disputed,
        version=custody.version,
        term=custody.term,
        etag=etag_of(custody.version),
        weight_milli=custody.weight,
    )
    set_instant(message.since, custody.since)
    if custody.pool:
        message.pool = f"{prefix}/pools/{custody.pool}"
    if custody.holder is not None:
        message.holder.CopyFrom(holder_message(tenant, custody.holder))
    if custody.out_cause is not None:
        message.out_cause = _CAUSES[custody.out_cause]
    if custody.entered is not None and custody.state is State.IN_POOL:
        set_instant(message.pool_enter_time, custody.entered)
    if custody.former_owner:
        message.former_owner = f"{prefix}/reps/{custody.former_owner}"
        if custody.former_owner_at is not None:
            set_instant(message.former_owner_time, custody.former_owner_at)
    _set_further(message, prefix, custody, language)
    return message


def reservation_token(message: custody_pb2.Custody, custody: Custody) -> None:
    """Tell the token of a reservation, for the answer to who made it alone."""
    if custody.reservation is not None:
        message.reservation.token = custody.reservation.token


def reclaim_decision(custody: Custody, language: str) -> decision_pb2.Decision | None:
    """Return the decision about a holding's clocks; None where there is none."""
    plan = custody.plan
    if plan is None or not plan.decision:
        return None
    return decision_message(plan.decided or dict(plan.decision), language, plan.frozen_because)


def mask_owner(message: custody_pb2.Custody) -> None:
    """Take out of a custody what only those may read who may see its owner."""
    for field in (
        "holder",
        "reason",
        "former_owner",
        "former_owner_time",
        "clocks",
        "warn_time",
        "warned",
        "due_time",
        "reclaim_time",
        "reclaim_pool",
        "reclaim_decision",
        "frozen_because",
        "reservation",
        "next_pool",
        "next_pool_time",
        "collaborators",
        "weight_milli",
    ):
        message.ClearField(field)


def mask_hidden(message: custody_pb2.Custody, custody: Custody, concealed: Concealment) -> None:
    """Leave out of a custody what the pool hides, and what its decisions tell of that."""
    hides = concealed.hidden.hides
    if hides(TIER) or hides(TIER_RANK):
        # Either tells the other; and a customer weighs what its tier does.
        for field in ("tier", "tier_rank", "weight_milli"):
            message.ClearField(field)
    if hides(STAGE):
        message.ClearField("stage")
    if hides(REGION):
        message.ClearField("region")
    if custody.rule and concealed.hidden.decided_on:
        # The sentence of a rule, of whatever version.
        message.ClearField("reason")
    if message.HasField("reclaim_decision"):
        concealed.mask(message.reclaim_decision)


def mask_entry(message: custody_pb2.CustodyHistoryEntry, concealed: Concealment) -> None:
    """Leave out of an entry of a history what a decision tells of what the pool hides."""
    if message.rule and concealed.hidden.decided_on:
        message.ClearField("reason")
    if message.HasField("decision"):
        concealed.mask(message.decision)


def mask_extension(message: pool_service_pb2.Extension, concealed: Concealment) -> None:
    """Leave out of a request for more time the like."""
    if not message.HasField("decision"):
        return
    sentence = message.decision.reason
    # Where a person decided, the words are his.
    if concealed.mask(message.decision) and message.decision_reason == sentence:
        message.ClearField("decision_reason")


def custody_event(
    tenant: str,
    before: Custody | None,
    message: custody_pb2.Custody,
    *,
    change: Change,
    clock: str = "",
    due_at: int | None = None,
    actor: tuple[str, str] = ("", ""),
) -> bytes:
    """Return the payload of a `custody_changed` event; `message` is the custody from then on."""
    event = events_pb2.CustodyChanged(change=_CHANGES[change], custody=message, clock=clock)
    event.actor.principal, event.actor.on_behalf_of = actor
    # Free text stays in the history, where it can be erased.
    event.custody.ClearField("reason")
    for one in event.custody.collaborators:
        one.ClearField("field_scope")
    if before is not None:
        event.former_state = _STATES[before.state]
        if before.pool:
            event.former_pool = f"tenants/{tenant}/pools/{before.pool}"
        if before.holder is not None:
            event.former_holder.CopyFrom(holder_message(tenant, before.holder))
    if due_at is not None:
        set_instant(event.due_time, due_at)
    return event.SerializeToString()


def snapshot_event(tenant: str, custody: Custody) -> bytes:
    """Return the payload that stands for a custody in a snapshot."""
    message = custody_message(tenant, custody)
    return custody_event(tenant, None, message, change=custody.change, clock=custody.clock)


def holder_message(tenant: str, holder: Holder) -> custody_pb2.Holder:
    """Return who holds a customer."""
    if holder.kind is HolderKind.REP:
        return custody_pb2.Holder(rep=f"tenants/{tenant}/reps/{holder.id}")
    if holder.kind is HolderKind.TEAM:
        return custody_pb2.Holder(team=f"tenants/{tenant}/teams/{holder.id}")
    return custody_pb2.Holder(self_service=holder.id)


def history_message(
    tenant: str, entry: HistoryEntry, language: str
) -> custody_pb2.CustodyHistoryEntry:
    """Return an entry of a custody history."""
    message = custody_pb2.CustodyHistoryEntry(
        version=entry.version,
        term=entry.term,
        change=_CHANGES[entry.change],
        state=_STATES[entry.state],
        actor=decision_pb2.Actor(principal=entry.principal, on_behalf_of=entry.on_behalf_of),
        reason=in_language(entry.reason, language),
        rule=entry.rule,
        clock=entry.clock,
    )
    set_instant(message.time, entry.time)
    if entry.pool:
        message.pool = f"tenants/{tenant}/pools/{entry.pool}"
    if entry.holder is not None:
        message.holder.CopyFrom(holder_message(tenant, entry.holder))
    if entry.former_holder is not None:
        message.former_holder.CopyFrom(holder_message(tenant, entry.former_holder))
    if entry.decision:
        message.decision.CopyFrom(decision_message(dict(entry.decision), language))
    return message


def extension_message(
    name: ExtensionName, extension: Extension, language: str
) -> pool_service_pb2.Extension:
    """Return a request for more time."""
    message = pool_service_pb2.Extension(
        name=str(name),
        state=_EXTENSION_STATES[extension.state],
        reason=extension.reason,
        days=extension.days,
        decision_reason=extension.decision_reason,
        granted_days=extension.granted,
        waits_because=in_language(extension.waits_because, language),
        etag=etag_of(extension.version),
    )
    if extension.decision:
        message.decision.CopyFrom(decision_message(dict(extension.decision), language))
    set_instant(message.create_time, extension.created)
    if extension.rep:
        message.rep = str(RepName(name.tenant, extension.rep))
    if extension.decided is not None:
        principal, on_behalf_of = extension.decider
        message.decider.principal, message.decider.on_behalf_of = principal, on_behalf_of
        set_instant(message.decide_time, extension.decided)
        message.decision_reason = extension.decision_reason or message.decision.reason
    return message


def pool_message(tenant: str, pool: Pool, customers: int = 0) -> pool_pb2.Pool:
    """Return a pool."""
    message = pool_pb2.Pool(
        name=f"tenants/{tenant}/pools/{pool.id}",
        display_name=pool.display_name,
        members=_members(tenant, pool.members),
        managers=_members(tenant, pool.managers),
        hidden_fields=pool.hidden_fields,
        claim_limits=claim_limits_message(pool.claim_limits),
        fallback=pool.fallback,
        region=pool.region,
        customer_count=customers,
        etag=etag_of(pool.version),
    )
    set_instant(message.create_time, pool.created)
    set_instant(message.update_time, pool.updated)
    return message


def limits_message(tenant: str, limits: Limits) -> pool_pb2.Limits:
    """Return a tenant's limits."""
    message = pool_pb2.Limits(
        name=f"tenants/{tenant}/limits",
        claim_limits=claim_limits_message(limits.claim_limits),
        holding_limit=limits.holding_limit,
        holding_limits=[
            pool_pb2.HoldingLimit(
                member=member_message(tenant, one.member), holding_limit=one.limit
            )
            for one in limits.holding_limits
        ],
        tier_weights_milli=limits.tier_weights,
        deals_exempt=limits.deals_exempt,
        etag=etag_of(limits.version),
    )
    if limits.updated:
        set_instant(message.update_time, limits.updated)
    return message


def claim_limits_message(limits: ClaimLimits) -> pool_pb2.ClaimLimits:
    """Return claim limits."""
    message = pool_pb2.ClaimLimits(
        per_day=limits.per_day,
        per_week=limits.per_week,
        total=limits.total,
        cool_down_days=limits.cool_down_days,
    )
    if limits.min_interval:
        message.min_interval.FromMicroseconds(limits.min_interval)
    if limits.embargo:
        message.embargo.FromMicroseconds(limits.embargo)
    return message


def member_message(tenant: str, member: Member) -> pool_pb2.PoolMember:
    """Return a member or manager of a pool."""
    value: Any = member.id
    if member.kind.value != "role":
        value = f"tenants/{tenant}/{member.kind.value}s/{member.id}"
    return pool_pb2.PoolMember(**{member.kind.value: value})


def _members(tenant: str, members: Iterable[Member]) -> list[pool_pb2.PoolMember]:
    return [member_message(tenant, member) for member in members]


def _set_further(
    message: custody_pb2.Custody, prefix: str, custody: Custody, language: str
) -> None:
    if custody.facts is not None:
        facts = custody.facts
        message.tier = facts.tier
        message.tier_rank = facts.tier_rank
        message.stage = facts.stage
        message.region = facts.region
        message.archive_version = facts.version
    if custody.embargo_until is not None and custody.state is State.IN_POOL:
        set_instant(message.embargo_time, custody.embargo_until)
    if custody.onward is not None:
        message.next_pool = f"{prefix}/pools/{custody.onward.pool}"
        set_instant(message.next_pool_time, custody.onward.at)
    if custody.plan is not None:
        _set_plan(message, prefix, custody.plan, language)
    if custody.reservation is not None:
        kept = custody.reservation
        message.reservation.rep = f"{prefix}/reps/{kept.rep}"
        message.reservation.purpose = custody_pb2.ReservationPurpose.Value(
            f"RESERVATION_PURPOSE_{kept.purpose.value}"
        )
        set_instant(message.reservation.expire_time, kept.expires)
    for one in custody.collaborators:
        other = message.collaborators.add(
            rep=f"{prefix}/reps/{one.rep}",
            role=custody_pb2.CollaboratorRole.Value(f"COLLABORATOR_ROLE_{one.role}"),
            field_scope=one.scope,
        )
        if one.expires is not None:
            set_instant(other.expire_time, one.expires)


def _set_plan(message: custody_pb2.Custody, prefix: str, plan: Plan, language: str) -> None:
    for clock in plan.clocks:
        one = message.clocks.add(
            clock=clock.name,
            length=in_language(clock.length, language),
            reset_by=clock.reset_by,
            stop_clocks=clock.stops,
            provisional=plan.provisional,
        )
        set_instant(one.start_time, clock.start)
        set_instant(one.due_time, clock.due)
        if clock.extended_days:
            one.extension.seconds = clock.extended_days * _DAY
        if clock.longer is not None:
            for words, kinds in clock.longer.by:
                one.extended_by.add(kinds=kinds, by=in_language(words, language))
            one.extended = in_language(clock.longer.already, language)
            one.extended_at_most = in_language(clock.longer.at_most, language)
    if plan.warn_at is not None:
        set_instant(message.warn_time, plan.warn_at)
    if plan.due_at is not None:
        set_instant(message.due_time, plan.due_at)
    if plan.reclaim_at is not None:
        set_instant(message.reclaim_time, plan.reclaim_at)
    message.warned = plan.warning_out
    message.frozen_because = in_language(plan.frozen_because, language)
    if plan.target:
        message.reclaim_pool = f"{prefix}/pools/{plan.target}"
