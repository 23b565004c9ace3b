"""What a plugin's own code does stays with the plugin: it raises, hangs, crashes, talks nonsense.

Run against real processes, and a real distribution that is installed for the test.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
from plugins.engine.tests.distributions import install, use
from plugins.engine.tests.kept_apart import (
    FEW,
    LEAVES,
    LOOPS,
    MANY,
    MOODY,
    NONSENSE,
    NOW,
    PATIENCE,
    PRINTS,
    RAISES,
    SEGFAULTS,
    Service,
    request,
    short,
)

from gonghai_engine import (
    Decision,
    DecisionFailure,
    DecisionRequest,
    Engine,
    Explanation,
    PluginSelection,
    Policy,
    PolicyDocumentError,
)
from gonghai_engine.isolation.keeping import Isolation
from gonghai_engine.isolation.lane import Limits
from gonghai_engine.isolation.note import DECIDING, LOADING, Note, PluginVersion

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def moody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    install(tmp_path / "site", "moody", MOODY)
    use(monkeypatch, tmp_path / "site")
    service = Service("moody")
    yield service
    await service.engine.stop()


async def test_what_raises_or_gives_nonsense_fails_by_itself(moody: Service) -> None:
    await moody.bind("moody", "t")
    asked = [request(count) for count in (MANY, RAISES, NONSENSE, PRINTS, None, 2**63 - 1)]
    answers = await moody.engine.decide(asked)
    assert [short(answer) for answer in answers] == [
        "many",
        "policy_error",
        "policy_error",
        "otherwise",
        "otherwise",
        "many",
    ]
    raised, gave = (each for each in answers if isinstance(each, DecisionFailure))
    assert raised.message.endswith("fact 'odd': its function raised ValueError")
    assert gave.message.endswith("fact 'odd': its function gave str, no whole number")
    assert moody.engine.failures == {("moody", "tiering", "policy_error"): 2}


@pytest.mark.parametrize(
    ("orders", "cause"),
    [
        (LOOPS, "plugin_hung"),
        (SEGFAULTS, "plugin_crashed"),
    ],
)
async def test_what_hangs_or_crashes_fails_by_itself_and_the_service_goes_on(
    moody: Service, orders: int, cause: str
) -> None:
    await moody.bind("moody", "t")
    assert await moody.ask(MANY) == ["many"]
    pauses = Pauses()
    lifecycle = DecisionRequest("t", "", Policy.LIFECYCLE, {}, NOW)
    answers = await moody.engine.decide([request(MANY), request(orders), request(FEW), lifecycle])
    assert [short(answer) for answer in answers[:3]] == ["many", cause, "otherwise"]
    assert isinstance(answers[3], Decision)
    assert pauses.longest() < PATIENCE
    assert cause in moody.told


class Pauses:
    """Knows for how long at most nothing else could run."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._longest, self._last = 0.0, self._loop.time()
        self._next = self._loop.call_soon(self._tick)

    def longest(self) -> float:
        self._next.cancel()
        return self._longest

    def _tick(self) -> None:
        now = self._loop.time()
        self._longest, self._last = max(self._longest, now - self._last), now
        self._next = self._loop.call_later(0.01, self._tick)


async def test_a_tenant_whose_plugin_hangs_again_and_again_is_put_aside_and_tried_again(
    moody: Service,
) -> None:
    await moody.bind("moody", "t", "u")
    assert await moody.ask(LEAVES, LEAVES, LEAVES, MANY) == [
        *["plugin_crashed"] * 3,
        "plugin_aside",
    ]
    started = moody.told.count("plugin_process_started")
    assert await moody.ask(MANY) == ["plugin_aside"]
    assert moody.told.count("plugin_process_started") == started
    (health,) = (item for item in moody.engine.health() if item.name == "moody")
    assert not health.ok
    assert "put aside for 1 tenant" in health.error
    assert "its process ended with code 3" in health.error
    # Others of the same plugin, and the service, are none the worse.
    assert await moody.ask(MANY, tenant="u") == ["many"]
    assert moody.engine.ready
    moody.clock.now += Limits().aside
    assert await moody.ask(MANY) == ["many"]
    assert all(item.ok for item in moody.engine.health())


async def test_a_caller_who_leaves_does_not_leave_an_answer_to_the_next(moody: Service) -> None:
    await moody.bind("moody", "t")
    assert await moody.ask(FEW) == ["otherwise"]
    for _ in range(3):
        leaving = asyncio.create_task(moody.ask(MANY))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        leaving.cancel()
        assert await moody.ask(FEW) == ["otherwise"]


