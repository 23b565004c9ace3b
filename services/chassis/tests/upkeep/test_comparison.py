"""Comparing a projection with its source: what differs is told, what is on its way is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gonghai_chassis.events import Batch, Cursor, Event, SnapshotItem, SnapshotStart
from gonghai_chassis.upkeep.comparison import (
    Behind,
    Cause,
    Comparison,
    Difference,
    Known,
    Place,
    Sight,
    content,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from gonghai_chassis.store import Partition, Store
    from gonghai_chassis.testing.plugin import OpenStore


@dataclass
class World:
    """A source and a projection in memory; the cursor in a real store.

    `between` are changes by the number of the snapshot before which they come, so that things
    change in the middle of a comparison.
    """

    store: Store
    source: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    snapshots: int = 0
    between: dict[int, list[tuple[str, int | None]]] = field(default_factory=dict)
    follows: bool = True

    kinds = frozenset({"thing"})

    def change(self, subject: str, version: int | None, *, heard: bool = True) -> None:
        """Something happens to a subject at the source; the projection hears of it, or will."""
        for side in (self.source, self.kept) if heard else (self.source,):
            if version is None:
                side.pop(subject, None)
            else:
                side[subject] = version
        self.events.append(subject)

    def cursor(self) -> Cursor:
        number = len(self.events)
        return Cursor("life", number, f"n{number}") if number else Cursor.START

    async def watch(self, partition: int, cursor: Cursor) -> AsyncGenerator[Batch, None]:
        del partition
        told = tuple(
            Event(number + 1, "thing", "acme", subject, 1, 0, 1, b"", f"n{number + 1}")
            for number, subject in enumerate(self.events)
            if number >= cursor.position
        )
        yield Batch(told, self.cursor(), 0, 0)

    async def snapshot(self, partition: int) -> AsyncGenerator[SnapshotStart | SnapshotItem, None]:
        for subject, version in self.between.pop(self.snapshots, ()):
            self.change(subject, version)
        self.snapshots += 1
        await self.catch_up(self.store.partitions[partition])
        yield SnapshotStart(self.cursor())
        for subject, version in list(self.source.items()):
            yield SnapshotItem("thing", "acme", subject, version, b"")
        yield SnapshotItem("other", "acme", "x", 1, b"")

    def subject(self, item: SnapshotItem) -> str:
        return item.subject

    async def look(
        self, partition: Partition, tenant: str, kind: str, items: Sequence[SnapshotItem]
    ) -> list[Sight]:
        assert (tenant, kind) == ("acme", "thing")
        await self.catch_up(partition)
        known = [self.kept.get(item.subject) for item in items]
        return [
            Sight(_known(item.version), None if one is None else _known(one))
            for item, one in zip(items, known, strict=True)
        ]

    async def subjects(
        self, partition: Partition
    ) -> AsyncGenerator[tuple[str, str, Mapping[str, int]], None]:
        del partition
        yield "thing", "acme", dict(self.kept)

    async def catch_up(self, partition: Partition) -> None:
        if self.follows:
            cursor = self.cursor()
            client: Any = self.store.client(partition)
            place = {"incarnation": cursor.incarnation, "position": cursor.position}
            key = partition.cursor_key("source")
            await client.hset(key, mapping={**place, "nonce": cursor.nonce})

    async def compare(self, patience: float = 5.0) -> tuple[list[Difference], int]:
        partition = self.store.partition("acme")
        await self.catch_up(partition)
        comparison = Comparison(self.store, partition, "source", self, self, patience)
        return await comparison.differences(), comparison.compared


def _known(version: int) -> Known:
    """A negative one stands for the same version with other content."""
    return Known(abs(version), version)


def told(*found: tuple[str, Cause, int, int]) -> list[Difference]:
    return [
        Difference(Place("thing", "acme", subject), cause, source, kept)
        for subject, cause, source, kept in found
    ]


async def test_each_cause_is_told(open_store: OpenStore) -> None:
    world = World(await open_store("pool"))
    world.source = {"missing": 3, "older": 5, "newer": 2, "same": 7, "other": 4}
    world.kept = {"older": 4, "newer": 9, "same": 7, "other": -4, "left": 1}
    world.events = ["same"]
    assert await world.compare() == (
        told(
            ("left", Cause.LEFT_OVER, 0, 1),
            ("missing", Cause.MISSING, 3, 0),
            ("newer", Cause.VERSION, 2, 9),
            ("older", Cause.VERSION, 5, 4),
            ("other", Cause.CONTENT, 4, 4),
        ),
        5,
    )


async def test_what_came_meanwhile_is_no_difference(open_store: OpenStore) -> None:
    world = World(await open_store("pool"), {"a": 1}, {"a": 1})
    world.events = ["a"]
    # Heard of by the projection before the source's snapshot gets there, and the other way round.
    world.kept["b"] = 1
    world.source["c"] = 1
    world.between[1] = [("b", 1), ("c", 1)]
    assert (await world.compare())[0] == []


async def test_who_is_gone_and_back_with_the_same_version_is_no_difference(
    open_store: OpenStore,
) -> None:
    world = World(await open_store("pool"), {"a": 1}, {})
    world.events = ["a"]
    # It looks the same before and after, and was not there when the projection was read.
    world.between[2] = [("a", 1)]
    assert (await world.compare())[0] == []


async def test_a_difference_stays_one_beside_changes_of_others(open_store: OpenStore) -> None:
    world = World(await open_store("pool"), {"a": 1, "b": 1}, {"b": 1})
    world.events = ["a", "b"]
    world.between = {moment: [("b", moment + 2)] for moment in range(6)}
    assert (await world.compare())[0] == told(("a", Cause.MISSING, 1, 0))


async def test_a_projection_that_does_not_follow_cannot_be_compared(open_store: OpenStore) -> None:
    world = World(await open_store("pool"), {"a": 1}, {}, ["a"], follows=False)
    with pytest.raises(Behind, match="is at 0, and source at 1"):
        await world.compare(patience=0.1)


async def test_where_nothing_differs_nobody_waits(open_store: OpenStore) -> None:
    world = World(await open_store("pool"), {"a": 1}, {"a": 1}, ["a"], follows=False)
    assert await world.compare(patience=0.0) == ([], 1)


SUBJECTS = st.sampled_from("abcdef")
CHANGES = st.lists(
    st.tuples(st.integers(0, 6), SUBJECTS, st.one_of(st.none(), st.integers(1, 3))), max_size=12
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    source=st.dictionaries(SUBJECTS, st.integers(1, 3)),
    broken=st.sets(SUBJECTS),
    changes=CHANGES,
)
async def test_no_alarm_is_false(
    open_store: OpenStore,
    source: dict[str, int],
    broken: set[str],
    changes: list[tuple[int, str, int | None]],
) -> None:
    """Whatever changes meanwhile: told are only those that are broken and were not mended."""
    world = World(await open_store("pool"), dict(source))
    world.kept = {name: v if name not in broken else -v for name, v in source.items()}
    world.events = list(source)
    for moment, subject, version in changes:
        world.between.setdefault(moment, []).append((subject, version))
    found = {each.place.subject for each in (await world.compare())[0]}
    touched = set(world.events[len(source) :])
    assert found <= broken & set(source)
    assert found >= (broken & set(source)) - touched


def test_nothing_and_empty_are_the_same_content() -> None:
    assert content({"version": 3, "a": None, "b": [], "c": 0, "d": {}, "e": "x"}) == {"e": "x"}
