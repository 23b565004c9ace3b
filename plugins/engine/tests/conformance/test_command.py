"""`gonghai plugin …` as an author meets it."""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING

import pytest
import yaml
from typer.testing import CliRunner, Result

from gonghai_engine.conformance.command import app

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.engine.tests.conformance.projects import Project


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def _flat(text: str) -> str:
    """Return what a table says, without its borders and breaks."""
    return " ".join(text.replace("│", " ").split())


def test_what_is_installed_is_listed_with_what_is_wrong(project: Project) -> None:
    project.change("__init__.py", "GIVEN: Final", "raise ValueError('boom')\nGIVEN: Final")
    listed = _flat(_run("list").output)
    assert "standard gonghai-plugin-standard 0.1.0 1.0 loads" in listed
    assert "tea gonghai-plugin-tea ValueError: boom" in listed


def test_the_plugin_of_a_folder_is_checked_where_one_stands(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.folder)
    project.change("settings.py", "30_000_000", "30_000_001")
    checked = _run("check")
    assert checked.exit_code == 1
    assert "a large customer, exactly at the threshold: tiering: 'otherwise'" in checked.output


def test_golden_decisions_are_written_for_review_and_nothing_else_is(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.folder)
    project.change("settings.py", "Field(\n        60", "Field(\n        45")
    project.change("golden.yaml", "  facts: {}\n  expect: {tier: c, stops: []}\n", "  facts: {}\n")
    before = project.golden.read_text("utf-8")
    assert _run("check").exit_code == 1
    assert _run("check", "--update-golden").exit_code == 0
    after = project.golden.read_text("utf-8")
    assert after.splitlines()[:-1] == before.replace("no-order: 60", "no-order: 45").splitlines()
    assert "tiering: otherwise, tier: c" in after.splitlines()[-1]
    assert "unchanged" in _run("check", "tea", "--update-golden").output


def test_a_folder_without_golden_decisions_has_no_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = _run("check")
    assert asked.exit_code == 2
    assert "name a plugin" in asked.output


def test_a_project_is_made_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = _run("new", "spare_parts", "--title-zh", "汽配")
    assert made.exit_code == 0, made.output
    folder = tmp_path / "gonghai-spare-parts"
    assert "汽配" in (folder / "README.zh.md").read_text("utf-8")
    assert not list(folder.rglob("*.jinja"))
    assert "{{" not in "".join(path.read_text("utf-8") for path in folder.rglob("*.*"))
    assert _run("new", "spare_parts").exit_code == 2
    assert "is there already" in _run("new", "spare_parts").output


@pytest.mark.parametrize("name", ["archive", "pool", "engine", "cli", "chassis", "plugin", "sdk",
    "standard", "fmcg", "two_tier"])  # fmt: skip
def test_the_name_of_a_part_of_gonghai_is_refused(tmp_path: Path, name: str) -> None:
    refused = _run("new", name, str(tmp_path / "new"))
    assert refused.exit_code == 2
    assert "is a part of Gonghai" in _flat(refused.output)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "name",
    # Each word that YAML takes for something else, as PyYAML itself lists them.
    sorted(
        word
        for letter in string.ascii_lowercase
        for _, pattern in yaml.SafeLoader.yaml_implicit_resolvers.get(letter, ())
        for word in re.findall(r"[a-z]+", pattern.pattern)
        if len(word) > 1 and pattern.match(word)
    ),
)
def test_a_name_that_yaml_reads_as_no_text_is_refused(tmp_path: Path, name: str) -> None:
    refused = _run("new", name, str(tmp_path / "new"))
    assert refused.exit_code == 2
    assert f"YAML reads it as {yaml.safe_load(name)!r}, which is no text" in _flat(refused.output)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("default", "a policy document says `default` for every industry"),
        ("policy", "names that begin with `policy` are kept"),
        ("policy_service", "names that begin with `policy` are kept"),
        ("gonghai", "names that begin with `gonghai` are kept"),
        ("test", "names that begin with `test` are kept"),
        ("tests_of_tea", "names that begin with `tests` are kept"),
    ],
)
def test_a_name_that_means_something_else_is_refused(tmp_path: Path, name: str, says: str) -> None:
    refused = _run("new", name, str(tmp_path / "new"))
    assert refused.exit_code == 2
    assert says in _flat(refused.output)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["e1", "testers"])
def test_a_name_that_only_looks_like_one_is_a_name_in_every_document(
    tmp_path: Path, name: str
) -> None:
    made = _run("new", name, str(tmp_path / "new"))
    assert made.exit_code == 0, made.output
    for readme in ("README.md", "README.zh.md"):
        text = (tmp_path / "new" / readme).read_text("utf-8")
        document = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0])
        assert document["industries"][name]["plugin"] == name
        assert f'"{name}": {{plugin: "{name}",' in text
    golden = (tmp_path / "new/tests/golden.yaml").read_text("utf-8")
    assert f'\nplugin: "{name}"\n' in golden