async def test_it_is_explained_apart_too(moody: Service) -> None:
    await moody.bind("moody", "t")
    explained = await moody.engine.explain(request(MANY))
    assert isinstance(explained, Explanation)
    assert [truth.rule for truth in explained.rules] == ["many", "otherwise"]
    assert explained.decision == (await moody.engine.decide([request(MANY)]))[0]
    hung = await moody.engine.explain(request(LOOPS))
    assert isinstance(hung, DecisionFailure)
    assert hung.cause == "plugin_hung"


async def test_looking_ahead_runs_no_function_of_a_plugin(moody: Service) -> None:
    await moody.bind("moody", "t")
    industry = moody.engine.tenant("t").industry("")
    facts = {"orders_30d": LOOPS}
    assert industry.next_change_days(facts, {"orders_30d": 7}, Policy.TIERING) == 7


async def test_settings_that_are_checked_by_endless_code_are_refused_with_their_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = """
        class Settings_(Settings):
            pad: tuple[str, ...] = Field((), description="pad")
            level: int = Field(1, description="level")

            @field_validator("level")
            @classmethod
            def _think(cls, level):
                while level == 2: pass
                if level == 3: raise ValueError("three is too much")
                return level
    """
    install(tmp_path / "site", "thinker", "from pydantic import Field\n" + dedent(checks))
    use(monkeypatch, tmp_path / "site")
    service = Service("thinker")
    try:
        bound = "version: 1\ndefault: {plugin: standard}\nindustries:\n  x:\n    plugin: thinker\n"
        good = await service.engine.read(f"{bound}    settings: {{level: 1}}\n")
        endless_one = "line 6, industries.x.settings: the plugin can't check them"
        long_list = ", ".join(["ab"] * 14_000)
        for settings, message in (
            ("level: 2", endless_one),
            # What no other document could say of them reaches the plugin's own process as well.
            (r'level: 2, pad: ["\x7f \u0001 \x85"]', endless_one),
            (f"level: 2, pad: [{long_list}]", endless_one),
            ("level: 3", "three is too much"),
        ):
            with pytest.raises(PolicyDocumentError, match=message):
                await service.engine.read(f"{bound}    settings: {{{settings}}}\n")
        # A follower that cannot bind it decides nothing for that industry, and all else.
        endless = type(good)(**{**fields(good), "industries": with_level(good, 2)})
        assert await service.engine.put_in_force("t", 1, endless)
        answers = await service.engine.decide(
            [DecisionRequest("t", industry, Policy.TIERING, {}, NOW) for industry in ("x", "")]
        )
        assert [type(answer) for answer in answers] == [DecisionFailure, Decision]
        assert service.engine.tenant("t").industry("x").missing
    finally:
        await service.engine.stop()


def fields(document: Any) -> dict[str, Any]:  # noqa: ANN401 - a dataclass with slots
    return {name: getattr(document, name) for name in type(document).__slots__}


def with_level(document: Any, level: int) -> dict[str, Any]:  # noqa: ANN401 - as above
    (name,) = document.industries
    return {name: type(document.default)("thinker", {"level": level})}


async def test_a_plugin_s_code_runs_where_integrators_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = """
        imported = os.getpid()
        def moody(orders): return os.getpid()

        class Settings_(Settings):
            @model_validator(mode="after")
            def _think(self):
                with open(SEEN, "a") as seen: print(os.getpid(), file=seen)
                return self
    """
    seen = tmp_path / "seen"
    start = f"from pydantic import model_validator\nSEEN = {str(seen)!r}\n"
    install(tmp_path / "site", "where", start + dedent(source))
    use(monkeypatch, tmp_path / "site")
    service = Service("where")
    try:
        assert sys.modules["where_plugin"].imported == os.getpid()
        seen.unlink()
        document = await service.engine.read("version: 1\ndefault: {plugin: where}\n")
        tried = service.engine.trial_lanes["where"].process
        assert tried is not None
        *first, here = map(int, seen.read_text().split())
        assert (set(first), here) == ({tried.pid}, os.getpid())
        for tenant, trial in (("t", False), ("t/trial-1", True)):
            await service.engine.put_in_force(tenant, 1, document, trial=trial)
            (made,) = await service.engine.decide([request(MANY, tenant)])
            lanes = service.engine.trial_lanes if trial else service.engine.lanes
            process = lanes["where"].process
            assert process is not None
            assert isinstance(made, Decision)
            assert made.facts["odd"] == process.pid != os.getpid()
    finally:
        await service.engine.stop()


def test_what_is_declared_is_decided_in_the_service_s_own_process() -> None:
    engine = Engine.load(isolation=Isolation())
    assert engine.plugins
    assert not engine.lanes


