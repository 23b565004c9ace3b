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
        "aiohttp", "asyncio", "concurrent", "ctypes", "fcntl", "ftplib", "glob", "grpc", "http",
        "httpx", "logging", "mmap", "multiprocessing", "numpy.random", "os", "pathlib", "pickle",
        "random", "redis", "requests", "secrets", "select", "shelve", "shutil", "signal", "smtplib",
        "socket", "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib",
        "uuid",
    }
)  # fmt: skip
_BUILTINS: Final = frozenset(
    {"open", "input", "print", "exec", "eval", "__import__", "breakpoint", "id", "hash"}
)
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
        found += [f"{what} ({name}:{line})" for line, what in _found(tree)]
    return found


def _found(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        children: list[ast.AST] = [*node.orelse]  # what only the type checker reads is not run
    else:
        children = [*ast.iter_child_nodes(node)]
        yield from ((getattr(node, "lineno", 1), what) for what in _of_node(node))
    for child in children:
        yield from _found(child)


def _of_node(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import():
            yield from (f"imports {item.name}" for item in node.names if _forbidden(item.name))
        case ast.ImportFrom(module=str(module), level=0) if _forbidden(module):
            yield f"imports {module}"
        case ast.Call(func=ast.Name(id=name)) if name in _BUILTINS:
            yield f"calls {name}()"
        case ast.Call(func=ast.Attribute(attr=name)) if name in _CLOCKS:
            yield f"asks for the time: .{name}()"
        case _:
            pass


def _forbidden(module: str) -> bool:
    parts = module.split(".")
    return any(".".join(parts[:count]) in _MODULES for count in range(1, len(parts) + 1))
