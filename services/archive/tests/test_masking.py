"""Who may not read a sensitive field never gets its value, on no way, and nobody does in doubt."""

# ruff: noqa: ANN401 - keyword arguments are fields of whatever message
from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonghai.archive.v1 import activity_pb2, customer_pb2
from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai.assignment.v1 import rep_pb2
from gonghai.pool.v1 import custody_pb2, events_pb2, pool_pb2
from gonghai.type.v1 import decision_pb2, fact_pb2
from gonghai_archive.masking import mask_customer
from gonghai_archive.secrecy import Secrecy, Telling
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.refusals import refused
from gonghai_engine import IndustryPolicy
from gonghai_policy_service.hidden_fields import Concealment, HiddenFields

from .archive import PARENT, Archive, archive, money, name
from .test_activities import REACHED
from .test_customers import full_profile

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from google.protobuf.message import Message

    from gonghai_chassis.store import StoreSettings

SECRETS = (
    "王芳",
    "+8613812345678",
    "13812345678",
    "wang@example.com",
    "wangfang",
    "世纪大道1号",
    "200120",
    "91110000600037341L",
    "poor",
    "talked about autumn",
    "send samples",
    "too late",
)
HIDDEN = ("deliver before six", "xianda")
"""What the pool hides from its members beside that."""


async def furnish(a: Archive, ident: str = "c1") -> None:
    """A customer with something in every sensitive field, and activities with notes."""
    profile = full_profile()
    profile.attributes["credit_note"].CopyFrom(fact_pb2.Value(string_value="poor"))
    await a.stub.CreateCustomer(
        pb.CreateCustomerRequest(parent=PARENT, customer_id=ident, customer=profile)
    )
    for content in (
        {"follow_up": REACHED},
        {
            "feedback": activity_pb2.Feedback(
                kind=activity_pb2.FEEDBACK_KIND_COMPLAINT, text="too late"
            )
        },
    ):
        await a.stub.RecordActivity(
            pb.RecordActivityRequest(
                parent=name(ident),
                activity_id=next(iter(content)).replace("_", "-"),
                activity=activity_pb2.Activity(**content),
            )
        )


async def furnish_alike(a: Archive, ident: str) -> None:
    """A customer with what the pool hides from its members, and no identifier that is taken."""
    await a.create(
        ident,
        special_requirements=HIDDEN[0],
        group=HIDDEN[1],
        contacts=[customer_pb2.Contact(display_name="Ding")],
    )


async def staff(a: Archive) -> None:
    """Wang and Zhao in the east team that Li manages; Qian in the west; a pool of the east team."""
    for rep, team in (("wang", "east"), ("zhao", "east"), ("qian", "west"), ("li", "east")):
        await a.beside.assignment.stream.tell(
            "acme", rep, 1, rep_changed=rep_pb2.Rep(team=f"{PARENT}/teams/{team}", roles=["sales"])
        )
    for team, manager in (("east", "li"), ("west", "sun")):
        await a.beside.assignment.stream.tell(
            "acme", team, 1, team_changed=rep_pb2.Team(managers=[f"{PARENT}/reps/{manager}"])
        )
    await a.beside.pool.pool(
        "acme",
        "sea",
        1,
        members=[pool_pb2.PoolMember(team=f"{PARENT}/teams/east")],
        managers=[pool_pb2.PoolMember(rep=f"{PARENT}/reps/sun")],
        hidden_fields=["special_requirements", "group", "contacts"],
    )


async def heard(a: Archive, ident: str, version: int) -> None:
    """Wait until the archive has heard of a custody."""

    async def known() -> bool:
        return bool((await a.get(ident)).custody.version >= version)

    await eventually(known)


