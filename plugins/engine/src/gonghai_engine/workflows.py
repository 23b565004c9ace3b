"""Workflows that a plugin declares, checked when it is loaded: each part is one that can be run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gonghai_engine.bound import bind
from gonghai_engine.expressions import facts_of
from gonghai_engine.faults import DeclarationError
from gonghai_engine.making import facts_in
from gonghai_engine.settings import value_at
from gonghai_engine.sizes import check_size
from gonghai_plugin import Setting, Text, host_facts, workflows
from gonghai_plugin.facts import Area, Derived, Fact, Host, Pick

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gonghai_plugin.plugin import Plugin, Settings

_TRIGGERS: Final = (workflows.Happens, workflows.Becomes, workflows.After)
_ACTIONS: Final = (
    workflows.MakeTask,
    workflows.RaiseEvent,
    workflows.Release,
    workflows.AskForAssignment,
    workflows.AwardPoints,
)
_OF_CUSTOMER: Final = frozenset({Area.CUSTOMER})
_OF_ACTIVITY: Final = frozenset({Area.CUSTOMER, Area.ACTIVITY})
_MOST_DAYS: Final = 3_650
_MOST_POINTS: Final = 1_000_000_000


def check_workflows(plugin: Plugin, known: Mapping[str, Fact], settings: Settings) -> None:
    """Check a plugin's workflows with its default settings; ``known`` are the facts there are.

    Raises DeclarationError naming workflow and transition.
    """
    if not isinstance(plugin.workflows, tuple):
        raise DeclarationError("workflows", "they are no tuple")
    seen: set[str] = set()
    for workflow in plugin.workflows:
        _kind(workflow, workflows.Workflow, "workflows")
        where = f"workflow {workflow.name!r}"
        if workflow.name in seen:
            raise DeclarationError(where, "another one has this name")
        seen.add(workflow.name)
        _Check(workflow, where, known, settings).run()


class _Check:
    def __init__(
        self,
        workflow: workflows.Workflow,
        where: str,
        known: Mapping[str, Fact],
        settings: Settings,
    ) -> None:
        self._workflow = workflow
        self._where = where
        self._known = known
        self._settings = settings
        self._states: dict[str, workflows.State] = {}

    def run(self) -> None:
        _kind(self._workflow.title, Text, self._where)
        for state in self._workflow.states:
            _kind(state, workflows.State, self._where)
            if state.name in self._states:
                raise DeclarationError(self._where, f"it has two states {state.name!r}")
            self._states[state.name] = state
        names: set[str] = set()
        for transition in self._workflow.transitions:
            _kind(transition, workflows.Transition, self._where)
            where = f"{self._where}, transition {transition.name!r}"
            if transition.name in names:
                raise DeclarationError(where, "another one has this name")
            names.add(transition.name)
            self._transition(transition, where)
        self._ways()

    def _transition(self, transition: workflows.Transition, where: str) -> None:
        for name in (*transition.sources, transition.target):
            if name not in self._states:
                raise DeclarationError(where, f"there is no state {name!r}")
        for name in transition.sources:
            if self._states[name].final:
                raise DeclarationError(where, f"it leaves {name!r}, which is final")
        _kind(transition.because, Text, where)
        _kind(transition.on, _TRIGGERS, where)
        self._trigger(transition.on, where)
        if isinstance(transition.on, workflows.After) and not transition.sources:
            raise DeclarationError(where, "time passes in a state, and it begins in none")
        for action in transition.actions:
            _kind(action, _ACTIONS, where)
            self._action(action, where)

    def _trigger(self, trigger: workflows.Trigger, where: str) -> None:
        match trigger:
            case workflows.Happens(kinds=kinds, where=condition):
                for kind in kinds:
                    if kind not in (host_facts.ACTIVITY_KIND.type.values or ()):
                        raise DeclarationError(where, f"there is no kind of activity {kind!r}")
                if not kinds:
                    raise DeclarationError(where, "it names no kind of activity")
                self._condition(condition, _OF_ACTIVITY, where)
            case workflows.Becomes(when=condition):
                self._condition(condition, _OF_CUSTOMER, where)
            case workflows.After(days=days):
                self._number(days, _MOST_DAYS, where)

    def _action(self, action: workflows.Action, where: str) -> None:
        match action:
            case workflows.MakeTask(title=title, within_days=days):
                _kind(title, Text, where)
                self._number(days, _MOST_DAYS, where)
            case workflows.RaiseEvent(name=name):
                _kind(name, str, where)
                if not name:
                    raise DeclarationError(where, "'' is no name of an event")
            case workflows.Release(reason=reason, pool=pool):
                _kind(reason, Text, where)
                self._name(pool, where)
            case workflows.AwardPoints(points=points, reason=reason):
                _kind(reason, Text, where)
                self._number(points, _MOST_POINTS, where)
            case workflows.AskForAssignment():
                pass

    def _condition(self, condition: Any, areas: frozenset[Area], where: str) -> None:  # noqa: ANN401 - what a plugin gives
        check_size(condition, where)
        bind(condition, self._settings, where)
        for fact in facts_of(condition):
            self._fact(fact, areas, where)

    def _fact(self, fact: Fact, areas: frozenset[Area], where: str) -> None:
        for part in _parts(fact):
            if self._known.get(part.name) != part:
                raise DeclarationError(
                    where, f"it names {part.name!r}, which the plugin does not declare"
                )
            if isinstance(part.origin, Host) and part.origin.area not in areas:
                raise DeclarationError(
                    where, f"it names {part.name!r}, a fact of {part.origin.area}"
                )

    def _number(self, number: object, most: int, where: str) -> None:
        if isinstance(number, Fact):
            self._fact(number, _OF_CUSTOMER, where)
            return
        if isinstance(number, Setting):
            number = value_at(self._settings, number.path, where)
        if not isinstance(number, int) or isinstance(number, bool) or not 0 < number <= most:
            raise DeclarationError(where, f"{number!r} is no number from 1 to {most}")

    def _name(self, name: object, where: str) -> None:
        if isinstance(name, Pick):
            for fact in facts_in(name):
                self._fact(fact, _OF_CUSTOMER, where)
            return
        if isinstance(name, Setting):
            name = value_at(self._settings, name.path, where)
        if not isinstance(name, str):
            raise DeclarationError(where, f"{name!r} is no name of a pool")

    def _ways(self) -> None:
        """Make sure that it can begin, that each state is reached, and left unless it is final."""
        transitions = self._workflow.transitions
        reached = {each.target for each in transitions if not each.sources}
        if not reached:
            raise DeclarationError(self._where, "no transition begins it")
        while True:
            more = {each.target for each in transitions if reached.intersection(each.sources)}
            if more <= reached:
                break
            reached |= more
        left = {name for each in transitions for name in each.sources}
        for state in self._workflow.states:
            if state.name not in reached:
                raise DeclarationError(self._where, f"nothing leads to {state.name!r}")
            if not state.final and state.name not in left:
                raise DeclarationError(self._where, f"nothing leads out of {state.name!r}")


def _parts(fact: Fact) -> Iterator[Fact]:
    yield fact
    if isinstance(fact.origin, Derived):
        for part in facts_of(fact.origin.expression):
            yield from _parts(part)


def _kind(item: object, kind: type[Any] | tuple[type[Any], ...], where: str) -> None:
    if not isinstance(item, kind):
        raise DeclarationError(where, f"it has {item!r}"[:120] + ", which does not belong there")
