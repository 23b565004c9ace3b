"""What an FMCG tenant can tune. Amounts are in minor units (分)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gonghai_plugin import Settings

Days = Annotated[int, Field(ge=0, le=3650)]


class TierSettings(Settings):
    """Where tiers begin."""

    key_amount: int = Field(
        120_000_000, ge=0, description="Yearly amount from which a customer is key (重点)"
    )
    a_amount: int = Field(45_000_000, ge=0, description="Yearly amount from which tier A begins")
    b_amount: int = Field(12_000_000, ge=0, description="Yearly amount from which tier B begins")
    a_outlets: int = Field(
        300, ge=1, description="Outlets covered that lift a customer of B's amount to tier A"
    )
    b_outlets: int = Field(
        80, ge=1, description="Outlets covered that make tier B, whatever the amount"
    )
    growth_percent: int = Field(
        140,
        gt=100,
        description="Amount of 90 days as a percentage of the 90 before that lifts B to A",
    )
    late_days: int = Field(
        20, ge=1, description="Days paid after the credit days that cost a tier (逾期降级)"
    )


class ClockSettings(Settings):
    """How long a holding may go unworked (回收规则)."""

    first_follow_up_days: Days = Field(
        3, description="Working days until the first follow-up after custody began; 0: off"
    )
    no_follow_up_days: dict[str, Days] = Field(
        default={"key": 10, "a": 15, "b": 21, "c": 30},
        description="Days without a follow-up until a reclaim, by tier; 0: off",
    )
    no_order_rhythms: int = Field(
        4, ge=0, description="Order rhythms without an order until a reclaim; 0: off"
    )
    no_deal_days: Days = Field(
        45, description="Days until a customer that never ordered must order; 0: off"
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
        3, description="Days before the Spring Festival on which clocks stop already"
    )
    spring_festival_days_after: Days = Field(
        3, description="Days after the Spring Festival until clocks run again"
    )
    national_day_days_before: Days = Field(
        0,
        description="Days before the days off of National Day on which clocks stop already (国庆)",
    )
    national_day_days_after: Days = Field(
        0, description="Days after the days off of National Day until clocks run again (国庆)"
    )


class ExtensionSettings(Settings):
    """Which requests for more time need no manager (延期审批)."""

    within_days: Days = Field(
        10, description="Days before the due time from which more time may be asked for"
    )
    first_days: Days = Field(
        5, description="Days that the first request of a holding is granted at most; 0: none"
    )


class ClaimSettings(Settings):
    """How much a rep may take (领取与保有上限)."""

    per_day: int = Field(8, ge=1, description="Claims a day")
    per_week: int = Field(25, ge=1, description="Claims a week")
    holding_limit: int = Field(60, ge=1, description="Holdings of a rep, weighted by tier")
    holding_weights: dict[str, int] = Field(
        default={"key": 300, "a": 200, "b": 100, "c": 50},
        description="What a customer counts for, in hundredths, by tier",
    )
    cool_down_days: Days = Field(
        30, description="Days a former owner may not claim the customer again (前负责人限制)"
    )
    embargo_hours: int = Field(
        0, ge=0, description="Hours a customer stays in a pool before anyone claims it"
    )
    key_min_seniority: int = Field(
        50, ge=0, le=100, description="Seniority from which a rep may claim a key customer"
    )


class PoolSettings(Settings):
    """Which pool takes whom (区域公海)."""

    regional: dict[str, str] = Field(
        default={},
        description="Pool by region; the first listed region that contains the customer's decides",
    )
    key_accounts: str = Field(
        "general", min_length=1, description="Pool of key accounts (商超、连锁系统)"
    )
    win_back: str = Field("general", min_length=1, description="Pool of lost customers (流失赢回)")
    otherwise: str = Field(
        "general", min_length=1, description="Pool of customers whose region has none"
    )


class WorkflowSettings(Settings):
    """Days of the workflows (流程期限)."""

    welcome_days: int = Field(
        2, ge=1, le=90, description="Days in which a new one is to be welcomed (欢迎)"
    )
    ask_days: int = Field(
        2, ge=1, le=90, description="Days in which a dormant one is to be asked why (沉睡原因)"
    )
    win_back_days: int = Field(
        30, ge=1, le=365, description="Days after which a win-back has failed (唤醒期限)"
    )
    answer_days: int = Field(
        1, ge=1, le=90, description="Days in which a complaint is to be answered (投诉答复)"
    )


class OftenSettings(Settings):
    """Who buys a category often (常购品类), to be told of a new product of it."""

    orders: int = Field(4, ge=1, le=1000, description="Orders of a category that are often")
    days: int = Field(90, ge=1, le=730, description="Days within which they are counted")


class FmcgSettings(Settings):
    """Fast-moving consumer goods distribution (快消)."""

    order_rhythm_days: dict[str, Annotated[int, Field(ge=1, le=365)]] = Field(
        default={
            "distributor": 14,
            "wholesaler": 18,
            "key_account": 7,
            "convenience": 10,
            "family_store": 21,
            "ecommerce": 9,
        },
        description="Days between orders that are usual for a channel role (订货节奏)",
    )
    dormant_rhythms: int = Field(
        3, ge=1, description="Order rhythms without an order until a customer is dormant"
    )
    lost_rhythms: int = Field(
        8, ge=2, description="Order rhythms without an order until a customer is lost"
    )
    tiers: TierSettings = Field(default_factory=TierSettings, description="Where tiers begin")
    clocks: ClockSettings = Field(default_factory=ClockSettings, description="Reclaim clocks")
    extensions: ExtensionSettings = Field(
        default_factory=ExtensionSettings, description="Requests for more time (延期审批)"
    )
    claims: ClaimSettings = Field(default_factory=ClaimSettings, description="Claim limits")
    pools: PoolSettings = Field(default_factory=PoolSettings, description="Pools")
    cadence_days: dict[str, Annotated[int, Field(ge=0, le=365)]] = Field(
        default={"key": 5, "a": 8, "b": 14, "c": 25},
        description="Days between planned follow-ups at most, by tier",
    )
    min_call_minutes: int = Field(
        1, ge=0, description="A call shorter than this does not count as a follow-up"
    )
    min_visit_minutes: int = Field(
        10, ge=0, description="A visit shorter than this does not count as a follow-up"
    )
    auto_assign_min_seniority: int = Field(
        50, ge=0, le=100, description="Seniority a rep needs to get a key customer assigned"
    )
    often: OftenSettings = Field(
        default_factory=OftenSettings, description="When a category is bought often (常购)"
    )
    workflows: WorkflowSettings = Field(
        default_factory=WorkflowSettings, description="Days of the workflows (流程期限)"
    )
