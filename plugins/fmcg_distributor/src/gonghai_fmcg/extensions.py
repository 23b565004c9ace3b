"""Which requests for more time (延期申请) need no manager."""

from __future__ import annotations

from typing import Final

from gonghai_fmcg import facts
from gonghai_plugin import Rule, Text, all_, any_, first_hit, otherwise, setting
from gonghai_plugin import host_facts as host
from gonghai_plugin.outcomes import Deny, Grant, Refer
from gonghai_plugin.policies import Extension

EXTENSION: Final = Extension(
    first_hit(
        Rule(
            "too-early",
            host.DAYS_UNTIL_DUE.more_than(setting("extensions.within_days")),
            Deny(),
            Text(
                "{days_until_due} days are left: ask in the last {settings.extensions.within_days}",
                "距到期还有{days_until_due}天，到期前{settings.extensions.within_days}天内方可申请",
            ),
        ),
        Rule(
            "still-no-order",
            all_(host.EXTENSION_DAYS_GRANTED.more_than(0), host.ORDERS_IN_CUSTODY.equals(0)),
            Deny(),
            Text(
                "{extension_days_granted} days were granted already, and it has not ordered",
                "已延期{extension_days_granted}天仍未订货",
            ),
        ),
        Rule(
            "key-customer",
            any_(host.TIER.equals("key"), facts.ROLE.equals("key_account")),
            Refer(),
            Text("a key customer: a manager decides", "重点客户与KA由主管审批"),
        ),
        Rule(
            "first-request",
            host.EXTENSION_REQUESTS.equals(0),
            Grant(setting("extensions.first_days")),
            Text(
                "a first request: up to {settings.extensions.first_days} of the {extension_days} "
                "days asked for",
                "首次申请{extension_days}天，最多批{settings.extensions.first_days}天",
            ),
        ),
        otherwise(
            Refer(),
            Text(
                "{extension_requests} requests before, {extension_days_left} days left: a manager "
                "decides",
                "此前申请{extension_requests}次，剩余{extension_days_left}天，由主管审批",
            ),
            "manager",
        ),
    )
)
