"""What a module may not do is read in its source, whatever name it has there."""

from __future__ import annotations

import sys
from importlib import import_module
from textwrap import dedent
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from gonghai_engine.conformance.sources import impurities, read

if TYPE_CHECKING:
    from pathlib import Path

IMPURE = {
    "a clock under another name": (
        "from datetime import datetime\nWHAT = datetime.now", "asks for the time: .now()",
    ),
    "a clock by its name as a text": (
        "import datetime\nWHAT = getattr(datetime.date, 'today')", "asks for the time: .today()",
    ),
    "the machine's name": ("from platform import node\nHOST = node()", "imports platform"),
    "any module at all": ("import importlib\nOS = importlib.import_module('os')", "importlib"),
    "what modules are made of": ("import _thread", "imports _thread"),
    "a built-in under another name": ("READ = open", "calls open()"),
    "lots of NumPy": ("import numpy as np\nLOT = np.random.default_rng()", "draws lots: .random()"),
    # Of the host.
    "the host's zone": (
        "import datetime as d\ndef f(x): return d.datetime.fromtimestamp(x).hour",
        "hangs on the host's zone: .fromtimestamp()",
    ),
    "the host's zone, asked for": (
        "import datetime as d\ndef f(x): return d.datetime.fromtimestamp(x, tz=None)",
        "hangs on the host's zone: .fromtimestamp()",
    ),
    "the host's zone under another name": (
        "import datetime as d\nREAD = d.date.fromtimestamp",
        "hangs on the host's zone: .fromtimestamp()",
    ),
    "a naive time as one of the host's": (
        "import datetime as d\ndef f(): return d.datetime(2031, 1, 1).astimezone(d.UTC)",
        "hangs on the host's zone: .astimezone()",
    ),
    "the host's time as a text": (
        "import datetime as d\nWHAT = getattr(d, 'time')\ndef f(x): return x.ctime()",
        "hangs on the host's zone: .ctime()",
    ),
    "the host's time through another module": (
        "import calendar\ndef f(x): return calendar.datetime.time.localtime(x)",
        "hangs on the host's zone: .localtime()",
    ),
    # Of the whole process.
    "how all count": (
        "import decimal\ndecimal.getcontext().prec = 3",
        "touches what everything in the process shares: .getcontext()",
    ),
    "how all count, under another name": (
        "from decimal import setcontext as use",
        "touches what everything in the process shares: setcontext",
    ),
    "how everybody will count, in a function": (
        "def f(x):\n    import decimal\n    decimal.MAX_PREC = x", "it changes decimal",
    ),
    "how everybody will count": (
        "import decimal\nsetattr(decimal.DefaultContext, 'prec', 9)",
        "changes what it imports: decimal.DefaultContext",
    ),
    "the environment": (
        "from shutil import os\nos.environ['X'] = '1'", "changes what it imports: os.environ",
    ),
    "the locale": (
        "import gettext\ngettext.locale.setlocale(0, 'C')",
        "touches what everything in the process shares: .setlocale()",
    ),
    "how deep all may go": (
        "from dataclasses import sys\nsys.setrecursionlimit(3000)",
        "touches what everything in the process shares: .setrecursionlimit()",
    ),
    "another module": ("import math\nmath.tau = 6", "changes what it imports: math"),
    "another module's list": (
        "import string\nfrom string import capwords\nclass A:\n    capwords.names = ()",
        "changes what it imports: capwords",
    ),
    # From one call to the next.
    "a global": (
        "last = 0\ndef f(x):\n    global last\n    last = x",
        "f() keeps state between calls: global last",
    ),
    "a module's list": (
        "last = [0]\ndef f(x):\n    before, last[0] = last[0], x", "it changes last",
    ),
    "a module's dictionary": ("seen = {}\ndef f(x): seen.setdefault(x, 1)", "it changes seen"),
    "what is in a module's dictionary": (
        "seen = {'a': []}\ndef f(x): seen['a'].append(x)", "it changes seen['a']",
    ),
    "a module's list under another name": (
        "seen = []\ndef f(x):\n    mine = seen\n    mine.append(x)", "it changes mine",
    ),
    "each in a module's list": (
        "seen = [[]]\ndef f(x):\n    for each in seen:\n        each.append(x)", "it changes each",
    ),
    "a list, by its class": ("seen = []\ndef f(x): list.append(seen, x)", "it changes seen"),
    "a heap": (
        "import heapq\nseen = []\ndef f(x): heapq.heappush(seen, x)", "it changes seen",
    ),
    "an attribute": ("def f(x): f.last = x", "it changes f"),
    "an attribute by its name": ("def f(x): setattr(f, 'last', x)", "it changes f"),
    "the module itself": ("def f(x): globals()['last'] = x", "it changes globals()"),
    "a counter": (
        "import itertools\nNUMBERS = itertools.count()\ndef f(x): return next(NUMBERS)",
        "it changes NUMBERS",
    ),
    "a default": (
        "def f(x, seen={}): return seen", "f() keeps state between calls: its default {}",
    ),
    "a default made by a call": (
        "import collections as c\ndef f(x, *, seen=c.Counter()): return seen",
        "its default c.Counter()",
    ),
    "a default that is a module's": (
        "SEEN = []\ndef f(x, seen=SEEN): seen.append(x)", "it changes seen",
    ),
    "in a lambda": (
        "seen = []\nf = lambda x: seen.append(x)", "a lambda keeps state between calls",
    ),
    "an object": (
        "class Memo:\n    def __init__(self): self.n = 0\n    def __call__(self, x): self.n += 1",
        "__call__() keeps state between calls: it changes self",
    ),
    "a class": (
        "class Memo:\n    @classmethod\n    def ask(cls, x): cls.last = x", "it changes cls",
    ),
    "what a function that is handed on remembers": (
        "def made():\n    seen = {}\n    def f(x):\n        seen[x] = 1\n    return f",
        "f() keeps state between calls: it changes seen",
    ),
    "what it remembers, rebound": (
        "def made():\n    n = 0\n    def f(x):\n        nonlocal n\n        n += 1\n    return f",
        "f() keeps state between calls: nonlocal n",
    ),
    "in a method of a class in a function": (
        "SEEN = []\ndef f(x):\n    class A:\n        def g(self): SEEN.append(x)\n    A().g()",
        "g() keeps state between calls: it changes SEEN",
    ),
}  # fmt: skip

