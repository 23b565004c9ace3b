"""Looks at one plugin, in a process of its own that `checking` starts with this module.

Each finding is written as a line of JSON as soon as it is made, so that whoever waits knows how far
it came when it never ends. The last line has a digest of all decisions: it is the same in another
process, with another seed of hashes, or the plugin is not deterministic.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from random import Random
from time import thread_time
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from gonghai_engine.calendar import Calendar, warm_up
from gonghai_engine.column_decisions import decide_columns
from gonghai_engine.columns import FactColumns
from gonghai_engine.compiled import CompiledPolicy
from gonghai_engine.conformance import golden, sdk_annotations, sources
from gonghai_engine.conformance.baseline import baseline
from gonghai_engine.conformance.findings import Check, Finding, Status
from gonghai_engine.conformance.guard import Guard
from gonghai_engine.conformance.made_up import MadeUp
from gonghai_engine.conformance.naming import misread
from gonghai_engine.conformance.orders import Order
from gonghai_engine.conformance.process_state import ProcessState
from gonghai_engine.conformance.wording import faults as faults_of_wording
from gonghai_engine.conformance.wording import settings_faults
from gonghai_engine.document import PolicyDocumentError
from gonghai_engine.engine import Engine
from gonghai_engine.faults import EngineError, FactError
from gonghai_engine.loading import STANDARD, check, register
from gonghai_engine.verdicts import Moment
from gonghai_plugin import hookspecs
from gonghai_plugin.plugin import Settings
from gonghai_plugin.versions import misfit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gonghai_engine.conformance.golden import GoldenFile
    from gonghai_engine.decisions import FactValue
    from gonghai_engine.verdicts import Verdict
    from gonghai_plugin.plugin import Plugin

_MADE_UP: Final = 120
"""Facts that are made up for each policy."""
_TIMES: Final = 20
"""How often each is decided again where functions of the plugin's own take part."""
_ROUNDS: Final = 5
_NOW: Final = golden.NOW
_SHOWN: Final = 20
"""Findings of one sort that are told one by one."""


