"""From the outcome a plugin declares to the one a caller gets: settings and facts put in."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from gonghai_engine import outcomes
from gonghai_engine.clocks import resets
from gonghai_engine.expressions import compile_name, compile_number
from gonghai_engine.faults import DeclarationError, FactError
from gonghai_engine.settings import value_at
from gonghai_plugin import host_facts
from gonghai_plugin import outcomes as declared
from gonghai_plugin.facts import Fact, Kind, Pick, Setting
from gonghai_plugin.texts import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gonghai_engine.decisions import FactValue
    from gonghai_plugin.plugin import Settings

Maker: TypeAlias = "Callable[[dict[str, FactValue]], Any]"

_DECIDED: Final[Mapping[type[Any], Callable[..., Any]]] = {
    declared.Stage: outcomes.Stage,
    declared.Grade: outcomes.Grade,
    declared.Tier: outcomes.Tier,
    declared.Cadence: outcomes.Cadence,
    declared.Admit: outcomes.Admission.by_stages,
    declared.Limits: outcomes.ClaimLimits,
    declared.Clock: outcomes.Clock,
    declared.Extends: outcomes.Extends,
    declared.Plan: outcomes.ReclaimPlan,
    declared.YearlySpan: outcomes.YearlySpan,
    declared.FestivalSpan: outcomes.FestivalSpan,
    declared.StopClock: outcomes.StopClock,
    declared.Qualify: outcomes.Qualification,
    declared.Weights: outcomes.Weights,
    declared.Need: outcomes.Needs,
    declared.Commission: outcomes.Commission,
    declared.Grant: outcomes.Grant,
    declared.Deny: outcomes.Deny,
    declared.Refer: outcomes.Refer,
    # These are put together by their policies; they stay what they are.
    declared.Signal: declared.Signal,
    declared.Refuse: declared.Refuse,
    declared.Exclusive: declared.Exclusive,
    declared.Heir: declared.Heir,
}

_MAX_RANK: Final = 100
_MAX_SEVERITY: Final = 3
_REMEMBERED: Final = 1024

_MOST: Final = 1_000_000_000
"""The largest number in an outcome: services store and add such numbers."""

_MOST_DAYS: Final = 3_650
"""Ten years: a wait that anybody means, and that does not leave the calendar."""

_WHOLE_AMOUNT: Final = 10_000
"""Basis points: nobody is paid more than the order brought."""

_MOST_OF: Final[Mapping[str, int]] = {
    "length": _MOST_DAYS * 24,
    "by": _MOST_DAYS * 24,
    "extended_at_most": _MOST_DAYS * 24,
    "embargo_hours": _MOST_DAYS * 24,
    "min_interval_minutes": _MOST_DAYS * 24 * 60,
    "accept_within_minutes": _MOST_DAYS * 24 * 60,
    "own_basis_points": _WHOLE_AMOUNT,
    "sponsor_basis_points": _WHOLE_AMOUNT,
}


def compile_outcome(item: object, settings: Settings, where: str) -> Maker:
    """Make the function that gives the decided outcome. Raises DeclarationError for a bad one."""
    _check(item, where)
    if isinstance(item, (declared.Exclusive, declared.Heir)):
        return lambda _: item
    made = _compile(item, settings, where)
    if callable(made):
        return _remembered(made, tuple(dict.fromkeys(fact.name for fact in facts_in(item))))
    return lambda _: made


def facts_in(item: object) -> Iterator[Fact]:
    """List the facts that an outcome takes numbers or names from."""
    if isinstance(item, Fact):
        yield item
    elif isinstance(item, Pick):
        yield item.by
    elif isinstance(item, tuple):
        for part in item:
            yield from facts_in(part)
    elif type(item) in _DECIDED:
        for field in dataclasses.fields(item):  # type: ignore[arg-type] # each key above is one
            yield from facts_in(getattr(item, field.name))


def _remembered(make: Maker, names: tuple[str, ...]) -> Maker:
    """Keep what was made: outcomes are values, and few combinations of facts come up."""
    made: dict[tuple[FactValue, ...], Any] = {}

    def remember(values: dict[str, FactValue]) -> Any:  # noqa: ANN401 - an outcome
        key = tuple([values[name] for name in names])
        found = made.get(key)
        if found is None:
            if len(made) >= _REMEMBERED:
                made.clear()
            found = made[key] = make(values)
        return found

    return remember


def _compile(item: object, settings: Settings, where: str, most: int = _MOST) -> Any:  # noqa: ANN401, PLR0911 - a value or its maker
    if isinstance(item, Setting):
        return _setting(item, settings, where, most)
    if isinstance(item, Fact):
        return _whole(item, settings, where, most)
    if isinstance(item, Pick):
        return _name(item, settings, where)
    if isinstance(item, Text) or item is None or isinstance(item, (bool, str)):
        return item
    if isinstance(item, int):
        if not 0 <= item <= most:
            raise DeclarationError(where, f"{item} is not within 0 and {most}")
        return item
    if isinstance(item, tuple):
        return _tuple(tuple(_compile(part, settings, where) for part in item))
    decided = _DECIDED.get(type(item))
    if decided is None:
        raise DeclarationError(where, f"{type(item).__name__} is no outcome")
    return _record(item, decided, settings, where)


def _record(
    item: Any,  # noqa: ANN401 - as declared
    decided: Callable[..., Any],
    settings: Settings,
    where: str,
) -> Any:  # noqa: ANN401 - a value or its maker
    names = tuple(field.name for field in dataclasses.fields(item))
    parts = tuple(
        _compile(getattr(item, name), settings, where, _most(item, name)) for name in names
    )
    if not any(callable(part) for part in parts):
        return decided(**dict(zip(names, parts, strict=True)))

    def make(values: dict[str, FactValue]) -> object:
        return decided(
            **{
                name: part(values) if callable(part) else part
                for name, part in zip(names, parts, strict=True)
            }
        )

    return make


def _tuple(parts: tuple[Any, ...]) -> Any:  # noqa: ANN401 - a value or its maker
    if not any(callable(part) for part in parts):
        return parts
    return lambda values: tuple(part(values) if callable(part) else part for part in parts)


def _most(item: object, name: str) -> int:
    """Return the largest number that a field of an outcome may have."""
    if isinstance(item, declared.Clock) and item.unit is not declared.ClockUnit.HOURS:
        return _MOST_DAYS
    return _MOST_OF.get(name, _MOST_DAYS if "days" in name else _MOST)


def _setting(item: Setting, settings: Settings, where: str, most: int) -> object:
    value = value_at(settings, item.path, where)
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise DeclarationError(where, f"{item} is {value!r}, neither number nor name", item.path)
    if isinstance(value, int) and not 0 <= value <= most:
        raise DeclarationError(where, f"{item} is not within 0 and {most}", item.path)
    return value


def _whole(fact: Fact, settings: Settings, where: str, most: int) -> Maker:
    compute = compile_number(fact, settings, where)

    def make(values: dict[str, FactValue]) -> int:
        number = compute(values)
        if number is None or number < 0:
            raise FactError(fact.name, f"is missing or negative, and {where} needs it")
        if number > most:
            raise FactError(fact.name, f"is above {most}, and {where} needs it")
        return number

    return make


def _name(item: Pick, settings: Settings, where: str) -> Maker:
    look_up = compile_name(item, settings, where)

    def make(values: dict[str, FactValue]) -> str:
        name = look_up(values)
        if name is None:
            raise FactError(item.by.name, f"has no entry in the table of {where}")
        return name

    return make


def _check(item: object, where: str) -> None:
    if isinstance(item, declared.Exclusive):
        _check_exclusive(item, where)
    if isinstance(item, declared.Heir):
        _check_heir(item, where)
    if isinstance(item, declared.Tier) and not 0 <= item.rank <= _MAX_RANK:
        raise DeclarationError(where, f"rank {item.rank} is not within 0 and {_MAX_RANK}")
    if isinstance(item, declared.Signal) and not 1 <= item.severity <= _MAX_SEVERITY:
        raise DeclarationError(where, f"severity {item.severity} is not within 1 and 3")
    if isinstance(item, declared.Admit) and (item.then is None) is not (item.after_days is None):
        raise DeclarationError(where, "a pool to go on to and the days until then go together")
    if isinstance(item, declared.Plan):
        names = [clock.name for clock in item.clocks]
        if len(set(names)) != len(names):
            raise DeclarationError(where, "two clocks have the same name")
        for clock in item.clocks:
            _check_extended(clock, f"{where}, clock {clock.name!r}")


def _check_exclusive(exclusive: declared.Exclusive, where: str) -> None:
    for fact in exclusive.by:
        if fact.type.kind not in {Kind.TEXT, Kind.TEXT_SET}:
            raise DeclarationError(where, f"{fact.name!r} is a {fact.type}, and no text or set")
    inside = exclusive.inside
    if inside is None:
        return
    if inside.type.kind is not Kind.TEXT_SET:
        raise DeclarationError(where, f"{inside.name!r} is a {inside.type}, and no set")
    if not exclusive.by or exclusive.by[0].type.kind is not Kind.TEXT:
        raise DeclarationError(where, f"the first of `by` is no text that lies in {inside.name!r}")


def _check_heir(heir: declared.Heir, where: str) -> None:
    for fact in heir.of_the_same:
        if fact.type.kind is not Kind.TEXT:
            raise DeclarationError(where, f"{fact.name!r} is a {fact.type}, and no text")
    largest = heir.largest
    if largest is not None and not largest.type.kind.numeric:
        raise DeclarationError(where, f"{largest.name!r} is a {largest.type}, and no number")


def _check_extended(clock: declared.Clock, where: str) -> None:
    """Check what makes a clock longer: each kind once, none that restarts it, and a maximum."""
    kinds = [kind for extends in clock.extended_by for kind in extends.kinds]
    known = host_facts.ACTIVITY_KIND.type.values or ()
    for place, kind in enumerate(kinds):
        if kind not in known:
            raise DeclarationError(where, f"there is no activity {kind!r} that could extend it")
        if kind in resets(clock):
            raise DeclarationError(where, f"{kind!r} restarts it: it can't extend it as well")
        if kind in kinds[:place]:
            raise DeclarationError(where, f"{kind!r} extends it twice")
    if bool(clock.extended_by) != (clock.extended_at_most != 0):
        raise DeclarationError(where, "what extends it has a maximum, and a maximum needs it")
