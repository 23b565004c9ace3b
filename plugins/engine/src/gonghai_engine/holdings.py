"""Custody of many subjects in columns: what the reclaim clocks of a population depend on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gonghai_engine.clocks import Activity, Custody, Extension
from gonghai_engine.columns import MISSING, coded

if TYPE_CHECKING:
    from collections.abc import Sequence, Sized

    from numpy.typing import NDArray

    from gonghai_engine.calendar import Span
    from gonghai_engine.column_decisions import Decided
    from gonghai_engine.columns import Ints, Mask

NEVER: Final = -(2**63)
"""In place of an instant that there is none of."""


@dataclass(frozen=True, slots=True)
class Codes:
    """Values by their place among the distinct ones; -1 stands for None."""

    codes: NDArray[np.int32]
    distinct: tuple[Any, ...]

    @classmethod
    def of(cls, values: Sequence[object]) -> Codes:
        """Code hashable values."""
        return cls(*coded(values))

    def at(self, place: int) -> Any:  # noqa: ANN401 - whatever was coded
        """Return one value."""
        code = self.codes[place]
        return None if code == MISSING else self.distinct[code]


@dataclass(frozen=True, slots=True)
class Entries:
    """Where the entries of each row stand: from ``starts[row]`` to before ``starts[row + 1]``."""

    starts: Ints
    rows: Ints
    """The row of each entry."""

    @classmethod
    def of(cls, several: Sequence[Sized]) -> Entries:
        """Take the entries of each row."""
        counted = np.fromiter(map(len, several), dtype=np.int64, count=len(several))
        starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counted)])
        return cls(starts, np.repeat(np.arange(len(counted), dtype=np.int64), counted))

    def of_row(self, row: int) -> range:
        """Return the places of a row's entries."""
        return range(int(self.starts[row]), int(self.starts[row + 1]))

    def of_rows(self, rows: Ints) -> tuple[Ints, Ints]:
        """Return the entries of some rows: for each the row, by its place among them, and its own.

        One row's entries come after the other's.
        """
        begin, end = self.starts[rows], self.starts[rows + 1]
        of_row = np.repeat(np.arange(len(rows)), end - begin)
        skipped = np.cumsum(end - begin) - (end - begin)
        return of_row, np.arange(len(of_row)) - skipped[of_row] + begin[of_row]


@dataclass(frozen=True, slots=True)
class Activities:
    """What happened in custody, all rows' activities one after another."""

    entries: Entries
    kind: Codes
    at: Ints
    counts: Mask
    clocks: Codes


@dataclass(frozen=True, slots=True)
class Extensions:
    """What was granted, all rows' extensions one after another."""

    entries: Entries
    days: Ints
    at: Ints
    clock: Codes


@dataclass(frozen=True, slots=True)
class Warnings:
    """When which clock was last warned of, all rows' one after another."""

    entries: Entries
    clock: Codes
    at: Ints


@dataclass(frozen=True, slots=True)
class Holdings:
    """The column form of `clocks.Custody`, a row a holding."""

    since: Ints
    protected_until: Ints
    """`NEVER` where nothing was granted."""
    locked: Mask
    stops: Codes
    """Tuples of spans: what stops one holding is most often nothing, or stops many."""
    activities: Activities
    extensions: Extensions
    warned: Warnings

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.since)

    @classmethod
    def of(cls, custodies: Sequence[Custody]) -> Holdings:
        """Turn custodies into columns."""
        happened = _each(custodies, "activities")
        granted = _each(custodies, "extensions")
        warned = _each(custodies, "warned")
        activities = list(chain.from_iterable(happened))
        extensions = list(chain.from_iterable(granted))
        warnings = [item for one in warned if one for item in one.items()]
        return cls(
            since=_ints(_each(custodies, "since")),
            protected_until=_ints([at or NEVER for at in _each(custodies, "protected_until")]),
            locked=np.array(_each(custodies, "locked"), dtype=np.bool_),
            stops=Codes.of(list(map(tuple, _each(custodies, "stops")))),
            activities=Activities(
                Entries.of(happened),
                Codes.of(_each(activities, "kind")),
                _ints(_each(activities, "at")),
                np.array(_each(activities, "counts"), dtype=np.bool_),
                Codes.of(_each(activities, "clocks")),
            ),
            extensions=Extensions(
                Entries.of(granted),
                _ints(_each(extensions, "days")),
                _ints(_each(extensions, "at")),
                Codes.of(_each(extensions, "clock")),
            ),
            warned=Warnings(
                Entries.of(warned),
                Codes.of([clock for clock, _ in warnings]),
                _ints([at for _, at in warnings]),
            ),
        )

    def custody(self, row: int) -> Custody:
        """Return one holding's custody, as it would be handed to `clocks.schedule`."""
        acts, granted, warned = self.activities, self.extensions, self.warned
        protected = int(self.protected_until[row])
        stops: tuple[Span, ...] = self.stops.at(row)
        return Custody(
            since=int(self.since[row]),
            activities=tuple(
                Activity(
                    acts.kind.at(place),
                    int(acts.at[place]),
                    bool(acts.counts[place]),
                    acts.clocks.at(place),
                )
                for place in acts.entries.of_row(row)
            ),
            extensions=tuple(
                Extension(int(granted.days[place]), int(granted.at[place]), granted.clock.at(place))
                for place in granted.entries.of_row(row)
            ),
            stops=stops,
            warned={
                warned.clock.at(place): int(warned.at[place])
                for place in warned.entries.of_row(row)
            },
            locked=bool(self.locked[row]),
            protected_until=None if protected == NEVER else protected,
        )

    def judged(self, decided: Decided) -> Holdings:
        """Return them with each activity counted as a qualification policy decided.

        ``decided`` has a row for each activity, in the order of `activities`. What could not be
        decided counts, for every clock: that is the safe side.
        """
        verdicts = [(outcome.counts, outcome.clocks) for outcome in decided.outcomes]  # type: ignore[union-attr] # of a qualification
        # A failure's code, -1, is the last place.
        counts = np.array([*(counts for counts, _ in verdicts), True], dtype=np.bool_)
        clocks = Codes.of([*(clocks for _, clocks in verdicts), None])
        acts = self.activities
        judged = Activities(
            acts.entries,
            acts.kind,
            acts.at,
            counts[decided.outcome],
            Codes(clocks.codes[decided.outcome], clocks.distinct),
        )
        return Holdings(
            self.since,
            self.protected_until,
            self.locked,
            self.stops,
            judged,
            self.extensions,
            self.warned,
        )


def _each(items: Sequence[object], name: str) -> list[Any]:
    return list(map(attrgetter(name), items))


def _ints(values: list[int]) -> Ints:
    return np.array(values, dtype=np.int64)
