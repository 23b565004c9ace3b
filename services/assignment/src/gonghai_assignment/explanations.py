"""Explanations of routings: who was considered, what excluded each, and the terms of the scores."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gonghai_chassis.store import records
from gonghai_engine import Decision
from gonghai_policy_service.reasons import (
    because_record,
    reason_record,
    recorded_because,
    recorded_reason,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gonghai_engine import Text

_EXPLANATION = records.RecordType("explanation", schema=1)


@dataclass(frozen=True, slots=True)
class Term:
    """A term of the scores: its name and what it weighs, in thousandths."""

    name: str
    weight: int


@dataclass(frozen=True, slots=True)
class Explained:
    """How a choice came about.

    Attributes:
        decision: what the customer needed.
        kept_because: what failed, when that decision is an older one or missing.
        reason: why it is this rep, or nobody.
        weights: the terms of the scores.
        ranked: the best, as (rep, total, values of the terms), per mille.
        others: the eligible ones after them, as (rep, total).
        excluded: what excluded each of the others.
        causes: how many each cause excluded.
    """

    decision: Decision | None
    kept_because: Text | None
    reason: Text
    weights: tuple[Term, ...] = ()
    ranked: tuple[tuple[str, int, tuple[int, ...]], ...] = ()
    others: tuple[tuple[str, int], ...] = ()
    excluded: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    causes: Mapping[str, int] = field(default_factory=dict)


def pack_explanation(explained: Explained) -> bytes:
    """The record of an explanation, compact: reps who share causes stand together."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for rep, codes in explained.excluded.items():
        alike.setdefault(codes, []).append(rep)
    record: dict[str, Any] = {
        "kept": because_record(explained.kept_because),
        "reason": reason_record(explained.reason),
        "weights": [[term.name, term.weight] for term in explained.weights],
        "ranked": [[rep, total, *terms] for rep, total, terms in explained.ranked],
        "others": [[rep, total] for rep, total in explained.others],
        "excluded": [[list(codes), reps] for codes, reps in alike.items()],
    }
    if explained.decision is not None:
        record["decision"] = explained.decision.to_record()
    return _EXPLANATION.pack(record)


def explanation_of(packed: bytes) -> Explained:
    """What the record of `pack_explanation` says."""
    record = _EXPLANATION.unpack(packed)
    decision = record.get("decision")
    excluded = {
        rep: tuple(codes) for codes, reps in records.sequence(record["excluded"]) for rep in reps
    }
    causes: dict[str, int] = {}
    for codes in excluded.values():
        for code in codes:
            causes[code] = causes.get(code, 0) + 1
    return Explained(
        decision=Decision.from_record(decision) if decision else None,
        kept_because=recorded_because(record["kept"]),
        reason=recorded_reason(record["reason"]),
        weights=tuple(Term(name, weight) for name, weight in records.sequence(record["weights"])),
        ranked=tuple(
            (rep, total, tuple(terms)) for rep, total, *terms in records.sequence(record["ranked"])
        ),
        others=tuple((rep, total) for rep, total in records.sequence(record["others"])),
        excluded=excluded,
        causes=causes,
    )
