"""What the machine could do is measured: promises of seconds are promises of its seconds."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from gonghai_chassis.testing import eventually
from tests.faults.pulse import Pace, Pulse
from tests.faults.record import Beat, History, Recorder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("start", "end", "given"),
    [
        (0.0, 1.0, 1.0),  # before the first beat nothing is known
        (2.0, 3.0, 1.0),
        (3.0, 5.0, 0.5),
        (2.5, 4.0, 0.75),
        (4.5, 6.0, 1.125),  # nor after the last one
        (2.5, 2.5, 0.0),
    ],
)
def test_a_span_is_given_what_its_beats_were_given(start: float, end: float, given: float) -> None:
    pace = Pace([Beat(2.0, 3.0, 1.0), Beat(3.0, 5.0, 0.5)])
    assert pace.given(start, end) == pytest.approx(given)


async def test_a_machine_that_stands_still_gives_nothing(tmp_path: Path) -> None:
    with Recorder(tmp_path / "record.jsonl") as recorder:
        async with Pulse(recorder) as pulse:
            os.kill(pulse.pid, signal.SIGSTOP)
            began = time.monotonic()
            await eventually(lambda: time.monotonic() > began + 0.8)
            ended = time.monotonic()
            os.kill(pulse.pid, signal.SIGCONT)
            await pulse.lapse(0.05)
    pace = Pace(History.read(tmp_path / "record.jsonl").beats)
    # What it was about when it was stopped, it had the processor for.
    assert pace.given(began, ended) < (ended - began) / 2


async def test_letting_time_pass_takes_longer_where_the_machine_gives_less(tmp_path: Path) -> None:
    with Recorder(tmp_path / "record.jsonl") as recorder:
        async with Pulse(recorder) as pulse:
            began = time.monotonic()
            await pulse.lapse(0.3)
            ended = time.monotonic()
    beats = History.read(tmp_path / "record.jsonl").beats
    assert Pace(beats).given(began, ended) >= 0.3
    assert all(0 < beat.given <= beat.ended - beat.since + 1e-9 for beat in beats)


async def test_without_a_pulse_nobody_waits_for_ever(tmp_path: Path) -> None:
    with Recorder(tmp_path / "record.jsonl") as recorder:
        async with Pulse(recorder) as pulse:
            os.kill(pulse.pid, signal.SIGKILL)
            with pytest.raises(ChildProcessError):
                await pulse.lapse(60.0)
