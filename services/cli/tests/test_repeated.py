"""A call whose outcome is unknown is repeated; an answer is an answer."""

from __future__ import annotations

import pytest

from gonghai_chassis.errors import PeerRefused, PeerUnavailable, Reason, Refusal
from gonghai_cli.flow.repeat import repeated


class Answers:
    """Gives one answer after the other."""

    def __init__(self, *answers: object) -> None:
        self.left = list(answers)

    async def __call__(self) -> object:
        answer = self.left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_an_unknown_outcome_is_asked_for_again() -> None:
    answers = Answers(PeerUnavailable("pool"), PeerUnavailable("pool"), "done")
    assert await repeated(answers) == "done"


async def test_contention_is_decided_again() -> None:
    refusal = PeerRefused("pool", Refusal(Reason.CONTENTION, "moved"))
    assert await repeated(Answers(refusal, "done")) == "done"


async def test_a_refusal_is_final() -> None:
    refusal = PeerRefused("pool", Refusal(Reason.COOL_DOWN, "not yet"))
    answers = Answers(refusal, "never")
    with pytest.raises(PeerRefused) as caught:
        await repeated(answers)
    assert caught.value is refusal
    assert answers.left == ["never"]


async def test_patience_ends() -> None:
    with pytest.raises(PeerUnavailable):
        await repeated(Answers(PeerUnavailable("pool"), "never"), patience=-1)
