"""Quarantine: events that cannot be processed, with those of the same subject that wait behind.

Each subject has a queue, in the order of the stream. An event comes into it in the step that moves
the cursor over it, and leaves it in the step that stores its effect (`Step.taking`), so that it is
effective once whatever dies in between. Queues come into being by steps that set the cursor only
(the end of a rebuild is one): who knows that there was none at a cursor knows it for the step that
begins there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gonghai_chassis.events.steps import Step
from gonghai_chassis.events.values import Event
from gonghai_chassis.store import records
from gonghai_chassis.store.scripts import Script

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from gonghai_chassis.events.cursors import Cursor
    from gonghai_chassis.store.partitions import Partition
    from gonghai_chassis.store.store import Store

QUARANTINE = Script("gonghai_chassis.store", "quarantine_event")
PASS = Script("gonghai_chassis.store", "pass_quarantined")
NOTE = Script("gonghai_chassis.store", "note_retry")
_FIND = Script("gonghai_chassis.store", "find_quarantined")
_READ = Script("gonghai_chassis.store", "read_quarantine")
_HEAD = Script("gonghai_chassis.store", "read_quarantined")
_LIST = Script("gonghai_chassis.store", "list_quarantined")
ASK = Script("gonghai_chassis.store", "ask_retry")
ANSWER = Script("gonghai_chassis.store", "answer_retry")

_PAGE = 500

_ENTRY = records.RecordType("quarantined event", 1)


def member_of(tenant: str, subject: str) -> str:
    """A subject in the index of quarantined ones."""
    return f"{tenant}/{subject}"


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An event in quarantine.

    Attributes:
        event: the event, whole; listed, it has no payload.
        incarnation: the life of the stream that it is of.
        since: when it was quarantined (domain time, µs).
        attempts: how often it was tried; 0 for one that only waits behind another.
        problem: what went wrong the last time, free of personal data; "" for one that only waits.
    """

    event: Event
    incarnation: str
    since: int
    attempts: int = 0
    problem: str = ""

    @property
    def member(self) -> str:
        """Its subject in the index."""
        return member_of(self.event.tenant, self.event.subject)

    @property
    def place(self) -> Cursor:
        """Its entry in the source's stream."""
        return self.event.cursor(self.incarnation)

    def failed(self, problem: str, attempts: int = 1) -> Quarantined:
        """The same after further attempts."""
        return replace(self, attempts=self.attempts + attempts, problem=problem)

    def pack(self) -> bytes:
        """As the queue keeps it."""
        event = self.event
        return _ENTRY.pack(
            {
                "position": event.position,
                "nonce": event.nonce,
                "incarnation": self.incarnation,
                "kind": event.kind,
                "tenant": event.tenant,
                "subject": event.subject,
                "version": event.version,
                "time": event.time,
                "form": event.schema,
                "payload": event.payload,
                "since": self.since,
                "attempts": self.attempts,
                "problem": self.problem,
            }
        )

    @classmethod
    def unpack(cls, packed: bytes) -> Quarantined:
        """What `pack` packed."""
        return cls.of(_ENTRY.unpack(packed))

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Quarantined:
        """An entry that was unpacked already."""
        return cls(
            Event(
                position=row["position"],
                kind=row["kind"],
                tenant=row["tenant"],
                subject=row["subject"],
                version=row["version"],
                time=row["time"],
                schema=row["form"],
                payload=records.blob(row.get("payload", "")),
                nonce=row["nonce"],
            ),
            row["incarnation"],
            row["since"],
            row["attempts"],
            row["problem"],
        )


