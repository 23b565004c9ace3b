"""What the archive tells others of: messages of its event stream, free of personal data."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from gonghai.archive.v1 import events_pb2
from gonghai_archive.activities import Activity, Kind
from gonghai_chassis.instants import set_instant
from gonghai_chassis.names import CustomerName, RepName
from gonghai_policy_service.reasons import chinese_apart
from gonghai_policy_service.values import to_value

if TYPE_CHECKING:
    from gonghai_archive.customers import Customer
    from gonghai_archive.policies import Published

CUSTOMER_CHANGED = "customer_changed"
ACTIVITY_RECORDED = "activity_recorded"


def customer_facts(customer: Customer, published: Published) -> events_pb2.CustomerFacts:
    """Return what others may know of a customer.

    Args:
        customer: its record; version and create time 0 leave those fields to the caller.
        published: what others' policies read of it.
    """
    assessment = customer.assessment
    profile = customer.profile
    message = events_pb2.CustomerFacts(
        customer=str(customer.name),
        version=customer.version,
        industry=profile.industry,
        region=profile.region,
        group=profile.group,
        policy_revision=assessment.revision,
        initial_owner=str(RepName(customer.tenant, customer.owner)) if customer.owner else "",
        reservation=customer.reservation,
    )
    if assessment.stage is not None:
        message.stage = assessment.stage.name
    if assessment.tier is not None:
        message.tier = assessment.tier.name
        message.tier_rank = assessment.tier.rank
    if assessment.admission is not None:
        message.admission_pool = assessment.admission.name
        message.admission_rule = assessment.admission.rule
        message.admission_reason = published.admission_reason.en
        message.admission_reason_zh = chinese_apart(published.admission_reason)
        message.admission_then = published.admission_then
        message.admission_after_days = published.admission_after_days
    for name, value in published.facts.items():
        message.facts[name].CopyFrom(to_value(value))
    if customer.created:
        set_instant(message.create_time, customer.created)
    return message


def digest_of(message: events_pb2.CustomerFacts) -> str:
    """Return a digest of what is told of a customer, whatever its version."""
    rest = events_pb2.CustomerFacts()
    rest.CopyFrom(message)
    rest.ClearField("version")
    rest.ClearField("create_time")
    packed = rest.SerializeToString(deterministic=True)
    return hashlib.blake2b(packed, digest_size=8).hexdigest()


def activity_facts(customer: CustomerName, activity: Activity) -> events_pb2.ActivityFacts:
    """Return what others may know of an activity; unset in it is only when it was recorded."""
    message = events_pb2.ActivityFacts(
        customer=str(customer),
        activity=activity.id,
        kind=activity.kind,
        rep=str(RepName(customer.tenant, activity.rep)) if activity.rep else "",
        corrects=activity.corrects,
    )
    set_instant(message.occur_time, activity.occurred)
    if activity.recorded:
        set_instant(message.record_time, activity.recorded)
    for name, value in _qualities(activity).items():
        message.qualities[name].CopyFrom(to_value(value))
    return message


def _qualities(activity: Activity) -> dict[str, Any]:
    content = activity.content
    match activity.kind:
        case Kind.PURCHASE | Kind.PURCHASE_RETURN:
            qualities: dict[str, Any] = {"amount": content[0]}
        case Kind.FOLLOW_UP:
            qualities = {
                "channel": content[0],
                "outcome": content[1],
                "duration_seconds": content[2],
            }
        case Kind.OPPORTUNITY:
            qualities = {"state": content[1], "amount": content[2]}
        case Kind.FEEDBACK:
            qualities = {"kind": content[0]}
        case Kind.INTEREST:
            qualities = {"asked": content[2]}
        case _:
            qualities = {}
    if activity.sales_channel:
        qualities["sales_channel"] = activity.sales_channel
    return {name: value for name, value in qualities.items() if value is not None}