async def every_answer(a: Archive, principal: str) -> Iterator[Message]:
    """What somebody gets of c1 on every way there is to read it."""
    stub = a.as_(principal)
    answers: list[Message] = [
        await stub.GetCustomer(pb.GetCustomerRequest(name=name("c1"))),
        await stub.BatchGetCustomers(
            pb.BatchGetCustomersRequest(parent=PARENT, names=[name("c1")])
        ),
        await stub.ListCustomers(pb.ListCustomersRequest(parent=PARENT)),
        await stub.ListCustomers(pb.ListCustomersRequest(parent=PARENT, order_by="tier desc")),
        await stub.ListActivities(pb.ListActivitiesRequest(parent=name("c1"))),
    ]
    for call, request in (
        (
            stub.UpdateCustomer,
            pb.UpdateCustomerRequest(customer=customer_pb2.Customer(name=name("c1"), source="x")),
        ),
        (stub.EvaluateCustomer, pb.EvaluateCustomerRequest(name=name("c1"))),
        (stub.ListHistory, pb.ListHistoryRequest(parent=name("c1"))),
        (
            stub.RevealFields,
            pb.RevealFieldsRequest(
                name=name("c1"),
                fields=["contacts"],
                reason="curious",
            ),
        ),
    ):
        try:
            answers.append(await call(request))
        except grpc.aio.AioRpcError:
            error = await refused(call(request))
            assert error.reason in {"NOT_ALLOWED", "NOT_IMPLEMENTED"}
            answers.append(error.status)
    return iter(answers)


def leaked(answers: Any, secrets: tuple[str, ...]) -> set[str]:
    raw = b"".join(answer.SerializeToString() for answer in answers)
    return {secret for secret in secrets if secret.encode() in raw}


@pytest.mark.requirement("A16")
async def test_peer_14_who_may_not_read_gets_no_value_on_any_way(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings) as a:
        await furnish(a)
        await staff(a)
        await a.beside.pool.custody("acme", "c1", 1, "IN_POOL", pool="sea")
        await heard(a, "c1", 1)
        in_pool = {
            who: leaked(await every_answer(a, who), SECRETS + HIDDEN)
            for who in ("rep:wang@acme", "rep:qian@acme", "manager:li@acme", "reader:wu@acme")
        }
        manager_of_pool = leaked(await every_answer(a, "manager:sun@acme"), SECRETS + HIDDEN)

        await a.beside.pool.custody("acme", "c1", 2, "HELD", owner="wang", helpers=["qian"])
        await heard(a, "c1", 2)
        others = {
            who: leaked(await every_answer(a, who), SECRETS)
            for who in ("rep:zhao@acme", "manager:sun@acme", "reader:wu@acme")
        }
        entitled = {
            who: leaked(await every_answer(a, who), SECRETS)
            for who in ("rep:wang@acme", "rep:qian@acme", "manager:li@acme", "integrator:erp@acme")
        }
    assert in_pool == {key: set() for key in in_pool}
    assert manager_of_pool == set(SECRETS + HIDDEN)
    assert others == {key: set() for key in others}
    assert entitled == {key: set(SECRETS) for key in entitled}


@pytest.mark.requirement("A16")
async def test_while_custody_is_unknown_a_rep_reads_nothing_sensitive(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings) as a:
        await furnish(a)
        found = leaked(await every_answer(a, "rep:wang@acme"), SECRETS)
        got = await a.as_("rep:wang@acme").GetCustomer(pb.GetCustomerRequest(name=name("c1")))
    assert found == set()
    assert {"contacts.phone", "identifiers.value", "attributes.credit_note"} <= set(
        got.masked_fields
    )
    assert got.contacts[0].phone == "***5678"
    assert got.tier.tier == "D"
    assert not got.tier.decision.reason


@pytest.mark.requirement("A16")
async def test_what_a_pool_hides_stays_hidden_when_another_has_it_or_nobody_knows_who(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings) as a:
        for ident in ("c0", "c1"):
            await furnish_alike(a, ident)
        await staff(a)
        hidden = []
        await a.beside.pool.custody("acme", "c1", 1, "IN_POOL", pool="sea")
        await heard(a, "c1", 1)
        for version, state in ((2, "RESERVED"), (3, "OUT"), (4, "HELD")):
            owner = {"owner": "wang"} if state == "HELD" else {}
            await a.beside.pool.custody("acme", "c1", version, state, pool="sea", **owner)
            await heard(a, "c1", version)
            seen = await a.as_("rep:zhao@acme").GetCustomer(pb.GetCustomerRequest(name=name("c1")))
            hidden.append((seen.special_requirements, seen.group, len(seen.contacts)))
        mine = await a.as_("rep:wang@acme").GetCustomer(pb.GetCustomerRequest(name=name("c1")))
        unknown = await a.as_("rep:zhao@acme").GetCustomer(pb.GetCustomerRequest(name=name("c0")))
    assert hidden == [("", "", 0)] * 3
    assert (mine.special_requirements, mine.group) == HIDDEN
    assert (unknown.special_requirements, unknown.group) == ("", "")