@dataclass(frozen=True, slots=True)
class Listed:
    """A place in a list of quarantined events: the event, and its place in its subject's queue."""

    entry: Quarantined
    index: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How a quarantine stands.

    Attributes:
        subjects: how many subjects have events in it.
        members: some of them, in order.
        asked: whom somebody wants retried, each with the token to answer by.
    """

    subjects: int
    members: list[str]
    asked: Mapping[str, str]


class Quarantine:
    """What an area could not process of one source's events in one partition."""

    def __init__(self, store: Store, partition: Partition, source: str) -> None:
        self.store = store
        self.partition = partition
        self.source = source
        self._key = partition.quarantine_key(source)
        self._queues = partition.quarantined_key(source)

    @property
    def asked_key(self) -> str:
        """Where wishes for retries are."""
        return self.partition.key("quarantine_asked", "-", self.source)

    def answer_key(self, token: str) -> str:
        """Where the answer to a wish will be, for a while: how many events were processed."""
        return self.partition.key("quarantine_answer", "-", self.source, token)

    async def keep(self, step: Step, entry: Quarantined, *, behind: bool = False) -> bool:
        """Puts an event in its subject's queue, and moves the cursor over it.

        Args:
            step: the move of the cursor.
            entry: the event.
            behind: it only waits behind others.

        Returns:
            False when nothing was done because there are no others any more.

        Raises:
            StaleStep: somebody else moved the cursor.
        """
        reply = await self.store.run(
            QUARANTINE,
            self.partition,
            keys=step.keys(),
            args={
                **step.args(),
                "member": entry.member,
                "entry": entry.pack(),
                "behind": behind or None,
            },
        )
        return reply.status == "ok"

    async def found(self, subjects: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Which of some (tenant, subject) have events in quarantine."""
        reply = await self.store.run(
            _FIND,
            self.partition,
            keys={"quarantine": self._key},
            args={"members": sorted({member_of(*subject) for subject in subjects})},
        )
        return {_subject(member) for member in records.sequence(reply.fields["found"])}

    async def standing(self, after: str = "", limit: int = 0) -> Standing:
        """How many subjects there are, up to `limit` of them after one, and what is asked for."""
        reply = await self.store.run(
            _READ,
            self.partition,
            keys={"quarantine": self._key, "asked": self.asked_key},
            args={"after": after, "limit": limit},
        )
        fields = reply.fields
        asked = records.sequence(fields["asked"])
        return Standing(
            fields["subjects"],
            records.sequence(fields["members"]),
            dict(zip(asked[::2], asked[1::2], strict=True)),
        )

    async def members(self) -> AsyncIterator[str]:
        """All subjects with events in quarantine, as the index has them."""
        after = ""
        while members := (await self.standing(after, _PAGE)).members:
            for member in members:
                yield member
            after = members[-1]

    async def subjects(self) -> set[tuple[str, str]]:
        """All (tenant, subject) with events in quarantine."""
        return {_subject(member) async for member in self.members()}

    async def head(self, member: str) -> tuple[Quarantined | None, int]:
        """The event at the head of a subject's queue, and how many there are."""
        reply = await self.store.run(
            _HEAD, self.partition, keys={"quarantined": self._queues}, args={"member": member}
        )
        packed = reply.fields.get("entry")
        entry = None if packed is None else Quarantined.unpack(records.blob(packed))
        return entry, reply.fields["count"]

    async def listed(self, tenant: str, subject: str, index: int, limit: int) -> list[Listed]:
        """A tenant's events by subject and in their order, from a subject's event on."""
        reply = await self.store.run(
            _LIST,
            self.partition,
            keys={"quarantine": self._key, "quarantined": self._queues},
            args={"tenant": tenant, "subject": subject, "index": index, "limit": limit},
        )
        return [
            Listed(Quarantined.of(records.mapping(row)), at)
            for _, at, row in records.sequence(reply.fields["entries"])
        ]

    def taking(self, entry: Quarantined) -> Step:
        """The step that takes an event out of its queue."""
        return Step.taking(self.partition, self.source, entry.place, entry.member)

    async def pass_over(self, entry: Quarantined) -> None:
        """Takes an event without effect out of its queue.

        Raises:
            StaleStep: it is the head no more.
        """
        step = self.taking(entry)
        await self.store.run(PASS, self.partition, keys=step.keys(), args=step.args())

    async def note(self, entry: Quarantined) -> None:
        """Keeps with the head of a queue that it failed again.

        Raises:
            StaleStep: it is the head no more.
        """
        step = self.taking(entry)
        await self.store.run(
            NOTE, self.partition, keys=step.keys(), args={**step.args(), "entry": entry.pack()}
        )

    async def ask(self, member: str) -> str | None:
        """Asks whoever holds the lease to retry a subject's events.

        Returns:
            The token of the answer; None where there are none.
        """
        reply = await self.store.run(
            ASK,
            self.partition,
            keys={"quarantine": self._key, "asked": self.asked_key},
            args={"member": member},
        )
        return reply.fields.get("token")

    async def answer(self, member: str, token: str, processed: int) -> None:
        """Answers a wish: the subject was retried, and so many events were processed."""
        await self.store.run(
            ANSWER,
            self.partition,
            keys={"asked": self.asked_key, "answer": self.answer_key(token)},
            args={"member": member, "token": token, "processed": processed},
        )

    async def answered(self, token: str) -> int | None:
        """How many events were processed for a wish; None while it is not answered."""
        read = await self.store.read(self.partition, [self.answer_key(token)])
        return None if read.values[0] is None else int(read.values[0])


def _subject(member: str) -> tuple[str, str]:
    tenant, _, subject = member.partition("/")
    return tenant, subject
