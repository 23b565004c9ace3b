"""What buying a category often is, with a tenant's settings put in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from gonghai_engine.faults import DeclarationError
from gonghai_engine.settings import value_at
from gonghai_plugin.facts import Setting

if TYPE_CHECKING:
    from gonghai_plugin.plugin import Plugin, Settings

_MOST_ORDERS: Final = 10_000
_MOST_DAYS: Final = 3_650
_WHERE: Final = "buys_often"


class Often(NamedTuple):
    """How many orders with a category, within how many days."""

    at_least: int
    within_days: int


def often_of(plugin: Plugin, settings: Settings) -> Often | None:
    """Return what a plugin says of it, None for nothing.

    Raises DeclarationError naming the setting that is no such number.
    """
    declared = plugin.buys_often
    if declared is None:
        return None
    return Often(
        _number(declared.at_least, _MOST_ORDERS, settings, f"{_WHERE}, at_least"),
        _number(declared.within_days, _MOST_DAYS, settings, f"{_WHERE}, within_days"),
    )


def _number(given: object, most: int, settings: Settings, where: str) -> int:
    path = given.path if isinstance(given, Setting) else ""
    value = value_at(settings, path, where) if path else given
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise DeclarationError(where, f"{given} is not within 1 and {most}", path)
    return value
