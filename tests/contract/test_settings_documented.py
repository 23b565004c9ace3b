"""The operators' guide lists every setting that there is, with its default."""

from __future__ import annotations

import re
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from pydantic import BaseModel

from gonghai_chassis.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

GUIDE: Final = Path(__file__).resolve().parents[2] / "docs/operators.md"
SERVICES: Final = ("archive", "pool", "assignment")
ROW: Final = re.compile(r"^\| `(GONGHAI_[A-Z_]+)` \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def written(default: object) -> str:
    """Return a default as the guide writes it."""
    if default is None or default in ("", ()):
        return "–"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default.value if isinstance(default, StrEnum) else default}`"


def defaults(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, object]]:
    """Yield the variable and default of each setting; those of a nested model one by one."""
    for name, field in model.model_fields.items():
        variable = f"{prefix}{name.upper()}"
        default = field.get_default(call_default_factory=True)
        if isinstance(default, BaseModel):
            yield from defaults(type(default), f"{variable}__")
        else:
            yield variable, default


def settings_of(service: str) -> type[Settings]:
    """Return the settings of a service."""
    module = import_module(f"gonghai_{service}.settings")
    (found,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Settings) and value is not Settings
    )
    return found


def in_code() -> dict[str, str]:
    """Return the default of every setting of any service, as the guide should write it."""
    found: dict[str, list[tuple[str, object]]] = {}
    for service in SERVICES:
        for variable, default in defaults(settings_of(service), "GONGHAI_"):
            found.setdefault(variable, []).append((service, default))
    return {variable: _joined(values) for variable, values in found.items()}


def _joined(values: list[tuple[str, object]]) -> str:
    """Write one default where all services that have the setting agree, else each with its own."""
    if len({default for _, default in values}) == 1:
        return written(values[0][1])
    return ", ".join(f"{service} {written(default)}" for service, default in values)


def in_guide(text: str) -> dict[str, str]:
    """Return the default of every setting that the guide's tables list."""
    rows = ROW.findall(text)
    assert len({variable for variable, _, _ in rows}) == len(rows), "a setting stands there twice"
    return {variable: default.strip() for variable, default, _ in rows}


def test_guide_and_code_agree() -> None:
    assert in_guide(GUIDE.read_text("utf-8")) == in_code()


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("| `GONGHAI_LEASE_TTL` | `3.0` |", "| `GONGHAI_LEASE_TTL` | `30.0` |"),
        ("| `GONGHAI_LEASE_TTL` |", "| `GONGHAI_LEASE_LENGTH` |"),
        ("archive `7401`", "archive `7400`"),
    ],
)
def test_a_difference_is_noticed(was: str, becomes: str) -> None:
    text = GUIDE.read_text("utf-8")
    assert was in text
    assert in_guide(text.replace(was, becomes)) != in_code()
