"""A sponsor leaves: its second level goes to others, each once, whatever happens meanwhile."""

# ruff: noqa: ANN401 - keyword arguments are fields of whatever message

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonghai.archive.v1 import activity_pb2
from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai.policy.v1 import policy_service_pb2
from gonghai.policy.v1.policy_service_pb2_grpc import PolicyServiceStub
from gonghai.type.v1 import fact_pb2
from gonghai_archive.commands import reparent
from gonghai_archive.commands.deciding import Desk
from gonghai_archive.consistency import RecordsAudit
from gonghai_archive.store import keys
from gonghai_archive.store.customers import CustomerStore
from gonghai_archive.succession import NOBODY_TAKES_OVER, Succession, Successor
from gonghai_chassis.store.failures import StoreUnavailable
from gonghai_chassis.testing.refusals import refused
from gonghai_engine import Engine, Heir
from gonghai_plugin import Plugin, Rule, Text, all_hits, not_, policies
from gonghai_plugin import host_facts as host
from gonghai_plugin import outcomes as declared

from .archive import PARENT, archive, bought, history_of, money, name
from .test_lines import TWO_LEVELS, below, put_below, quiet, two_levels
from .trade_plugin import TRADE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_chassis.store import StoreSettings
    from gonghai_chassis.testing.plugin import OpenStore

    from .archive import Archive

WORKING = not_(host.SOURCE.equals("resting"))


def succeeding() -> Plugin:
    """Two levels; the largest of a member's region takes over, else who is of the house."""
    rules = policies.Succession(
        all_hits(
            Rule(
                "of-its-region",
                WORKING,
                declared.Heir(of_the_same=(host.REGION,), largest=host.AMOUNT_365D),
                Text("{amount_365d} in a year", "近一年{amount_365d}"),
            ),
            Rule(
                "house",
                host.SOURCE.equals("house"),
                declared.Heir(),
                Text("the house takes who is left", "自营承接其余"),
            ),
            otherwise=Text("it takes nobody over", "不承接"),
        )
    )
    return replace(TWO_LEVELS, sdk="1.3", policies=(*TWO_LEVELS.policies, rules))


def successive() -> Engine:
    return Engine({"standard": succeeding()})


async def reparented(
    a: Archive, sponsor: str, *, principal: str = "", **what: Any
) -> list[pb.ReparentCustomersResponse]:
    stub = a.as_(principal) if principal else a.stub
    if "heir" in what:
        what["heir"] = name(what["heir"])
    request = pb.ReparentCustomersRequest(sponsor=name(sponsor), **what)
    return [message async for message in stub.ReparentCustomers(request)]


def moves(messages: Sequence[pb.ReparentCustomersResponse]) -> dict[str, tuple[str, str, str]]:
    """By member: who takes it over, by which rule, and why."""
    return {
        each.customer.rpartition("/")[2]: (
            each.sponsor.rpartition("/")[2],
            each.rule,
            each.reason,
        )
        for message in messages
        for each in message.customers
    }


async def sponsors_of(a: Archive, *idents: str) -> dict[str, str]:
    found = [await a.get(ident) for ident in idents]
    return {each.name.rpartition("/")[2]: each.attributes["sponsor"].string_value for each in found}


async def house_of(a: Archive) -> None:
    """Make a sponsor `gone` of six, and others of two regions."""
    for ident, region, amount, source in (
        ("gone", "east", 9_000_00, ""),
        ("big", "east", 500_00, ""),
        ("also", "east", 500_00, ""),
        ("small", "east", 100_00, ""),
        ("resting", "east", 8_000_00, "resting"),
        ("far", "west", 0, ""),
        ("house", "", 0, "house"),
    ):
        await a.create(ident, region=f"{PARENT}/regions/{region}" if region else "", source=source)
        if amount:
            await a.stub.BatchRecordActivities(
                pb.BatchRecordActivitiesRequest(
                    parent=PARENT, activities=[bought(ident, f"own-{ident}", amount)]
                )
            )
    for ident, region in (("m1", "east"), ("m2", "east"), ("m3", "west"), ("m4", "north")):
        await a.create(
            ident,
            region=f"{PARENT}/regions/{region}",
            attributes=below("gone"),
        )
    await a.create("m5", attributes=below("gone"))
    await a.create("other", region=f"{PARENT}/regions/east", attributes=below("small"))
    await a.stub.BatchRecordActivities(
        pb.BatchRecordActivitiesRequest(
            parent=PARENT, activities=[bought("m1", "o1", 40_00), bought("m2", "o2", 2_00)]
        )
    )


