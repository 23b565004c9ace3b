"""A tenant's plugin crashes: it is seen where operators look, and nobody else notices."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from plugins.engine.tests.distributions import install, use
from prometheus_client import generate_latest

from gonghai.policy.v1 import policy_service_pb2 as messages
from gonghai.policy.v1.policy_service_pb2_grpc import PolicyServiceStub
from gonghai.type.v1 import fact_pb2
from gonghai_chassis.settings import Settings
from gonghai_chassis.testing.eventually import eventually
from gonghai_chassis.testing.refusals import refused
from gonghai_chassis.testing.serving import dev_settings, serving
from gonghai_engine import DecisionRequest, Policy
from gonghai_engine.isolation import process
from gonghai_policy_service import PolicyBook, PolicyServicer, add_policy_service
from gonghai_policy_service.plugins import load_plugins, watch_plugins

from .test_policies import one_customer

if TYPE_CHECKING:
    import subprocess
    from collections.abc import AsyncGenerator
    from pathlib import Path

    import pytest

    from gonghai_chassis.assembly import Assembly
    from gonghai_chassis.store import StoreSettings
    from gonghai_policy_service.trials import Trial

CRASHES = 3
MOODY = f"""
def moody(orders):
    if orders == {CRASHES}: os._exit(4)
    return orders
"""


def evaluate(tenant: str, orders: int) -> messages.EvaluateRequest:
    return messages.EvaluateRequest(
        name=f"tenants/{tenant}/policies/default.tiering",
        facts={"orders_30d": fact_pb2.Value(int_value=orders)},
    )


async def assemble(assembly: Assembly[Settings]) -> None:
    store = await assembly.open_store()
    engine = load_plugins(assembly)
    watch_plugins(assembly, engine)
    book = PolicyBook(store, engine)
    add_policy_service(assembly, PolicyServicer(engine, book, one_customer, publishes=True))


async def test_a_plugin_that_crashes_is_seen_and_put_aside_and_nobody_else_notices(
    store_settings: StoreSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "site", "moody", MOODY)
    use(monkeypatch, tmp_path / "site")
    settings = dev_settings(
        Settings,
        store=store_settings,
        plugins_required="moody,standard",
        plugins_notes=tmp_path / "notes",
    )
    async with serving("archive", assemble, settings) as service:
        stub = service.stub(PolicyServiceStub)
        for tenant, plugin in (("acme", "moody"), ("other", "standard"), ("beside", "moody")):
            await stub.ApplyPolicy(
                messages.ApplyPolicyRequest(
                    parent=f"tenants/{tenant}",
                    document=f"version: 1\ndefault: {{plugin: {plugin}}}\n",
                )
            )
        said = await stub.Evaluate(evaluate("acme", 300))
        assert (said.decision.rule, said.decision.plugin) == ("many", "moody")
        for words in ("ended with code 4", "ended with code 4", "ended with code 4", "ended with"):
            error, calm = await asyncio.gather(
                refused(stub.Evaluate(evaluate("acme", CRASHES))),
                stub.Evaluate(evaluate("other", CRASHES)),
            )
            assert error.code is grpc.StatusCode.FAILED_PRECONDITION
            assert error.reason == "POLICY_UNAVAILABLE"
            assert words in error.message
            assert calm.decision.plugin == "standard"
        # What would have been decided well a moment ago is not asked any more; others are.
        assert (await refused(stub.Evaluate(evaluate("acme", 300)))).reason == "POLICY_UNAVAILABLE"
        assert (await stub.Evaluate(evaluate("beside", 300))).decision.rule == "many"
        answer = await stub.GetPluginHealth(messages.GetPluginHealthRequest())
        (health,) = (one for one in answer.plugins if one.plugin == "moody")
        assert not health.healthy
        assert health.failed_decisions == 5
        assert "put aside for 1 tenant" in health.problem
        # The replica serves: a plugin that is put aside must not take it from the others.
        serves = await service.stub(health_pb2_grpc.HealthStub).Check(
            health_pb2.HealthCheckRequest()
        )
        assert serves.status == health_pb2.HealthCheckResponse.SERVING
        counted = generate_latest(service.assembly.metrics.registry).decode()
        crashed, aside = (
            f'gonghai_decisions_failed_total{{cause="{cause}",plugin="moody",policy="tiering"}}'
            for cause in ("plugin_crashed", "plugin_aside")
        )
        for line in (
            f"{crashed} 3.0",
            f"{aside} 2.0",
            'gonghai_plugin_healthy{plugin="moody"} 0.0',
            'gonghai_plugin_put_aside{plugin="moody"} 1.0',
            'gonghai_plugin_processes_ended_total{cause="plugin_crashed",plugin="moody"} 3.0',
            'gonghai_plugin_healthy{plugin="standard"} 1.0',
        ):
            assert line in counted


SLOW = """
def moody(orders):
    time.sleep(0.02)
    return orders
"""


async def many_customers(
    present: Trial, trial: Trial, language: str
) -> AsyncGenerator[messages.SimulateResponse, None]:
    """A population whose decisions take some time, after the first."""
    del present, language
    for count in (1, 1000):
        asked = [DecisionRequest(trial.owner, "", Policy.TIERING, {"orders_30d": 1}, 1)] * count
        await trial.decide(asked)
        yield messages.SimulateResponse(customer="tenants/acme/customers/c1")


async def test_a_simulation_that_nobody_waits_for_leaves_no_process_of_a_candidate(
    store_settings: StoreSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "site", "moody", "")
    use(monkeypatch, tmp_path / "site")
    install(tmp_path / "candidates", "moody", SLOW)
    of_candidates: list[subprocess.Popen[bytes]] = []
    launch = process.launch

    def seen(plugin: str, folder: Path | None = None) -> Any:  # noqa: ANN401 - as it is
        made = launch(plugin, folder)
        if folder is not None:
            of_candidates.append(made[0])
        return made

    monkeypatch.setattr(process, "launch", seen)

    async def assemble(assembly: Assembly[Settings]) -> None:
        store = await assembly.open_store()
        engine = load_plugins(assembly)
        book = PolicyBook(store, engine)
        servicer = PolicyServicer(engine, book, many_customers, publishes=True)
        add_policy_service(assembly, servicer)

    settings = dev_settings(
        Settings,
        store=store_settings,
        plugins_allowed="moody,standard",
        plugins_notes=tmp_path / "notes",
        plugins_candidates=tmp_path / "candidates",
    )
    async with serving("archive", assemble, settings) as service:
        stub = service.stub(PolicyServiceStub)
        running = stub.Simulate(
            messages.SimulateRequest(
                parent="tenants/acme",
                document="version: 1\ndefault: {plugin: moody}\n",
                candidates=["moody==1.0.0"],
            )
        )
        await anext(aiter(running))
        assert [each for each in of_candidates if each.poll() is None]
        running.cancel()
        await eventually(lambda: all(each.poll() is not None for each in of_candidates))
        started = len(of_candidates)
        # The next one has its turn once that one has ended; nothing was started for it meanwhile.
        refusal = await refused(
            stub.Simulate(messages.SimulateRequest(parent="tenants/acme", candidates=["tea==1"]))
        )
        assert "no candidate of that name" in str(refusal.status)
        assert len(of_candidates) == started