PURE = """
    import decimal
    from dataclasses import dataclass
    from datetime import UTC, datetime
    from functools import lru_cache
    from typing import TYPE_CHECKING

    if TYPE_CHECKING:
        import os

    hash = 3
    VALUE = hash
    STEPS = {"a": [1, 2]}
    STEPS.update(b=[3])
    STEPS["c"] = sorted(STEPS["a"])

    def plan(input, id, start=(), width=None):
        return input + id

    @lru_cache(maxsize=None)
    def kept(orders):
        return orders * 2

    def hour(seconds):
        return datetime.fromtimestamp(seconds, UTC).hour + datetime.fromtimestamp(1, tz=UTC).hour

    def exact(amount):
        with decimal.localcontext(prec=50):
            return decimal.Decimal(amount) / 3

    def counted(names, *more, **named):
        seen = {}
        for name in names:
            seen.setdefault(name, []).append(1)
            seen[name][0] += 1
        rows = STEPS["a"]
        rows = list(rows)
        rows.sort()
        more = list(more)
        more.append(next(iter(rows)))
        named["a"] = [row for row in rows if (last := row)]
        return next((name for name in seen), None), rows.pop()

    def ways(tree):
        found, count = [], 0
        def visit(node):
            nonlocal count
            count += 1
            found.append(node)
            for part in node:
                visit(part)
        visit(tree)
        return found

    @dataclass(frozen=True)
    class Span:
        first: int
        def __post_init__(self):
            object.__setattr__(self, "first", self.first + 1)
        @staticmethod
        def of(parts):
            parts.sort()
            return parts
"""


@pytest.mark.parametrize(("source", "says"), IMPURE.values(), ids=list(IMPURE))
def test_what_a_module_names_is_seen_as_what_it_calls(source: str, says: str) -> None:
    found = [what for _, what in read(source, "gonghai_tea")]
    assert any(says in each for each in found), found


def test_what_a_function_makes_for_itself_and_a_cache_of_answers_are_no_state() -> None:
    assert read(dedent(PURE), "gonghai_tea") == []


def test_a_module_that_is_loaded_is_read_with_the_place_of_each_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"module_{uuid4().hex}"
    (tmp_path / f"{name}.py").write_text("\nREAD = open\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert impurities(name) == []
    import_module(name)
    try:
        assert impurities(name) == [f"calls open() ({name}:2)"]
    finally:
        sys.modules.pop(name)
