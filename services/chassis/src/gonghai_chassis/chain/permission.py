"""Applies the access table: method × role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gonghai_chassis.errors import NotAllowed
from gonghai_chassis.principals import Reach, Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from gonghai_chassis.chain.call import Call, Method


class Permission:
    """Refuses who has no grant for the method; a method without a row has none for anybody."""

    name = "permission"

    def gate(self, method: Method) -> Callable[[Call], None]:
        """Set the reach of the call."""
        rule = method.rule
        known: dict[frozenset[Role], Reach] = {}

        def allow(call: Call) -> None:
            roles = call.info.principal.roles
            reach = known.get(roles)
            if reach is None:
                reach = Reach.NONE if rule is None else rule.reach(roles)
                known[roles] = reach
            if reach is Reach.NONE:
                named = ", ".join(sorted(roles)) or "none"
                raise NotAllowed(method.path, f"your roles ({named}) do not allow {method.path}")
            call.info.reach = reach

        return allow
