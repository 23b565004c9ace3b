"""A sensitive attribute is told by no fact worked out of it, and by no sentence that has it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai.archive.v1 import customer_pb2, events_pb2
from gonghai.type.v1 import fact_pb2
from gonghai_archive.masking import MASK, mask_customer, plain_conditions
from gonghai_archive.secrecy import Secrecy
from gonghai_chassis.events import Cursor, EventStream
from gonghai_engine import DecisionRequest, Engine, Explanation, Policy
from gonghai_plugin import INT64, Attribute, Rule, Text, derived, first_hit, otherwise
from gonghai_plugin import host_facts as host
from gonghai_plugin.outcomes import Admit, Stage, Tier
from gonghai_plugin.policies import Admission, Lifecycle, Tiering
from gonghai_policy_service.hidden_fields import NOTHING_HIDDEN, Concealment

from .archive import PARENT, START, Archive, archive, name
from .trade_plugin import OUTLETS, TRADE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_chassis.store import StoreSettings
    from gonghai_chassis.testing.plugin import OpenStore
    from gonghai_engine import IndustryPolicy
    from gonghai_plugin import Plugin

pytestmark = pytest.mark.requirement("A16")


def _same(text: str) -> Text:
    return Text(text, text)


DEPOSIT = Attribute("deposit", INT64, _same("deposit"), sensitive=True)
TWICE = derived("deposit_twice", INT64, _same("twice"), DEPOSIT.fact * 2)
LEFT = derived("deposit_left", INT64, _same("left"), TWICE - DEPOSIT.fact)

SECRETIVE = dataclasses.replace(
    TRADE,
    attributes=(OUTLETS, DEPOSIT),
    facts=(TWICE, LEFT),
    policies=(
        # The deposit stands in a sentence alone.
        Lifecycle(
            first_hit(
                Rule(
                    "big",
                    OUTLETS.fact.at_least(10),
                    Stage("big", _same("big")),
                    _same("{outlets} outlets, for {deposit}"),
                ),
                otherwise(Stage("small", _same("small")), _same("few outlets")),
            )
        ),
        # No rule names the deposit itself.
        Tiering(
            first_hit(
                Rule(
                    "left",
                    LEFT.at_least(1000),
                    Tier("a", 50, _same("A")),
                    _same("left: {deposit_left}, twice: {deposit_twice}"),
                ),
                Rule("few", OUTLETS.fact.at_least(20), Tier("b", 40, _same("B")), _same("many")),
                otherwise(Tier("c", 10, _same("C")), _same("little so far")),
            )
        ),
        # What no plugin may any more; an older one may have decided so.
        Admission(
            first_hit(
                Rule("known", host.REGIONS.has("east"), Admit("east"), _same("{deposit_twice}")),
                otherwise(Admit("common"), _same("anywhere")),
            )
        ),
        *(each for each in TRADE.policies if each.policy is Policy.RECLAIM),
    ),
)


def _engine(plugin: Plugin = SECRETIVE) -> Engine:
    return Engine({"standard": plugin})


def _industry(engine: Engine) -> IndustryPolicy:
    return engine.tenant("acme").industry("")


async def _furnish(a: Archive) -> None:
    for ident, deposit, outlets in (("c1", 1771, 12), ("c2", 499, 3)):
        await a.create(
            ident,
            region="east",
            attributes={
                "deposit": fact_pb2.Value(int_value=deposit),
                "outlets": fact_pb2.Value(int_value=outlets),
            },
        )


async def _seen(a: Archive, who: str) -> list[customer_pb2.Customer]:
    """Both customers, on each way that there is to read them."""
    stub = a.as_(who)
    names = [name("c1"), name("c2")]
    batch = await stub.BatchGetCustomers(pb.BatchGetCustomersRequest(parent=PARENT, names=names))
    page = await stub.ListCustomers(pb.ListCustomersRequest(parent=PARENT))
    return [
        *[await stub.GetCustomer(pb.GetCustomerRequest(name=each)) for each in names],
        *batch.customers,
        *page.customers,
    ]


def _reasons(customers: Sequence[customer_pb2.Customer]) -> set[str]:
    return {
        decision.reason
        for each in customers
        for decision in (each.tier.decision, each.stage.decision)
    }


async def test_who_may_not_read_it_gets_neither_facts_of_it_nor_a_sentence(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings, engine=_engine()) as a:
        await _furnish(a)
        masked = await _seen(a, "rep:wang@acme")
        whole = await _seen(a, "admin:boss@acme")
    assert len(masked) == len(whole) == 6
    assert {each.attributes["deposit"].string_value for each in masked} == {MASK}
    assert _reasons(masked) == {""}
    assert _reasons(whole) == {
        "left: 1771, twice: 3542",
        "12 outlets, for 1771",
        "little so far",
        "few outlets",
    }
    for each in masked:
        # What is not sensitive is shown as before.
        assert set(each.tier.decision.facts) == {"outlets"} == set(each.stage.decision.facts)
        assert each.tier.tier in {"a", "c"}
        assert each.tier.decision.rule
    assert {"deposit_left", "outlets"} <= set(whole[0].tier.decision.facts)


async def test_no_other_service_is_told_a_reason_that_has_it(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    async with archive(store_settings, engine=_engine()) as a:
        await _furnish(a)
    store = await open_store("archive")
    batch = await EventStream(store).read(store.partition("acme"), Cursor.START, limit=100)
    told = [
        events_pb2.CustomerFacts.FromString(event.payload)
        for event in batch.events
        if event.kind == "customer_changed"
    ]
    assert [(each.admission_rule, each.admission_reason) for each in told] == [("known", "")] * 2
    assert not [each for each in told if {"deposit", "deposit_twice"} & set(each.facts)]


def test_no_condition_is_told_that_compares_what_is_worked_out_of_it() -> None:
    engine = _engine()
    facts = {"deposit": 1771, "outlets": 12}
    explained = engine.explain_now(DecisionRequest("acme", "", Policy.TIERING, facts, START))
    assert isinstance(explained, Explanation)
    industry = _industry(engine)
    concealed = Concealment(NOTHING_HIDDEN, industry)
    plain = plain_conditions(explained, Secrecy.of(industry), concealed)
    assert [(each.rule, list(each.facts)) for each in plain] == [("few", ["outlets"])]
    assert not plain_conditions(explained, Secrecy(), concealed)


@pytest.mark.parametrize(
    ("version", "shown"), [(TRADE.version, True), ("0.9.0", False)], ids=["present", "older"]
)
def test_what_another_version_decided_is_not_known_to_be_plain(version: str, shown: bool) -> None:  # noqa: FBT001 - what is asked for
    message = customer_pb2.Customer()
    message.attributes["outlets"].int_value = 12
    message.attributes["undeclared"].int_value = 499
    decision = message.tier.decision
    decision.policy, decision.plugin, decision.plugin_version = "tiering", "standard", version
    decision.reason = "12 outlets"
    decision.facts["outlets"].int_value = 12
    plain = dataclasses.replace(SECRETIVE, attributes=(OUTLETS,), facts=(), policies=_PLAIN)
    industry = _industry(_engine(plain))
    mask_customer(message, Secrecy.of(industry), Concealment(NOTHING_HIDDEN, industry))
    assert (bool(decision.reason), bool(decision.facts)) == (shown, shown)
    assert message.attributes["outlets"].int_value == 12
    assert list(message.masked_fields) == ["attributes.undeclared"]


_PLAIN = (
    Tiering(
        first_hit(
            Rule("few", OUTLETS.fact.at_least(20), Tier("b", 40, _same("B")), _same("{outlets}")),
            otherwise(Tier("c", 10, _same("C")), _same("little so far")),
        )
    ),
)
