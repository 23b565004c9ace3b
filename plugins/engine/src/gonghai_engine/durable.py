"""The one module that touches durable-rules, and the small part of it that is safe.

Found by reading and running version 2.0.28: events only, one fixed session, no actions, timers or
joins. Rules become flat conjunctions; their number per network and
the number of their tests stay far below the fixed sizes of the C code (a stack of 64 nodes, 32
expressions a rule, 512 slots a node), which it does not check everywhere. Property names and texts
are our own short tokens, so that no caller's text is ever parsed or hashed in C.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import durable_rules_engine

from gonghai_engine.faults import DeclarationError, EngineError
from gonghai_plugin.facts import INT64_MAX, INT64_MIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gonghai_engine.alternatives import Alternative, Choice, Range
    from gonghai_engine.decisions import FactValue

MAX_TESTS: Final = 28
"""Of one alternative: the C code keeps 32 expressions, two of them for the brackets."""

_NETWORK_SIZE: Final = 40
"""Alternatives in one network: the C code's stack has 64 places, and one alternative takes one."""

_MAX_PROPERTIES: Final = 200
"""Of one event: the C code refuses 255, of which it adds some itself."""

_HANDLED: Final = 0
_SESSION: Final = "0"
_NEXT: Final = "n"
_OTHER_WORD: Final = "w"
_ALWAYS: Final[Mapping[str, object]] = {"t": True}
_RESERVED: Final = frozenset({"id", "sid", "t", "m", "$s", "$forward"})
_names = itertools.count()


@dataclass(frozen=True, slots=True)
class Place:
    """A rule that a network can answer with."""

    index: int
    alternative: Alternative | None
    """None: holds always."""
    rule: str = ""
    """The rule's name, for errors."""


class Network:
    """A first-hit table in durable-rules. Not to be used by two threads at once.

    The answer to a set of values is the index of the first place that holds. Where there are more
    alternatives than one network of the C code bears, several stand in a row.
    """

    def __init__(self, places: Sequence[Place], where: str) -> None:
        """Compile. Raises DeclarationError naming the rule at fault.

        ``where`` names the table in errors. The last place has to hold always.
        """
        if not places or places[-1].alternative is not None:
            raise DeclarationError(where, "no rule holds always; end with a catch-all")
        self._where = where
        parts = list(_parts(places))
        self._segments = tuple(
            _Segment(part, last=part is parts[-1], where=where) for part in parts
        )

    def first(self, values: Mapping[str, FactValue]) -> int:
        """Return the index of the first rule that holds.

        Raises EngineError when durable-rules fails or answers nonsense; the next call begins anew.
        """
        for segment in self._segments:
            found = segment.first(values)
            if found is not None:
                return found
        raise EngineError(f"{self._where}: no rule held")

    def close(self) -> None:
        """Free what can be freed; `first` may not be called again."""
        for segment in self._segments:
            segment.close()


def _parts(places: Sequence[Place]) -> Iterator[Sequence[Place]]:
    """Part the places into networks that the C code bears."""
    part: list[Place] = []
    properties: set[object] = set()
    for place in places:
        more = set() if place.alternative is None else place.alternative.properties
        if len(part) == _NETWORK_SIZE or len(properties | more) > _MAX_PROPERTIES:
            yield part
            part, properties = [], set()
        part.append(place)
        properties |= more
    yield part


class _Segment:
    """One network of the C code."""

    def __init__(self, places: Sequence[Place], *, last: bool, where: str) -> None:
        self._tokens = _Tokens()
        rules: dict[str, object] = {}
        self._index: dict[str, int | None] = {}
        for priority, place in enumerate(places, start=1):
            name = f"r{priority}"
            tests = [_ALWAYS] if place.alternative is None else self._tests(place.alternative)
            if len(tests) > MAX_TESTS:
                raise DeclarationError(
                    f"{where}, rule {place.rule!r}",
                    f"it needs {len(tests)} tests at once, {MAX_TESTS} are safe; "
                    "put a part of them into a derived fact",
                )
            condition = tests[0] if len(tests) == 1 else {"$and": tests}
            rules[name] = {"all": [{"m": condition}], "pri": priority}
            self._index[name] = place.index
        if not last:
            rules[_NEXT] = {"all": [{"m": _ALWAYS}], "pri": len(places) + 1}
            self._index[_NEXT] = None
        self._writers = self._tokens.writers()
        self._definition = json.dumps(rules)
        self._handle: int | None = None
        self._session = False
        self._events = 0

    def first(self, values: Mapping[str, FactValue]) -> int | None:
        self._events += 1
        event = (
            f'{{"id":{self._events},"sid":"{_SESSION}","t":true'
            f"{''.join([write(values) for write in self._writers])}}}"
        )
        try:
            name = self._consume(event)
        except Exception as error:
            self.close()
            raise EngineError(str(error)) from error
        except BaseException:
            # An interrupted decision would hand its answer to the next caller.
            self.close()
            raise
        return self._index[name]

    def close(self) -> None:
        if self._handle is not None:
            handle, self._handle = self._handle, None
            if self._session:
                # Frees what deleting the ruleset forgets; crashes where there is no session.
                self._session = False
                durable_rules_engine.delete_state(handle, _SESSION)
            durable_rules_engine.delete_ruleset(handle)

    def _consume(self, event: str) -> str:
        if self._handle is None:
            self._handle = durable_rules_engine.create_ruleset(f"t{next(_names)}", self._definition)
        handle = self._handle
        status, state = durable_rules_engine.assert_event(handle, event)
        if status != _HANDLED:
            raise EngineError(f"the event was not handled: {status}")
        self._session = True
        answer = durable_rules_engine.start_action_for_state(handle, state)
        if answer is None:
            raise EngineError("no rule answered")
        message: str = answer[1]
        name = message[2 : message.index('"', 2)]
        if message != f'{{"{name}":{{"m":{event}}}}}':
            raise EngineError("the answer is about another event")
        if durable_rules_engine.complete_and_start_action(handle, state) is not None:
            raise EngineError("the event was answered twice")
        return name

    def _tests(self, alternative: Alternative) -> list[Mapping[str, object]]:
        tokens = self._tokens
        tests: list[Mapping[str, object]] = []
        for fact, bounds in alternative.numbers.items():
            tests += _number_tests(tokens.number(fact), bounds)
        for fact, choice in alternative.words.items():
            tests += _word_tests(tokens, fact, choice)
        tests += [{tokens.flag(fact): value} for fact, value in alternative.flags.items()]
        tests += [{tokens.member(*pair): there} for pair, there in alternative.contains.items()]
        tests += [{tokens.absent(fact): missing} for fact, missing in alternative.absent.items()]
        return tests or [_ALWAYS]


