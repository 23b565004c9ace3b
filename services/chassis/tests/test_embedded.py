"""The embedded store as `gonghai dev` and `gonghai demo` start it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gonghai_chassis.embedded import EmbeddedSettings, EmbeddedStore

if TYPE_CHECKING:
    import pytest


async def test_it_starts_in_a_directory_named_from_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async with EmbeddedStore(EmbeddedSettings(Path("data") / "store", fsync="no")) as store:
        assert store.pid is not None

    assert (tmp_path / "data" / "store" / "store.log").is_file()
