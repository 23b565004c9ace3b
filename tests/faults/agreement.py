"""AGREE: random rules and facts, decided in three ways: durable-rules, plain Python, columns.

`python -m tests.faults.agreement SCALE SEED`; at scale 50 it compares a hundred thousand cases.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Final

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from plugins.engine.tests.agreement import Book, books, compare, facts

if TYPE_CHECKING:
    from collections.abc import Mapping

CASES: Final = 2_000
"""At scale 1."""

_BOOKS_A_ROUND: Final = 200
_CASES_A_BOOK: Final = 30
_SHOWN: Final = 2_000


def main(scale: float, first: int) -> None:
    """Compare until there are as many cases as are asked for, or two ways differ."""
    wanted, done, rulebooks, rules, round_ = round(CASES * scale), 0, 0, 0, 0
    broken: list[tuple[str, str]] = []
    while done < wanted and not broken:
        round_ += 1

        @seed(first * 1_000 + round_)
        @settings(
            max_examples=min(_BOOKS_A_ROUND, max(10, wanted // _CASES_A_BOOK)),
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(books(), st.lists(facts, min_size=12, max_size=30))
        def agree(book: Book, rows: list[Mapping[str, object]]) -> None:
            nonlocal done, rulebooks, rules
            done += compare(book, rows)
            rulebooks += 1
            rules += len(book.conditions)

        try:
            agree()
        except AssertionError as error:
            broken.append(("three_ways_agree", str(error)[:_SHOWN]))
        _say(f"{done:,} cases of {rulebooks:,} rulebooks")
    _say(
        f"{done:,} cases, {len(broken)} differ",
        done=done,
        violations=broken,
        evidence={"rulebooks": rulebooks, "rules": rules},
    )


def _say(says: str, **more: object) -> None:
    sys.stdout.write(json.dumps({"says": says, **more}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
