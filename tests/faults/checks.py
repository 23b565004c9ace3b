"""The checker: does what was answered, heard and read afterwards make one true story?

It works on a record alone. Each law is a function from a `Story` to sentences, one for each place
where the law is broken.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from tests.faults.pulse import Pace
from tests.faults.tenant import DUE_DAYS, FOLLOW_UP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.faults.record import Attempt, Heard, History, State

SLACK: Final = 2.0
"""Seconds that the machine may give after a deadline until the answer has come."""

LATE: Final = 0.5
"""Seconds of the machine by which a caller may wake up late to an answer that came in time."""

ENOUGH: Final = 2.0
"""Seconds of the machine in which whom it does not concern is answered."""

_DAY: Final = 86_400_000_000
_NOT_TOLD: Final = frozenset({"DEADLINE_EXCEEDED", "CANCELLED", "LOST"})
"""What leaves a caller without an answer, and what no published client repeats by itself."""

_CUSTODY: Final = frozenset(
    {"ClaimCustomer", "AssignCustomer", "ReleaseCustomer", "TransferCustomer"}
)
_DEFECTS: Final = frozenset({"INTERNAL", "UNKNOWN", "DATA_LOSS", "UNIMPLEMENTED"})
_TAKES: Final = frozenset(
    {"CLAIMED", "ASSIGNED", "TRANSFERRED", "HANDED_OVER", "SELF_SOURCED", "REVERTED"}
)
_FROM_POOL: Final = frozenset({"CLAIMED", "ASSIGNED"})
_FROM_HOLDER: Final = frozenset({"RELEASED", "RECLAIMED", "TRANSFERRED", "HANDED_OVER", "WARNED"})
_CHANGES: Final = {
    "ClaimCustomer": "CLAIMED",
    "AssignCustomer": "ASSIGNED",
    "ReleaseCustomer": "RELEASED",
    "TransferCustomer": "TRANSFERRED",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with all its sendings.

    Attributes:
        request_id: what binds them.
        attempts: in the order in which they began.
    """

    request_id: str
    attempts: tuple[Attempt, ...]

    @property
    def method(self) -> str:
        """RPC."""
        return self.attempts[0].method

    @property
    def request(self) -> dict[str, str]:
        """What matters of it."""
        return self.attempts[0].request

    @property
    def done(self) -> bool:
        """Whether it was acknowledged."""
        return any(attempt.ok for attempt in self.attempts)

    @property
    def refused(self) -> bool:
        """Whether it was surely not carried out."""
        return not any(attempt.ok or attempt.unknown for attempt in self.attempts)

    @property
    def answer(self) -> dict[str, Any]:
        """The first acknowledgement."""
        return next(attempt.answer for attempt in self.attempts if attempt.ok)

    @property
    def began(self) -> float:
        """The earliest moment at which it can have been carried out."""
        return self.attempts[0].start

    @property
    def ended(self) -> float:
        """The earliest moment at which somebody knew that it was."""
        return min(attempt.end for attempt in self.attempts if attempt.ok)


