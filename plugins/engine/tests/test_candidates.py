"""A version of a plugin is tried beside the installed one, which goes on as if there were none."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import pytest
from plugins.engine.tests.distributions import install, use
from plugins.engine.tests.kept_apart import request, short

from gonghai_engine import Engine, PluginSelection
from gonghai_engine.candidates import Candidate, UnknownCandidate, imported_from, points
from gonghai_engine.isolation.keeping import Isolation
from gonghai_engine.isolation.note import Note
from gonghai_engine.loading import load_candidates

if TYPE_CHECKING:
    from pathlib import Path

LATER = Candidate("moody", "2.0.0")
DOCUMENT = "version: 1\ndefault: {plugin: moody}\n"
DOUBLE = """
import sys
print("imported", file=sys.stderr)

def moody(orders):
    import os
    return orders * 2
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a plugin, and put a later version of it in a folder of candidates."""
    install(tmp_path / "site", "moody", "")
    use(monkeypatch, tmp_path / "site")
    found = tmp_path / "candidates"
    install(found, "moody", DOUBLE)
    later(found)
    return found


def later(folder: Path) -> None:
    """Give what is in a folder the later version."""
    code = folder / "moody_plugin.py"
    code.write_text(code.read_text("utf-8").replace('"1.0.0"', f'"{LATER.version}"'), "utf-8")


def loaded(folder: Path) -> Engine:
    return Engine.load(
        PluginSelection(allowed=frozenset({"moody", "standard"})),
        isolation=Isolation(),
        candidates=folder,
    )


async def rules(engine: Engine, *orders: int) -> list[str]:
    return [short(each) for each in await engine.decide([request(count) for count in orders])]


@pytest.mark.timeout(60)
async def test_both_versions_decide_side_by_side_each_by_its_own_code(folder: Path) -> None:
    engine = loaded(folder)
    tried = engine.with_candidates([LATER])
    document = engine.parse(DOCUMENT)
    try:
        await engine.put_in_force("t", 1, document)
        await tried.put_in_force("t", 2, document, trial=True)
        # The function runs in processes of their own: it stands in each version.
        assert await rules(engine, 60, 101) == ["otherwise", "many"]
        assert await rules(tried, 60, 101) == ["many", "many"]
        assert await rules(engine, 60) == ["otherwise"]
        assert tried.tenant("t").industry("").plugin_version == LATER.version
        assert engine.tenant("t").industry("").plugin_version == "1.0.0"
        assert [item.version for item in engine.candidates] == [LATER.version]
        assert [item.version for item in engine.health() if item.name == "moody"] == ["1.0.0"]
    finally:
        await tried.stop()
        assert await rules(engine, 60, 101) == ["otherwise", "many"]
        await engine.stop()


def test_what_is_imported_of_a_candidate_leaves_nothing_behind(folder: Path) -> None:
    (point,) = (each for each in entry_points(group="gonghai") if each.name == "moody")
    installed = point.load()
    module, paths = sys.modules["moody_plugin"], list(sys.path)
    (folder / "needed_by_moody.py").write_text("VALUE = 1\n", "utf-8")
    code = folder / "moody_plugin.py"
    code.write_text(code.read_text("utf-8") + "\nimport needed_by_moody\n", "utf-8")
    with imported_from(folder):
        (candidate,) = (each.load() for each in points(folder))
        assert candidate is not installed
    assert sys.modules["moody_plugin"] is module
    assert "needed_by_moody" not in sys.modules
    assert sys.path == paths


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("moody==1.0.0", "moody==1.0.0: it is 2.0.0 here"),
        ("tea==2.0.0", "tea==2.0.0: there is no candidate of that name, only moody"),
        ("moody", "'moody' is no PLUGIN==VERSION"),
        ("moody==", "'moody==' is no PLUGIN==VERSION"),
    ],
)
def test_one_that_is_not_there_is_named(folder: Path, asked: str, why: str) -> None:
    engine = loaded(folder)
    with pytest.raises(UnknownCandidate) as refused:
        engine.with_candidates([Candidate.parse(asked)])
    assert str(refused.value) == why
    engine.close()


def test_a_broken_one_stops_nothing(folder: Path) -> None:
    code = folder / "moody_plugin.py"
    code.write_text("raise RuntimeError('half written')\n", "utf-8")
    engine = loaded(folder)
    assert engine.ready
    with pytest.raises(UnknownCandidate, match="did not load: RuntimeError: half written"):
        engine.with_candidates([LATER])
    engine.activate("t", 1, engine.parse(DOCUMENT))
    assert short(engine.decide_now(request(101))) == "many"
    engine.close()


def test_without_a_folder_there_are_none(tmp_path: Path) -> None:
    for engine in (Engine({}), loaded(tmp_path / "nowhere")):
        assert engine.candidates == ()
        with pytest.raises(UnknownCandidate, match="there is no candidate at all"):
            engine.with_candidates([LATER])
        engine.close()


def test_one_that_ends_its_process_ends_none_of_those_who_live(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "moody_plugin.py").write_text("import os\nos._exit(3)\n", "utf-8")
    note = Note(tmp_path / "notes", "archive")
    found = load_candidates(folder, PluginSelection(), note)
    note.close()
    assert not found.plugins
    (health,) = found.health
    assert health.error == "a process ended in which it was loaded: with code 3"


def test_what_is_not_allowed_is_not_even_imported(folder: Path) -> None:
    found = load_candidates(folder, PluginSelection(allowed=frozenset({"standard"})))
    assert (found.plugins, found.health) == ({}, ())


def test_what_it_has_outermost_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution with two packages, as pip leaves it: RECORD names what it has outermost."""
    for folder, size in ((tmp_path / "site", 1), (tmp_path / "candidates", 2)):
        for package, code in (
            ("cups", "import cups_sizes.all as sizes\nhooks = sizes.SIZE\n"),
            ("cups_sizes", ""),
        ):
            (folder / package).mkdir(parents=True)
            (folder / package / "__init__.py").write_text(code, "utf-8")
        (folder / "cups_sizes/all.py").write_text(f"SIZE = {size}\n", "utf-8")
        described = folder / f"cups-{size}.dist-info"
        described.mkdir()
        (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: cups\nVersion: {size}\n")
        (described / "entry_points.txt").write_text("[gonghai]\ncups = cups:hooks\n")
        (described / "RECORD").write_text(
            "cups/__init__.py,,\ncups_sizes/__init__.py,,\ncups_sizes/all.py,,\n"
        )
    monkeypatch.syspath_prepend(tmp_path / "site")
    (installed,) = points(tmp_path / "site")
    try:
        assert installed.load() == 1
        with imported_from(tmp_path / "candidates"):
            (candidate,) = points(tmp_path / "candidates")
            assert candidate.load() == 2
        assert installed.load() == 1
        assert sys.modules["cups_sizes.all"].SIZE == 1
    finally:
        for name in [name for name in sys.modules if name.startswith("cups")]:
            del sys.modules[name]
