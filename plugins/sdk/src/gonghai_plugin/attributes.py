"""Custom attributes: the typed extra fields an industry keeps of its customers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gonghai_plugin.facts import Fact, FactType, FromAttribute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gonghai_plugin.texts import Text


@dataclass(frozen=True, slots=True)
class Attribute:
    """One custom attribute: its type, its labels, what is allowed.

    ``minimum`` and ``maximum`` bound a number (a decimal: its scaled integer) or the length of a
    text. ``value_labels`` name the allowed values for people. A sensitive one is masked.
    """

    name: str
    type: FactType
    label: Text
    required: bool = False
    minimum: int | None = None
    maximum: int | None = None
    sensitive: bool = False
    value_labels: Mapping[str, Text] = field(default_factory=dict)

    @property
    def fact(self) -> Fact:
        """Return the fact that rules name: the attribute's value."""
        return Fact(self.name, self.type, self.label, FromAttribute())