class Story:
    """What a record says of one tenant."""

    def __init__(self, history: History, tenant: str) -> None:
        """Take one tenant's part of a record."""
        self.tenant = tenant
        self.attempts = [each for each in history.attempts if each.tenant == tenant]
        self.heard = [each for each in history.heard if each.tenant == tenant]
        self._states = [each for each in history.states if each.tenant == tenant]
        self._pace = Pace(history.beats)

    def given(self, start: float, end: float) -> float:
        """Return how many seconds the machine gave in a span of the clock."""
        return self._pace.given(start, end)

    def late(self, attempt: Attempt) -> float:
        """Return how many seconds the machine gave after a deadline until there was an answer."""
        due = attempt.start + attempt.deadline
        return self.given(due, max(due, attempt.end))

    @cached_property
    def asked(self) -> list[Asked]:
        """The mutations."""
        by_id: defaultdict[str, list[Attempt]] = defaultdict(list)
        for attempt in self.attempts:
            if attempt.request_id:
                by_id[attempt.request_id].append(attempt)
        return [
            Asked(request_id, tuple(sorted(attempts, key=lambda each: each.start)))
            for request_id, attempts in by_id.items()
        ]

    @cached_property
    def custody_asked(self) -> dict[str, list[Asked]]:
        """The mutations of custody, by customer."""
        found: defaultdict[str, list[Asked]] = defaultdict(list)
        for asked in self.asked:
            if asked.method in _CUSTODY:
                found[asked.request["customer"]].append(asked)
        return dict(found)

    @cached_property
    def custody_read(self) -> defaultdict[str, list[Attempt]]:
        """The readings of custody that were answered, by customer."""
        found: defaultdict[str, list[Attempt]] = defaultdict(list)
        for attempt in self.attempts:
            if attempt.method == "GetCustody" and attempt.ok:
                found[attempt.request["customer"]].append(attempt)
        return found

    def state(self, kind: str) -> dict[str, Any]:
        """What was read afterwards, by subject."""
        return {each.subject: each.content for each in self._of(kind)}

    def told(self, source: str, *, live: bool = False) -> list[Heard]:
        """The events of a source."""
        return [each for each in self.heard if each.source == source and each.live == live]

    def custody_told(self) -> dict[str, list[Heard]]:
        """The changes of custody by customer, as read from the first event on."""
        found: defaultdict[str, list[Heard]] = defaultdict(list)
        for event in self.told("pool"):
            if event.kind == "custody_changed":
                found[event.subject].append(event)
        return dict(found)

    def _of(self, kind: str) -> Iterator[State]:
        return (each for each in self._states if each.kind == kind)


def no_defects(story: Story) -> Iterator[str]:
    """No call ends in what is a defect of ours."""
    for (method, code, reason), count in Counter(
        (each.method, each.code, each.reason) for each in story.attempts if each.code in _DEFECTS
    ).items():
        yield f"{count} x {method} answered {code} {reason}"


def nothing_hangs(story: Story) -> Iterator[str]:
    """Every sending ends by its deadline."""
    for each in story.attempts:
        if story.late(each) > SLACK:
            yield f"{each.method} {each.request} took {each.end - each.start:.1f} s"


def the_same_answer(story: Story) -> Iterator[str]:
    """A request that was acknowledged gets that answer whenever it is sent again."""
    for asked in story.asked:
        answers = [each.answer for each in asked.attempts if each.ok]
        for answer in answers[1:]:
            if answer != answers[0]:
                yield f"{asked.request_id} {asked.method}: {answers[0]}, and then {answer}"
        if not answers or asked.method == "RouteCustomer":
            # Routing is decided anew: its answer tells a choice, the custody is what counts.
            continue
        for each in asked.attempts:
            if each.start > asked.ended and not (each.ok or each.unknown):
                yield (
                    f"{asked.request_id} {asked.method}: acknowledged, and then {each.code}"
                    f" {each.reason}"
                )


def one_version_each(story: Story) -> Iterator[str]:
    """No two requests are answered with one and the same change."""
    for customer, requests in story.custody_asked.items():
        seen: dict[int, str] = {}
        for asked in requests:
            if not asked.done:
                continue
            version = asked.answer["version"]
            if version in seen:
                yield f"{customer}: {seen[version]} and {asked.request_id} both made {version}"
            seen[version] = asked.request_id


def what_comes_later_is_later(story: Story) -> Iterator[str]:
    """What begins after a change was acknowledged sees it; a change then makes a later version."""
    for customer, requests in story.custody_asked.items():
        known = [(each.ended, each.answer["version"]) for each in requests if each.done]
        for start, version, grows in _told_later(story, customer):
            floor = max((seen for end, seen in known if end < start), default=0)
            if version < floor + grows:
                yield f"{customer}: version {version} after {floor} was acknowledged"


def what_was_read_stays(story: Story) -> Iterator[str]:
    """What begins after somebody read a custody sees no older one."""
    for customer in story.custody_asked:
        known = [(each.end, each.answer["version"]) for each in story.custody_read[customer]]
        for start, version, grows in _told_later(story, customer):
            floor = max((seen for end, seen in known if end < start), default=0)
            if version < floor + grows:
                yield f"{customer}: version {version} after {floor} was read"


