"""`gonghai policy revisions|diff|rollback` against running services."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.test_commands import gonghai

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.conftest import Run

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLAIN = "version: 1\ndefault: {plugin: standard}\n"
QUICK = "version: 1\ndefault: {plugin: standard, settings: {dormant_days: 45}}\n"
FMCG = "version: 1\nzone: Asia/Tokyo\ndefault: {plugin: fmcg_distributor}\n"


async def test_a_document_is_compared_applied_and_taken_back(
    undisturbed: Run, tmp_path: Path
) -> None:
    async def policy(*arguments: str) -> tuple[int, str]:
        result = await gonghai(undisturbed, "policy", *arguments, "--tenant", "revised")
        return result.exit_code, " ".join(result.output.replace("│", " ").split())

    plain, quick, fmcg = (tmp_path / f"{name}.yaml" for name in ("plain", "quick", "fmcg"))
    for file, text in ((plain, PLAIN), (quick, QUICK), (fmcg, FMCG)):
        file.write_text(text, "utf-8")
    assert (await policy("apply", str(plain)))[0] == 0
    status, said = await policy("diff", str(quick))
    assert status == 0, said
    assert "default: standard" in said
    assert "dormant_days 90 45" in said
    assert "lifecycle dormant days_since_last_order >= 90 days_since_last_order >= 45" in said
    assert (await policy("apply", str(quick), "--comment", "they sleep sooner"))[0] == 0
    status, said = await policy("diff", str(fmcg))
    assert "default: standard → fmcg_distributor" in said
    assert 'zone "Asia/Shanghai" "Asia/Tokyo"' in said
    assert (await policy("diff", "2"))[1] == "2 says the same as revision 2"
    assert "dormant_days 90 45" in (await policy("diff", "2", "1"))[1]
    status, said = await policy("rollback", "1", "--comment", "they do not")
    assert status == 0, said
    assert said == "revision 3 of tenants/revised says what 1 said"
    assert (await policy("diff", "1"))[1] == "1 says the same as revision 3"
    assert "says the same as revision 1" in (await policy("rollback", "1"))[1]
    listed = (await policy("revisions"))[1]
    assert listed.index("back to revision 1: they do not") < listed.index("they sleep sooner")


async def test_what_is_not_there_is_refused(undisturbed: Run) -> None:
    tenant = ("--tenant", "revised-not")
    gone = await gonghai(undisturbed, "policy", "rollback", "4", *tenant)
    assert gone.exit_code == 1
    assert "RESOURCE_NOT_FOUND" in gone.stderr
    unknown = await gonghai(undisturbed, "policy", "diff", "nowhere.yaml", *tenant)
    assert unknown.exit_code == 2
    assert "neither a file nor a revision" in unknown.output
