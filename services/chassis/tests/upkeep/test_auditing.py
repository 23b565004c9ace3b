"""Audits of a running service: what stays is told, what was seen in the middle is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gonghai_chassis.upkeep.auditing import Audited, audited

if TYPE_CHECKING:
    from gonghai_chassis.store import Partition
    from gonghai_chassis.testing.plugin import OpenStore


class Passes:
    """Audits that find what a test says, one after the other."""

    def __init__(self, *findings: list[str]) -> None:
        self.left = list(findings)

    async def __call__(self, partition: Partition) -> Audited:
        del partition
        return Audited(self.left.pop(0), 10)


async def test_what_stays_is_told_and_what_passes_is_not(open_store: OpenStore) -> None:
    p = (await open_store("pool")).partition("acme")
    audit = Passes(["a: 1 is 2", "b: 3 is 4"], ["b: 3 is 4", "c"], ["b: 3 is 4", "c", "a: 1 is 2"])
    assert await audited(audit, p, pause=0) == Audited(["b: 3 is 4"], 10)


async def test_where_nothing_is_found_it_is_looked_once(open_store: OpenStore) -> None:
    p = (await open_store("pool")).partition("acme")
    audit = Passes([], ["never"])
    assert (await audited(audit, p)).findings == []
    assert len(audit.left) == 1
