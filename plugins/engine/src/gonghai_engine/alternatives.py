"""A condition as alternatives: each a plain list of tests that must all pass.

That is the form durable-rules gets, and the form in which rules can be compared with each other:
an alternative that can't be met, or that an earlier rule already covers, is found here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gonghai_engine.bound import (
    INVERSE,
    Absent,
    Bound,
    Contains,
    Every,
    Flag,
    Number,
    Reverse,
    Some,
    Word,
)
from gonghai_engine.faults import DeclarationError
from gonghai_plugin.conditions import Operator
from gonghai_plugin.facts import INT64_MAX, INT64_MIN

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_ALTERNATIVES: Final = 64
"""Of one rule; a condition with more of them should be a derived fact."""


@dataclass(slots=True)
class Range:
    """Which values of a number pass."""

    low: int = INT64_MIN
    high: int = INT64_MAX
    excluded: set[int] = field(default_factory=set)

    def narrow(self, comparison: Operator, value: int) -> None:
        """Let only those pass that ``comparison`` with ``value`` lets pass too."""
        match comparison:
            case Operator.LESS_THAN:
                self.high = min(self.high, value - 1)
            case Operator.AT_MOST:
                self.high = min(self.high, value)
            case Operator.MORE_THAN:
                self.low = max(self.low, value + 1)
            case Operator.AT_LEAST:
                self.low = max(self.low, value)
            case Operator.EQUALS:
                self.low, self.high = max(self.low, value), min(self.high, value)
            case Operator.DIFFERS:
                self.excluded.add(value)

    def settle(self) -> bool:
        """Drop excluded values that do not matter; say whether any value passes."""
        while self.low in self.excluded:
            self.low += 1
        while self.high in self.excluded:
            self.high -= 1
        self.excluded = {value for value in self.excluded if self.low < value < self.high}
        return self.low <= self.high

    def covers(self, other: Range) -> bool:
        """Say whether everything that passes ``other`` passes here."""
        return (
            self.low <= other.low
            and other.high <= self.high
            and all(
                value in other.excluded or not other.low <= value <= other.high
                for value in self.excluded
            )
        )


@dataclass(slots=True)
class Choice:
    """Which texts pass: exactly one, or all but some."""

    only: str | None = None
    excluded: set[str] = field(default_factory=set)
    possible: bool = True

    def narrow(self, comparison: Operator, value: str) -> None:
        """Let only those pass that the comparison lets pass too."""
        if comparison is Operator.DIFFERS:
            self.excluded.add(value)
        elif self.only in {None, value}:
            self.only = value
        else:
            self.possible = False

    def settle(self) -> bool:
        """Say whether any text passes."""
        if self.only is not None:
            self.possible = self.possible and self.only not in self.excluded
            self.excluded = set()
        return self.possible

    def covers(self, other: Choice) -> bool:
        """Say whether everything that passes ``other`` passes here."""
        if self.only is not None:
            return other.only == self.only
        if other.only is not None:
            return other.only not in self.excluded
        return self.excluded <= other.excluded


@dataclass(slots=True)
class Alternative:
    """Tests that must all pass, one entry a fact; a value is known unless ``absent`` says so."""

    numbers: dict[str, Range] = field(default_factory=dict)
    words: dict[str, Choice] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)
    contains: dict[tuple[str, str], bool] = field(default_factory=dict)
    absent: dict[str, bool] = field(default_factory=dict)

    @classmethod
    def of(cls, tests: Iterable[Bound]) -> Alternative | None:
        """Merge tests; None when they can't all pass."""
        made = cls()
        for test in tests:
            if not made._take(test):
                return None
        known = made.known
        for fact, missing in list(made.absent.items()):
            if fact in known:
                if missing:
                    return None
                del made.absent[fact]  # a test that passes says that there is a value
        settled = all(bounds.settle() for bounds in made.numbers.values())
        return made if settled and all(word.settle() for word in made.words.values()) else None

    @property
    def known(self) -> set[str]:
        """Return the facts that have a value wherever this holds."""
        members = {fact for (fact, _), there in self.contains.items() if there}
        return self.numbers.keys() | self.words.keys() | self.flags.keys() | members

    @property
    def size(self) -> int:
        """Return how many tests durable-rules makes of it at most."""
        return (
            sum(2 + len(bounds.excluded) for bounds in self.numbers.values())
            + sum(1 + len(choice.excluded) for choice in self.words.values())
            + len(self.flags)
            + len(self.contains)
            + len(self.absent)
        )

    @property
    def properties(self) -> set[object]:
        """Return what durable-rules has to be told to make these tests, a property each."""
        return {
            *(("number", fact) for fact in self.numbers),
            *(("word", fact) for fact in self.words),
            *(("flag", fact) for fact in self.flags),
            *(("member", *pair) for pair in self.contains),
            *(("absent", fact) for fact in self.absent),
        }

    def covers(self, other: Alternative) -> bool:
        """Say whether this holds wherever ``other`` does."""
        return (
            all(
                fact in other.numbers and bounds.covers(other.numbers[fact])
                for fact, bounds in self.numbers.items()
            )
            and all(
                fact in other.words and choice.covers(other.words[fact])
                for fact, choice in self.words.items()
            )
            and self.flags.items() <= other.flags.items()
            and all(
                other.contains.get(pair) is there
                or (not there and other.absent.get(pair[0]) is True)
                for pair, there in self.contains.items()
            )
            and all(
                other.absent.get(fact) is missing or (not missing and fact in other.known)
                for fact, missing in self.absent.items()
            )
        )

    def _take(self, test: Bound) -> bool:
        match test:
            case Number():
                self.numbers.setdefault(test.fact, Range()).narrow(test.operator, test.value)
            case Word():
                self.words.setdefault(test.fact, Choice()).narrow(test.operator, test.value)
            case Flag():
                return self.flags.setdefault(test.fact, test.value) is test.value
            case Contains():
                return self.contains.setdefault((test.fact, test.value), True)
            case Absent():
                return self.absent.setdefault(test.fact, True)
            case Reverse(item=Contains() as inner):
                return not self.contains.setdefault((inner.fact, inner.value), False)
            case Reverse(item=Absent() as inner):
                return not self.absent.setdefault(inner.fact, False)
            case _:
                raise AssertionError(f"{test!r} is no test")
        return True


