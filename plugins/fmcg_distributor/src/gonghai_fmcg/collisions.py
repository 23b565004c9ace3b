"""What must not be: two exclusive distributors of one category in one region, or inside it."""

from __future__ import annotations

from typing import Final

from gonghai_fmcg.attributes import EXCLUSIVE, EXCLUSIVE_CATEGORIES
from gonghai_plugin import Rule, Text, all_hits
from gonghai_plugin import host_facts as host
from gonghai_plugin.outcomes import Exclusive
from gonghai_plugin.policies import Collisions

COLLISIONS: Final = Collisions(
    all_hits(
        Rule(
            "exclusive-distributor",
            EXCLUSIVE.fact.is_true(),
            Exclusive(by=(host.REGION, EXCLUSIVE_CATEGORIES.fact), inside=host.REGIONS),
            Text(
                "exclusive distributor of its categories in {region}",
                "{region}相应品类的独家经销商",
            ),
        ),
        otherwise=Text("it claims nothing for itself alone", "无独家约定"),
    )
)
