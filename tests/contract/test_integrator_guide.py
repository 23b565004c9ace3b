"""The integrators' guide: its plugin is a plugin, its tests pass, its tables are complete."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final, get_args

import pytest

from gonghai_engine import (
    Decision,
    DecisionRequest,
    Engine,
    Policy,
    PolicyDocument,
    PolicyDocumentError,
    Tier,
)
from gonghai_plugin import host_facts, policies
from gonghai_plugin.facts import Area, Host

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gonghai_plugin import Fact, FactType

GUIDE: Final = (Path(__file__).resolve().parents[2] / "docs/integrators.md").read_text("utf-8")
BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED: Final = re.compile(r"# ([\w./-]+\.\w+)\n(.*)", re.DOTALL)
NOW: Final = 1_795_000_000_000_000


def files() -> dict[str, str]:
    """Return the content of each file that the guide shows: a block that begins with its name."""
    matches = (NAMED.fullmatch(block) for _, block in BLOCK.findall(GUIDE))
    return {match[1]: match[2] for match in matches if match}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the guide's files, and install the distribution as far as finding it goes."""
    folder = tmp_path_factory.mktemp("gonghai-tea")
    for name, content in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    about = folder / "src" / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines = [f"{name} = {target}" for name, target in project["entry-points"]["gonghai"].items()]
    (about / "entry_points.txt").write_text("\n".join(["[gonghai]", *lines, ""]))
    return folder


@pytest.fixture
def engine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Load every plugin that is installed, the guide's among them."""
    monkeypatch.syspath_prepend(str(folder / "src"))
    engine = Engine.load()
    yield engine
    engine.close()
    monkeypatch.delitem(sys.modules, "gonghai_tea", raising=False)


async def test_the_plugin_loads_and_decides_as_the_guide_says(engine: Engine) -> None:
    assert {item.name: item.error for item in engine.health()}["tea"] == ""
    engine.activate("acme", 1, engine.parse(files()["policy.yaml"]))
    facts = {"amount_365d": 9_000_000, "shops": 3}
    (made,) = await engine.decide([DecisionRequest("acme", "tea", Policy.TIERING, facts, NOW)])
    assert isinstance(made, Decision), made
    assert isinstance(made.outcome, Tier)
    assert (made.plugin, made.rule, made.outcome.name) == ("tea", "strong-shops", "a")
    assert made.reason.en == "30,000.00 for each of 3 shops"


def test_its_tests_pass(folder: Path) -> None:
    ended = subprocess.run(  # noqa: S603 - our own interpreter
        [
            sys.executable,
            *("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "tests"),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert " 9 passed" in f" {ended.stdout.splitlines()[-1]}"


def test_every_policy_document_is_one(engine: Engine) -> None:
    documents = [block for kind, block in BLOCK.findall(GUIDE) if kind == "yaml"]
    assert len(documents) > 1
    for document in documents:
        assert isinstance(engine.parse(document), PolicyDocument)


def test_a_bad_document_is_refused_as_the_guide_shows(engine: Engine) -> None:
    bad = files()["policy.yaml"].replace("no_order_days: 45", "no_order_days: soon, no_ordr: 3")
    with pytest.raises(PolicyDocumentError) as refused:
        engine.parse(bad)
    for problem in refused.value.problems:
        assert f"document.{problem.field}: line " in GUIDE
        assert problem.message in GUIDE


def test_every_fact_of_the_host_is_listed_and_nothing_else() -> None:
    rows = re.findall(r"^\| `([a-z_0-9]+)` \| ([^|]+) \| ([^|]+) \|$", GUIDE, re.MULTILINE)
    facts = host_facts.ALL.values()
    assert rows == [(fact.name, typed(fact.type), fact.about.en) for fact in _by_area(facts)]


def typed(type_: FactType) -> str:
    """Return a type as the guide writes it: a text with the values that it may have."""
    return str(type_) if type_.values is None else f"{type_.kind}: {', '.join(type_.values)}"


def _by_area(facts: Iterable[Fact]) -> list[Fact]:
    areas = list(Area)
    given = [(fact, fact.origin) for fact in facts if isinstance(fact.origin, Host)]
    return [fact for area in areas for fact, origin in given if origin.area is area]


def test_every_policy_is_listed() -> None:
    listed = re.findall(r"^\| `([A-Z]\w+)` \|", GUIDE, re.MULTILINE)
    kinds = {kind.__name__ for kind in get_args(policies.AnyPolicy)}
    assert set(listed) == kinds
