"""What the sample is made of. Instants are microseconds UTC, amounts minor units of CNY (分)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Region:
    """A region; ``parent`` is None for the country."""

    id: str
    name: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class Team:
    """A sales team, its manager among the reps."""

    id: str
    name: str
    manager: str
    region: str


@dataclass(frozen=True, slots=True)
class Rep:
    """A salesperson. ``capacity`` is in hundredths of a customer, as loads are."""

    id: str
    name: str
    team: str
    regions: tuple[str, ...]
    skills: tuple[str, ...]
    product_lines: tuple[str, ...]
    languages: tuple[str, ...]
    seniority: int
    performance: int
    capacity: int
    manager: bool
    phone: str


@dataclass(frozen=True, slots=True)
class Pool:
    """A public pool: who may claim from it, what he can't read before, how much he may take."""

    id: str
    name: str
    teams: tuple[str, ...]
    managers: tuple[str, ...]
    hidden_fields: tuple[str, ...]
    per_day: int
    per_week: int
    holding_limit: int
    cool_down_days: int
    embargo_hours: int


@dataclass(frozen=True, slots=True)
class Contact:
    """A person at a customer."""

    name: str
    title: str
    phone: str
    email: str


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer to import."""

    id: str
    name: str
    kind: str
    region: str
    source: str
    credit_code: str
    phone: str
    address: str
    contacts: tuple[Contact, ...]
    tags: tuple[str, ...]
    attributes: Mapping[str, bool | int | str | tuple[str, ...]]
    created_at: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a purchase."""

    product: str
    category: str
    quantity: int
    amount: int


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase; ``id`` is unique, so that sending it twice does nothing."""

    id: str
    customer: str
    at: int
    channel: str
    lines: tuple[Line, ...]

    @property
    def amount(self) -> int:
        """Return the sum of the lines."""
        return sum(line.amount for line in self.lines)


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A follow-up. ``rep`` None: by whoever holds the customer at that time, by nobody if none.

    ``channel`` is one of phone, sms, wechat, email, visit, meeting; ``outcome`` one of reached,
    not_reached, interested, not_interested, ordered.
    """

    id: str
    customer: str
    rep: str | None
    at: int
    channel: str
    outcome: str
    minutes: int


@dataclass(frozen=True, slots=True)
class Return:
    """Goods given back: part of a purchase, or all of it."""

    id: str
    customer: str
    at: int
    purchase: str
    lines: tuple[Line, ...]

    @property
    def amount(self) -> int:
        """Return the sum of the lines."""
        return sum(line.amount for line in self.lines)


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a customer said: ``kind`` is complaint, suggestion or praise."""

    id: str
    customer: str
    at: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Interest:
    """A product that a customer asked about."""

    id: str
    customer: str
    at: int
    product: str
    category: str


@dataclass(frozen=True, slots=True)
class Claims:
    """A rep tries to claim these, one after the other; some will be refused, which is meant."""

    at: int
    rep: str
    customers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClaimBack:
    """Former owners try to claim back what was reclaimed from them: up to ``count`` customers."""

    at: int
    count: int


Activity: TypeAlias = "FollowUp | Purchase | Return | Feedback | Interest"
Event: TypeAlias = "Activity | Claims | ClaimBack"


@dataclass(frozen=True, slots=True)
class SampleData:
    """A tenant with a year of history before ``start``, and what happens in the days after.

    ``others`` are the returns, feedback and interest of that year. All are sorted by time;
    ``script`` lies within ``days`` days after ``start``.
    """

    tenant: str
    industry: str
    start: int
    days: int
    policy_yaml: str
    regions: tuple[Region, ...]
    teams: tuple[Team, ...]
    reps: tuple[Rep, ...]
    pools: tuple[Pool, ...]
    customers: tuple[Customer, ...]
    purchases: tuple[Purchase, ...]
    follow_ups: tuple[FollowUp, ...]
    others: tuple[Return | Feedback | Interest, ...]
    script: tuple[Event, ...]
