"""Reasons as they are kept: nothing of either language is lost; what was one text is both."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gonghai_chassis.store import records
from gonghai_plugin import Text
from gonghai_policy_service.reasons import (
    NO_REASON,
    because_record,
    chinese_apart,
    in_language,
    joined,
    reason_record,
    recorded_because,
    recorded_reason,
    told_reason,
    verbatim,
)

sentences = st.text(max_size=20)
reasons = st.builds(Text, sentences, sentences) | sentences.map(verbatim)
said = st.builds(Text, sentences.filter(bool), sentences.filter(bool))


@given(reasons)
def test_a_reason_is_kept_in_both_languages(reason: Text) -> None:
    stored = records.unpack(records.pack({"why": reason_record(reason)}))["why"]
    assert recorded_reason(stored) == reason


@given(st.none() | said)
def test_what_failed_is_kept_and_that_nothing_did(why: Text | None) -> None:
    assert recorded_because(because_record(why)) == why


@given(said)
def test_a_message_with_two_fields_tells_both(reason: Text) -> None:
    assert told_reason(reason.en, chinese_apart(reason)) == reason


def test_what_an_earlier_build_kept_is_for_all_readers() -> None:
    old = recorded_reason("no interest")
    assert [in_language(old, language) for language in ("en", "zh")] == ["no interest"] * 2
    assert recorded_because("") is None


def test_a_persons_words_take_the_room_of_one_text() -> None:
    assert reason_record(verbatim("不要了")) == "不要了"
    assert reason_record(NO_REASON) == ""


def test_our_words_go_before_a_reason_or_stand_alone() -> None:
    reason = Text("in the east", "在华东")
    assert joined("after 3 days", "满3天", reason) == Text(
        "after 3 days: in the east", "满3天：在华东"
    )
    assert joined("after 3 days", "满3天", NO_REASON) == Text("after 3 days", "满3天")
