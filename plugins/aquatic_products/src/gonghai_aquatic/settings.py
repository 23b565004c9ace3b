"""What a seafood tenant can tune. Amounts are in minor units (分)."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from gonghai_plugin import Settings

Days = Annotated[int, Field(ge=0, le=3650)]
Month = Annotated[int, Field(ge=1, le=12)]
Day = Annotated[int, Field(ge=1, le=31)]
Hour = Annotated[int, Field(ge=0, le=23)]


class ValueSettings(Settings):
    """The axis of value: amount counts double, frequency and interval once, 12 points at most."""

    amount_high: int = Field(60_000_000, ge=1, description="Yearly amount that gives 3 points")
    amount_medium: int = Field(15_000_000, ge=1, description="Yearly amount that gives 2 points")
    orders_high: int = Field(40, ge=1, description="Orders a year that give 3 points")
    orders_medium: int = Field(15, ge=1, description="Orders a year that give 2 points")
    interval_short: int = Field(10, ge=1, description="Mean days between orders that give 3 points")
    interval_medium: int = Field(
        25, ge=1, description="Mean days between orders that give 2 points"
    )
    high_points: int = Field(9, ge=1, le=12, description="Points from which value is high")
    medium_points: int = Field(7, ge=1, le=12, description="Points from which value is medium")


class PotentialSettings(Settings):
    """The axis of potential: standing, outlook and intent, 9 points at most."""

    standing_points: dict[str, Annotated[int, Field(ge=0, le=3)]] = Field(
        default={"leading": 3, "known": 2, "small": 1},
        description="Points by standing in its trade (行业地位)",
    )
    outlook_points: dict[str, Annotated[int, Field(ge=0, le=3)]] = Field(
        default={"growing": 3, "steady": 2, "shrinking": 0},
        description="Points by outlook (发展前景)",
    )
    unknown_points: int = Field(
        1, ge=0, le=3, description="Points where standing or outlook is not known"
    )
    interests: int = Field(
        2, ge=1, description="Products asked about in 90 days that give 2 points of intent"
    )
    high_points: int = Field(6, ge=1, le=9, description="Points from which potential is high")
    medium_points: int = Field(4, ge=1, le=9, description="Points from which potential is medium")


class ClosedSeason(Settings):
    """The summer fishing moratorium (伏季休渔) of one sea area, each year, in local time."""

    start_month: Month = Field(5, description="Month in which it starts")
    start_day: Day = Field(1, description="Day on which it starts")
    start_hour: Hour = Field(12, description="Hour at which it starts")
    end_month: Month = Field(9, description="Month in which it ends")
    end_day: Day = Field(1, description="Day on which it ends")
    end_hour: Hour = Field(12, description="Hour at which it ends")


class MoratoriumSettings(Settings):
    """When nobody may fish, by sea area, and whose clocks stop."""

    north_of_35: ClosedSeason = Field(
        ClosedSeason(), description="Bohai and Yellow Sea north of 35° N (北纬35°以北)"
    )
    between_35_and_26_30: ClosedSeason = Field(
        ClosedSeason(end_day=16), description="35° N to 26°30′ N (北纬35°至26°30′)"
    )
    south_of_26_30: ClosedSeason = Field(
        ClosedSeason(end_month=8, end_day=16), description="South of 26°30′ N (北纬26°30′以南)"
    )
    supplies: tuple[str, ...] = Field(
        ("wild_catch",), description="What a customer must live on for its clocks to stop"
    )
    longest_days: Days = Field(
        138,
        description="Days without an order that a closed season explains: "
        "added before a customer that lives on the catch is churned or called slow",
    )


class RiskSettings(Settings):
    """When a customer seems to be leaving."""

    trend_percent: int = Field(
        150, gt=100, description="Last order intervals as a percentage of those before"
    )
    feedback_before: int = Field(
        3, ge=1, description="Feedback in the 90 days before that makes silence a sign"
    )
    feedback_left_percent: int = Field(
        34, ge=0, lt=100, description="Percentage of it that is left when feedback dries up"
    )
    complaints: int = Field(2, ge=1, description="Complaints in 90 days, if more than before")
    returns: int = Field(2, ge=1, description="Returns in 90 days: goods that arrived spoiled")
    satisfaction: Decimal = Field(
        Decimal("3.0"), ge=0, le=5, description="Mean satisfaction below which it is low"
    )


class ClockSettings(Settings):
    """How long a holding may go unworked (回收规则)."""

    first_follow_up_days: Days = Field(
        3, description="Working days until the first follow-up after custody began; 0: off"
    )
    no_follow_up_days: dict[str, Days] = Field(
        default={
            "strategic": 10,
            "core": 14,
            "growth": 14,
            "steady": 20,
            "regular": 25,
            "seed": 25,
            "minor": 40,
        },
        description="Days without a follow-up until a reclaim, by tier; 0: off",
    )
    no_order_days: dict[str, Days] = Field(
        default={"farm": 150, "wholesale": 60, "restaurant": 45, "processor": 120, "retail": 45},
        description="Days without an order until a reclaim, by kind of business; 0: off",
    )
    visit_extends_days: dict[str, Days] = Field(
        default={"restaurant": 5},
        description="Days more until an order is due that each visit gives, by kind of business "
        "(上门延期); who is not listed gets none",
    )
    visits_extend_at_most_days: Days = Field(
        10, description="Days that visits may give altogether between two orders; 0: off"
    )
    no_deal_days: Days = Field(
        60, description="Days until a customer that never ordered must order; 0: off"
    )
    warn_before_days: Days = Field(3, description="Days of notice before a reclaim (提前提醒)")
    grace_days: Days = Field(1, description="Days allowed after the due time (宽限期)")
    protection_days: Days = Field(
        0, description="Days in which a new holding can't be reclaimed (保护期)"
    )
    max_extension_days: Days = Field(
        20, description="Days that may be granted to one custody altogether (延期)"
    )


class ExtensionSettings(Settings):
    """Which requests for more time need no manager (延期审批)."""

    first_days: Days = Field(
        7, description="Days that the first request of a holding is granted at most; 0: none"
    )
    manager_tiers: tuple[str, ...] = Field(
        ("strategic", "core"), description="Tiers whose requests a manager decides"
    )


class ClaimSettings(Settings):
    """How much a rep may take (领取与保有上限)."""

    per_day: int = Field(6, ge=1, description="Claims a day")
    per_week: int = Field(20, ge=1, description="Claims a week")
    holding_limit: int = Field(50, ge=1, description="Holdings of a rep, weighted by tier")
    holding_weights: dict[str, int] = Field(
        default={
            "strategic": 300,
            "core": 200,
            "growth": 150,
            "steady": 120,
            "regular": 100,
            "seed": 80,
            "minor": 50,
        },
        description="What a customer counts for, in hundredths, by tier",
    )
    cool_down_days: Days = Field(
        30, description="Days a former owner may not claim the customer again (前负责人限制)"
    )
    embargo_hours: int = Field(
        0, ge=0, description="Hours a customer stays in a pool before anyone claims it"
    )
    strategic_min_seniority: int = Field(
        60, ge=0, le=100, description="Seniority from which a rep may hold a strategic customer"
    )


class PoolSettings(Settings):
    """Which pool takes whom."""

    regional: dict[str, str] = Field(
        default={},
        description="Pool by region; the first listed region that contains the customer's decides",
    )
    industry: str = Field(
        "general", min_length=1, description="Pool of processors and farms (加工、养殖)"
    )
    win_back: str = Field("general", min_length=1, description="Pool of churned customers (赢回)")
    otherwise: str = Field(
        "general", min_length=1, description="Pool of customers whose region has none"
    )


class WorkflowSettings(Settings):
    """Days of the workflows (流程期限)."""

    welcome_days: int = Field(
        2, ge=1, le=90, description="Days in which a new one is to be welcomed (欢迎)"
    )
    ask_days: int = Field(
        3, ge=1, le=90, description="Days in which a dormant one is to be asked why (沉睡原因)"
    )
    win_back_days: int = Field(
        45, ge=1, le=365, description="Days after which a win-back has failed (唤醒期限)"
    )
    answer_days: int = Field(
        1, ge=1, le=90, description="Days in which a complaint is to be answered (投诉答复)"
    )


class OftenSettings(Settings):
    """Who buys a species often (常购品种), to be told of a new product of it."""

    orders: int = Field(6, ge=1, le=1000, description="Orders of a species that are often")
    days: int = Field(180, ge=1, le=730, description="Days within which they are counted")


class AquaticSettings(Settings):
    """Trade in aquatic products (水产)."""

    new_days: int = Field(60, ge=1, description="Days from the first order on in which it is new")
    loyal_orders: int = Field(24, ge=1, description="Orders a year that make a customer loyal")
    dormant_days: dict[str, Annotated[int, Field(ge=1, le=730)]] = Field(
        default={"farm": 90, "wholesale": 30, "restaurant": 21, "processor": 75, "retail": 25},
        description="Days without an order until it is dormant, by kind of business",
    )
    churned_days: dict[str, Annotated[int, Field(ge=2, le=1460)]] = Field(
        default={"farm": 270, "wholesale": 90, "restaurant": 75, "processor": 210, "retail": 80},
        description="Days without an order until it is churned, by kind of business",
    )
    value: ValueSettings = Field(default_factory=ValueSettings, description="The axis of value")
    potential: PotentialSettings = Field(
        default_factory=PotentialSettings, description="The axis of potential"
    )
    moratorium: MoratoriumSettings = Field(
        default_factory=MoratoriumSettings, description="The summer fishing moratorium (伏季休渔)"
    )
    risk: RiskSettings = Field(default_factory=RiskSettings, description="Signs of a loss")
    clocks: ClockSettings = Field(default_factory=ClockSettings, description="Reclaim clocks")
    extensions: ExtensionSettings = Field(
        default_factory=ExtensionSettings, description="Requests for more time (延期审批)"
    )
    claims: ClaimSettings = Field(default_factory=ClaimSettings, description="Claim limits")
    pools: PoolSettings = Field(default_factory=PoolSettings, description="Pools")
    cadence_days: dict[str, Annotated[int, Field(ge=0, le=365)]] = Field(
        default={
            "strategic": 5,
            "core": 7,
            "growth": 7,
            "steady": 10,
            "regular": 14,
            "seed": 14,
            "minor": 30,
        },
        description="Days between planned follow-ups at most, by tier",
    )
    min_call_minutes: int = Field(
        1, ge=0, description="A call shorter than this does not count as a follow-up"
    )
    min_visit_minutes: int = Field(
        10, ge=0, description="A visit shorter than this does not count as a follow-up"
    )
    often: OftenSettings = Field(
        default_factory=OftenSettings, description="When a species is bought often (常购)"
    )
    workflows: WorkflowSettings = Field(
        default_factory=WorkflowSettings, description="Days of the workflows (流程期限)"
    )