def _told_later(story: Story, customer: str) -> Iterator[tuple[float, int, int]]:
    """When somebody began to ask, which version he was told, and by how much it had to grow."""
    for asked in story.custody_asked[customer]:
        if asked.done:
            yield asked.began, asked.answer["version"], 1
    for read in story.custody_read[customer]:
        yield read.start, read.answer["version"], 0


def time_goes_on(story: Story) -> Iterator[str]:
    """What begins after a change was acknowledged, of whomever, was at no earlier moment.

    The moments are those of the histories, whichever replica told them: one tenant has one clock.
    """
    moments = {
        (customer, entry["version"]): entry["time"]
        for customer, entries in story.state("history").items()
        for entry in entries
    }
    changes = [
        (asked, moments[customer, asked.answer["version"]])
        for customer, requests in story.custody_asked.items()
        for asked in requests
        if asked.done and (customer, asked.answer["version"]) in moments
    ]
    before = deque(sorted((asked.ended, moment, asked.request_id) for asked, moment in changes))
    latest, whose = 0, ""
    for asked, moment in sorted(changes, key=lambda change: change[0].began):
        while before and before[0][0] < asked.began:
            _, told, request_id = before.popleft()
            if told > latest:
                latest, whose = told, request_id
        if moment < latest:
            yield f"{asked.request_id} was at {moment}, after {whose} was acknowledged for {latest}"


def no_acknowledged_write_lost(story: Story) -> Iterator[str]:
    """Every acknowledged change stands in the history as it was answered."""
    histories = story.state("history")
    for customer, requests in story.custody_asked.items():
        entries = {entry["version"]: entry for entry in histories.get(customer, [])}
        for asked in requests:
            if not asked.done:
                continue
            answer = asked.answer
            entry = entries.get(answer["version"])
            if entry is None:
                yield f"{customer}: {asked.request_id} made {answer}, of which nothing is left"
            elif any(entry[key] != answer[key] for key in ("change", "state", "holder", "term")):
                yield f"{customer}: {asked.request_id} made {answer}, the history has {entry}"


def no_acknowledged_record_lost(story: Story) -> Iterator[str]:
    """Every customer and activity that was acknowledged is there, once."""
    customers = story.state("customer")
    activities = story.state("activities")
    for asked in story.asked:
        if not asked.done:
            continue
        customer = asked.request.get("customer", "")
        if asked.method == "CreateCustomer" and "owner" not in customers.get(customer, {}):
            yield f"{customer} was created, and is not there: {customers.get(customer)}"
        elif asked.method in {"RecordFollowUp", "RecordPurchase"}:
            found = [each["activity"] for each in activities.get(customer, [])]
            count = found.count(asked.request["activity"])
            if count != 1:
                yield f"{customer}: {asked.request['activity']} recorded, and is there {count} x"


def nothing_invented_and_nothing_twice(story: Story) -> Iterator[str]:
    """Each change has a request that asked for it; each request changes once."""
    histories = story.state("history")
    routed = any(asked.method == "RouteCustomer" for asked in story.asked)
    for customer, entries in histories.items():
        asked_for = story.custody_asked.get(customer, [])
        for method, change in _CHANGES.items():
            made = Counter(
                (entry["holder"] if change != "RELEASED" else "")
                for entry in entries
                if entry["change"] == change
            )
            possible: Counter[str] = Counter()
            certain: Counter[str] = Counter()
            for asked in asked_for:
                if asked.method == method:
                    rep = asked.request.get("rep", "")
                    possible[rep] += not asked.refused
                    certain[rep] += asked.done
            for rep in made.keys() | certain.keys():
                if made[rep] < certain[rep]:
                    yield f"{customer}: {certain[rep]} {method} {rep} done, {made[rep]} there"
                if made[rep] > possible[rep] and not (change == "ASSIGNED" and routed):
                    yield f"{customer}: {possible[rep]} {method} {rep} asked, {made[rep]} there"
    known = Counter(
        each["activity"] for listed in story.state("activities").values() for each in listed
    )
    for activity, count in known.items():
        if count > 1:
            yield f"{activity} is there {count} x"


