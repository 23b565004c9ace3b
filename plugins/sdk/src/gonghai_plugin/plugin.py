"""What a plugin hands over when it registers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from gonghai_plugin.attributes import Attribute
    from gonghai_plugin.facts import Fact
    from gonghai_plugin.often import Often
    from gonghai_plugin.policies import AnyPolicy, Policy
    from gonghai_plugin.texts import Text
    from gonghai_plugin.upline import Upline
    from gonghai_plugin.workflows import Workflow


class Settings(BaseModel):
    """The base of a plugin's settings: frozen, no unknown keys, each field with a description.

    Numbers that rules compare are ``int`` or ``Decimal``; a mapping keeps the order it was
    written in.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, validate_default=True)


@dataclass(frozen=True, slots=True)
class Plugin:
    """One industry's policies.

    ``name`` is what a tenant's policy document says. ``sdk`` is the SDK it was written for.
    A policy is either in ``policies`` or in ``absent``; the standard plugin decides the absent.
    One of `gonghai_plugin.policies.OPTIONAL` may be in neither.
    """

    name: str
    version: str
    sdk: str
    title: Text
    settings: type[Settings]
    attributes: tuple[Attribute, ...]
    facts: tuple[Fact, ...]
    """The derived facts, each after those it needs."""
    policies: tuple[AnyPolicy, ...]
    absent: frozenset[Policy] = frozenset()
    upline: Upline | None = None
    """How customers of two levels are linked; None: there is one level."""
    workflows: tuple[Workflow, ...] = ()
    """What is done with customers in turn."""
    buys_often: Often | None = None
    """When a customer buys a category often; None: nobody is listed by it."""


class Registry(Protocol):
    """Where a plugin registers."""

    def add(self, plugin: Plugin) -> None:
        """Hand a plugin over. Raises ValueError when its declarations contradict each other."""
