"""A data directory belongs to one stack at a time, whatever happened to the last one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gonghai_chassis.testing import eventually
from gonghai_cli.stack import DataDirectory, DataInUse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HOLD = """
import sys
from pathlib import Path
from gonghai_cli.stack import DataDirectory
data = DataDirectory(Path(sys.argv[1]))
data.acquire()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the directory."""
    process = subprocess.Popen(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", _HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_stack_is_refused_and_told_who_has_it(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    with pytest.raises(DataInUse, match=str(holder.pid)):
        DataDirectory(tmp_path).acquire()


def test_a_killed_holder_leaves_no_lock(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    data = DataDirectory(tmp_path)
    assert data.acquire() == []
    data.release()


async def test_processes_that_a_killed_holder_left_are_ended(tmp_path: Path) -> None:
    orphan = subprocess.Popen(["sleep", "600"])  # noqa: S607, ASYNC220 - an orphan to be
    held = DataDirectory(tmp_path)
    held.acquire()
    held.note({"pool": orphan.pid})
    assert held._lock is not None
    held._lock.close()  # as the kernel does for a process that is killed
    data = DataDirectory(tmp_path)
    assert data.acquire() == ["pool"]
    data.release()
    assert await eventually(lambda: orphan.poll() is not None)
    assert orphan.returncode == -signal.SIGTERM


def test_a_copy_leaves_the_processes_of_its_original_alone(tmp_path: Path) -> None:
    running = subprocess.Popen(["sleep", "600"])  # noqa: S607 - a store to be
    original = DataDirectory(tmp_path / "original")
    original.acquire()
    original.note({"store": running.pid})
    shutil.copytree(tmp_path / "original", tmp_path / "copy")
    copy = DataDirectory(tmp_path / "copy")
    assert copy.acquire() == []
    assert running.poll() is None
    copy.release()
    original.release()
    running.kill()
    running.wait()


def test_a_stranger_with_the_number_of_a_dead_process_is_left_alone(tmp_path: Path) -> None:
    held = DataDirectory(tmp_path)
    held.acquire()
    held.note({"pool": os.getpid()})
    noted = held._children.read_text("utf-8")
    held.release()
    born = json.loads(noted)["processes"]["pool"][1]
    held._children.write_text(noted.replace(f'"{born}"', '"1"'), "utf-8")
    data = DataDirectory(tmp_path)
    assert data.acquire() == []
    data.release()


def test_only_the_holder_clears(tmp_path: Path) -> None:
    data = DataDirectory(tmp_path)
    with pytest.raises(RuntimeError):
        data.clear()
    data.acquire()
    (data.store / "appendonlydir").mkdir(parents=True)
    data.clear()
    assert not data.store.exists()
    data.release()
