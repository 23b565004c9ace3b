"""A bad document is refused whole, with every line and field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from plugins.engine.tests.rulebooks import STANDARD_PLUGIN, plugin

from gonghai_engine import Engine, PolicyDocument, PolicyDocumentError
from gonghai_engine.tenants import CompiledPlugin
from gonghai_plugin import Often, setting

if TYPE_CHECKING:
    from gonghai_plugin.plugin import Plugin, Settings

_MANY = ", ".join(f"i{number}: {{plugin: standard}}" for number in range(51))
_DAYS = ", ".join(["2026-01-01"] * 2_001)
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
        ("a: !!python/object:os.system {}\n", 1, "a", "tag"),
        (HEAD + "x: !!binary AA==\n", 3, "x", "tag"),
        (HEAD + "x: !!str 5\n", 3, "x", "tag"),
        (HEAD + "!!bool x: 5\n", 3, "x", "tag"),
        (HEAD + "x: !!map [a]\n", 3, "x", "tag"),
        ("version: !!bool x\ndefault: {plugin: standard}\n", 1, "version", "tag"),
        ("version: !!float '_'\ndefault: {plugin: standard}\n", 1, "version", "tag"),
        ("version: true\ndefault: {plugin: standard}\n", 1, "version", "1"),
        ("version: 1.0\ndefault: {plugin: standard}\n", 1, "version", "1"),
        (HEAD + "industries:\n  '': {plugin: standard}\n", 3, "industries", "no industry"),
        (HEAD + "industries:\n  a/b: {plugin: standard}\n", 3, "industries", "no industry"),
        (HEAD + "industries: {default: {plugin: standard}}\n", 3, "industries", "all others"),
        (HEAD + f"? {'a' * 101}\n: [0, 0]\n", 3, "", "a key of more than 100"),
        (HEAD + "zone: localtime\n", 3, "zone", "no time zone"),
        (HEAD + "holidays: [0]\n", 3, "holidays.0", "no date"),
        (HEAD + "holidays: [2026-01-01, 2026-01-01]\n", 3, "holidays", "twice"),
        (HEAD + "x: 0x" + "f" * 9_000 + "\n", 3, "x", "number"),
        (HEAD + "x: {<<: {a: 1}}\n", 3, "x", "merge"),
        (HEAD + "? [a]\n: 1\n", 3, "", "as a key"),
        (HEAD + "x:\n  " + "[" * 20 + "]" * 20 + "\n", 4, "", "deeper than 20"),
        (HEAD + "x: " + "[" * 60_000, 3, "", "deeper than 20"),
        (HEAD + f"industries: {{{_MANY}}}\n", 3, "industries", "at most 50"),
        (HEAD + f"holidays: [{_DAYS}]\n", 3, "holidays", "at most 2000"),
        (HEAD + f"workdays: [{_DAYS}]\n", 3, "workdays", "at most 2000"),
    ],
)  # fmt: skip
def test_the_line_and_the_field_are_named(text: str, line: int, field: str, says: str) -> None:
    problems = _problems(text)
    assert any(found[:2] == (line, field) and says in found[2] for found in problems), problems


@pytest.mark.parametrize(
    ("setting", "value", "most"),
    [
        ("cool_down_days", 10**30, 3650),
        ("no_order_days", 3651, 3650),
        ("embargo_hours", 87_601, 87_600),
        ("holding_limit", 10**9 + 1, 10**9),
        ("dormant_days", 2**63, "64 bits"),
        ("tiers.key_amount", 2**63, "64 bits"),
    ],
)
def test_a_number_that_leaves_the_calendar_or_the_store_is_refused(
    setting: str, value: int, most: object
) -> None:
    outer, _, inner = setting.rpartition(".")
    written = f"{outer}: {{{inner}: {value}}}" if outer else f"{inner}: {value}"
    problems = _problems(f"version: 1\ndefault:\n  plugin: standard\n  settings:\n    {written}\n")
    assert [(line, field) for line, field, _ in problems] == [(5, f"default.settings.{setting}")]
    assert str(most) in problems[0][2]


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
    assert "longer than" in _problems("#" * 65_537)[0][2]


def test_fifty_industries_with_the_same_settings_are_compiled_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled = []
    of = CompiledPlugin.of

    def counting(plugin: Plugin, settings: Settings) -> CompiledPlugin:
        compiled.append(plugin.name)
        return of(plugin, settings)

    monkeypatch.setattr(CompiledPlugin, "of", counting)
    engine = Engine({"standard": STANDARD_PLUGIN})
    document = engine.parse(HEAD + f"industries: {{{_MANY.rpartition(', ')[0]}}}\n")
    assert engine.activate("t", 1, document)
    assert len(engine.tenant("t").industries) == 51
    assert compiled == ["standard"]


async def test_reading_aside_says_the_same_as_parsing() -> None:
    engine = Engine({"standard": STANDARD_PLUGIN})
    assert (await engine.read(HEAD)).digest == engine.parse(HEAD).digest
    with pytest.raises(PolicyDocumentError) as error:
        await engine.read(HEAD + "industries:\n  x: {plugin: nemo}\n")
    assert error.value.problems[0].field == "industries.x.plugin"


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


def test_what_often_is_comes_of_the_settings_and_is_refused_where_it_cannot_be() -> None:
    buys_often = Often(at_least=setting("limit"), within_days=90)
    some = plugin("some", buys_often=buys_often, sdk="1.4")
    engine = Engine({"standard": STANDARD_PLUGIN, "some": some})
    text = "version: 1\ndefault: {plugin: standard}\nindustries:\n  x:\n    plugin: some\n"
    text += "    settings: {limit: %d}\n"
    engine.activate("t", 1, engine.parse(text % 4))
    policy = engine.tenant("t")
    assert policy.industry("x").often == (4, 90)
    assert policy.industry("").often is None
    with pytest.raises(PolicyDocumentError) as error:
        engine.parse(text % 0)
    (problem,) = error.value.problems
    assert (problem.line, problem.field) == (6, "industries.x.settings.limit")
