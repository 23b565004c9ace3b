"""What an FMCG business keeps of its customers beyond the common profile."""

from __future__ import annotations

from typing import Final

from gonghai_plugin import BOOL, INT64, Attribute, Text, set_of, text_of

CHANNEL_ROLES: Final = {
    "distributor": Text("Distributor", "经销商"),
    "wholesaler": Text("Wholesaler", "批发商"),
    "key_account": Text("Key account", "商超KA"),
    "convenience": Text("Convenience chain", "便利店"),
    "family_store": Text("Family store", "夫妻店"),
    "ecommerce": Text("E-commerce", "电商"),
}

CATEGORIES: Final = {
    "beverage": Text("Beverages", "饮料"),
    "dairy": Text("Dairy", "乳品"),
    "snack": Text("Snacks", "休闲食品"),
    "instant": Text("Instant food", "方便食品"),
    "seasoning": Text("Seasonings", "调味品"),
    "personal_care": Text("Personal care", "个护"),
    "household": Text("Household", "家清"),
}

CHANNEL_ROLE: Final = Attribute(
    "channel_role",
    text_of(*CHANNEL_ROLES),
    Text("channel role", "渠道角色"),
    required=True,
    value_labels=CHANNEL_ROLES,
)
OUTLETS: Final = Attribute(
    "outlets", INT64, Text("outlets covered", "覆盖网点数"), minimum=0, maximum=1_000_000
)
WAREHOUSE_AREA: Final = Attribute(
    "warehouse_area",
    INT64,
    Text("warehouse area in m²", "仓库面积（㎡）"),
    minimum=0,
    maximum=10_000_000,
)
VEHICLES: Final = Attribute(
    "vehicles", INT64, Text("delivery vehicles", "配送车辆数"), minimum=0, maximum=100_000
)
CATEGORY_SET: Final = Attribute(
    "categories",
    set_of(*CATEGORIES),
    Text("categories carried", "经营品类"),
    value_labels=CATEGORIES,
)
EXCLUSIVE: Final = Attribute(
    "exclusive", BOOL, Text("exclusive distributor of its region", "区域独家经销")
)
EXCLUSIVE_CATEGORIES: Final = Attribute(
    "exclusive_categories",
    set_of(*CATEGORIES),
    Text("categories of the exclusivity", "独家品类"),
    value_labels=CATEGORIES,
)
CREDIT_DAYS: Final = Attribute(
    "credit_days", INT64, Text("credit days", "账期（天）"), minimum=0, maximum=365
)
PAYMENT_DAYS: Final = Attribute(
    "payment_days",
    INT64,
    Text("days it takes to pay on average", "平均回款天数"),
    minimum=0,
    maximum=3650,
)

ATTRIBUTES: Final = (
    CHANNEL_ROLE,
    OUTLETS,
    WAREHOUSE_AREA,
    VEHICLES,
    CATEGORY_SET,
    EXCLUSIVE,
    EXCLUSIVE_CATEGORIES,
    CREDIT_DAYS,
    PAYMENT_DAYS,
)
"""Every attribute, as it is shown."""
