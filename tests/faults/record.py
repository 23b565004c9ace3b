"""The record of a run: every call with every answer, every event that was heard, the state after.

One JSON object a line, appended as it happens and never changed. The checker (`checks.py`) knows
nothing else of the run.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sending of a request, and what came back.

    Attributes:
        tenant: id.
        client: who sent it.
        method: RPC.
        request_id: the same for all sendings of one request; "" for a read.
        request: what matters of the request: ids by field.
        start: monotonic seconds.
        end: monotonic seconds.
        deadline: seconds that were given.
        code: gRPC status; LOST when the caller went away before the answer.
        reason: of the refusal.
        answer: what matters of the answer.
    """

    tenant: str
    client: str
    method: str
    request_id: str
    request: dict[str, str]
    start: float
    end: float
    deadline: float
    code: str
    reason: str = ""
    answer: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether it was acknowledged."""
        return self.code == "OK"

    @property
    def unknown(self) -> bool:
        """Whether nobody can tell from the answer if it was done."""
        return self.code in {"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "LOST"}


@dataclass(frozen=True, slots=True)
class Heard:
    """An event as a watcher got it.

    Attributes:
        tenant: id.
        source: archive, pool or assignment.
        live: heard during the run by one who came back after each break; else read afterwards.
        position: in the partition's stream.
        nonce: of the entry.
        kind: of the event.
        subject: id of what it is about.
        version: of the subject.
        what: what matters of it.
    """

    tenant: str
    source: str
    live: bool
    position: int
    nonce: str
    kind: str
    subject: str
    version: int
    what: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """Something read through the contract after the run.

    Attributes:
        tenant: id.
        kind: custody, history, quota, holdings, customer, activities, away, unconcerned, audit,
            asked, comparison, watched, still, drained, evidence.
        subject: id of what was read.
        content: what matters of it.
    """

    tenant: str
    kind: str
    subject: str
    content: Any


@dataclass(frozen=True, slots=True)
class Struck:
    """A fault that was injected.

    Attributes:
        at: monotonic seconds.
        what: for a person.
    """

    at: float
    what: str


@dataclass(frozen=True, slots=True)
class Beat:
    """What the machine gave to a process that nobody waits for (`pulse.py`).

    Attributes:
        since: monotonic seconds; the end of the beat before.
        ended: monotonic seconds.
        given: seconds that a machine takes for the same which does nothing else.
    """

    since: float
    ended: float
    given: float


Entry = Attempt | Heard | State | Struck | Beat
_KINDS: dict[str, type[Entry]] = {
    kind.__name__: kind for kind in (Attempt, Heard, State, Struck, Beat)
}


class Recorder:
    """Appends to the file of a run."""

    def __init__(self, path: Path) -> None:
        """Begin a new file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", encoding="utf-8")
        self.attempts = 0
        self.customers: set[tuple[str, str]] = set()
        """Of each tenant, whom anybody asked about, made or not."""

    def add(self, entry: Entry) -> None:
        """Append an entry."""
        if isinstance(entry, Attempt):
            self.attempts += 1
            if "customer" in entry.request:
                self.customers.add((entry.tenant, entry.request["customer"]))
        line = {"entry": type(entry).__name__, **asdict(entry)}
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def close(self) -> None:
        """Write everything to the disk."""
        self._file.close()

    def __enter__(self) -> Self:
        """Record."""
        return self

    def __exit__(self, *_error: object) -> None:
        """End the record."""
        self.close()


@dataclass(frozen=True, slots=True)
class History:
    """A record that was read back, by kinds of entries."""

    attempts: tuple[Attempt, ...]
    heard: tuple[Heard, ...]
    states: tuple[State, ...]
    struck: tuple[Struck, ...]
    beats: tuple[Beat, ...] = ()

    @classmethod
    def of(cls, entries: list[Entry]) -> Self:
        """Sort entries by kind."""
        return cls(
            tuple(entry for entry in entries if isinstance(entry, Attempt)),
            tuple(entry for entry in entries if isinstance(entry, Heard)),
            tuple(entry for entry in entries if isinstance(entry, State)),
            tuple(entry for entry in entries if isinstance(entry, Struck)),
            tuple(entry for entry in entries if isinstance(entry, Beat)),
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file that a recorder wrote."""
        entries: list[Entry] = []
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                fields = json.loads(line)
                entries.append(_KINDS[fields.pop("entry")](**fields))
        return cls.of(entries)
