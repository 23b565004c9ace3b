"""What people say about a customer: the part of its record that they write.

The values are tuples with names, so that they are compact in the store, where they are written as
lists in this order: a new field goes to the end and has a default.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from gonghai_archive.derived import derived_id
from gonghai_archive.identifiers import Identifier
from gonghai_chassis.errors import FieldViolation, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

ORGANIZATION = "organization"
PERSON = "person"

_CONTACT_ID = 12
"""Digits of a made contact id: it only has to differ within one customer."""


class Contact(NamedTuple):
    """A person at a customer (联系人); telephone in E.164, address in lower case.

    `contact_id` tells him apart there; it is made when it is missing, and kept.
    """

    display_name: str
    role: str = ""
    phone: str = ""
    email: str = ""
    wechat: str = ""
    primary: bool = False
    contact_id: str = ""


class Address(NamedTuple):
    """A postal address, from the province down."""

    label: str = ""
    province: str = ""
    city: str = ""
    district: str = ""
    street: str = ""
    postal_code: str = ""


class SpecialDate(NamedTuple):
    """A date that matters each year; year 0 is unknown, `lunar` means the Chinese calendar."""

    label: str
    year: int
    month: int
    day: int
    lunar: bool = False


class Profile(NamedTuple):
    """A customer as people describe it.

    Attributes:
        display_name: what people call it.
        type: `organization` or `person`.
        industry: as the tenant's policy document names it; "" for its default.
        region: path of region ids from the top (`east/shanghai`), or "".
        source: where it came from.
        contacts: the people there.
        addresses: where it is.
        identifiers: what tells it apart, normalised.
        tags: in the order given.
        special_requirements: what must be heeded.
        preferred_channel: `phone`, `wechat`, …, or "".
        dates: birthdays, anniversaries.
        parent_customer: id of the parent company, or "".
        group: the group of companies, or "".
        attributes: custom ones by name, as the plugin's schema normalised them.
    """

    display_name: str
    type: str = ORGANIZATION
    industry: str = ""
    region: str = ""
    source: str = ""
    contacts: tuple[Contact, ...] = ()
    addresses: tuple[Address, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
    tags: tuple[str, ...] = ()
    special_requirements: str = ""
    preferred_channel: str = ""
    dates: tuple[SpecialDate, ...] = ()
    parent_customer: str = ""
    group: str = ""
    attributes: Mapping[str, Any] = MappingProxyType({})

    def packable(self) -> list[Any]:
        """Return it as the store keeps it."""
        row = list(self)
        row[-1] = {
            name: sorted(value) if isinstance(value, frozenset | set) else value
            for name, value in sorted(self.attributes.items())
        }
        return row

    @classmethod
    def unpacked(cls, row: Any) -> Self:  # noqa: ANN401 - as the store keeps it
        """Read what `packable` gave."""
        fields = list(row)
        fields[5] = tuple(map(Contact._make, fields[5]))
        fields[6] = tuple(map(Address._make, fields[6]))
        fields[7] = tuple(map(Identifier._make, fields[7]))
        fields[11] = tuple(map(SpecialDate._make, fields[11]))
        return cls(*fields)

    def changed(self, before: Profile) -> tuple[str, ...]:
        """Return the names of the fields that differ from before."""
        old, new = before.packable(), self.packable()
        return tuple(name for name, a, b in zip(self._fields, old, new, strict=True) if a != b)


def with_contact_ids(profile: Profile, *marks: str) -> Profile:
    """Return it with an id for each contact that has none.

    Args:
        profile: what people say of a customer.
        marks: what tells this moment of this customer from every other: the same marks make the
            same ids, so that an attempt repeated makes no others.

    Raises:
        InvalidRequest: two contacts have one id.
    """
    contacts = tuple(
        contact
        if contact.contact_id
        else contact._replace(contact_id=derived_id(*marks, str(place))[:_CONTACT_ID])
        for place, contact in enumerate(profile.contacts)
    )
    if len({contact.contact_id for contact in contacts}) < len(contacts):
        raise InvalidRequest(FieldViolation("customer.contacts", "two have the same contact_id"))
    return profile._replace(contacts=contacts)


def region_prefixes(region: str) -> list[str]:
    """Return a region's path and those of all regions above it, the top first."""
    parts = region.split("/") if region else []
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]
