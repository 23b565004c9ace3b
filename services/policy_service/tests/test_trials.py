"""What is tried on many at once, and on whom it could not be decided."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from gonghai_engine import Decision, DecisionFailure, DecisionRequest, Policy
from gonghai_policy_service.trials import Gathered, Paged, Trial
from gonghai_policy_service.undecided import Undecided

from .small_plugin import small_engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_engine.pages import Page

PLAIN = "version: 1\ndefault: {plugin: standard}\n"


def _asked(customer: str, days: object = 40) -> DecisionRequest:
    facts = {"days_since_last_order": days}
    return DecisionRequest("acme", "", Policy.LIFECYCLE, facts, 1, customer)


@dataclass(frozen=True)
class _Counted(Trial):
    """Notes how many requests each page has."""

    pages: list[int] = field(default_factory=list)

    async def page(self, requests: Sequence[DecisionRequest]) -> Page:
        self.pages.append(len(requests))
        return await super().page(requests)


@pytest.fixture
def present() -> _Counted:
    engine = small_engine()
    engine.activate("acme", 1, engine.parse(PLAIN))
    return _Counted("acme", engine.tenant("acme"), engine)


async def test_each_customer_counts_once_by_policy_and_cause(present: _Counted) -> None:
    undecided = Undecided()
    for _ in range(2):
        requests = [_asked(f"c{place}", "long") for place in range(7)]
        answers = await Paged(present).decide([*requests, _asked("c9")])
        undecided.note(answers)
    (message,) = undecided.messages("acme")
    assert (message.policy, message.plugin, message.cause) == ("lifecycle", "standard", "bad_facts")
    assert "days_since_last_order" in message.message
    assert message.customers == 7
    assert list(message.examples) == [f"tenants/acme/customers/c{place}" for place in range(5)]
    assert undecided.messages("acme") == present.undecided.messages("acme")


@pytest.mark.parametrize("trial", [True, False])
async def test_what_fails_on_trial_is_no_failure_that_anybody_lives_by(*, trial: bool) -> None:
    engine = small_engine()
    await engine.put_in_force("acme", 1, engine.parse(PLAIN), trial=trial)
    (failed,) = await engine.decide([_asked("c", "long")])
    assert isinstance(failed, DecisionFailure)
    assert engine.failed.total() == (0 if trial else 1)


async def test_those_who_ask_side_by_side_are_answered_together(present: _Counted) -> None:
    gathered = Gathered(present)
    asked = [[_asked(f"c{place}", place * 30), _asked(f"d{place}")] for place in range(40)]
    answers = await asyncio.gather(*(gathered.decide(requests) for requests in asked))
    assert present.pages == [80]
    for requests, found in zip(asked, answers, strict=True):
        assert [one.subject for one in found] == [one.subject for one in requests]
    rules = [found[0].rule for found in answers if isinstance(found[0], Decision)]
    assert rules == ["otherwise"] * 3 + ["dormant"] * 37
    await gathered.decide(asked[0])
    assert present.pages == [80, 2]


async def test_who_asks_beside_one_that_breaks_down_does_not_wait_for_ever(
    present: _Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_self: object, _requests: object) -> None:
        raise OSError("gone")

    gathered = Gathered(present)
    monkeypatch.setattr(_Counted, "page", broken)
    async with asyncio.timeout(5):
        ends = await asyncio.gather(
            *(gathered.decide([_asked(f"c{place}")]) for place in range(3)), return_exceptions=True
        )
    assert isinstance(ends[0], OSError)
    assert all(isinstance(end, asyncio.CancelledError) for end in ends[1:])
