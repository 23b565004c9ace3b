"""What the FMCG plugin decides about customers a sales director would recognise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from plugins.engine.tests.golden import NOW, cases, decided, unnamed

from gonghai_fmcg import FMCG
from gonghai_fmcg.sample import INDUSTRY, sample

CASES = cases(Path(__file__).with_name("golden.yaml"))
DOCUMENT = sample(start=NOW, customers=1).policy_yaml


@pytest.mark.requirement("D1", "A7", "A8", "A9", "A10", "B3", "B6", "C2")
@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
async def test_the_decision_is_the_golden_one(case: dict[str, Any]) -> None:
    found = await decided(FMCG, INDUSTRY, DOCUMENT, case["facts"])
    assert {name: found[name] for name in case["expect"]} == case["expect"]


def test_every_rule_that_decides_is_in_a_golden_case() -> None:
    assert unnamed(FMCG, CASES) == set()