@pytest.mark.requirement("D3")
async def test_each_goes_to_the_heir_that_the_rules_say_and_a_dry_run_says_it_before(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    async with archive(store_settings, engine=successive()) as a:
        await house_of(a)
        tried = await reparented(a, "gone", validate_only=True)
        await quiet(a)
        untouched = await sponsors_of(a, "m1", "m2", "m3", "m4", "m5")
        done = await reparented(a, "gone", request_id="leaves")
        again = await reparented(a, "gone", request_id="leaves")
        await quiet(a)
        after = await sponsors_of(a, "m1", "m2", "m3", "m4", "m5", "other")
        facts = {
            ident: {
                fact: (await a.get(ident)).metrics.facts[f"downline_{fact}"].int_value
                for fact in ("members", "amount_365d", "active_90d")
            }
            for ident in ("gone", "also", "far", "house")
        }
    because = "500.00 in a year"
    expected = {
        # As large as `big`: the smaller id.
        "m1": ("also", "of-its-region", because),
        "m2": ("also", "of-its-region", because),
        "m3": ("far", "of-its-region", "0.00 in a year"),
        "m4": ("house", "house", "the house takes who is left"),
        "m5": ("house", "house", "the house takes who is left"),
    }
    assert moves(tried) == moves(done) == expected
    assert set(untouched.values()) == {"gone"}
    assert (tried[-1].done, tried[-1].moved_count, tried[-1].remaining_count) == (True, 5, 5)
    assert (done[-1].done, done[-1].moved_count, done[-1].remaining_count) == (True, 5, 0)
    assert again == done[-1:]
    assert after == {member: heir for member, (heir, _, _) in expected.items()} | {"other": "small"}
    assert facts == {
        "gone": {"members": 0, "amount_365d": 0, "active_90d": 0},
        "also": {"members": 2, "amount_365d": 42_00, "active_90d": 2},
        "far": {"members": 1, "amount_365d": 0, "active_90d": 0},
        "house": {"members": 2, "amount_365d": 0, "active_90d": 0},
    }
    store = await open_store("archive")
    assert (await RecordsAudit(store)(store.partition("acme"))).findings == []
    index = keys.index(store.partition("acme"), "acme")
    await store.client().zrem(f"{index}:below:also", "m1")
    await store.client().zadd(f"{index}:below:gone", {"m2": 5})
    found = (await RecordsAudit(store)(store.partition("acme"))).findings
    assert [each.partition(" is at ")[0] for each in found] == [
        "acme: index below:also: m1",
        "acme: index below:gone: m2",
    ]
    changes = [entry for _, entry in await history_of(store, "m1") if entry[2] == "reparent"]
    (entry,) = changes
    assert entry[3]["attributes"] == {"sponsor": "gone"}
    assert entry[4]["attributes"] == {"sponsor": "also"}


@pytest.mark.requirement("D3")
async def test_for_whom_no_rule_has_an_heir_has_no_sponsor_then(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings, engine=successive()) as a:
        await a.create("gone", region=f"{PARENT}/regions/east")
        await a.create("m1", region=f"{PARENT}/regions/east", attributes=below("gone"))
        done = await reparented(a, "gone")
        after = await a.get("m1")
    assert moves(done) == {"m1": ("", "", "by the rules nobody takes it over")}
    assert (done[-1].moved_count, done[-1].orphaned_count) == (1, 1)
    assert not after.attributes["sponsor"].string_value


@pytest.mark.requirement("D3")
async def test_a_named_heir_gets_them_all_if_it_can_be_a_sponsor(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings, engine=successive()) as a:
        await house_of(a)
        errors = {
            heir: await refused(_first(a, heir)) for heir in ("gone", "m1", "other", "nobody")
        }
        elsewhere = await refused(
            anext(
                aiter(
                    a.stub.ReparentCustomers(
                        pb.ReparentCustomersRequest(
                            sponsor=name("gone"), heir="tenants/other/customers/big"
                        )
                    )
                )
            )
        )
        denied = await refused(_first(a, "big", principal="manager:li@acme"))
        done = await reparented(a, "gone", heir="resting", request_id="r1")
        reused = await refused(_first(a, "big", request_id="r1"))
        after = await sponsors_of(a, "m1", "m2", "m3", "m4", "m5")
        # Who stands below it later is nothing to a repeat that comes late.
        await put_below(a, "m1", "gone")
        late = await reparented(a, "gone", heir="resting", request_id="r1")
        back = await sponsors_of(a, "m1")
    assert {heir: error.reason for heir, error in errors.items()} == {
        "gone": "INVALID_FIELD",
        "m1": "INVALID_FIELD",
        "other": "INVALID_FIELD",
        "nobody": "RESOURCE_NOT_FOUND",
    }
    assert elsewhere.reason == "INVALID_FIELD"
    assert denied.reason == "NOT_ALLOWED"
    assert reused.reason == "REQUEST_ID_REUSED"
    assert set(moves(done).values()) == {("resting", "", "named as the heir")}
    assert set(after.values()) == {"resting"}
    assert late == done[-1:]
    assert back == {"m1": "gone"}


async def _first(a: Archive, heir: str, **what: Any) -> None:
    await reparented(a, "gone", heir=heir, **what)


@pytest.mark.requirement("D3")
async def test_an_industry_without_rules_asks_for_an_heir(store_settings: StoreSettings) -> None:
    async with archive(store_settings, engine=two_levels()) as a:
        await a.create("gone")
        await a.create("other")
        await a.create("m1", attributes=below("gone"))
        error = await refused(reparented(a, "gone"))
        nobody = await reparented(a, "other")
        named = await reparented(a, "gone", heir="other")
    assert error.reason == "INVALID_FIELD"
    assert "must be named" in error.message
    assert [(each.done, each.moved_count) for each in nobody] == [(True, 0)]
    assert moves(named) == {"m1": ("other", "", "named as the heir")}


@pytest.mark.requirement("D3")
async def test_a_stream_that_breaks_off_is_asked_for_again(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch, open_store: OpenStore
) -> None:
    monkeypatch.setattr(reparent, "AT_ONCE", 2)
    async with archive(store_settings, engine=successive()) as a:
        await house_of(a)
        request = pb.ReparentCustomersRequest(sponsor=name("gone"), request_id="r1")
        call = a.stub.ReparentCustomers(request)
        first = await call.read()
        call.cancel()
        rest = await reparented(a, "gone", request_id="r1")
        after = await sponsors_of(a, "m1", "m2", "m3", "m4", "m5")
    assert first.moved_count == 2
    # What the service did before it heard of the end is not told again, and not done again.
    moved = set(moves([first])) | set(moves(rest))
    assert {"m1", "m2", "m5"} <= moved
    assert not set(moves([first])) & set(moves(rest))
    assert rest[-1].remaining_count == 0
    assert after == {"m1": "also", "m2": "also", "m3": "far", "m4": "house", "m5": "house"}
    store = await open_store("archive")
    for member in after:
        entries = [each for _, each in await history_of(store, member) if each[2] == "reparent"]
        assert len(entries) == 1


@pytest.mark.requirement("D3")
@pytest.mark.parametrize(
    ("fault", "reason"), [("heir", "INVALID_FIELD"), ("store", "STORE_UNAVAILABLE")]
)
async def test_who_was_moved_is_named_before_what_kept_the_others_from_it(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch, fault: str, reason: str
) -> None:
    update = CustomerStore.update
    world: dict[str, Archive] = {}

    async def failing(self: CustomerStore, change: Any, *given: Any, **what: Any) -> Any:
        ident = change.after.id
        if change.after.profile.attributes.get("sponsor") == "big" and world:
            if ident != "m1":
                await went_wrong.wait()
                if fault == "store" and ident != "m5":
                    raise StoreUnavailable("the connection is gone")
            else:
                answer = await update(self, change, *given, **what)
                a = world.popitem()[1]
                if fault == "heir":
                    # So it has nobody below it, and can go below another.
                    await put_below(a, "m1", "small")
                    await put_below(a, "big", "far")
                went_wrong.set()
                return answer
        return await update(self, change, *given, **what)

    async with archive(store_settings, engine=successive()) as a:
        await house_of(a)
        went_wrong = asyncio.Event()
        monkeypatch.setattr(CustomerStore, "update", failing)
        world["a"] = a
        told = aiter(
            a.stub.ReparentCustomers(
                pb.ReparentCustomersRequest(sponsor=name("gone"), heir=name("big"))
            )
        )
        part = await anext(told)
        error = await refused(anext(told))
        monkeypatch.undo()
        after = await sponsors_of(a, "m1", "m2", "m3", "m4", "m5")
        rest = await reparented(a, "gone", heir="also")
    moved = ["m1", "m5"] if fault == "store" else ["m1"]
    assert list(moves([part])) == moved
    assert (part.moved_count, part.failed_count, part.done) == (len(moved), 0, False)
    assert error.reason == reason
    assert {ident for ident, sponsor in after.items() if sponsor == "gone"} == {
        "m1",
        "m2",
        "m3",
        "m4",
        "m5",
    } - set(moved)
    assert rest[-1].remaining_count == 0


@pytest.mark.requirement("D3")
async def test_while_anybody_is_left_it_is_not_remembered_as_done(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = Desk.decide
    world: dict[str, Archive] = {}

    async def meanwhile(self: Desk, *given: Any, **what: Any) -> Any:
        if what["what"] == "reparent" and world:
            # One whose record is older than those that are looked at.
            await put_below(world.popitem()[1], "early", "gone")
        return await decide(self, *given, **what)

    monkeypatch.setattr(Desk, "decide", meanwhile)
    monkeypatch.setattr(reparent, "AT_ONCE", 1)
    async with archive(store_settings, engine=successive()) as a:
        for ident in ("early", "gone", "heir"):
            await a.create(ident)
        for ident in ("m1", "m2"):
            await a.create(ident, attributes=below("gone"))
        world["a"] = a
        passed_over = await reparented(a, "gone", heir="heir", request_id="r1")
        again = await reparented(a, "gone", heir="heir", request_id="r1")
        done = await reparented(a, "gone", heir="heir", request_id="r1")
    assert set(moves(passed_over)) == {"m1", "m2"}
    assert (passed_over[-1].done, passed_over[-1].remaining_count) == (True, 1)
    assert set(moves(again)) == {"early"}
    assert (again[-1].done, again[-1].remaining_count) == (True, 0)
    assert done == again[-1:]


@pytest.mark.requirement("D3")
async def test_broken_off_between_any_two_it_comes_to_the_same(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch, open_store: OpenStore
) -> None:
    update, left = CustomerStore.update, [0]

    async def breaking(self: CustomerStore, *given: Any, **what: Any) -> Any:
        if not left[0]:
            raise StoreUnavailable("the connection is gone")
        left[0] -= 1
        return await update(self, *given, **what)

    monkeypatch.setattr(reparent, "AT_ONCE", 1)
    async with archive(store_settings, engine=successive()) as a:
        await house_of(a)
        monkeypatch.setattr(CustomerStore, "update", breaking)
        for _ in range(4):
            left[0] = 1
            error = await refused(reparented(a, "gone", request_id="r1"))
            assert error.reason == "STORE_UNAVAILABLE"
        left[0] = 1
        *_, done = await reparented(a, "gone", request_id="r1")
        after = await sponsors_of(a, "m1", "m2", "m3", "m4", "m5")
    assert (done.done, done.moved_count, done.remaining_count) == (True, 1, 0)
    assert after == {"m1": "also", "m2": "also", "m3": "far", "m4": "house", "m5": "house"}
    store = await open_store("archive")
    assert (await RecordsAudit(store)(store.partition("acme"))).findings == []
    for member in after:
        entries = [each for _, each in await history_of(store, member) if each[2] == "reparent"]
        assert len(entries) == 1


@pytest.mark.requirement("D3")
async def test_what_others_do_between_a_decision_and_its_step_stands(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = Desk.decide
    world: dict[str, Archive] = {}

    async def meanwhile(self: Desk, *given: Any, **what: Any) -> Any:
        changes = await decide(self, *given, **what)
        if what["what"] == "reparent" and world:
            a = world.popitem()[1]
            await put_below(a, "also", "far")
            await put_below(a, "m2", "small")
        return changes

    monkeypatch.setattr(Desk, "decide", meanwhile)
    async with archive(store_settings, engine=successive()) as a:
        await house_of(a)
        world["a"] = a
        done = await reparented(a, "gone")
        after = await sponsors_of(a, "m1", "m2", "also")
    # The heir can be nobody's any more; who was put elsewhere is not taken from there.
    assert moves(done)["m1"] == ("big", "of-its-region", "500.00 in a year")
    assert "m2" not in moves(done)
    assert after == {"m1": "big", "m2": "small", "also": "far"}


@pytest.mark.requirement("D3")
async def test_while_it_cannot_be_decided_who_takes_over_nobody_is_moved(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with archive(store_settings, engine=successive()) as a:
        await house_of(a)
        taken = CustomerStore.load

        async def broken(self: CustomerStore, *given: Any, **what: Any) -> Any:
            got = await taken(self, *given, **what)
            for customer in got.customers:
                if customer is not None and customer.id == "far":
                    facts: Any = customer.assessment.metrics.facts
                    facts["amount_365d"] = "much"
            return got

        monkeypatch.setattr(CustomerStore, "load", broken)
        error = await refused(reparented(a, "gone"))
        monkeypatch.undo()
        after = await sponsors_of(a, "m1", "m2")
    assert error.reason == "POLICY_UNAVAILABLE"
    assert "amount_365d" in error.message
    assert after == {"m1": "gone", "m2": "gone"}


@pytest.mark.requirement("D3")
async def test_while_the_plugin_is_missing_nobody_is_moved(
    store_settings: StoreSettings,
) -> None:
    both = Engine({"standard": TRADE, "two": replace(succeeding(), name="two")})
    async with archive(store_settings, engine=both) as a:
        await a.apply_policy("version: 1\ndefault: {plugin: two}\n")
        await house_of(a)
        await quiet(a)
    async with archive(store_settings, engine=Engine({"standard": TRADE})) as a:
        by_rule = await refused(reparented(a, "gone"))
        named = await refused(reparented(a, "gone", heir="big"))
        after = await sponsors_of(a, "m1", "m2")
    assert {by_rule.reason, named.reason} == {"POLICY_UNAVAILABLE"}
    assert after == {"m1": "gone", "m2": "gone"}


@pytest.mark.requirement("D3")
async def test_the_rules_are_listed_and_can_be_tried_like_others(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings, engine=successive()) as a:
        stub = a.served.stub(PolicyServiceStub)
        listed = await stub.ListPolicies(
            policy_service_pb2.ListPoliciesRequest(parent=PARENT, page_size=200)
        )
        policy = next(each.name for each in listed.policies if each.name.endswith(".succession"))
        tried = await stub.Evaluate(
            policy_service_pb2.EvaluateRequest(
                name=policy,
                facts={
                    "region": fact_pb2.Value(string_value="east"),
                    "amount_365d": fact_pb2.Value(int_value=500_00),
                    "source": fact_pb2.Value(string_value="house"),
                },
            )
        )
    assert tried.decision.outcome == "of-its-region,house"
    assert tried.decision.rule == "of-its-region"
    assert tried.decision.reason == "500.00 in a year; the house takes who is left"
    assert [each.rule for each in tried.conditions] == ["of-its-region", "house"]


@pytest.mark.requirement("D3")
async def test_orders_and_other_changes_meanwhile_are_kept_and_counted_once(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch, open_store: OpenStore
) -> None:
    monkeypatch.setattr(reparent, "AT_ONCE", 3)
    members = [f"m{number}" for number in range(12)]
    async with archive(store_settings, engine=successive()) as a:
        for ident in ("gone", "heir", "mine"):
            await a.create(ident)
        for ident in members:
            await a.create(ident, attributes=below("gone"))

        async def buys(ident: str) -> None:
            for number in range(3):
                await a.stub.RecordActivity(
                    pb.RecordActivityRequest(
                        parent=name(ident),
                        activity_id=f"{ident}-{number}",
                        activity=activity_pb2.Activity(
                            purchase=activity_pb2.Purchase(amount=money(10))
                        ),
                    )
                )

        async def leaves() -> None:
            while (await reparented(a, "gone", heir="heir"))[-1].remaining_count:
                pass

        await asyncio.gather(
            *(buys(ident) for ident in members),
            *(put_below(a, ident, "mine") for ident in members[::4]),
            leaves(),
            leaves(),
        )
        await quiet(a)
        after = await sponsors_of(a, *members)
        facts = {ident: (await a.get(ident)).metrics.facts for ident in ("gone", "heir", "mine")}
    # Who was put elsewhere by name stays there, whichever came first.
    assert all(after[ident] == "mine" for ident in members[::4])
    count = Counter(after.values())
    assert count["gone"] == 0
    for ident in ("gone", "heir", "mine"):
        assert facts[ident]["downline_members"].int_value == count[ident]
        assert facts[ident]["downline_amount_365d"].int_value == 30 * count[ident]
    store = await open_store("archive")
    assert (await RecordsAudit(store)(store.partition("acme"))).findings == []


PLACES = st.sampled_from((None, "east", "west"))
CANDIDATES = st.dictionaries(
    st.sampled_from("abcdef"),
    st.tuples(PLACES, st.none() | st.integers(-2, 2), st.booleans()),
)


@pytest.mark.requirement("D3")
@given(CANDIDATES, st.sets(st.sampled_from("abcdef")), PLACES)
def test_the_first_rule_with_an_heir_decides_and_of_its_heirs_the_largest(
    candidates: dict[str, tuple[str | None, int | None, bool]], gone: set[str], place: str | None
) -> None:
    why = Text("w", "w")
    succession = Succession(("near", "any"))
    for ident, (region, size, anywhere) in candidates.items():
        ways = []
        if region is not None:
            ways.append(Heir("near", (("region", region),), size, why))
        if anywhere:
            ways.append(Heir("any", (), size, why))
        succession.add(ident, ways)
    for ident in gone:
        succession.drop(ident)

    def best(idents: list[str]) -> str | None:
        def worth(ident: str) -> tuple[bool, int]:
            size = candidates[ident][1]
            return size is not None, size or 0

        most = max(map(worth, idents), default=None)
        return min((each for each in idents if worth(each) == most), default=None)

    there = [ident for ident in candidates if ident not in gone]
    near = best([each for each in there if place is not None and candidates[each][0] == place])
    wide = best([each for each in there if candidates[each][2]])
    expected = NOBODY_TAKES_OVER
    if near is not None:
        expected = Successor(near, "near", why)
    elif wide is not None:
        expected = Successor(wide, "any", why)
    assert succession.of({"region": place}) == expected
