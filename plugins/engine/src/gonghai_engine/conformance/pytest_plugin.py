"""The kit in pytest: a file ``golden.yaml`` becomes tests, one for each check and each case.

Nothing else has to be written. The plugin that the file names is examined once, in a process of its
own, when the first of these tests runs.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

import pytest

from gonghai_engine.conformance.checking import check_plugin
from gonghai_engine.conformance.findings import PROMISES, Check, Finding, Report, Status
from gonghai_engine.conformance.golden import GoldenError
from gonghai_engine.conformance.golden import GoldenFile as Decisions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME: Final = "golden.yaml"
_WARNED: Final = pytest.StashKey[list[str]]()


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    """Collect golden decisions."""
    if file_path.name != NAME:
        return None
    golden: GoldenFile = GoldenFile.from_parent(parent, path=file_path)
    return golden


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what a person should look at."""
    warned = terminalreporter.config.stash.get(_WARNED, [])
    if warned:
        terminalreporter.section("plugins: to be looked at")
        for message in warned:
            terminalreporter.write_line(message)


class GoldenFile(pytest.File):
    """A plugin's golden decisions, and with them the plugin."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield a test for each check, and one for each case."""
        try:
            decisions = Decisions.read(self.path)
        except GoldenError as error:
            raise self.CollectError(str(error)) from None
        for name, arguments in decisions.marks.items():
            given = arguments if isinstance(arguments, list) else [arguments]
            self.add_marker(getattr(pytest.mark, name)(*given))
        for check in Check:
            yield ConformanceItem.from_parent(self, name=str(check), check=check, case=None)
        for place, case in enumerate(decisions.cases):
            name = f"{Check.GOLDEN}[{case.name}]"
            yield ConformanceItem.from_parent(self, name=name, check=Check.GOLDEN, case=place)

    @cached_property
    def report(self) -> Report:
        """What was found; made when it is first asked for."""
        report = check_plugin(Decisions.read(self.path).plugin, self.path)
        stash = self.config.stash.setdefault(_WARNED, [])
        stash += [
            f"{report.plugin}: {finding.message}"
            for finding in report.findings
            if finding.status is Status.WARNED
        ]
        return report


class ConformanceItem(pytest.Item):
    """One check of a plugin, or one of its golden cases."""

    def __init__(self, name: str, parent: GoldenFile, check: Check, case: int | None) -> None:
        super().__init__(name, parent)
        self._file = parent
        self._check = check
        self._case = case

    def runtest(self) -> None:
        """Fail with what was found."""
        report = self._file.report
        about = [item for item in report.of(self._check) if item.case == self._case]
        failed = [item for item in about if item.status is Status.FAILED]
        if failed:
            raise NotConforming(report.plugin, self._check, failed)
        # A file in which every rule is named by some case has nothing to say about the whole.
        if not about and not (self._check is Check.GOLDEN and self._case is None):
            pytest.skip("not looked at, since something before it failed")

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None
    ) -> str:
        """Say what was found, without a trace through the kit."""
        if isinstance(excinfo.value, NotConforming):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo, None if style is None else "short"))

    def reportinfo(self) -> tuple[Path, None, str]:
        """Say where it stands."""
        return self.path, None, f"{self.path.name}: {self.name}"


class NotConforming(AssertionError):  # noqa: N818 - what the plugin is
    """A plugin breaks a promise."""

    def __init__(self, plugin: str, check: Check, failed: list[Finding]) -> None:
        """Say which, and how."""
        lines = [f"{plugin} does not keep: {PROMISES[check]}"]
        super().__init__("\n  ".join([*lines, *(item.message for item in failed)]))
