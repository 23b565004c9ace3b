"""Finds out who calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gonghai_chassis.chain.call import Call, Method, Proceed
    from gonghai_chassis.credentials import Authenticator


class PrincipalStage:
    """Asks the authenticator, unless the method is open to everybody."""

    name = "principal"

    def __init__(self, authenticator: Authenticator) -> None:
        """Take what checks credentials: tokens in production, a header in dev."""
        self._authenticate = authenticator.authenticate

    def around(self, method: Method, proceed: Proceed) -> Proceed:
        """Set the principal of the call."""
        if method.rule is not None and method.rule.public:
            return proceed

        async def run(call: Call) -> object:
            call.info.principal = self._authenticate(
                call.header("authorization"),
                call.header("x-gonghai-principal"),
                call.header("on-behalf-of"),
            )
            return await proceed(call)

        return run
