"""Who calls, for whom, and what he may do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

SUBJECT: Final = re.compile(r"([a-z]+):([A-Za-z0-9][A-Za-z0-9._-]{0,127})")
"""How somebody is named: what he is and his id."""


class Role(StrEnum):
    """What a principal is in his tenant."""

    READER = "reader"
    """Reads, masked, and changes nothing."""
    REP = "rep"
    """A salesperson: acts for himself only."""
    PARTNER = "partner"
    """A sponsor of the two-tier distribution: his own pool and second level."""
    MANAGER = "manager"
    """Manages teams and pools."""
    INTEGRATOR = "integrator"
    """A back end or its operator: brings data in, applies policies."""
    ADMIN = "admin"
    """May do everything in his tenant."""
    SERVICE = "service"
    """One of Gonghai's own services: reads and writes across tenants."""


class Reach(IntEnum):
    """How far a grant of the access table goes; the servicer checks what the door cannot know."""

    NONE = 0
    """Not at all."""
    OWN = 1
    """The person himself: his holdings, his pools, his claims."""
    TEAM = 2
    """The teams and pools that he manages."""
    TENANT = 3
    """Everything of his tenant."""
    ALL = 4
    """Every tenant."""


DELEGABLE = frozenset({Role.READER, Role.REP, Role.PARTNER, Role.MANAGER})
"""The roles of persons for whom a back end may act."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls.

    Attributes:
        subject: The caller: `rep:wang`, `manager:li`, `service:erp`, `system:pool`.
        tenant: The tenant he is bound to; None across tenants (own services, dev's local admin).
        roles: What he may do; with `on_behalf_of`, what that person may do.
        on_behalf_of: The person for whom a back end calls: `rep:wang`.
    """

    subject: str
    tenant: str | None
    roles: frozenset[Role]
    on_behalf_of: str | None = None

    @property
    def person(self) -> str:
        """The subject whose rights apply and who is responsible: for whom the call is made."""
        return self.on_behalf_of or self.subject

    @property
    def rep(self) -> str | None:
        """The id of the rep that the person is, or None."""
        kind, _, ident = self.person.partition(":")
        return ident if kind in {"rep", "partner", "manager"} and ident else None

    @property
    def is_own_service(self) -> bool:
        """Whether one of Gonghai's own services calls."""
        return Role.SERVICE in self.roles

    def __str__(self) -> str:
        """Write the caller and the person he calls for."""
        return f"{self.subject} for {self.on_behalf_of}" if self.on_behalf_of else self.subject


LOCAL_ADMIN = Principal("admin:local", None, frozenset({Role.ADMIN}))
"""Who calls in dev mode when the call does not say."""
