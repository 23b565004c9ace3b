"""What a business with two levels of distributors keeps of them beyond the common profile."""

from __future__ import annotations

from typing import Final

from gonghai_plugin import INT64, TEXT, Attribute, Text, text_of

LEVELS: Final = {
    "first": Text("First level", "一级分销商"),
    "second": Text("Second level", "二级分销商"),
}

LEVEL: Final = Attribute(
    "level", text_of(*LEVELS), Text("level", "分销层级"), required=True, value_labels=LEVELS
)
SPONSOR: Final = Attribute(
    "sponsor",
    TEXT,
    Text("sponsor: id of the first-level distributor that brought it in", "上级分销商"),
    minimum=1,
    maximum=63,
)
RIVAL_SPONSOR: Final = Attribute(
    "rival_sponsor",
    TEXT,
    Text("another first-level distributor that claims to be the sponsor", "争议上级"),
    minimum=1,
    maximum=63,
)
COMMITMENT: Final = Attribute(
    "commitment",
    INT64,
    Text("yearly amount it committed itself to, in minor units", "年度任务额（分）"),
    minimum=1,
)
CROSS_REGION_CASES: Final = Attribute(
    "cross_region_cases",
    INT64,
    Text("cases of selling outside its region in a year", "近一年窜货次数"),
    minimum=0,
    maximum=1000,
)
DEPOSIT: Final = Attribute(
    "deposit",
    INT64,
    Text("deposit in minor units", "保证金（分）"),
    minimum=0,
    sensitive=True,
)

ATTRIBUTES: Final = (
    LEVEL,
    SPONSOR,
    RIVAL_SPONSOR,
    COMMITMENT,
    CROSS_REGION_CASES,
    DEPOSIT,
)
"""Every attribute, as it is shown."""
