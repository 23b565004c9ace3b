"""Candidates and their scores as messages of the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gonghai.assignment.v1 import assignment_service_pb2 as pb
from gonghai_chassis.names import RepName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gonghai_assignment.explanations import Explained

_MICRO_PER_MILLE = 1000


def ranked_messages(tenant: str, explained: Explained) -> Iterator[pb.Candidate]:
    """Those who were eligible, the best first; of the later ones the total alone is kept."""
    for rep, total, terms in explained.ranked:
        yield pb.Candidate(
            rep=str(RepName(tenant, rep)),
            score_micro=total * _MICRO_PER_MILLE,
            terms=[
                pb.ScoreTerm(
                    term=weight.name,
                    value_micro=value * _MICRO_PER_MILLE,
                    weight_milli=weight.weight,
                )
                for weight, value in zip(explained.weights, terms, strict=True)
            ],
        )
    for rep, total in explained.others:
        yield pb.Candidate(rep=str(RepName(tenant, rep)), score_micro=total * _MICRO_PER_MILLE)


def excluded_messages(tenant: str, explained: Explained) -> Iterator[pb.Candidate]:
    """Those who were not, in the order of their ids, with what excluded each."""
    for rep, codes in sorted(explained.excluded.items()):
        yield pb.Candidate(rep=str(RepName(tenant, rep)), exclusions=codes)
