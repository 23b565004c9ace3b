"""The names of policies: `tenants/{tenant}/policies/{industry}.{policy}`.

The industry `default` stands for every one that the tenant's document does not name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from gonghai_chassis.errors import FieldViolation, InvalidRequest, NotFound
from gonghai_chassis.names import TenantName
from gonghai_engine import Policy
from gonghai_policy_service.declared import Declared

_PARTS: Final = 4


@dataclass(frozen=True, slots=True)
class PolicyName:
    """One policy of one industry of a tenant, or what its plugin declares beside them."""

    tenant: str
    industry: str
    policy: Policy | Declared

    @classmethod
    def parse(cls, text: str, field: str = "name") -> Self:
        """Read a name that came in the request's `field`.

        Raises:
            InvalidRequest: it is no such name.
            NotFound: there is no policy of this kind.
        """
        parts = text.split("/")
        industry, dot, policy = parts[-1].rpartition(".")
        if len(parts) != _PARTS or parts[2] != "policies" or not dot or not industry:
            form = "tenants/{tenant}/policies/{industry}.{policy}"
            raise InvalidRequest(FieldViolation(field, f"{text!r} does not look like {form}"))
        tenant = TenantName.parse("/".join(parts[:2]), field).tenant
        for kind in (*Policy, *Declared):
            if policy == kind:
                return cls(tenant, industry, kind)
        raise NotFound(text)

    def __str__(self) -> str:
        """Write the name."""
        return f"{TenantName(self.tenant)}/policies/{self.industry}.{self.policy}"
