"""Which plugins run code of their own when they decide, or when settings are checked."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Final

from gonghai_engine.expressions import facts_of
from gonghai_plugin.facts import Computed, Derived, Expression, Fact

if TYPE_CHECKING:
    from gonghai_plugin.plugin import Plugin, Settings

_OURS: Final = ("gonghai_plugin.", "pydantic", "builtins", "typing", "decimal", "datetime")
_MAKERS: Final = frozenset({"__init__", "__new__", "model_post_init", "model_validate"})


def runs_own_code(plugin: Plugin) -> bool:
    """Say whether a plugin has a function fact, or settings that do more than declare types."""
    return any(map(has_function, plugin.facts)) or _checks_by_code(plugin.settings)


def has_function(fact: Fact) -> bool:
    """Say whether a fact, or one that it is derived from, is made by a function."""
    if not isinstance(fact.origin, Derived):
        return False
    expression = fact.origin.expression
    return _within(expression) or any(map(has_function, facts_of(expression)))


def _within(expression: object) -> bool:
    if isinstance(expression, Computed):
        return True
    if isinstance(expression, tuple):
        return any(map(_within, expression))
    if isinstance(expression, Fact) or not isinstance(expression, Expression):
        return False
    slots = {name for kind in type(expression).__mro__ for name in getattr(kind, "__slots__", ())}
    return any(_within(getattr(expression, name)) for name in slots)


def _checks_by_code(settings: type[Settings]) -> bool:
    """Look for functions in what pydantic made of the model: validators, serializers, defaults."""
    return _makes_by_code(settings) or _calls(settings.__pydantic_core_schema__, set())


def _makes_by_code(kind: type) -> bool:
    own = (vars(each).keys() for each in kind.__mro__ if not each.__module__.startswith(_OURS))
    return any(not _MAKERS.isdisjoint(names) for names in own)


def _calls(schema: object, seen: set[int]) -> bool:
    if id(schema) in seen:
        return False
    seen.add(id(schema))
    if isinstance(schema, Mapping):
        return any(_calls(value, seen) for key, value in schema.items() if key != "metadata")
    if isinstance(schema, (list, tuple)):
        return any(_calls(item, seen) for item in schema)
    if isinstance(schema, type):
        return not issubclass(schema, Enum) and _makes_by_code(schema)
    return callable(schema) and not str(getattr(schema, "__module__", "")).startswith(_OURS)
