"""An explanation as a person is shown it: how far clocks were made longer, and what was asked."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from gonghai.pool.v1.custody_pb2 import Clock, Custody
from gonghai.pool.v1.pool_service_pb2 import (
    EXTENSION_STATE_APPROVED,
    EXTENSION_STATE_PENDING,
    ExplainCustodyResponse,
    Extension,
)
from gonghai.type.v1.decision_pb2 import Decision
from gonghai_cli.subcommands.explain import table_of


def test_it_tells_what_made_a_clock_longer_and_what_became_of_requests() -> None:
    by_rule = Extension(
        days=10,
        state=EXTENSION_STATE_APPROVED,
        granted_days=7,
        decision=Decision(rule="first-request"),
        decision_reason="a first request",
    )
    waiting = Extension(
        days=3, state=EXTENSION_STATE_PENDING, waits_because="there is no plugin 'tea'"
    )
    answer = ExplainCustodyResponse(
        custody=Custody(
            customer="tenants/acme/customers/c1",
            clocks=[Clock(clock="no-order", length="45 calendar days", extended="5 calendar days")],
        ),
        reset_by=["purchase"],
        extended_by=["visit"],
        extensions=[by_rule, waiting],
    )
    console = Console(file=StringIO(), width=200)
    console.print(table_of(answer, ""))
    assert isinstance(console.file, StringIO)
    rows = [" ".join(line.strip("│ ").split()) for line in console.file.getvalue().splitlines()]
    text = "\n".join(rows)
    for told in (
        "45 calendar days, 5 calendar days longer by activities",
        "purchase",
        "visit",
        "10 days: approved 7, rule first-request (a first request)",
        "3 days: pending (there is no plugin 'tea')",
    ):
        assert told in text
