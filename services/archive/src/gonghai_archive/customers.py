"""A customer's record as the archive keeps it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from gonghai_archive.lines import NOBODY
from gonghai_chassis.names import CustomerName
from gonghai_chassis.store import records

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gonghai_archive.assessment import Assessment
    from gonghai_archive.commissions import Terms
    from gonghai_archive.lines import Downline, Part
    from gonghai_archive.profiles import Profile


class Actor(NamedTuple):
    """Who makes a change: the principal, and the person for whom a back end does, or ""."""

    principal: str
    on_behalf_of: str = ""


SYSTEM = Actor("system:archive")
"""Who changes what changes by itself."""


class Request(NamedTuple):
    """What makes a call safe to repeat: its id and the digest of its content; both "" for none."""

    id: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Customer:
    """One record.

    Attributes:
        tenant: whose customer it is.
        id: its id in the tenant.
        version: from 1, growing by one with each change of any part.
        created: when it was made (µs, domain time).
        updated: when it last changed (µs, domain time).
        profile: what people say of it.
        assessment: what was decided of it.
        owner: id of the rep for whom it was made, or "".
        reservation: token of the place that pool kept for that rep, or "".
        digest: of what it was made with, so that a repeated import is known.
        published: digest of the facts that others were told last.
        told: the version that they were told with.
        part: what it gave to its sponsor when the record was read, if it has one.
        downline: what its second level added up to then.
        terms: by what its orders pay, by the activity's id; known where its activities are. These
            three are kept beside the record.
    """

    tenant: str
    id: str
    version: int
    created: int
    updated: int
    profile: Profile
    assessment: Assessment
    owner: str = ""
    reservation: str = ""
    digest: str = ""
    published: str = ""
    told: int = 0
    part: Part | None = None
    downline: Downline = NOBODY
    terms: Mapping[str, Terms] = field(default_factory=dict)

    @property
    def due_at(self) -> int | None:
        """When to decide on it again (µs), be it that its second level has changed; None: never."""
        moments = (self.assessment.next_at, self.downline.pending_since)
        return min((at for at in moments if at is not None), default=None)

    @property
    def name(self) -> CustomerName:
        """The resource name."""
        return CustomerName(self.tenant, self.id)


def digest_of(profile: Profile, owner: str) -> str:
    """Return a digest of what a customer is made with."""
    packed = records.pack([profile.packable(), owner])
    return hashlib.blake2b(packed, digest_size=16).hexdigest()