def one_owner_at_a_time(story: Story) -> Iterator[str]:
    """Versions have no gap; who takes a customer takes it from where it is."""
    custodies = story.state("custody")
    for customer, entries in story.state("history").items():
        versions = [entry["version"] for entry in entries]
        if versions != list(range(1, len(entries) + 1)):
            yield f"{customer}: versions {versions}"
        for before, after in pairwise(entries):
            change, version = after["change"], after["version"]
            if after["former"] != before["holder"]:
                yield f"{customer}: {version} from {after['former']}, not {before['holder']}"
            if change in _FROM_POOL and before["state"] not in {"IN_POOL", "RESERVED"}:
                yield f"{customer}: {version} {change} while {before['state']}"
            if change in _FROM_HOLDER and before["state"] != "HELD":
                yield f"{customer}: {version} {change} while {before['state']}"
            if after["time"] < before["time"] or after["term"] < before["term"]:
                yield f"{customer}: {version} goes back in time or term"
        custody = custodies.get(customer, {})
        if entries and any(
            entries[-1][key] != custody.get(key) for key in ("version", "state", "holder", "term")
        ):
            yield f"{customer}: is {custody}, the history ends with {entries[-1]}"


def no_event_missing_or_out_of_order(story: Story) -> Iterator[str]:
    """The stream tells the history; who listened through all breaks heard all of it, once."""
    histories = story.state("history") if story.told("pool") else {}
    told = story.custody_told()
    for customer in histories.keys() | told.keys():
        entries = [
            (entry["version"], entry["change"], entry["holder"])
            for entry in histories.get(customer, [])
        ]
        events = [
            (each.version, each.what["change"], each.what["holder"])
            for each in told.get(customer, [])
        ]
        if entries != events:
            yield f"{customer}: the history is {entries}, the events {events}"
    for source in ("archive", "pool", "assignment"):
        whole = [(each.position, each.nonce) for each in story.told(source)]
        live = [(each.position, each.nonce) for each in story.told(source, live=True)]
        if [position for position, _ in whole] != sorted({position for position, _ in whole}):
            yield f"{source}: the stream is out of order"
        if live and live != whole[: len(live)]:
            missing, strange = set(whole[: len(live)]) - set(live), set(live) - set(whole)
            twice = [each for each, count in Counter(live).items() if count > 1]
            yield (
                f"{source}: heard otherwise than read: missing {sorted(missing)[:5]},"
                f" strange {sorted(strange)[:5]}, twice {twice[:5]}"
            )


def who_listened_heard_to_the_end(story: Story) -> Iterator[str]:
    """Who listened, and came back with his cursor after each break, heard all that there is."""
    for source, watched in story.state("watched").items():
        if watched["reached"] < watched["head"]:
            yield f"{source}: heard to {watched['reached']} of {watched['head']}: {watched['why']}"
        whole = [each.position for each in story.told(source)]
        live = [each.position for each in story.told(source, live=True)]
        if not live:
            yield f"{source}: who listened heard nothing of {len(whole)} events"
        elif live[-1] < (last := max((at for at in whole if at <= watched["head"]), default=0)):
            yield f"{source}: what was heard ends with {live[-1]}, not {last}"


def quotas_are_what_history_says(story: Story) -> Iterator[str]:
    """Nobody ever held more than his limit; the counters end where the events lead."""
    if not story.told("pool"):
        # The stream was trimmed: the audit compares the quotas with the history.
        return
    quotas = story.state("quota")
    holders: dict[str, str] = {}
    held: Counter[str] = Counter()
    claimed: Counter[str] = Counter()
    for event in story.told("pool"):
        if event.kind != "custody_changed":
            continue
        holder = event.what["holder"] if event.what["state"] == "HELD" else ""
        before = holders.get(event.subject, "")
        holders[event.subject] = holder
        held[before] -= 1
        held[holder] += 1
        claimed[holder] += event.what["change"] == "CLAIMED"
        limit = quotas.get(holder, {}).get("limit", 0)
        # What exceeds a limit must have been taken now: a warning changes nothing.
        if limit and held[holder] > limit and holder != before:
            yield f"{holder} held {held[holder]} of {limit} at {event.position}"
    for rep, quota in quotas.items():
        for what, counted in (("holdings", held[rep]), ("claimed", claimed[rep])):
            if quota[what] != counted:
                yield f"{rep}: the quota counts {quota[what]} {what}, the events {counted}"
    listed = story.state("holdings").get("")
    expected = {customer: rep for customer, rep in holders.items() if rep}
    if listed is not None and listed != expected:
        differing = sorted(listed.items() ^ expected.items())
        yield f"the list of holdings differs from the events: {differing[:6]}"


