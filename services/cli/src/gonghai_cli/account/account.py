"""The account: who is worth what, who got whom and why, what was taken back, what was refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gonghai.pool.v1 import custody_pb2, pool_service_pb2
from gonghai_chassis.instants import instant_of
from gonghai_cli.account.reading import Findings, ident, minor, read
from gonghai_cli.account.trade import Trade, trade_of
from gonghai_cli.flow.repeat import repeated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from gonghai_cli.services import Services

_IN_POOL: Final = custody_pb2.CUSTODY_STATE_IN_POOL
_GAINS: Final = {
    custody_pb2.CUSTODY_CHANGE_ASSIGNED: "assigned",
    custody_pb2.CUSTODY_CHANGE_CLAIMED: "claimed",
    custody_pb2.CUSTODY_CHANGE_SELF_SOURCED: "self_sourced",
    custody_pb2.CUSTODY_CHANGE_TRANSFERRED: "transferred",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """The customers of one tier and stage, and what they bought in a year (minor units)."""

    tier: str
    rank: int
    stage: str
    customers: int
    amount: int


@dataclass(frozen=True, slots=True)
class PoolLine:
    """A pool: how many are in it, and how many went in and out so far."""

    pool: str
    name: str
    customers: int
    entered: int
    left: int


@dataclass(frozen=True, slots=True)
class RepLine:
    """A rep: what he holds, and how he came by and lost customers."""

    rep: str
    name: str
    holdings: int
    weight_milli: int
    assigned: int
    claimed: int
    self_sourced: int
    lost: int


@dataclass(frozen=True, slots=True)
class Gain:
    """A customer that somebody got: how, why, and out of which pool."""

    customer: str
    name: str
    tier: str
    rep: str
    how: str
    at: int
    why: str
    pool: str


@dataclass(frozen=True, slots=True)
class Loss:
    """A customer that was taken back: from whom, by which clock, and when he was warned."""

    customer: str
    name: str
    tier: str
    rep: str
    pool: str
    clock: str
    warned: int | None
    at: int
    why: str


@dataclass(frozen=True, slots=True)
class RefusedClaim:
    """A claim that is refused now: by whom, of what, and everything in the way."""

    customer: str
    name: str
    rep: str
    reasons: tuple[str, ...]
    why: tuple[str, ...]
    until: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a customer is at the end."""

    customer: str
    state: str
    pool: str
    rep: str
    since: int
    due: int | None
    tier: str
    stage: str


@dataclass(frozen=True, slots=True)
class Account:
    """Everything, in a fixed order, so that two of the same history are equal."""

    now: int
    standings: tuple[Standing, ...]
    pools: tuple[PoolLine, ...]
    reps: tuple[RepLine, ...]
    gains: tuple[Gain, ...]
    warnings: int
    losses: tuple[Loss, ...]
    refusals: tuple[RefusedClaim, ...]
    places: tuple[Place, ...]
    trade: Trade


async def account_of(services: Services, tenant: str) -> Account:
    """Draw up the account of a tenant from what the services say now."""
    found = await read(services, tenant)
    return Account(
        now=found.now,
        standings=tuple(_standings(found)),
        pools=tuple(_pools(found)),
        reps=tuple(_reps(found)),
        gains=tuple(sorted(_gains(found), key=_by_time)),
        warnings=sum(
            event.custody_changed.change == custody_pb2.CUSTODY_CHANGE_WARNED
            for event in found.events
        ),
        losses=tuple(sorted(_losses(found), key=_by_time)),
        refusals=tuple([refusal async for refusal in _refusals(services, found)]),
        places=tuple(_places(found)),
        trade=await trade_of(services, tenant, found),
    )


def _by_time(line: Gain | Loss) -> tuple[int, str]:
    """Order what happens at one moment by customer: those calls go side by side."""
    return line.at, line.customer


def _standings(found: Findings) -> list[Standing]:
    amounts: Counter[tuple[str, int, str]] = Counter()
    counts: Counter[tuple[str, int, str]] = Counter()
    for customer in found.customers.values():
        key = (customer.tier.tier, customer.tier.rank, customer.stage.stage)
        counts[key] += 1
        amounts[key] += minor(customer.metrics.amount_365d)
    lines = [Standing(*key, counts[key], amounts[key]) for key in counts]
    return sorted(lines, key=lambda line: (-line.rank, line.tier, line.stage))


def _pools(found: Findings) -> list[PoolLine]:
    entered: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for event in found.events:
        changed = event.custody_changed
        came_in = changed.custody.pool if changed.custody.state == _IN_POOL else ""
        was_in = changed.former_pool if changed.former_state == _IN_POOL else ""
        if came_in != was_in:
            entered[came_in] += 1
            left[was_in] += 1
    return [
        PoolLine(
            ident(pool.name),
            pool.display_name,
            pool.customer_count,
            entered[pool.name],
            left[pool.name],
        )
        for pool in found.pools
    ]