@pytest.mark.requirement("A16")
async def test_a_list_and_a_decision_do_not_tell_what_is_hidden(
    store_settings: StoreSettings,
) -> None:
    def buy(part: str, **what: Any) -> activity_pb2.Activity:
        return activity_pb2.Activity(name=f"{name('c1')}/activities/{part}", **what)

    line = activity_pb2.PurchaseLine(product="crab", quantity_milli=3, amount=money(4_00))
    sent = [
        buy("p1", purchase=activity_pb2.Purchase(amount=money(99_000_00), lines=[line])),
        buy("r1", purchase_return=activity_pb2.PurchaseReturn(amount=money(1), lines=[line])),
        buy(
            "o1",
            opportunity=activity_pb2.Opportunity(
                opportunity="o", state=activity_pb2.OPPORTUNITY_STATE_OPENED, amount=money(7)
            ),
        ),
    ]
    filters = ('tag = "vip"', 'tag != "else"', 'pool = "sea"', 'source = "fair"')
    async with archive(store_settings) as a:
        await a.create("c1", tags=["vip"], source="fair")
        await a.stub.BatchRecordActivities(
            pb.BatchRecordActivitiesRequest(parent=PARENT, activities=sent)
        )
        await staff(a)
        await a.beside.pool.pool(
            "acme",
            "sea",
            2,
            members=[pool_pb2.PoolMember(team=f"{PARENT}/teams/east")],
            managers=[pool_pb2.PoolMember(rep=f"{PARENT}/reps/sun")],
            hidden_fields=["tags", "metrics"],
        )
        await a.beside.pool.custody("acme", "c1", 1, "IN_POOL", pool="sea")
        await heard(a, "c1", 1)
        found = {}
        shown = {}
        for who in ("rep:wang@acme", "rep:qian@acme", "manager:sun@acme", "admin:boss@acme"):
            stub = a.as_(who)
            pages = [
                await stub.ListCustomers(pb.ListCustomersRequest(parent=PARENT, filter=each))
                for each in filters
            ]
            found[who] = [len(page.customers) for page in pages]
            got = await stub.GetCustomer(pb.GetCustomerRequest(name=name("c1")))
            page = await stub.ListActivities(pb.ListActivitiesRequest(parent=name("c1")))
            shown[who] = (
                got.HasField("metrics"),
                bool(got.tier.decision.reason or got.tier.decision.facts),
                bool(got.stage.decision.reason or got.stage.decision.facts),
                b"CNY" in page.SerializeToString(),
                b"crab" in page.SerializeToString(),
            )
            assert got.tier.tier == "key"
            assert len(page.activities) == len(sent)
    assert found == {
        "rep:wang@acme": [0, 0, 1, 1],
        "rep:qian@acme": [0, 0, 0, 1],
        "manager:sun@acme": [1, 1, 1, 1],
        "admin:boss@acme": [1, 1, 1, 1],
    }
    assert shown == {who: (("sun" in who or "boss" in who),) * 5 for who in shown}


@pytest.mark.requirement("A16")
async def test_no_decision_tells_a_tag_or_an_attribute_that_is_hidden(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings) as a:
        await staff(a)
        told = {}
        for ident, hidden in (("c1", []), ("c2", ["attributes.outlets"])):
            await a.create(ident, attributes={"outlets": fact_pb2.Value(int_value=12)})
            await a.beside.pool.pool(
                "acme",
                ident,
                2,
                members=[pool_pb2.PoolMember(team=f"{PARENT}/teams/east")],
                hidden_fields=hidden,
            )
            await a.beside.pool.custody("acme", ident, 1, "IN_POOL", pool=ident)
            await heard(a, ident, 1)
            for who in ("rep:wang@acme", "admin:boss@acme"):
                got = await a.as_(who).GetCustomer(pb.GetCustomerRequest(name=name(ident)))
                assert (got.tier.tier, got.tier.decision.rule) == ("B", "big")
                told[ident, who] = "outlets" in got.tier.decision.facts
    assert told == {one: one != ("c2", "rep:wang@acme") for one in told}


