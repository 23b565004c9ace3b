"""Values to plain data and back, for the store: str, int, bool, None, list and dict only."""

from __future__ import annotations

import dataclasses
import operator
import typing
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from gonghai_engine import outcomes
from gonghai_plugin.texts import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CLASSES: Final[tuple[type[Any], ...]] = (
    # The place is what is stored: append, never reorder.
    Text,
    outcomes.Stage,
    outcomes.Tier,
    outcomes.Cadence,
    outcomes.RiskSignal,
    outcomes.RiskSignals,
    outcomes.Admission,
    outcomes.Refusal,
    outcomes.ClaimLimits,
    outcomes.ClaimVerdict,
    outcomes.Clock,
    outcomes.YearlySpan,
    outcomes.FestivalSpan,
    outcomes.StopClock,
    outcomes.ReclaimPlan,
    outcomes.Qualification,
    outcomes.Weights,
    outcomes.Needs,
    outcomes.Commission,
    outcomes.Claimed,
    outcomes.Collisions,
    outcomes.Extends,
    outcomes.Grant,
    outcomes.Deny,
    outcomes.Refer,
    outcomes.Heir,
    outcomes.Heirs,
)


_PLAIN: Final = frozenset({bool, int, str, type(None)})


@dataclasses.dataclass(frozen=True, slots=True)
class _Shape:
    tag: str
    items: Callable[[Any], tuple[Any, ...]]
    """Reads all fields of a value."""
    enums: Mapping[int, type[StrEnum]]


def pack(value: Any) -> Any:  # noqa: ANN401 - any value of the classes above
    """Turn a value into plain data. Raises TypeError for a class that is not stored."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is Text:
        return _text(value)
    shape = _SHAPES.get(kind)
    if shape is not None:
        return {
            shape.tag: [item if type(item) in _PLAIN else pack(item) for item in shape.items(value)]
        }
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, (tuple, list)):
        return [pack(item) for item in value]
    raise TypeError(f"{kind.__name__} is not stored")


@lru_cache(maxsize=4096)
def _text(text: Text) -> dict[str, list[str]]:
    """Pack a label once: every customer of a tier has the same. Not to be changed."""
    return {_SHAPES[Text].tag: [text.en, text.zh]}


def unpack(data: Any) -> Any:  # noqa: ANN401 - the same
    """Turn plain data of `pack` back into the value. Fields added later take their defaults."""
    if isinstance(data, list):
        return tuple(unpack(item) for item in data)
    if not isinstance(data, dict):
        return data
    ((tag, values),) = data.items()
    owner = _CLASSES[int(tag)]
    shape = _SHAPES[owner]
    return owner(
        *(
            shape.enums[place](value) if place in shape.enums else unpack(value)
            for place, value in enumerate(values)
        )
    )


def _shape(place: int, owner: type[Any]) -> _Shape:
    fields = tuple(field.name for field in dataclasses.fields(owner))
    names = {**vars(outcomes), "Text": Text}
    hints = typing.get_type_hints(owner, names)
    enums = {
        index: hints[name]
        for index, name in enumerate(fields)
        if isinstance(hints[name], type) and issubclass(hints[name], StrEnum)
    }
    return _Shape(str(place), _reader(fields), enums)


def _reader(fields: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if not fields:
        return lambda _: ()
    read = operator.attrgetter(*fields)
    return (lambda value: (read(value),)) if len(fields) == 1 else read


_SHAPES: Final = {owner: _shape(place, owner) for place, owner in enumerate(_CLASSES)}
