"""The forecast over gRPC."""

# ruff: noqa: N802 - methods are named as the contract names them
from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from gonghai.pool.v1 import custody_pb2
from gonghai.pool.v1 import pool_service_pb2 as pb
from gonghai.pool.v1 import pool_service_pb2_grpc as pb_grpc
from gonghai_chassis.context import current
from gonghai_chassis.errors import FieldViolation, InvalidRequest
from gonghai_chassis.instants import instant_of, set_instant
from gonghai_chassis.names import TenantName
from gonghai_policy_service.reasons import in_language
from gonghai_pool.messages import holder_message
from gonghai_pool.simulation.account import TOLD, Account, clock_of, stops_in
from gonghai_pool.simulation.forecast import Begun, Ended, Question

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from gonghai_engine.calendar import Calendar
    from gonghai_pool.simulation.forecast import Forecast, Moment, Standing
    from gonghai_pool.simulation.scratch import Change

_AT_ONCE: Final = 100
"""Changes of a message."""
_CAUSES: Final = {
    "document": pb.SIMULATED_CAUSE_DOCUMENT,
    "time": pb.SIMULATED_CAUSE_TIME,
    "activity": pb.SIMULATED_CAUSE_ACTIVITY,
}


class SimulationRpcs(pb_grpc.PoolServiceServicer):
    """What would be."""

    _forecast: Forecast

    async def SimulateReclaims(
        self,
        request: pb.SimulateReclaimsRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> AsyncIterator[pb.SimulateReclaimsResponse]:
        """Let a span pass in advance."""
        tenant = TenantName.parse(request.parent, "parent").tenant
        if request.HasField("until") == bool(request.days):
            raise InvalidRequest(FieldViolation("until", "say either until when or how many days"))
        until = instant_of(request.until, "until") if request.HasField("until") else None
        question = Question(
            tenant,
            request.document,
            until,
            request.days,
            request.activities,
            request.candidates,
        )
        telling: _Telling | None = None
        async with aclosing(self._forecast(question)) as course:
            async for part in course:
                if isinstance(part, Begun):
                    telling = _Telling(tenant, part, request.max_changes, current().language)
                    yield telling.begun()
                elif telling is None:
                    raise TypeError("A simulation tells first how it begins.")
                elif isinstance(part, Ended):
                    yield telling.ended(part)
                else:
                    for message in telling.of(part):
                        yield message


class _Telling:
    """Tells a simulation as it goes on, and counts."""

    def __init__(self, tenant: str, begun: Begun, most: int, language: str) -> None:
        self._tenant = tenant
        self._language = language
        self._begun = begun
        self._account = Account(tenant, begun.trial.policy.calendar, begun.holdings)
        self._left = most or None
        self._shortened = False

    def begun(self) -> pb.SimulateReclaimsResponse:
        message = pb.SimulateReclaimsResponse(total=self._begun.total)
        set_instant(message.time, self._begun.now)
        return message

    def of(self, moment: Moment) -> Iterator[pb.SimulateReclaimsResponse]:
        message = pb.SimulateReclaimsResponse()
        _come_to(message, moment)
        message.standings.extend(_standing(self._tenant, one) for one in moment.standings)
        for change in moment.changes:
            told = _change(self._tenant, change, self._account, self._language)
            if told is None:
                continue
            if self._left == 0:
                self._shortened = True
                continue
            if self._left is not None:
                self._left -= 1
            message.changes.append(told)
            if len(message.changes) >= _AT_ONCE:
                yield message
                message = pb.SimulateReclaimsResponse()
                _come_to(message, moment)
        if message.changes or message.standings:
            yield message

    def ended(self, ended: Ended) -> pb.SimulateReclaimsResponse:
        summary = self._account.summary(shortened=self._shortened)
        summary.undecided.extend(ended.undecided)
        summary.frozen = ended.frozen
        message = pb.SimulateReclaimsResponse(summary=summary)
        set_instant(message.time, self._begun.until)
        return message


def _come_to(message: pb.SimulateReclaimsResponse, moment: Moment) -> None:
    set_instant(message.time, moment.at)
    message.evaluated, message.total = moment.evaluated, moment.total


def _change(
    tenant: str, change: Change, account: Account, language: str
) -> pb.SimulatedChange | None:
    entry = change.alteration.entry()
    if entry.change not in TOLD:
        return None
    account.count(entry)
    after = change.alteration.after
    calendar: Calendar = account.calendar
    message = pb.SimulatedChange(
        customer=f"tenants/{tenant}/customers/{after.customer}",
        change=custody_pb2.CustodyChange.Value(f"CUSTODY_CHANGE_{entry.change.value}"),
        clock=entry.clock,
        rule=entry.rule,
        tier=after.facts.tier if after.facts is not None else "",
        stops=stops_in(change, calendar),
    )
    clock = clock_of(change)
    if clock is not None:
        message.extended_days = clock.extended_days
        if clock.longer is not None:
            message.extended = in_language(clock.longer.already, language)
    set_instant(message.time, entry.time)
    if change.alteration.due_at is not None:
        set_instant(message.due_time, change.alteration.due_at)
    if entry.pool:
        message.pool = f"tenants/{tenant}/pools/{entry.pool}"
    if entry.holder is not None:
        message.holder.CopyFrom(holder_message(tenant, entry.holder))
    if entry.former_holder is not None:
        message.former_holder.CopyFrom(holder_message(tenant, entry.former_holder))
    return message


def _standing(tenant: str, standing: Standing) -> pb.SimulatedStanding:
    message = pb.SimulatedStanding(
        customer=f"tenants/{tenant}/customers/{standing.customer}",
        former_tier=standing.before[0],
        former_stage=standing.before[1],
        tier=standing.after[0],
        stage=standing.after[1],
        cause=_CAUSES[standing.cause],
    )
    set_instant(message.time, standing.at)
    return message
