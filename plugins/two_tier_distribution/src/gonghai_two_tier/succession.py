"""Who takes over the second level of a sponsor that leaves (改挂)."""

from __future__ import annotations

from typing import Final

from gonghai_plugin import Rule, Text, all_, all_hits, setting
from gonghai_plugin import host_facts as host
from gonghai_plugin.outcomes import Heir
from gonghai_plugin.policies import Succession
from gonghai_two_tier import facts

_FIRST: Final = facts.LEVEL.equals("first")

SUCCESSION: Final = Succession(
    all_hits(
        Rule(
            "of-its-region",
            all_(_FIRST, host.STAGE.is_one_of(setting("succession.stages"))),
            Heir(of_the_same=(host.REGION,), largest=host.AMOUNT_365D),
            Text(
                "{stage}, in the same region, with {amount_365d} of its own in a year: the largest "
                "takes over",
                "同区域一级分销商（{stage}），近一年自身金额{amount_365d}，最大者承接",
            ),
        ),
        Rule(
            "from-elsewhere",
            all_(_FIRST, host.STAGE.is_one_of(setting("succession.stages_elsewhere"))),
            Heir(largest=host.AMOUNT_365D),
            Text(
                "{stage}, with {amount_365d} of its own in a year: the largest takes over where "
                "the region has nobody",
                "跨区域一级分销商（{stage}），近一年自身金额{amount_365d}，本区域无人时最大者承接",
            ),
        ),
        otherwise=Text("it takes nobody over", "不承接下级"),
    )
)