def test_the_process_of_a_plugin_does_not_outlive_the_service(tmp_path: Path) -> None:
    install(tmp_path, "moody", MOODY)
    lines = run(
        tmp_path,
        """
        async def main():
            engine = load("moody")
            await bind(engine, "moody")
            await engine.decide([request(300)])
            print(engine.lanes["moody"]._process._process.pid, flush=True)
            await engine.decide([request(50)])
            print("hanging", flush=True)
            asyncio.get_running_loop().call_later(0.2, os.kill, os.getpid(), signal.SIGKILL)
            await engine.decide([request(LOOPS)])
        """,
        code=-signal.SIGKILL,
    )
    pid = int(lines[0])
    end = time.monotonic() + 10
    while alive(pid) and time.monotonic() < end:
        pass
    assert not alive(pid)


def test_starting_it_forks_no_process_that_has_threads_of_grpc(tmp_path: Path) -> None:
    """The event loop of the services does, and a child of that crashes before it is another."""
    install(tmp_path, "moody", MOODY)
    lines = run(
        tmp_path,
        """
        import uvloop
        forked = []
        note = ctypes.CFUNCTYPE(None)(lambda: forked.append("forked"))
        ctypes.CDLL(None).__register_atfork(note, None, None, None)

        async def main():
            engine = load("moody")
            await bind(engine, "moody")
            (answer,) = await engine.decide([request(300)])
            print(answer.rule, forked)
            await engine.stop()

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
        """,
    )
    assert lines == ["many []"]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


CRASH = "ctypes.string_at(0)"


def breaking(fault: str) -> str:
    """Put a fault where the C code would have one."""
    return f"""
        from gonghai_engine import durable
        from gonghai_engine.isolation import keeping
        keeping.runs_own_code = lambda plugin: False
        def first(self, values):
            {fault or "pass"}
        if {bool(fault)}:
            durable.Network.first = first
        async def main():
            engine = load("plain")
            await bind(engine, "plain")
            print(sorted(engine.lanes), flush=True)
            (answer,) = await engine.decide([request(300)])
            print(answer.rule, flush=True)
            await engine.stop()
    """


def test_a_plugin_on_which_the_rule_engine_ends_the_process_is_kept_apart_by_the_next(
    tmp_path: Path,
) -> None:
    install(tmp_path, "plain", "")
    assert run(tmp_path, breaking(CRASH), code=-signal.SIGSEGV) == ["[]"]
    assert run(tmp_path, breaking("")) == ["['plain']", "many"]
    # An orderly end leaves nothing to be careful about.
    assert run(tmp_path, breaking("")) == ["[]", "many"]


TRIED = """
    from gonghai_engine import durable
    from gonghai_engine.candidates import Candidate
    from gonghai_engine.isolation import keeping
    keeping.runs_own_code = lambda plugin: False
    crash = {crash!r} == "crash"

    def first(self, values):
        ctypes.string_at(0)

    async def main():
        engine = load("plain", pathlib.Path({folder!r}))
        tried = engine.with_candidates([Candidate("plain", "1.0.0")])
        await bind(engine, "plain")
        await bind(tried, "plain")
        print(sorted(engine.lanes), sorted(tried.lanes), flush=True)
        (answer,) = await engine.decide([request(300)])
        print(answer.rule, flush=True)
        if crash:
            durable.Network.first = first
        (answer,) = await tried.decide([request(300)])
        print(answer.rule, flush=True)
        await tried.stop()
        await engine.stop()
"""


def test_a_candidate_on_which_the_process_ends_is_kept_apart_and_not_what_is_installed(
    tmp_path: Path,
) -> None:
    install(tmp_path, "plain", "")
    install(tmp_path / "candidates", "plain", "")
    crashing, sound = (
        TRIED.format(folder=str(tmp_path / "candidates"), crash=crash) for crash in ("crash", "")
    )
    # Of the same version, even: what is installed lived on while the candidate crashed.
    assert run(tmp_path, crashing, code=-signal.SIGSEGV) == ["[] []", "many"]
    assert run(tmp_path, sound) == ["[] ['plain']", "many", "many"]
    assert run(tmp_path, sound) == ["[] []", "many", "many"]


