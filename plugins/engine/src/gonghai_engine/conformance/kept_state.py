"""What a plugin's source keeps from one call to the next, found without running it.

A function may change what it made itself, and what it was given: whatever else it changes is there
at the next call, in this process and in no other, and two replicas decide differently. A cache of
the standard library (``functools.lru_cache``) only keeps answers, and is no such thing.
"""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_SCOPES: Final = (*_FUNCTIONS, ast.ClassDef)

_CHANGING: Final = frozenset(
    {
        "add", "append", "appendleft", "clear", "difference_update", "discard", "extend",
        "extendleft", "insert", "intersection_update", "move_to_end", "pop", "popitem", "popleft",
        "remove", "reverse", "rotate", "setdefault", "sort", "subtract",
        "symmetric_difference_update", "update", "__delattr__", "__delitem__", "__setattr__",
        "__setitem__",
    }
)  # fmt: skip
"""Methods that change what they are called on."""
_CHANGING_FIRST: Final = frozenset(
    {
        "delattr", "delitem", "heapify", "heappop", "heappush", "insort", "insort_left",
        "insort_right", "next", "setattr", "setitem",
    }
)  # fmt: skip
"""Functions that change their first argument."""
_EMPTY: Final = frozenset({"bytearray", "Counter", "defaultdict", "deque", "dict", "list", "set"})
"""What makes something that can be changed."""
_MAKERS: Final = frozenset(
    {"__init__", "__init_subclass__", "__new__", "__post_init__", "__set_name__", "__setstate__"}
)
"""Methods that make their object: it is nobody else's yet."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """A function, class or module, without the functions and classes in it."""

    nodes: tuple[ast.AST, ...]
    inner: tuple[ast.AST, ...]

    @classmethod
    def of(cls, owner: ast.AST) -> _Scope:
        body = owner.body if isinstance(owner, ast.Lambda) else getattr(owner, "body", [])
        nodes: list[ast.AST] = []
        inner: list[ast.AST] = []
        waiting: list[ast.AST] = list(body) if isinstance(body, list) else [body]
        while waiting:
            node = waiting.pop()
            if isinstance(node, _SCOPES):
                inner.append(node)
                # What is said about it is evaluated here.
                waiting += [*getattr(node, "decorator_list", ()), *getattr(node, "bases", ())]
                continue
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                waiting += node.orelse
                continue
            nodes.append(node)
            waiting += ast.iter_child_nodes(node)
        return cls(tuple(nodes), tuple(inner))


def kept(tree: ast.Module, package: str) -> Iterator[tuple[int, str]]:
    """Yield where a module's functions change what outlives a call, or it changes what it imports.

    Args:
        tree: the module.
        package: the plugin's own; while it is imported, its modules may change each other.
    """
    scope = _Scope.of(tree)
    foreign = frozenset(_imported(scope, package))
    yield from _changes_imported(scope, foreign)
    for inner in scope.inner:
        yield from _within(inner, frozenset(), foreign, inside=None)


def _within(
    owner: ast.AST, enclosing: frozenset[str], foreign: frozenset[str], inside: ast.ClassDef | None
) -> Iterator[tuple[int, str]]:
    """Look at a function or class: which names outside of it are its own to change is given."""
    scope = _Scope.of(owner)
    if isinstance(owner, ast.ClassDef):
        yield from _changes_imported(scope, foreign)
        for inner in scope.inner:
            yield from _within(inner, enclosing, foreign, inside=owner)
        return
    assert isinstance(owner, _FUNCTIONS)  # noqa: S101 - the two sorts of inner scopes
    name = "a lambda" if isinstance(owner, ast.Lambda) else f"{owner.name}()"
    yield from _defaults(owner, name)
    own = _own(owner, scope, inside) | enclosing
    for node in scope.nodes:
        if isinstance(node, ast.Global) or (
            isinstance(node, ast.Nonlocal) and not enclosing.issuperset(node.names)
        ):
            names = ", ".join(node.names)
            yield node.lineno, f"{name} keeps state between calls: {_sort(node)} {names}"
        for changed in _changed(node):
            roots = frozenset(_roots(changed))
            if roots - own:
                what = ast.unparse(changed)
                yield (
                    getattr(node, "lineno", owner.lineno),
                    f"{name} keeps state between calls: it changes {what}",
                )
    for inner in scope.inner:
        # One that is called only, and never handed on, ends with this call.
        lent = own if _only_called(inner, scope) else frozenset()
        yield from _within(inner, lent, foreign, inside=None)


def _sort(node: ast.Global | ast.Nonlocal) -> str:
    return "global" if isinstance(node, ast.Global) else "nonlocal"


def _changes_imported(scope: _Scope, foreign: frozenset[str]) -> Iterator[tuple[int, str]]:
    for node in scope.nodes:
        for changed in _changed(node):
            if foreign.intersection(_roots(changed)):
                yield (
                    getattr(node, "lineno", 1),
                    f"changes what it imports: {ast.unparse(changed)}",
                )


def _defaults(function: _Function, name: str) -> Iterator[tuple[int, str]]:
    """Yield the defaults that can be changed: every call has the same one."""
    for default in (*function.args.defaults, *function.args.kw_defaults):
        display = isinstance(
            default, (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
        )
        if default is not None and (display or _made_empty(default)):
            yield (
                default.lineno,
                f"{name} keeps state between calls: its default {ast.unparse(default)}",
            )


def _made_empty(default: ast.expr) -> bool:
    match default:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in _EMPTY
        case _:
            return False


def _changed(node: ast.AST) -> Iterator[ast.expr]:
    """Yield what a part of a program changes, apart from names that are bound anew."""
    match node:
        case (
            ast.Attribute(value=value, ctx=ast.Store() | ast.Del())
            | ast.Subscript(value=value, ctx=ast.Store() | ast.Del())
        ):
            yield value
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id=kind), attr=method), args=[first, *_]
        ) if method in _CHANGING and isinstance(getattr(builtins, kind, None), type):
            yield first  # list.append(names, …)
        case ast.Call(func=ast.Attribute(value=value, attr=method)) if method in _CHANGING:
            yield value
        case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called), args=[first, *_]) if (
            called in _CHANGING_FIRST
        ):
            yield first
        case _:
            pass


def _roots(expression: ast.expr) -> Iterator[str]:
    """Yield the names through which something is reached; none when it was made on the spot."""
    match expression:
        case ast.Name(id=name):
            yield name
        case (
            ast.Attribute(value=value)
            | ast.Subscript(value=value)
            | ast.Starred(value=value)
            | ast.NamedExpr(value=value)
        ):
            yield from _roots(value)
        case ast.IfExp(body=body, orelse=other):
            yield from _roots(body)
            yield from _roots(other)
        case ast.BoolOp(values=values):
            for value in values:
                yield from _roots(value)
        case ast.Call(func=ast.Name(id="vars" | "getattr"), args=[value, *_]):
            yield from _roots(value)
        case ast.Call(func=ast.Name(id="globals" as name)):
            yield name
        case _:
            pass


def _own(function: _Function, scope: _Scope, inside: ast.ClassDef | None) -> frozenset[str]:
    """Return the names of what a function made itself, or was given."""
    given = function.args
    lent = {argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)}
    lent |= {argument.arg for argument in (given.vararg, given.kwarg) if argument is not None}
    lent -= _with_default(function)
    if inside is not None and not _makes(function):
        lent -= {argument.arg for argument in (*given.posonlyargs, *given.args)[:1]}
    bound: dict[str, list[ast.expr | None]] = {}
    for name, source in _bindings(scope):
        bound.setdefault(name, []).append(source)
    for inner in scope.inner:
        if not isinstance(inner, ast.Lambda):
            bound.setdefault(inner.name, []).append(None)  # type: ignore[attr-defined] # it has one
    elsewhere = {
        name
        for node in scope.nodes
        if isinstance(node, (ast.Global, ast.Nonlocal))
        for name in node.names
    }
    own = (lent | bound.keys()) - elsewhere
    while True:
        # Another name of something that is not its own is none of its own.
        others = {
            name
            for name in own - lent
            if all(source is not None and _elsewhere(source, own) for source in bound[name])
        }
        if not others:
            return frozenset(own)
        own -= others


def _makes(method: _Function) -> bool:
    """Say whether a method makes its object, or has none."""
    if isinstance(method, ast.Lambda):
        return False
    static = any(ast.unparse(one) == "staticmethod" for one in method.decorator_list)
    return static or method.name in _MAKERS


def _elsewhere(source: ast.expr, own: Collection[str]) -> bool:
    roots = frozenset(_roots(source))
    return bool(roots) and roots.isdisjoint(own)


def _with_default(function: _Function) -> set[str]:
    """Return the arguments whose default is there for every call, and is no constant."""
    given = function.args
    placed = [*given.posonlyargs, *given.args]
    pairs = [
        *zip(placed[len(placed) - len(given.defaults) :], given.defaults, strict=True),
        *zip(given.kwonlyargs, given.kw_defaults, strict=True),
    ]
    return {
        argument.arg
        for argument, default in pairs
        if default is not None and not isinstance(default, ast.Constant)
    }


def _bindings(scope: _Scope) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield each name that is bound, with what it is another name of or a part of, if anything."""
    named: set[int] = set()
    for node in scope.nodes:
        targets, source = _given_names(node)
        for part in (part for target in targets for part in ast.walk(target)):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                named.add(id(part))
                yield part.id, source
    for node in scope.nodes:
        match node:
            case ast.Name(id=name, ctx=ast.Store()) if id(node) not in named:
                yield name, None
            case (
                ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
                | ast.MatchMapping(rest=str(name))
            ):
                yield name, None
            case _:
                pass


