"""Many requests answered together, in columns: what simulations ask of a whole population.

The answers are those of `Engine.decide`. What columns do not bear (facts that a plugin's function
makes, a fact that breaks its declaration, a plugin that is missing) is asked one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai_engine.column_decisions import FAILED
from gonghai_engine.decisions import Decision, DecisionFailure
from gonghai_engine.verdicts import Moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gonghai_engine.column_decisions import Decided
    from gonghai_engine.decisions import DecisionRequest
    from gonghai_engine.engine import Engine
    from gonghai_engine.outcomes import Outcome
    from gonghai_engine.tenants import Resolved, TenantPolicy
    from gonghai_plugin.policies import Policy


@dataclass(frozen=True, slots=True)
class _Together:
    """Requests of one policy, industry and moment, which were decided in columns."""

    decided: Decided
    resolved: Resolved
    tenant: TenantPolicy


class Page:
    """The answers to some requests, in their order; a decision is made when it is asked for."""

    def __init__(
        self,
        requests: Sequence[DecisionRequest],
        together: Mapping[int, tuple[_Together, int]],
        alone: Mapping[int, Decision | DecisionFailure],
    ) -> None:
        self._requests = requests
        self._together = together
        self._alone = alone

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._requests)

    @property
    def in_columns(self) -> int:
        """Return how many were decided in columns; the others were one by one."""
        return len(self._together)

    def outcome(self, place: int) -> Outcome | None:
        """Return what was decided on a request; None: it could not be."""
        if place in self._together:
            group, row = self._together[place]
            made: Outcome = group.decided.outcomes[group.decided.outcome[row]]
            return made
        answer = self._alone[place]
        return answer.outcome if isinstance(answer, Decision) else None

    def answer(self, place: int) -> Decision | DecisionFailure:
        """Return all that is said about a request, as `Engine.decide` would."""
        if place not in self._together:
            return self._alone[place]
        group, row = self._together[place]
        return group.resolved.decision(
            self._requests[place],
            group.tenant,
            group.decided.verdict(row),
            group.decided.values(row),
        )

    def failures(self) -> Iterator[DecisionFailure]:
        """Yield what could not be decided."""
        for answer in self._alone.values():
            if isinstance(answer, DecisionFailure):
                yield answer


async def page(engine: Engine, requests: Sequence[DecisionRequest]) -> Page:
    """Answer requests together. Never raises for a bad one.

    The columns are evaluated in one go: some thousand requests at a time keep nobody waiting.
    """
    groups: dict[tuple[str, str, Policy, int], list[int]] = {}
    for place, request in enumerate(requests):
        key = request.tenant, request.industry, request.policy, request.now
        groups.setdefault(key, []).append(place)
    together: dict[int, tuple[_Together, int]] = {}
    for places in groups.values():
        group = _in_columns(engine, [requests[place] for place in places])
        if group is not None:
            together |= {
                place: (group, row)
                for row, place in enumerate(places)
                if group.decided.outcome[row] != FAILED
            }
    left = [place for place in range(len(requests)) if place not in together]
    answers = await engine.decide([requests[place] for place in left]) if left else ()
    return Page(requests, together, dict(zip(left, answers, strict=True)))


def _in_columns(engine: Engine, requests: Sequence[DecisionRequest]) -> _Together | None:
    """Decide requests that differ in their facts alone; None where columns do not bear it."""
    first = requests[0]
    tenant = engine.tenant(first.tenant)
    industry = tenant.industry(first.industry)
    resolved = industry.resolved.get(first.policy)
    if resolved is None or resolved.compiled.functions:
        return None
    moment = Moment(first.now, tenant.calendar)
    try:
        facts = industry.columns([request.facts for request in requests], first.policy)
        decided = industry.decide_columns(first.policy, facts, moment)
        _ = decided.outcomes  # made here, so that what fails in making them is found here
    except Exception:  # noqa: BLE001 - whatever a plugin's declarations lead to: each alone says it
        return None
    return _Together(decided, resolved, tenant)
