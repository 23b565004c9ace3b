"""What was decided of a customer: stage, tier and admission, on which measures, and until when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gonghai_archive.metrics import NAMES, Metrics
from gonghai_archive.places import Place
from gonghai_policy_service.reasons import because_record, recorded_because

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_plugin import Text

_BEFORE_PLACES = 9
_BEFORE_OFTEN = 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that was decided.

    Attributes:
        name: the stage, the tier, or the pool ("" of an admission: out of circulation).
        since: from when on it has been that (µs, domain time).
        decision: the engine's record of the decision.
        kept_because: what failed, when a newer decision should stand here; None otherwise.
        rank: of a tier, 0 to 100.
        value: of a tier, the grade of value, or "".
        potential: of a tier, the grade of potential, or "".
    """

    name: str
    since: int
    decision: dict[str, Any]
    kept_because: Text | None = None
    rank: int = 0
    value: str = ""
    potential: str = ""

    @property
    def rule(self) -> str:
        """The name of the rule that decided."""
        return str(self.decision["r"])

    def kept(self, because: Text) -> Verdict:
        """Return it as it stands after a decision that failed."""
        return replace(self, kept_because=because)

    def packable(self) -> list[Any]:
        """Return it as the store keeps it."""
        return [
            self.name,
            self.since,
            self.decision,
            because_record(self.kept_because),
            self.rank,
            self.value,
            self.potential,
        ]

    @classmethod
    def unpacked(cls, row: Sequence[Any]) -> Verdict:
        """Read what `packable` gave."""
        name, since, decision, because, *grades = row
        return cls(name, since, decision, recorded_because(because), *grades)


@dataclass(frozen=True, slots=True)
class Assessment:
    """All that was decided of a customer at one moment.

    Attributes:
        metrics: what its activities amounted to then.
        stage: None while it could never be decided.
        tier: likewise.
        admission: likewise; the customer waits for its pool meanwhile.
        revision: the tenant's policy revision.
        next_at: when to decide again without anything happening (µs); None for never.
        failures: how many times in a row something failed.
        places: what it holds that one customer at the most may have.
        buys_often: the categories that it buys often, by name.
    """

    metrics: Metrics
    stage: Verdict | None
    tier: Verdict | None
    admission: Verdict | None
    revision: int
    next_at: int | None
    failures: int = 0
    places: tuple[Place, ...] = ()
    buys_often: tuple[str, ...] = ()

    def packable(self) -> list[Any]:
        """Return it as the store keeps it; the head of the record has the revision."""
        metrics = self.metrics
        return [
            metrics.at,
            [metrics.facts.get(name) for name in NAMES],
            metrics.last_order,
            metrics.last_follow_up,
            *(
                None if verdict is None else verdict.packable()
                for verdict in (self.stage, self.tier, self.admission)
            ),
            self.next_at,
            self.failures,
            [list(place) for place in self.places],
            list(self.buys_often),
        ]

    @classmethod
    def unpacked(cls, row: Any, revision: int) -> Assessment:  # noqa: ANN401 - as the store keeps it
        """Read what `packable` gave."""
        at, values, last_order, last_follow_up, stage, tier, admission, next_at, failures = row[
            :_BEFORE_PLACES
        ]
        return cls(
            # An older version stored fewer values: the measures that came later are missing.
            Metrics(at, dict(zip(NAMES, values, strict=False)), {}, last_order, last_follow_up),
            None if stage is None else Verdict.unpacked(stage),
            None if tier is None else Verdict.unpacked(tier),
            None if admission is None else Verdict.unpacked(admission),
            revision,
            next_at,
            failures,
            # What came later than the rest.
            tuple(
                Place(rule, tuple(held), en, zh, tuple(map(tuple, *(later or [()]))))
                for rule, held, en, zh, *later in (
                    row[_BEFORE_PLACES] if len(row) > _BEFORE_PLACES else ()
                )
            ),
            tuple(row[_BEFORE_OFTEN]) if len(row) > _BEFORE_OFTEN else (),
        )
