"""Four tenants, one for each plugin, whose next sixty days are simulated and then lived."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import yaml
from google.protobuf.field_mask_pb2 import FieldMask

from gonghai.archive.v1 import activity_pb2, archive_service_pb2
from gonghai.assignment.v1 import assignment_service_pb2, rep_pb2
from gonghai.policy.v1 import policy_service_pb2
from gonghai.policy.v1.policy_service_pb2_grpc import PolicyServiceStub
from gonghai.pool.v1 import custody_pb2, pool_service_pb2
from gonghai.type.v1 import watch_pb2
from gonghai_chassis.clients import open_channel
from gonghai_chassis.errors import PeerRefused, Reason
from gonghai_chassis.instants import instant_of, timestamp
from gonghai_cli.account.reading import (
    ident,
    list_history,
    list_holdings,
    list_pool_customers,
    list_pools,
)
from gonghai_cli.demo import opening
from gonghai_cli.flow.activities import follow_up_message, purchase_message
from gonghai_cli.flow.driver import Driver
from gonghai_cli.flow.imports import import_customers, ingest, ingest_history
from gonghai_cli.flow.sample import sample_maker
from gonghai_cli.flow.setup import apply_policy, open_pools, set_up_organisation
from gonghai_plugin.sample.model import FollowUp, Line, Purchase

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from gonghai.archive.v1 import events_pb2 as archive_events_pb2
    from gonghai_cli.flow.sample import Sample
    from gonghai_cli.services import Services
    from gonghai_cli.stack import Addresses

DAY: Final = 86_400_000_000
HOUR: Final = DAY // 24
DAYS: Final = 60
CUSTOMERS: Final = {
    "standard": 20,
    "fmcg_distributor": 16,
    "aquatic_products": 24,
    "two_tier_distribution": 16,
}
"""As few of each plugin as show everything."""

CHANGED: Final[Mapping[str, Mapping[str, Any]]] = {
    "standard": {
        "no_follow_up_days": 12,
        "tiers": {"key_amount": 30_000_000, "a_amount": 12_000_000},
        "new_days": 20,
    },
    "fmcg_distributor": {
        "clocks": {"no_follow_up_days": {"key": 9, "a": 12, "b": 18, "c": 25}, "grace_days": 2},
        "tiers": {"key_amount": 40_000_000, "a_amount": 20_000_000},
    },
    "aquatic_products": {
        "clocks": {
            "no_follow_up_days": {"strategic": 8, "core": 11, "growth": 12},
            "no_order_days": {"restaurant": 21, "retail": 24, "wholesale": 24},
            "visit_extends_days": {"restaurant": 5, "retail": 3, "wholesale": 2},
        },
        "moratorium": {
            area: {"start_month": 1, "start_day": 20, "end_month": 2, "end_day": 10}
            for area in ("north_of_35", "between_35_and_26_30", "south_of_26_30")
        },
    },
    "two_tier_distribution": {
        "clocks": {
            "no_follow_up_days": {"platinum": 8, "gold": 10, "silver": 12, "bronze": 15},
            "no_order_days": {"first": 20, "second": 16},
        },
        "first_level": {"gold_amount": 100_000_000},
    },
}
"""What becomes of each plugin's settings."""