@pytest.mark.parametrize("name", ["fmcg_distributor", "tea"])
def test_the_name_of_an_installed_plugin_is_refused(
    project: Project, tmp_path: Path, name: str
) -> None:
    del project
    refused = _run("new", name, str(tmp_path / "new"))
    assert refused.exit_code == 2
    assert "a plugin of that name is installed" in _flat(refused.output)


def test_the_name_of_a_package_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gonghai_taken").mkdir()
    (tmp_path / "gonghai_taken/__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    refused = _run("new", "taken", str(tmp_path / "new"))
    assert refused.exit_code == 2
    assert "there is a package gonghai_taken" in _flat(refused.output)


def test_golden_decisions_can_be_excused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.golden.unlink()
    monkeypatch.chdir(project.folder)
    assert _run("check", "tea").exit_code == 1
    assert _run("check", "tea", "--excuse", "golden").exit_code == 0


@pytest.mark.parametrize("name", ["Tea", "tea-green", "1st", "class", "", "a__b", "t" * 41, "x/y"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    assert _run("new", name, str(tmp_path / "new")).exit_code == 2
    assert not (tmp_path / "new").exists()


@pytest.mark.usefixtures("project")
def test_the_template_is_tried_on_its_own_customers(project: Project) -> None:
    tried = _flat(_run("try", str(project.folder / "customers.csv"), "--plugin", "tea").output)
    assert "Harbour Trading active key no-order 60 days, stops: spring-festival" in tried
    assert "Old Town Stores active a no-order 60 days" in tried
    assert "30,000.00 for each of 3 shops" in tried


def test_settings_are_tried(project: Project, tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("no_order_days: 45\nkey_amount: 9_000_000\n")
    table = str(project.folder / "customers.csv")
    tried = _run("try", table, "-p", "tea", "--settings", str(tmp_path / "settings.yaml"))
    assert "Old Town Stores active key no-order 45 days" in _flat(tried.output)


@pytest.mark.usefixtures("project")
def test_settings_that_do_not_hold_are_refused_by_line(project: Project, tmp_path: Path) -> None:
    bad = tmp_path / "settings.yaml"
    bad.write_text("no_order_days: soon\n\nno_ordr: 3\n")
    table = str(project.folder / "customers.csv")
    tried = _run("try", table, "-p", "tea", "--settings", str(bad))
    assert tried.exit_code == 2
    assert "settings.yaml, line 1, no_order_days: Input should be a valid integer" in tried.output
    assert "settings.yaml, line 3, no_ordr: Extra inputs are not permitted" in tried.output


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("", "is empty"),
        ("customer,shops\n", "has no customers"),
        ("customer,shops,colour\nx,1,red\n", "line 1, column 3 (colour): there is no such fact"),
        ("shops,shops\n1,2\n", "the column shops is there twice"),
        ("amount_per_shop\n1\n", "column 1 (amount_per_shop): there is no such fact"),
        ("shops\nten\n", "line 2, column shops: 'ten' is no number"),
        ("shops\n1\n\n-1\n", "line 4, column shops: it is below 0"),
        ("orders_90d\n1.5\n", "line 2, column orders_90d: '1.5' is a int64: no decimal places"),
        ("csat_90d\n4.25\n", "'4.25' is a decimal(1): 1 decimal places"),
        ("self_sourced\nmaybe\n", "column self_sourced: 'maybe' is neither yes nor no"),
        ("goods\nfresh;wet\n", "column goods: 'fresh;wet' has a member that is none of dry"),
        ("shops\n1,2\n", "line 2, it has more cells than there are columns"),
        ("shops\n1\n\x00\n", "line 3, column shops"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_by_line_and_column(
    tmp_path: Path, table: str, says: str
) -> None:
    file = tmp_path / "customers.csv"
    file.write_text(table, "utf-8")
    tried = _run("try", str(file), "--plugin", "tea")
    assert tried.exit_code == 2
    assert says in tried.output


def test_a_table_in_another_encoding_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_bytes("customer,region\n海港贸易,上海\n".encode("gb18030"))
    tried = _run("try", str(file), "--plugin", "standard")
    assert "is no CSV in UTF-8" in tried.output


def test_a_plugin_that_is_not_there_cannot_be_tried(tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text("customer\nx\n")
    tried = _run("try", str(file), "--plugin", "nowhere")
    assert tried.exit_code == 2
    assert "there is no plugin 'nowhere'" in tried.output
