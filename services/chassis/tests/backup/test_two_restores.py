"""Two restores into one store: one makes it, the other is told so, and neither spoils it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from redis.asyncio import Redis
from services.chassis.tests.backup.stores import fill, readout

from gonghai_chassis.backup import (
    Manifest,
    RestoreFailed,
    RestoreRefused,
    create,
    restoration,
    restore_to_directory,
    restore_to_store,
)
from gonghai_chassis.backup.masters import text
from gonghai_chassis.embedded import EmbeddedSettings, EmbeddedStore
from gonghai_chassis.store import Store, StoreSettings
from gonghai_chassis.store.connection import INSTALL_KEY, connect
from gonghai_chassis.testing.plugin import PARTITIONS, flush

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from gonghai_chassis.backup.copying import Piece


@pytest.fixture
async def source(tmp_path: Path) -> AsyncIterator[StoreSettings]:
    """A store that is backed up."""
    async with EmbeddedStore(EmbeddedSettings(tmp_path / "source", fsync="no")) as server:
        settings = StoreSettings(url=server.url, partitions=PARTITIONS)
        await fill(settings)
        yield settings


@pytest.fixture
async def backup(source: StoreSettings, tmp_path: Path) -> Path:
    await create(tmp_path / "backup", source)
    return tmp_path / "backup"


@pytest.fixture(params=["store_server", "store_cluster"])
def empty(request: pytest.FixtureRequest) -> StoreSettings:
    """A store to restore into."""
    url = request.getfixturevalue(request.param)
    flush(url)
    return StoreSettings(url=url, partitions=PARTITIONS)


class Halfway:
    """Holds the first run up when it has written its first batch."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached = asyncio.Event()
        self.goes_on = asyncio.Event()
        write = restoration._Restoring.write

        async def held(run: restoration._Restoring, pieces: list[Piece]) -> None:
            await write(run, pieces)
            if not self.reached.is_set():
                self.reached.set()
                await self.goes_on.wait()

        monkeypatch.setattr(restoration._Restoring, "write", held)


