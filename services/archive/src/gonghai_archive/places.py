"""Places (独家): what one customer at the most may have, and what is reported of one by itself.

A customer's places are decided with its stage and tier. The indexes keep who stands where, and the
scripts keep which places have more customers than may be: those are the collisions (撞单). A place
can lie inside others: who stands there stands within those as well, and may not when they are held.
"""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import quote, unquote

from gonghai_plugin import Text

PREFIX: Final = "place:"
"""What the terms of places begin with; the number of customers that is too many comes next."""

WITHIN: Final = "within:"
"""What the terms begin with of those who stand at places that lie inside a place."""

_ALONE: Final = 1
_TWO: Final = 2


class Place(NamedTuple):
    """One place that a customer holds.

    Attributes:
        rule: the name of the rule by which it does.
        values: what is held, in the order in which the rule names it; none reports the customer.
        reason_en: why, in English.
        reason_zh: likewise in Chinese.
        inside: the values of the places inside which it lies.
    """

    rule: str
    values: tuple[str, ...]
    reason_en: str
    reason_zh: str
    inside: tuple[tuple[str, ...], ...] = ()

    @property
    def reason(self) -> Text:
        """Why, in both languages."""
        return Text(self.reason_en, self.reason_zh)

    def term(self, industry: str, customer: str) -> str:
        """Return the term of the index of those who hold it."""
        least, parts = (_TWO, self.values) if self.values else (_ALONE, (customer,))
        return f"{PREFIX}{least}:{_quoted(industry, self.rule, *parts)}"

    def terms(self, industry: str, customer: str) -> set[str]:
        """Return that term, and those of the indexes of who stands within a larger place."""
        larger = (f"{WITHIN}{_quoted(industry, self.rule, *values)}" for values in self.inside)
        return {self.term(industry, customer), *larger}


class Held(NamedTuple):
    """What a term says: of which industry, by which rule, and what is held."""

    industry: str
    rule: str
    values: tuple[str, ...]


def too_many(term: str) -> int | None:
    """Return how many customers are a collision at a term; None where it is none of a place."""
    return int(term[len(PREFIX)]) if term.startswith(PREFIX) else None


def within(term: str) -> str:
    """Return the term of those who stand within a place, given the place's own."""
    return WITHIN + term[len(PREFIX) + 2 :]


def crowded(least: int, holders: int, inside: int) -> bool:
    """Say whether more stand at a place than may: at it, or at it and within it."""
    return holders >= least or (holders > 0 and inside > 0)


def held_at(term: str) -> Held:
    """Read a term that `Place.term` made."""
    industry, rule, *values = map(unquote, term[len(PREFIX) + 2 :].split("/"))
    return Held(industry, rule, tuple(values) if too_many(term) == _TWO else ())


def _quoted(*parts: str) -> str:
    return "/".join(quote(part, safe="") for part in parts)