@pytest.mark.requirement("A16")
async def test_a_token_waits_for_the_custody_that_it_names(store_settings: StoreSettings) -> None:
    async with archive(store_settings) as a:
        await furnish(a)
        token = await a.beside.pool.custody("acme", "c1", 1, "HELD", owner="wang")
        wang = a.as_("rep:wang@acme")
        got = await wang.GetCustomer(
            pb.GetCustomerRequest(name=name("c1"), consistency_token=token)
        )
        # A change that never comes: masked at the deadline, though he holds it.
        place = base64.urlsafe_b64decode(token).decode().rpartition(":")[0]
        future = base64.urlsafe_b64encode(f"{place}:99".encode()).decode()
        late = await wang.GetCustomer(
            pb.GetCustomerRequest(name=name("c1"), consistency_token=future),
            timeout=1.0,
        )
        wrong = await refused(
            wang.GetCustomer(pb.GetCustomerRequest(name=name("c1"), consistency_token="nonsense"))
        )
    assert got.contacts[0].phone == "+8613812345678"
    assert (got.custody.state, got.custody.owner) == ("HELD", f"{PARENT}/reps/wang")
    assert late.contacts[0].phone == "***5678"
    assert wrong.code is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.requirement("A16")
async def test_a_released_customer_is_masked_again(store_settings: StoreSettings) -> None:
    async with archive(store_settings) as a:
        await furnish(a)
        await staff(a)
        await a.beside.pool.custody("acme", "c1", 1, "HELD", owner="wang")
        await heard(a, "c1", 1)
        held = leaked(await every_answer(a, "rep:wang@acme"), SECRETS)
        await a.beside.pool.custody("acme", "c1", 2, "IN_POOL", pool="sea")
        await heard(a, "c1", 2)
        released = leaked(await every_answer(a, "rep:wang@acme"), SECRETS + HIDDEN)
    assert held == set(SECRETS)
    assert released == set()


async def test_who_has_a_customer_is_in_doubt_while_pools_word_of_it_is_quarantined(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings) as a:
        await a.create("c1")
        await a.create("c2")
        for customer in ("c1", "c2"):
            await a.beside.pool.custody("acme", customer, 1, "HELD", owner="wang")
        wang = a.as_("rep:wang@acme")

        async def masked(customer: str) -> bool:
            got = await wang.GetCustomer(pb.GetCustomerRequest(name=name(customer)))
            return not got.custody.owner

        await eventually(lambda: _not(masked("c1")))
        # Of a state that this version does not know; the next one waits behind it.
        unknown = custody_pb2.Custody(customer=name("c1"), state=99)  # type: ignore[arg-type]
        told = events_pb2.CustodyChanged(custody=unknown)
        await a.beside.pool.stream.tell("acme", "c1", 2, custody_changed=told)
        await a.beside.pool.custody("acme", "c1", 3, "HELD", owner="wang")
        await a.beside.pool.custody("acme", "c2", 2, "HELD", owner="wang")
        await eventually(lambda: masked("c1"))
        assert not await masked("c2")


async def _not(answer: Awaitable[bool]) -> bool:
    return not await answer


@pytest.mark.requirement("A16")
async def test_owners_are_shown_and_listed_to_those_who_may_know_them(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings) as a:
        await furnish(a)
        await staff(a)
        await a.beside.pool.custody("acme", "c1", 1, "HELD", owner="wang")
        await heard(a, "c1", 1)
        owners = {}
        for who in ("rep:wang@acme", "rep:zhao@acme", "manager:li@acme", "manager:sun@acme"):
            got = await a.as_(who).GetCustomer(pb.GetCustomerRequest(name=name("c1")))
            owners[who] = got.custody.owner
        mine = pb.ListCustomersRequest(parent=PARENT, filter='owner = "wang"')
        listed = {}
        for who in ("admin:boss@acme", "rep:wang@acme", "manager:li@acme"):
            page = await a.as_(who).ListCustomers(mine)
            listed[who] = [each.name for each in page.customers]
        curious = [
            (await refused(a.as_(who).ListCustomers(mine))).code
            for who in ("rep:zhao@acme", "manager:sun@acme", "reader:wu@acme", "reader:wang@acme")
        ]
        # Who reads and sells besides knows of his own, and of nobody else's.
        both = a.as_("rep:zhao@acme;roles=rep,reader")
        own = await both.ListCustomers(
            pb.ListCustomersRequest(parent=PARENT, filter='owner = "zhao"')
        )
        curious.append((await refused(both.ListCustomers(mine))).code)
    assert owners == {
        "rep:wang@acme": f"{PARENT}/reps/wang",
        "rep:zhao@acme": "",
        "manager:li@acme": f"{PARENT}/reps/wang",
        "manager:sun@acme": "",
    }
    assert listed == {key: [name("c1")] for key in listed}
    assert not own.customers
    assert curious == [grpc.StatusCode.PERMISSION_DENIED] * 5


