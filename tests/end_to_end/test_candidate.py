"""Another version of a plugin is simulated, then installed: what comes is what was foreseen.

A changed copy of the plain plugin, installed by pip into a folder of its own, beside a tenant who
lives by the version that is installed.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from typer.testing import CliRunner

from gonghai.archive.v1 import archive_service_pb2
from gonghai.assignment.v1 import assignment_service_pb2
from gonghai.policy.v1 import policy_service_pb2
from gonghai.pool.v1 import pool_service_pb2
from gonghai.type.v1 import watch_pb2
from gonghai_chassis.errors import PeerRefused, Reason
from gonghai_cli.account.reading import ident
from gonghai_cli.flow.driver import Driver
from gonghai_cli.main import app
from gonghai_cli.services import Services
from gonghai_cli.stack import Stack
from tests.end_to_end.foresight import (
    DAY,
    apply,
    compare,
    foresee,
    give_out,
    live,
    lived,
    remember,
    set_up,
)
from tests.end_to_end.stage import disagreements, stack_on
from tests.end_to_end.test_foresight import START

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.end_to_end.foresight import Tenant

PLUGIN: Final = Path(__file__).resolve().parents[2] / "plugins/standard"
VERSION: Final = "0.99.0"
DAYS: Final = 30
CANDIDATE: Final = f"standard=={VERSION}"
CHANGES: Final = (
    ("__init__.py", r'version="[^"]*"', f'version="{VERSION}"'),
    ("settings.py", r"50_000_000, ge=0", "30_000_000, ge=0"),
    ("settings.py", r"(no_follow_up_days: int = Field\(\s+)30", r"\g<1>12"),
)
"""What the later version does otherwise: more are key, and holdings end sooner."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the later version as an operator does, into a folder."""
    made = tmp_path_factory.mktemp("candidate")
    project, target = made / "project", made / "candidates"
    shutil.copytree(PLUGIN, project, ignore=shutil.ignore_patterns("build", "*.egg-info", "tests"))
    for name, pattern, changed in CHANGES:
        file = project / "src/gonghai_standard" / name
        code, count = re.subn(pattern, changed, file.read_text("utf-8"))
        assert count == 1, pattern
        file.write_text(code, "utf-8")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    options = ["--no-index", "--no-build-isolation", "--no-deps", "--target", str(target)]
    subprocess.run([*pip, *options, str(project)], check=True)  # noqa: S603
    return target


@asynccontextmanager
async def served(data: Path, **environment: str) -> AsyncIterator[tuple[Stack, Services]]:
    """Serve what is in a data directory, from processes with an environment."""
    settings = stack_on(data).settings
    more = {**settings.environment, **environment}
    async with (
        Stack(replace(settings, environment=more)) as stack,
        Services(stack.addresses) as services,
    ):
        yield stack, services


@pytest.mark.timeout(240)  # two stacks one after the other, and sixty days
async def test_a_version_is_lived_as_it_was_simulated(tmp_path: Path, folder: Path) -> None:
    candidates = str(folder)
    async with served(tmp_path, GONGHAI_PLUGINS_CANDIDATES=candidates) as (stack, services):
        tenant = await set_up(services, "standard", START)
        await give_out(tenant)
        driver = tenant.driver
        await driver.quiet()
        tenant.document, tenant.candidates = "", (CANDIDATE,)
        until = await driver.now() + DAYS * DAY
        await remember(tenant)
        state = await everything(services, driver.parent)

        await foresee(tenant, until)
        await compare(tenant, stack.addresses)
        told = await asyncio.to_thread(command, stack, "preview", driver.sample.tenant)
        shown = await asyncio.to_thread(command, stack, "simulate", driver.sample.tenant)
        await refused(services, driver.parent)

        assert await everything(services, driver.parent) == state, "nothing was changed"
        assert await disagreements(stack) == []
    look_at_differences(tenant)
    look_at_commands(tenant, told, shown)

    async with served(tmp_path, PYTHONPATH=candidates) as (stack, services):
        health = await services.policies.GetPluginHealth(
            policy_service_pb2.GetPluginHealthRequest()
        )
        assert VERSION in {each.version for each in health.plugins if each.plugin == "standard"}
        driver = Driver(services, driver.sample)
        tenant = replace(tenant, driver=driver, document=driver.sample.policy_yaml)
        await apply(tenant)
        await live([tenant], until)
        events, standings = await lived(tenant)
        assert await disagreements(stack) == []
    assert tenant.foreseen.events == events
    assert tenant.foreseen.standings == standings


