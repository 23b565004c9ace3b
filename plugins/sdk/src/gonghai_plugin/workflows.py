"""Workflows (流程): states that a customer goes through on activities, changes and time.

Declarations only: they are checked when the plugin is loaded and described like its rules. No
service runs them yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, Union

from gonghai_plugin.conditions import ALWAYS

if TYPE_CHECKING:
    from gonghai_plugin.conditions import Condition
    from gonghai_plugin.outcomes import Name, Whole
    from gonghai_plugin.texts import Text


@dataclass(frozen=True, slots=True)
class State:
    """Where an instance can stand; it is over in a final one."""

    name: str
    label: Text
    final: bool = False


@dataclass(frozen=True, slots=True)
class Happens:
    """An activity of one of these kinds (as the fact ``activity_kind`` names them) is recorded.

    ``where`` is asked of the facts of the customer and of the activity.
    """

    kinds: tuple[str, ...]
    where: Condition = ALWAYS


@dataclass(frozen=True, slots=True)
class Becomes:
    """What is asked of the customer's facts, stage and tier among them, holds from now on."""

    when: Condition


@dataclass(frozen=True, slots=True)
class After:
    """So many days have passed in the state; ends at the local midnight that ends the last."""

    days: Whole


Trigger: TypeAlias = Union[Happens, Becomes, After]  # noqa: UP007 - also a runtime value


@dataclass(frozen=True, slots=True)
class MakeTask:
    """Make a follow-up task for whoever holds the customer, to be done within so many days."""

    title: Text
    within_days: Whole = 1


@dataclass(frozen=True, slots=True)
class RaiseEvent:
    """Tell others in the event stream, under a name of the plugin's own."""

    name: str


@dataclass(frozen=True, slots=True)
class Release:
    """Give the customer back to a pool; empty: where the admission policy says."""

    reason: Text
    pool: Name = ""


@dataclass(frozen=True, slots=True)
class AskForAssignment:
    """Have the customer, where nobody holds it, assigned by the matching policy."""


@dataclass(frozen=True, slots=True)
class AwardPoints:
    """Award points of loyalty (积分)."""

    points: Whole
    reason: Text


Action: TypeAlias = Union[MakeTask, RaiseEvent, Release, AskForAssignment, AwardPoints]  # noqa: UP007 - the same


@dataclass(frozen=True, slots=True)
class Transition:
    """From one of some states (none: a new instance begins) to another, on a trigger.

    Of several that fit at once the first one listed is taken.
    """

    name: str
    sources: tuple[str, ...]
    target: str
    on: Trigger
    because: Text
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class Workflow:
    """What is done with a customer in turn. At most one instance of it is under way for each."""

    name: str
    title: Text
    states: tuple[State, ...]
    transitions: tuple[Transition, ...]
