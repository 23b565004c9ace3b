"""Custody and its history as records: what is written, and read again by newer programs.

Empty and false fields are left out, so that a record takes little room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gonghai_chassis.store import records
from gonghai_policy_service.reasons import (
    because_record,
    reason_record,
    recorded_because,
    recorded_reason,
)
from gonghai_pool.custody import (
    Activity,
    Change,
    Collaborator,
    Custody,
    Extension,
    ExtensionState,
    Facts,
    HistoryEntry,
    Holder,
    Longer,
    Onward,
    OutCause,
    Plan,
    Purpose,
    Reservation,
    RunningClock,
    State,
    Way,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

CUSTODY: Final = records.RecordType("custody", schema=1)
HISTORY: Final = records.RecordType("history entry", schema=1)


def pack_custody(custody: Custody) -> bytes:
    """Write a custody."""
    record: dict[str, Any] = {
        "customer": custody.customer,
        "version": custody.version,
        "state": custody.state.value,
        "since": custody.since,
        "change": custody.change.value,
    }
    for name in _PLAIN:
        value = getattr(custody, name)
        if value:
            record[name] = value
    if reason := reason_record(custody.reason):
        record["reason"] = reason
    for name in _INSTANTS:
        value = getattr(custody, name)
        if value is not None:
            record[name] = value
    return CUSTODY.pack({**record, **_parts(custody)})


def unpack_custody(packed: bytes) -> Custody:
    """Read a custody."""
    record = CUSTODY.unpack(packed)
    holder = record.get("holder")
    kept = record.get("reservation")
    facts = record.get("facts")
    plan = record.get("plan")
    onward = record.get("onward")
    plain = {name: record[name] for name in _PLAIN if name in record}
    return Custody(
        customer=record["customer"],
        version=record["version"],
        state=State(record["state"]),
        since=record["since"],
        change=Change(record["change"]),
        reason=recorded_reason(record.get("reason", "")),
        holder=Holder.of_key(holder) if holder else None,
        out_cause=OutCause(record["out_cause"]) if "out_cause" in record else None,
        entered=record.get("entered"),
        # Before customers went on from pool to pool, they had entered theirs when they were freed.
        freed=record.get("freed", record.get("entered")),
        way=Way(record.get("way", Way.ENTERED)),
        onward=Onward(onward[0], onward[1]) if onward else None,
        former_owner_at=record.get("former_owner_at"),
        embargo_until=record.get("embargo_until"),
        reservation=Reservation(kept[0], kept[1], kept[2], Purpose(kept[3])) if kept else None,
        collaborators=tuple(
            Collaborator(rep, role, tuple(records.sequence(scope)), expires or None)
            for rep, role, scope, expires in records.sequence(record.get("collaborators"))
        ),
        facts=_read_facts(facts) if facts else None,
        activities=tuple(_read_activity(one) for one in records.sequence(record.get("activities"))),
        plan=_read_plan(plan) if plan is not None else None,
        extensions=tuple(
            _read_extension(one) for one in records.sequence(record.get("extensions"))
        ),
        **plain,
    )


def pack_entry(entry: HistoryEntry) -> bytes:
    """Write an entry of a custody history."""
    record: dict[str, Any] = {
        "version": entry.version,
        "time": entry.time,
        "change": entry.change.value,
        "state": entry.state.value,
    }
    for name in (
        "pool",
        "principal",
        "on_behalf_of",
        "rule",
        "clock",
        "term",
        "counted",
        "weight",
        "decision",
    ):
        value = getattr(entry, name)
        if value:
            record[name] = value
    if reason := reason_record(entry.reason):
        record["reason"] = reason
    if entry.holder is not None:
        record["holder"] = entry.holder.key
    if entry.former_holder is not None:
        record["former_holder"] = entry.former_holder.key
    return HISTORY.pack(record)


def unpack_entry(packed: bytes) -> HistoryEntry:
    """Read an entry of a custody history."""
    record = HISTORY.unpack(packed)
    holder, former = record.get("holder"), record.get("former_holder")
    return HistoryEntry(
        version=record["version"],
        time=record["time"],
        change=Change(record["change"]),
        state=State(record["state"]),
        pool=record.get("pool", ""),
        holder=Holder.of_key(holder) if holder else None,
        former_holder=Holder.of_key(former) if former else None,
        principal=record.get("principal", ""),
        on_behalf_of=record.get("on_behalf_of", ""),
        reason=recorded_reason(record.get("reason", "")),
        rule=record.get("rule", ""),
        clock=record.get("clock", ""),
        term=record.get("term", 0),
        counted=record.get("counted", ""),
        weight=record.get("weight", 0),
        decision=records.mapping(record.get("decision")),
    )


_PLAIN: Final = (
    "pool",
    "rule",
    "clock",
    "former_owner",
    "lost",
    "times_claimed",
    "times_reclaimed",
    "self_sourced",
    "locked",
    "disputed",
    "weight",
    "dealt",
    "follow_ups",
    "orders",
    "term",
    "passed",
    "denied_before",
)
_INSTANTS: Final = ("entered", "freed", "former_owner_at", "embargo_until")


def _parts(custody: Custody) -> dict[str, Any]:
    record: dict[str, Any] = {}
    if custody.holder is not None:
        record["holder"] = custody.holder.key
    if custody.out_cause is not None:
        record["out_cause"] = custody.out_cause.value
    record |= _course(custody)
    if custody.collaborators:
        record["collaborators"] = [
            [one.rep, one.role, list(one.scope), one.expires or 0] for one in custody.collaborators
        ]
    if custody.facts is not None:
        record["facts"] = facts_record(custody.facts)
    if custody.activities:
        record["activities"] = [_activity(one) for one in custody.activities]
    if custody.plan is not None:
        record["plan"] = _plan(custody.plan)
    if custody.extensions:
        record["extensions"] = [_extension(one) for one in custody.extensions]
    return record


def _course(custody: Custody) -> dict[str, Any]:
    """What comes next with a customer whom nobody holds."""
    record: dict[str, Any] = {}
    if custody.way is not Way.ENTERED:
        record["way"] = custody.way.value
    if custody.onward is not None:
        record["onward"] = [custody.onward.pool, custody.onward.at]
    if custody.reservation is not None:
        kept = custody.reservation
        record["reservation"] = [kept.token, kept.rep, kept.expires, kept.purpose.value]
    return record


def facts_record(facts: Facts) -> dict[str, Any]:
    """Return what the archive says of a customer as the store keeps it."""
    record: dict[str, Any] = {"version": facts.version, "at": facts.at}
    for name in _FACTS:
        value = getattr(facts, name)
        if value:
            record[name] = value
    if reason := reason_record(facts.admission_reason):
        record["admission_reason"] = reason
    if facts.values:
        record["values"] = {name: _value(value) for name, value in facts.values.items()}
    return record


_FACTS: Final = (
    "industry",
    "region",
    "tier",
    "tier_rank",
    "stage",
    "group",
    "revision",
    "admission_pool",
    "admission_rule",
    "admission_then",
    "admission_after_days",
    "created",
)


def _read_facts(record: Mapping[str, Any]) -> Facts:
    plain = {name: record[name] for name in _FACTS if name in record}
    return Facts(
        version=record["version"],
        at=record["at"],
        values=records.mapping(record.get("values")),
        admission_reason=recorded_reason(record.get("admission_reason", "")),
        **plain,
    )


def _value(value: object) -> object:
    return sorted(value) if isinstance(value, (frozenset, set, tuple)) else value


def _activity(activity: Activity) -> list[Any]:
    qualities = {name: _value(value) for name, value in activity.qualities.items()}
    return [
        activity.id,
        activity.kind,
        activity.at,
        activity.rep,
        qualities,
        activity.corrects,
        activity.counts,
        activity.clocks is not None,
        list(activity.clocks or ()),
        activity.revision,
    ]


def _read_activity(record: list[Any]) -> Activity:
    ident, kind, at, rep, qualities, corrects, counts, named, clocks, revision = record
    return Activity(
        id=ident,
        kind=kind,
        at=at,
        rep=rep,
        qualities=records.mapping(qualities),
        corrects=corrects,
        counts=counts,
        clocks=tuple(records.sequence(clocks)) if named else None,
        revision=revision,
    )


def _extension(extension: Extension) -> list[Any]:
    record = [
        extension.id,
        int(extension.state),
        extension.days,
        extension.reason,
        extension.rep,
        extension.created,
        extension.decided,
        list(extension.decider),
        extension.decision_reason,
    ]
    ruled = [extension.granted, extension.decision, because_record(extension.waits_because)]
    return record if ruled == _not_ruled(extension.state, extension.days) else [*record, *ruled]


def _not_ruled(state: ExtensionState, days: int) -> list[Any]:
    """What a rule has said where there was none: a manager grants all that was asked for."""
    return [days if state is ExtensionState.APPROVED else 0, {}, ""]


def _read_extension(record: list[Any]) -> Extension:
    ident, state, days, reason, rep, created, decided, decider, why, *ruled = record
    granted, decision, waits_because = ruled or _not_ruled(ExtensionState(state), days)
    principal, on_behalf_of = records.sequence(decider)
    return Extension(
        id=ident,
        state=ExtensionState(state),
        days=days,
        reason=reason,
        rep=rep,
        created=created,
        decided=decided,
        decider=(principal, on_behalf_of),
        decision_reason=why,
        granted=granted,
        decision=records.mapping(decision),
        waits_because=recorded_because(waits_because),
    )


def _plan(plan: Plan) -> dict[str, Any]:
    record: dict[str, Any] = {"revision": plan.revision}
    if plan.decision:
        record["decision"] = plan.decision
    if plan.clocks:
        record["clocks"] = [
            [
                clock.name,
                clock.start,
                clock.due,
                reason_record(clock.length),
                list(clock.reset_by),
                list(clock.stops),
                clock.extended_days,
                *_longer(clock.longer),
            ]
            for clock in plan.clocks
        ]
    for name in ("warn_at", "due_at", "reclaim_at", "at"):
        value = getattr(plan, name)
        if value is not None:
            record[name] = value
    for name in ("warned", "action", "target", "provisional"):
        value = getattr(plan, name)
        if value:
            record[name] = value
    if because := because_record(plan.frozen_because):
        record["frozen_because"] = because
    if plan.for_clocks:
        record["for_clocks"] = list(plan.for_clocks)
    return record


def _longer(longer: Longer | None) -> list[Any]:
    if longer is None:
        return []
    by = [[reason_record(words), list(kinds)] for words, kinds in longer.by]
    return [[by, reason_record(longer.at_most), because_record(longer.already)]]


def _read_longer(record: list[Any]) -> Longer:
    by, at_most, already = record
    ways = records.sequence(by)
    return Longer(
        tuple((recorded_reason(words), tuple(records.sequence(kinds))) for words, kinds in ways),
        recorded_reason(at_most),
        recorded_because(already),
    )


def _read_plan(record: Mapping[str, Any]) -> Plan:
    return Plan(
        decision=records.mapping(record.get("decision")),
        revision=record["revision"],
        clocks=tuple(
            RunningClock(
                name=name,
                start=start,
                due=due,
                length=recorded_reason(length),
                reset_by=tuple(records.sequence(reset_by)),
                stops=tuple(records.sequence(stops)),
                extended_days=extended,
                longer=_read_longer(*longer) if longer else None,
            )
            for name, start, due, length, reset_by, stops, extended, *longer in records.sequence(
                record.get("clocks")
            )
        ),
        warn_at=record.get("warn_at"),
        due_at=record.get("due_at"),
        reclaim_at=record.get("reclaim_at"),
        warned=records.mapping(record.get("warned")),
        action=record.get("action", ""),
        at=record.get("at"),
        for_clocks=tuple(records.sequence(record.get("for_clocks"))),
        target=record.get("target", ""),
        frozen_because=recorded_because(record.get("frozen_because", "")),
        provisional=record.get("provisional", False),
    )
