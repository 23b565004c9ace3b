"""What is reported: two sponsors for one distributor, and selling outside its region."""

from __future__ import annotations

from typing import Final

from gonghai_plugin import Rule, Text, all_hits
from gonghai_plugin.outcomes import Exclusive
from gonghai_plugin.policies import Collisions
from gonghai_two_tier import facts

COLLISIONS: Final = Collisions(
    all_hits(
        Rule(
            "two-sponsors-for-one",
            facts.RIVAL.is_known(),
            Exclusive(),
            Text(
                "{sponsor} and {rival_sponsor} both claim to be its sponsor",
                "{sponsor}与{rival_sponsor}均称为其上级",
            ),
        ),
        Rule(
            "outside-its-region",
            facts.CASES.at_least(1),
            Exclusive(),
            Text(
                "{cross_region_cases} cases of selling outside its region in a year",
                "近一年窜货{cross_region_cases}次",
            ),
        ),
        otherwise=Text("nothing to report", "无异常"),
    )
)
