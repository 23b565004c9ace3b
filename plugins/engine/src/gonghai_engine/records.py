"""Values to plain data and back, for the store: str, int, bool, None, list and dict only."""

from __future__ import annotations

import dataclasses
import typing
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from gonghai_engine import outcomes
from gonghai_plugin.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

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
)


@dataclasses.dataclass(frozen=True, slots=True)
class _Shape:
    tag: str
    fields: tuple[str, ...]
    enums: Mapping[int, type[StrEnum]]


def pack(value: Any) -> Any:  # noqa: ANN401 - any value of the classes above
    """Turn a value into plain data. Raises TypeError for a class that is not stored."""
    if value is None or isinstance(value, (bool, int, str)):
        return str(value) if isinstance(value, StrEnum) else value
    if isinstance(value, (tuple, list)):
        return [pack(item) for item in value]
    shape = _SHAPES.get(type(value))
    if shape is None:
        raise TypeError(f"{type(value).__name__} is not stored")
    return {shape.tag: [pack(getattr(value, name)) for name in shape.fields]}


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
    return _Shape(str(place), fields, enums)


_SHAPES: Final = {owner: _shape(place, owner) for place, owner in enumerate(_CLASSES)}
