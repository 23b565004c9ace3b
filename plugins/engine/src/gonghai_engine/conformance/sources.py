"""What a plugin's source says that a plugin may not do, found without running it."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gonghai_engine.conformance.kept_state import kept

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MODULES: Final = frozenset(
    {
        "aiohttp", "asyncio", "atexit", "builtins", "concurrent", "ctypes", "fcntl", "ftplib", "gc",
        "getpass", "glob", "grpc", "grp", "http", "httpx", "importlib", "io", "locale", "logging",
        "mmap", "multiprocessing", "numpy.random", "os", "pathlib", "pickle", "pkgutil", "platform",
        "posix", "pwd", "random", "redis", "requests", "resource", "runpy", "secrets", "select",
        "selectors", "shelve", "shutil", "signal", "site", "smtplib", "socket", "sqlite3", "ssl",
        "subprocess", "sys", "sysconfig", "tempfile", "threading", "time", "urllib", "uuid",
    }
)  # fmt: skip
_BUILTINS: Final = frozenset(
    {
        "open", "input", "print", "exec", "eval", "compile", "__import__", "__builtins__",
        "breakpoint", "id", "hash", "globals",
    }
)  # fmt: skip
_ATTRIBUTES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("now", "utcnow", "today"), "asks for the time"),
    **dict.fromkeys(
        ("astimezone", "ctime", "fromtimestamp", "localtime", "mktime", "tzset"),
        "hangs on the host's zone",
    ),
    **dict.fromkeys(("getdefaultlocale", "getlocale", "localeconv"), "hangs on the host's locale"),
    **dict.fromkeys(("cwd", "getcwd"), "hangs on the directory"),
    **dict.fromkeys(
        (
            "BasicContext", "DefaultContext", "ExtendedContext", "environ", "getcontext", "putenv",
            "set_int_max_str_digits", "setcontext", "setlocale", "setrecursionlimit", "seterr",
            "setprofile", "setswitchinterval", "settrace", "unsetenv",
        ),
        "touches what everything in the process shares",
    ),
    "random": "draws lots",
}  # fmt: skip
"""What is named after a dot, whatever it is that has it."""
_SHARED: Final = frozenset(name for name, what in _ATTRIBUTES.items() if what.startswith("touches"))
"""What is no name for anything else, so that importing it by its name is enough."""
_ZONE_PLACE: Final = 2
"""``fromtimestamp(seconds, zone)``."""


def impurities(package: str) -> list[str]:
    """Return what the loaded modules of a package may not do: imports, calls, state; with places.

    Modules that nothing loads (sample data, say) are not part of the plugin.
    """
    found = []
    for name in sorted(sys.modules):
        if name != package and not name.startswith(f"{package}."):
            continue
        spec = importlib.util.find_spec(name) if sys.modules[name] is not None else None
        if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
            continue
        text = Path(spec.origin).read_text("utf-8")
        found += [f"{what} ({name}:{line})" for line, what in read(text, package)]
    return found


def read(source: str, package: str) -> list[tuple[int, str]]:
    """Return what the source of a module of the package does that it may not: line and what."""
    tree = ast.parse(source)
    bound = frozenset(_bound(tree))
    return sorted({*_found(tree, bound), *kept(tree, package)})


def _bound(tree: ast.AST) -> Iterator[str]:
    """Yield the names that a module gives to something of its own."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias(name=name, asname=other):
                yield other or name
            case _:
                pass


def _found(node: ast.AST, bound: frozenset[str]) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        children: list[ast.AST] = [*node.orelse]  # what only the type checker reads is not run
    elif zoned := _zoned(node):
        children = [child for child in ast.iter_child_nodes(node) if child is not zoned]
        children.append(zoned.value)
    else:
        children = [*ast.iter_child_nodes(node)]
        yield from ((getattr(node, "lineno", 1), what) for what in _of_node(node, bound))
    for child in children:
        yield from _found(child, bound)


def _of_node(node: ast.AST, bound: frozenset[str]) -> Iterator[str]:
    # What is only named may be called under another name, so that naming it is enough.
    match node:
        case ast.Import():
            yield from (f"imports {item.name}" for item in node.names if _forbidden(item.name))
        case ast.ImportFrom(module=str(module), level=0) if _forbidden(module):
            yield f"imports {module}"
        case ast.Name(id=name, ctx=ast.Load()) if name in _BUILTINS - bound:
            yield f"calls {name}()"
        case ast.ImportFrom(names=names, level=0):
            yield from (
                f"{_ATTRIBUTES[item.name]}: {item.name}" for item in names if item.name in _SHARED
            )
        case ast.Attribute(attr=name, ctx=ast.Load()) if name in _ATTRIBUTES:
            yield f"{_ATTRIBUTES[name]}: .{name}()"
        case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str(name)), *_]) if (
            name in _ATTRIBUTES
        ):
            yield f"{_ATTRIBUTES[name]}: .{name}()"
        case _:
            pass


def _zoned(node: ast.AST) -> ast.Attribute | None:
    """Return the name of a function that is given the zone which it would take from the host."""
    match node:
        case ast.Call(func=ast.Attribute(attr="fromtimestamp") as named):
            named_zones = (by.value for by in node.keywords if by.arg == "tz")
            zones = [*node.args[1:_ZONE_PLACE], *named_zones]
            given = [zone for zone in zones if ast.unparse(zone) != "None"]
            return named if given else None
        case _:
            return None


def _forbidden(module: str) -> bool:
    parts = module.split(".")
    if parts[0].startswith("_") and parts[0] != "__future__":
        return True  # what Python's own modules are made of
    return any(".".join(parts[:count]) in _MODULES for count in range(1, len(parts) + 1))
