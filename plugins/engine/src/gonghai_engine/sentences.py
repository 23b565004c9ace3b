"""Reason sentences with their figures filled in."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Final, TypeAlias

from gonghai_engine.faults import DeclarationError
from gonghai_engine.settings import value_at
from gonghai_plugin.facts import Kind, Unit
from gonghai_plugin.texts import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gonghai_engine.decisions import FactValue
    from gonghai_plugin.facts import Fact
    from gonghai_plugin.plugin import Settings

Filled: TypeAlias = "Callable[[Mapping[str, FactValue]], Text]"

_SETTING: Final = "settings."
_UNKNOWN: Final = Text("unknown", "未知")
_YES: Final = Text("yes", "是")
_NO: Final = Text("no", "否")


def compile_sentence(
    text: Text, facts: Mapping[str, Fact], settings: Settings, where: str
) -> tuple[Filled, tuple[str, ...]]:
    """Return the function that fills a sentence in, and the facts that it names.

    Raises DeclarationError for a figure that is neither a fact nor a setting.
    """
    english, named = _compile(text.en, "en", facts, settings, where)
    chinese, named_too = _compile(text.zh, "zh", facts, settings, where)
    if isinstance(english, str) and isinstance(chinese, str):
        constant = Text(english, chinese)
        return lambda _: constant, ()

    def fill(values: Mapping[str, FactValue]) -> Text:
        return Text(
            english if isinstance(english, str) else english(values),
            chinese if isinstance(chinese, str) else chinese(values),
        )

    return fill, tuple(dict.fromkeys((*named, *named_too)))


def figure(value: FactValue, fact: Fact, language: str) -> str:
    """Write a fact's value as a person reads it."""
    if value is None:
        return _in(_UNKNOWN, language)
    if isinstance(value, bool):
        return _in(_YES if value else _NO, language)
    if isinstance(value, frozenset):
        return ("、" if language == "zh" else ", ").join(sorted(value))
    if isinstance(value, str):
        return value
    if fact.unit is Unit.MONEY:
        return _decimal(value, 2)
    return _decimal(value, fact.type.scale) if fact.type.kind is Kind.DECIMAL else str(value)


def _compile(
    sentence: str, language: str, facts: Mapping[str, Fact], settings: Settings, where: str
) -> tuple[str | Callable[[Mapping[str, FactValue]], str], tuple[str, ...]]:
    template = ""
    named: list[Fact] = []
    for literal, name, _, _ in string.Formatter().parse(sentence):
        template += literal.replace("%", "%%")
        if name is None:
            continue
        if name.startswith(_SETTING):
            template += str(value_at(settings, name.removeprefix(_SETTING), where)).replace(
                "%", "%%"
            )
        elif name in facts:
            template += "%s"
            named.append(facts[name])
        else:
            raise DeclarationError(where, f"its sentence names {name!r}, which is no fact")
    if not named:
        return template.replace("%%", "%"), ()
    figures = tuple(named)

    def fill(values: Mapping[str, FactValue]) -> str:
        return template % tuple([figure(values[fact.name], fact, language) for fact in figures])

    return fill, tuple(fact.name for fact in figures)


def _in(text: Text, language: str) -> str:
    return text.zh if language == "zh" else text.en


def _decimal(value: int, scale: int) -> str:
    if not scale:
        return str(value)
    whole, rest = divmod(abs(value), 10**scale)
    sign = "-" if value < 0 else ""
    return f"{sign}{whole:,}.{rest:0{scale}d}"
