"""Applies the access table: method × role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gonghai_chassis.errors import NotAllowed
from gonghai_chassis.principals import Reach

if TYPE_CHECKING:
    from gonghai_chassis.chain.call import Call, Method, Proceed


class Permission:
    """Refuses who has no grant for the method; a method without a row has none for anybody."""

    name = "permission"

    def around(self, method: Method, proceed: Proceed) -> Proceed:
        """Set the reach of the call."""
        rule = method.rule

        async def run(call: Call) -> object:
            principal = call.info.principal
            reach = Reach.NONE if rule is None else rule.reach(principal)
            if reach is Reach.NONE:
                roles = ", ".join(sorted(principal.roles)) or "none"
                raise NotAllowed(method.path, f"your roles ({roles}) do not allow {method.path}")
            call.info.reach = reach
            return await proceed(call)

        return run
