"""A service is ready while its store answers, and only then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gonghai_chassis.settings import Settings
from gonghai_chassis.store import Store
from gonghai_chassis.store.failures import StoreUnavailable
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.serving import dev_settings, serving

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_chassis.assembly import Assembly
    from gonghai_chassis.store import Partition, Read, StoreSettings


async def test_readiness_follows_the_store(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[int] = set()
    away = False
    read = Store.read

    async def sometimes(
        self: Store, partition: Partition, keys: Sequence[str], **more: float | None
    ) -> Read:
        asked.add(partition.index)
        if away:
            raise StoreUnavailable("cut off")
        return await read(self, partition, keys, **more)

    monkeypatch.setattr(Store, "read", sometimes)

    async def assemble(assembly: Assembly[Settings]) -> None:
        await assembly.open_store()

    async with serving("pool", assemble, dev_settings(Settings, store_settings)) as served:
        assert served.server.ready
        away = True
        await eventually(lambda: not served.server.ready)
        away = False
        await eventually(lambda: served.server.ready)
        # Another partition each time, so that no master of a Cluster is left out.
        assert len(asked) > 1


async def test_a_service_whose_store_stays_away_does_not_start() -> None:
    async def assemble(assembly: Assembly[Settings]) -> None:
        await assembly.open_store(patience=0.2)

    settings = dev_settings(Settings, redis_url="redis://127.0.0.1:1/0")
    with pytest.raises(StoreUnavailable):
        async with serving("pool", assemble, settings):
            pass
