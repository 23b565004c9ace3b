"""What a plugin's source says that a plugin may not do, found without running it."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        "breakpoint", "id", "hash",
    }
)  # fmt: skip
_CLOCKS: Final = frozenset({"now", "utcnow", "today"})


def impurities(package: str) -> list[str]:
    """Return what the modules of a package do that were loaded: imports, calls, each with a place.

    Modules that nothing loads (sample data, say) are not part of the plugin.
    """
    found = []
    for name in sorted(sys.modules):
        if name != package and not name.startswith(f"{package}."):
            continue
        spec = importlib.util.find_spec(name) if sys.modules[name] is not None else None
        if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
            continue
        tree = ast.parse(Path(spec.origin).read_text("utf-8"))
        bound = frozenset(_bound(tree))
        found += [f"{what} ({name}:{line})" for line, what in _found(tree, bound)]
    return found


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
        case ast.Attribute(attr=name, ctx=ast.Load()) if name in _CLOCKS:
            yield f"asks for the time: .{name}()"
        case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str(name)), *_]) if (
            name in _CLOCKS
        ):
            yield f"asks for the time: .{name}()"
        case _:
            pass


def _forbidden(module: str) -> bool:
    parts = module.split(".")
    if parts[0].startswith("_") and parts[0] != "__future__":
        return True  # what Python's own modules are made of
    return any(".".join(parts[:count]) in _MODULES for count in range(1, len(parts) + 1))
