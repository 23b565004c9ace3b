"""A simulation beside others: whose turn it is, and what becomes of it when the policy changes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gonghai.policy.v1 import policy_service_pb2 as messages
from gonghai.policy.v1.policy_service_pb2_grpc import PolicyServiceStub
from gonghai_chassis.errors import InvalidRequest
from gonghai_chassis.settings import Settings
from gonghai_chassis.testing.eventually import eventually
from gonghai_chassis.testing.refusals import refused
from gonghai_chassis.testing.serving import dev_settings, serving
from gonghai_engine import Engine, PluginHealth
from gonghai_engine.loading import Loaded
from gonghai_policy_service import PolicyBook, PolicyServicer, add_policy_service
from gonghai_policy_service.trials import on_trial
from gonghai_policy_service.turns import Turns

from .small_plugin import SMALL

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from gonghai_chassis.assembly import Assembly
    from gonghai_chassis.store import StoreSettings
    from gonghai_policy_service.trials import Trial

PLAIN = "version: 1\ndefault: {plugin: standard}\n"
STRICT = "version: 1\ndefault: {plugin: standard, settings: {dormant_days: 30}}\n"
LATER = replace(SMALL, version="2.0.0")
OTHER = replace(SMALL, name="tea", version="3.0.0")


def engine() -> Engine:
    """An engine with a plugin, and two candidates."""
    health = tuple(
        PluginHealth(each.name, "", each.version, "1.0", ok=True, required=False, error="")
        for each in (LATER, OTHER)
    )
    beside = Loaded({"standard": LATER, "tea": OTHER}, health)
    return Engine({"standard": SMALL}, candidates=beside, folder=Path("/nowhere"))


class TwoPages:
    """A population of two pages; says the versions and revisions that decide.

    Attributes:
        held: the tenant whose second page comes when `goes_on` is set.
    """

    def __init__(self, held: str = "") -> None:
        self.held = held
        self.goes_on = asyncio.Event()

    async def __call__(
        self, present: Trial, trial: Trial, language: str
    ) -> AsyncGenerator[messages.SimulateResponse, None]:
        del language
        for evaluated in (1, 2):
            for side in (present, trial):
                industry = side.policy.industry("")
                yield messages.SimulateResponse(
                    customer="tenants/acme/customers/c1",
                    choice_before=industry.plugin_version,
                    choice_after=str(side.policy.revision),
                    total=2,
                )
            yield messages.SimulateResponse(evaluated=evaluated, total=2)
            if trial.owner == self.held:
                await self.goes_on.wait()


@asynccontextmanager
async def served(
    settings: StoreSettings, turns: Turns | None = None, population: TwoPages | None = None
) -> AsyncIterator[Any]:
    async def assemble(assembly: Assembly[Settings]) -> None:
        store = await assembly.open_store()
        decides = engine()
        book = PolicyBook(store, decides)
        customers = population or TwoPages()
        servicer = PolicyServicer(decides, book, customers, publishes=True, turns=turns)
        add_policy_service(assembly, servicer)

    async with serving("archive", assemble, dev_settings(Settings, store=settings)) as service:
        yield service.stub(PolicyServiceStub)


def asked(
    document: str = STRICT, tenant: str = "acme", *candidates: str
) -> messages.SimulateRequest:
    return messages.SimulateRequest(
        parent=f"tenants/{tenant}", document=document, candidates=candidates
    )


async def test_a_tenants_second_one_waits_and_is_refused_and_the_next_has_its_turn(
    store_settings: StoreSettings,
) -> None:
    population = TwoPages(held="acme")
    async with served(store_settings, Turns(wait=0.05), population) as service:
        first = service.Simulate(asked())
        await anext(aiter(first))
        refusal = await refused(service.Simulate(asked()))
        assert refusal.reason == "RATE_LIMIT"
        assert "of this tenant is running" in refusal.message
        assert len([one async for one in service.Simulate(asked(tenant="other"))]) == 6
        first.cancel()  # which stands in the middle
        population.held = ""

        async def again() -> bool:
            return len([one async for one in service.Simulate(asked())]) == 6

        await eventually(again)


async def test_another_revision_that_comes_into_force_ends_it(
    store_settings: StoreSettings,
) -> None:
    population = TwoPages(held="acme")
    async with served(store_settings, population=population) as service:
        await service.ApplyPolicy(
            messages.ApplyPolicyRequest(parent="tenants/acme", document=PLAIN)
        )
        running = service.Simulate(asked())
        told = aiter(running)
        first = await anext(told)
        assert (first.choice_before, first.choice_after) == ("1.2.3", "1")
        await service.ApplyPolicy(
            messages.ApplyPolicyRequest(parent="tenants/acme", document=STRICT)
        )
        population.goes_on.set()
        refusal = await refused(told)
        assert refusal.reason == "CONTENTION"
        assert "another revision of the policy" in refusal.message


async def test_candidates_decide_on_one_side_by_the_document_in_force(
    store_settings: StoreSettings,
) -> None:
    async with served(store_settings) as service:
        await service.ApplyPolicy(
            messages.ApplyPolicyRequest(parent="tenants/acme", document=PLAIN)
        )
        told = [one async for one in service.Simulate(asked("", "acme", "standard==2.0.0"))]
        sides = {(one.choice_before, one.choice_after) for one in told if one.customer}
        assert sides == {("1.2.3", "1"), ("2.0.0", "2")}
        tea = "version: 1\ndefault: {plugin: tea}\n"
        told = [one async for one in service.Simulate(asked(tea, "acme", "tea==3.0.0"))]
        assert {one.choice_before for one in told if one.customer} == {"1.2.3", "3.0.0"}
        health = await service.GetPluginHealth(messages.GetPluginHealthRequest())
        assert [(one.plugin, one.version, one.candidate) for one in health.plugins] == [
            ("standard", "2.0.0", True),
            ("tea", "3.0.0", True),
        ]


@pytest.mark.parametrize(
    ("document", "candidates", "words"),
    [
        ("", (), "say which document to try, or which candidates"),
        ("", ("tea==3.0.0",), "the document has nothing decided by that plugin"),
        ("", ("standard==2.0.1",), "it is 2.0.0 here"),
        ("", ("milk==1",), "there is no candidate of that name, only standard, tea"),
        ("", ("standard",), "candidates[0]"),
        (STRICT.replace("30", "0"), ("standard==2.0.0",), "line 2"),
    ],
)
async def test_what_cannot_be_tried_is_refused_naming_it(
    store_settings: StoreSettings, document: str, candidates: tuple[str, ...], words: str
) -> None:
    async with served(store_settings) as service:
        refusal = await refused(service.Simulate(asked(document, "acme", *candidates)))
    assert words in str(refusal.status)


async def test_a_tenant_of_whom_nobody_knows_has_nobody_to_differ(
    store_settings: StoreSettings,
) -> None:
    async with served(store_settings) as service:
        told = [one async for one in service.Simulate(asked(tenant="nobody"))]
    assert {one.choice_after for one in told if one.customer} == {"0", "1"}


async def test_what_was_tried_with_candidates_is_forgotten() -> None:
    decides = engine()
    async with on_trial(decides, decides.tenant("acme"), "", candidates=["standard==2.0.0"]):
        assert not decides._tenants
    with pytest.raises(InvalidRequest):
        async with on_trial(decides, decides.tenant("acme"), "", candidates=["tea==3.0.0"]):
            pass


def test_on_trial_a_turn_is_that_of_who_tries() -> None:
    decides = engine()
    decides.activate("acme/trial-1", 1, decides.parse(PLAIN))
    assert decides.tenant("acme/trial-1").owner == "acme"
    assert decides.tenant("acme").owner == "acme"
