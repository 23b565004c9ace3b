"""What failed is said to whoever reads of it, in English and in Chinese."""

from __future__ import annotations

import re

import pytest

from gonghai_engine import DecisionFailure, FailureCause, Policy


@pytest.mark.parametrize("cause", FailureCause)
def test_each_cause_is_named_in_chinese_before_the_message(cause: FailureCause) -> None:
    failure = DecisionFailure("c1", Policy.RECLAIM, cause, "it broke", "tea", 1, 0)
    assert failure.because.en == "it broke"
    assert re.fullmatch(r"[\u4e00-\u9fff]+（it broke）", failure.because.zh)
