"""What the command line says to people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from gonghai_chassis.embedded import free_port
from gonghai_chassis.errors import (
    FieldViolation,
    PreconditionViolation,
    QuotaViolation,
    Reason,
    Refusal,
)
from gonghai_cli.flow.sample import NoSample, sample_maker
from gonghai_cli.language import Language, language_of_environment
from gonghai_cli.main import app
from gonghai_cli.refusals import describe
from gonghai_cli.words import _WORDS, word

if TYPE_CHECKING:
    from pathlib import Path


def test_a_refusal_shows_every_obstacle() -> None:
    refusal = Refusal(
        Reason.COOL_DOWN,
        "you held it lately",
        fields=[FieldViolation("rep", "is wrong")],
        preconditions=[PreconditionViolation(Reason.COOL_DOWN, "c1", "until Monday")],
        quotas=[QuotaViolation("reps/wang:day", "3 claims a day")],
        retry_after=2_500_000,
    )
    assert describe(refusal).plain.splitlines() == [
        "COOL_DOWN  you held it lately",
        "  rep: is wrong",
        "  COOL_DOWN: until Monday",
        "  reps/wang:day: 3 claims a day",
        "  try again in 2.5 s",
    ]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"LANG": "zh_CN.UTF-8"}, Language.ZH),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_US.UTF-8"}, Language.EN),
        ({"LANG": "de_DE.UTF-8"}, Language.EN),
        ({}, Language.EN),
    ],
)
def test_the_language_follows_the_locale(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: Language
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert language_of_environment() is expected


def test_both_languages_have_every_word_with_the_same_figures() -> None:
    for key, (english, chinese) in _WORDS.items():
        assert english.count("{") == chinese.count("{"), key
    assert word("more", Language.ZH, count=3) == "……另有 3 条"


def test_a_plugin_without_a_sample_is_named_with_those_that_have_one() -> None:
    with pytest.raises(NoSample, match="fmcg_distributor"):
        sample_maker("nobody")


def test_an_unreachable_service_is_said_and_tells_by_the_status() -> None:
    nobody = f"127.0.0.1:{free_port()}"
    result = CliRunner().invoke(
        app, ["--archive", nobody, "customer", "get", "tenants/acme/customers/c1"]
    )
    assert result.exit_code == 3
    assert "archive" in result.stderr


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("pools: []", "tenant"),
        ("tenant: acme\npuddles: []", "puddles"),
        ("tenant: acme\npools: [{display_name: East}]", "no id"),
        ("tenant: acme\npools: [{id: east, depth: 3}]", "depth"),
        ("[1, 2]", "mapping"),
        ("tenant: [", "flow"),
    ],
)
def test_a_bad_file_is_refused_before_anything_is_called(
    tmp_path: Path, content: str, complaint: str
) -> None:
    file = tmp_path / "setup.yaml"
    file.write_text(content, "utf-8")
    result = CliRunner().invoke(app, ["apply", "-f", str(file)])
    assert result.exit_code == 2
    assert complaint in result.output
