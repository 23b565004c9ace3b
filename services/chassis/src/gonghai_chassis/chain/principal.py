"""Finds out who calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from gonghai_chassis.chain.call import Call, Method
    from gonghai_chassis.credentials import Authenticator


class PrincipalStage:
    """Asks the authenticator, unless the method is open to everybody."""

    name = "principal"

    def __init__(self, authenticator: Authenticator) -> None:
        """Take what checks credentials: tokens in production, a header in dev."""
        self._authenticate = authenticator.authenticate

    def gate(self, method: Method) -> Callable[[Call], None] | None:
        """Set the principal of the call."""
        if method.rule is not None and method.rule.public:
            return None
        authenticate = self._authenticate

        def find_out(call: Call) -> None:
            call.info.principal = authenticate(
                call.header("authorization"),
                call.header("x-gonghai-principal"),
                call.header("on-behalf-of"),
            )

        return find_out
