"""The store's time decides: what a process takes for the time of day is nobody's business.

Row F10 of `make faults` runs replicas whose wall clocks are minutes apart; this is why nothing
happens there.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
READS: Final = {
    "time": {"time", "time_ns", "localtime", "gmtime", "ctime", "clock_gettime"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}
MAY: Final = {
    "chassis/src/gonghai_chassis/ids.py": "ids sort roughly by when they were made",
    "chassis/src/gonghai_chassis/chain/access_log.py": "a line in a log",
    "chassis/src/gonghai_chassis/tokens.py": "a bearer token ends by its issuer's clock",
    "chassis/src/gonghai_chassis/backup/restoration.py": "for a person to read",
}
"""Who may look at the wall clock, and why: no promise hangs on it."""


def wall_clock_reads(tree: ast.AST) -> Iterator[int]:
    """The lines in which a module asks what time of day it is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value
            module = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            names, known = {node.attr}, READS.get(module, set())
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            names, known = {each.name for each in node.names}, READS["time"]
        else:
            continue
        if names & known:
            yield node.lineno


def test_the_services_take_the_time_from_the_store_alone() -> None:
    readers = {
        str(path.relative_to(ROOT / "services"))
        for path in ROOT.glob("services/*/src/**/*.py")
        if any(wall_clock_reads(ast.parse(path.read_text("utf-8"))))
    }
    assert readers == MAY.keys()


def test_scripts_take_it_in_one_place() -> None:
    readers = [
        path.name
        for path in ROOT.glob("services/*/src/**/*.lua")
        if "'TIME'" in path.read_text("utf-8")
    ]
    assert readers == ["clock.lua"]


@pytest.mark.parametrize(
    "source",
    [
        "import time\nnow = time.time()",
        "import time as t\nfrom time import time_ns",
        "import datetime\nnow = datetime.datetime.now(tz)",
        "from datetime import datetime\nclock = datetime.now",
        "from datetime import date\nday = date.today()",
    ],
)
def test_every_way_to_read_it_is_seen(source: str) -> None:
    assert list(wall_clock_reads(ast.parse(source)))


def test_a_clock_that_only_goes_forward_is_none() -> None:
    source = "import time\nfrom time import monotonic\nend = time.monotonic() + 5"
    assert not list(wall_clock_reads(ast.parse(source)))