@dataclass(frozen=True, slots=True)
class Event:
    """A change of custody, as both lists tell it."""

    at: int
    customer: str
    change: str
    clock: str
    rule: str
    pool: str
    holder: str
    former_holder: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A change of tier or stage, as both lists tell it."""

    at: int
    customer: str
    before: tuple[str, str]
    after: tuple[str, str]


@dataclass(slots=True)
class Foreseen:
    """What the simulation says.

    Attributes:
        stops: the stop-clocks of warnings and reclaims.
        extended: customers who are warned of or reclaimed by a clock for which days were granted.
        longer: those by a clock that activities have made longer.
        by_time: standings that change by time alone.
        by_document: standings that change because the document does.
    """

    events: list[Event] = field(default_factory=list)
    standings: list[Standing] = field(default_factory=list)
    stops: set[str] = field(default_factory=set)
    extended: set[str] = field(default_factory=set)
    longer: set[str] = field(default_factory=set)
    by_time: list[Standing] = field(default_factory=list)
    by_document: list[Standing] = field(default_factory=list)
    summary: pool_service_pb2.SimulationSummary | None = None
    messages: int = 0


@dataclass(slots=True)
class Tenant:
    """One tenant of the stage."""

    plugin: str
    driver: Driver
    document: str
    candidates: tuple[str, ...] = ()
    activities: list[activity_pb2.Activity] = field(default_factory=list)
    foreseen: Foreseen = field(default_factory=Foreseen)
    without_activities: Foreseen = field(default_factory=Foreseen)
    before: dict[str, tuple[str, str]] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    told: int = 0
    differences: dict[str, list[policy_service_pb2.SimulateResponse]] = field(default_factory=dict)


def sample_of(plugin: str, start: datetime) -> Sample:
    """Return a plugin's small sample; the plain plugin's is FMCG's without its attributes."""
    maker = sample_maker("fmcg_distributor" if plugin == "standard" else plugin)
    sample = maker(seed=11, start=opening(start), customers=CUSTOMERS[plugin])
    if plugin != "standard":
        return sample
    text = (
        f"version: 1\ndefault:\n  plugin: standard\n  settings: {{pool: {sample.pools[-1].id}}}\n"
    )
    whole: Any = sample
    plain: Sample = replace(
        whole,
        tenant="demo-standard",
        industry="trade",
        policy_yaml=text,
        customers=[replace(each, attributes={}) for each in whole.customers],
    )
    return plain


def changed_document(plugin: str, sample: Sample) -> str:
    """Return the sample's document with other settings."""
    document = yaml.safe_load(sample.policy_yaml)
    binding = document["default"]
    if plugin != "standard":
        binding = document["industries"][sample.industry]
    _merge(binding.setdefault("settings", {}), CHANGED[plugin])
    return yaml.safe_dump(document, allow_unicode=True)


