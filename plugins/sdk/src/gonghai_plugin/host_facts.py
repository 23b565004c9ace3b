"""The facts that the services give to every plugin.

Archive computes those of the customer, pool those of custody and claim. Windows and day counts are
in whole days of the tenant's time zone and end today, so they change at local midnights only.
A day count is 0 on the day itself and missing when it never happened.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from gonghai_plugin.facts import (
    BOOL,
    INT64,
    TEXT,
    TEXT_SET,
    Area,
    Fact,
    FactType,
    Host,
    Motion,
    Unit,
    decimal,
    text_of,
)
from gonghai_plugin.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

_KNOWN: dict[str, Fact] = {}


def _fact(
    name: str,
    type_: FactType,
    en: str,
    zh: str,
    *,
    area: Area = Area.CUSTOMER,
    motion: Motion = Motion.STILL,
    unit: Unit = Unit.PLAIN,
) -> Fact:
    fact = Fact(name, type_, Text(en, zh), Host(area, motion), unit)
    _KNOWN[name] = fact
    return fact


def _days(name: str, en: str, zh: str) -> Fact:
    return _fact(name, INT64, en, zh, motion=Motion.DAYS, unit=Unit.DAYS)


def _window(name: str, type_: FactType, en: str, zh: str, unit: Unit = Unit.PLAIN) -> Fact:
    return _fact(name, type_, en, zh, motion=Motion.WINDOW, unit=unit)


# Who the customer is.

CUSTOMER_TYPE: Final = _fact(
    "customer_type", text_of("organization", "person"), "type of customer", "客户类型"
)
SOURCE: Final = _fact("source", TEXT, "where the customer came from", "客户来源")
REGION: Final = _fact("region", TEXT, "id of the customer's region", "所在区域")
REGIONS: Final = _fact(
    "regions", TEXT_SET, "ids of the region and of all regions above it", "所在区域及其上级"
)
TAGS: Final = _fact("tags", TEXT_SET, "tags", "标签")
# How long ago.

DAYS_SINCE_CREATED: Final = _days(
    "days_since_created", "days since the record was created", "建档天数"
)
DAYS_SINCE_FIRST_ORDER: Final = _days(
    "days_since_first_order", "days since the first order", "距首次下单天数"
)
DAYS_SINCE_LAST_ORDER: Final = _days(
    "days_since_last_order", "days since the last order", "距最近下单天数"
)
DAYS_SINCE_FOLLOW_UP: Final = _days(
    "days_since_follow_up", "days since the last follow-up", "距最近跟进天数"
)
DAYS_SINCE_OPPORTUNITY: Final = _days(
    "days_since_opportunity", "days since the last opportunity", "距最近商机天数"
)
DAYS_SINCE_DEAL: Final = _days("days_since_deal", "days since the last deal", "距最近成交天数")
RELATIONSHIP_DAYS: Final = _days(
    "relationship_days",
    "days of the relationship: since created or first order, the larger",
    "合作天数",
)
# Orders and amounts (minor units, purchases minus returns; nought, never missing).

ORDERS_30D: Final = _window("orders_30d", INT64, "orders in 30 days", "近30天订单数")
ORDERS_90D: Final = _window("orders_90d", INT64, "orders in 90 days", "近90天订单数")
ORDERS_365D: Final = _window("orders_365d", INT64, "orders in 365 days", "近365天订单数")
ORDERS_LIFETIME: Final = _fact("orders_lifetime", INT64, "orders ever", "累计订单数")
AMOUNT_30D: Final = _window("amount_30d", INT64, "amount in 30 days", "近30天金额", Unit.MONEY)
AMOUNT_90D: Final = _window("amount_90d", INT64, "amount in 90 days", "近90天金额", Unit.MONEY)
AMOUNT_365D: Final = _window("amount_365d", INT64, "amount in 365 days", "近365天金额", Unit.MONEY)
AMOUNT_LIFETIME: Final = _fact("amount_lifetime", INT64, "amount ever", "累计金额", unit=Unit.MONEY)
AMOUNT_PREVIOUS_90D: Final = _window(
    "amount_previous_90d",
    INT64,
    "amount in the 90 days before the last 90",
    "上一个90天金额",
    Unit.MONEY,
)
AMOUNT_PREVIOUS_365D: Final = _window(
    "amount_previous_365d",
    INT64,
    "amount in the 365 days before the last 365",
    "上一年度金额",
    Unit.MONEY,
)
RETURNS_90D: Final = _window("returns_90d", INT64, "returns in 90 days", "近90天退货次数")
MEAN_ORDER_INTERVAL_DAYS: Final = _window(
    "mean_order_interval_days",
    decimal(1),
    "mean days between order days over 365 days",
    "平均下单间隔（天）",
    Unit.DAYS,
)
ORDER_INTERVAL_TREND_PERCENT: Final = _window(
    "order_interval_trend_percent",
    INT64,
    "mean of the last 3 intervals as a percentage of those before",
    "下单间隔趋势（%）",
    Unit.PERCENT,
)
DISTINCT_CATEGORIES_90D: Final = _window(
    "distinct_categories_90d", INT64, "categories bought in 90 days", "近90天购买品类数"
)
DISTINCT_PRODUCTS_90D: Final = _window(
    "distinct_products_90d", INT64, "products bought in 90 days", "近90天购买单品数"
)
# Where the industry's plugin says what often is (empty where it does not).

BUYS_OFTEN: Final = _window("buys_often", TEXT_SET, "categories that it buys often", "常购品类")
# Contact and satisfaction.

FOLLOW_UPS_90D: Final = _window("follow_ups_90d", INT64, "follow-ups in 90 days", "近90天跟进次数")
COMPLAINTS_90D: Final = _window("complaints_90d", INT64, "complaints in 90 days", "近90天投诉数")
COMPLAINTS_PREVIOUS_90D: Final = _window(
    "complaints_previous_90d",
    INT64,
    "complaints in the 90 days before the last 90",
    "上一个90天投诉数",
)
FEEDBACK_90D: Final = _window(
    "feedback_90d", INT64, "feedback of any kind in 90 days", "近90天反馈数"
)
FEEDBACK_PREVIOUS_90D: Final = _window(
    "feedback_previous_90d",
    INT64,
    "feedback of any kind in the 90 days before the last 90",
    "上一个90天反馈数",
)
CSAT_90D: Final = _window(
    "csat_90d", decimal(1), "mean satisfaction in 90 days, 0 to 5", "近90天满意度"
)
NPS_90D: Final = _window(
    "nps_90d", INT64, "net promoter score in 90 days, -100 to 100", "近90天净推荐值"
)
INTERESTS_90D: Final = _window(
    "interests_90d", INT64, "products asked about in 90 days", "近90天意向次数"
)
REFERRALS: Final = _fact("referrals", INT64, "customers referred", "转介绍客户数")
OPEN_OPPORTUNITIES: Final = _fact(
    "open_opportunities", INT64, "opportunities that are open", "进行中的商机数"
)
# Of a sponsor: its second level, in an industry that declares an upline (nought in others).

DOWNLINE_MEMBERS: Final = _fact(
    "downline_members", INT64, "customers whose sponsor it is", "下级客户数"
)
DOWNLINE_ACTIVE_90D: Final = _window(
    "downline_active_90d", INT64, "of these, who ordered in 90 days", "近90天活跃下级数"
)
DOWNLINE_AMOUNT_365D: Final = _window(
    "downline_amount_365d", INT64, "their amount in 365 days", "下级近365天金额", Unit.MONEY
)
# Decided before (stage: missing for the lifecycle policy; tier and rank: missing up to tiering).

STAGE: Final = _fact("stage", TEXT, "lifecycle stage", "生命周期阶段")
TIER: Final = _fact("tier", TEXT, "tier", "客户分级")
TIER_RANK: Final = _fact("tier_rank", INT64, "rank of the tier, 0 to 100", "分级名次")
VALUE_GRADE: Final = _fact("value_grade", TEXT, "grade of value", "价值等级")
POTENTIAL_GRADE: Final = _fact("potential_grade", TEXT, "grade of potential", "潜力等级")
# Custody.

HELD_DAYS: Final = _fact(
    "held_days",
    INT64,
    "days in this custody; missing in a pool",
    "保有天数",
    area=Area.CUSTODY,
    motion=Motion.DAYS,
    unit=Unit.DAYS,
)
DAYS_IN_POOL: Final = _fact(
    "days_in_pool",
    INT64,
    "days in this pool; missing when held",
    "入池天数",
    area=Area.CUSTODY,
    motion=Motion.DAYS,
    unit=Unit.DAYS,
)
OWNER_KIND: Final = _fact(
    "owner_kind",
    text_of("rep", "team", "self_service"),
    "what sort of owner holds it",
    "归属类型",
    area=Area.CUSTODY,
)
SELF_SOURCED: Final = _fact(
    "self_sourced", BOOL, "the owner found it himself", "是否自建", area=Area.CUSTODY
)
TIMES_RECLAIMED: Final = _fact(
    "times_reclaimed", INT64, "how often it was reclaimed", "被回收次数", area=Area.CUSTODY
)
TIMES_CLAIMED: Final = _fact(
    "times_claimed", INT64, "how often it was claimed", "被领取次数", area=Area.CUSTODY
)
FOLLOW_UPS_IN_CUSTODY: Final = _fact(
    "follow_ups_in_custody",
    INT64,
    "follow-ups since this custody began",
    "保有期内跟进次数",
    area=Area.CUSTODY,
)
ORDERS_IN_CUSTODY: Final = _fact(
    "orders_in_custody",
    INT64,
    "orders since this custody began",
    "保有期内订单数",
    area=Area.CUSTODY,
)
# A claim.

POOL: Final = _fact("pool", TEXT, "id of the pool", "公海", area=Area.CLAIM)
REP_SENIORITY: Final = _fact(
    "rep_seniority", INT64, "seniority of the rep, 0 to 100", "销售资历", area=Area.CLAIM
)
REP_SKILLS: Final = _fact("rep_skills", TEXT_SET, "skills of the rep", "销售技能", area=Area.CLAIM)
REP_COVERS_REGION: Final = _fact(
    "rep_covers_region",
    BOOL,
    "the customer's region is among the rep's",
    "销售负责该区域",
    area=Area.CLAIM,
)
REP_IS_FORMER_OWNER: Final = _fact(
    "rep_is_former_owner", BOOL, "the rep held it last", "是否前负责人", area=Area.CLAIM
)
REP_IS_COLLABORATOR: Final = _fact(
    "rep_is_collaborator",
    BOOL,
    "the rep works on it as a collaborator",
    "是否协作人",
    area=Area.CLAIM,
)
REP_IS_POOL_MANAGER: Final = _fact(
    "rep_is_pool_manager", BOOL, "the rep manages the pool", "是否公海管理员", area=Area.CLAIM
)
DAYS_SINCE_REP_LOST_IT: Final = _fact(
    "days_since_rep_lost_it",
    INT64,
    "days since the rep lost it; missing if he never held it",
    "距该销售失去客户天数",
    area=Area.CLAIM,
    motion=Motion.DAYS,
    unit=Unit.DAYS,
)
# A request for more time. The facts of a claim are its holder's.

EXTENSION_DAYS: Final = _fact(
    "extension_days",
    INT64,
    "days more that are asked for",
    "申请延期天数",
    area=Area.EXTENSION,
    unit=Unit.DAYS,
)
EXTENSION_DAYS_GRANTED: Final = _fact(
    "extension_days_granted",
    INT64,
    "days that this custody was granted so far",
    "已批准延期天数",
    area=Area.EXTENSION,
    unit=Unit.DAYS,
)
EXTENSION_DAYS_LEFT: Final = _fact(
    "extension_days_left",
    INT64,
    "days that this custody may be granted yet",
    "剩余可延期天数",
    area=Area.EXTENSION,
    unit=Unit.DAYS,
)
EXTENSION_REQUESTS: Final = _fact(
    "extension_requests",
    INT64,
    "earlier requests of this custody, whatever became of them",
    "此前延期申请次数",
    area=Area.EXTENSION,
)
EXTENSION_REQUESTS_DENIED: Final = _fact(
    "extension_requests_denied",
    INT64,
    "earlier requests of this custody that were denied",
    "此前被拒的延期申请次数",
    area=Area.EXTENSION,
)
DUE_CLOCK: Final = _fact(
    "due_clock",
    TEXT,
    "the clock that runs out first; missing when none runs",
    "最先到期的倒计时",
    area=Area.EXTENSION,
)
DAYS_UNTIL_DUE: Final = _fact(
    "days_until_due",
    INT64,
    "days until it runs out, 0 on the day itself and after it; missing when none runs",
    "距到期天数",
    area=Area.EXTENSION,
    unit=Unit.DAYS,
)
# An activity.

ACTIVITY_KIND: Final = _fact(
    "activity_kind",
    text_of(
        "purchase",
        "return",
        "opportunity",
        "deal",
        "follow_up",
        "visit",
        "feedback",
        "survey",
        "referral",
        "interest",
        "training",
    ),
    "kind of activity",
    "动态类型",
    area=Area.ACTIVITY,
)
ACTIVITY_CHANNEL: Final = _fact(
    "activity_channel",
    text_of("phone", "sms", "wechat", "email", "visit", "meeting"),
    "channel of a follow-up",
    "跟进渠道",
    area=Area.ACTIVITY,
)
ACTIVITY_OUTCOME: Final = _fact(
    "activity_outcome",
    text_of("reached", "not_reached", "interested", "not_interested", "ordered"),
    "outcome of a follow-up",
    "跟进结果",
    area=Area.ACTIVITY,
)
ACTIVITY_MINUTES: Final = _fact(
    "activity_minutes", INT64, "duration in whole minutes", "时长（分钟）", area=Area.ACTIVITY
)
ACTIVITY_AMOUNT: Final = _fact(
    "activity_amount", INT64, "amount", "金额", area=Area.ACTIVITY, unit=Unit.MONEY
)
ACTIVITY_SALES_CHANNEL: Final = _fact(
    "activity_sales_channel", TEXT, "sales channel that it came by", "成交渠道", area=Area.ACTIVITY
)
ACTIVITY_BY_OWNER: Final = _fact(
    "activity_by_owner",
    BOOL,
    "done by the owner or a collaborator",
    "由负责人或协作人完成",
    area=Area.ACTIVITY,
)

ALL: Final[Mapping[str, Fact]] = MappingProxyType(dict(_KNOWN))
"""Every fact of the host by its name."""
