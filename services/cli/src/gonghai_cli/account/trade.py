"""What is special to a trade: kinds of customers, grid, signs of a loss, stops, goods, pay.

Everything comes from what the industry's plugin declares and the services answer: no trade is
known by name here. What a trade has nothing of is empty.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai_chassis.instants import instant_of
from gonghai_cli.account.earnings import Month, month_of
from gonghai_cli.account.goods import Goods, goods_of
from gonghai_cli.account.kinds import Kind, kinds_of
from gonghai_cli.account.reading import (
    declared_attributes,
    list_collisions,
    list_policies,
    minor,
    stop_clocks,
)
from gonghai_cli.account.signs import Sign, signs_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gonghai.archive.v1 import customer_pb2
    from gonghai.pool.v1 import custody_pb2
    from gonghai_cli.account.kinds import Label
    from gonghai_cli.account.reading import Findings
    from gonghai_cli.services import Services


@dataclass(frozen=True, slots=True)
class Cell:
    """The customers of one grade of value and one of potential, and their tier."""

    value: str
    potential: str
    tier: str
    customers: int
    amount: int


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop-clock: how many holdings' clocks stand still for it on their way, and why.

    ``first_reclaim`` is when the first of these holdings is taken back if nobody does anything.
    """

    stop: str
    holdings: int
    first_reclaim: int | None
    why: Label


@dataclass(frozen=True, slots=True)
class Collision:
    """What more customers have than may, or what one is reported of."""

    rule: str
    values: tuple[str, ...]
    names: tuple[str, ...]
    customers: int
    why: str


@dataclass(frozen=True, slots=True)
class Trade:
    """What is special to a trade.

    Attributes:
        kinds: of customers, where the trade tells such apart.
        grid: value by potential, where tiers come from such a grid.
        signs: of a loss, the most frequent first.
        stops: what clocks stand still for.
        goods: what is bought often and asked for, what is asked for most first.
        collisions: by rule and values.
        month: what the last whole month paid, where the trade pays commissions.
    """

    kinds: tuple[Kind, ...]
    grid: tuple[Cell, ...]
    signs: tuple[Sign, ...]
    stops: tuple[Stop, ...]
    goods: tuple[Goods, ...]
    collisions: tuple[Collision, ...]
    month: Month | None


async def trade_of(services: Services, tenant: str, found: Findings) -> Trade:
    """Ask the services about everything that is special to the tenant's trades."""
    policies = await list_policies(services, tenant)
    attributes = await declared_attributes(services, policies)
    pays = any(policy.policy == "incentives" for policy in policies)
    return Trade(
        kinds=tuple(kinds_of(found, attributes)),
        grid=tuple(_grid(found.customers.values())),
        signs=tuple(await signs_of(services, tenant, found)),
        stops=tuple(_stops(found, await stop_clocks(services, policies))),
        goods=tuple(await goods_of(services, tenant, found, attributes)),
        collisions=tuple(
            Collision(
                rule=each.rule,
                values=tuple(found.regions.get(value, value) for value in each.values),
                names=tuple(found.name(customer) for customer in each.customers),
                customers=each.customer_count,
                why=each.reason,
            )
            for each in await list_collisions(services, tenant)
        ),
        month=await month_of(services, found) if pays else None,
    )


def _grid(customers: Iterable[customer_pb2.Customer]) -> list[Cell]:
    counts: Counter[tuple[str, str, str]] = Counter()
    amounts: Counter[tuple[str, str, str]] = Counter()
    for customer in customers:
        tier = customer.tier
        if tier.value and tier.potential:
            key = tier.value, tier.potential, tier.tier
            counts[key] += 1
            amounts[key] += minor(customer.metrics.amount_365d)
    return [Cell(*key, counts[key], amounts[key]) for key in sorted(counts)]


def _stops(found: Findings, reasons: Mapping[str, Label]) -> Iterator[Stop]:
    """Count the holdings of which a clock stands still on its way, by what it does so for."""
    stopped: dict[str, list[custody_pb2.Custody]] = {}
    for customer in sorted(found.custodies):
        custody = found.custodies[customer]
        for stop in {stop for clock in custody.clocks for stop in clock.stop_clocks}:
            stopped.setdefault(stop, []).append(custody)
    for stop, custodies in sorted(stopped.items()):
        ends = [
            instant_of(custody.reclaim_time)
            for custody in custodies
            if custody.HasField("reclaim_time")
        ]
        why = reasons.get(stop, ("", ""))
        yield Stop(stop, len(custodies), min(ends, default=None), why)
