"""Every script reads before it writes: made to fail at a read, it leaves nothing behind."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from gonghai_chassis.store import Script, records
from gonghai_chassis.store.headers import check_package
from gonghai_chassis.testing.failing_scripts import run_failing_at_each_read

from .archive import archive

if TYPE_CHECKING:
    from gonghai_chassis.store import Partition, StoreSettings
    from gonghai_chassis.testing.plugin import OpenStore

PACKAGE = "gonghai_archive.store"
SCRIPTS = sorted(
    entry.name.removesuffix(".lua")
    for entry in files(PACKAGE).joinpath("lua").iterdir()
    if entry.name.endswith(".lua")
)
READS = {
    "assess": 13,
    "conclude_succession": 3,
    "create": 14,
    "drop_custodies": 5,
    "drop_resources": 4,
    "drop_strays": 5,
    "follow_custody": 5,
    "follow_resource": 4,
    "list_collisions": 7,
    "list_customers": 9,
    "list_statements": 11,
    "list_tenants": 3,
    "load_custody": 5,
    "load_resource": 3,
    "note_recompute": 2,
    "read_customers": 19,
    "read_scorecard": 11,
    "recompute_place": 4,
    "read_statement": 7,
    "recall": 3,
    "record": 15,
    "update": 14,
}
"""At how many reads each is made to fail: all on its longest way."""
ENDS = {"recall": "none"}
"""How the last run ends that does not fail, where that is not `ok`."""
STEP = {
    "from_incarnation": "",
    "from_nonce": "",
    "from_position": 0,
    "incarnation": "life",
    "position": 1,
    "nonce": "n1",
}
ARGS: dict[str, Any] = {
    "fingerprint": "f",
    "tenant": "acme",
    "customer": "c1",
    "body": b"body",
    "revision": 0,
    "index": ["all", "place:2:t/sole/east"],
    "unindex": ["tier:C", "place:1:t/bad/c1"],
    "rank": 10,
    "next_at": 5,
    "entries": [b"entry"],
    "valid_before": None,
    "version": 1,
    "take": ["phone:1"],
    "free": ["phone:2"],
    "event": b"",
    "dry": None,
    "recorded": [{"row": b"row", "event": b""}],
    "ids": ["c1", "c2"],
    "with_activities": True,
    "viewer": "wang",
    "order": "all",
    "within": ["tier:C"],
    "without": ["tag:x"],
    "descending": True,
    "score": 10**16,
    "member": "zz",
    "limit": 10,
    "scan": 10,
    "step": STEP,
    "record": records.pack({"version": 9, "terms": ["owner:wang"], "generation": ""}),
    "terms": ["owner:wang"],
    "upline": {
        "part": {"sponsor": "c2", "last_order": None, "amounts": []},
        "since": 1,
        "strict": False,
    },
    "downline": 0,
    "commissions": {
        "terms": b"terms",
        "entries": [
            {
                "statement": "c2:2060-03",
                "beneficiary": "c2",
                "field": "2060-03:earned",
                "amount": 5,
                "row": b"row",
            }
        ],
        "waits": [{"beneficiary": "c2", "month": 206003, "order": "c1/a1"}],
        "settled": [{"beneficiary": "c2", "month": 206003, "order": "c1/a2"}],
    },
    "after": "-",
    "outcome": {"moved": 1, "orphaned": 0, "failed": 0, "remaining": 0},
    "most": 20,
    "period": "2060-03",
    "month": 206003,
    "start": 0,
    "generation": "g",
    "term": "owner:zhao",
    "id": "sea",
}


def keys_of(script: Script, p: Partition) -> dict[str, str]:
    own = {
        "request": p.request_key("acme", "r"),
        "customer": p.key("customer", "acme", ARGS["customer"]),
        "customers": p.key("customer", "acme"),
        "line": p.key("line", "acme", ARGS["customer"]),
        "lines": p.key("line", "acme"),
        "memberships": p.key("memberships", "acme"),
        "custody": p.key("custody", "acme", "c1"),
        "custodies": p.key("custody", "acme"),
        "index": p.key("index", "acme"),
        "history": p.key("history", "acme", "c1"),
        "due": p.due_key("assessment"),
        "policy": p.key("policy", "acme"),
        "identifiers": p.key("identifiers", "acme"),
        "tenants": p.key("tenants"),
        "cursor": p.cursor_key("nobody"),
        "quarantine": p.quarantine_key("nobody"),
        "quarantined": p.quarantined_key("nobody"),
        "staff_quarantine": p.quarantine_key("nobody"),
        "resources": p.key("pools", "acme"),
        "pools": p.key("pools", "acme"),
        "reps": p.key("reps", "acme"),
        "teams": p.key("teams", "acme"),
        "recompute": p.key("recompute", "acme"),
        "activities": p.key("activities", "acme", "c1"),
        "commissions": p.key("commissions", "acme", "c1"),
        "statement": p.key("statement", "acme", "c1", "2060-03"),
        "statements": p.key("statement", "acme"),
        "commission_sums": p.key("commission-sums", "acme"),
        "undecided": p.key("undecided", "acme"),
    }
    if script.name.endswith(("read_statement", "read_scorecard")):
        own["commission_sums"] = p.key("commission-sums", "acme", "c1")
    if script.name.endswith("read_customers"):
        own["activities"] = p.key("activities", "acme")
    return {name: own[name] for name in script.header.keys if name in own}


def test_the_headers_tell_the_truth() -> None:
    assert check_package(PACKAGE) == []


@pytest.mark.parametrize("verb", SCRIPTS)
async def test_a_script_that_fails_leaves_nothing_behind(
    verb: str, store_settings: StoreSettings, open_store: OpenStore
) -> None:
    async with archive(store_settings) as a:
        await a.create("c1")
        await a.create("c2")
        await a.beside.pool.custody("acme", "c1", 1, "HELD", owner="wang")
    store = await open_store("archive")
    script = Script(PACKAGE, verb)
    p = store.partition("acme")
    args = {name: ARGS[name] for name in script.header.args}
    if verb == "create":
        args["customer"] = "new"
    keys = keys_of(script, p)
    if "generation" in args:
        await store.client(p).hset(keys["cursor"], "rebuilding", args["generation"])
    if verb == "create":
        keys["customer"] = p.key("customer", "acme", "new")
        keys["line"] = p.key("line", "acme", "new")
    if verb == "list_collisions":
        await store.client(p).zadd(f"{keys['index']}:colliding", {"place:2:t/sole/east": 0})
    if verb == "list_statements":
        await store.client(p).hset(f"{keys['commission_sums']}:c1", "2060-03:earned", 5)
    reads = await run_failing_at_each_read(
        store, script, p, keys=keys, args=args, ends=ENDS.get(verb, "ok")
    )
    assert reads == READS[verb]