def services_know_of_each_other(story: Story) -> Iterator[str]:
    """When all is quiet, what the archive knows of custody is what the pool says."""
    custodies = story.state("custody")
    for customer, known in story.state("customer").items():
        custody = custodies.get(customer, {})
        if "owner" not in known or "version" not in custody:
            if ("owner" in known) != ("version" in custody):
                yield f"{customer}: the archive has {known}, the pool {custody}"
            continue
        if known["owner"] != custody["holder"] or known["version"] > custody["version"]:
            yield f"{customer}: the archive thinks {known}, the pool says {custody}"
    facts: dict[str, int] = {}
    for event in story.told("archive"):
        if event.kind == "customer_changed":
            facts[event.subject] = event.version
    for customer, version in facts.items():
        seen = custodies.get(customer, {}).get("archive_version")
        if seen != version:
            yield f"{customer}: the pool has version {seen} of the archive's {version}"


def loads_are_what_the_pool_says(story: Story) -> Iterator[str]:
    """When all is quiet, assignment counts for each rep what the pool says that he holds.

    Pool also counts what is reserved for him: whose creation was given up, until that ends.
    """
    quotas = story.state("quota")
    reserved: Counter[str] = Counter()
    for custody in story.state("custody").values():
        reserved[custody.get("reserved_for", "")] += custody.get("weight", 0)
    for rep, known in story.state("rep").items():
        quota = quotas[rep]
        held = quota["weight"] - reserved[rep]
        if (known["holdings"], known["load"]) != (quota["holdings"], held):
            yield f"{rep}: assignment thinks {known}, the pool says {quota}"


def figures_are_what_activities_say(story: Story) -> Iterator[str]:
    """The amount that a customer bought for is the sum of the purchases on record."""
    activities = story.state("activities")
    for customer, known in story.state("customer").items():
        amount = sum(each["amount"] for each in activities.get(customer, []))
        if known.get("amount", amount) != amount:
            yield f"{customer}: {known['amount']} by its metrics, {amount} by its purchases"


def warned_before_reclaimed(story: Story) -> Iterator[str]:
    """Nothing is reclaimed without a warning in the same term."""
    for customer, entries in story.state("history").items():
        warned: set[int] = set()
        for before, entry in zip([None, *entries], entries, strict=False):
            if entry["change"] == "WARNED":
                warned.add(entry["term"])
            if entry["change"] == "RECLAIMED" and (before is None or before["term"] not in warned):
                yield f"{customer}: {entry['version']} reclaimed without a warning"


def who_is_worked_stays(story: Story) -> Iterator[str]:
    """A follow-up within the clock's days before the due time keeps the customer."""
    occurred: defaultdict[str, list[int]] = defaultdict(list)
    for customer, listed in story.state("activities").items():
        for each in listed:
            if each["activity"].startswith(FOLLOW_UP):
                occurred[customer].append(each["occurred"])
    for event in story.told("pool"):
        if event.kind == "custody_changed" and event.what["change"] == "RECLAIMED":
            due = event.what["due"]
            for moment in occurred[event.subject]:
                if due - DUE_DAYS * _DAY < moment <= due:
                    yield f"{event.subject}: reclaimed, due {due}, but was followed up at {moment}"


def nothing_is_reclaimed_unseen(story: Story) -> Iterator[str]:
    """While the archive is away, what falls due waits."""
    away = list(story.state("away").values())
    for customer, entries in story.state("history").items():
        for entry in entries:
            if entry["change"] == "RECLAIMED" and any(
                span["from"] <= entry["time"] < span["to"] for span in away
            ):
                yield f"{customer}: reclaimed at {entry['time']}, with the archive away"


def who_is_not_concerned_is_served_in_time(story: Story) -> Iterator[str]:
    """Another tenant's plugin goes wrong: this one's calls are answered as soon as ever.

    A deadline that passed says so only where the machine gave enough of the time before it.
    """
    if story.state("unconcerned"):
        for attempt in story.attempts:
            given = story.given(attempt.start, attempt.end)
            if attempt.code == "DEADLINE_EXCEEDED" and given > ENOUGH:
                yield f"{attempt.method} of {attempt.request} was not answered in time"


