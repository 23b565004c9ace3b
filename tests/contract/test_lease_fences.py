"""Every step that a worker takes is safe after its replica has lost the lease, and says why."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

SERVICES: Final = Path(__file__).parents[2] / "services"

FENCES: Final = {
    "fence": "the lease's holder and token",
    "cursor": "the cursor, which moves in the same step",
    "rebuild": "the generation of the rebuild",
}
"""Includes that refuse a step of who was overtaken, by what they compare."""

CALLERS: Final = {
    "apply_policy",
    "assign",
    "cancel_reservation",
    "claim",
    "conclude_succession",
    "create",
    "delete_pool",
    "extend",
    "keep",
    "record",
    "release",
    "reserve",
    "transfer",
    "update",
    "write_limits",
    "write_pool",
}
"""Steps of callers alone: any replica takes them, with or without a lease."""

SAFE: Final = {
    # Decided on versions that the step compares.
    "archive/assess": "it compares the customer's version and the policy's revision",
    "assignment/route": "it compares term, facts, roster and loads, and writes one choice a term",
    "assignment/finish_retry": "it compares the versions of roster and loads",
    "policy_service/finish_recompute": "it compares the revision that all was decided by",
    "chassis/finish_rebuild": "it compares the generation of the rebuild",
    # True whoever says it.
    "assignment/settle": "pool's answer stands, and it compares number and id of the call",
    "chassis/complete_intent": "an answer stands, and it compares number and id of the intent",
    "assignment/forget_full": "reps are asked again, which pool answers as before",
    "archive/note_recompute": "a place further back, so that a batch is decided on once more",
    "chassis/begin_rebuild": "anybody may ask for a rebuild; the one before takes no step more",
    "chassis/answer_retry": "it compares the token of the wish for a retry",
    "chassis/ask_retry": "anybody may ask for a retry; whoever holds the lease makes it",
    "chassis/trim_stream": "only by the store's own time and count, the same for everybody",
    # Of the clocks, streams and leases themselves.
    "chassis/read_stream": "anybody who watches moves the promise, by the store's own time",
    "chassis/set_clock": "the virtual clock of dev mode, set by a caller",
    "chassis/take_lease": "it is the lease: it compares holder and token",
    "chassis/register_replica": "a replica speaks for itself",
    "chassis/register_dues": "each replica of dev mode names the same",
    "chassis/touch": "it writes the clock alone",
}
"""Steps without a fence, each with why one who was overtaken does no harm by it."""


def writing() -> dict[str, set[str]]:
    """By `service/step` the includes of each step that writes."""
    found = {}
    for path in SERVICES.glob("*/src/*/**/lua/*.lua"):
        text = path.read_text(encoding="utf-8")
        if "testing" not in path.parts and re.search(r"^-- WRITES$", text, re.MULTILINE):
            service = path.relative_to(SERVICES).parts[0]
            found[f"{service}/{path.stem}"] = set(
                re.findall(r"^-- @include (\w+)$", text, re.MULTILINE)
            )
    return found


STEPS: Final = writing()


@pytest.mark.parametrize("step", sorted(STEPS))
def test_a_step_is_fenced_or_says_why_not(step: str) -> None:
    fenced = STEPS[step] & FENCES.keys()
    caller = step.partition("/")[2] in CALLERS
    assert sum((bool(fenced), caller, step in SAFE)) == 1


def test_nothing_is_excused_that_is_not_there() -> None:
    assert SAFE.keys() <= STEPS.keys()
    assert {step.partition("/")[2] for step in STEPS} >= CALLERS


def test_steps_of_callers_are_not_run_by_workers() -> None:
    """What only callers may run is not named where the workers are."""
    named = "|".join(sorted(CALLERS))
    for path in SERVICES.glob("*/src/*/workers/*.py"):
        script = re.search(rf'Script\("[\w.]+", "({named})"', path.read_text(encoding="utf-8"))
        assert script is None, path