class Examination:
    """One plugin under examination."""

    def __init__(self, order: Order, tell: Callable[[Finding], None]) -> None:
        """Tell of findings as they are made."""
        self._order = order
        self._tell = tell
        self._guard = Guard()
        self._process = ProcessState()

    def run(self) -> tuple[str, str]:
        """Look at everything; return the plugin's version and the digest of its decisions."""
        points = entry_points(group=hookspecs.PROJECT, name=self._order.plugin)
        if len(points) != 1:
            found = "is not installed" if not points else "is there more than once"
            self._failed(Check.LOADS, f"the plugin {self._order.plugin!r} {found}")
            return "", ""
        (point,) = points
        plugin = self._loaded(point)
        if plugin is None or not self._declared(plugin):
            return getattr(plugin, "version", ""), ""
        file = self._golden(plugin)
        settings = self._settings(plugin, file)
        compiled = [CompiledPolicy(item, plugin, settings) for item in plugin.policies]
        made_up = {item.policy: MadeUp(item, plugin, settings) for item in compiled}
        if not self._order.repeat:
            self._worded(plugin)
        with self._guard.watching():
            digest = self._decides(plugin, settings, compiled, made_up)
        if not self._order.repeat:
            self._purely(point)
            never = self._unreached(compiled, made_up)
            shown = frozenset() if file is None else self._cases(plugin, file)
            self._excusable(
                Check.REACHABLE,
                [
                    f"{table}: no facts were found for which the rule {rule!r} decides"
                    for table, rule in never
                    if rule not in shown  # a golden case shows it
                ],
            )
            self._fast(compiled, made_up)
        return plugin.version, digest

    def _loaded(self, point: EntryPoint) -> Plugin | None:
        with self._guard.watching():
            try:
                plugin = register(point.load())
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - a plugin may even call sys.exit while it is imported
                self._failed(Check.LOADS, f"{type(error).__name__}: {error}")
                return None
        why = misread(self._order.plugin)
        self._all(Check.LOADS, [f"its name {self._order.plugin!r}: {why}"] if why else [])
        return plugin

    def _declared(self, plugin: Plugin) -> bool:
        if not self._all(Check.TYPES, sdk_annotations.misfits(plugin)):
            return False
        reason = misfit(plugin.sdk)
        if not self._all(Check.SDK, [reason] if reason else []):
            return False
        if not self._all(Check.SETTINGS, settings_faults(plugin.settings)):
            return False
        try:
            with self._guard.watching():
                check(plugin, self._order.plugin)
        except Exception as error:  # noqa: BLE001 - whatever the declarations lead to
            self._failed(Check.RULES, str(error) or type(error).__name__)
            return False
        self._passed(Check.RULES)
        return True

    def _worded(self, plugin: Plugin) -> None:
        failed, warned = faults_of_wording(plugin)
        for message in warned[:_SHOWN]:
            self._tell(Finding(Check.SENTENCES, Status.WARNED, message))
        self._all(Check.SENTENCES, failed)

    def _purely(self, point: EntryPoint) -> None:
        installed = (
            point.dist.read_text("top_level.txt") if point.dist is not None else None
        ) or ""
        packages = {point.module.partition(".")[0], *installed.split()}
        read = [what for package in sorted(packages) for what in sources.impurities(package)]
        self._all(Check.PURE, [*self._guard.seen, *self._process.changes(), *read])

    def _decides(
        self,
        plugin: Plugin,
        settings: Settings,
        compiled: Iterable[CompiledPolicy],
        made_up: dict[Any, MadeUp],
    ) -> str:
        """Decide on made-up facts: always, as plain Python does, and twice the same."""
        undecided: list[str] = []
        unlike: list[str] = []
        moody: list[str] = []
        digest = hashlib.sha256(repr(_plain(plugin)).encode())
        digest.update(repr(_plain(plugin.settings().model_dump(mode="json"))).encode())
        moment = Moment(_NOW, Calendar())
        for policy in compiled:
            made = list(made_up[policy.policy].some(_MADE_UP))
            first = self._first(policy, made, moment)
            other = dict(answered_otherwise(policy, made, first, moment))
            for place, (facts, once) in enumerate(zip(made, first, strict=True)):
                digest.update(once.encode())
                if once.startswith("!"):
                    undecided.append(f"{policy.policy}: {once[1:]} (facts: {_written(facts)})")
                if place in other:
                    moody.append(f"{policy.policy}: once {once}, once {other[place]}")
                elif not once.startswith("!"):
                    unlike += differing(policy, policy.values(facts))
            if not self._order.repeat and not policy.functions:
                unlike += unlike_columns(policy, settings, made, first, moment)
        if not self._order.repeat:
            self._all(Check.TOTAL, undecided)
            self._all(Check.AGREES, unlike)
            if moody:  # else it is for the other process to say
                self._all(Check.DETERMINISTIC, moody)
        return digest.hexdigest()

    def _first(
        self, policy: CompiledPolicy, made: list[dict[str, FactValue]], moment: Moment
    ) -> list[str]:
        """Decide on all once; another process that asks in another order must say the same."""
        places = list(range(len(made)))
        if self._order.turned:
            places.reverse()
        said = {place: decided(policy, made[place], moment) for place in places}
        return [said[place] for place in range(len(made))]

    def _unreached(
        self, compiled: Iterable[CompiledPolicy], made_up: dict[Any, MadeUp]
    ) -> list[tuple[str, str]]:
        """Return table and name of the rules for which the search found no facts."""
        return [
            (table.name, rule.name)
            for policy in compiled
            for table in policy.tables
            for rule in table.rules
            if made_up[policy.policy].for_rule(table, rule) is None
        ]

    def _golden(self, plugin: Plugin) -> GoldenFile | None:
        if not self._order.golden:
            self._excusable(Check.GOLDEN, ["there are no golden decisions"])
            return None
        path = Path(self._order.golden)
        try:
            file = golden.GoldenFile.read(path)
        except (golden.GoldenError, OSError) as error:
            self._failed(Check.GOLDEN, str(error))
            return None
        if file.plugin != plugin.name:
            self._failed(Check.GOLDEN, f"{path.name} is about the plugin {file.plugin!r}")
            return None
        return file

    def _settings(self, plugin: Plugin, file: GoldenFile | None) -> Settings:
        """Return those of the golden decisions: a table empty by default is filled there."""
        try:
            return plugin.settings.model_validate({} if file is None else dict(file.settings))
        except ValidationError:
            return plugin.settings()  # told with the cases

    def _cases(self, plugin: Plugin, file: GoldenFile) -> frozenset[str]:
        """Compare the cases with what is decided; return the rules that they show deciding."""
        points = [
            point
            for point in entry_points(group=hookspecs.PROJECT)
            if point.name in {plugin.name, STANDARD}
        ]
        engine = Engine.load(found=points)
        try:
            engine.parse(file.document)
        except PolicyDocumentError as error:
            self._failed(Check.GOLDEN, f"the settings do not hold: {error}")
            return frozenset()
        shown: set[str] = set()
        for place, case in enumerate(file.cases):
            found = asyncio.run(golden.decided(engine, file, case))
            wrong = golden.differences(case, found) or (
                "" if case.expect else "nothing is expected"
            )
            if not wrong:
                shown |= golden.named(found)
            status = Status.FAILED if wrong else Status.PASSED
            message = f"{case.name}: {wrong}" if wrong else ""
            self._tell(Finding(Check.GOLDEN, status, message, place, found))
        engine.close()
        for name in sorted(golden.unnamed(plugin, file.cases)):
            self._failed(Check.GOLDEN, f"no case expects the rule {name!r}")
        return frozenset(shown)

    def _fast(self, compiled: Iterable[CompiledPolicy], made_up: dict[Any, MadeUp]) -> None:
        measure = baseline()
        moment = Moment(_NOW, Calendar())
        least = min(_mean(*measure, moment) for _ in range(_ROUNDS))
        slow = []
        for policy in compiled:
            facts = list(made_up[policy.policy].some(40))
            ratio = min(_mean(policy, facts, moment) for _ in range(_ROUNDS)) / least
            if ratio > self._order.latency_ratio:
                slow.append(
                    f"{policy.policy}: a decision costs {ratio:.0f} times as much as the "
                    f"baseline's, {self._order.latency_ratio:g} times is the budget"
                )
        for name in sorted({name for policy in compiled for name in policy.functions}):
            message = (
                f"the fact {name!r} is made by a function: each decision that needs it is made in "
                "a process of its own, and `Simulate` decides one customer after the other"
            )
            self._tell(Finding(Check.LATENCY, Status.WARNED, message))
        self._all(Check.LATENCY, slow)

    def _all(self, which: Check, wrong: Iterable[str]) -> bool:
        """Tell what is wrong, or that nothing is; return whether nothing is."""
        messages = list(dict.fromkeys(wrong))
        for message in messages[:_SHOWN]:
            self._failed(which, message)
        if len(messages) > _SHOWN:
            self._failed(which, f"and {len(messages) - _SHOWN} more")
        if not messages:
            self._passed(which)
        return not messages

    def _excusable(self, which: Check, wrong: Iterable[str]) -> None:
        """Tell what is wrong, as something to be looked at where that is excused."""
        if which not in self._order.excused:
            self._all(which, wrong)
            return
        for message in wrong:
            self._tell(Finding(which, Status.WARNED, message))

    def _failed(self, which: Check, message: str) -> None:
        self._tell(Finding(which, Status.FAILED, message))

    def _passed(self, which: Check) -> None:
        self._tell(Finding(which, Status.PASSED))


