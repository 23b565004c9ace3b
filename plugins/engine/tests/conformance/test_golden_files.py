"""Golden decisions as a file: found, read, written anew with everything else left as it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from gonghai_engine.conformance.golden import GoldenError, GoldenFile, rewritten
from gonghai_engine.conformance.projects import golden_of, plugin_here

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.engine.tests.conformance.projects import Project

WRITTEN = """\
# Whose they are.
plugin: tea   # the trade

cases:
- case: flow
  facts: {shops: 1}
  expect: {tier: c, stops: [], signals: [x]}   # why it is so

# About blocks.
- case: block
  facts:
    shops: 3
  expect:
    tier: c
    refusals:
    - far

# About new ones.
- case: nothing expected
  facts: {}
- {case: on one line, facts: {}}
- case: empty
  expect: {}
- case: left open
  expect:
  # The last word.
"""
MADE = {"tier": "a", "stops": [], "refusals": ["near"], "risk": "failed: boom", "value": None}


def test_what_was_decided_takes_the_place_of_what_was_expected(tmp_path: Path) -> None:
    path = tmp_path / "golden.yaml"
    path.write_text(WRITTEN, "utf-8")
    text = rewritten(path, dict.fromkeys(range(6), MADE))
    made = [case["expect"] for case in yaml.safe_load(text)["cases"]]
    assert made[:2] == [
        {"tier": "a", "stops": [], "signals": ["x"]},  # of a name that is decided nowhere
        {"tier": "a", "refusals": ["near"]},
    ]
    assert made[2:] == [{"tier": "a", "refusals": ["near"]}] * 4
    for comment in ("# Whose they are.", "# the trade", "# why it is so", "# About blocks."):
        assert comment in text
    assert text.index("# About new ones.") < text.index("nothing expected")
    assert text.endswith("# The last word.\n")
    path.write_text(text, "utf-8")
    assert rewritten(path, dict.fromkeys(range(6), MADE)) == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no `plugin: NAME`"),
        ("plugin: 3", "no `plugin: NAME`"),
        ("plugin: tea\nsetings: {}", "it knows no setings"),
        ("plugin: tea\nsettings: [1]", "`settings` is no mapping"),
        ("plugin: tea\ncases: {a: 1}", "`cases` is no list"),
        ("plugin: tea\ncases: [{facts: {}}]", "case 1 has no `case: NAME`"),
        ("plugin: tea\ncases: [{case: x, facts: 3}]", "`facts` and `expect` are mappings"),
        ("plugin: tea\ncases: [{case: x, expected: {}}]", "x: it knows no expected"),
        ("plugin: [tea", "not YAML"),
    ],
)
def test_a_file_that_is_none_is_refused_saying_where(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "golden.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(GoldenError) as refused:
        GoldenFile.read(path)
    assert says in str(refused.value)
    assert plugin_here(tmp_path) is None


def test_they_are_found_where_the_plugin_is_installed_from(
    project: Project, tmp_path: Path
) -> None:
    assert golden_of("tea", tmp_path) is None
    (about,) = project.source.glob("*.dist-info")
    (about / "direct_url.json").write_text(
        json.dumps({"url": project.folder.as_uri(), "dir_info": {"editable": True}})
    )
    assert golden_of("tea", tmp_path) == project.golden
    assert golden_of("coffee", project.folder) is None
    assert plugin_here(project.folder) == "tea"
