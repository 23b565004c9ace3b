"""Who may call what: the one table of method × role.

Each RPC of each service has a row, and a test walks the descriptors to see that none is missing. A
grant says how far it reaches (`Reach`): the door checks the tenant, the servicer whether a rep acts for
himself (`RequestContext.require_rep`) and whether a team is the manager's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from gonghai_chassis.principals import Principal, Reach, Role

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table.

    Attributes:
        grants: How far each role reaches; a role that is missing may not call the method.
        public: Anybody may call it, without credentials.
        tenantless: Its request names no tenant.
    """

    grants: Mapping[Role, Reach] = field(default_factory=dict)
    public: bool = False
    tenantless: bool = False

    def reach(self, principal: Principal) -> Reach:
        """Return how far the principal's widest grant goes."""
        if self.public:
            return Reach.ALL
        return max(
            (self.grants.get(role, Reach.NONE) for role in principal.roles), default=Reach.NONE
        )


PUBLIC: Final = Rule(public=True, tenantless=True)
"""Health and reflection: probes and tools come without credentials."""


def _rule(*, tenantless: bool = False, **reaches: Reach) -> Rule:
    grants = {Role(role): reach for role, reach in reaches.items()}
    grants.setdefault(Role.ADMIN, Reach.TENANT)
    grants[Role.SERVICE] = Reach.ALL
    return Rule(MappingProxyType(grants), tenantless=tenantless)


_OPERATE: Final = _rule(tenantless=True)

TABLE: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "/grpc.health.v1.Health/Check": PUBLIC,
        "/grpc.health.v1.Health/Watch": PUBLIC,
        "/grpc.health.v1.Health/List": PUBLIC,
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": PUBLIC,
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": PUBLIC,
        "/gonghai.dev.v1.ClockService/GetClock": _OPERATE,
        "/gonghai.dev.v1.ClockService/SetClock": _OPERATE,
        "/gonghai.dev.v1.ClockService/AdvanceClock": _OPERATE,
        "/gonghai.dev.v1.ClockService/AwaitQuiet": _OPERATE,
        "/gonghai.dev.v1.ClockService/GetWork": _OPERATE,
    }
)
"""The row of every method, by its full name."""
