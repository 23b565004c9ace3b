"""What a simulation finds does not hang on how many customers it looks at in one go.

More customers than a batch has, under a plugin whose facts are made by functions, which fail for
some of them: asked of services that go by hundreds, and of services that go by threes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest
from plugins.engine.tests.distributions import use

import gonghai_archive.service
import gonghai_assignment.service
import gonghai_pool.service
from gonghai.policy.v1 import policy_service_pb2
from gonghai.pool.v1 import pool_service_pb2
from gonghai_archive.simulation import course
from gonghai_assignment.simulation import board
from gonghai_chassis.instants import instant_of
from gonghai_cli.demo import opening
from gonghai_cli.flow.sample import sample_maker
from gonghai_pool.simulation import forecast, scratch
from tests.end_to_end.foresight import Tenant, give_out
from tests.end_to_end.test_foresight import START
from tests.end_to_end.trio import trio

if TYPE_CHECKING:
    from pathlib import Path

    from gonghai.type.v1 import decision_pb2
    from gonghai_chassis.store import StoreSettings
    from gonghai_cli.flow.sample import Sample
    from gonghai_cli.services import Services

CUSTOMERS: Final = 60
DAYS: Final = 20
FEW: Final = 3
EDGY: Final = """
from gonghai_plugin import *
from gonghai_plugin import host_facts, policies
from gonghai_plugin.facts import setting
from gonghai_plugin.outcomes import Clock, Plan, Tier
from pydantic import Field


def text(words): return Text(words, words)


class Edgy(Settings):
    much: int = Field(20_000_000, ge=0, description="amount of a good one")
    days: int = Field(30, ge=0, description="days without a follow-up")


def doubtful(amount):
    if amount // 100 % 5 == 1:
        raise ValueError("this customer cannot be decided on")
    return amount // 2 if amount % 3 else amount


worth = computed("worth", INT64, text("worth"), doubtful, host_facts.AMOUNT_365D)


def plan(days):
    clock = Clock("no-follow-up", days, text("no follow-up"), resets_on=("follow_up",))
    return Plan((clock,), warn_before_days=3, grace_days=1)


plugin = Plugin(
    name="edgy", version="1.0.0", sdk=SDK_VERSION, title=text("edgy"), settings=Edgy,
    attributes=(), facts=(worth,),
    policies=(
        policies.Tiering(first_hit(
            Rule("much", worth.at_least(setting("much")), Tier("a", 50, text("a")), text("much")),
            otherwise(Tier("b", 10, text("b")), text("little")),
        )),
        policies.Reclaim(
            plans=first_hit(
                Rule("much", worth.at_least(setting("much")), plan(setting("days")), text("long")),
                otherwise(plan(12), text("short"), "short"),
            ),
            stop_clocks=all_hits(otherwise=text("none")),
        ),
    ),
    absent=frozenset(Policy) - {Policy.TIERING, Policy.RECLAIM},
)


class Hooks:
    @hookimpl
    def register(self, registry):
        registry.add(plugin)


hooks = Hooks()
"""
"""Tiers and clocks hang on a function of the yearly amount, which fails for one in five."""


@dataclass(slots=True)
class Found:
    """What is found of the tenant.

    Attributes:
        differences: by service what would be decided otherwise, and in the end on whom it could
            not be decided.
        changes: of custody, in the days to come.
        standings: of tiers and stages.
    """

    differences: dict[str, list[policy_service_pb2.SimulateResponse]] = field(default_factory=dict)
    undecided: dict[str, list[decision_pb2.Undecided]] = field(default_factory=dict)
    changes: list[pool_service_pb2.SimulatedChange] = field(default_factory=list)
    standings: list[pool_service_pb2.SimulatedStanding] = field(default_factory=list)
    summary: pool_service_pb2.SimulationSummary = field(
        default_factory=pool_service_pb2.SimulationSummary
    )


@pytest.fixture
def edgy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the plugin."""
    described = tmp_path / "site/edgy-1.0.0.dist-info"
    described.mkdir(parents=True)
    (tmp_path / "site/edgy_plugin.py").write_text(EDGY, "utf-8")
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: edgy\nVersion: 1.0.0\n")
    (described / "entry_points.txt").write_text("[gonghai]\nedgy = edgy_plugin:hooks\n")
    use(monkeypatch, tmp_path / "site")


