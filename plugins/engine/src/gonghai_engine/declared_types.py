"""What a plugin hands over is what it says: each part is of the type that is asked for.

Python does not hold a plugin to its annotations, so this does, once, when the plugin is loaded: a
part of a wrong type is named there, instead of failing somewhere in a decision.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gonghai_engine.faults import DeclarationError
from gonghai_engine.sizes import check_outcome, check_size
from gonghai_plugin import (
    TEXT,
    Attribute,
    Fact,
    FactType,
    Often,
    Policy,
    Rule,
    Text,
    Upline,
    conditions,
    outcomes,
)
from gonghai_plugin import policies as declared
from gonghai_plugin.facts import Derived
from gonghai_plugin.rules import AllHits, FirstHit

if TYPE_CHECKING:
    from collections.abc import Mapping

_TABLES: Final[Mapping[type[Any], Mapping[str, tuple[type[Any], *tuple[type[Any], ...]]]]] = {
    declared.Lifecycle: {"rules": (FirstHit, outcomes.Stage)},
    declared.Tiering: {
        "rules": (FirstHit, outcomes.Tier),
        "value": (FirstHit, outcomes.Grade),
        "potential": (FirstHit, outcomes.Grade),
    },
    declared.FollowUp: {"rules": (FirstHit, outcomes.Cadence)},
    declared.Risk: {"rules": (AllHits, outcomes.Signal)},
    declared.Admission: {"rules": (FirstHit, outcomes.Admit)},
    declared.Claim: {
        "refusals": (AllHits, outcomes.Refuse),
        "limits": (FirstHit, outcomes.Limits),
    },
    declared.Reclaim: {
        "plans": (FirstHit, outcomes.Plan),
        "stop_clocks": (AllHits, outcomes.StopClock),
    },
    declared.Qualification: {"rules": (FirstHit, outcomes.Qualify)},
    declared.Matching: {"rules": (FirstHit, outcomes.Need)},
    declared.Incentives: {"rules": (FirstHit, outcomes.Commission)},
    declared.Collisions: {"rules": (AllHits, outcomes.Exclusive)},
    declared.Succession: {"rules": (AllHits, outcomes.Heir)},
    declared.Extension: {"rules": (FirstHit, outcomes.Grant, outcomes.Deny, outcomes.Refer)},
}
"""The tables of each policy: of what kind one is, and what its rules may decide."""

_OPTIONAL: Final = frozenset({"value", "potential"})
_CONDITIONS: Final = (
    conditions.Compare,
    conditions.OneOf,
    conditions.Has,
    conditions.Missing,
    conditions.All,
    conditions.Any,
    conditions.Not,
)
_VERSION: Final = re.compile(r"\d+(\.\d+)*([-+.][0-9A-Za-z.]+)?")


def check_types(plugin: Any) -> None:  # noqa: ANN401 - a Plugin whose parts may be anything
    """Check the types of everything that a plugin declares.

    Raises DeclarationError naming the first part that is of another one.
    """
    if not (isinstance(plugin.version, str) and _VERSION.fullmatch(plugin.version)):
        raise DeclarationError("version", f"{plugin.version!r} is none, such as 1.2.3")
    _text(plugin.title, "title")
    for attribute in _tuple(plugin.attributes, Attribute, "attributes"):
        _fact(attribute.name, attribute.type, attribute.label, "attribute")
    for fact in _tuple(plugin.facts, Fact, "facts"):
        _fact(fact.name, fact.type, fact.about, "fact")
        if not isinstance(fact.origin, Derived):
            raise DeclarationError(f"fact {fact.name!r}", "only derived ones are declared")
        check_size(fact, f"fact {fact.name!r}")
    for policy in _tuple(plugin.policies, tuple(_TABLES), "policies"):
        _policy(policy)
    if plugin.upline is not None:
        _kind(plugin.upline, Upline, "upline")
        named = plugin.upline.attribute
        if named not in plugin.attributes or named.type != TEXT:
            raise DeclarationError("upline", f"{_a(named)}, no attribute of it that is a text")
    if plugin.buys_often is not None:
        _kind(plugin.buys_often, Often, "buys_often")
    absent = plugin.absent
    if not (
        isinstance(absent, (set, frozenset)) and all(isinstance(one, Policy) for one in absent)
    ):
        raise DeclarationError("absent", "it is no set of policies")


def _policy(policy: Any) -> None:  # noqa: ANN401 - one of the keys above
    for field, (kind, *decided) in _TABLES[type(policy)].items():
        table = getattr(policy, field)
        if table is None and field in _OPTIONAL:
            continue
        where = f"{policy.policy} {field}"
        _kind(table, kind, where)
        for rule in _tuple(table.rules, Rule, where):
            _rule(rule, tuple(decided), where)
        if kind is AllHits:
            _text(table.otherwise, f"{where}, otherwise")


def _rule(rule: Any, decided: tuple[type[Any], ...], table: str) -> None:  # noqa: ANN401 - as above
    if not (isinstance(rule.name, str) and rule.name):
        raise DeclarationError(table, f"{rule.name!r} is no name of a rule")
    where = f"{table}, rule {rule.name!r}"
    if not isinstance(rule.when, _CONDITIONS):
        raise DeclarationError(where, f"its condition is {_a(rule.when)}")
    if not isinstance(rule.then, decided):
        names = " or ".join(one.__name__ for one in decided)
        raise DeclarationError(where, f"it decides {_a(rule.then)}, no {names}")
    check_size(rule.when, f"{where}, condition")
    check_outcome(rule.then, f"{where}, outcome")
    _text(rule.because, f"{where}, reason")


def _fact(name: object, type_: object, about: object, what: str) -> None:
    if not (isinstance(name, str) and name):
        raise DeclarationError(what, f"{name!r} is no name")
    _kind(type_, FactType, f"{what} {name!r}")
    _text(about, f"{what} {name!r}")


def _text(text: Any, where: str) -> None:  # noqa: ANN401 - as above
    _kind(text, Text, where)
    if not (isinstance(text.en, str) and isinstance(text.zh, str)):
        raise DeclarationError(where, "a text has a sentence in English and one in Chinese")


def _tuple(items: object, kind: type[Any] | tuple[type[Any], ...], where: str) -> tuple[Any, ...]:
    if not isinstance(items, tuple):
        raise DeclarationError(where, f"{_a(items)}, no tuple")
    for item in items:
        _kind(item, kind, where)
    return items


def _kind(item: object, kind: type[Any] | tuple[type[Any], ...], where: str) -> None:
    if not isinstance(item, kind):
        wanted = "policy" if isinstance(kind, tuple) else kind.__name__
        raise DeclarationError(where, f"{_a(item)}, no {wanted}")


def _a(item: object) -> str:
    return f"{type(item).__name__} {item!r}"[:80]
