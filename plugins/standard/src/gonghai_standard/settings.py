"""What a tenant can tune."""

from __future__ import annotations

from pydantic import Field

from gonghai_plugin import Settings


class TierSettings(Settings):
    """Yearly amounts, in minor units (分), from which a tier begins."""

    key_amount: int = Field(
        50_000_000, ge=0, description="Yearly amount from which a customer is key (重点)"
    )
    a_amount: int = Field(10_000_000, ge=0, description="Yearly amount from which tier A begins")
    b_amount: int = Field(2_000_000, ge=0, description="Yearly amount from which tier B begins")
    frequent_orders: int = Field(
        12, ge=1, description="Orders a year that lift a customer of tier B's amount to tier A"
    )


class StandardSettings(Settings):
    """The plain RFM policy (近度、频度、额度)."""

    new_days: int = Field(30, ge=1, description="Days after the first order a customer is new")
    dormant_days: int = Field(90, ge=1, description="Days without an order until dormant (沉睡)")
    churned_days: int = Field(180, ge=2, description="Days without an order until churned (流失)")
    loyal_orders: int = Field(12, ge=2, description="Orders a year that make a customer loyal")
    tiers: TierSettings = Field(default_factory=TierSettings, description="Where tiers begin")
    cadence_days: dict[str, int] = Field(
        default={"key": 7, "a": 14, "b": 30, "c": 60},
        description="Days between planned follow-ups, by tier",
    )
    pool: str = Field("general", min_length=1, description="Pool that takes every customer")
    first_follow_up_days: int = Field(
        3, ge=0, description="Days until the first follow-up after a claim; 0 turns the clock off"
    )
    no_follow_up_days: int = Field(
        30, ge=0, description="Days without a follow-up until a holding is taken back; 0: off"
    )
    no_order_days: int = Field(
        180, ge=0, description="Days without an order until a holding is taken back; 0: off"
    )
    warn_before_days: int = Field(3, ge=0, description="Days of notice before a reclaim")
    grace_days: int = Field(1, ge=0, description="Days allowed after the due time")
    max_extension_days: int = Field(30, ge=0, description="Days that may be granted altogether")
    claims_per_day: int = Field(10, ge=1, description="Customers a rep may claim a day")
    holding_limit: int = Field(200, ge=1, description="Customers a rep may hold")
    cool_down_days: int = Field(
        30, ge=0, description="Days a former owner may not claim a customer again"
    )
    embargo_hours: int = Field(0, ge=0, description="Hours a customer stays in the pool unclaimed")
    min_follow_up_minutes: int = Field(
        0, ge=0, description="A call or visit shorter than this does not count"
    )