def _merge(into: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = dict(value) if isinstance(value, dict) else value


async def set_up(services: Services, plugin: str, start: datetime) -> Tenant:
    """Bring a tenant to where its future begins."""
    sample = sample_of(plugin, start)
    driver = Driver(services, sample)
    await driver.freeze(sample.start)
    await apply_policy(driver)
    await set_up_organisation(driver)
    await import_customers(driver)
    await ingest_history(driver)
    await open_pools(driver)
    return Tenant(plugin, driver, changed_document(plugin, sample))


async def give_out(tenant: Tenant) -> None:
    """Give to somebody who suits him every customer whom nobody has, if anybody does."""
    services = tenant.driver.services
    for pool in await list_pools(services, tenant.driver.sample.tenant):
        for custody in await list_pool_customers(services, pool.name):
            request = assignment_service_pb2.RouteCustomerRequest(customer=custody.customer)
            try:
                await services.assignment.RouteCustomer(request)
            except PeerRefused as refused:
                if refused.reason is not Reason.NO_ELIGIBLE_REP:
                    raise
    await tenant.driver.quiet()


async def send_on_leave(tenant: Tenant) -> None:
    """Let somebody who holds customers be away for some days."""
    driver = tenant.driver
    held = await list_holdings(driver.services, driver.sample.tenant)
    busy = Counter(custody.holder.rep for custody in held if custody.holder.rep)
    start = driver.sample.start
    leave = rep_pb2.Leave(
        start_time=timestamp(start + 5 * DAY), end_time=timestamp(start + 12 * DAY)
    )
    for name, _ in sorted(busy.items(), key=lambda one: (-one[1], one[0]))[:2]:
        await driver.services.assignment.UpdateRep(
            assignment_service_pb2.UpdateRepRequest(
                rep=rep_pb2.Rep(name=name, leaves=[leave]),
                update_mask=FieldMask(paths=["leaves"]),
            )
        )


async def give_more_time(tenant: Tenant) -> None:
    """Let two holders have more time than the policy gives them, by its rule or by a manager."""
    driver = tenant.driver
    held = await list_holdings(driver.services, driver.sample.tenant)
    given = 0
    for custody in sorted(held, key=lambda one: one.customer)[::3]:
        granted = await _granted(tenant, custody.customer)
        if not granted:
            # A rule may ask that somebody has spoken with the customer before.
            rep, at = ident(custody.holder.rep), await driver.now()
            visit = FollowUp("first", ident(custody.customer), rep, at, "visit", "reached", 20)
            await ingest(driver, lambda: [follow_up_message(driver.parent, visit, rep)])  # noqa: B023 - awaited at once
            await driver.quiet()
            granted = await _granted(tenant, custody.customer)
        given += granted
        if given == 2:
            return


async def _granted(tenant: Tenant, customer: str) -> bool:
    """Ask for more time; say whether the rule or a manager granted it."""
    pool = tenant.driver.services.pool
    asked = await pool.RequestExtension(
        pool_service_pb2.RequestExtensionRequest(
            parent=customer,
            extension=pool_service_pb2.Extension(days=4, reason="the buyer is abroad"),
        )
    )
    if asked.state == pool_service_pb2.EXTENSION_STATE_PENDING:
        asked = await pool.ApproveExtension(
            pool_service_pb2.ApproveExtensionRequest(name=asked.name)
        )
    return bool(asked.state == pool_service_pb2.EXTENSION_STATE_APPROVED)


async def plan_activities(tenant: Tenant) -> None:
    """Plan what is to happen: follow-ups by those who hold customers now, and purchases."""
    driver = tenant.driver
    held = await list_holdings(driver.services, driver.sample.tenant)
    start = await driver.now()
    for number, custody in enumerate(sorted(held, key=lambda one: one.customer)):
        rep, customer = ident(custody.holder.rep), ident(custody.customer)
        if number % 3 == 0:
            continue
        for turn in range(1 + number % 3):
            at = start + (2 + 9 * turn) * DAY + (number + 1) * HOUR // 7
            channel = "visit" if number % 2 else "phone"
            follow_up = FollowUp(f"f{number}-{turn}", customer, rep, at, channel, "reached", 20)
            tenant.activities.append(follow_up_message(driver.parent, follow_up, rep))
        if number % 3 == 2:
            tenant.activities.append(_referral(custody.customer, start + 4 * DAY + number * HOUR))
        if number % 3 == 1:
            at = start + 20 * DAY + (number + 1) * HOUR // 5
            purchase = Purchase(
                f"p{number}", customer, at, "phone", (Line("p1", "c1", 10, 30_000_000),)
            )
            tenant.activities.append(purchase_message(driver.parent, purchase))
    tenant.activities.sort(key=lambda one: (instant_of(one.occur_time), one.name))


def _referral(customer: str, at: int) -> activity_pb2.Activity:
    """Return that a customer brought another: itself will do, as nobody looks at who."""
    return activity_pb2.Activity(
        name=f"{customer}/activities/referral",
        occur_time=timestamp(at),
        referral=activity_pb2.Referral(referred_customer=customer),
    )


async def foresee(tenant: Tenant, until: int) -> None:
    """Simulate, with what is to happen and without."""
    tenant.foreseen = await _foreseen(tenant, until, tenant.activities)
    tenant.without_activities = await _foreseen(tenant, until, [])


async def _foreseen(
    tenant: Tenant, until: int, activities: list[activity_pb2.Activity]
) -> Foreseen:
    driver = tenant.driver
    found = Foreseen()
    request = pool_service_pb2.SimulateReclaimsRequest(
        parent=driver.parent,
        document=tenant.document,
        until=timestamp(until),
        activities=activities,
        candidates=tenant.candidates,
    )
    async for message in driver.services.pool.SimulateReclaims(request):
        found.messages += 1
        for change in message.changes:
            found.stops.update(change.stops)
            if change.extended_days:
                found.extended.add(ident(change.customer))
            if change.extended:
                found.longer.add(ident(change.customer))
            found.events.append(
                Event(
                    instant_of(change.time),
                    ident(change.customer),
                    custody_pb2.CustodyChange.Name(change.change),
                    change.clock,
                    change.rule,
                    ident(change.pool),
                    _holder(change.holder),
                    _holder(change.former_holder),
                )
            )
        for one in message.standings:
            standing = Standing(
                instant_of(one.time),
                ident(one.customer),
                (one.former_tier, one.former_stage),
                (one.tier, one.stage),
            )
            found.standings.append(standing)
            if one.cause == pool_service_pb2.SIMULATED_CAUSE_TIME:
                found.by_time.append(standing)
            elif one.cause == pool_service_pb2.SIMULATED_CAUSE_DOCUMENT:
                found.by_document.append(standing)
        if message.HasField("summary"):
            found.summary = message.summary
    found.events.sort(key=_order)
    found.standings.sort(key=lambda one: (one.at, one.customer))
    return found


async def compare(tenant: Tenant, addresses: Addresses) -> None:
    """Ask each service what it would decide otherwise now."""
    request = policy_service_pb2.SimulateRequest(
        parent=tenant.driver.parent, document=tenant.document, candidates=tenant.candidates
    )
    for name, address in addresses.by_name.items():
        async with open_channel(address, service=name) as channel:
            stub = PolicyServiceStub(channel)
            tenant.differences[name] = [each async for each in stub.Simulate(request)]


async def remember(tenant: Tenant) -> None:
    """Note how the tenant stands before it lives on."""
    told = await _told(tenant)
    tenant.told = len(told)
    for event in told:
        tenant.before[event.subject] = _tier_and_stage(event)
    for customer in tenant.driver.sample.customers:
        name = f"{tenant.driver.parent}/customers/{customer.id}"
        history = await list_history(tenant.driver.services, name)
        tenant.versions[customer.id] = max((entry.version for entry in history), default=0)


async def apply(tenant: Tenant) -> None:
    """Put the changed document in force."""
    await tenant.driver.services.policies.ApplyPolicy(
        policy_service_pb2.ApplyPolicyRequest(parent=tenant.driver.parent, document=tenant.document)
    )


async def live(tenants: Iterable[Tenant], until: int) -> None:
    """Let the days pass for all of them, with what happens in them."""
    planned = sorted(
        ((instant_of(each.occur_time), tenant.plugin, each.name, tenant, each)
         for tenant in tenants for each in tenant.activities),
        key=lambda one: one[:3],
    )  # fmt: skip
    driver = next(iter(tenants)).driver
    await driver.quiet()
    for at, _, _, tenant, activity in planned:
        await driver.advance(at)
        happening = [activity]
        await ingest(tenant.driver, lambda: happening)  # noqa: B023 - awaited at once
        await driver.quiet()
    await driver.advance(until)


async def lived(tenant: Tenant) -> tuple[list[Event], list[Standing]]:
    """Return what happened since `remember`."""
    events = []
    for customer in tenant.driver.sample.customers:
        name = f"{tenant.driver.parent}/customers/{customer.id}"
        for entry in await list_history(tenant.driver.services, name):
            change = custody_pb2.CustodyChange.Name(entry.change)
            if entry.version <= tenant.versions[customer.id] or "RESCHEDULED" in change:
                continue
            events.append(
                Event(
                    instant_of(entry.time),
                    customer.id,
                    change,
                    entry.clock,
                    entry.rule,
                    ident(entry.pool),
                    _holder(entry.holder),
                    _holder(entry.former_holder),
                )
            )
    standings = []
    now = dict(tenant.before)
    for event in (await _told(tenant))[tenant.told :]:
        after = _tier_and_stage(event)
        if now[event.subject] != after:
            standings.append(
                Standing(instant_of(event.time), event.subject, now[event.subject], after)
            )
            now[event.subject] = after
    return (
        sorted(events, key=_order),
        sorted(standings, key=lambda one: (one.at, one.customer)),
    )


async def _told(tenant: Tenant) -> list[archive_events_pb2.Event]:
    """Return what the archive told of the tenant's customers, in order."""
    driver = tenant.driver
    request = archive_service_pb2.WatchRequest(
        scope=watch_pb2.WatchScope(tenant=driver.parent), kinds=["customer_changed"]
    )
    found: list[archive_events_pb2.Event] = []
    async for message in driver.services.archive.Watch(request):
        found.extend(message.events)
        if instant_of(message.checkpoint.changes_through):
            break
    return found


def _tier_and_stage(event: archive_events_pb2.Event) -> tuple[str, str]:
    return event.customer_changed.tier, event.customer_changed.stage


def _holder(holder: custody_pb2.Holder) -> str:
    return ident(holder.rep) or ident(holder.team) or holder.self_service


def _order(event: Event) -> tuple[int, str, str]:
    return event.at, event.customer, event.change
