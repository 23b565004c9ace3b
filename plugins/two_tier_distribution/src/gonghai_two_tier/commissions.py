"""What an order pays: to the distributor itself by level and tier, and to its sponsor."""

from __future__ import annotations

from typing import Final

from gonghai_plugin import Rule, Text, first_hit, otherwise, setting
from gonghai_plugin import host_facts as host
from gonghai_plugin.outcomes import Commission
from gonghai_plugin.policies import Incentives
from gonghai_two_tier import facts

INCENTIVES: Final = Incentives(
    first_hit(
        Rule(
            "excluded-channel",
            host.ACTIVITY_SALES_CHANNEL.is_one_of(setting("commissions.excluded_channels")),
            Commission(),
            Text(
                "orders by {activity_sales_channel} pay no commission",
                "{activity_sales_channel}渠道的订单不计佣金",
            ),
        ),
        Rule(
            "own-first-level",
            facts.LEVEL.equals("first"),
            Commission(own_basis_points=facts.OWN_COMMISSION),
            Text(
                "first level, tier {tier}: {own_commission} basis points of its own order",
                "一级{tier}：自身订单按万分之{own_commission}返佣",
            ),
        ),
        Rule(
            "sponsor-disputed",
            facts.RIVAL.is_known(),
            Commission(own_basis_points=facts.OWN_COMMISSION),
            Text(
                "two sponsors claim it, neither is paid; {own_commission} basis points to itself",
                "上级有争议，双方均不计佣；自身按万分之{own_commission}返佣",
            ),
        ),
        Rule(
            "without-sponsor",
            facts.SPONSOR.is_missing(),
            Commission(own_basis_points=facts.OWN_COMMISSION),
            Text(
                "it has no sponsor: {own_commission} basis points to itself",
                "无上级：自身按万分之{own_commission}返佣",
            ),
        ),
        otherwise(
            Commission(
                own_basis_points=facts.OWN_COMMISSION,
                sponsor_basis_points=facts.SPONSORS_COMMISSION,
            ),
            Text(
                "second level, tier {tier}: {own_commission} basis points to itself, "
                "{sponsors_commission} to its sponsor {sponsor}",
                "二级{tier}：自身万分之{own_commission}，上级{sponsor}万分之{sponsors_commission}",
            ),
            "second-level",
        ),
    )
)