async def test_a_rep_changes_his_own_and_records_for_himself(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings) as a:
        await furnish(a)
        await staff(a)
        await a.beside.pool.custody("acme", "c1", 1, "HELD", owner="wang")
        await heard(a, "c1", 1)
        change = pb.UpdateCustomerRequest(
            customer=customer_pb2.Customer(name=name("c1"), source="fair")
        )
        changed = await a.as_("rep:wang@acme").UpdateCustomer(change)
        other = await refused(a.as_("rep:zhao@acme").UpdateCustomer(change))
        record = pb.RecordFollowUpRequest(parent=name("c1"), follow_up=REACHED)
        made = await a.as_("rep:wang@acme").RecordFollowUp(record)
        not_his = await refused(a.as_("rep:zhao@acme").RecordFollowUp(record))
        record.rep = f"{PARENT}/reps/wang"
        feigned = await refused(a.as_("rep:zhao@acme").RecordFollowUp(record))
        record.rep = f"{PARENT}/reps/wang"
        managed = await a.as_("manager:li@acme").RecordFollowUp(record)
        not_managed = await refused(a.as_("manager:sun@acme").RecordFollowUp(record))
        own = pb.CreateCustomerRequest(
            parent=PARENT,
            customer=customer_pb2.Customer(
                display_name="x", contacts=[customer_pb2.Contact(display_name="Ding")]
            ),
            owner=f"{PARENT}/reps/wang",
        )
        created = await a.as_("rep:wang@acme").CreateCustomer(own)
        for_other = await refused(a.as_("rep:zhao@acme").CreateCustomer(own))
    assert changed.source == "fair"
    assert other.code is grpc.StatusCode.PERMISSION_DENIED
    assert made.rep == f"{PARENT}/reps/wang"
    assert not_his.code is grpc.StatusCode.PERMISSION_DENIED
    assert feigned.code is grpc.StatusCode.PERMISSION_DENIED
    assert managed.rep == f"{PARENT}/reps/wang"
    assert not_managed.code is grpc.StatusCode.PERMISSION_DENIED
    assert created.contacts[0].display_name == "Ding"
    assert for_other.code is grpc.StatusCode.PERMISSION_DENIED


async def test_a_partner_knows_his_own_and_his_pools_alone(store_settings: StoreSettings) -> None:
    async with archive(store_settings) as a:
        for ident in ("c1", "c2", "c3"):
            await a.create(ident)
        await a.beside.pool.pool(
            "acme", "his", 1, members=[pool_pb2.PoolMember(rep=f"{PARENT}/reps/hu")]
        )
        await a.beside.pool.custody("acme", "c1", 1, "HELD", owner="hu")
        await a.beside.pool.custody("acme", "c2", 1, "IN_POOL", pool="his")
        await a.beside.pool.custody("acme", "c3", 1, "HELD", owner="wang")
        await heard(a, "c3", 1)
        hu = a.as_("partner:hu@acme")
        page = await hu.ListCustomers(pb.ListCustomersRequest(parent=PARENT))
        hidden = await refused(hu.GetCustomer(pb.GetCustomerRequest(name=name("c3"))))
        record = await refused(
            hu.RecordFollowUp(pb.RecordFollowUpRequest(parent=name("c3"), follow_up=REACHED))
        )
    assert {each.name for each in page.customers} == {name("c1"), name("c2")}
    assert hidden.code is record.code is grpc.StatusCode.NOT_FOUND