def alternatives(bound: Bound, where: str) -> tuple[Alternative, ...]:
    """Return the alternatives of a condition, impossible and covered ones left out.

    None at all: it can never hold. Raises DeclarationError when they are too many.
    """
    kept: list[Alternative] = []
    for tests in _spread(_pushed(bound, negated=False), where):
        made = Alternative.of(tests)
        if made is not None and not any(other.covers(made) for other in kept):
            kept.append(made)
    return tuple(kept)


def _pushed(bound: Bound, *, negated: bool) -> Bound:  # noqa: PLR0911 - one answer a kind
    """Push negations down to the tests. A negated comparison holds for a missing value too."""
    match bound:
        case Reverse():
            return _pushed(bound.item, negated=not negated)
        case Every() | Some():
            items = tuple(_pushed(item, negated=negated) for item in bound.items)
            return Every(items) if isinstance(bound, Every) is not negated else Some(items)
        case _ if not negated:
            return bound
        case Number():
            opposite = Number(bound.fact, INVERSE[bound.operator], bound.value)
            return Some((opposite, Absent(bound.fact)))
        case Word():
            inverse = Word(bound.fact, INVERSE[bound.operator], bound.value)
            return Some((inverse, Absent(bound.fact)))
        case Flag():
            return Some((Flag(bound.fact, not bound.value), Absent(bound.fact)))
        case _:
            return Reverse(bound)


def _spread(bound: Bound, where: str) -> list[tuple[Bound, ...]]:
    match bound:
        case Some():
            spread = [tests for item in bound.items for tests in _spread(item, where)]
        case Every():
            spread = [()]
            for item in bound.items:
                branches = _spread(item, where)
                spread = [(*tests, *more) for tests in spread for more in branches]
                _bound_count(spread, where)
        case _:
            spread = [(bound,)]
    _bound_count(spread, where)
    return spread


def _bound_count(spread: list[tuple[Bound, ...]], where: str) -> None:
    if len(spread) > MAX_ALTERNATIVES:
        raise DeclarationError(
            where,
            f"its condition has more than {MAX_ALTERNATIVES} alternatives; "
            "put a part of it into a derived fact or another rule",
        )
