"""Facts: the typed, named numbers, texts and sets that rules speak about.

A fact is either given (by the host, or by a custom attribute) or derived from other facts by a
declared expression. A value that does not fit its type is refused where it enters, so that every
evaluator compares the same numbers. A value may be missing (null): every comparison with a
missing value is false, and arithmetic with one is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from gonghai_plugin import conditions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from gonghai_plugin.conditions import Comparand, Condition
    from gonghai_plugin.texts import Text

INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1


class Kind(StrEnum):
    """What sort of value a fact has."""

    BOOL = "bool"
    INT64 = "int64"
    DECIMAL = "decimal"
    """A number with a fixed count of decimal places, kept as a scaled int64."""
    TEXT = "text"
    INSTANT = "instant"
    """Microseconds since the epoch, UTC."""
    DURATION = "duration"
    """Microseconds."""
    TEXT_SET = "text_set"

    @property
    def numeric(self) -> bool:
        """Say whether values are int64 inside."""
        return self in {Kind.INT64, Kind.DECIMAL, Kind.INSTANT, Kind.DURATION}


@dataclass(frozen=True, slots=True)
class FactType:
    """The type of a fact: its kind, the scale of a decimal, the texts that are allowed."""

    kind: Kind
    scale: int = 0
    values: tuple[str, ...] | None = None
    """None: any text. Else exactly these."""

    def __str__(self) -> str:
        """Return the type as it is listed, such as ``decimal(1)`` or ``text(a|b)``."""
        if self.kind is Kind.DECIMAL:
            return f"decimal({self.scale})"
        if self.values is not None:
            return f"{self.kind}({'|'.join(self.values)})"
        return str(self.kind)


BOOL: Final = FactType(Kind.BOOL)
INT64: Final = FactType(Kind.INT64)
INSTANT: Final = FactType(Kind.INSTANT)
DURATION: Final = FactType(Kind.DURATION)
TEXT: Final = FactType(Kind.TEXT)
TEXT_SET: Final = FactType(Kind.TEXT_SET)


def decimal(scale: int) -> FactType:
    """Return the type of numbers with ``scale`` decimal places (0 to 9)."""
    return FactType(Kind.DECIMAL, scale=scale)


def text_of(*values: str) -> FactType:
    """Return the type of a text that is one of ``values``."""
    return FactType(Kind.TEXT, values=values)


def set_of(*values: str) -> FactType:
    """Return the type of a set of texts that are among ``values``."""
    return FactType(Kind.TEXT_SET, values=values)


class Unit(StrEnum):
    """How a figure is written in a reason sentence."""

    PLAIN = ""
    DAYS = "days"
    MONEY = "money"
    """Minor units; written with two decimal places."""
    PERCENT = "percent"


class Expression:
    """What gives a number (or missing) from facts and settings. A decimal is its scaled integer."""

    __slots__ = ()

    def __add__(self, other: Operand) -> Arithmetic:
        """Return the sum."""
        return Arithmetic("+", self, other)

    def __radd__(self, other: int) -> Arithmetic:
        """Return the sum."""
        return Arithmetic("+", other, self)

    def __sub__(self, other: Operand) -> Arithmetic:
        """Return the difference."""
        return Arithmetic("-", self, other)

    def __rsub__(self, other: int) -> Arithmetic:
        """Return the difference."""
        return Arithmetic("-", other, self)

    def __mul__(self, other: Operand) -> Arithmetic:
        """Return the product."""
        return Arithmetic("*", self, other)

    def __rmul__(self, other: int) -> Arithmetic:
        """Return the product."""
        return Arithmetic("*", other, self)

    def __floordiv__(self, other: Operand) -> Arithmetic:
        """Return the quotient, rounded down."""
        return Arithmetic("//", self, other)

    def __rfloordiv__(self, other: int) -> Arithmetic:
        """Return the quotient, rounded down."""
        return Arithmetic("//", other, self)


@dataclass(frozen=True, slots=True)
class Setting(Expression):
    """A value of the tenant's settings, by its path: ``setting("dormant_days.key_account")``."""

    path: str

    def __str__(self) -> str:
        """Return it as sentences and listings name it."""
        return f"settings.{self.path}"


def setting(path: str) -> Setting:
    """Name a setting; a path that the settings model lacks is refused when the plugin loads."""
    return Setting(path)


@dataclass(frozen=True, slots=True)
class Arithmetic(Expression):
    """Sum, difference, product or floor quotient. A quotient by nought is missing.

    It is exact, however large it gets on the way; see `Derived` for what becomes of the result.
    """

    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Extreme(Expression):
    """The smallest or largest of several; missing when one of them is."""

    largest: bool
    items: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Ratio(Expression):
    """``numerator / denominator`` as an integer scaled by ten to the ``scale``, rounded down."""

    numerator: Operand
    denominator: Operand
    scale: int


@dataclass(frozen=True, slots=True)
class Conditional(Expression):
    """``then`` where the condition holds, else ``otherwise``."""

    when: Condition
    then: Operand
    otherwise: Operand


@dataclass(frozen=True, slots=True)
class FirstKnown(Expression):
    """The first that is not missing."""

    items: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Pick(Expression):
    """What a table says for a text: for the text itself, or for the first key a set contains.

    The table is a mapping or a setting that is one; its order is the order of its keys.
    """

    by: Fact
    table: Setting | tuple[tuple[str, Operand], ...]
    otherwise: Operand | str | None


