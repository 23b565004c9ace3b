"""A house has hundreds of sponsors, each with a pool: the table of pools has no small limit."""

from __future__ import annotations

import pytest

from gonghai_engine import Decision, DecisionRequest, Engine, Policy
from gonghai_engine.outcomes import Admission, ClaimVerdict
from gonghai_two_tier import TWO_TIER

SPONSORS = 1000
DOCUMENT = "version: 1\ndefault:\n  plugin: two_tier_distribution\n  settings:\n    pools:\n" + (
    "      second_level: public\n      by_sponsor:\n"
    + "".join(f"        d{place}: pool-{place}\n" for place in range(SPONSORS))
)


@pytest.mark.requirement("D3")
async def test_each_of_a_thousand_sponsors_has_the_second_level_in_its_own_pool_first() -> None:
    engine = Engine({"two_tier_distribution": TWO_TIER})
    engine.activate("t", 1, engine.parse(DOCUMENT))
    admissions = await engine.decide(
        [
            DecisionRequest(
                "t", "", Policy.ADMISSION, {"level": "second", "sponsor": f"d{place}"}, 0
            )
            for place in range(SPONSORS + 1)
        ]
    )
    pools = [made.outcome for made in admissions if isinstance(made, Decision)]
    assert pools == [
        *(Admission(f"pool-{place}", "public", 7) for place in range(SPONSORS)),
        Admission("public"),
    ]
    claims = await engine.decide(
        [
            DecisionRequest("t", "", Policy.CLAIM, {"pool": pool, "days_in_pool": days}, 0)
            for pool, days in (("pool-999", 6), ("pool-999", 7), ("public", 0))
        ]
    )
    allowed = [
        made.outcome.allowed
        for made in claims
        if isinstance(made, Decision) and isinstance(made.outcome, ClaimVerdict)
    ]
    assert allowed == [False, True, True]
    engine.close()
