"""What tells a sensitive attribute: the attribute, and every fact that is worked out of one.

The archive gives other services no sensitive attribute. A rule of theirs that named one would
always find it missing there, and decide otherwise than it was tried: it is refused when it loads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gonghai_engine.expressions import facts_of
from gonghai_engine.faults import DeclarationError
from gonghai_plugin.facts import Derived
from gonghai_plugin.policies import Policy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from gonghai_engine.compiled import CompiledPolicy
    from gonghai_plugin.facts import Fact
    from gonghai_plugin.plugin import Plugin

FOLLOWED: Final = (
    Policy.ADMISSION,
    Policy.CLAIM,
    Policy.RECLAIM,
    Policy.QUALIFICATION,
    Policy.MATCHING,
    Policy.EXTENSION,
)
"""What other services than the archive decide or tell, on the facts that it publishes."""

TOLD: Final = frozenset({*FOLLOWED, Policy.INCENTIVES, Policy.COLLISIONS, Policy.SUCCESSION})
"""Beside these, what is told, by rule and reason, to others than who may read each customer's
sensitive fields: to a sponsor on its statement, to managers in reports.
"""


def telling(facts: Iterable[Fact], sensitive: Collection[str]) -> frozenset[str]:
    """Return the names of those facts that are a sensitive attribute, or are worked out of one.

    Args:
        facts: each after those that it is derived from, as a compiled policy has them.
        sensitive: names of the sensitive attributes.
    """
    found: set[str] = set()
    for fact in facts:
        if fact.name in sensitive or (
            isinstance(fact.origin, Derived)
            and any(part.name in found for part in facts_of(fact.origin.expression))
        ):
            found.add(fact.name)
    return frozenset(found)


def check_published(compiled: CompiledPolicy, plugin: Plugin) -> None:
    """Check that a policy of another service needs nothing that is not given to it.

    Raises DeclarationError naming the rule, the fact, and the attribute behind it.
    """
    if compiled.policy not in TOLD:
        return
    for attribute in plugin.attributes:
        if not attribute.sensitive:
            continue
        told = telling(compiled.facts.values(), {attribute.name})
        for where, names in compiled.named:
            fact = next((name for name in names if name in told), None)
            if fact is not None:
                raise DeclarationError(where, _why(fact, attribute.name))


def _why(fact: str, attribute: str) -> str:
    worked_out = "" if fact == attribute else f", worked out of {attribute!r}"
    return (
        f"it names {fact!r}{worked_out}, a sensitive attribute: the service that asks this policy"
        " is not given it, or tells others of it"
    )
