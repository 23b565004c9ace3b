"""Which facts tell a field that a pool hides, and what of a decision is left out with them."""

from __future__ import annotations

import pytest

from gonghai.archive.v1 import customer_pb2
from gonghai_engine import DecisionRequest, Engine, Explanation, Policy
from gonghai_plugin import INT64, Attribute, Rule, Text, derived, first_hit, otherwise
from gonghai_plugin import host_facts as host
from gonghai_plugin.facts import Area, Host
from gonghai_plugin.outcomes import Stage
from gonghai_plugin.plugin import Plugin, Settings
from gonghai_plugin.policies import Lifecycle
from gonghai_policy_service import hidden_fields
from gonghai_policy_service.decisions import decision_message
from gonghai_policy_service.hidden_fields import Concealment, HiddenFields

pytestmark = pytest.mark.requirement("A16", "B2")


def same(text: str) -> Text:
    return Text(text, text)


OUTLETS = Attribute("outlets", INT64, same("outlets"))
PER_OUTLET = derived("per_outlet", INT64, same("x"), host.AMOUNT_90D // OUTLETS.fact)
PLUGIN = Plugin(
    name="standard",
    version="1.0.0",
    sdk="1.0",
    title=same("hiding"),
    settings=Settings,
    attributes=(OUTLETS,),
    facts=(PER_OUTLET,),
    policies=(
        Lifecycle(
            first_hit(
                Rule("rich", PER_OUTLET.at_least(5), Stage("rich", same("r")), same("rich")),
                Rule(
                    "busy",
                    host.FOLLOW_UPS_90D.more_than(host.ORDERS_90D),
                    Stage("busy", same("b")),
                    same("busy"),
                ),
                Rule("many", OUTLETS.fact.at_least(3), Stage("many", same("m")), same("many")),
                Rule("vip", host.TAGS.has("vip"), Stage("vip", same("v")), same("vip")),
                otherwise(Stage("none", same("n")), same("none")),
            )
        ),
    ),
)
FACTS = {"outlets": 4, "amount_90d": 4, "follow_ups_90d": 1, "orders_90d": 1, "tags": {"vip"}}


@pytest.mark.parametrize(
    ("hidden", "left", "plain"),
    [
        ({"tags"}, {"rich", "busy", "many"}, False),
        ({"attributes.outlets"}, {"busy", "vip"}, False),
        ({"attributes"}, {"busy", "vip"}, False),
        ({"metrics.amount_365d"}, {"many", "vip"}, False),
        ({"buys_often"}, {"many", "vip"}, False),
        ({"contacts", "addresses.street"}, {"rich", "busy", "many", "vip"}, True),
        ({"region", "tier"}, {"rich", "busy", "many", "vip"}, True),
    ],
)
def test_what_tells_a_hidden_field_is_left_out_with_what_is_worked_out_of_it(
    hidden: set[str],
    left: set[str],
    plain: bool,  # noqa: FBT001 - what is asked for
) -> None:
    engine = Engine({"standard": PLUGIN})
    question = DecisionRequest("acme", "", Policy.LIFECYCLE, FACTS, 0)
    explained = engine.explain_now(question)
    assert isinstance(explained, Explanation)
    policy = engine.tenant("acme").industry("")
    concealed = Concealment(HiddenFields(frozenset(hidden)), policy)
    assert {one.rule for one in concealed.conditions(explained)} == left
    message = decision_message(explained.decision)
    assert message.reason == "many"
    concealed.mask(message)
    assert (message.reason == "many", message.rule) == (plain, "many")
    assert concealed.explains(explained.decision) is plain
    told = concealed.hidden.telling(policy.resolved[Policy.LIFECYCLE].compiled.facts.values())
    assert told.isdisjoint(message.facts)
    assert bool(told) is not plain
    message.plugin_version = "0.9.0"
    concealed.mask(message)
    assert bool(message.facts) is not concealed.hidden.decided_on


def test_facts_tell_fields_that_there_are() -> None:
    fields = customer_pb2.Customer.DESCRIPTOR.fields_by_name
    for fact, paths in hidden_fields._FIELDS.items():
        assert fact in host.ALL
        for path in paths:
            first, _, rest = path.partition(".")
            assert first in fields, path
            inside = fields[first].message_type
            assert not rest or (inside is not None and rest in inside.fields_by_name), path


def test_every_fact_of_a_customer_tells_a_field() -> None:
    everything = HiddenFields(frozenset(customer_pb2.Customer.DESCRIPTOR.fields_by_name))
    told = everything.telling(host.ALL.values())
    areas = {name: fact.origin.area for name, fact in host.ALL.items() if type(fact.origin) is Host}
    assert areas.keys() == host.ALL.keys()
    assert {name for name, area in areas.items() if area is Area.CUSTOMER} <= told
    assert not {"pool", "held_days", "rep_is_former_owner"} & told
