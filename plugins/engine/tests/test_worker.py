"""What a worker and a service say to each other: nothing but data comes of it."""

from __future__ import annotations

import json
import mmap
import pickle
from pathlib import Path

import pytest

from gonghai_engine import Decision, DecisionRequest, Engine, Policy
from gonghai_engine.faults import EngineError
from gonghai_engine.isolation import answers, wire
from gonghai_engine.isolation.worker import Worker
from gonghai_plugin import host_facts

NOW = 1_790_000_000_000_000


class Touch:
    """What a plugin's process might send instead of an answer."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        """Touch it when this is read."""
        return Path.touch, (self.path,)


def test_nothing_that_a_worker_sends_is_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    for body in (pickle.dumps(("ready", Touch(mark))), b"", b"\xff", b"[1, 2]", b"{}", b"[" * 9999):
        with pytest.raises(EngineError, match="nonsense"):
            wire.read_answer(body)
    assert not mark.exists()
    nonsense: tuple[object, ...] = (
        None,
        [],
        [["made"]],
        ["made", {"v": 99}],
        ["made", {}],
        7,
        [[]],
    )
    for data in (*nonsense, {"v": 1}):
        with pytest.raises(EngineError, match="nonsense"):
            answers.decisions([data])
        with pytest.raises(EngineError, match="nonsense"):
            answers.explanation(data)


def test_an_answer_is_only_so_long() -> None:
    assert wire.length(wire.HEADER.pack(wire.LONGEST)) == wire.LONGEST
    with pytest.raises(EngineError):
        wire.length(wire.HEADER.pack(wire.LONGEST + 1))


@pytest.mark.parametrize(
    "facts", [{}, {"days_since_created": 40, "regions": {"east"}}, {"tier": 1}]
)
def test_decisions_and_explanations_come_as_they_were_made(facts: dict[str, object]) -> None:
    engine = Engine.load()
    known = {name: value for name, value in facts.items() if name in host_facts.ALL}
    for plugin in engine.plugins:
        engine.activate(plugin, 1, engine.parse(f"version: 1\ndefault: {{plugin: {plugin}}}\n"))
        asked = [DecisionRequest(plugin, "", policy, known, NOW, "é😀") for policy in Policy]
        made = [engine.decide_now(request) for request in asked]
        assert any(isinstance(each, Decision) for each in made)
        sent = json.loads(json.dumps(answers.of_decisions(made)))
        assert answers.decisions(sent) == made
        for request in asked:
            explained = engine.explain_now(request)
            sent = json.loads(json.dumps(answers.of_explanation(explained)))
            assert answers.explanation(sent) == explained
    engine.close()


def test_a_worker_drops_what_it_is_told_to() -> None:
    worker = Worker("standard", mmap.mmap(-1, wire.PROGRESS.size))
    text = "version: 1\ndefault: {plugin: standard}\n"
    request = DecisionRequest("t", "", Policy.LIFECYCLE, {}, NOW)
    worker.answer(("policy", "t", 7, text))

    def revision() -> int:
        kind, made = wire.read_answer(worker.answer(("decide", [request], 1.0))[wire.HEADER.size :])
        assert kind == "decided"
        return answers.decisions(made)[0].revision

    assert revision() == 7
    worker.answer(("forget", ["t", "stranger"]))
    assert revision() == 0