@dataclass(frozen=True, slots=True)
class Computed(Expression):
    """What a function of the plugin's own makes of facts: for what no expression can say.

    It is called with the values of ``of``, in that order, and gives a whole number (of a decimal:
    the scaled one) or None. It is not called where one of them is missing: then it is missing too.
    It must be pure and quick. A plugin that has one is decided in a process of its own, which takes
    longer, and simulations do so one customer at a time; one that raises, takes too long or gives
    something else makes its decisions fail, on the safe side.
    """

    function: Callable[..., int | None]
    of: tuple[Fact, ...]


def smallest(*items: Operand) -> Extreme:
    """Return the smallest of ``items``."""
    return Extreme(largest=False, items=items)


def largest(*items: Operand) -> Extreme:
    """Return the largest of ``items``."""
    return Extreme(largest=True, items=items)


def ratio(numerator: Operand, denominator: Operand, *, scale: int) -> Ratio:
    """Return a quotient with ``scale`` decimal places; missing when the denominator is nought."""
    return Ratio(numerator, denominator, scale)


def when(condition: Condition, then: Operand, otherwise: Operand) -> Conditional:
    """Return ``then`` where ``condition`` holds, else ``otherwise``."""
    return Conditional(condition, then, otherwise)


def first_known(*items: Operand) -> FirstKnown:
    """Return the first of ``items`` that is not missing."""
    return FirstKnown(items)


def pick(
    by: Fact,
    table: Setting | Mapping[str, Operand],
    otherwise: Operand | str | None = None,
) -> Pick:
    """Look ``by`` up in ``table``; see `Pick`."""
    rows = table if isinstance(table, Setting) else tuple(table.items())
    return Pick(by, rows, otherwise)


class Area(StrEnum):
    """Where a given fact comes from, which decides the policies that may name it."""

    CUSTOMER = "customer"
    CUSTODY = "custody"
    CLAIM = "claim"
    ACTIVITY = "activity"
    EXTENSION = "extension"


class Motion(StrEnum):
    """How a value moves by itself, when nobody does anything."""

    STILL = "still"
    DAYS = "days"
    """Grows by one at each local midnight."""
    WINDOW = "window"
    """May change at a local midnight, when something leaves its window."""


@dataclass(frozen=True, slots=True)
class Host:
    """Given by the services."""

    area: Area
    motion: Motion = Motion.STILL


@dataclass(frozen=True, slots=True)
class FromAttribute:
    """Given by the custom attribute of the same name."""


@dataclass(frozen=True, slots=True)
class Derived:
    """Computed by the engine from other facts.

    A value beyond 64 bits becomes the last number inside them, the largest or the smallest.
    """

    expression: Expression


@dataclass(frozen=True, slots=True)
class Fact(Expression):
    """A named, typed value that rules compare."""

    name: str
    type: FactType
    about: Text
    origin: Host | FromAttribute | Derived
    unit: Unit = Unit.PLAIN

    def __str__(self) -> str:
        """Return its name."""
        return self.name

    def at_least(self, operand: Comparand) -> Condition:
        """Hold when it is ``operand`` or more."""
        return conditions.Compare(self, conditions.Operator.AT_LEAST, operand)

    def more_than(self, operand: Comparand) -> Condition:
        """Hold when it is above ``operand``."""
        return conditions.Compare(self, conditions.Operator.MORE_THAN, operand)

    def at_most(self, operand: Comparand) -> Condition:
        """Hold when it is ``operand`` or less."""
        return conditions.Compare(self, conditions.Operator.AT_MOST, operand)

    def less_than(self, operand: Comparand) -> Condition:
        """Hold when it is below ``operand``."""
        return conditions.Compare(self, conditions.Operator.LESS_THAN, operand)

    def equals(self, operand: Comparand) -> Condition:
        """Hold when it is exactly ``operand``."""
        return conditions.Compare(self, conditions.Operator.EQUALS, operand)

    def differs_from(self, operand: Comparand) -> Condition:
        """Hold when it is known and not ``operand``."""
        return conditions.Compare(self, conditions.Operator.DIFFERS, operand)

    def is_true(self) -> Condition:
        """Hold when a yes/no fact is known and yes."""
        return conditions.Compare(self, conditions.Operator.EQUALS, operand=True)

    def is_false(self) -> Condition:
        """Hold when a yes/no fact is known and no."""
        return conditions.Compare(self, conditions.Operator.EQUALS, operand=False)

    def is_one_of(self, values: Iterable[str] | Setting) -> Condition:
        """Hold when a text is one of ``values``: of a setting's list, of its table's values."""
        return conditions.OneOf(self, values if isinstance(values, Setting) else tuple(values))

    def has(self, value: str | Setting) -> Condition:
        """Hold when a set contains ``value``."""
        return conditions.Has(self, value if isinstance(value, Setting) else (value,))

    def has_any_of(self, values: Iterable[str] | Setting) -> Condition:
        """Hold when a set contains one of ``values`` at least."""
        return conditions.Has(self, values if isinstance(values, Setting) else tuple(values))

    def is_missing(self) -> Condition:
        """Hold when there is no value."""
        return conditions.Missing(self)

    def is_known(self) -> Condition:
        """Hold when there is a value."""
        return conditions.not_(conditions.Missing(self))


Operand = int | Setting | Expression
"""What arithmetic takes: a whole number, a setting, or another expression (facts are ones)."""


def derived(
    name: str, type_: FactType, about: Text, expression: Expression, unit: Unit = Unit.PLAIN
) -> Fact:
    """Declare a fact that is computed from others."""
    return Fact(name, type_, about, Derived(expression), unit)


def computed(
    name: str,
    type_: FactType,
    about: Text,
    function: Callable[..., int | None],
    *of: Fact,
    unit: Unit = Unit.PLAIN,
) -> Fact:
    """Declare a fact that a Python function makes of others; see `Computed` for what it costs."""
    return Fact(name, type_, about, Derived(Computed(function, of)), unit)