def test_a_candidate_on_which_the_process_ends_when_loaded_is_left_out_until_it_is_another(
    tmp_path: Path,
) -> None:
    install(tmp_path, "plain", "")
    folder = tmp_path / "candidates"
    # Where it is tried first, in a process of its own, nothing is wrong.
    install(folder, "plain", 'import sys\nif sys.argv[0] == "-c": ctypes.string_at(0)\n')
    shown = f"""
        async def main():
            engine = load("plain", pathlib.Path({str(folder)!r}))
            print(sorted(engine.plugins), [item.error for item in engine.candidates])
    """
    assert run(tmp_path, shown, code=-signal.SIGSEGV) == []
    why = "DeclarationError: this service ended while it was being loaded: it stays out until"
    for _ in range(2):
        (line,) = run(tmp_path, shown)
        assert line.startswith(f"['plain', 'standard'] ['{why}")
    shutil.rmtree(folder)
    assert run(tmp_path, shown) == ["['plain', 'standard'] []"]
    install(folder, "plain", "")
    assert run(tmp_path, shown) == ["['plain', 'standard'] ['']"]


def test_who_looks_in_no_folder_for_candidates_suspects_none_any_more(tmp_path: Path) -> None:
    note = Note(tmp_path, "pool")
    with note.loading(TEA_TRIED):
        left = (tmp_path / "pool-0.note").read_bytes()
    note.close()
    (tmp_path / "pool-0.note").write_bytes(left)
    note = Note(tmp_path, "pool")
    assert note.suspects == {TEA_TRIED}
    selection = PluginSelection(allowed=frozenset({"standard"}))
    Engine.load(selection, isolation=Isolation(note=note)).close()
    assert not Note(tmp_path, "pool").suspects


async def test_a_plugin_on_which_a_process_was_killed_by_chance_is_no_suspect_for_ever(
    tmp_path: Path,
) -> None:
    note = Note(tmp_path, "pool")
    version = Engine.load().plugins["standard"].version
    note.found = (DECIDING, PluginVersion("standard", version))
    engine = Engine.load(
        PluginSelection(allowed=frozenset({"standard"})),
        isolation=Isolation(note=note, probation=2),
    )
    for lanes in (["standard"], ["standard"], [], []):
        (made,) = await engine.decide([request(MANY)])
        assert isinstance(made, Decision)
        assert sorted(engine.lanes) == lanes
        # Who looks at its health, from a thread, decides nothing about it.
        assert await asyncio.to_thread(lambda: all(item.ok for item in engine.health()))
        assert sorted(engine.lanes) == lanes
    await engine.stop()


@pytest.mark.parametrize("explain", [False, True])
async def test_what_was_at_work_is_no_suspect_when_the_process_is_killed_later(
    tmp_path: Path, *, explain: bool
) -> None:
    engine = Engine.load(
        PluginSelection(allowed=frozenset({"standard"})),
        isolation=Isolation(note=Note(tmp_path, "pool")),
    )
    if explain:
        assert isinstance(await engine.explain(request(MANY)), Explanation)
    else:
        await engine.decide([request(MANY)])
    (tmp_path / "pool-1.note").write_bytes((tmp_path / "pool-0.note").read_bytes())
    after = Note(tmp_path, "pool")
    assert after.found is None
    after.close()
    await engine.stop()


def test_a_rule_engine_that_never_comes_back_is_ended_by_the_kernel(tmp_path: Path) -> None:
    install(tmp_path, "plain", "")
    assert run(tmp_path, breaking("while True: pass"), code=-signal.SIGVTALRM) == ["[]"]


def test_a_plugin_that_never_finishes_loading_is_left_out(tmp_path: Path) -> None:
    install(tmp_path, "endless", "while True: pass")
    shown = """
        async def main():
            engine = load("endless")
            print([item.error for item in engine.health() if not item.ok], engine.ready)
            print(sorted(engine.plugins))
    """
    assert run(tmp_path, shown) == [
        "['TookTooLong: it took too long, and was stopped'] False",
        "['standard']",
    ]


def test_a_plugin_that_ends_the_process_when_loaded_is_left_out_by_the_next(
    tmp_path: Path,
) -> None:
    install(tmp_path, "deadly", CRASH)
    shown = """
        async def main():
            engine = load("deadly")
            print([item.error for item in engine.health() if not item.ok], sorted(engine.plugins))
    """
    assert run(tmp_path, shown, code=-signal.SIGSEGV) == []
    why = "a process ended while it was being loaded, and so did one that tried again: by SIGSEGV"
    left_out = [f"['DeclarationError: {why}'] ['standard']"]
    # Also by the one after, which finds nothing that ended; until the plugin is mended.
    assert run(tmp_path, shown) == left_out
    assert run(tmp_path, shown) == left_out
    shutil.rmtree(tmp_path / "deadly-1.0.0.dist-info")
    install(tmp_path, "deadly", "")
    assert run(tmp_path, shown) == ["[] ['deadly', 'standard']"]


