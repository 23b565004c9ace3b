"""Is everything said in both languages, and are the settings explained?"""

from __future__ import annotations

import dataclasses
import json
import string
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel, ValidationError

from gonghai_plugin.plugin import Settings
from gonghai_plugin.rules import AllHits, Rule
from gonghai_plugin.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gonghai_plugin.plugin import Plugin


def faults(plugin: Plugin) -> tuple[list[str], list[str]]:
    """Return what is missing in a language, and what a person should look at."""
    failed: list[str] = []
    warned: list[str] = []
    for where, text in dict(_texts(plugin, "")).items():
        for language, sentence in (("English", text.en), ("Chinese", text.zh)):
            if not sentence.strip():
                failed.append(f"{where} has no {language}")
        figures = _figures(text.en) ^ _figures(text.zh)
        if figures:
            missing = ", ".join(sorted(figures))
            warned.append(f"{where} names {missing} in one language only")
    return failed, warned


def settings_faults(settings: object) -> list[str]:
    """Return what is wrong with a plugin's settings: defaults, descriptions, schema."""
    if not (isinstance(settings, type) and issubclass(settings, Settings)):
        return ["the settings are not a subclass of gonghai_plugin.Settings"]
    try:
        defaults = settings()
    except ValidationError as error:
        return [f"the defaults do not hold: {error}"]
    found = list(dict.fromkeys(_undescribed(settings, "")))
    try:
        json.dumps(settings.model_json_schema())
    except (TypeError, ValueError) as error:
        return [*found, f"they have no JSON schema: {error}"]
    written = yaml.safe_dump(defaults.model_dump(mode="json"), sort_keys=False)
    try:
        same = settings.model_validate(yaml.safe_load(written)) == defaults
    except ValidationError as error:
        return [*found, f"the defaults are refused when a document says them: {error}"]
    return found if same else [*found, "the defaults are others when a document says them"]


def _undescribed(model: type[BaseModel], path: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if not (field.description or "").strip():
            yield f"the setting {path}{name} has no description"
        for inner in _models(field.annotation):
            yield from _undescribed(inner, f"{path}{name}.")


def _models(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - an annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from _models(argument)


def _texts(item: object, where: str) -> Iterator[tuple[str, Text]]:
    if isinstance(item, Text):
        yield where.strip(), item
    elif isinstance(item, (tuple, frozenset)):
        for part in item:
            yield from _texts(part, where)
    elif isinstance(item, Mapping):
        for key, part in item.items():
            yield from _texts(part, f"{where} {key}")
    elif dataclasses.is_dataclass(item) and not isinstance(item, type):
        named = getattr(item, "policy", None) or getattr(item, "name", None)
        here = f"{where} {_kind(item)}{named}".strip() if named else where
        for field in dataclasses.fields(item):
            label = field.name if isinstance(getattr(item, field.name), Text) else ""
            yield from _texts(getattr(item, field.name), f"{here} {label}".rstrip())


def _kind(item: object) -> str:
    if isinstance(item, Rule):
        return "rule "
    return "" if isinstance(item, AllHits) else f"{type(item).__name__.lower()} "


def _figures(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}
