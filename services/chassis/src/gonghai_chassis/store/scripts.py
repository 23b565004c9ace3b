"""Scripts: one atomic step a file, composed of its header, its includes and its body.

A file begins with a block comment that names what the script is given and what it answers:

    --[[
    claim: a rep takes a customer out of a pool.
    KEYS clock stream custody
    ARG  rep seen_version
    Returns ok{custody} | moved{}
    ]]

The names become the tables KEY and ARG; a last key name that ends in `...` takes a list. Lines
`-- @include name` bring in shared functions, from `lua/includes` of the script's own package or of
the chassis. `-- WRITES` stands alone on a line between the last read and the first write; a script
without it is sent as one that may not write, and the server holds it to that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gonghai_chassis.store.partitions import Partition

CHASSIS = "gonghai_chassis.store"
WRITES = "-- WRITES"
IMPLICIT_ARGS = frozenset({"deadline", "nonce"})
"""Fields of ARG that every script has without declaring them."""

_NOTIFYING = frozenset({"event", "wake", "intents", "undone"})
"""Includes after which somebody in this process may have work to do."""

_HEADER = re.compile(r"\A--\[\[\n(?P<text>.*?)\n\]\]\n", re.DOTALL)
_INCLUDE = re.compile(r"^-- @include (?P<name>[a-z_]+)$", re.MULTILINE)
_SECTION = re.compile(r"^(KEYS|ARG|Returns)\b[ \t]*(.*)$")


class ScriptError(ValueError):
    """A script's file is not as it should be; the message names the file and the fault."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the block comment at the top of a file says.

    Attributes:
        summary: the first line.
        keys: names of the keys in order, without the dots of a list.
        listed: name of the last key when it takes a list.
        args: names of the fields of ARG.
        returns: the answers, as written.
    """

    summary: str
    keys: tuple[str, ...]
    listed: str | None
    args: tuple[str, ...]
    returns: str


def parse_header(source: str, where: str) -> Header:
    """Reads the header of a script or include.

    Raises:
        ScriptError: there is none, or it lacks a part.
    """
    match = _HEADER.match(source)
    if match is None:
        raise ScriptError(f"{where}: the file does not begin with a header.")
    lines = match["text"].split("\n")
    sections = _sections(lines[1:], where)
    keys = " ".join(sections.get("KEYS", [])).split()
    args = " ".join(sections.get("ARG", [])).split()
    listed = None
    if keys and keys[-1].endswith("..."):
        listed = keys[-1] = keys[-1].removesuffix("...")
    for name in (*keys, *args):
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise ScriptError(f"{where}: {name!r} is no name for a key or an argument.")
        if name in IMPLICIT_ARGS and name in args:
            raise ScriptError(f"{where}: {name!r} is given to every script, undeclared.")
    if len({*keys}) != len(keys) or len({*args}) != len(args):
        raise ScriptError(f"{where}: a name stands twice in the header.")
    returns = " ".join(" ".join(sections.get("Returns", [])).split())
    return Header(lines[0].strip(), tuple(keys), listed, tuple(args), returns)


def _sections(lines: list[str], where: str) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in lines:
        section = _SECTION.match(line)
        if section is not None:
            if section[1] in sections:
                raise ScriptError(f"{where}: {section[1]} stands twice in the header.")
            current = sections.setdefault(section[1], [])
            current.append(section[2])
        elif current is not None:
            current.append(line)
    return sections


def strip_header(source: str) -> str:
    """The file without its header."""
    return _HEADER.sub("", source, count=1)


@cache
def read_source(package: str, name: str) -> str:
    """Text of `lua/<name>.lua` in a package."""
    return files(package).joinpath("lua", f"{name}.lua").read_text("utf-8")


@cache
def read_include(package: str, name: str) -> str:
    """Text of an include: the package's own, else the chassis'.

    Raises:
        ScriptError: neither has it.
    """
    for home in (package, CHASSIS):
        path = files(home).joinpath("lua", "includes", f"{name}.lua")
        if path.is_file():
            return path.read_text("utf-8")
    raise ScriptError(f"{package}: there is no include {name!r}.")


def included(source: str) -> list[str]:
    """Names of the includes of a script, in order."""
    return [match["name"] for match in _INCLUDE.finditer(source)]


def compose(package: str, source: str, header: Header) -> str:
    """The whole text that is sent to the server."""
    body = _INCLUDE.sub(
        lambda match: strip_header(read_include(package, match["name"])).strip("\n"),
        strip_header(source),
    )
    shebang = "#!lua" if writes(source) else "#!lua flags=no-writes"
    fixed = header.keys[:-1] if header.listed else header.keys
    table = ", ".join(f"{name} = KEYS[{i}]" for i, name in enumerate(fixed, start=1))
    preamble = [shebang, f"local KEY = {{{table}}}"]
    if header.listed:
        preamble += [
            f"KEY.{header.listed} = {{}}",
            f"for i = {len(fixed) + 1}, #KEYS do",
            f"  KEY.{header.listed}[i - {len(fixed)}] = KEYS[i]",
            "end",
        ]
    preamble += [
        "local ARG = cmsgpack.unpack(ARGV[1])",
        "ARG.deadline, ARG.nonce = tonumber(ARGV[2]), ARGV[3]",
    ]
    return "\n".join([*preamble, body])


def writes(source: str) -> bool:
    """Whether the script may write: it has the line that says where."""
    return re.search(rf"^{WRITES}$", source, re.MULTILINE) is not None


class Script:
    """One script of a package, loaded and composed; make it once, as a constant of a module.

    Args:
        package: the package whose folder `lua` has the file, such as `gonghai_pool.store`.
        name: name of the file without `.lua`: the verb.
        repeatable: whether running it twice is as good as once. Then the store sends it again by
            itself when the connection broke; without being told it does so where nothing is
            written.

    Raises:
        ScriptError: the file's header is not as it should be.
    """

    __slots__ = (
        "_arg_names",
        "_fixed",
        "header",
        "name",
        "notifies",
        "repeatable",
        "sha",
        "text",
        "writes",
    )

    def __init__(self, package: str, name: str, *, repeatable: bool = False) -> None:
        source = read_source(package, name)
        self.name = f"{package}.{name}"
        self.header = parse_header(source, self.name)
        self.text = compose(package, source, self.header)
        self.sha = sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        self.writes = writes(source)
        self.repeatable = repeatable or not self.writes
        self.notifies = not _NOTIFYING.isdisjoint(included(source))
        self._fixed = self.header.keys[:-1] if self.header.listed else self.header.keys
        self._arg_names = frozenset(self.header.args)

    def __repr__(self) -> str:
        """The script's name."""
        return f"Script({self.name})"

    def bind_keys(self, partition: Partition, keys: Mapping[str, str | Sequence[str]]) -> list[str]:
        """The keys in the header's order; the partition's common ones may be left out.

        Raises:
            TypeError: a name is missing, or is none of the header's.
        """
        common = partition.common
        ordered: list[Any] = []
        taken = 0
        for name in self._fixed:
            key = keys.get(name)
            if key is None:
                key = common.get(name)
                if key is None:
                    raise TypeError(f"{self.name} needs the key {name!r}.")
            else:
                taken += 1
            ordered.append(key)
        if self.header.listed is not None:
            ordered.extend(keys[self.header.listed])
            taken += 1
        if taken != len(keys):
            extra = sorted(keys.keys() - set(self.header.keys))
            raise TypeError(f"{self.name} knows no keys {extra}.")
        return ordered

    def check_args(self, args: Mapping[str, Any]) -> None:
        """Checks that exactly the header's arguments are given.

        Raises:
            TypeError: one is missing, or is none of the header's.
        """
        if args.keys() != self._arg_names:
            missing = sorted(self._arg_names - args.keys())
            extra = sorted(args.keys() - self._arg_names)
            raise TypeError(f"{self.name}: missing arguments {missing}, unknown ones {extra}.")
