"""A plugin's custom attributes: what is let in, named where it is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gonghai_engine.faults import FactError
from gonghai_engine.intake import checker
from gonghai_plugin.facts import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gonghai_engine.decisions import FactValue
    from gonghai_plugin.attributes import Attribute


class AttributeProblem(ValueError):  # noqa: N818 - what it is to who fills in a form
    """A custom attribute's value breaks its declaration; ``attribute`` names it."""

    def __init__(self, attribute: str, message: str) -> None:
        super().__init__(f"attribute {attribute!r}: {message}")
        self.attribute = attribute
        self.message = message


class AttributeSchema:
    """The custom attributes of an industry."""

    def __init__(self, attributes: tuple[Attribute, ...]) -> None:
        """Take a plugin's declarations."""
        self._attributes = attributes
        self._checks = {
            attribute.name: (attribute, checker(attribute.fact)) for attribute in attributes
        }

    def __iter__(self) -> Iterator[Attribute]:
        """List the attributes in the plugin's order."""
        return iter(self._attributes)

    @property
    def names(self) -> frozenset[str]:
        """Return the attributes' names."""
        return frozenset(self._checks)

    @property
    def sensitive(self) -> frozenset[str]:
        """Return the names of those that are masked."""
        return frozenset(item.name for item in self._attributes if item.sensitive)

    def validate(
        self, given: Mapping[str, object], *, partial: bool = False
    ) -> dict[str, bool | int | str | list[str]]:
        """Return the values as they are kept: sets sorted, missing ones left out.

        With ``partial`` a required one may be left out (an update names only what it changes).
        Raises AttributeProblem naming the first attribute at fault.
        """
        for name in sorted(given):
            if name not in self._checks:
                raise AttributeProblem(name, "the industry has no such attribute")
        kept: dict[str, bool | int | str | list[str]] = {}
        for attribute, check in self._checks.values():
            value = given.get(attribute.name)
            if value is None:
                if attribute.required and not partial:
                    raise AttributeProblem(attribute.name, "it is required")
                continue
            try:
                checked = check(value)
            except FactError as error:
                raise AttributeProblem(attribute.name, error.message) from None
            _check_bounds(attribute, checked)
            if checked is not None:
                kept[attribute.name] = (
                    sorted(checked) if isinstance(checked, frozenset) else checked
                )
        return kept

    def facts(self, kept: Mapping[str, object]) -> dict[str, object]:
        """Return the kept values as facts for rules."""
        return {name: value for name, value in kept.items() if name in self._checks}


def _check_bounds(attribute: Attribute, value: FactValue) -> None:
    if isinstance(value, bool) or value is None:
        return
    size = value if isinstance(value, int) else len(value)
    what = "it" if attribute.type.kind.numeric else "its length"
    if attribute.minimum is not None and size < attribute.minimum:
        raise AttributeProblem(attribute.name, f"{what} is below {attribute.minimum}")
    if attribute.maximum is not None and size > attribute.maximum:
        raise AttributeProblem(attribute.name, f"{what} is above {attribute.maximum}")
    if attribute.type.kind is Kind.TEXT and "\x00" in str(value):
        raise AttributeProblem(attribute.name, "it holds a null character")
