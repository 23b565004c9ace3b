"""A rule that can't work is refused when it is compiled, by name."""

from __future__ import annotations

import dataclasses
import json

import durable_rules_engine
import pytest
from plugins.engine.tests.rulebooks import WHY, SomeSettings, lifecycle, plugin, stage
from pydantic import Field

from gonghai_engine import durable
from gonghai_engine.alternatives import alternatives
from gonghai_engine.bound import bind, evaluate
from gonghai_engine.compiled import CompiledPolicy
from gonghai_engine.durable import Network, Place
from gonghai_engine.faults import DeclarationError, EngineError
from gonghai_engine.loading import check
from gonghai_plugin import (
    INT64,
    Attribute,
    Plugin,
    Policy,
    Rule,
    Text,
    all_,
    all_hits,
    any_,
    derived,
    first_hit,
    host_facts,
    otherwise,
    setting,
)
from gonghai_plugin.conditions import Compare, Condition, Operator
from gonghai_plugin.outcomes import Admit, Limits, Need, Plan, Qualify, Stage, Tier
from gonghai_plugin.policies import (
    Admission,
    AnyPolicy,
    Claim,
    Lifecycle,
    Matching,
    Qualification,
    Reclaim,
    Tiering,
)

ORDERS = host_facts.ORDERS_365D


class SettingsWithPlaces(SomeSettings):
    places: dict[str, str] = Field(default={}, description="a pool by region")


def _refused(made: Plugin) -> str:
    with pytest.raises(DeclarationError) as error:
        check(made, made.name)
    return str(error.value)


def _rule(condition: Condition, name: str = "suspect") -> Rule[Stage]:
    return Rule(name, condition, stage(name), WHY)


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        (all_(ORDERS.more_than(5), ORDERS.less_than(5)), "can never hold"),
        (all_(ORDERS.is_missing(), ORDERS.equals(1)), "can never hold"),
        (host_facts.CUSTOMER_TYPE.equals("martian"), "none of the values"),
        (ORDERS.equals("3"), "is a number"),
        (ORDERS.equals(True), "is a number"),  # noqa: FBT003 - what must be refused
        (ORDERS.equals(2**63), "beyond 64 bits"),
        (host_facts.TAGS.equals("x"), "asks for a text"),
        (host_facts.SOURCE.has("x"), "asks for a text_set"),
        (Compare(host_facts.SOURCE, Operator.LESS_THAN, "x"), "knows == and != only"),
        (ORDERS.at_least(setting("nothing.there")), "no setting 'nothing.there'"),
        (ORDERS.at_least(setting("names")), "is a number"),
        (ORDERS.at_least(host_facts.CSAT_90D), "is compared with"),
        (host_facts.REP_SENIORITY.at_least(3), "a fact of claim"),
        (host_facts.TIER.equals("key"), "decided later"),
        (any_(*(ORDERS.equals(i) for i in range(100))), "more than 64 alternatives"),
    ],
)
def test_the_rule_at_fault_is_named(condition: Condition, says: str) -> None:
    message = _refused(plugin("odd", lifecycle(_rule(condition))))
    assert says in message
    assert "lifecycle" in message


def test_a_rule_behind_one_that_always_holds_first_is_unreachable() -> None:
    broad, narrow = _rule(ORDERS.at_least(5), "broad"), _rule(ORDERS.equals(7), "narrow")
    assert "'narrow': it never gets its turn" in _refused(plugin("odd", lifecycle(broad, narrow)))
    check(plugin("odd", lifecycle(narrow, broad)), "odd")


def test_rules_that_contradict_each_other_are_refused_and_both_named() -> None:
    one, other = _rule(ORDERS.equals(7), "one"), _rule(ORDERS.equals(7), "other")
    message = _refused(plugin("odd", lifecycle(one, other)))
    assert "rule 'other': it never gets its turn" in message
    assert "('one')" in message


def test_a_rule_that_several_rules_leave_nothing_is_unreachable() -> None:
    low, high = _rule(ORDERS.less_than(5), "low"), _rule(ORDERS.at_least(5), "high")
    rest = _rule(any_(ORDERS.equals(1), ORDERS.equals(9)), "rest")
    assert "('low', 'high')" in _refused(plugin("odd", lifecycle(low, high, rest)))


def test_a_rule_with_more_tests_than_are_safe_is_named() -> None:
    many = all_(*(ORDERS.differs_from(place) for place in range(2, 60, 2)))
    message = _refused(plugin("odd", lifecycle(_rule(ORDERS.equals(1), "few"), _rule(many))))
    assert "lifecycle, rule 'suspect': it needs" in message
    assert "28 are safe" in message


