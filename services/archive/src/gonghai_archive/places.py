"""Places (独家): what one customer at the most may have, and what is reported of one by itself.

A customer's places are decided with its stage and tier. The indexes keep who stands where, and the
scripts keep which places have more customers than may be: those are the collisions (撞单).
"""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import quote, unquote

PREFIX: Final = "place:"
"""What the terms of places begin with; the number of customers that is too many comes next."""

_ALONE: Final = 1
_TWO: Final = 2


class Place(NamedTuple):
    """One place that a customer holds.

    Attributes:
        rule: the name of the rule by which it does.
        values: what is held, in the order in which the rule names it; none reports the customer.
        reason_en: why, in English.
        reason_zh: likewise in Chinese.
    """

    rule: str
    values: tuple[str, ...]
    reason_en: str
    reason_zh: str

    def term(self, industry: str, customer: str) -> str:
        """Return the term of the index of those who hold it."""
        least, parts = (_TWO, self.values) if self.values else (_ALONE, (customer,))
        return f"{PREFIX}{least}:" + "/".join(
            quote(part, safe="") for part in (industry, self.rule, *parts)
        )


class Held(NamedTuple):
    """What a term says: of which industry, by which rule, and what is held."""

    industry: str
    rule: str
    values: tuple[str, ...]


def too_many(term: str) -> int | None:
    """Return how many customers are a collision at a term; None where it is none of a place."""
    return int(term[len(PREFIX)]) if term.startswith(PREFIX) else None


def held_at(term: str) -> Held:
    """Read a term that `Place.term` made."""
    industry, rule, *values = map(unquote, term[len(PREFIX) + 2 :].split("/"))
    return Held(industry, rule, tuple(values) if too_many(term) == _TWO else ())