def _number_tests(name: str, bounds: Range) -> list[Mapping[str, object]]:
    if bounds.low == bounds.high:
        return [{name: bounds.low}]
    tests: list[Mapping[str, object]] = []
    if bounds.low > INT64_MIN:
        tests.append({"$gte": {name: bounds.low}})
    # A value must be there: where nothing bounds it, this test is the one that asks for it.
    if bounds.high < INT64_MAX or not tests:
        tests.append({"$lte": {name: bounds.high}})
    return tests + [{"$neq": {name: value}} for value in sorted(bounds.excluded)]


def _word_tests(tokens: _Tokens, fact: str, choice: Choice) -> list[Mapping[str, object]]:
    name = tokens.word(fact)
    if choice.only is not None:
        return [{name: tokens.word_value(fact, choice.only)}]
    return [{"$neq": {name: tokens.word_value(fact, value)}} for value in sorted(choice.excluded)]


class _Tokens:
    """The short names that properties and texts have inside one network."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str, str], str] = {}
        self._words: dict[str, dict[str, str]] = {}
        self._hashes: dict[int, str] = {_fnv(name): name for name in _RESERVED}

    def number(self, fact: str) -> str:
        return self._name("number", fact)

    def word(self, fact: str) -> str:
        self._words.setdefault(fact, {})
        return self._name("word", fact)

    def word_value(self, fact: str, value: str) -> str:
        words = self._words[fact]
        # One width, since the C code compares up to the longer of two lengths.
        return words.setdefault(value, f"c{len(words):04d}")

    def flag(self, fact: str) -> str:
        return self._name("flag", fact)

    def member(self, fact: str, value: str) -> str:
        return self._name("member", fact, value)

    def absent(self, fact: str) -> str:
        return self._name("absent", fact)

    def writers(self) -> tuple[Callable[[Mapping[str, FactValue]], str], ...]:
        return tuple(
            self._writer(kind, fact, value, name)
            for (kind, fact, value), name in self._names.items()
        )

    def _name(self, kind: str, fact: str, value: str = "") -> str:
        key = kind, fact, value
        if key not in self._names:
            name = f"p{len(self._names)}"
            while _fnv(name) in self._hashes:
                name += "_"
            self._hashes[_fnv(name)] = name
            self._names[key] = name
        return self._names[key]

    def _writer(
        self, kind: str, fact: str, value: str, name: str
    ) -> Callable[[Mapping[str, FactValue]], str]:
        start = f',"{name}":'
        yes, no = f"{start}true", f"{start}false"
        if kind == "number":

            def number(values: Mapping[str, FactValue]) -> str:
                found = values[fact]
                return "" if found is None else f"{start}{found}"

            return number
        if kind == "word":
            written = {text: f'{start}"{token}"' for text, token in self._words[fact].items()}
            other = f'{start}"{_OTHER_WORD:0<5}"'

            def word(values: Mapping[str, FactValue]) -> str:
                found = values[fact]
                return "" if found is None else written.get(found, other)  # type: ignore[arg-type] # intake let in texts only

            return word
        if kind == "flag":

            def flag(values: Mapping[str, FactValue]) -> str:
                found = values[fact]
                return "" if found is None else yes if found else no

            return flag
        if kind == "member":

            def member(values: Mapping[str, FactValue]) -> str:
                found = values[fact]
                return yes if isinstance(found, frozenset) and value in found else no

            return member

        def absent(values: Mapping[str, FactValue]) -> str:
            return yes if values[fact] is None else no

        return absent


def _fnv(text: str) -> int:
    """Return the 32-bit FNV-1a hash by which the C code tells names apart."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value
