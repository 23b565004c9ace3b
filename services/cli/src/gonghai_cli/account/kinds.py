"""The kinds of customers that a trade tells apart, by the attribute that each of them must have."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from gonghai_cli.account.reading import minor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gonghai.archive.v1 import customer_pb2
    from gonghai.policy.v1.policy_service_pb2 import AttributeDeclaration, AttributeValue
    from gonghai_cli.account.reading import Findings

Label = tuple[str, str]
"""What people call something, in English and in Chinese."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The customers of one kind.

    Attributes:
        attribute: what tells the kinds apart, as people call it.
        kind: what people call this one.
        customers: how many.
        stages: how many of them are in each stage.
        interval: the median of their mean days between orders, in tenths; None where none orders.
        amount: what they bought in 365 days (minor units).
    """

    attribute: Label
    kind: Label
    customers: int
    stages: tuple[tuple[str, int], ...]
    interval: int | None
    amount: int


def kinds_of(found: Findings, attributes: Sequence[AttributeDeclaration]) -> Iterator[Kind]:
    """Yield the kinds in the order in which the plugin declares them."""
    for attribute in attributes:
        if not attribute.required or not attribute.values:
            continue
        for value in attribute.values:
            customers = [
                customer
                for customer in found.customers.values()
                if attribute.attribute in customer.attributes
                and customer.attributes[attribute.attribute].string_value == value.value
            ]
            if customers:
                yield _kind(label_of(attribute), label_of(value), customers)


def label_of(declared: AttributeDeclaration | AttributeValue) -> Label:
    """Return what people call it."""
    return declared.label_en, declared.label_zh


def _kind(attribute: Label, kind: Label, customers: Sequence[customer_pb2.Customer]) -> Kind:
    stages = Counter(customer.stage.stage for customer in customers)
    intervals = [
        customer.metrics.facts["mean_order_interval_days"].int_value
        for customer in customers
        if "mean_order_interval_days" in customer.metrics.facts
    ]
    return Kind(
        attribute=attribute,
        kind=kind,
        customers=len(customers),
        stages=tuple(sorted(stages.items(), key=lambda item: (-item[1], item[0]))),
        interval=round(median(intervals)) if intervals else None,
        amount=sum(minor(customer.metrics.amount_365d) for customer in customers),
    )