async def test_peer_15_each_item_of_a_batch_is_checked(store_settings: StoreSettings) -> None:
    async with archive(store_settings) as a:
        await furnish(a)
        await staff(a)
        follow_ups = [
            activity_pb2.Activity(
                name=f"{name('c1')}/activities/f{place}",
                follow_up=REACHED,
                rep=f"{PARENT}/reps/{rep}",
            )
            for place, rep in enumerate(("zhao", "wang", "zhao"))
        ]
        answer = await a.as_("rep:zhao@acme").BatchRecordActivities(
            pb.BatchRecordActivitiesRequest(parent=PARENT, activities=follow_ups)
        )
        page = await a.stub.ListActivities(
            pb.ListActivitiesRequest(parent=name("c1"), filter='kind = "follow_up"')
        )
    denied = grpc.StatusCode.PERMISSION_DENIED.value[0]
    assert [each.status.code for each in answer.results] == [0, denied, 0]
    assert f"{name('c1')}/activities/f1" not in {each.name for each in page.activities}


SECRET = st.text("abcdefgh", min_size=9, max_size=9).map(lambda text: f"<{text}>")
WORDS = st.text("xyz", max_size=5)


@st.composite
def customers_with_secrets(draw: st.DrawFn) -> tuple[customer_pb2.Customer, list[str]]:
    """A customer, and every value in it that must not be seen."""
    secrets: list[str] = []

    def secret() -> str:
        secrets.append(draw(SECRET))
        return secrets[-1]

    message = customer_pb2.Customer(display_name=draw(WORDS), source=draw(WORDS))
    for _ in range(draw(st.integers(0, 3))):
        message.contacts.add(
            display_name=secret(), role=draw(WORDS), phone=secret(), email=secret(), wechat=secret()
        )
    for _ in range(draw(st.integers(0, 2))):
        message.addresses.add(city=draw(WORDS), street=secret(), postal_code=secret())
    for _ in range(draw(st.integers(0, 2))):
        message.identifiers.add(kind=customer_pb2.IDENTIFIER_KIND_EMAIL, value=secret())
    if draw(st.booleans()):
        value = secret()
        message.attributes["credit_note"].string_value = value
        version = draw(st.sampled_from(("1", "2")))
        message.tier.decision.MergeFrom(
            decision_pb2.Decision(policy="tiering", plugin="p", plugin_version=version)
        )
        message.tier.decision.reason = f"credit is {value}"
        message.tier.decision.facts["credit_note"].string_value = value
    if draw(st.booleans()):
        message.special_requirements = secret()
        message.tags.append(secret())
        message.custody.pool = secret()
    return message, secrets


@pytest.mark.requirement("A16")
@pytest.mark.parametrize("hidden", ["tier.tier", "tier.rank", "stage.stage", "tier", "stage"])
def test_a_tier_or_stage_that_is_hidden_is_told_by_nothing_beside_it(hidden: str) -> None:
    decision = decision_pb2.Decision(outcome="key", rule="key-amount", reason="a lot in a year")
    message = customer_pb2.Customer(
        tier=customer_pb2.TierAssessment(tier="key", rank=3, value="high", decision=decision),
        stage=customer_pb2.StageAssessment(stage="active", decision=decision),
    )
    mask_customer(
        message,
        Secrecy(frozenset(), {}),
        Concealment(HiddenFields(frozenset({hidden})), IndustryPolicy("", "", None, None)),
    )
    part = hidden.partition(".")[0]
    left = getattr(message, part)
    assert not left.HasField("decision")
    assert not getattr(left, part)
    assert part != "tier" or not left.rank
    assert bool(message.tier.value) == (hidden != "tier")
    other = message.stage if part == "tier" else message.tier
    assert other.decision.outcome == "key"


@pytest.mark.requirement("A16")
@given(drawn=customers_with_secrets())
def test_whatever_the_customer_no_secret_is_left(
    drawn: tuple[customer_pb2.Customer, list[str]],
) -> None:
    message, secrets = drawn
    before = customer_pb2.Customer()
    before.CopyFrom(message)
    hidden = frozenset(
        {"special_requirements", "tags", "custody.pool", "no.such.field", "contacts.role"}
    )
    mask_customer(
        message,
        Secrecy(frozenset({"outlets"}), {"tiering": Telling("p", "1", frozenset({"credit_note"}))}),
        Concealment(HiddenFields(hidden), IndustryPolicy("", "", None, None)),
    )
    raw = message.SerializeToString()
    assert not [secret for secret in secrets if secret.encode() in raw]
    assert (message.display_name, message.source) == (before.display_name, before.source)
    assert [each.city for each in message.addresses] == [each.city for each in before.addresses]
    assert bool(message.masked_fields) == bool(secrets or any(c.role for c in before.contacts))