def _plain(item: object) -> object:
    """Write something in a way that is the same in each process, if its parts are.

    The order of tuples and mappings is kept: one that was made from a set differs from process to
    process, and that is what is looked for. The order inside a set says nothing.
    """
    match item:
        case frozenset() | set():
            return sorted(map(str, item))
        case tuple() | list():
            return [_plain(part) for part in item]
        case Mapping():
            return [[str(key), _plain(part)] for key, part in item.items()]
        case type():
            return item.__qualname__
        case _:
            pass
    if dataclasses.is_dataclass(item):
        return [_plain(getattr(item, field.name)) for field in dataclasses.fields(item)]
    return getattr(item, "__qualname__", None) or repr(item)


def _turned(facts: dict[str, FactValue]) -> dict[str, FactValue]:
    return dict(reversed(facts.items()))


def decided(policy: CompiledPolicy, facts: dict[str, FactValue], moment: Moment) -> str:
    """Return all that a single decision says, or "!" and why there is none."""
    return _said(lambda: policy.decide(policy.values(facts), moment))


def answered_otherwise(
    policy: CompiledPolicy, made: list[dict[str, FactValue]], first: list[str], moment: Moment
) -> Iterator[tuple[int, str]]:
    """Yield where another answer is given when the same is asked again, and which.

    What is asked is mixed, and the facts are in another order: what the answer before left behind,
    or the first one of all, shows then. A plugin's own functions are asked many times.
    """
    mixed = Random(len(made))  # noqa: S311 - the same mixture each time is wanted
    for _ in range(_TIMES if policy.functions else 1):
        for place in mixed.sample(range(len(made)), len(made)):
            again = decided(policy, _turned(made[place]), moment)
            if again != first[place]:
                yield place, again


