"""Who suits a customer: every rep scored at once, with what excluded the others.

Pure and deterministic: scores are whole numbers, ties go to the smaller rep id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from gonghai_engine.outcomes import Needs, RegionMatch, Service, Strategy, Weights

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

PER_MILLE: Final = 1000
"""A term's full score, and that of the total."""

TERMS: Final = ("value", "need", "ability", "region", "stage", "load", "relation")

_HUNDRED: Final = 100


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rep as the matching sees him.

    ``regions`` are those he was given (a customer's regions hold the ancestors). Seniority and
    performance run from 0 to 100; load and capacity are in hundredths of a customer. ``declined``:
    he was offered this customer before.
    """

    rep: str
    team: str = ""
    seniority: int = 0
    skills: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    product_lines: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    performance: int = 50
    load: int = 0
    capacity: int = 0
    available: bool = True
    declined: bool = False
    service: Service = Service.PERSON
    turn: int = 0
    """For round robin: how many he got, divided by his weight; the smallest is next."""


@dataclass(frozen=True, slots=True)
class CustomerTerms:
    """A customer as the matching sees it. ``regions``: its region and all above it.

    ``rank`` is its tier's. ``members`` are the reps of its pool, None: anybody may have it.
    ``weight`` is what it adds to a load, in hundredths.
    """

    customer: str
    regions: frozenset[str] = frozenset()
    rank: int = 0
    stage: str = ""
    weight: int = 100
    former_owner: str | None = None
    group_owner: str | None = None
    members: frozenset[str] | None = None
    declined: frozenset[str] = frozenset()
    """Reps who were offered this customer before, beside those the table says it of."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A rep's place: the total and its terms, per mille."""

    rep: str
    total: int
    terms: Mapping[str, int]


class CandidateTable:
    """Reps as columns, ready to be scored against many customers."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        """Take candidates, in any order; ids must differ (ValueError)."""
        self.candidates = tuple(sorted(candidates, key=lambda candidate: candidate.rep))
        self.reps = tuple(candidate.rep for candidate in self.candidates)
        if len(set(self.reps)) != len(self.reps):
            raise ValueError("a rep stands in the table twice")
        self.place = {rep: index for index, rep in enumerate(self.reps)}
        self.seniority = self._numbers([item.seniority for item in self.candidates])
        self.performance = self._numbers([item.performance for item in self.candidates])
        self.load = self._numbers([item.load for item in self.candidates])
        self.capacity = self._numbers([item.capacity for item in self.candidates])
        self.turn = self._numbers([item.turn for item in self.candidates])
        self.available = self._flags([item.available for item in self.candidates])
        self.declined = self._flags([item.declined for item in self.candidates])
        self._skills: dict[str, NDArray[np.bool_]] = {}
        self._regions: dict[str, NDArray[np.bool_]] = {}

    def __len__(self) -> int:
        """Return how many reps there are."""
        return len(self.candidates)

    def with_skill(self, skill: str) -> NDArray[np.bool_]:
        """Return who has a skill, a product line (``product:x``) or a language (``language:x``)."""
        if skill not in self._skills:
            kind, _, name = skill.partition(":")
            self._skills[skill] = self._flags(
                [
                    skill in item.skills
                    or (kind == "product" and name in item.product_lines)
                    or (kind == "language" and name in item.languages)
                    for item in self.candidates
                ]
            )
        return self._skills[skill]

    def in_region(self, region: str) -> NDArray[np.bool_]:
        """Return who was given a region."""
        if region not in self._regions:
            self._regions[region] = self._flags(
                [region in item.regions for item in self.candidates]
            )
        return self._regions[region]

    def serving(self, service: Service) -> NDArray[np.bool_]:
        """Return who serves in this way."""
        return self._flags([item.service is service for item in self.candidates])

    @staticmethod
    def _numbers(values: Sequence[int]) -> NDArray[np.int64]:
        return np.array(values, dtype=np.int64)

    @staticmethod
    def _flags(values: Sequence[bool]) -> NDArray[np.bool_]:
        return np.array(values, dtype=np.bool_)


class Scores:
    """What `score` found, for every rep of the table."""

    def __init__(
        self,
        table: CandidateTable,
        terms: Mapping[str, NDArray[np.int64]],
        totals: NDArray[np.int64],
        order: NDArray[np.int64],
        barriers: Sequence[tuple[str, NDArray[np.bool_]]],
    ) -> None:
        """Take columns over the table's reps."""
        self._table = table
        self._terms = terms
        self._totals = totals
        self._barriers = tuple(barriers)
        self.eligible: NDArray[np.bool_] = ~np.any(np.stack([mask for _, mask in barriers]), axis=0)
        self._order = order[self.eligible[order]]

    @property
    def excluded(self) -> dict[str, tuple[str, ...]]:
        """Return why each rep that is not eligible is not."""
        return {
            self._table.reps[place]: self._why(int(place))
            for place in np.flatnonzero(~self.eligible)
        }

    def why_not(self, rep: str) -> tuple[str, ...]:
        """Return what excludes a rep; nothing when he is eligible. Raises KeyError when unknown."""
        return self._why(self._table.place[rep])

    def best(self) -> str | None:
        """Return who suits best by the strategy; None when nobody is eligible."""
        return self._table.reps[self._order[0]] if len(self._order) else None

    def ranked(self, count: int | None = None) -> tuple[Ranked, ...]:
        """Return the eligible reps, the best first."""
        return tuple(self._rank(int(place)) for place in self._order[:count])

    def rank_of(self, rep: str) -> Ranked:
        """Return a rep's total and terms, eligible or not. Raises KeyError when unknown."""
        return self._rank(self._table.place[rep])

    def terms(self, rep: str) -> dict[str, int]:
        """Return a rep's terms, per mille each. Raises KeyError when unknown."""
        return dict(self.rank_of(rep).terms)

    def total(self, rep: str) -> int:
        """Return a rep's total, per mille. Raises KeyError when unknown."""
        return self.rank_of(rep).total

    def _rank(self, place: int) -> Ranked:
        terms = {name: int(column[place]) for name, column in self._terms.items()}
        return Ranked(self._table.reps[place], int(self._totals[place]), terms)

    def _why(self, place: int) -> tuple[str, ...]:
        return tuple(name for name, mask in self._barriers if mask[place])


def score(needs: Needs, customer: CustomerTerms, table: CandidateTable) -> Scores:
    """Score every rep of ``table`` for ``customer``.

    Best match: by total. Sticky: the former owner or the owner of the group first, then by total.
    Least loaded: by share of the capacity used. Weighted round robin: by `Candidate.turn`.
    """
    terms = _terms(needs, customer, table)
    totals = _total(needs.weights, terms)
    keys: tuple[NDArray[np.int64], ...]
    match needs.strategy:
        case Strategy.LEAST_LOADED:
            keys = (-totals, -terms["load"])
        case Strategy.WEIGHTED_ROUND_ROBIN:
            keys = (-totals, table.turn)
        case Strategy.STICKY:
            keys = (-totals, -terms["relation"])
        case Strategy.BEST_MATCH:
            keys = (-totals,)
    # The last key counts most; the rows are in order of the ids, and the sort is stable.
    order = np.lexsort(keys)
    return Scores(table, terms, totals, order, _barriers(needs, customer, table))


def _barriers(
    needs: Needs, customer: CustomerTerms, table: CandidateTable
) -> list[tuple[str, NDArray[np.bool_]]]:
    barriers = [
        ("unavailable", ~table.available),
        ("declined", table.declined | _among(customer.declined, table)),
        ("wrong_service", ~table.serving(needs.service)),
        ("at_capacity", table.load + customer.weight > table.capacity),
        ("below_seniority", table.seniority < needs.min_seniority),
    ]
    barriers += [
        (f"missing_skill:{skill}", ~table.with_skill(skill)) for skill in needs.required_skills
    ]
    if needs.region is RegionMatch.REQUIRED:
        barriers.append(("other_region", ~_covers(customer, table)))
    if customer.members is not None:
        barriers.append(("not_a_member", ~_among(customer.members, table)))
    if needs.exclude_former_owner and customer.former_owner is not None:
        barriers.append(("former_owner", _among({customer.former_owner}, table)))
    return barriers


def _among(reps: Collection[str], table: CandidateTable) -> NDArray[np.bool_]:
    return np.array([rep in reps for rep in table.reps], dtype=np.bool_)


def _terms(
    needs: Needs, customer: CustomerTerms, table: CandidateTable
) -> dict[str, NDArray[np.int64]]:
    ability = (table.seniority + table.performance) * PER_MILLE // (2 * _HUNDRED)
    # A valuable customer wants a rep who performs; for one of no value everybody is alike.
    value = PER_MILLE - np.maximum(0, customer.rank - table.performance) * PER_MILLE // _HUNDRED
    return {
        "value": value,
        "need": _share(needs.preferred_skills, table),
        "ability": ability,
        "region": np.where(_covers(customer, table), PER_MILLE, 0),
        "stage": np.where(table.with_skill(f"stage:{customer.stage}"), PER_MILLE, 0),
        "load": _free(customer, table),
        "relation": _relation(customer, table),
    }


def _total(weights: Weights, terms: Mapping[str, NDArray[np.int64]]) -> NDArray[np.int64]:
    given = {name: int(getattr(weights, name)) for name in TERMS}
    everything = sum(given.values())
    if not everything:
        return np.zeros_like(terms["load"])
    weighted = sum(
        (terms[name] * weight for name, weight in given.items()), np.zeros_like(terms["load"])
    )
    return weighted // everything


def _covers(customer: CustomerTerms, table: CandidateTable) -> NDArray[np.bool_]:
    covers = np.zeros(len(table), dtype=np.bool_)
    for region in sorted(customer.regions):
        covers |= table.in_region(region)
    return covers


def _share(skills: Sequence[str], table: CandidateTable) -> NDArray[np.int64]:
    if not skills:
        return np.full(len(table), PER_MILLE, dtype=np.int64)
    held = sum(
        (table.with_skill(skill).astype(np.int64) for skill in skills),
        np.zeros(len(table), dtype=np.int64),
    )
    return held * PER_MILLE // len(skills)


def _free(customer: CustomerTerms, table: CandidateTable) -> NDArray[np.int64]:
    after = np.maximum(0, table.capacity - table.load - customer.weight)
    return np.where(table.capacity > 0, after * PER_MILLE // np.maximum(1, table.capacity), 0)


def _relation(customer: CustomerTerms, table: CandidateTable) -> NDArray[np.int64]:
    relation = np.zeros(len(table), dtype=np.int64)
    for rep in (customer.former_owner, customer.group_owner):
        if rep is not None and rep in table.place:
            relation[table.place[rep]] = PER_MILLE
    return relation
