"""A tenant's policy document: reviewed YAML that binds industries to plugins and settings."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from gonghai_engine.calendar import Calendar, WorkingDays

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MAX_LENGTH: Final = 64 * 1024
"""Characters of a document."""

MAX_INDUSTRIES: Final = 50
"""Industries of a document: each may have settings of its own, which are compiled."""

MAX_DAYS: Final = 2_000
"""Holidays of a document, and as many workdays."""

MAX_DEPTH: Final = 20
"""Levels of lists and mappings in each other."""

DEFAULT: Final = "default"
"""Stands for every industry that a document does not name."""

_ZONE: Final = "Asia/Shanghai"
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INDUSTRY: Final = re.compile(r"(?!\s)[^/\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,63}(?<!\s)")
_NUMBER_LENGTH: Final = 40
_KEY_LENGTH: Final = 100
_MERGE: Final = "tag:yaml.org,2002:merge"
_NUMBERS: Final = frozenset({"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"})
_TAGS: Final = _NUMBERS | {
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "bool", "null", "map", "seq")
}

if TYPE_CHECKING:
    from yaml import SafeLoader as _SafeLoader
else:
    # The one in C is several times as fast, where there is one; both read the same documents.
    _SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

DEFAULT_TEXT: Final = "version: 1\ndefault: {plugin: standard}\n"
"""The document of a tenant that never had one applied."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a document: the line (from 1), the field as a dotted path, and why."""

    line: int
    field: str
    message: str

    def __str__(self) -> str:
        """Return it as an operator reads it."""
        return f"line {self.line}, {self.field or 'document'}: {self.message}"


class PolicyDocumentError(ValueError):
    """A document is refused, whole; ``problems`` has every reason that was found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Binding:
    """The plugin of an industry and its settings as written."""

    plugin: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """A document that is well-formed; whether its plugins and settings fit is the engine's word.

    ``digest`` tells contents apart, not spellings: comments and layout do not change it.
    """

    text: str
    digest: str
    calendar: Calendar
    default: Binding
    industries: Mapping[str, Binding]
    lines: Mapping[str, int]
    """The line of each field, for problems that are found later."""
    unreadable: str = ""
    """Why it can't be read, though it is in force: nothing is decided by it."""

    @property
    def zone(self) -> str:
        """Return the tenant's time zone."""
        return self.calendar.zone

    @classmethod
    def parse(cls, text: str) -> PolicyDocument:
        """Read a document. Raises PolicyDocumentError with every line and field at fault."""
        content, lines = _load(text)
        try:
            form = _Form.model_validate(content)
        except ValidationError as error:
            raise PolicyDocumentError(list(problems_of(error, (), lines))) from None
        return cls(
            text=text,
            digest=hashlib.sha256(
                json.dumps(form.model_dump(mode="json"), ensure_ascii=False).encode()
            ).hexdigest(),
            calendar=Calendar(
                form.zone, form.calendar, frozenset(form.holidays), frozenset(form.workdays)
            ),
            default=Binding(form.default.plugin, MappingProxyType(form.default.settings)),
            industries=MappingProxyType(
                {
                    name: Binding(item.plugin, MappingProxyType(item.settings))
                    for name, item in form.industries.items()
                }
            ),
            lines=MappingProxyType(lines),
        )

    @classmethod
    def in_force(cls, text: str) -> PolicyDocument:
        """Read a document that is in force whatever this release makes of it.

        Another release, which knows more or refuses less, may have taken it. What can't be read
        decides nothing: it is `unreadable`.
        """
        try:
            return cls.parse(text)
        except PolicyDocumentError as error:
            return cls(
                text=text,
                digest=hashlib.sha256(text.encode(errors="replace")).hexdigest(),
                calendar=Calendar(_zone_in(text)),
                default=Binding("", MappingProxyType({})),
                industries=MappingProxyType({}),
                lines=MappingProxyType({}),
                unreadable=str(error),
            )

    def bindings(self) -> Iterator[tuple[str, str, Binding]]:
        """List (industry, field, binding), the default first with the industry ""."""
        yield "", "default", self.default
        for name, binding in self.industries.items():
            yield name, f"industries.{name}", binding

    def problem(self, field: str, message: str) -> Problem:
        """Make a problem of a field, at its line or that of what it stands in."""
        return Problem(_line_of(field, self.lines), field, message)


def problems_of(
    error: ValidationError, prefix: tuple[str, ...], lines: Mapping[str, int]
) -> Iterator[Problem]:
    """Turn what pydantic found into problems; ``prefix`` is where the model stands."""
    for found in error.errors(include_url=False, include_input=False, include_context=False):
        path = ".".join((*prefix, *(str(step) for step in found["loc"] if step != "[key]")))
        yield Problem(_line_of(path, lines), path, found["msg"])


@cache
def _zones() -> frozenset[str]:
    """Return the names of time zones: what else the machine calls one may be another elsewhere."""
    return frozenset(files("tzdata").joinpath("zones").read_text().split()) - {"Factory"}


def _zone_in(text: str) -> str:
    """Return the time zone that a document names, as far as it can be read; else the usual one."""
    with suppress(PolicyDocumentError):
        content, _ = _load(text)
        zone = content.get("zone") if isinstance(content, dict) else None
        if isinstance(zone, str) and zone in _zones():
            return zone
    return _ZONE


def _as_written(day: object) -> dt.date:
    if isinstance(day, str) and _DATE.fullmatch(day):
        with suppress(ValueError):
            return dt.date.fromisoformat(day)
    raise ValueError(f"{day!r} is no date, like 2026-10-01")


