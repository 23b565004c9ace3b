"""What of an industry's customers tells a sensitive attribute, by the policies in force.

Whatever the policies do not say to be plain counts as sensitive: an attribute that no loaded plugin
declares, and a decision of another plugin or version than the one that decides now.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gonghai_engine.sensitive import telling

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gonghai_engine import IndustryPolicy


@dataclass(frozen=True, slots=True)
class Telling:
    """What a policy's decisions may tell.

    Attributes:
        plugin: whose policy it is.
        version: the plugin's.
        facts: names of the facts it reads that are a sensitive attribute, or worked out of one.
    """

    plugin: str
    version: str
    facts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Secrecy:
    """What only they may read who may read sensitive fields; the default: everything.

    Attributes:
        plain: names of the custom attributes that anybody may read who may know of the customer.
        policies: by name.
    """

    plain: frozenset[str] = frozenset()
    policies: Mapping[str, Telling] = field(default_factory=dict)

    @classmethod
    def of(cls, policy: IndustryPolicy) -> Secrecy:
        """Work it out for an industry."""
        sensitive = policy.attributes.sensitive
        return cls(
            policy.attributes.names - sensitive,
            {
                str(name): Telling(
                    resolved.owner.plugin.name,
                    resolved.owner.plugin.version,
                    telling(resolved.compiled.facts.values(), sensitive),
                )
                for name, resolved in policy.resolved.items()
            },
        )

    def told(self, policy: str, plugin: str, version: str) -> frozenset[str] | None:
        """Return the names of the facts of a decision that tell something sensitive.

        Returns:
            None where that is not known: then its reason and all of its facts may tell something.
            Where there are any its reason may, whichever rule it was.
        """
        known = self.policies.get(policy)
        if known is None or (known.plugin, known.version) != (plugin, version):
            return None
        return known.facts