def _given_names(node: ast.AST) -> tuple[list[ast.expr], ast.expr | None]:
    """Return what gets a name in an assignment or loop, and what the name is given to."""
    match node:
        case ast.Assign(targets=targets, value=source):
            return targets, source
        case ast.AnnAssign(target=target, value=source):
            return [target], source
        case ast.NamedExpr(target=target, value=source):
            return [target], source
        case (
            ast.For(target=target, iter=source)
            | ast.AsyncFor(target=target, iter=source)
            | ast.comprehension(target=target, iter=source)
        ):
            return [target], source
        case _:
            return [], None


def _imported(scope: _Scope, package: str) -> Iterator[str]:
    for node in scope.nodes:
        match node:
            case ast.Import(names=names):
                yield from (item.asname or item.name.partition(".")[0] for item in names)
            case ast.ImportFrom(names=names, module=module, level=level):
                if not level and (module or "").partition(".")[0] != package:
                    yield from (item.asname or item.name for item in names)
            case _:
                pass


def _only_called(inner: ast.AST, scope: _Scope) -> bool:
    name = getattr(inner, "name", None)
    if name is None:
        return False
    called = {id(node.func) for node in scope.nodes if isinstance(node, ast.Call)}
    return all(
        id(node) in called
        for node in scope.nodes
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
    )
