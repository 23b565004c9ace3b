"""Each script that writes, made to fail at each of its reads, leaves nothing behind."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from gonghai_chassis.dev_clock import dues_key
from gonghai_chassis.store import Partition, Script, records
from gonghai_chassis.store.scripts import CHASSIS
from gonghai_chassis.testing.counting import Counters
from gonghai_chassis.testing.failing_scripts import run_failing_at_each_read

if TYPE_CHECKING:
    from gonghai_chassis.testing.plugin import OpenStore

HOUR = 3_600_000_000
STEP = {
    "from_incarnation": "",
    "from_position": 0,
    "from_nonce": "",
    "incarnation": "i",
    "position": 1,
    "nonce": "n",
}
TAKE = {"member": "acme/wang", "position": 1, "nonce": "n"}
KEPT = {"member": "acme/wang", "entry": "another"}
LEASE = {"holder": "me", "token": 1}


def cursor(p: Partition) -> dict[str, Any]:
    return {"cursor": p.cursor_key("archive")}


def following(p: Partition) -> dict[str, Any]:
    return {
        **cursor(p),
        "quarantine": p.quarantine_key("archive"),
        "quarantined": p.quarantined_key("archive"),
    }


def asking(p: Partition) -> dict[str, Any]:
    return {"quarantine": p.quarantine_key("archive"), "asked": p.key("asked")}


def dues(p: Partition) -> dict[str, Any]:
    return {"dues": dues_key(p)}


def no_keys(_: Partition) -> dict[str, Any]:
    return {}


CASES: dict[str, tuple[Any, dict[str, Any], int]] = {
    "touch": (no_keys, {}, 2),
    "read_stream": (
        lambda p: {"dues": [p.due_key("count")]},
        {"incarnation": "", "position": 0, "mark": "", "limit": 9, "granularity": 1},
        6,
    ),
    "trim_stream": (no_keys, {"max_length": 1, "older_than": -HOUR, "limit": 9}, 5),
    "store_progress": (following, {"step": STEP, "through": 7}, 4),
    "begin_rebuild": (
        lambda p: {**cursor(p), "asked": p.key("rebuild_asked")},
        {"generation": "g"},
        2,
    ),
    "finish_rebuild": (
        following,
        {
            "generation": "g",
            "incarnation": "i",
            "position": 1,
            "mark": "n",
            "failed": [["acme/li", "an item"]],
        },
        3,
    ),
    "quarantine_event": (following, {"step": STEP, **KEPT, "behind": True}, 5),
    "pass_quarantined": (following, {"step": TAKE}, 4),
    "note_retry": (following, {"step": TAKE, "entry": "another"}, 4),
    "ask_retry": (asking, {"member": "acme/wang"}, 4),
    "answer_retry": (
        lambda p: {"asked": p.key("asked"), "answer": p.key("answer")},
        {"member": "acme/wang", "token": "t", "processed": 1},
        3,
    ),
    "complete_intent": (no_keys, {"seq": 1, "intent_id": "i"}, 3),
    "take_lease": (no_keys, {"holder": "me", "token": 0, "ttl": HOUR}, 3),
    "release_lease": (no_keys, LEASE, 3),
    "register_replica": (
        lambda p: {"replicas": p.key("replicas")},
        {"holder": "me", "ttl": HOUR, "leave": False},
        3,
    ),
    "set_clock": (dues, {"now": None, "frozen": True}, 4),
    "register_dues": (lambda p: {**dues(p), "indexes": [p.due_key("count")]}, {}, 2),
}


@pytest.mark.parametrize("name", CASES)
async def test_a_script_that_fails_leaves_nothing_behind(open_store: OpenStore, name: str) -> None:
    store = await open_store("pool")
    p = store.partition("acme")
    client = store.client(p)
    await Counters(store).count("acme", "a", due_at=HOUR, intent="i")
    await Counters(store).count("acme", "a")
    if name == "finish_rebuild":
        await client.hset(p.cursor_key("archive"), "rebuilding", "g")
    entry = records.pack({"position": 1, "nonce": "n"})
    await client.zadd(p.quarantine_key("archive"), {"acme/wang": 0})
    await client.zadd(p.quarantined_key("archive"), {b"acme/wang\0" + b"0" * 12 + entry: 0})
    await client.hset(p.key("asked"), "acme/wang", "t")
    await client.sadd(dues_key(p), p.due_key("count"))
    if name == "release_lease":
        await client.hset(p.keys.lease, mapping={"holder": "me", "token": "1"})
    keys, args, reads = CASES[name]
    failed = await run_failing_at_each_read(
        store, Script(CHASSIS, name), p, keys=keys(p), args=args
    )
    assert failed == reads


def test_all_scripts_that_write_are_tried() -> None:
    names = {
        entry.name.removesuffix(".lua")
        for entry in files(CHASSIS).joinpath("lua").iterdir()
        if entry.name.endswith(".lua")
    }
    assert {name for name in names if Script(CHASSIS, name).writes} == set(CASES)
