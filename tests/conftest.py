"""What every test run does: says which requirements of the domain no test proves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _pytest.terminal import TerminalReporter

REQUIREMENTS = Path(__file__).with_name("requirement_ids.txt")
UNPROVEN = pytest.StashKey[list[str]]()


def requirement_ids() -> list[str]:
    """Return the ids of the domain's requirements, in the order of the list."""
    lines = REQUIREMENTS.read_text("utf-8").splitlines()
    return [line.split()[0] for line in lines if line and not line.startswith("#")]


def claimed_ids(items: Iterable[pytest.Item]) -> set[str]:
    """Return the ids that the tests say they prove.

    Raises:
        pytest.UsageError: a test names a requirement that does not exist, or none.
    """
    known = set(requirement_ids())
    claimed: set[str] = set()
    for item in items:
        for mark in item.iter_markers("requirement"):
            if not mark.args or not known.issuperset(mark.args):
                raise pytest.UsageError(f"{item.nodeid}: no such requirement in {mark.args}")
            claimed.update(mark.args)
    return claimed


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Check the marks, before any selection by name takes tests away."""
    claimed = claimed_ids(items)
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        config.stash[UNPROVEN] = [name for name in requirement_ids() if name not in claimed]


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """List the requirements without a test, where all tests were looked at."""
    unproven = config.stash.get(UNPROVEN, None)
    if unproven:
        terminalreporter.section("requirements that no test proves")
        terminalreporter.write_line(", ".join(unproven))
