"""A bad document is refused whole, with every line and field."""

from __future__ import annotations

import pytest
from plugins.engine.tests.rulebooks import STANDARD_PLUGIN

from gonghai_engine import Engine, PolicyDocument, PolicyDocumentError

HEAD = "version: 1\ndefault: {plugin: standard}\n"


def _problems(text: str) -> list[tuple[int, str, str]]:
    engine = Engine({"standard": STANDARD_PLUGIN})
    with pytest.raises(PolicyDocumentError) as error:
        engine.parse(text)
    return [(item.line, item.field, item.message) for item in error.value.problems]


@pytest.mark.parametrize(
    ("text", "line", "field", "says"),
    [
        ("", 1, "", "dictionary"),
        ("- a\n- b\n", 1, "", "dictionary"),
        ("version: 1\n", 1, "default", "required"),
        ("version: 2\ndefault: {plugin: standard}\n", 1, "version", "1"),
        (HEAD + "colour: red\n", 3, "colour", "Extra inputs"),
        (HEAD + "zone: Asia/Atlantis\n", 3, "zone", "no time zone"),
        (HEAD + "calendar: maya\n", 3, "calendar", "china"),
        (HEAD + "holidays: [2026-02-30]\n", 3, "holidays.0", "date"),
        (HEAD + "holidays: [2026-12-31]\nworkdays: [2026-12-31]\n", 4, "workdays", "at once"),
        (HEAD + "industries:\n  x:\n    plugin: nemo\n", 5, "industries.x.plugin", "no plugin"),
        (HEAD + "industries:\n  fish: {settings: {}}\n", 4, "industries.fish.plugin", "required"),
        (HEAD + "version: 1\n", 3, "version", "twice"),
        ("a: [1, 2\n", 2, "", "expected"),
        ("version: 1\ndefault: &d {plugin: a}\nindustries: {x: *d}\n", 2, "industries.x", "alias"),
        ("\tversion: 1", 1, "", "cannot start"),
        ("a: !!python/object:os.system {}\n", 1, "", "constructor"),
    ],
)  # fmt: skip
def test_the_line_and_the_field_are_named(text: str, line: int, field: str, says: str) -> None:
    problems = _problems(text)
    assert any(found[:2] == (line, field) and says in found[2] for found in problems), problems


def test_every_problem_of_the_settings_is_told_at_once() -> None:
    text = (
        "version: 1\n"
        "default:\n"
        "  plugin: standard\n"
        "  settings:\n"
        "    new_days: soon\n"
        "    tiers:\n"
        "      key_amount: -1\n"
        "      colour: red\n"
    )
    assert [found[:2] for found in _problems(text)] == [
        (5, "default.settings.new_days"),
        (7, "default.settings.tiers.key_amount"),
        (8, "default.settings.tiers.colour"),
    ]


def test_settings_that_leave_a_rule_without_its_turn_are_refused() -> None:
    text = "version: 1\ndefault:\n  plugin: standard\n  settings: {dormant_days: 200}\n"
    ((line, field, message),) = _problems(text)
    assert (line, field) == (4, "default.settings")
    assert "rule 'dormant'" in message


def test_a_document_too_long_is_refused_unread() -> None:
    assert "longer than" in _problems("#" * 300_000)[0][2]


def test_the_digest_tells_contents_apart_not_spellings() -> None:
    plain = PolicyDocument.parse(HEAD)
    spelt = PolicyDocument.parse("# why\nversion: 1\ndefault:\n    plugin: 'standard'\n")
    other = PolicyDocument.parse(HEAD + "calendar: weekends\n")
    assert plain.digest == spelt.digest != other.digest


def test_the_order_of_a_table_in_the_settings_counts() -> None:
    def digest(table: str) -> str:
        return PolicyDocument.parse(
            f"version: 1\ndefault: {{plugin: standard, settings: {{cadence_days: {table}}}}}\n"
        ).digest

    assert digest("{a: 1, b: 2}") != digest("{b: 2, a: 1}")
