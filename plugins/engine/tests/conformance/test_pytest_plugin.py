"""A folder with golden decisions is tested by pytest, without a line of Python in it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from gonghai_engine.conformance import Check

if TYPE_CHECKING:
    from plugins.engine.tests.conformance.projects import Project


def _pytest(project: Project) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio"],
        cwd=project.folder,
        env={**os.environ, "PYTHONPATH": str(project.source), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_each_check_and_each_case_is_a_test(project: Project) -> None:
    ended = _pytest(project)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    cases = project.golden.read_text("utf-8").count("- case: ")
    assert f"{len(Check) + cases} passed" in ended.stdout


def test_what_differs_is_named_by_its_case_and_the_rest_passes(project: Project) -> None:
    project.change("settings.py", "2_000_000", "3_000_000")
    ended = _pytest(project)
    assert ended.returncode == 1
    assert "one fen below it, with strong shops: tiering: 'otherwise'" in ended.stdout
    assert "1 failed" in ended.stdout


def test_a_file_that_is_no_golden_file_is_an_error_of_collection(project: Project) -> None:
    project.change("golden.yaml", 'plugin: "tea"', "plugin: [tea")
    ended = _pytest(project)
    assert ended.returncode == 2
    assert "golden.yaml: not YAML" in ended.stdout
