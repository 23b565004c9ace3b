"""The load: callers who create, record, claim, assign, release, transfer and look, by a seed."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from importlib.resources import files
from random import Random
from typing import TYPE_CHECKING, Any, Final, Self

import grpc
from google.rpc import error_details_pb2
from google.type import money_pb2

from gonghai.archive.v1 import activity_pb2, archive_service_pb2, customer_pb2
from gonghai.archive.v1.archive_service_pb2_grpc import ArchiveServiceStub
from gonghai.assignment.v1 import assignment_service_pb2
from gonghai.assignment.v1.assignment_service_pb2_grpc import AssignmentServiceStub
from gonghai.pool.v1 import custody_pb2, pool_service_pb2
from gonghai.pool.v1.pool_service_pb2_grpc import PoolServiceStub
from gonghai_chassis.clients import status_in
from tests.faults.moments import lapse
from tests.faults.record import Attempt
from tests.faults.tenant import FOLLOW_UP, REGION

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from google.protobuf.message import Message

    from tests.faults.crew import Crew
    from tests.faults.record import Recorder
    from tests.faults.tenant import Tenant

DEADLINE: Final = 3.0
"""Seconds that each sending of a request is given."""

_PATIENCE: Final = 25.0
_PAUSE: Final = 0.15
_THINK: Final = 0.012
_RECENT: Final = 48
_GIVES_UP: Final = 0.1

_WEIGHTS: Final = {
    "create": 12,
    "create_owned": 5,
    "claim": 24,
    "assign": 10,
    "release": 16,
    "transfer": 8,
    "follow_up": 10,
    "purchase": 4,
    "route": 4,
    "look": 7,
}


class Doors:
    """The ways to the services: over all replicas, as any client goes, or to one of them."""

    def __init__(self, targets: dict[str, str]) -> None:
        """Open channels; `targets` is by service."""
        options = (
            (
                "grpc.service_config",
                files("gonghai").joinpath("service_config.json").read_text("utf-8"),
            ),
            ("grpc.enable_retries", 1),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 1_000),
            ("grpc.use_local_subchannel_pool", 1),
        )
        self._channels = {
            service: grpc.aio.insecure_channel(target, options=options)
            for service, target in targets.items()
        }
        self.archive = ArchiveServiceStub(self._channels["archive"])
        self.pool = PoolServiceStub(self._channels["pool"])
        self.assignment = AssignmentServiceStub(self._channels["assignment"])

    @classmethod
    def of(cls, crew: Crew) -> Self:
        """Open the ways over all replicas."""
        return cls({service: crew.target(service) for service in ("archive", "pool", "assignment")})

    async def close(self) -> None:
        """Close the channels."""
        for channel in self._channels.values():
            await channel.close(None)

    async def __aenter__(self) -> Self:
        """Use them."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close them."""
        await self.close()


@dataclass(frozen=True, slots=True)
class Manners:
    """How callers behave.

    Attributes:
        copies: how often each mutation is sent side by side.
        hang_up: the share of mutations whose caller goes away before the answer, and asks again.
    """

    copies: int = 1
    hang_up: float = 0.0


