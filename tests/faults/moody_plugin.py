"""A plugin whose own code does what a file says: copied beside the services, and installed there.

It decides as the standard plugin does, but each of its policies asks a function first. Nothing of
this is what a plugin may do; that is what it is for.
"""

from __future__ import annotations

import ctypes
import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import Field, field_validator

from gonghai_plugin import INT64, Rule, Text, computed, hookimpl, host_facts
from gonghai_plugin.rules import FirstHit
from gonghai_standard import STANDARD
from gonghai_standard.settings import StandardSettings

if TYPE_CHECKING:
    from gonghai_plugin import Registry
    from gonghai_plugin.policies import AnyPolicy

WELL, RAISES, LOOPS, NONSENSE, CRASHES = "well", "raises", "loops", "nonsense", "crashes"
FILE: Final = "FAULTS_MOOD"
"""The variable that names the file with the mood."""

ENDLESS: Final = 13
"""A setting that is thought about for ever."""

SPARED: Final = 1_000_000
"""Days: of customers so old the plugin decides well in any mood."""

_NEVER: Final = 1_000_000_000


def mood(days: int) -> int:
    """Be in the mood that the file says, today."""
    if days >= SPARED:
        return 0
    now = Path(os.environ[FILE]).read_text("utf-8")
    if now == RAISES:
        raise RuntimeError(now)
    while now == LOOPS:
        pass
    if now == NONSENSE:
        return "nonsense"  # type: ignore[return-value] # what it is for
    if now == CRASHES:
        ctypes.string_at(0)
    return days


MOOD: Final = computed("mood", INT64, Text("mood", "心情"), mood, host_facts.DAYS_SINCE_CREATED)


class MoodySettings(StandardSettings):
    """Those of the standard plugin, and one more."""

    thinks: int = Field(0, description="What is thought about")

    @field_validator("thinks")
    @classmethod
    def _think(cls, thinks: int) -> int:
        while thinks == ENDLESS:
            pass
        return thinks


def _asking(policy: AnyPolicy) -> AnyPolicy:
    """Return a policy that asks for the mood first, and decides the same."""
    tables = {}
    for field in dataclasses.fields(policy):
        table = getattr(policy, field.name)
        if isinstance(table, FirstHit):
            last = table.rules[-1]
            first = Rule("mood", MOOD.more_than(_NEVER), last.then, last.because)
            tables[field.name] = FirstHit((first, *table.rules))
    return dataclasses.replace(policy, **tables)  # type: ignore[arg-type] # its own fields


MOODY: Final = dataclasses.replace(
    STANDARD,
    name="moody",
    settings=MoodySettings,
    facts=(*STANDARD.facts, MOOD),
    policies=tuple(map(_asking, STANDARD.policies)),
)


class _Hooks:
    @hookimpl
    def register(self, registry: Registry) -> None:
        """Hand the declarations over."""
        registry.add(MOODY)


plugin: Final = _Hooks()
"""What the entry point names."""