@pytest.fixture
def halfway(monkeypatch: pytest.MonkeyPatch) -> Halfway:
    return Halfway(monkeypatch)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a run that will not end meanwhile."""
    monkeypatch.setattr(restoration, "_GONE_WITHIN", 0)


@pytest.mark.usefixtures("impatient")
async def test_a_second_restore_is_refused_while_the_first_writes(
    source: StoreSettings, backup: Path, empty: StoreSettings, halfway: Halfway, tmp_path: Path
) -> None:
    await create(tmp_path / "another", source)
    first = asyncio.create_task(restore_to_store(backup, empty))
    await halfway.reached.wait()
    for which in (backup, tmp_path / "another"):
        with pytest.raises(RestoreRefused, match="Another restore is under way"):
            await restore_to_store(which, empty)
    halfway.goes_on.set()
    await first
    assert await readout(empty) == await readout(source)
    await (await Store.open(empty, area="pool")).close()


async def test_of_restores_that_begin_at_once_one_makes_the_store(
    source: StoreSettings, backup: Path, empty: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = asyncio.Barrier(3)
    refuse_beside = restoration._Restoring._refuse_beside

    async def together(run: restoration._Restoring, noted: str) -> None:
        await refuse_beside(run, noted)
        # None of them has noted anything yet.
        await looked.wait()

    monkeypatch.setattr(restoration._Restoring, "_refuse_beside", together)
    runs = (restore_to_store(backup, empty) for _ in range(3))
    outcomes = await asyncio.gather(*runs, return_exceptions=True)
    refused = [each for each in outcomes if isinstance(each, RestoreRefused)]
    assert len(refused) == 2, outcomes
    assert all("Another restore has begun" in str(each) for each in refused)
    assert await readout(empty) == await readout(source)


async def test_of_those_who_go_on_with_a_broken_restore_one_does(
    source: StoreSettings, backup: Path, empty: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await broken_off(backup, empty, run="0123456789abcdef")
    looked = asyncio.Barrier(2)
    refuse_beside = restoration._Restoring._refuse_beside

    async def together(run: restoration._Restoring, noted: str) -> None:
        await refuse_beside(run, noted)
        await looked.wait()

    monkeypatch.setattr(restoration._Restoring, "_refuse_beside", together)
    runs = (restore_to_store(backup, empty) for _ in range(2))
    outcomes = await asyncio.gather(*runs, return_exceptions=True)
    (refused,) = [each for each in outcomes if isinstance(each, BaseException)]
    assert isinstance(refused, RestoreRefused)
    assert "Another restore has begun" in str(refused)
    assert await readout(empty) == await readout(source)


async def test_who_is_connected_is_left_alone_and_whoever_ended_is_followed(
    source: StoreSettings, backup: Path, empty: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = "0123456789abcdef"
    await broken_off(backup, empty, run=run)
    async with Redis.from_url(a_server(empty), client_name=f"gonghai-backup-{run}") as alive:
        await alive.ping()
        with monkeypatch.context() as patch:
            patch.setattr(restoration, "_GONE_WITHIN", 0)
            with pytest.raises(RestoreRefused, match=f"under way.*gonghai-backup-{run}"):
                await restore_to_store(backup, empty)
        monkeypatch.setattr(restoration, "_GONE_WITHIN", 60)
        going_on = asyncio.create_task(restore_to_store(backup, empty))
    # As when a process is killed: the server hears of it in a moment.
    await going_on
    assert await readout(empty) == await readout(source)


@pytest.mark.usefixtures("impatient")
async def test_who_was_cut_off_for_so_long_that_another_took_over_changes_nothing(
    source: StoreSettings, backup: Path, store_server: str, halfway: Halfway
) -> None:
    flush(store_server)
    empty = StoreSettings(url=store_server, partitions=PARTITIONS)
    first = asyncio.create_task(restore_to_store(backup, empty))
    await halfway.reached.wait()
    run = (await noted(empty))["run"]
    await cut_off(empty, f"gonghai-backup-{run}")
    await restore_to_store(backup, empty)
    await (await Store.open(empty, area="pool")).close()
    record = await noted(empty)
    halfway.goes_on.set()
    with pytest.raises(RestoreFailed, match=r"broke off|taken over"):
        await first
    assert await readout(empty) == await readout(source)
    assert await noted(empty) == record


async def test_a_run_notices_before_each_batch_and_at_its_end_that_another_took_over(
    backup: Path, empty: StoreSettings, halfway: Halfway, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = asyncio.create_task(restore_to_store(backup, empty))
    await halfway.reached.wait()
    await note(empty, {"run": "another"})
    halfway.goes_on.set()
    with pytest.raises(RestoreFailed, match="not connected to the store for a while"):
        await first

    flush(empty.url)
    monkeypatch.undo()
    stored = restoration._Restoring._stored

    async def meanwhile(run: restoration._Restoring) -> tuple[int, int]:
        found = await stored(run)
        if found[0] > 1:
            # All is written, and the last look is done.
            await note(empty, {"run": "another"})
        return found

    monkeypatch.setattr(restoration._Restoring, "_stored", meanwhile)
    with pytest.raises(RestoreFailed, match="brings the restore to its end"):
        await restore_to_store(backup, empty)
    assert (await noted(empty))["restoring"].startswith("writing:")


async def test_a_data_directory_is_made_by_one_of_two(backup: Path, tmp_path: Path) -> None:
    target = tmp_path / "data"
    outcomes = await asyncio.gather(
        *(restore_to_directory(backup, target) for _ in range(2)), return_exceptions=True
    )
    (refused,) = [each for each in outcomes if isinstance(each, BaseException)]
    assert isinstance(refused, RestoreRefused)
    assert str(target) in str(refused)
    assert [path.name for path in files_of(target)] == ["store"]
    assert not [path for path in files_of(tmp_path) if path.suffix == ".unfinished"]


def files_of(directory: Path) -> list[Path]:
    return list(directory.iterdir())


async def broken_off(backup: Path, settings: StoreSettings, *, run: str) -> None:
    """What a run leaves behind that was killed."""
    writing = {"restoring": f"writing:{Manifest.of(backup).id}", "partitions": PARTITIONS}
    await note(settings, {**writing, "run": run})


def a_server(settings: StoreSettings) -> str:
    return settings.url.replace("cluster://", "redis://").partition(",")[0]


async def note(settings: StoreSettings, fields: dict[str, Any]) -> None:
    await at_install(settings, "HSET", *(part for field in fields.items() for part in field))


async def noted(settings: StoreSettings) -> dict[str, str]:
    flat = [text(part) for part in await at_install(settings, "HGETALL")]
    return dict(zip(flat[::2], flat[1::2], strict=True))


async def at_install(settings: StoreSettings, verb: str, *words: object) -> Any:  # noqa: ANN401
    """Does something to the record of the installation; answers as the server does."""
    connection = await connect(settings, "test")
    answer = await connection.redirected((verb, INSTALL_KEY, *words))
    await connection.close()
    if isinstance(answer, dict):
        return [part for field in answer.items() for part in field]
    return answer


async def cut_off(settings: StoreSettings, name: str) -> None:
    """Ends all connections of a name."""
    for place in settings.url.partition("://")[2].split(","):
        async with Redis.from_url(f"redis://{place}") as client:
            for each in await client.client_list():
                if each["name"] == name:
                    await client.client_kill_filter(_id=each["id"])
