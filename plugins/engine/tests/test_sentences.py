"""Sentences keep their figures apart until somebody reads them, and are read without the plugin."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plugins.engine.tests.rulebooks import SomeSettings
from plugins.engine.tests.rulebooks import given as known

from gonghai_engine import Decision, DecisionRequest, Engine, Policy, Sentence
from gonghai_engine.faults import DeclarationError
from gonghai_engine.sentences import compile_sentence
from gonghai_plugin import BOOL, INT64, TEXT, TEXT_SET, Text, Unit, decimal
from gonghai_standard import STANDARD

if TYPE_CHECKING:
    from gonghai_engine.decisions import FactValue

FACTS = {
    fact.name: fact
    for fact in (
        known("count", INT64),
        known("interval", decimal(1)),
        dataclasses.replace(known("amount", INT64), unit=Unit.MONEY),
        known("kind", TEXT),
        known("late", BOOL),
        known("tags", TEXT_SET),
    )
}


def _said(en: str, zh: str = "", **values: FactValue) -> Text:
    fill, named = compile_sentence(Text(en, zh or en), FACTS, SomeSettings(), "here")
    sentence = fill({**dict.fromkeys(FACTS), **values})
    assert set(named) <= FACTS.keys()
    stored = msgpack.unpackb(msgpack.packb(sentence.to_record()))
    assert Sentence.from_record(stored) == sentence
    return sentence.text


@pytest.mark.parametrize(
    ("template", "values", "says"),
    [
        ("{count} orders", {"count": 3}, "3 orders"),
        ("every {interval} days", {"interval": 1234}, "every 123.4 days"),
        ("{amount} in a year", {"amount": -1_234_505}, "-12,345.05 in a year"),
        (
            "{kind}, {kind} of {count}",
            {"kind": "a{b}%s", "count": None},
            "a{b}%s, a{b}%s of unknown",
        ),
        ("late: {late}", {"late": True}, "late: yes"),
        ("tags {tags}", {"tags": frozenset({"b", "a"})}, "tags a, b"),
        ("at most {settings.limit}, 100 % {{so}}", {}, "at most 10, 100 % {so}"),
        ("{settings.limit} and {count}, 100 % {{so}}", {"count": 1}, "10 and 1, 100 % {so}"),
    ],
)
def test_a_sentence_has_its_figures_as_people_write_them(
    template: str, values: dict[str, Any], says: str
) -> None:
    assert _said(template, **values).en == says


def test_each_language_has_its_own_order_and_words() -> None:
    said = _said("{count} of {late}", "{late}之{count}", count=4, late=False)
    assert said == Text("4 of no", "否之4")


def test_a_sentence_that_names_nothing_known_is_refused() -> None:
    with pytest.raises(DeclarationError, match="'counts', which is no fact"):
        compile_sentence(Text("{counts}", ""), FACTS, SomeSettings(), "here")


@given(st.text(), st.text())
def test_a_sentence_without_figures_is_what_it_is(en: str, zh: str) -> None:
    assert Sentence.from_record([en, zh]).text == Text(en, zh)


async def test_a_record_says_the_same_when_it_is_read_years_later() -> None:
    engine = Engine({"standard": STANDARD})
    facts = {"amount_365d": 60_000_000, "orders_365d": 12}
    (made,) = await engine.decide([DecisionRequest("t", "", Policy.TIERING, facts, 5, "c")])
    assert isinstance(made, Decision)
    assert "600,000.00" in made.reason.en
    record = msgpack.unpackb(msgpack.packb(made.to_record()))
    engine.close()
    assert Decision.from_record(record) == made
    assert Decision.from_record(record).reason == made.reason


def test_a_record_of_the_first_schema_is_read_as_it_was_written() -> None:
    record = {
        "v": 1, "s": "c", "p": "claim", "r": "too-soon", "o": {"5": ["east"]},
        "w": ["{3} days {left}", "还剩3天"], "a": [["never", "no {0}", "不"]],
        "g": "standard", "n": "0.1.0", "e": 3, "d": "digest", "f": {"tags": ["b", "a"]}, "t": 7,
    }  # fmt: skip
    read = Decision.from_record(record)
    assert read.reason == Text("{3} days {left}", "还剩3天")
    assert read.also == (("never", Text("no {0}", "不")),)
    with pytest.raises(ValueError, match="schema 3"):
        Decision.from_record({**record, "v": 3})