def who_is_asked_answers_in_time(story: Story) -> Iterator[str]:
    """Whoever is asked meanwhile answers, and the machine gave no more time than is promised."""
    for asked in story.state("asked").values():
        given = story.given(asked["from"], asked["to"])
        if asked["code"] != "OK" or given > asked["within"]:
            yield f"{asked['what']}: {asked['code']} after {given:.1f} s of the machine"


def who_asks_a_store_that_stands_still_is_told(story: Story) -> Iterator[str]:
    """He hears UNAVAILABLE, or a refusal that needs no store, before his deadline."""
    for number, span in story.state("still").items():
        asked = [
            each
            for each in story.attempts
            if span["from"] <= each.start and each.start + each.deadline <= span["to"]
        ]
        if not any(each.code == "UNAVAILABLE" for each in asked):
            yield f"{number}: of {len(asked)} who asked, none was told UNAVAILABLE"
        for each in asked:
            if each.code in _NOT_TOLD or story.late(each) > LATE:
                took = each.end - each.start
                yield f"{each.method} {each.request}: {each.code} after {took:.2f} s"
            elif each.ok and each.request_id and each.end < span["to"]:
                yield f"{each.method} {each.request}: acknowledged by a store that stood still"


def who_is_drained_sends_nobody_away(story: Story) -> Iterator[str]:
    """While a replica ends, each call is answered, or fails as published clients repeat it."""
    for replica, span in story.state("drained").items():
        for each in story.attempts:
            met = each.start < span["to"] and each.end > span["from"]
            definite = bool(each.reason) and each.code not in _NOT_TOLD
            if met and not (each.ok or each.code == "UNAVAILABLE" or definite):
                yield f"{replica}: {each.method} {each.request}: {each.code} {each.reason}"


def the_fault_did_what_it_should(story: Story) -> Iterator[str]:
    """What a row promises to bring about was seen: else it proves nothing."""
    for what, evidence in story.state("evidence").items():
        if evidence["seen"] < evidence["least"]:
            yield f"{what}: {evidence['seen']}, and should be {evidence['least']} at least"


def what_is_kept_of_others_is_what_they_have(story: Story) -> Iterator[str]:
    """No projection differs from its source, and nothing was set aside (the doctor)."""
    for sentences in story.state("comparison").values():
        yield from sentences


def the_stores_agree(story: Story) -> Iterator[str]:
    """Records, indexes, quotas, history, events and due times of the store agree (the audit)."""
    for sentences in story.state("audit").values():
        yield from sentences


LAWS: Final[tuple[Callable[[Story], Iterable[str]], ...]] = (
    no_defects,
    nothing_hangs,
    the_same_answer,
    one_version_each,
    what_comes_later_is_later,
    what_was_read_stays,
    time_goes_on,
    no_acknowledged_write_lost,
    no_acknowledged_record_lost,
    nothing_invented_and_nothing_twice,
    one_owner_at_a_time,
    no_event_missing_or_out_of_order,
    who_listened_heard_to_the_end,
    quotas_are_what_history_says,
    services_know_of_each_other,
    loads_are_what_the_pool_says,
    figures_are_what_activities_say,
    warned_before_reclaimed,
    who_is_worked_stays,
    nothing_is_reclaimed_unseen,
    who_is_not_concerned_is_served_in_time,
    who_is_asked_answers_in_time,
    who_asks_a_store_that_stands_still_is_told,
    who_is_drained_sends_nobody_away,
    the_fault_did_what_it_should,
    what_is_kept_of_others_is_what_they_have,
    the_stores_agree,
)


@dataclass(frozen=True, slots=True)
class Violation:
    """A law that a record breaks.

    Attributes:
        tenant: whose record.
        law: its name.
        sentence: where and how.
    """

    tenant: str
    law: str
    sentence: str


def check(history: History, tenants: Iterable[str]) -> list[Violation]:
    """Hold a record against all laws."""
    found = []
    for tenant in tenants:
        story = Story(history, tenant)
        for law in LAWS:
            found += [Violation(tenant, law.__name__, sentence) for sentence in law(story)]
    return found
