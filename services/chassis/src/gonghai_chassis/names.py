"""Resource names as values: `tenants/{tenant}/customers/{customer}` and the others.

Each is parsed where a request comes in and written where an answer goes out; in between commands
pass these values, so that a rep's id cannot be taken for a customer's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final, Self

from gonghai_chassis.errors import FieldViolation, InvalidRequest

ID_PATTERN: Final = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
"""What an id looks like: as RFC 1035 labels, but a digit may lead."""

_ID = re.compile(ID_PATTERN)


@dataclass(frozen=True, slots=True)
class TenantName:
    """`tenants/{tenant}`."""

    tenant: str

    @classmethod
    def parse(cls, text: str, field: str = "name") -> Self:
        """Read a name that came in the request's `field`.

        Raises:
            InvalidRequest: it is no such name.
        """
        collection, slash, tenant = text.partition("/")
        if collection == "tenants" and slash and _ID.fullmatch(tenant):
            return cls(tenant)
        raise _not_a_name(text, field, "tenants/{tenant}")

    def __str__(self) -> str:
        """Write the name."""
        return f"tenants/{self.tenant}"


@dataclass(frozen=True, slots=True, order=True)
class _InTenant:
    """A resource directly below a tenant."""

    tenant: str
    id: str

    COLLECTION: ClassVar[str]

    @classmethod
    def parse(cls, text: str, field: str = "name") -> Self:
        """Read a name that came in the request's `field`.

        Raises:
            InvalidRequest: it is no such name.
        """
        parts = text.split("/")
        if (
            len(parts) == 4  # noqa: PLR2004 - collection and id, twice
            and parts[0] == "tenants"
            and parts[2] == cls.COLLECTION
            and _ID.fullmatch(parts[1])
            and _ID.fullmatch(parts[3])
        ):
            return cls(parts[1], parts[3])
        singular = cls.COLLECTION.removesuffix("s")
        raise _not_a_name(text, field, f"tenants/{{tenant}}/{cls.COLLECTION}/{{{singular}}}")

    @classmethod
    def parse_optional(cls, text: str, field: str = "name") -> Self | None:
        """Read a name, or None from the empty string."""
        return cls.parse(text, field) if text else None

    @property
    def parent(self) -> TenantName:
        """The tenant's name."""
        return TenantName(self.tenant)

    def __str__(self) -> str:
        """Write the name."""
        return f"tenants/{self.tenant}/{self.COLLECTION}/{self.id}"


class CustomerName(_InTenant):
    """`tenants/{tenant}/customers/{customer}`."""

    __slots__ = ()
    COLLECTION = "customers"


class PoolName(_InTenant):
    """`tenants/{tenant}/pools/{pool}`."""

    __slots__ = ()
    COLLECTION = "pools"


class RepName(_InTenant):
    """`tenants/{tenant}/reps/{rep}`."""

    __slots__ = ()
    COLLECTION = "reps"


class TeamName(_InTenant):
    """`tenants/{tenant}/teams/{team}`."""

    __slots__ = ()
    COLLECTION = "teams"


class RegionName(_InTenant):
    """`tenants/{tenant}/regions/{region}`."""

    __slots__ = ()
    COLLECTION = "regions"


class PlanName(_InTenant):
    """`tenants/{tenant}/plans/{plan}`."""

    __slots__ = ()
    COLLECTION = "plans"


class OfferName(_InTenant):
    """`tenants/{tenant}/offers/{offer}`."""

    __slots__ = ()
    COLLECTION = "offers"


@dataclass(frozen=True, slots=True, order=True)
class _OfCustomer:
    """A resource below a customer."""

    tenant: str
    customer: str
    id: str

    COLLECTION: ClassVar[str]

    @classmethod
    def parse(cls, text: str, field: str = "name") -> Self:
        """Read a name that came in the request's `field`.

        Raises:
            InvalidRequest: it is no such name.
        """
        parts = text.split("/")
        if (
            len(parts) == 6  # noqa: PLR2004 - collection and id, three times
            and (parts[0], parts[2], parts[4]) == ("tenants", "customers", cls.COLLECTION)
            and all(_ID.fullmatch(part) for part in parts[1::2])
        ):
            return cls(parts[1], parts[3], parts[5])
        raise _not_a_name(
            text, field, f"tenants/{{tenant}}/customers/{{customer}}/{cls.COLLECTION}/{{id}}"
        )

    @property
    def parent(self) -> CustomerName:
        """The customer's name."""
        return CustomerName(self.tenant, self.customer)

    def __str__(self) -> str:
        """Write the name."""
        return f"tenants/{self.tenant}/customers/{self.customer}/{self.COLLECTION}/{self.id}"


class ActivityName(_OfCustomer):
    """`tenants/{tenant}/customers/{customer}/activities/{activity}`."""

    __slots__ = ()
    COLLECTION = "activities"


class ExtensionName(_OfCustomer):
    """`tenants/{tenant}/customers/{customer}/extensions/{extension}`."""

    __slots__ = ()
    COLLECTION = "extensions"


@dataclass(frozen=True, slots=True, order=True)
class CustodyName:
    """`tenants/{tenant}/customers/{customer}/custody`: there is one for each customer."""

    tenant: str
    customer: str

    @property
    def parent(self) -> CustomerName:
        """The customer's name."""
        return CustomerName(self.tenant, self.customer)

    @classmethod
    def parse(cls, text: str, field: str = "name") -> Self:
        """Read a name that came in the request's `field`.

        Raises:
            InvalidRequest: it is no such name.
        """
        customer, slash, last = text.rpartition("/")
        if slash and last == "custody":
            name = CustomerName.parse(customer, field)
            return cls(name.tenant, name.id)
        raise _not_a_name(text, field, "tenants/{tenant}/customers/{customer}/custody")

    def __str__(self) -> str:
        """Write the name."""
        return f"tenants/{self.tenant}/customers/{self.customer}/custody"


@dataclass(frozen=True, slots=True, order=True)
class LimitsName:
    """`tenants/{tenant}/limits`: there is one for each tenant."""

    tenant: str

    @classmethod
    def parse(cls, text: str, field: str = "name") -> Self:
        """Read a name that came in the request's `field`.

        Raises:
            InvalidRequest: it is no such name.
        """
        tenant, slash, last = text.rpartition("/")
        if slash and last == "limits":
            return cls(TenantName.parse(tenant, field).tenant)
        raise _not_a_name(text, field, "tenants/{tenant}/limits")

    def __str__(self) -> str:
        """Write the name."""
        return f"tenants/{self.tenant}/limits"


Name = TenantName | _InTenant | _OfCustomer | CustodyName | LimitsName
"""Any resource name."""


def check_id(text: str, field: str) -> str:
    """Return an id that a caller chose.

    Raises:
        InvalidRequest: it is not an id.
    """
    if _ID.fullmatch(text):
        return text
    raise InvalidRequest(
        FieldViolation(
            field, f"{text!r} is no id: lower-case letters, digits and inner hyphens, up to 63"
        )
    )


def same_tenant(tenant: str, name: Name, field: str) -> None:
    """Check that a name in a request belongs to the request's tenant.

    Raises:
        InvalidRequest: it belongs to another one.
    """
    if name.tenant != tenant:
        raise InvalidRequest(FieldViolation(field, f"{name} does not belong to tenants/{tenant}"))


def _not_a_name(text: str, field: str, pattern: str) -> InvalidRequest:
    return InvalidRequest(FieldViolation(field, f"{text!r} does not look like {pattern}"))