def test_more_properties_than_one_network_bears_are_parted() -> None:
    facts = tuple(derived(f"made_{place}", INT64, WHY, ORDERS * place) for place in range(1, 301))
    rules = lifecycle(
        *(
            _rule(all_(*(fact.equals(start) for fact in facts[start : start + 10])), f"r{start}")
            for start in range(0, 300, 10)
        )
    )
    made = plugin("odd", rules, facts=facts)
    compiled = CompiledPolicy(rules, made, SomeSettings())
    (table,) = compiled.tables
    for start in (0, 190, 200, 290):
        values = compiled.values({})
        values |= {fact.name: -1 for fact in facts}
        values |= {fact.name: start for fact in facts[start : start + 10]}
        (rule,) = table.decide(values)
        assert rule.name == f"r{start}"
    compiled.close()


def test_properties_whose_hashes_would_be_the_same_get_names_that_differ(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The C code takes names with the same hash for one: here all of one length are.
    monkeypatch.setattr(durable, "_fnv", len)
    rules = [bind(fact.equals(1), SomeSettings(), "") for fact in (ORDERS, host_facts.REFERRALS)]
    places = [Place(i, a) for i, rule in enumerate(rules) for a in alternatives(rule, "")]
    network = Network([*places, Place(len(rules), None)], "test")
    (segment,) = network._segments
    rulebook = json.loads(segment._definition).values()
    names = {name for rule in rulebook for event in rule["all"] for name in event["m"]} - {"t"}
    assert len(names) == len(rules)
    assert len({len(name) for name in names} - set(map(len, durable._RESERVED))) == len(names)
    given = {ORDERS.name: 0, host_facts.REFERRALS.name: 1}
    assert network.first(given) == 1
    assert network.first({name: 1 - value for name, value in given.items()}) == 0
    network.close()


def test_an_answer_about_another_event_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = bind(ORDERS.equals(1), SomeSettings(), "")
    (alternative,) = alternatives(rule, "")
    network = Network([Place(0, alternative), Place(1, None)], "test")
    assert network.first({ORDERS.name: 1}) == 0
    answers = []

    def one_late(handle: object, state: object) -> object:
        answers.append(start(handle, state))
        return answers[-2]

    start = durable_rules_engine.start_action_for_state
    answers.append(None)
    with monkeypatch.context() as late:
        late.setattr(durable_rules_engine, "start_action_for_state", one_late)
        with pytest.raises(EngineError, match="no rule answered"):
            network.first({ORDERS.name: 1})
        with pytest.raises(EngineError, match="about another event"):
            network.first({ORDERS.name: 2})
    # Whatever went wrong, the next one begins anew.
    assert [network.first({ORDERS.name: count}) for count in (1, 2, 1)] == [0, 1, 0]
    network.close()


@pytest.mark.parametrize("name", ["orders_365d - orders_90d", "a.b", "1st", "{x}"])
def test_a_fact_has_a_name_that_sentences_and_rules_can_say(name: str) -> None:
    fact = derived(name, INT64, WHY, ORDERS * 2)
    assert "a name has letters" in _refused(plugin("odd", lifecycle(), facts=(fact,)))


def test_a_table_without_catch_all_is_refused() -> None:
    made = plugin("odd", Lifecycle(first_hit(_rule(ORDERS.equals(1)))))
    assert "catch-all" in _refused(made)


def test_two_rules_of_one_name_are_refused() -> None:
    rules = lifecycle(_rule(ORDERS.equals(1)), _rule(ORDERS.equals(2)))
    assert "this name" in _refused(plugin("odd", rules))


def test_a_sentence_that_names_no_fact_is_refused() -> None:
    rule = Rule("suspect", ORDERS.equals(1), stage("x"), Text("{ordrs}", "{orders_365d}"))
    assert "'ordrs', which is no fact" in _refused(plugin("odd", lifecycle(rule)))


def test_a_derived_fact_has_to_be_listed() -> None:
    fact = derived("twice", INT64, WHY, ORDERS * 2)
    rules = lifecycle(_rule(fact.equals(4)))
    assert "does not declare" in _refused(plugin("odd", rules))
    check(plugin("odd", rules, facts=(fact,)), "odd")


def test_a_fact_may_not_take_a_name_of_the_host() -> None:
    fact = derived("tags", INT64, WHY, ORDERS * 2)
    assert "the name is taken" in _refused(plugin("odd", lifecycle(), facts=(fact,)))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"sdk": "2.0"}, "another major"),
        ({"name": "other"}, "calls itself"),
        ({"absent": frozenset()}, "neither given nor declared absent"),
        ({"absent": frozenset(Policy)}, "given, and declared absent"),
    ],
)
def test_a_plugin_that_contradicts_itself_is_refused(changes: dict[str, object], says: str) -> None:
    made = dataclasses.replace(plugin("odd", lifecycle()), **changes)  # type: ignore[arg-type] # each is one
    with pytest.raises(DeclarationError, match=says):
        check(made, "odd")


