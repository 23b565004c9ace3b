"""Reason sentences, with their figures filled in when somebody reads them."""

from __future__ import annotations

import string
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from gonghai_engine.faults import DeclarationError
from gonghai_engine.settings import value_at
from gonghai_plugin.facts import Kind, Unit
from gonghai_plugin.texts import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gonghai_engine.decisions import FactValue
    from gonghai_plugin.facts import Fact
    from gonghai_plugin.plugin import Settings

Filled: TypeAlias = "Callable[[Mapping[str, FactValue]], Sentence]"

_SETTING: Final = "settings."
_UNKNOWN: Final = Text("unknown", "未知")
_YES: Final = Text("yes", "是")
_NO: Final = Text("no", "否")
_MONEY_PLACES: Final = 2


class Sentence(NamedTuple):
    """A sentence in both languages, and the figures that go into it.

    Without figures (None) the texts are what they are. With some they are templates: ``{0}`` is the
    first figure, ``{1:2}`` the second, a number with two decimal places. A sentence of a record
    needs nothing else to be read: no plugin, no settings.
    """

    en: str
    zh: str
    figures: tuple[FactValue, ...] | None = None

    @property
    def text(self) -> Text:
        """Return it with the figures filled in."""
        if self.figures is None:
            return Text(self.en, self.zh)
        return Text(_filled(self.en, "en", self.figures), _filled(self.zh, "zh", self.figures))

    def to_record(self) -> list[Any]:
        """Return it as plain data; what has no figures is a pair of texts."""
        if self.figures is None:
            return [self.en, self.zh]
        return [
            self.en,
            self.zh,
            [sorted(one) if isinstance(one, frozenset) else one for one in self.figures],
        ]

    @classmethod
    def from_record(cls, record: Sequence[Any]) -> Sentence:
        """Read what `to_record` made."""
        en, zh, *rest = record
        if not rest:
            return cls(en, zh)
        return cls(
            en,
            zh,
            tuple(frozenset(one) if isinstance(one, (list, tuple)) else one for one in rest[0]),
        )


def compile_sentence(
    text: Text, facts: Mapping[str, Fact], settings: Settings, where: str
) -> tuple[Filled, tuple[str, ...]]:
    """Return the function that makes a sentence of a decision's values, and the facts it names.

    Raises DeclarationError for a figure that is neither a fact nor a setting.
    """
    named: dict[str, int] = {}
    english = _template(text.en, facts, settings, where, named)
    chinese = _template(text.zh, facts, settings, where, named)
    names = tuple(named)
    if not names:
        constant = Sentence(_literal(english), _literal(chinese))
        return lambda _: constant, ()

    def fill(values: Mapping[str, FactValue]) -> Sentence:
        return Sentence(english, chinese, tuple([values[name] for name in names]))

    return fill, names


def figure(value: FactValue, scale: int, language: str) -> str:
    """Write a value as a person reads it, a number with ``scale`` decimal places."""
    if value is None:
        return _in(_UNKNOWN, language)
    if isinstance(value, bool):
        return _in(_YES if value else _NO, language)
    if isinstance(value, frozenset):
        return ("、" if language == "zh" else ", ").join(sorted(value))
    return value if isinstance(value, str) else _decimal(value, scale)


def _template(
    sentence: str,
    facts: Mapping[str, Fact],
    settings: Settings,
    where: str,
    named: dict[str, int],
) -> str:
    """Put the settings in, and a place among those ``named`` for each fact."""
    template = ""
    for literal, name, _, _ in string.Formatter().parse(sentence):
        template += _escaped(literal)
        if name is None:
            continue
        if name.startswith(_SETTING):
            template += _escaped(str(value_at(settings, name.removeprefix(_SETTING), where)))
        elif name in facts:
            place, scale = named.setdefault(name, len(named)), _scale(facts[name])
            template += f"{{{place}:{scale}}}" if scale else f"{{{place}}}"
        else:
            raise DeclarationError(where, f"its sentence names {name!r}, which is no fact")
    return template


def _scale(fact: Fact) -> int:
    if fact.unit is Unit.MONEY:
        return _MONEY_PLACES
    return fact.type.scale if fact.type.kind is Kind.DECIMAL else 0


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _literal(template: str) -> str:
    return template.replace("{{", "{").replace("}}", "}")


@lru_cache(maxsize=4096)
def _parsed(template: str) -> tuple[str | tuple[int, int], ...]:
    """Take a template apart: texts, and the place and scale of each figure."""
    parts: list[str | tuple[int, int]] = []
    for literal, place, scale, _ in string.Formatter().parse(template):
        parts.append(literal)
        if place is not None:
            parts.append((int(place), int(scale or 0)))
    return tuple(parts)


def _filled(template: str, language: str, figures: tuple[FactValue, ...]) -> str:
    return "".join(
        part if isinstance(part, str) else figure(figures[part[0]], part[1], language)
        for part in _parsed(template)
    )


def _in(text: Text, language: str) -> str:
    return text.zh if language == "zh" else text.en


def _decimal(value: int, scale: int) -> str:
    if not scale:
        return str(value)
    whole, rest = divmod(abs(value), 10**scale)
    sign = "-" if value < 0 else ""
    return f"{sign}{whole:,}.{rest:0{scale}d}"