def _said(decide: Callable[[], Verdict]) -> str:
    """Return all that a decision says, or "!" and why there is none."""
    try:
        made = decide()
        said = _plain((made.outcome, made.reason, made.also))
    except (FactError, EngineError) as error:
        return f"!{error}"
    except Exception as error:  # noqa: BLE001 - whatever a plugin's declarations lead to
        return f"!{type(error).__name__}: {error}"
    return f"{made.rule} {said}"


def unlike_columns(
    policy: CompiledPolicy,
    settings: Settings,
    made: list[dict[str, FactValue]],
    one_by_one: list[str],
    moment: Moment,
) -> Iterator[str]:
    """Say where `Simulate`, which decides in columns, would decide otherwise than commands do."""
    given = [policy.facts[name] for name in policy.intake.names]
    columns = decide_columns(policy, FactColumns.of(given, made), settings, moment)
    for row, single in enumerate(one_by_one):
        said = _said(lambda row=row: columns.verdict(row))  # type: ignore[misc] # bound in the loop
        if said != single and not (said.startswith("!") and single.startswith("!")):
            yield f"{policy.policy}: alone {single}, in columns {said}"


def differing(policy: CompiledPolicy, values: dict[str, FactValue]) -> Iterator[str]:
    """Say where the rule engine decides otherwise than plain Python. Grades are put in."""
    for place in policy.in_order:
        table = policy.tables[place]
        hits = table.decide(values)
        by_engine, by_python = (
            [rule.name for rule in each] for each in (hits, table.deciding(values))
        )
        if place in policy.grades:
            values[policy.grades[place]] = hits[0].outcome(values).name
        if by_engine != by_python:
            yield f"{table.name}: the rule engine says {by_engine}, plain Python {by_python}"


def _written(facts: dict[str, FactValue]) -> str:
    known = {
        name: sorted(value) if isinstance(value, frozenset) else value
        for name, value in facts.items()
        if value is not None
    }
    return json.dumps(known, ensure_ascii=False) if known else "none known"


def _mean(policy: CompiledPolicy, made: list[dict[str, FactValue]], moment: Moment) -> float:
    """Return the seconds of CPU that a decision takes: what else runs here is not the plugin's."""
    started = thread_time()
    for facts in made:
        with suppress(Exception):  # told as not total
            policy.decide(policy.values(facts), moment)
    return (thread_time() - started) / len(made)


def main() -> None:
    """Look at the plugin that the one argument asks for, and write findings as lines of JSON."""
    answer, sys.stdout = sys.stdout, sys.stderr  # what a plugin prints is no finding

    def tell(item: dict[str, Any]) -> None:
        answer.write(json.dumps(item) + "\n")
        answer.flush()

    order = Order(**json.loads(sys.argv[1]))
    warm_up()
    Settings.model_json_schema()  # pydantic looks for its own plugins once
    examination = Examination(order, lambda finding: tell(finding.to_json()))
    version, digest = examination.run()
    tell({"version": version, "digest": digest})


if __name__ == "__main__":
    main()
