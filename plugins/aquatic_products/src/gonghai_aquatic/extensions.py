"""Which requests for more time (延期申请) need no manager."""

from __future__ import annotations

from typing import Final

from gonghai_plugin import Rule, Text, all_, first_hit, otherwise, setting
from gonghai_plugin import host_facts as host
from gonghai_plugin.outcomes import Deny, Grant, Refer
from gonghai_plugin.policies import Extension

EXTENSION: Final = Extension(
    first_hit(
        Rule(
            "call-first",
            all_(
                host.DUE_CLOCK.is_one_of(("first-follow-up", "no-follow-up")),
                host.FOLLOW_UPS_IN_CUSTODY.equals(0),
            ),
            Deny(),
            Text(
                "nobody has spoken with the customer yet: a call keeps it, no request does",
                "保有以来尚未跟进，先联系客户即可，无需延期",
            ),
        ),
        Rule(
            "large-customer",
            host.TIER.is_one_of(setting("extensions.manager_tiers")),
            Refer(),
            Text("tier {tier}: a manager decides", "{tier}级客户由主管审批"),
        ),
        Rule(
            "first-request",
            all_(
                host.EXTENSION_REQUESTS.equals(0),
                host.FOLLOW_UPS_IN_CUSTODY.at_least(1),
            ),
            Grant(setting("extensions.first_days")),
            Text(
                "a first request for a customer that is worked on: up to "
                "{settings.extensions.first_days} of the {extension_days} days asked for",
                "在跟进客户的首次申请：申请{extension_days}天，"
                "最多批{settings.extensions.first_days}天",
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
