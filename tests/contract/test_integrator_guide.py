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
    Admission,
    Cadence,
    ClaimLimits,
    ClaimVerdict,
    Collisions,
    Commission,
    Decision,
    DecisionRequest,
    Engine,
    Heirs,
    Needs,
    Policy,
    PolicyDocument,
    PolicyDocumentError,
    Qualification,
    ReclaimPlan,
    RiskSignals,
    Stage,
    Text,
    Tier,
    Weights,
)
from gonghai_engine.conformance.findings import PROMISES
from gonghai_engine.conformance.golden import figures
from gonghai_engine.conformance.templates import make
from gonghai_engine.conformance.trial import trial
from gonghai_plugin import host_facts, policies
from gonghai_plugin.facts import Area, Host

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gonghai_plugin import Fact, FactType

GUIDE: Final = (Path(__file__).resolve().parents[2] / "docs/integrators.md").read_text("utf-8")
BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED: Final = re.compile(r"# ([\w./-]+\.\w+)\n(.*)", re.DOTALL)
NOW: Final = 1_795_000_000_000_000
WORD: Final = Text("", "")


def files() -> dict[str, str]:
    """Return the content of each file that the guide shows: a block that begins with its name."""
    matches = (NAMED.fullmatch(block) for _, block in BLOCK.findall(GUIDE))
    return {match[1]: match[2] for match in matches if match}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the plugin as the guide does, and install it as far as finding it goes."""
    folder = make(
        "tea",
        tmp_path_factory.mktemp("guide") / "gonghai-tea",
        title_en="Tea wholesale",
        title_zh="茶叶批发",
    )
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
    for name in [name for name in sys.modules if name.partition(".")[0] == "gonghai_tea"]:
        monkeypatch.delitem(sys.modules, name)


def test_the_guide_shows_what_the_template_makes(folder: Path) -> None:
    shown = {name: text for name, text in files().items() if name != "policy.yaml"}
    made = [*folder.glob("src/gonghai_tea/*.py"), folder / "pyproject.toml"]
    made.append(folder / "tests/golden.yaml")
    assert set(shown) == {str(path.relative_to(folder)) for path in made}
    for name, text in shown.items():
        assert (folder / name).read_text("utf-8") == f"# {name}\n{text}"


def test_the_guide_shows_every_check() -> None:
    rows = re.findall(r"^│ (\w+) +│ (.+?) +│ passed │$", GUIDE, re.MULTILINE)
    assert rows == [(str(check), promise) for check, promise in PROMISES.items()]


def test_the_guide_shows_what_would_be_decided(folder: Path, engine: Engine) -> None:
    del engine  # what it imported is of this folder
    table = [line.split("│") for line in GUIDE.splitlines() if line.startswith("│")]
    shown = {cells[1].strip(): [cell.strip() for cell in cells[2:4]] for cells in table}
    decided = trial(folder / "customers.csv", "tea")
    assert len(decided.rows) > 2
    for row in decided.rows:
        assert shown[row.customer] == [row.stage, row.tier]


def test_every_figure_that_a_case_can_expect_is_listed() -> None:
    section = GUIDE.partition("## Golden decisions")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(\w+)`", section))
    outcomes = (
        Stage("", WORD), Tier("", 0, WORD), Cadence(0, ()), Admission(""),
        ClaimVerdict(True, (), ClaimLimits()), ReclaimPlan(()), RiskSignals(()),  # noqa: FBT003 - it is allowed
        Qualification(True), Needs(Weights()),  # noqa: FBT003 - it counts
        Commission(), Collisions(()), Heirs(()),
    )  # fmt: skip
    assert {name for outcome in outcomes for name in figures(outcome)} - named == set()


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
    passed = ended.stdout.splitlines()[-1].partition(" in ")[0]
    assert f"\n{passed} in " in GUIDE


def test_every_policy_document_is_one(engine: Engine) -> None:
    blocks = [block for kind, block in BLOCK.findall(GUIDE) if kind == "yaml"]
    documents = [block for block in blocks if not block.startswith("# tests/")]
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
