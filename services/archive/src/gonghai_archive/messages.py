"""Customers and activities as messages of the contract, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from gonghai.archive.v1 import activity_pb2, customer_pb2
from gonghai.type.v1 import decision_pb2
from gonghai_archive.activities import (
    Activity,
    Content,
    Feedback,
    FollowUp,
    Interest,
    Kind,
    Line,
    Opportunity,
    Purchase,
    PurchaseReturn,
    Referral,
)
from gonghai_archive.identifiers import Identifier, IdentifierKind, normalise
from gonghai_archive.money import minor_units, money_of
from gonghai_archive.profiles import (
    ORGANIZATION,
    PERSON,
    Address,
    Contact,
    Profile,
    SpecialDate,
)
from gonghai_chassis.errors import FieldViolation, InvalidRequest
from gonghai_chassis.etags import etag_of
from gonghai_chassis.instants import instant_of, set_instant, timestamp
from gonghai_chassis.names import CustomerName, RepName, check_id, same_tenant
from gonghai_policy_service.decisions import decision_message
from gonghai_policy_service.values import from_values, to_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gonghai_archive.assessment import Assessment, Verdict
    from gonghai_archive.customers import Customer

_TYPES: Final = {
    customer_pb2.CUSTOMER_TYPE_ORGANIZATION: ORGANIZATION,
    customer_pb2.CUSTOMER_TYPE_PERSON: PERSON,
}
_KINDS: Final = {
    customer_pb2.IDENTIFIER_KIND_PHONE: IdentifierKind.PHONE,
    customer_pb2.IDENTIFIER_KIND_UNIFIED_SOCIAL_CREDIT_CODE: IdentifierKind.CREDIT_CODE,
    customer_pb2.IDENTIFIER_KIND_EMAIL: IdentifierKind.EMAIL,
}


_Number = TypeVar("_Number", bound=int)


def _words(members: Iterable[tuple[str, _Number]], prefix: str) -> dict[_Number, str]:
    """The values of an enum as words in lower case: CONTACT_CHANNEL_PHONE is `phone`."""
    return {number: name.removeprefix(prefix).lower() for name, number in members if number}


def _turned(words: Mapping[_Number, str]) -> dict[str, _Number]:
    return {word: number for number, word in words.items()}


_CHANNELS: Final = _words(customer_pb2.ContactChannel.items(), "CONTACT_CHANNEL_")
_OUTCOMES: Final = _words(activity_pb2.FollowUpOutcome.items(), "FOLLOW_UP_OUTCOME_")
_STATES: Final = _words(activity_pb2.OpportunityState.items(), "OPPORTUNITY_STATE_")
_FEEDBACK: Final = _words(activity_pb2.FeedbackKind.items(), "FEEDBACK_KIND_")

_TYPE_NUMBERS: Final = _turned(_TYPES)
_KIND_NUMBERS: Final = {kind.value: number for number, kind in _KINDS.items()}
_CHANNEL_NUMBERS: Final = _turned(_CHANNELS)
_OUTCOME_NUMBERS: Final = _turned(_OUTCOMES)
_STATE_NUMBERS: Final = _turned(_STATES)
_FEEDBACK_NUMBERS: Final = _turned(_FEEDBACK)

_MOST_MILLI: Final = 10**12
"""Thousandths of a unit in one line of an order."""


def profile_from(message: customer_pb2.Customer, tenant: str) -> Profile:
    """Return what a message says of a customer, normalised; attributes are checked later.

    Args:
        message: the request's `customer`.
        tenant: whose customer it is.

    Raises:
        InvalidRequest: an identifier does not check, or a field does not look as it should.
    """
    if not message.display_name.strip():
        raise InvalidRequest(FieldViolation("customer.display_name", "must not be empty"))
    return Profile(
        display_name=message.display_name,
        type=_TYPES.get(message.type, ORGANIZATION),
        industry=message.industry,
        region=_region(message.region),
        source=message.source,
        contacts=tuple(_contact(each, i) for i, each in enumerate(message.contacts)),
        addresses=tuple(
            Address(
                each.label,
                each.province,
                each.city,
                each.district,
                each.street,
                each.postal_code,
            )
            for each in message.addresses
        ),
        identifiers=tuple(_identifiers(message.identifiers)),
        tags=tuple(message.tags),
        special_requirements=message.special_requirements,
        preferred_channel=_CHANNELS.get(message.preferred_channel, ""),
        dates=tuple(
            SpecialDate(each.label, each.year, each.month, each.day, each.lunar)
            for each in message.dates
        ),
        parent_customer=_parent(message.parent_customer, tenant),
        group=message.group,
        attributes=from_values(message.attributes, "customer.attributes"),
    )


def profile_message(profile: Profile, tenant: str) -> customer_pb2.Customer:
    """Return a message with what people say of a customer, and nothing else."""
    message = customer_pb2.Customer(
        display_name=profile.display_name,
        type=_TYPE_NUMBERS[profile.type],
        industry=profile.industry,
        region=profile.region,
        source=profile.source,
        contacts=[
            customer_pb2.Contact(
                display_name=each.display_name,
                role=each.role,
                phone=each.phone,
                email=each.email,
                wechat=each.wechat,
                primary=each.primary,
                contact_id=each.contact_id,
            )
            for each in profile.contacts
        ],
        addresses=[
            customer_pb2.Address(
                label=each.label,
                province=each.province,
                city=each.city,
                district=each.district,
                street=each.street,
                postal_code=each.postal_code,
            )
            for each in profile.addresses
        ],
        identifiers=[
            customer_pb2.Identifier(kind=_KIND_NUMBERS[each.kind], value=each.value)
            for each in profile.identifiers
        ],
        tags=profile.tags,
        special_requirements=profile.special_requirements,
        preferred_channel=_CHANNEL_NUMBERS.get(
            profile.preferred_channel, customer_pb2.CONTACT_CHANNEL_UNSPECIFIED
        ),
        dates=[
            customer_pb2.SpecialDate(
                label=each.label, year=each.year, month=each.month, day=each.day, lunar=each.lunar
            )
            for each in profile.dates
        ],
        group=profile.group,
    )
    if profile.parent_customer:
        message.parent_customer = str(CustomerName(tenant, profile.parent_customer))
    for name, value in profile.attributes.items():
        message.attributes[name].CopyFrom(to_value(value))
    return message


def customer_message(customer: Customer, language: str, currency: str) -> customer_pb2.Customer:
    """Return a customer whole, without its custody. Nothing is masked yet.

    Args:
        customer: the record.
        language: of the reasons.
        currency: of amounts.
    """
    message = profile_message(customer.profile, customer.tenant)
    message.name = str(customer.name)
    message.etag = etag_of(customer.version)
    set_instant(message.create_time, customer.created)
    set_instant(message.update_time, customer.updated)
    assessment = customer.assessment
    if assessment.tier is not None:
        tier = assessment.tier
        message.tier.tier = tier.name
        message.tier.rank = tier.rank
        message.tier.value = tier.value
        message.tier.potential = tier.potential
        set_instant(message.tier.since, tier.since)
        message.tier.decision.CopyFrom(_decision(tier, language))
    if assessment.stage is not None:
        message.stage.stage = assessment.stage.name
        set_instant(message.stage.since, assessment.stage.since)
        message.stage.decision.CopyFrom(_decision(assessment.stage, language))
    message.buys_often.extend(assessment.buys_often)
    _metrics(message.metrics, assessment, currency)
    return message


def activity_message(
    customer: CustomerName, activity: Activity, currency: str
) -> activity_pb2.Activity:
    """Return an activity whole. Nothing is masked yet."""
    message = activity_pb2.Activity(
        name=f"{customer}/activities/{activity.id}",
        sales_channel=activity.sales_channel,
        rep=str(RepName(customer.tenant, activity.rep)) if activity.rep else "",
        corrects=activity.corrects,
        actor=decision_pb2.Actor(principal=activity.actor, on_behalf_of=activity.on_behalf_of),
    )
    set_instant(message.occur_time, activity.occurred)
    if activity.recorded:
        set_instant(message.record_time, activity.recorded)
    _content_message(message, activity.unfold(), customer.tenant, currency)
    return message


def activity_from(
    message: activity_pb2.Activity, tenant: str, currency: str, field: str = "activity"
) -> tuple[Activity, bool]:
    """Return an activity that came in, with the id of its name if it has one.

    Args:
        message: what came in.
        tenant: whose customer it is of.
        currency: the tenant's.
        field: the request's field, for refusals.

    Returns:
        The activity, and whether the caller left out when it happened.

    Raises:
        InvalidRequest: an amount, a name, the rep or the moment is not as it should be.
    """
    whenever = not message.HasField("occur_time")
    kind = message.WhichOneof("kind")
    if kind is None:
        raise InvalidRequest(FieldViolation(field, "must say what happened"))
    activity = Activity(
        id=_activity_id(message.name),
        kind=kind,
        occurred=0 if whenever else _occurred(message, field),
        content=_content(message, kind, tenant, currency, field),
        rep=rep_id(message.rep, tenant, f"{field}.rep"),
        sales_channel=message.sales_channel,
        corrects=check_id(message.corrects, f"{field}.corrects") if message.corrects else "",
    )
    return activity, whenever


def _occurred(message: activity_pb2.Activity, field: str) -> int:
    where = f"{field}.occur_time"
    occurred = instant_of(message.occur_time, where)
    if occurred < 0:
        # Scores and metrics count from the epoch, and nobody has sold through us before it.
        raise InvalidRequest(FieldViolation(where, "lies before 1970: that is too long ago"))
    return occurred


def rep_id(name: str, tenant: str, field: str) -> str:
    """Return the id of a rep's name, "" for none.

    Raises:
        InvalidRequest: it is no rep's name, or one of another tenant.
    """
    rep = RepName.parse_optional(name, field)
    if rep is None:
        return ""
    same_tenant(tenant, rep, field)
    return rep.id


def activity_name(name: str, field: str) -> tuple[CustomerName, str]:
    """Return the customer and the id that an activity's name says.

    Raises:
        InvalidRequest: it is no activity's name.
    """
    parent, slash, ident = name.rpartition("/activities/")
    if not slash:
        raise InvalidRequest(
            FieldViolation(
                field,
                f"{name!r} does not look like"
                " tenants/{tenant}/customers/{customer}/activities/{activity}",
            )
        )
    return CustomerName.parse(parent, field), check_id(ident, field)


def _activity_id(name: str) -> str:
    return name.rpartition("/")[2] if name else ""


def _decision(verdict: Verdict, language: str) -> decision_pb2.Decision:
    return decision_message(verdict.decision, language, verdict.kept_because)


def _metrics(message: customer_pb2.Metrics, assessment: Assessment, currency: str) -> None:
    metrics = assessment.metrics
    set_instant(message.as_of_time, metrics.at)
    for name, value in metrics.facts.items():
        if value is not None:
            message.facts[name].int_value = value
    message.amount_365d.CopyFrom(money_of(metrics.facts.get("amount_365d") or 0, currency))
    if metrics.last_order is not None:
        set_instant(message.last_order_time, metrics.last_order)
    if metrics.last_follow_up is not None:
        set_instant(message.last_follow_up_time, metrics.last_follow_up)


def _region(path: str) -> str:
    for part in path.split("/") if path else ():
        check_id(part, "customer.region")
    return path


def _parent(name: str, tenant: str) -> str:
    parent = CustomerName.parse_optional(name, "customer.parent_customer")
    if parent is None:
        return ""
    same_tenant(tenant, parent, "customer.parent_customer")
    return parent.id


def _contact(message: customer_pb2.Contact, place: int) -> Contact:
    where = f"customer.contacts[{place}]"
    phone, email = message.phone, message.email
    return Contact(
        message.display_name,
        message.role,
        normalise(IdentifierKind.PHONE, phone, f"{where}.phone") if phone else "",
        normalise(IdentifierKind.EMAIL, email, f"{where}.email") if email else "",
        message.wechat,
        message.primary,
        check_id(message.contact_id, f"{where}.contact_id") if message.contact_id else "",
    )


def _identifiers(messages: Iterable[customer_pb2.Identifier]) -> list[Identifier]:
    found: dict[Identifier, None] = {}
    for place, message in enumerate(messages):
        kind = _KINDS[message.kind]
        value = normalise(kind, message.value, f"customer.identifiers[{place}].value")
        found[Identifier(kind.value, value)] = None
    return list(found)


def _content(  # noqa: PLR0911 - one for each kind
    message: activity_pb2.Activity, kind: str, tenant: str, currency: str, field: str
) -> Content:
    where = f"{field}.{kind}"
    match kind:
        case Kind.PURCHASE:
            purchase = message.purchase
            return Purchase(
                minor_units(purchase.amount, f"{where}.amount", currency),
                purchase.order_number,
                _lines(purchase.lines, where, currency),
            )
        case Kind.PURCHASE_RETURN:
            returned = message.purchase_return
            return PurchaseReturn(
                minor_units(returned.amount, f"{where}.amount", currency),
                returned.purchase,
                _lines(returned.lines, where, currency),
            )
        case Kind.FOLLOW_UP:
            follow_up = message.follow_up
            next_time = follow_up.next_action_time
            return FollowUp(
                _CHANNELS[follow_up.channel],
                _OUTCOMES[follow_up.outcome],
                follow_up.duration.seconds,
                follow_up.note,
                follow_up.next_action,
                instant_of(next_time, f"{where}.next_action_time")
                if follow_up.HasField("next_action_time")
                else None,
            )
        case Kind.OPPORTUNITY:
            deal = message.opportunity
            amount = deal.amount if deal.HasField("amount") else None
            return Opportunity(
                deal.opportunity,
                _STATES[deal.state],
                None if amount is None else minor_units(amount, f"{where}.amount", currency),
                deal.lost_reason,
            )
        case Kind.FEEDBACK:
            return Feedback(_FEEDBACK[message.feedback.kind], message.feedback.text)
        case Kind.REFERRAL:
            referred = f"{where}.referred_customer"
            other = CustomerName.parse(message.referral.referred_customer, referred)
            same_tenant(tenant, other, referred)
            return Referral(other.id)
        case _:
            interest = message.interest
            return Interest(interest.product, interest.category, interest.asked)


def _lines(
    messages: Iterable[activity_pb2.PurchaseLine], where: str, currency: str
) -> tuple[Line, ...]:
    return tuple(
        Line(
            line.product,
            line.category,
            _quantity(line.quantity_milli, f"{where}.lines[{place}].quantity_milli"),
            minor_units(line.amount, f"{where}.lines[{place}].amount", currency)
            if line.HasField("amount")
            else None,
        )
        for place, line in enumerate(messages)
    )


def _quantity(milli: int, field: str) -> int:
    if milli > _MOST_MILLI:
        raise InvalidRequest(FieldViolation(field, "is too large"))
    return milli


def _line_messages(lines: Iterable[Line], currency: str) -> list[activity_pb2.PurchaseLine]:
    return [
        activity_pb2.PurchaseLine(
            product=line.product,
            category=line.category,
            quantity_milli=line.quantity_milli,
            amount=None if line.amount is None else money_of(line.amount, currency),
        )
        for line in lines
    ]


def _content_message(
    message: activity_pb2.Activity, content: Content, tenant: str, currency: str
) -> None:
    match content:
        case Purchase():
            message.purchase.amount.CopyFrom(money_of(content.amount, currency))
            message.purchase.order_number = content.order_number
            message.purchase.lines.extend(_line_messages(content.lines, currency))
        case PurchaseReturn():
            message.purchase_return.amount.CopyFrom(money_of(content.amount, currency))
            message.purchase_return.purchase = content.purchase
            message.purchase_return.lines.extend(_line_messages(content.lines, currency))
        case FollowUp():
            message.follow_up.channel = _CHANNEL_NUMBERS[content.channel]
            message.follow_up.outcome = _OUTCOME_NUMBERS[content.outcome]
            message.follow_up.duration.seconds = content.seconds
            message.follow_up.note = content.note
            message.follow_up.next_action = content.next_action
            next_time = timestamp(content.next_action_at)
            if next_time is not None:
                message.follow_up.next_action_time.CopyFrom(next_time)
        case Opportunity():
            message.opportunity.opportunity = content.opportunity
            message.opportunity.state = _STATE_NUMBERS[content.state]
            if content.amount is not None:
                message.opportunity.amount.CopyFrom(money_of(content.amount, currency))
            message.opportunity.lost_reason = content.lost_reason
        case Feedback():
            message.feedback.kind = _FEEDBACK_NUMBERS[content.kind]
            message.feedback.text = content.text
        case Referral():
            message.referral.referred_customer = str(
                CustomerName(tenant, content.referred_customer)
            )
        case Interest():
            message.interest.product = content.product
            message.interest.category = content.category
            message.interest.asked = content.asked
