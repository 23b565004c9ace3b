"""Sensitive fields of answers, masked (脱敏) or left out: the one place that does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gonghai_policy_service.decisions import condition_messages
from gonghai_policy_service.hidden_fields import BUYS_OFTEN

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from gonghai.archive.v1.activity_pb2 import Activity
    from gonghai.archive.v1.customer_pb2 import Customer
    from gonghai.type.v1.decision_pb2 import ConditionTruth
    from gonghai_archive.secrecy import Secrecy
    from gonghai_engine import Explanation
    from gonghai_policy_service.hidden_fields import Concealment

MASK: Final = "***"

_LAST = 4
_FIGURES: Final = (
    "purchase.amount",
    "purchase.lines",
    "purchase_return.amount",
    "purchase_return.lines",
    "opportunity.amount",
)


def mask_customer(
    message: Customer,
    secrecy: Secrecy,
    concealed: Concealment,
) -> None:
    """Mask a customer's sensitive fields, and leave out those that its pool hides.

    Args:
        message: the answer; `masked_fields` will say what was masked or left out.
        secrecy: what its attributes and decisions tell.
        concealed: what its pool hides, and what its decisions tell of that.
    """
    masked = []
    for contact in message.contacts:
        masked += _mask(contact, "contacts", ("display_name", "phone", "email", "wechat"))
    for address in message.addresses:
        masked += _mask(address, "addresses", ("street", "postal_code"))
    for identifier in message.identifiers:
        masked += _mask(identifier, "identifiers", ("value",))
    for name in message.attributes.keys() - secrecy.plain:
        message.attributes[name].Clear()
        message.attributes[name].string_value = MASK
        masked.append(f"attributes.{name}")
    _mask_decisions(message, secrecy, concealed)
    if not concealed.hidden.figures:
        masked += _leave_out_figures(message)
    for path in concealed.hidden.paths:
        if clear_path(message, path):
            masked.append(path)
    message.masked_fields[:] = sorted(set(masked))


def _mask_decisions(message: Customer, secrecy: Secrecy, concealed: Concealment) -> None:
    for decided in (message.tier, message.stage):
        if not decided.HasField("decision"):
            continue
        decision = decided.decision
        concealed.mask(decision)
        told = secrecy.told(decision.policy, decision.plugin, decision.plugin_version)
        if told is None:
            decision.ClearField("facts")
            decision.ClearField("reason")
        elif told:
            # Whichever sentence it is: that it is left out must not tell which rule it was.
            decision.ClearField("reason")
            for name in told:
                decision.facts.pop(name, None)


def plain_conditions(
    explanation: Explanation, secrecy: Secrecy, concealed: Concealment
) -> list[ConditionTruth]:
    """Return the truth of each condition that tells nothing sensitive, and nothing hidden."""
    made = explanation.decision
    sensitive = secrecy.told(made.policy, made.plugin, made.plugin_version)
    hidden = concealed.told(str(made.policy), made.plugin, made.plugin_version)
    if sensitive is None or hidden is None:
        return []
    return condition_messages(explanation, but=sensitive | hidden)


def _leave_out_figures(message: Customer) -> list[str]:
    paths = (
        BUYS_OFTEN,
        *(f"{what}.decision.{part}" for what in ("tier", "stage") for part in ("facts", "reason")),
    )
    return [path for path in paths if clear_path(message, path)]


def mask_activity(message: Activity, *, figures: bool = False) -> None:
    """Mask what people wrote about a customer; `masked_fields` will say what.

    Args:
        message: the answer.
        figures: leave out amounts and goods as well, because the measures made of them are hidden.
    """
    match message.WhichOneof("kind"):
        case "follow_up":
            masked = _mask(message.follow_up, "follow_up", ("note", "next_action"))
        case "feedback":
            masked = _mask(message.feedback, "feedback", ("text",))
        case "opportunity":
            masked = _mask(message.opportunity, "opportunity", ("lost_reason",))
        case _:
            # Nobody wrote anything in the others.
            masked = []
    if figures:
        masked += [path for path in _FIGURES if clear_path(message, path)]
    message.masked_fields[:] = masked


def clear_path(message: Message, path: str) -> bool:
    """Leave out a field by its path (`contacts.phone`, `attributes.outlets`), in each of a list.

    Returns:
        Whether anything was there.
    """
    name, _, rest = path.partition(".")
    field = message.DESCRIPTOR.fields_by_name.get(name)
    if field is None:
        return False
    value = getattr(message, name)
    if not rest:
        there = bool(value) if field.is_repeated else _is_set(message, name)
        message.ClearField(name)
        return there
    if field.message_type is None:
        return False
    if field.message_type.GetOptions().map_entry:
        there = rest in value
        if there:
            del value[rest]
        return there
    if field.is_repeated:
        # Each of them, not the first alone.
        return sum(clear_path(each, rest) for each in value) > 0
    return message.HasField(name) and clear_path(value, rest)


def _is_set(message: Message, name: str) -> bool:
    field = message.DESCRIPTOR.fields_by_name[name]
    if field.message_type is not None:
        return message.HasField(name)
    return bool(getattr(message, name))


def _mask(message: Message, where: str, names: tuple[str, ...]) -> list[str]:
    masked = []
    for name in names:
        value: str = getattr(message, name)
        if value:
            setattr(message, name, _masked(name, value))
            masked.append(f"{where}.{name}")
    return masked


def _masked(name: str, value: str) -> str:
    """What is left of a value: of a number its last digits, enough to recognise what one knows."""
    if name == "phone" and len(value) > 2 * _LAST:
        return MASK + value[-_LAST:]
    return MASK
