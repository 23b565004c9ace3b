"""Rules read like sentences, and stay data."""

from decimal import Decimal

from gonghai_plugin import (
    INT64,
    Text,
    Unit,
    all_,
    any_,
    derived,
    host_facts,
    not_,
    outcomes,
    pick,
    setting,
)
from gonghai_plugin.facts import Host, Motion
from gonghai_plugin.policies import AREAS, Policy


def test_a_condition_is_listed_as_it_was_said() -> None:
    condition = all_(
        host_facts.DAYS_SINCE_LAST_ORDER.at_least(setting("dormant_days")),
        any_(
            host_facts.MEAN_ORDER_INTERVAL_DAYS.more_than(Decimal("7.5")),
            not_(host_facts.TAGS.has("vip")),
        ),
        host_facts.REP_COVERS_REGION.is_false(),
    )
    assert str(condition) == (
        "(days_since_last_order >= settings.dormant_days and "
        "(mean_order_interval_days > 7.5 or not tags has any of {vip}) and "
        "rep_covers_region == no)"
    )


def test_two_declarations_of_the_same_are_equal() -> None:
    def declare() -> object:
        return derived("x", INT64, Text("x", "甲"), host_facts.AMOUNT_90D * 4 - 1)

    assert declare() == declare()


def test_every_host_fact_says_what_it_is_in_both_languages() -> None:
    for name, fact in host_facts.ALL.items():
        assert fact.name == name
        assert fact.about.en
        assert fact.about.zh
        assert getattr(host_facts, name.upper()) is fact


def test_day_counts_are_days_and_windows_are_windows() -> None:
    for name, fact in host_facts.ALL.items():
        assert isinstance(fact.origin, Host)
        if name.startswith("days_since_"):
            assert fact.origin.motion is Motion.DAYS
            assert fact.unit is Unit.DAYS
        if name.endswith(("_30d", "_90d", "_365d")):
            assert fact.origin.motion is Motion.WINDOW


def test_every_policy_says_which_facts_it_may_name() -> None:
    assert set(AREAS) == set(Policy)


def test_a_table_keeps_the_order_it_was_written_in() -> None:
    looked_up = pick(host_facts.REGION, {"b": 1, "a": 2})
    assert looked_up.table == (("b", 1), ("a", 2))
    assert outcomes.Limits().holding_weight == 100
