"""An explanation as a person is shown it: how far clocks were made longer, and what was asked."""

from __future__ import annotations

from io import StringIO

from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console

from gonghai.pool.v1.custody_pb2 import CUSTODY_STATE_RESERVED, Clock, Custody, CustodyState
from gonghai.pool.v1.pool_service_pb2 import (
    EXTENSION_STATE_APPROVED,
    EXTENSION_STATE_PENDING,
    ExplainCustodyResponse,
    Extension,
    Obstacle,
)
from gonghai.type.v1.decision_pb2 import Decision
from gonghai_cli.language import Language
from gonghai_cli.subcommands.explain import table_of
from gonghai_cli.words import word


def explanation() -> ExplainCustodyResponse:
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
    return ExplainCustodyResponse(
        custody=Custody(
            customer="tenants/acme/customers/c1",
            state=CUSTODY_STATE_RESERVED,
            clocks=[Clock(clock="no-order", length="45 calendar days", extended="5 calendar days")],
        ),
        reset_by=["purchase"],
        extended_by=["visit"],
        extensions=[by_rule, waiting],
        obstacles=[
            Obstacle(
                reason="COOL_DOWN",
                message="he held it lately",
                until=Timestamp(seconds=2_846_361_600),
            )
        ],
    )


def shown(language: Language) -> str:
    console = Console(file=StringIO(), width=200)
    console.print(table_of(explanation(), "tenants/acme/reps/wang", language))
    assert isinstance(console.file, StringIO)
    rows = [" ".join(line.strip("│ ").split()) for line in console.file.getvalue().splitlines()]
    return "\n".join(rows)


def test_it_tells_what_made_a_clock_longer_and_what_became_of_requests() -> None:
    text = shown(Language.EN)
    for told in (
        "state │ reserved",
        "45 calendar days, 5 calendar days longer by activities",
        "purchase",
        "visit",
        "10 days: approved 7, rule first-request (a first request)",
        "3 days: pending (there is no plugin 'tea')",
        "he held it lately (until 2060-03-13T00:00:00Z)",
    ):
        assert told in text


def test_it_is_laid_out_in_the_readers_language() -> None:
    text = shown(Language.ZH)
    for told in (
        "状态 │ 预留",
        "45 calendar days，因活动延长5 calendar days，到期时间",
        "10天：已批准7天，规则first-request（a first request）",
        "3天：待审批（there is no plugin 'tea'）",
        "可否领取 │ 不可以",
        "he held it lately（至2060-03-13T00:00:00Z）",
    ):
        assert told in text
    assert "owner" not in text


def test_each_state_has_a_name_in_both_languages() -> None:
    for state in CustodyState.keys():  # noqa: SIM118 - no mapping
        key = f"explain_{state.removeprefix('CUSTODY_STATE_').lower()}"
        assert word(key, Language.ZH) != word(key, Language.EN)
