"""Are the declarations what the SDK's annotations say? Python itself does not ask."""

from __future__ import annotations

import collections.abc
import dataclasses
import decimal
import pkgutil
import sys
import types
import typing
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import gonghai_plugin

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MODULES: Final = tuple(
    import_module(f"gonghai_plugin.{found.name}")
    for found in pkgutil.iter_modules(gonghai_plugin.__path__)
)
"""Those of the SDK: what their annotations name is declared in one of them."""

_NAMES: Final[Mapping[str, Any]] = {
    **vars(collections.abc),
    **{name: getattr(typing, name) for name in ("ClassVar", "Literal", "TypeAlias")},
    "Decimal": decimal.Decimal,
    **{name: item for module in _MODULES for name, item in vars(module).items()},
}
_WRITTEN: Final = 60


def misfits(declared: object) -> list[str]:
    """Return each part of a plugin's declarations that has another type than the SDK asks for."""
    return list(_misfits(declared, type(declared), "plugin"))


def _misfits(value: object, wanted: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - an annotation
    if not _fits(value, wanted):
        yield f"{path} is {_short(value)}, {_name(wanted)} is asked for"
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        hints = _hints(type(value))
        given = _chosen(value, wanted)
        for field in dataclasses.fields(value):
            hint = _put_in(hints[field.name], given)
            yield from _misfits(getattr(value, field.name), hint, _at(path, field))
    elif isinstance(value, tuple):
        item = _item(wanted)
        for place, part in enumerate(value):
            yield from _misfits(part, item, f"{path}[{_label(part, place)}]")
    elif isinstance(value, collections.abc.Mapping):
        for key, part in value.items():
            yield from _misfits(part, Any, f"{path}[{key!r}]")


def _fits(value: object, wanted: Any) -> bool:  # noqa: ANN401, PLR0911 - one answer for each sort of annotation
    if wanted is Any or isinstance(wanted, typing.TypeVar):
        return True
    origin = typing.get_origin(wanted)
    if origin in {typing.Union, types.UnionType}:
        return any(_fits(value, item) for item in typing.get_args(wanted))
    if origin is typing.Literal:
        return value in typing.get_args(wanted)
    if origin is type:
        base = typing.get_args(wanted)[0]
        return isinstance(value, type) and issubclass(value, base)
    if origin is tuple:
        return isinstance(value, tuple)
    if origin in {frozenset, collections.abc.Mapping}:
        return isinstance(value, origin)
    if origin is collections.abc.Callable or wanted is collections.abc.Callable:
        return callable(value)
    plain = origin or wanted
    if plain is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, plain)


def _item(wanted: Any) -> Any:  # noqa: ANN401 - an annotation
    """Return what a tuple of this annotation holds."""
    choices = (wanted, *typing.get_args(wanted))
    found = next((item for item in choices if typing.get_origin(item) is tuple), None)
    arguments = typing.get_args(found)
    return arguments[0] if len(arguments) == 2 and arguments[1] is Ellipsis else Any  # noqa: PLR2004 - tuple[X, ...]


def _chosen(value: object, wanted: Any) -> tuple[Any, ...]:  # noqa: ANN401 - an annotation
    """Return the types that an annotation gives to a generic class: of ``FirstHit[Stage]``."""
    if typing.get_origin(wanted) in {typing.Union, types.UnionType}:
        wanted = next(item for item in typing.get_args(wanted) if _fits(value, item))
    return typing.get_args(wanted)


def _put_in(hint: Any, given: tuple[Any, ...]) -> Any:  # noqa: ANN401 - annotations
    """Put the types of a generic class in where its fields leave them open."""
    if not given:
        return hint
    if isinstance(hint, typing.TypeVar):
        return given[0]
    return hint[given] if getattr(hint, "__parameters__", ()) else hint


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    own = vars(sys.modules[kind.__module__])
    return typing.get_type_hints(kind, localns={**_NAMES, **own})


def _at(path: str, field: dataclasses.Field[Any]) -> str:
    return field.name if path == "plugin" else f"{path}.{field.name}"


def _label(part: object, place: int) -> object:
    name = getattr(part, "policy", None) or getattr(part, "name", None)
    return name if isinstance(name, str) else place


def _short(value: object) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, (dict, list, set)) or dataclasses.is_dataclass(value):
        return f"a {type(value).__name__}"
    written = repr(value)
    return written if len(written) <= _WRITTEN else f"a {type(value).__name__}"


def _name(wanted: Any) -> str:  # noqa: ANN401 - an annotation
    if isinstance(wanted, type) and not typing.get_args(wanted):
        return "text" if wanted is str else wanted.__name__
    written = str(wanted).replace("typing.", "").replace("collections.abc.", "")
    for module in _MODULES:
        written = written.replace(f"{module.__name__}.", "")
    return written