def look_at_differences(tenant: Tenant) -> None:
    """Each service says what differs, by which version, and why."""
    tiers = [one for one in tenant.differences["archive"] if one.after.policy == "tiering"]
    assert tiers
    assert {one.after.plugin_version for one in tiers} == {VERSION}
    assert VERSION not in {one.before.plugin_version for one in tiers}
    assert Counter((one.after.outcome, one.after.rule) for one in tiers).keys() == {
        ("key", "key-amount")
    }
    assert all(one.after.reason for one in tiers)
    clocks = [one for one in tenant.differences["pool"] if one.after.policy == "reclaim"]
    assert clocks
    assert {one.after.plugin_version for one in clocks} == {VERSION}
    for answers in tenant.differences.values():
        assert answers[-1].evaluated == answers[-1].total == len(tenant.driver.sample.customers)
    foreseen = tenant.foreseen
    assert {one.customer for one in foreseen.by_document} >= {ident(one.customer) for one in tiers}
    assert any("RECLAIMED" in one.change for one in foreseen.events)
    assert foreseen.summary is not None
    assert not foreseen.summary.undecided


def look_at_commands(tenant: Tenant, told: str, shown: str) -> None:
    """The operator reads the same: how many differ, by rule, and what comes of it."""
    found = [one for answers in tenant.differences.values() for one in answers if one.customer]
    assert f"{len(found)} decisions on {len(tenant.driver.sample.customers)} customers" in told
    assert f"standard {VERSION}" in told
    tiers = [one for one in found if one.after.policy == "tiering"]
    count = Counter((one.before.outcome, one.after.outcome) for one in tiers)
    for (before, after), customers in count.items():
        assert re.search(rf"tiering\W+{before} → {after}\W+key-amount\W+{customers}\b", told), told
    summary = tenant.without_activities.summary
    assert summary is not None
    assert f"{summary.warned} warned, {summary.reclaimed} reclaimed" in shown


def command(stack: Stack, name: str, tenant: str) -> str:
    """Run a command of the operator's, to the end."""
    addresses = [f"--{each}={address}" for each, address in stack.addresses.by_name.items()]
    asked = [*addresses, "policy", name, "-t", tenant, "--candidate", CANDIDATE]
    asked += ["--days", str(DAYS)] if name == "simulate" else []
    ran = CliRunner(env={"COLUMNS": "200"}).invoke(app, asked)
    assert ran.exit_code == 0, ran.output
    return ran.output


async def refused(services: Services, parent: str) -> None:
    """What is no candidate here, or decides nothing, is refused by each that is asked."""
    for asked, words in (
        ("standard==1.0.0", f"it is {VERSION} here"),
        ("tea==1.0.0", "there is no candidate of that name"),
    ):
        questions: tuple[Any, ...] = (
            services.pool.SimulateReclaims(
                pool_service_pb2.SimulateReclaimsRequest(parent=parent, days=3, candidates=[asked])
            ),
            *(
                each.Simulate(policy_service_pb2.SimulateRequest(parent=parent, candidates=[asked]))
                for each in services.policies_of.values()
            ),
        )
        for question in questions:
            with pytest.raises(PeerRefused) as refusal:
                async for _ in question:
                    pass
            assert refusal.value.reason is Reason.INVALID_FIELD
            assert words in str(refusal.value)


async def everything(services: Services, parent: str) -> dict[str, list[bytes]]:
    """Return what each service has of a tenant, and how far its events have come."""
    scope = watch_pb2.WatchScope(tenant=parent)
    streams: dict[str, Any] = {
        "archive": services.archive.ExportSnapshot(
            archive_service_pb2.ExportSnapshotRequest(scope=scope)
        ),
        "pool": services.pool.ExportSnapshot(pool_service_pb2.ExportSnapshotRequest(scope=scope)),
        "assignment": services.assignment.ExportSnapshot(
            assignment_service_pb2.ExportSnapshotRequest(scope=scope)
        ),
    }
    return {
        name: [each.SerializeToString(deterministic=True) async for each in stream]
        for name, stream in streams.items()
    }
