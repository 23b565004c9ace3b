"""An admission in two stages: one pool first, another one after some days."""

from __future__ import annotations

import pytest
from plugins.engine.tests.rulebooks import WHY, plugin
from pydantic import Field

from gonghai_engine import Decision, DecisionRequest, Engine, Policy
from gonghai_engine import outcomes as decided
from gonghai_engine.faults import DeclarationError
from gonghai_engine.loading import check
from gonghai_engine.records import pack, unpack
from gonghai_plugin import Rule, Settings, all_, first_hit, host_facts, otherwise, pick, setting
from gonghai_plugin.outcomes import Admit
from gonghai_plugin.policies import Admission


class _Stages(Settings):
    first: dict[str, str] = Field({"east": "east-pool"}, description="First pools")
    then: str = Field("public", description="The public pool")
    days: int = Field(7, description="Days in the first pool")


_FIRST = pick(host_facts.SOURCE, setting("first"), otherwise=setting("then"))
_RULES = Admission(
    first_hit(
        Rule(
            "waits-as-long-as-it-was-silent",
            host_facts.SOURCE.equals("fair"),
            Admit("fair", then="public", after_days=host_facts.DAYS_SINCE_FOLLOW_UP),
            WHY,
        ),
        otherwise(Admit(_FIRST, then=setting("then"), after_days=setting("days")), WHY, "first"),
    )
)


async def _admission(source: str, document: str = "", **facts: object) -> decided.Admission:
    engine = Engine({"odd": plugin("odd", _RULES, settings=_Stages)})
    engine.activate("t", 1, engine.parse(f"version: 1\ndefault: {{plugin: odd{document}}}\n"))
    request = DecisionRequest("t", "", Policy.ADMISSION, {"source": source, **facts}, 0)
    (made,) = await engine.decide([request])
    assert isinstance(made, Decision), made
    assert isinstance(made.outcome, decided.Admission)
    assert Decision.from_record(made.to_record()).outcome == made.outcome
    return made.outcome


@pytest.mark.parametrize(
    ("source", "document", "admission"),
    [
        ("east", "", decided.Admission("east-pool", "public", 7)),
        ("east", ", settings: {days: 30}", decided.Admission("east-pool", "public", 30)),
        # After no days at all it goes there at once; and nowhere where no pool is named.
        ("east", ", settings: {days: 0}", decided.Admission("public")),
        ("east", ", settings: {then: ''}", decided.Admission("east-pool")),
        # It is there already.
        ("west", "", decided.Admission("public")),
    ],
)
async def test_one_pool_first_and_then_another(
    source: str, document: str, admission: decided.Admission
) -> None:
    assert await _admission(source, document) == admission


async def test_the_days_may_be_a_fact() -> None:
    outcome = await _admission("fair", days_since_follow_up=3)
    assert outcome == decided.Admission("fair", "public", 3)


def test_an_admission_of_before_there_were_stages_is_read() -> None:
    ((tag, fields),) = pack(decided.Admission("east-pool", "public", 7)).items()
    assert unpack({tag: fields[:1]}) == decided.Admission("east-pool")


@pytest.mark.parametrize("half", [Admit("a", then="b"), Admit("a", after_days=3)])
def test_a_second_pool_and_its_days_go_together(half: Admit) -> None:
    made = plugin("odd", Admission(first_hit(Rule("half", all_(), half, WHY))))
    with pytest.raises(DeclarationError, match=r"'half'.*go together"):
        check(made, "odd")
