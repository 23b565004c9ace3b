"""What a tenant with two levels of distributors can tune. Amounts are in minor units (分)."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from gonghai_plugin import Settings

Days = Annotated[int, Field(ge=0, le=3650)]
BasisPoints = Annotated[int, Field(ge=0, le=10_000)]
Stage: TypeAlias = Literal["candidate", "new", "active", "dormant", "lost"]


class FirstLevelTiers(Settings):
    """Tiers of the first level: own and second-level amount together, and active members."""

    platinum_amount: int = Field(
        300_000_000, ge=0, description="Yearly amount, own and second level's, of platinum (铂金)"
    )
    platinum_active: int = Field(6, ge=0, description="Active second-level members of platinum")
    gold_amount: int = Field(
        120_000_000, ge=0, description="Yearly amount, own and second level's, of gold (黄金)"
    )
    gold_active: int = Field(3, ge=0, description="Active second-level members of gold")
    silver_amount: int = Field(
        50_000_000, ge=0, description="Yearly amount, own and second level's, of silver (白银)"
    )
    cross_region_cases: int = Field(
        2,
        ge=1,
        description="Cases of selling outside its region that cap the tier at silver (窜货)",
    )


class SecondLevelTiers(Settings):
    """Tiers of the second level, by its own amount."""

    star_amount: int = Field(20_000_000, ge=0, description="Yearly amount of a star (星级)")
    regular_amount: int = Field(6_000_000, ge=0, description="Yearly amount of a regular (常规)")


class ClockSettings(Settings):
    """How long a holding may go unworked (回收规则)."""

    first_follow_up_days: Days = Field(
        3, description="Working days until the first follow-up after custody began; 0: off"
    )
    no_follow_up_days: dict[str, Days] = Field(
        default={
            "platinum": 10,
            "gold": 14,
            "silver": 21,
            "bronze": 30,
            "star": 14,
            "regular": 25,
            "starter": 35,
        },
        description="Days without a follow-up until a reclaim, by tier; 0: off",
    )
    no_order_days: dict[str, Days] = Field(
        default={"first": 75, "second": 60},
        description="Days without an order until a reclaim, by level; 0: off",
    )
    training_extends_days: Days = Field(
        7, description="Days more until an order is due that each training gives (培训延期)"
    )
    referral_extends_days: Days = Field(
        10, description="Days more that bringing in another distributor gives (发展下级延期)"
    )
    extended_at_most_days: Days = Field(
        20, description="Days that these may give altogether between two orders; 0: off"
    )
    no_deal_days: Days = Field(
        45, description="Days until a distributor that never ordered must order; 0: off"
    )
    warn_before_days: Days = Field(3, description="Days of notice before a reclaim (提前提醒)")
    grace_days: Days = Field(1, description="Days allowed after the due time (宽限期)")
    protection_days: Days = Field(
        0, description="Days in which a new holding can't be reclaimed (保护期)"
    )
    max_extension_days: Days = Field(
        15, description="Days that may be granted to one custody altogether (延期)"
    )
    spring_festival_days_before: Days = Field(
        0, description="Days before the Spring Festival on which clocks stop already"
    )
    spring_festival_days_after: Days = Field(
        3, description="Days after the Spring Festival until clocks run again"
    )


class ExtensionSettings(Settings):
    """Which requests for more time need no manager (延期审批)."""

    sponsor_days: Days = Field(
        10, description="Days that a sponsor's people get on their first request; 0: none"
    )
    denials: int = Field(
        2, ge=1, description="Requests denied in one custody from which no more are heard"
    )


class ClaimSettings(Settings):
    """How much a rep, or a sponsor's people, may take (领取与保有上限)."""

    per_day: int = Field(8, ge=1, description="Claims a day of a channel rep")
    per_week: int = Field(25, ge=1, description="Claims a week of a channel rep")
    holding_limit: int = Field(80, ge=1, description="Holdings of a rep, weighted by tier")
    sponsor_per_day: int = Field(4, ge=1, description="Claims a day of a sponsor's people")
    sponsor_holding_limit: int = Field(
        30, ge=1, description="Holdings of one of a sponsor's people, weighted by tier"
    )
    holding_weights: dict[str, int] = Field(
        default={
            "platinum": 400,
            "gold": 250,
            "silver": 150,
            "bronze": 100,
            "star": 120,
            "regular": 80,
            "starter": 50,
        },
        description="What a distributor counts for, in hundredths, by tier",
    )
    cool_down_days: Days = Field(
        30, description="Days a former owner may not claim the distributor again (前负责人限制)"
    )
    sponsor_first_days: Days = Field(
        7,
        description="Days in its sponsor's pool, for the sponsor's people alone, before it goes on "
        "to the public one; 0: straight there (上级优先天数)",
    )
    platinum_min_seniority: int = Field(
        60, ge=0, le=100, description="Seniority from which a rep may hold a platinum distributor"
    )