_Day = Annotated[dt.date, BeforeValidator(_as_written)]


class _Bound(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    plugin: str = Field(min_length=1)
    settings: dict[str, Any] = Field(default_factory=dict)


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    version: Literal[1]
    zone: str = _ZONE
    calendar: WorkingDays = Field(WorkingDays.CHINA, strict=False)
    holidays: list[_Day] = Field(default_factory=list, max_length=MAX_DAYS)
    workdays: list[_Day] = Field(default_factory=list, max_length=MAX_DAYS)
    default: _Bound
    industries: dict[str, _Bound] = Field(default_factory=dict, max_length=MAX_INDUSTRIES)

    @field_validator("version", mode="before")
    @classmethod
    def _whole(cls, version: object) -> object:
        # True and 1.0 are equal to 1.
        return version if type(version) is int else str(version)

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in _zones():
            raise ValueError(f"{name!r} is no time zone")
        return name

    @field_validator("industries")
    @classmethod
    def _can_be_named(cls, industries: dict[str, _Bound]) -> dict[str, _Bound]:
        for name in industries:
            if name == DEFAULT:
                raise ValueError(f"an industry can't be called {DEFAULT}: that means all others")
            if _INDUSTRY.fullmatch(name) is None:
                raise ValueError(
                    f"{name!r} is no industry: 1 to 63 characters, no / or control character, "
                    "no space at an end"
                )
        return industries

    @field_validator("holidays", "workdays")
    @classmethod
    def _each_once(cls, days: list[dt.date]) -> list[dt.date]:
        twice = [day for day, count in Counter(days).items() if count > 1]
        if twice:
            raise ValueError(f"{min(twice)} stands here twice")
        return days

    @field_validator("workdays")
    @classmethod
    def _either_or(cls, days: list[dt.date], info: Any) -> list[dt.date]:  # noqa: ANN401 - pydantic's own
        both = set(days) & set(info.data.get("holidays", ()))
        if both:
            raise ValueError(f"{min(both)} is a holiday and a workday at once")
        return days


class _Loader(_SafeLoader):
    """Reads dates as texts: a wrong one is then the problem of its field, not of the document."""

    yaml_implicit_resolvers: dict[Any, Any] = {  # noqa: RUF012 - yaml looks it up on the class
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class _Resolver(yaml.resolver.BaseResolver):
    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


_RESOLVER: Final = _Resolver()


def _load(text: str) -> tuple[object, dict[str, int]]:
    if len(text) > MAX_LENGTH:
        raise PolicyDocumentError([Problem(1, "", f"longer than {MAX_LENGTH} characters")])
    try:
        _check_depth(text)
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
            lines: dict[str, int] = {}
            problems = list(_walk(root, "", lines, set()))
            if problems:
                raise PolicyDocumentError(problems)
            return None if root is None else loader.construct_document(root), lines
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        message = f"{error.problem or error.context or 'not YAML'}"
        raise PolicyDocumentError([Problem(line, "", message)]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, PolicyDocumentError):
            raise
        raise PolicyDocumentError([Problem(1, "", f"not YAML: {error}")]) from None


def _check_depth(text: str) -> None:
    """Refuse deep nesting by the events, which come without recursion: nodes are made with it."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise PolicyDocumentError([Problem(line, "", f"deeper than {MAX_DEPTH} levels")])
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _walk(
    node: yaml.Node | None, path: str, lines: dict[str, int], seen: set[int]
) -> Iterator[Problem]:
    """Note each field's line, and find what a document may not have.

    An alias may grow without bounds, a key twice says two things, and what a tag or a number of
    any length makes is nothing that a setting is.
    """
    if node is None:
        return
    line = node.start_mark.line + 1
    lines.setdefault(path, line)
    if id(node) in seen:
        yield Problem(line, path, "an alias (*name) is not allowed")
        return
    seen.add(id(node))
    yield from _wrong_content(node, path)
    if isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
                what = "a merge (<<)" if key.tag == _MERGE else "a list or mapping as a key"
                yield Problem(key.start_mark.line + 1, path, f"{what} is not allowed")
                continue
            name = str(key.value)
            if len(name) > _KEY_LENGTH:
                line = key.start_mark.line + 1
                yield Problem(line, path, f"a key of more than {_KEY_LENGTH} characters")
                continue
            inner = f"{path}.{name}" if path else name
            yield from _wrong_content(key, inner)
            if name in keys:
                yield Problem(key.start_mark.line + 1, inner, "this key stands here twice")
            keys.add(name)
            lines[inner] = key.start_mark.line + 1
            yield from _walk(value, inner, lines, seen)
    elif isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            yield from _walk(item, f"{path}.{place}", lines, seen)


def _wrong_content(node: yaml.Node, path: str) -> Iterator[Problem]:
    line = node.start_mark.line + 1
    if node.tag not in _TAGS or node.tag != _implied(node):
        yield Problem(line, path, f"the tag {node.tag} is not allowed")
    elif node.tag in _NUMBERS and len(node.value) > _NUMBER_LENGTH:
        yield Problem(line, path, f"a number of more than {_NUMBER_LENGTH} characters")


def _implied(node: yaml.Node) -> str:
    """Return the tag of a node that has none of its own: what is written as such may not fit."""
    plain = isinstance(node, yaml.ScalarNode) and not node.style
    tag = _RESOLVER.resolve(type(node), node.value, (plain, not plain))  # type: ignore[no-untyped-call]
    return str(tag)


def _line_of(field: str, lines: Mapping[str, int]) -> int:
    while field and field not in lines:
        field = field.rpartition(".")[0]
    return lines.get(field, 1)