@dataclass(slots=True)
class Callers:
    """Several callers of one tenant.

    Attributes:
        doors: the ways to the services; copies of a request go by different ones.
        recorder: is told everything.
        tenant: whom they work for.
        seed: decides what they do.
        count: how many there are.
        manners: how they behave.
        recent: the customers they are after, the newest last.
        over: set to end them.
    """

    doors: list[Doors]
    recorder: Recorder
    tenant: Tenant
    seed: int
    count: int = 6
    manners: Manners = field(default_factory=Manners)
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=_RECENT))
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Call until it is over; what was begun is carried through."""
        async with asyncio.TaskGroup() as group:
            for number in range(self.count):
                group.create_task(self._caller(number))

    async def follow_up(self, customer: str) -> bool:
        """Record a follow-up now; answers whether it was acknowledged."""
        random = Random(f"{self.seed}-{customer}")
        request = _request("follow_up", self.tenant, [customer], random)
        request.message.request_id = f"{self.tenant.id}-{customer}-now"
        return await self._until_answered("follower", request, random)

    async def _caller(self, number: int) -> None:
        random = Random(f"{self.seed}-{self.tenant.id}-{number}")
        names, weights = list(_WEIGHTS), list(_WEIGHTS.values())
        turn = 0
        while not self.over.is_set():
            turn += 1
            verb = random.choices(names, weights)[0]
            if not self.recent or (len(self.recent) < _RECENT and random.random() < 0.5):
                verb = "create"
            request = _request(verb, self.tenant, list(self.recent), random)
            if request.created:
                request.message.customer_id = f"c-{number}-{turn:05}"
                request.what["customer"] = request.message.customer_id
            if request.method in _MUTATIONS:
                request.message.request_id = f"{self.tenant.id}-{number}-{turn}"
            done = await self._until_answered(f"caller-{number}", request, random)
            if request.created and done:
                self.recent.append(request.what["customer"])
            await lapse(random.expovariate(1 / _THINK))

    async def _until_answered(self, client: str, request: _Request, random: Random) -> bool:
        """Send a request as a careful client does: again, with the same id, while it is open.

        Returns:
            Whether it was acknowledged.
        """
        end = time.monotonic() + _PATIENCE
        gives_up = random.random() < _GIVES_UP
        mutation = request.method in _MUTATIONS
        if mutation and random.random() < self.manners.hang_up:
            await self._hang_up(client, request, random.random() * 0.02)
        while True:
            copies = self.manners.copies if mutation else 1
            codes = await asyncio.gather(
                *(
                    self._send(client, request, self.doors[n % len(self.doors)])
                    for n in range(copies)
                )
            )
            if "OK" in codes and copies > 1:
                # And once more, late: it is remembered.
                codes = [await self._send(client, request, random.choice(self.doors))]
            if not any(code in _OPEN for code in codes) or gives_up or time.monotonic() > end:
                return "OK" in codes
            await lapse(_PAUSE)

    async def _hang_up(self, client: str, request: _Request, after: float) -> None:
        sending = asyncio.create_task(self._send(client, request, self.doors[0]))
        await asyncio.wait((sending,), timeout=after)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)

    async def _send(self, client: str, request: _Request, doors: Doors) -> str:
        call = getattr(getattr(doors, request.service), request.method)
        code, reason, answer = "LOST", "", {}
        start = time.monotonic()
        try:
            answer = essentials(await call(request.message, timeout=DEADLINE))
            code = "OK"
        except grpc.aio.AioRpcError as error:
            code, reason = error.code().name, reason_of(error)
        finally:
            self.recorder.add(
                Attempt(
                    self.tenant.id,
                    client,
                    request.method,
                    getattr(request.message, "request_id", ""),
                    request.what,
                    start,
                    time.monotonic(),
                    DEADLINE,
                    code,
                    reason,
                    answer,
                )
            )
        return code


@dataclass(slots=True)
class _Request:
    """A request, and what the record is to say of it."""

    service: str
    method: str
    message: Any
    what: dict[str, str]
    created: bool = False


@dataclass(frozen=True, slots=True)
class _Subject:
    """Whom a request is about, as drawn by lot."""

    tenant: Tenant
    customer: str
    rep: str
    lot: int

    @property
    def customer_name(self) -> str:
        return f"{self.tenant.name}/customers/{self.customer}"

    @property
    def rep_name(self) -> str:
        return f"{self.tenant.name}/reps/{self.rep}"

    @property
    def both(self) -> dict[str, str]:
        return {"customer": self.customer, "rep": self.rep}


def _request(verb: str, tenant: Tenant, recent: list[str], random: Random) -> _Request:
    customer = random.choice(recent) if recent else ""
    subject = _Subject(tenant, customer, random.choice(tenant.reps), random.getrandbits(60))
    return _MAKERS[verb](subject)


def _create(subject: _Subject, owner: str = "") -> _Request:
    message = archive_service_pb2.CreateCustomerRequest(
        parent=subject.tenant.name,
        customer=customer_pb2.Customer(display_name=f"客户 {subject.lot:x}", region=REGION),
        owner=owner,
    )
    return _Request("archive", "CreateCustomer", message, {"owner": ident(owner)}, created=True)


def _create_owned(subject: _Subject) -> _Request:
    return _create(subject, subject.rep_name)


def _claim(subject: _Subject) -> _Request:
    message = pool_service_pb2.ClaimCustomerRequest(
        customer=subject.customer_name, rep=subject.rep_name
    )
    return _Request("pool", "ClaimCustomer", message, subject.both)


def _assign(subject: _Subject) -> _Request:
    message = pool_service_pb2.AssignCustomerRequest(
        customer=subject.customer_name, holder=custody_pb2.Holder(rep=subject.rep_name)
    )
    return _Request("pool", "AssignCustomer", message, subject.both)


def _release(subject: _Subject) -> _Request:
    message = pool_service_pb2.ReleaseCustomerRequest(
        customer=subject.customer_name, reason="faults"
    )
    return _Request("pool", "ReleaseCustomer", message, {"customer": subject.customer})


def _transfer(subject: _Subject) -> _Request:
    message = pool_service_pb2.TransferCustomerRequest(
        customer=subject.customer_name, rep=subject.rep_name, reason="faults"
    )
    return _Request("pool", "TransferCustomer", message, subject.both)


def _follow_up(subject: _Subject) -> _Request:
    activity = f"{FOLLOW_UP}{subject.lot:x}"
    message = archive_service_pb2.RecordFollowUpRequest(
        parent=subject.customer_name,
        activity_id=activity,
        follow_up=activity_pb2.FollowUp(
            channel=customer_pb2.CONTACT_CHANNEL_PHONE,
            outcome=activity_pb2.FOLLOW_UP_OUTCOME_REACHED,
        ),
    )
    what = {"customer": subject.customer, "activity": activity}
    return _Request("archive", "RecordFollowUp", message, what)


def _purchase(subject: _Subject) -> _Request:
    activity = f"p-{subject.lot:x}"
    amount = money_pb2.Money(currency_code="CNY", units=1 + subject.lot % 500)
    message = archive_service_pb2.RecordPurchaseRequest(
        parent=subject.customer_name,
        activity_id=activity,
        purchase=activity_pb2.Purchase(amount=amount),
    )
    what = {"customer": subject.customer, "activity": activity}
    return _Request("archive", "RecordPurchase", message, what)


def _route(subject: _Subject) -> _Request:
    message = assignment_service_pb2.RouteCustomerRequest(customer=subject.customer_name)
    return _Request("assignment", "RouteCustomer", message, {"customer": subject.customer})


def _look(subject: _Subject) -> _Request:
    message = pool_service_pb2.GetCustodyRequest(name=f"{subject.customer_name}/custody")
    return _Request("pool", "GetCustody", message, {"customer": subject.customer})


_MAKERS: Final[dict[str, Callable[[_Subject], _Request]]] = {
    "create": _create,
    "create_owned": _create_owned,
    "claim": _claim,
    "assign": _assign,
    "release": _release,
    "transfer": _transfer,
    "follow_up": _follow_up,
    "purchase": _purchase,
    "route": _route,
    "look": _look,
}
_MUTATIONS: Final = frozenset(
    {
        "CreateCustomer",
        "ClaimCustomer",
        "AssignCustomer",
        "ReleaseCustomer",
        "TransferCustomer",
        "RecordFollowUp",
        "RecordPurchase",
        "RouteCustomer",
    }
)
_OPEN: Final = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "LOST", "ABORTED"})


def essentials(message: Message) -> dict[str, Any]:
    """Return what the checker wants to know of an answer."""
    match message:
        case custody_pb2.Custody():
            return {
                "customer": ident(message.customer),
                "version": message.version,
                "term": message.term,
                "state": _short(custody_pb2.CustodyState.Name(message.state)),
                "change": _short(custody_pb2.CustodyChange.Name(message.change)),
                "holder": ident(message.holder.rep),
            }
        case customer_pb2.Customer():
            return {"customer": ident(message.name)}
        case activity_pb2.Activity():
            return {"activity": ident(message.name)}
        case assignment_service_pb2.RouteCustomerResponse():
            return {"rep": ident(message.rep)}
        case _:
            return {}


def ident(name: str) -> str:
    """Return the last part of a resource's name."""
    return name.rpartition("/")[2]


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """Return the reason in the details of an error."""
    info = error_details_pb2.ErrorInfo()
    for detail in status_in(error).details:
        if detail.Unpack(info):
            return info.reason
    return ""


def _short(name: str) -> str:
    return name.removeprefix("CUSTODY_STATE_").removeprefix("CUSTODY_CHANGE_")