class PoolSettings(Settings):
    """Which pool takes whom."""

    first_level: str = Field(
        "general", min_length=1, description="Pool of first-level distributors (一级公海)"
    )
    by_sponsor: dict[str, str] = Field(
        default={},
        description="Pool of a sponsor, by the sponsor's id: its second level comes here first",
    )
    second_level: str = Field(
        "general",
        min_length=1,
        description="Public pool of the second level: whom the sponsor did not take, and those of "
        "sponsors without a pool (二级公海)",
    )
    orphans: str = Field(
        "general",
        min_length=1,
        description="Pool of the second level without a sponsor, to be given a new one (待改挂)",
    )
    disputed: str = Field(
        "general",
        min_length=1,
        description="Pool of those that two sponsors claim, until it is decided (归属争议)",
    )
    win_back: str = Field("general", min_length=1, description="Pool of lost ones (流失赢回)")


class CommissionSettings(Settings):
    """What is paid for an order, in basis points of its amount: 100 are one percent (佣金)."""

    first_level: dict[str, BasisPoints] = Field(
        default={"platinum": 600, "gold": 450, "silver": 300, "bronze": 150},
        description="To a first-level distributor for its own order, by its tier (一级返佣)",
    )
    second_level: dict[str, BasisPoints] = Field(
        default={"star": 250, "regular": 150, "starter": 50},
        description="To a second-level distributor for its own order, by its tier (二级返佣)",
    )
    to_sponsor: dict[str, BasisPoints] = Field(
        default={"star": 300, "regular": 250, "starter": 200},
        description="To its sponsor for that order, by the second-level one's tier (上级佣金)",
    )
    excluded_channels: tuple[str, ...] = Field(
        default=("clearance",),
        description="Sales channels whose orders pay nothing (不计佣渠道)",
    )


class SuccessionSettings(Settings):
    """Who takes over when a sponsor leaves (改挂)."""

    stages: tuple[Stage, ...] = Field(
        default=("active",),
        description="Stages in which a first-level distributor takes over in its own region",
    )
    stages_elsewhere: tuple[Stage, ...] = Field(
        default=(),
        description="Stages of those of other regions, for whom the own region has nobody; "
        "none: they get no sponsor",
    )


class WorkflowSettings(Settings):
    """Days of the workflows (流程期限)."""

    welcome_days: int = Field(
        3, ge=1, le=90, description="Days in which a new one is to be welcomed (欢迎)"
    )
    ask_days: int = Field(
        3, ge=1, le=90, description="Days in which a dormant one is to be asked why (沉睡原因)"
    )
    win_back_days: int = Field(
        45, ge=1, le=365, description="Days after which a win-back has failed (唤醒期限)"
    )
    answer_days: int = Field(
        2, ge=1, le=90, description="Days in which a complaint is to be answered (投诉答复)"
    )


class OftenSettings(Settings):
    """Who buys a category often (常购品类), to be told of a new product of it."""

    orders: int = Field(3, ge=1, le=1000, description="Orders of a category that are often")
    days: int = Field(90, ge=1, le=730, description="Days within which they are counted")


class TwoTierSettings(Settings):
    """Distribution in two tiers (二级分销)."""

    new_days: int = Field(60, ge=1, description="Days from the first order on in which it is new")
    dormant_days: dict[str, Annotated[int, Field(ge=1, le=730)]] = Field(
        default={"first": 45, "second": 40},
        description="Days without an order until it is dormant, by level",
    )
    lost_days: dict[str, Annotated[int, Field(ge=2, le=1460)]] = Field(
        default={"first": 150, "second": 120},
        description="Days without an order until it is lost, by level",
    )
    first_level: FirstLevelTiers = Field(
        default_factory=FirstLevelTiers, description="Tiers of the first level"
    )
    second_level: SecondLevelTiers = Field(
        default_factory=SecondLevelTiers, description="Tiers of the second level"
    )
    members_watched: int = Field(
        4, ge=1, description="Second-level members from which their share of active ones is watched"
    )
    active_percent: int = Field(
        50,
        ge=1,
        le=100,
        description="Active members in a hundred below which a sponsor's team fades",
    )
    commitment_percent: int = Field(
        60, ge=1, le=100, description="Percentage of the commitment below which it is behind (任务)"
    )
    clocks: ClockSettings = Field(default_factory=ClockSettings, description="Reclaim clocks")
    extensions: ExtensionSettings = Field(
        default_factory=ExtensionSettings, description="Requests for more time (延期审批)"
    )
    claims: ClaimSettings = Field(default_factory=ClaimSettings, description="Claim limits")
    pools: PoolSettings = Field(default_factory=PoolSettings, description="Pools")
    cadence_days: dict[str, Annotated[int, Field(ge=0, le=365)]] = Field(
        default={
            "platinum": 5,
            "gold": 7,
            "silver": 12,
            "bronze": 20,
            "star": 7,
            "regular": 14,
            "starter": 25,
        },
        description="Days between planned follow-ups at most, by tier",
    )
    min_call_minutes: int = Field(
        1, ge=0, description="A call shorter than this does not count as a follow-up"
    )
    min_visit_minutes: int = Field(
        15, ge=0, description="A visit shorter than this does not count as a follow-up"
    )
    commissions: CommissionSettings = Field(
        default_factory=CommissionSettings, description="Commissions (佣金)"
    )
    succession: SuccessionSettings = Field(
        default_factory=SuccessionSettings, description="Who takes over from a sponsor (改挂)"
    )
    often: OftenSettings = Field(
        default_factory=OftenSettings, description="When a category is bought often (常购)"
    )
    workflows: WorkflowSettings = Field(
        default_factory=WorkflowSettings, description="Days of the workflows (流程期限)"
    )