def test_a_setting_out_of_place_in_an_outcome_is_named() -> None:
    rules = Admission(first_hit(Rule("all", all_(), Admit(setting("names")), WHY)))
    assert "neither number nor name" in _refused(plugin("odd", rules))


def test_an_empty_list_in_the_settings_turns_a_rule_off() -> None:
    made = plugin("odd", lifecycle(_rule(host_facts.SOURCE.is_one_of(setting("names")))))
    check(made, "odd")
    CompiledPolicy(made.policies[0], made, SomeSettings(names=())).close()


def test_a_table_in_the_settings_stands_for_what_it_leads_to() -> None:
    condition = host_facts.SOURCE.is_one_of(setting("places"))
    bound = bind(condition, SettingsWithPlaces(places={"east": "p1", "west": "p2"}), "here")
    assert [evaluate(bound, {"source": place}) for place in ("p1", "p2", "east", None)] == [
        True,
        True,
        False,
        False,
    ]
    assert not evaluate(bind(condition, SettingsWithPlaces(), "here"), {"source": "p1"})


DEPOSIT = Attribute("deposit", INT64, WHY, sensitive=True)
TWICE = derived("deposit_twice", INT64, WHY, DEPOSIT.fact * 2)
MORE = derived("more_than_deposit_twice", INT64, WHY, ORDERS - TWICE)
TOLD = Text("with {deposit}", "{deposit}")


def _secretive(*policies: AnyPolicy) -> Plugin:
    return plugin("odd", *policies, attributes=(DEPOSIT,), facts=(TWICE, MORE))


def _reclaim(*rules: Rule[Plan], otherwise_stop: Text = WHY) -> Reclaim:
    return Reclaim(
        first_hit(*rules, otherwise(Plan(()), WHY)),
        all_hits(otherwise=otherwise_stop),
    )


_HIDDEN: dict[str, tuple[AnyPolicy, str]] = {
    "admission, by itself": (
        Admission(
            first_hit(
                Rule("rich", DEPOSIT.fact.at_least(1), Admit("a"), WHY),
                otherwise(Admit("b"), WHY),
            )
        ),
        "admission, rule 'rich': it names 'deposit', a sensitive attribute",
    ),
    "reclaim, two steps away": (
        _reclaim(Rule("rich", MORE.at_least(1), Plan(()), WHY)),
        "reclaim plans, rule 'rich': it names 'more_than_deposit_twice', worked out of 'deposit'",
    ),
    "reclaim, in a sentence": (
        _reclaim(Rule("busy", ORDERS.at_least(1), Plan(()), TOLD)),
        "reclaim plans, rule 'busy': it names 'deposit'",
    ),
    "reclaim, in the sentence of no rule": (
        _reclaim(otherwise_stop=TOLD),
        "reclaim stop_clocks, otherwise: it names 'deposit'",
    ),
    "claim, in an outcome": (
        Claim(
            all_hits(otherwise=WHY),
            first_hit(otherwise(Limits(holding_weight=TWICE), WHY)),
        ),
        "claim limits, rule 'otherwise': it names 'deposit_twice', worked out of 'deposit'",
    ),
    "qualification": (
        Qualification(
            first_hit(
                Rule("rich", DEPOSIT.fact.is_known(), Qualify(counts=True), WHY),
                otherwise(Qualify(counts=False), WHY),
            )
        ),
        "qualification, rule 'rich': it names 'deposit'",
    ),
    "matching": (
        Matching(
            first_hit(
                Rule("rich", TWICE.at_least(1), Need(), WHY),
                otherwise(Need(auto_assign=False), WHY),
            )
        ),
        "matching, rule 'rich': it names 'deposit_twice'",
    ),
}


@pytest.mark.requirement("A16")
@pytest.mark.parametrize("what", _HIDDEN)
def test_a_rule_that_would_need_what_its_service_is_not_given_is_refused(what: str) -> None:
    policy, says = _HIDDEN[what]
    assert says in _refused(_secretive(policy))


@pytest.mark.requirement("A16")
def test_what_the_archive_alone_decides_may_read_what_is_sensitive() -> None:
    tiering = Tiering(
        first_hit(
            Rule("rich", MORE.at_least(1), Tier("a", 9, WHY), TOLD),
            otherwise(Tier("b", 1, WHY), WHY),
        )
    )
    seen = lifecycle(Rule("rich", DEPOSIT.fact.at_least(1), stage("rich"), TOLD))
    plain = _reclaim(Rule("rich", host_facts.TIER.equals("a"), Plan(()), WHY))
    made = _secretive(tiering, seen, plain)
    check(made, made.name)