def document(sample: Sample, plugin: str, settings: str) -> str:
    """Return a document; what the plugin leaves out is decided as a standard trade has it."""
    return (
        f"version: 1\ndefault: {{plugin: {plugin}, settings: {{{settings}}}}}\n"
        f"industries: {{plain: {{plugin: standard, settings: {{{_pool(sample)}}}}}}}\n"
    )


def _pool(sample: Sample) -> str:
    return f"pool: {sample.pools[-1].id}"


def edgy_sample() -> Sample:
    """Return the trade's sample, with the plugin."""
    sample: Any = sample_maker("fmcg_distributor")(
        seed=5, start=opening(START), customers=CUSTOMERS
    )
    made: Sample = replace(
        sample,
        tenant="demo-edgy",
        industry="trade",
        policy_yaml=document(sample, "edgy", ""),
        customers=[replace(each, attributes={}) for each in sample.customers],
    )
    return made


async def found(services: Services, sample: Sample) -> Found:
    """Ask everything there is to ask: what differs now by functions, what comes without them."""
    answer, parent = Found(), f"tenants/{sample.tenant}"
    for name, stub in services.policies_of.items():
        asked = policy_service_pb2.SimulateRequest(
            parent=parent, document=document(sample, "edgy", "much: 60_000_000, days: 20")
        )
        told = [each async for each in stub.Simulate(asked)]
        last = told[-1]
        assert last.evaluated == last.total == CUSTOMERS
        answer.undecided[name] = [*last.undecided, *last.undecided_before]
        for each in told:
            each.ClearField("evaluated")  # which is told at each border
        answer.differences[name] = [each for each in told if each.customer]
    request = pool_service_pb2.SimulateReclaimsRequest(
        parent=parent,
        document=document(sample, "standard", f"no_follow_up_days: 9, {_pool(sample)}"),
        days=DAYS,
    )
    async for message in services.pool.SimulateReclaims(request):
        answer.changes += message.changes
        answer.standings += message.standings
        if message.HasField("summary"):
            answer.summary = message.summary
    for part in (answer.changes, answer.standings):
        # Within a moment the order is that of the messages.
        part.sort(key=lambda one: (instant_of(one.time), one.customer))
    return answer


def go_by_few(few: int, patched: pytest.MonkeyPatch) -> None:
    """Let simulations look at a few customers in one go."""
    archive, pool, assignment = gonghai_archive.service, gonghai_pool.service, gonghai_assignment
    for module, sizes in (
        (archive, {"at_once": few}),
        (pool, {"page": few, "together": 2 * few + 1}),
        (assignment.service, {"page": few}),
    ):
        population: Any = getattr(module, "Population")  # noqa: B009 - it is imported there
        patched.setattr(module, "Population", partial(population, **sizes))
    for module, names in (
        (forecast, ("BATCH", "_TOLD_AT_ONCE")),
        (scratch, ("_PAGE",)),
        (course, ("AT_ONCE", "_TOLD_AT_ONCE")),
        (board, ("_PAGE",)),
    ):
        for name in names:
            patched.setattr(module, name, few)


@pytest.mark.timeout(240)
@pytest.mark.usefixtures("edgy")
async def test_batches_have_no_borders(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = edgy_sample()
    async with trio(store_settings) as served:
        driver = await served.open(sample)
        await give_out(Tenant("edgy", driver, ""))
        whole = await found(served.services, sample)
    look_at(whole)
    with monkeypatch.context() as patched:
        go_by_few(FEW, patched)
        async with trio(store_settings) as served:
            again = await found(served.services, sample)
    assert again.differences == whole.differences
    assert again.undecided == whole.undecided
    assert again.changes == whole.changes
    assert again.standings == whole.standings
    assert again.summary == whole.summary


def look_at(whole: Found) -> None:
    """See that there is something to compare."""
    for name, policy in (("archive", "tiering"), ("pool", "reclaim")):
        differing = [each for each in whole.differences[name] if each.after.policy == policy]
        assert differing
        for undecided in whole.undecided[name]:
            assert (undecided.policy, undecided.plugin, undecided.cause) == (
                policy,
                "edgy",
                "policy_error",
            )
            assert undecided.customers > FEW
        assert len(whole.undecided[name]) == 2  # by the document, and by the policy in force
    moments = Counter(instant_of(each.time) for each in whole.changes)
    assert max(moments.values()) > FEW, "none is told of with others"
    assert whole.standings
    assert {each.cause for each in whole.standings} > {pool_service_pb2.SIMULATED_CAUSE_DOCUMENT}
