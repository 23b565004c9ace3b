"""The marks that tie tests to requirements are themselves checked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from tests.conftest import claimed_ids, requirement_ids

if TYPE_CHECKING:
    from collections.abc import Iterator


def item(*marks: pytest.Mark) -> pytest.Item:
    def iter_markers(name: str) -> Iterator[pytest.Mark]:
        return (mark for mark in marks if mark.name == name)

    return cast("pytest.Item", SimpleNamespace(nodeid="test_x", iter_markers=iter_markers))


def test_ids_are_unique_and_complete() -> None:
    ids = requirement_ids()
    assert len(ids) == len(set(ids))
    assert {"A1", "A20", "B16", "C11", "D4", "E"} <= set(ids)
    assert len(ids) == 20 + 16 + 11 + 4 + 1


def test_ids_that_tests_name_are_claimed() -> None:
    marked = item(pytest.mark.requirement("A3", "B4").mark, pytest.mark.timeout(3).mark)
    assert claimed_ids([marked, item()]) == {"A3", "B4"}


@pytest.mark.parametrize("ids", [("A21",), ("A3", "Z1"), ()])
def test_unknown_id_is_refused(ids: tuple[str, ...]) -> None:
    with pytest.raises(pytest.UsageError, match="test_x"):
        claimed_ids([item(pytest.mark.requirement(*ids).mark)])
