"""What the machine could do while a row was played: laws that state seconds are measured by it.

A process that belongs to nobody works for a moment, again and again, and says how long it took. On
a machine that does nothing else a second of the clock gives a second; where many want the processor
it gives less, and while the machine stands still it gives nothing. A promise of seconds is one of
seconds that the machine gives.
"""

from __future__ import annotations

import asyncio
import sys
import time
from bisect import bisect_right
from typing import TYPE_CHECKING, Final, Self

from tests.faults.moments import lapse
from tests.faults.record import Beat

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from tests.faults.record import Recorder

_PAUSE: Final = 0.15
_WORK: Final = 0.01
"""Seconds between the beats, and of the processor for each: a small part of one core."""

_LOOK_AGAIN: Final = 0.05


class Pace:
    """How much time the machine gave, by the beats of its pulse."""

    def __init__(self, beats: Sequence[Beat] = ()) -> None:
        """Take the beats in their order."""
        self._beats = beats
        self._ends = [beat.ended for beat in beats]

    def given(self, start: float, end: float) -> float:
        """Return how many seconds it gave in a span of monotonic seconds.

        Where nothing is known, as many as the clock counts.
        """
        known = given = 0.0
        for beat in self._beats[bisect_right(self._ends, start) :]:
            if beat.since >= end:
                break
            part = min(beat.ended, end) - max(beat.since, start)
            known += part
            given += part * beat.given / (beat.ended - beat.since)
        return end - start - known + given


class Pulse:
    """The pulse of the machine, taken down while the block runs.

    Attributes:
        recorder: is told each beat.
    """

    def __init__(self, recorder: Recorder) -> None:
        """Prepare; the process starts with the block."""
        self.recorder = recorder
        self._beats: list[Beat] = []

    async def __aenter__(self) -> Self:
        """Start the process, and wait for its first beat."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", __name__, stdout=asyncio.subprocess.PIPE
        )
        self._listening = asyncio.create_task(self._listen())
        while not self._beats:
            await self._beat_or_end()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._listening

    @property
    def pid(self) -> int:
        """Return the number of its process."""
        return self._process.pid

    def given_since(self, began: float) -> float:
        """Return how many seconds the machine gave since then, as far as its pulse was heard."""
        heard = self._beats[-1].ended
        return Pace(self._beats).given(began, heard) if heard > began else 0.0

    async def lapse(self, seconds: float) -> None:
        """Let the machine give some seconds: more of the clock where others want it, too."""
        began = time.monotonic()
        while self.given_since(began) < seconds:
            await self._beat_or_end()

    async def _beat_or_end(self) -> None:
        if self._listening.done():
            raise ChildProcessError("the machine has no pulse any more")
        await lapse(_LOOK_AGAIN)

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            beat = Beat(*map(float, line.split()))
            self._beats.append(beat)
            self.recorder.add(beat)


async def main() -> None:
    """Beat until nobody listens."""
    since = time.monotonic()
    while True:
        await lapse(_PAUSE)
        began, worked = time.monotonic(), time.process_time()
        while time.process_time() - worked < _WORK:
            pass
        ended = time.monotonic()
        # What it took to do a known piece of work says what the pause before was worth as well.
        share = _WORK / max(_WORK, ended - began)
        given = share * (min(_PAUSE, began - since) + ended - began)
        try:
            sys.stdout.write(f"{since} {ended} {given}\n")
            sys.stdout.flush()
        except BrokenPipeError:
            return
        since = ended


if __name__ == "__main__":
    asyncio.run(main())
