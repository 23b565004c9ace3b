"""Which requests for more time (延期申请) need no manager."""

from __future__ import annotations

from typing import Final

from gonghai_plugin import Rule, Text, all_, first_hit, otherwise, setting
from gonghai_plugin import host_facts as host
from gonghai_plugin.outcomes import Deny, Grant, Refer
from gonghai_plugin.policies import Extension
from gonghai_two_tier import facts
from gonghai_two_tier.custody import SPONSOR_SKILL

EXTENSION: Final = Extension(
    first_hit(
        Rule(
            "two-sponsors",
            facts.RIVAL.is_known(),
            Deny(),
            Text(
                "{sponsor} and {rival_sponsor} both claim it: that is decided first",
                "{sponsor}与{rival_sponsor}的归属争议未决，不予延期",
            ),
        ),
        Rule(
            "denied-before",
            host.EXTENSION_REQUESTS_DENIED.at_least(setting("extensions.denials")),
            Deny(),
            Text(
                "denied {extension_requests_denied} times already",
                "此前申请已被拒{extension_requests_denied}次",
            ),
        ),
        Rule(
            "of-a-sponsor",
            all_(
                host.REP_SKILLS.has(SPONSOR_SKILL),
                facts.LEVEL.equals("second"),
                host.EXTENSION_REQUESTS.equals(0),
            ),
            Grant(setting("extensions.sponsor_days")),
            Text(
                "a sponsor knows its second level: up to {settings.extensions.sponsor_days} of the "
                "{extension_days} days asked for",
                "上级最了解自己的二级：申请{extension_days}天，"
                "最多批{settings.extensions.sponsor_days}天",
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
