"""A test that failed while its machine stood still is tried again, and no other is."""

from __future__ import annotations

import subprocess
import sys
import threading
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from gonghai_chassis.testing import eventually, standstill
from gonghai_chassis.testing.standstill import Watch, roomy

if TYPE_CHECKING:
    from pathlib import Path

# It fails the first time; the process, with all its threads, stands still before that, or does not.
SOURCE = """
import os, pathlib, pytest, signal, subprocess

def test_it():
    tries = pathlib.Path({tries!r})
    tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
    if {still}:
        subprocess.Popen(["sh", "-c", f"sleep 0.6; kill -CONT {{os.getpid()}}"])
        os.kill(os.getpid(), signal.SIGSTOP)
    assert {right}
"""


@pytest.mark.parametrize(
    ("still", "right", "tries", "ends"),
    [
        ("len(tries.read_text()) == 1", "len(tries.read_text()) == 2", 2, "1 passed, 1 rerun"),
        ("False", "len(tries.read_text()) == 2", 1, "1 failed"),
        ("True", "False", 3, "1 failed, 2 rerun"),
        ("True", "pytest.fail('Timeout (>120.0s) from pytest-timeout.')", 1, "1 failed"),
    ],
    ids=["stood still once", "never stood still", "is wrong, and stood still", "took too long"],
)
def test_what_failed_is_tried_again_only_if_the_machine_stood_still(
    tmp_path: Path, still: str, right: str, tries: int, ends: str
) -> None:
    count, test = tmp_path / "tries", tmp_path / "test_it.py"
    test.write_text(SOURCE.format(tries=str(count), still=still, right=right))
    words = ["-m", "pytest", "-p", "gonghai_chassis.testing.standstill", "-rR", "--rootdir", "."]
    run = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, *words, "--basetemp", "temp", test.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ends in run.stdout
    assert len(count.read_text()) == tries
    assert ("the machine stood still" in run.stdout) == (still != "False")


async def test_a_disk_that_gives_no_answer_is_a_standstill_also_while_it_lasts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch(tmp_path, at_least=0.2)
    answer = threading.Event()
    monkeypatch.setattr(watch, "_write", lambda _: answer.wait())
    began = monotonic()
    watch.start()
    try:
        await eventually(lambda: watch.since(began) > 0)
        assert watch.standstills == []
        answer.set()
        await eventually(lambda: watch.standstills)
    finally:
        answer.set()
        watch.stop()


def test_only_what_reached_into_a_test_excuses_it(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    begins = monotonic()
    watch.standstills += [(begins - 9, 8), (begins - 1, 0.1)]
    assert watch.since(begins) == 0
    watch.standstills += [(begins - 1, 1.5), (begins + 1, 1)]
    assert watch.since(begins) == 1.5
    assert watch.since(begins + 1) == 1


def test_while_its_own_process_works_no_machine_stands_still() -> None:
    before = standstill._Look(at=100, worked=7)
    assert before.idle(standstill._Look(at=103, worked=9.9)) < standstill.AT_LEAST
    assert before.idle(standstill._Look(at=103, worked=8)) > standstill.AT_LEAST


async def test_a_disk_that_refuses_excuses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    watch = Watch(tmp_path, at_least=0.05)
    monkeypatch.setattr(watch, "_write", full)
    began = monotonic()
    watch.start()
    await eventually(lambda: not watch._thread.is_alive() and monotonic() > began + 0.3)
    assert watch.since(began) == 0


def test_tests_write_to_memory_only_where_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not roomy(tmp_path / "missing")
    monkeypatch.setattr("gonghai_chassis.testing.standstill._ENOUGH", 1)
    assert roomy(tmp_path)
    monkeypatch.setattr("gonghai_chassis.testing.standstill._ENOUGH", 1 << 62)
    assert not roomy(tmp_path)