def test_a_plugin_that_was_being_loaded_when_somebody_killed_the_process_is_loaded_by_the_next(
    tmp_path: Path,
) -> None:
    standard = installed("standard")
    first = Note(tmp_path, "pool")
    with first.loading(standard):
        left = (tmp_path / "pool-0.note").read_bytes()
    first.close()
    (tmp_path / "pool-0.note").write_bytes(left)
    note = Note(tmp_path, "pool")
    assert note.suspects == {standard}
    engine = Engine.load(
        PluginSelection(frozenset({"standard"}), frozenset({"standard"})),
        isolation=Isolation(note=note),
    )
    assert engine.ready
    assert not note.suspects
    engine.close()
    assert not Note(tmp_path, "pool").suspects


def installed(name: str) -> PluginVersion:
    """The version of a plugin, as it is known before it is loaded."""
    (point,) = (each for each in entry_points(group="gonghai") if each.name == name)
    assert point.dist is not None
    return PluginVersion(name, point.dist.version)


TEA = PluginVersion("tea", "1.2.0")
COFFEE = PluginVersion("coffee", "1.0.0 (of the house)")
TEA_TRIED = PluginVersion("tea", "1.3.0", candidate=True)


def test_suspects_are_kept_until_they_are_trusted(tmp_path: Path) -> None:
    for each in (TEA, COFFEE, TEA_TRIED):
        note = Note(tmp_path, "pool")
        with note.loading(each):
            left = (tmp_path / "pool-0.note").read_bytes()
        note.close()
        (tmp_path / "pool-0.note").write_bytes(left)
    for _ in range(2):
        note = Note(tmp_path, "pool")
        assert note.suspects == {TEA, COFFEE, TEA_TRIED}
        note.close()
    note = Note(tmp_path, "pool")
    note.trust(TEA)
    note.close()
    note = Note(tmp_path, "pool")
    assert note.suspects == {COFFEE, TEA_TRIED}
    note.forget_others([TEA], candidates=False)
    note.close()
    assert Note(tmp_path, "pool").suspects == {TEA_TRIED}


def test_a_note_that_says_something_else_is_no_note(tmp_path: Path) -> None:
    (tmp_path / "pool-0.note").write_bytes(
        b"\1loading tea\0".ljust(512, b"\0") + b"\1tea\0other\x1ftea\x1f1\0".ljust(512, b"\0")
    )
    note = Note(tmp_path, "pool")
    assert (note.found, note.suspects) == (None, frozenset())
    note.close()


RUN = f"""
import asyncio, ctypes, os, pathlib, signal, sys
from gonghai_engine import *
from gonghai_engine.isolation.keeping import Isolation
from gonghai_engine.isolation.lane import Limits
from gonghai_engine.isolation.note import Note

LOOPS = {LOOPS}

def load(name, candidates=None):
    note = Note(pathlib.Path(sys.argv[1]), "pool", seconds=0.3)
    selection = PluginSelection(frozenset({{name, "standard"}}), frozenset({{name}}))
    return Engine.load(selection, isolation=Isolation(Limits(), note), candidates=candidates)

async def bind(engine, name):
    document = PolicyDocument.parse("version: 1\\ndefault: {{plugin: " + name + "}}\\n")
    await engine.put_in_force("t", 1, document)

def request(orders):
    return DecisionRequest("t", "", Policy.TIERING, {{"orders_30d": orders}}, {NOW})
"""


def run(folder: Path, source: str, code: int = 0) -> list[str]:
    """Run a process that finds the plugins in a folder. Return the lines it printed."""
    text = f"{RUN}\n{dedent(source)}\nasyncio.run(main())\n"
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", text, str(folder / "notes")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout.splitlines()


def test_a_note_is_whole_or_none_and_belongs_to_one_process(tmp_path: Path) -> None:
    first = Note(tmp_path, "pool")
    first.begin()
    first.at(TEA)
    second = Note(tmp_path, "pool")
    assert second.found is None  # the first is alive
    second.close()
    first.end()
    with first.loading(COFFEE):
        left = (tmp_path / "pool-0.note").read_bytes()
    first.close()
    (tmp_path / "pool-0.note").write_bytes(left)
    third = Note(tmp_path, "pool")
    assert third.found == (LOADING, COFFEE)
    third.begin()
    third.at(TEA_TRIED)
    left = (tmp_path / "pool-0.note").read_bytes()
    third.end()
    third.close()
    (tmp_path / "pool-0.note").write_bytes(left)
    fourth = Note(tmp_path, "pool")
    assert fourth.found == (DECIDING, TEA_TRIED)
    fourth.close()