def _reps(found: Findings) -> list[RepLine]:
    ways: dict[str, Counter[str]] = {ident(rep.name): Counter() for rep in found.reps}
    for event in found.events:
        changed = event.custody_changed
        holder, former = ident(changed.custody.holder.rep), ident(changed.former_holder.rep)
        if changed.change in _GAINS and holder in ways:
            ways[holder][_GAINS[changed.change]] += 1
        if former in ways and former != holder:
            ways[former]["lost"] += 1
    lines = []
    for rep in found.reps:
        rep_id = ident(rep.name)
        quota, way = found.quotas[rep_id], ways[rep_id]
        lines.append(
            RepLine(
                rep=rep_id,
                name=rep.display_name,
                holdings=quota.holdings,
                weight_milli=quota.weight_milli,
                assigned=way["assigned"],
                claimed=way["claimed"],
                self_sourced=way["self_sourced"],
                lost=way["lost"],
            )
        )
    return lines


def _gains(found: Findings) -> Iterator[Gain]:
    for event in found.events:
        changed = event.custody_changed
        if changed.change not in _GAINS:
            continue
        custody = changed.custody
        yield Gain(
            customer=ident(custody.customer),
            name=found.name(custody.customer),
            tier=custody.tier,
            rep=ident(custody.holder.rep),
            how=_GAINS[changed.change],
            at=instant_of(event.time),
            why=found.reasons.get((ident(custody.customer), custody.version)) or "",
            pool=ident(changed.former_pool),
        )


def _losses(found: Findings) -> list[Loss]:
    warned: dict[str, int] = {}
    lines = []
    for event in found.events:
        changed = event.custody_changed
        customer = ident(changed.custody.customer)
        if changed.change == custody_pb2.CUSTODY_CHANGE_WARNED:
            warned[customer] = instant_of(event.time)
        elif changed.change in _GAINS:
            warned.pop(customer, None)
        elif changed.change == custody_pb2.CUSTODY_CHANGE_RECLAIMED:
            lines.append(
                Loss(
                    customer=customer,
                    name=found.name(customer),
                    tier=changed.custody.tier,
                    rep=ident(changed.former_holder.rep),
                    pool=ident(changed.custody.pool),
                    clock=changed.clock,
                    warned=warned.pop(customer, None),
                    at=instant_of(event.time),
                    why=found.reasons.get((customer, changed.custody.version), ""),
                )
            )
    return lines


async def _refusals(services: Services, found: Findings) -> AsyncIterator[RefusedClaim]:
    """Ask the pool service about the claims that it would refuse for a reason worth telling."""
    for custody, rep in _tempting(found):
        request = pool_service_pb2.ExplainCustodyRequest(customer=custody.customer, rep=rep)
        explained = await repeated(lambda: services.pool.ExplainCustody(request))  # noqa: B023 - awaited at once
        if explained.claimable:
            continue
        ends = [instant_of(item.until) for item in explained.obstacles]
        yield RefusedClaim(
            customer=ident(custody.customer),
            name=found.name(custody.customer),
            rep=ident(rep),
            reasons=tuple(item.rule or item.reason for item in explained.obstacles),
            why=tuple(item.message for item in explained.obstacles),
            until=max(ends) if ends and all(ends) else None,
        )


def _tempting(found: Findings) -> Iterable[tuple[custody_pb2.Custody, str]]:
    """Pair pooled customers with who may want them in vain.

    That is: each with who lost it; the newest of each pool with a rep of each team that works
    there; and one with each rep who claimed all that he may.
    """
    pooled = sorted(
        (custody for custody in found.custodies.values() if custody.state == _IN_POOL),
        key=lambda custody: custody.customer,
    )
    pairs: dict[tuple[str, str], custody_pb2.Custody] = {}
    for custody in pooled:
        if custody.former_owner:
            pairs[custody.customer, custody.former_owner] = custody
    for pool in found.pools:
        inside = [custody for custody in pooled if custody.pool == pool.name]
        newest = max(inside, key=lambda each: instant_of(each.pool_enter_time), default=None)
        for member in pool.members:
            reps = [rep.name for rep in found.reps if rep.team == member.team]
            if newest is not None and reps:
                pairs[newest.customer, min(reps)] = newest
    for quota in found.quotas.values():
        limit = quota.claim_limits.per_day
        if limit and quota.claimed_today >= limit:
            theirs = [custody for custody in pooled if custody.former_owner != quota.rep]
            pairs |= {(custody.customer, quota.rep): custody for custody in theirs[:1]}
    return [(custody, rep) for (_, rep), custody in pairs.items()]


def _places(found: Findings) -> list[Place]:
    lines = []
    for customer_id, customer in sorted(found.customers.items()):
        custody = found.custodies.get(customer_id)
        if custody is None:
            custody = custody_pb2.Custody(state=custody_pb2.CUSTODY_STATE_OUT)
        lines.append(
            Place(
                customer=customer_id,
                state=custody_pb2.CustodyState.Name(custody.state).removeprefix("CUSTODY_STATE_"),
                pool=ident(custody.pool),
                rep=ident(custody.holder.rep),
                since=instant_of(custody.since),
                due=instant_of(custody.due_time) if custody.HasField("due_time") else None,
                tier=customer.tier.tier,
                stage=customer.stage.stage,
            )
        )
    return lines
