"""The client commands of `gonghai` against running services."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from gonghai_cli.flow.claims import DAY
from gonghai_cli.main import app

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.conftest import Run

pytestmark = pytest.mark.asyncio(loop_scope="session")

SETUP = """
tenant: {tenant}
regions:
  - {{id: moon, display_name: Moon}}
teams:
  - {{id: lunar, display_name: Lunar}}
reps:
  - {{id: luna, display_name: Luna, team: tenants/{tenant}/teams/lunar, regions: [moon]}}
pools:
  - id: crater
    display_name: Crater
    members: [{{team: tenants/{tenant}/teams/lunar}}]
    claimLimits: {{perDay: 3}}
limits: {{holdingLimit: 60}}
"""


async def gonghai(run: Run, *arguments: str) -> Result:
    """Run a command against the undisturbed run's services."""
    addresses = run.stack.addresses
    where = ("--archive", addresses.archive, "--pool", addresses.pool)
    everywhere = (*where, "--assignment", addresses.assignment)
    # It runs an event loop of its own, which one that runs already would not allow.
    return await asyncio.to_thread(
        CliRunner(env={"COLUMNS": "250"}).invoke, app, [*everywhere, *arguments]
    )


async def test_a_customer_is_shown_with_tier_and_reason(undisturbed: Run) -> None:
    place = undisturbed.account.places[0]
    name = f"tenants/{undisturbed.sample.tenant}/customers/{place.customer}"
    result = await gonghai(undisturbed, "customer", "get", name)
    assert result.exit_code == 0, result.output
    assert f"{place.tier}: " in result.output
    assert place.stage in result.output


async def test_a_missing_customer_is_said_and_tells_by_the_status(undisturbed: Run) -> None:
    name = f"tenants/{undisturbed.sample.tenant}/customers/nobody"
    result = await gonghai(undisturbed, "customer", "get", name)
    assert result.exit_code == 1
    assert "RESOURCE_NOT_FOUND" in result.stderr


@pytest.mark.requirement("B10")
async def test_a_refused_claim_is_explained(undisturbed: Run) -> None:
    refusal = undisturbed.account.refusals[0]
    parent = f"tenants/{undisturbed.sample.tenant}"
    result = await gonghai(
        undisturbed,
        "explain",
        f"{parent}/customers/{refusal.customer}",
        "--rep",
        f"{parent}/reps/{refusal.rep}",
    )
    assert result.exit_code == 0, result.output
    assert "in a pool" in result.output
    assert refusal.reasons[0] in result.output


async def test_policies_are_listed_and_shown(undisturbed: Run) -> None:
    tenant = ("--tenant", undisturbed.sample.tenant)
    listed = await gonghai(undisturbed, "policy", "list", *tenant)
    assert "fmcg.tiering" in listed.output
    shown = await gonghai(undisturbed, "policy", "show", "fmcg.tiering", *tenant)
    assert shown.exit_code == 0, shown.output
    assert "amount_365d" in shown.output


async def test_a_bad_policy_is_refused_naming_the_line(undisturbed: Run, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("version: 1\ndefault:\n  plugin: nobody\n", "utf-8")
    result = await gonghai(
        undisturbed, "policy", "apply", str(file), "--tenant", undisturbed.sample.tenant
    )
    assert result.exit_code == 1
    assert "INVALID_POLICY_DOCUMENT" in result.stderr
    assert "line 3" in result.stderr


async def test_a_policy_can_be_tried(undisturbed: Run, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(undisturbed.sample.policy_yaml, "utf-8")
    result = await gonghai(
        undisturbed, "policy", "apply", str(file), "--dry-run", "-t", undisturbed.sample.tenant
    )
    assert "would become revision 2" in result.output


async def test_a_setup_is_put_in_place_and_applying_it_again_changes_nothing(
    undisturbed: Run, tmp_path: Path
) -> None:
    file = tmp_path / "setup.yaml"
    file.write_text(SETUP.format(tenant="moon"), "utf-8")
    first = await gonghai(undisturbed, "apply", "-f", str(file))
    assert first.exit_code == 0, first.output
    assert "pools/crater made" in first.output
    file.write_text(SETUP.format(tenant="moon").replace("perDay: 3", "perDay: 4"), "utf-8")
    again = await gonghai(undisturbed, "apply", "-f", str(file))
    assert again.exit_code == 0, again.output
    assert "pools/crater in line" in again.output


async def test_the_clock_is_shown(undisturbed: Run) -> None:
    result = await gonghai(undisturbed, "clock", "show")
    assert "frozen" in result.output


async def test_a_document_is_simulated_with_what_is_to_happen(
    undisturbed: Run, tmp_path: Path
) -> None:
    sample = undisturbed.sample
    document = tmp_path / "policy.yaml"
    document.write_text(sample.policy_yaml.replace("grace_days: 1", "grace_days: 4"), "utf-8")
    held = next(one for one in undisturbed.account.places if one.state == "HELD")
    happens = datetime.fromtimestamp((undisturbed.account.now + DAY) / 1e6, UTC)
    activities = tmp_path / "activities.jsonl"
    activities.write_text(
        f'{{"name": "tenants/{sample.tenant}/customers/{held.customer}/activities/soon",'
        f' "occurTime": "{happens:%Y-%m-%dT%H:%M:%SZ}", "rep": "tenants/{sample.tenant}/reps/'
        f'{held.rep}", "followUp": {{"channel": "CONTACT_CHANNEL_PHONE",'
        ' "outcome": "FOLLOW_UP_OUTCOME_REACHED", "duration": "1200s"}}\n',
        "utf-8",
    )
    asked = ("policy", "simulate", str(document), "-t", sample.tenant, "--days", "40")
    result = await gonghai(undisturbed, *asked, "--activities", str(activities))
    assert result.exit_code == 0, result.output
    assert "reclaimed" in result.output
    assert "By which clock" in result.output
    chinese = await gonghai(undisturbed, "--lang", "zh", *asked)
    assert chinese.exit_code == 0, chinese.output
    assert "按回收规则" in chinese.output


async def test_activities_that_cannot_be_read_are_named_by_file_and_line(
    undisturbed: Run, tmp_path: Path
) -> None:
    document = tmp_path / "policy.yaml"
    document.write_text(undisturbed.sample.policy_yaml, "utf-8")
    activities = tmp_path / "activities.jsonl"
    activities.write_text('\n{"nonsense": 1}\n', "utf-8")
    asked = ("policy", "simulate", str(document), "-t", undisturbed.sample.tenant)
    result = await gonghai(undisturbed, *asked, "--activities", str(activities))
    assert result.exit_code == 2
    assert "line 2" in result.output
