"""Sample data as plugins ship it, found by entry point: no plugin is known by name here.

A sample is plain values. What they look like is written down here as protocols; instants are
microseconds since the epoch, amounts minor units, ids as resource names take them.
"""
# ruff: noqa: D102 - the attributes of a protocol are explained by its docstring

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final, Protocol, cast, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

GROUP: Final = "gonghai.samples"
"""The entry points by which a distribution offers samples, named after the plugin."""


class NoSample(Exception):  # noqa: N818 - named after what is the case
    """No installed plugin of this name ships a sample."""


class Region(Protocol):
    """A region; `parent` is the id of the one above it, None at the top."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def parent(self) -> str | None: ...


class Team(Protocol):
    """A team; `manager` is the id of a rep."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def manager(self) -> str: ...


class Rep(Protocol):
    """A rep; seniority and performance 0 to 100, regions by id, capacity in hundredths."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def team(self) -> str: ...
    @property
    def regions(self) -> Sequence[str]: ...
    @property
    def skills(self) -> Sequence[str]: ...
    @property
    def product_lines(self) -> Sequence[str]: ...
    @property
    def languages(self) -> Sequence[str]: ...
    @property
    def seniority(self) -> int: ...
    @property
    def performance(self) -> int: ...
    @property
    def capacity(self) -> int: ...


class Pool(Protocol):
    """A pool; `teams` are its members, `managers` ids of reps."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def teams(self) -> Sequence[str]: ...
    @property
    def managers(self) -> Sequence[str]: ...
    @property
    def hidden_fields(self) -> Sequence[str]: ...
    @property
    def per_day(self) -> int: ...
    @property
    def per_week(self) -> int: ...
    @property
    def cool_down_days(self) -> int: ...
    @property
    def embargo_hours(self) -> int: ...
    @property
    def holding_limit(self) -> int: ...


class Contact(Protocol):
    """A person at a customer."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def phone(self) -> str: ...
    @property
    def email(self) -> str: ...


class Customer(Protocol):
    """A customer; its region by id."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def credit_code(self) -> str: ...
    @property
    def phone(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def contacts(self) -> Sequence[Contact]: ...
    @property
    def tags(self) -> Sequence[str]: ...
    @property
    def attributes(self) -> Mapping[str, object]: ...


class Line(Protocol):
    """A line of a purchase."""

    @property
    def product(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def quantity(self) -> int: ...
    @property
    def amount(self) -> int: ...


@runtime_checkable
class Purchase(Protocol):
    """A purchase."""

    @property
    def id(self) -> str: ...
    @property
    def customer(self) -> str: ...
    @property
    def at(self) -> int: ...
    @property
    def amount(self) -> int: ...
    @property
    def channel(self) -> str: ...
    @property
    def lines(self) -> Sequence[Line]: ...


@runtime_checkable
class FollowUp(Protocol):
    """A follow-up; by whoever holds the customer where `rep` is None."""

    @property
    def id(self) -> str: ...
    @property
    def customer(self) -> str: ...
    @property
    def at(self) -> int: ...
    @property
    def rep(self) -> str | None: ...
    @property
    def channel(self) -> str: ...
    @property
    def outcome(self) -> str: ...
    @property
    def minutes(self) -> int: ...


@runtime_checkable
class Return(Protocol):
    """Goods of a purchase given back."""

    @property
    def id(self) -> str: ...
    @property
    def customer(self) -> str: ...
    @property
    def at(self) -> int: ...
    @property
    def purchase(self) -> str: ...
    @property
    def amount(self) -> int: ...
    @property
    def lines(self) -> Sequence[Line]: ...


@runtime_checkable
class Feedback(Protocol):
    """What a customer said: a complaint, a suggestion or praise."""

    @property
    def id(self) -> str: ...
    @property
    def customer(self) -> str: ...
    @property
    def at(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def text(self) -> str: ...


@runtime_checkable
class Interest(Protocol):
    """A product that a customer asked about."""

    @property
    def id(self) -> str: ...
    @property
    def customer(self) -> str: ...
    @property
    def at(self) -> int: ...
    @property
    def product(self) -> str: ...
    @property
    def category(self) -> str: ...


Other = Return | Feedback | Interest
"""What happens with a customer beside purchases and follow-ups."""


@runtime_checkable
class Claims(Protocol):
    """A rep tries to claim these customers, one after the other."""

    @property
    def at(self) -> int: ...
    @property
    def rep(self) -> str: ...
    @property
    def customers(self) -> Sequence[str]: ...


@runtime_checkable
class ClaimBack(Protocol):
    """Former owners try to claim back what they lost: so many customers."""

    @property
    def at(self) -> int: ...
    @property
    def count(self) -> int: ...


class Sample(Protocol):
    """A tenant's data: what happened lies before the start, `script` after it."""

    @property
    def tenant(self) -> str: ...
    @property
    def industry(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def days(self) -> int: ...
    @property
    def policy_yaml(self) -> str: ...
    @property
    def regions(self) -> Sequence[Region]: ...
    @property
    def teams(self) -> Sequence[Team]: ...
    @property
    def reps(self) -> Sequence[Rep]: ...
    @property
    def pools(self) -> Sequence[Pool]: ...
    @property
    def customers(self) -> Sequence[Customer]: ...
    @property
    def purchases(self) -> Sequence[Purchase]: ...
    @property
    def follow_ups(self) -> Sequence[FollowUp]: ...
    @property
    def others(self) -> Sequence[Other]: ...
    @property
    def script(self) -> Sequence[Purchase | FollowUp | Other | Claims | ClaimBack]: ...


class SampleMaker(Protocol):
    """Makes a sample; the same arguments make the same one.

    One that is best begun on some day of a year has that day's `month` and `day` as well.
    """

    def __call__(self, *, seed: int, start: int, customers: int = 300) -> Sample:
        """Make a sample.

        Args:
            seed: of the generator.
            start: when the import takes place; the history lies in the year before.
            customers: how many.
        """


def first_day(make: SampleMaker, earliest: datetime) -> datetime:
    """Return the first day from ``earliest`` on on which a sample is best begun."""
    month, day = getattr(make, "month", earliest.month), getattr(make, "day", earliest.day)
    begun = earliest.replace(month=month, day=day)
    return begun if begun >= earliest else begun.replace(year=begun.year + 1)


def sample_maker(plugin: str) -> SampleMaker:
    """Return what makes a plugin's sample.

    Raises:
        NoSample: no installed plugin of this name ships one.
    """
    offered = entry_points(group=GROUP)
    for point in offered:
        if point.name == plugin:
            return cast("SampleMaker", point.load())
    known = ", ".join(sorted(point.name for point in offered)) or "none"
    raise NoSample(f"No plugin {plugin!r} ships a sample; there are: {known}.")
