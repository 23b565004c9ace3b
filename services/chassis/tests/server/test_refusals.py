"""Refusals on the wire: every reason of the contract has its code and details, and arrives."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given
from hypothesis import strategies as st

from gonghai.errors.v1 import errors_pb2
from gonghai_chassis import errors
from gonghai_chassis.errors import (
    AlreadyExists,
    Contention,
    CursorTooOld,
    DeadlineExceeded,
    Draining,
    EtagMismatch,
    FieldViolation,
    InvalidRequest,
    LimitReached,
    NotAllowed,
    NotBuilt,
    NotFound,
    NotSignedIn,
    PeerRefused,
    PeerUnavailable,
    PreconditionFailed,
    PreconditionViolation,
    QuotaViolation,
    Reason,
    Refusal,
    RequestIdReused,
    WrongState,
)
from gonghai_chassis.events.cursors import Cursor
from gonghai_chassis.statuses import CODES, MAX_BYTES, refusal_in, refusal_of, status_of
from gonghai_chassis.store import failures

if TYPE_CHECKING:
    from google.protobuf.message import Message

CUSTOMER = "tenants/acme/customers/c1"
CONTRACT = Path(errors_pb2.__file__).with_name("errors.proto")


def test_the_reasons_are_those_of_the_contract() -> None:
    contract = {
        name.removeprefix("ERROR_REASON_")
        for name in errors_pb2.ErrorReason.keys()  # noqa: SIM118 - an enum wrapper, no dict
    }

    assert {reason.value for reason in Reason} == contract - {"UNSPECIFIED"}


def test_each_reason_has_the_code_that_the_contract_documents() -> None:
    documented = {
        name: code
        for code, name in re.findall(
            r"  // ([A-Z_]+)\. (?:[^\n]*\n  //)*[^\n]*\n  ERROR_REASON_([A-Z_]+) =",
            CONTRACT.read_text("utf-8"),
        )
    }

    assert {reason.value: CODES[reason].name for reason in Reason} == documented


DETAILS: dict[str, type[Message]] = {
    "BadRequest": error_details_pb2.BadRequest,
    "ResourceInfo": error_details_pb2.ResourceInfo,
    "PreconditionFailure": error_details_pb2.PreconditionFailure,
    "QuotaFailure": error_details_pb2.QuotaFailure,
    "RetryInfo": error_details_pb2.RetryInfo,
}


@pytest.mark.parametrize(
    ("refusal", "code", "details"),
    [
        (InvalidRequest(FieldViolation("a.b", "is wrong")), "INVALID_ARGUMENT", ["BadRequest"]),
        (RequestIdReused("r1"), "INVALID_ARGUMENT", ["BadRequest"]),
        (NotFound(CUSTOMER), "NOT_FOUND", ["ResourceInfo"]),
        (AlreadyExists(CUSTOMER), "ALREADY_EXISTS", ["ResourceInfo"]),
        (WrongState(CUSTOMER, "HELD", "no"), "FAILED_PRECONDITION", ["PreconditionFailure"]),
        (
            PreconditionFailed(
                Reason.COOL_DOWN,
                "you held it lately",
                [PreconditionViolation(Reason.COOL_DOWN, CUSTOMER, "you held it lately")],
                quotas=[QuotaViolation("tenants/acme/reps/b:day", "3 a day", 5)],
            ),
            "FAILED_PRECONDITION",
            ["PreconditionFailure", "QuotaFailure"],
        ),
        (
            LimitReached(Reason.CLAIM_LIMIT, "3 a day", [QuotaViolation("x:day", "3 a day", 5)]),
            "RESOURCE_EXHAUSTED",
            ["QuotaFailure", "RetryInfo"],
        ),
        (
            LimitReached(Reason.HOLDING_LIMIT, "full", [QuotaViolation("x", "full")]),
            "RESOURCE_EXHAUSTED",
            ["QuotaFailure"],
        ),
        (EtagMismatch(CUSTOMER), "ABORTED", []),
        (Contention(CUSTOMER), "ABORTED", []),
        (CursorTooOld("i:1:n"), "OUT_OF_RANGE", []),
        (NotSignedIn(), "UNAUTHENTICATED", []),
        (NotAllowed("/x/Y", "no"), "PERMISSION_DENIED", []),
        (PeerUnavailable("pool"), "UNAVAILABLE", ["RetryInfo"]),
        (Draining(), "UNAVAILABLE", ["RetryInfo"]),
        (DeadlineExceeded(), "DEADLINE_EXCEEDED", []),
        (NotBuilt("X"), "UNIMPLEMENTED", []),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Refusal) else "",
)
def test_each_class_of_refusal_has_its_code_and_details(
    refusal: Refusal, code: str, details: list[str]
) -> None:
    status = status_of(refusal)

    assert status.code == grpc.StatusCode[code].value[0]
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.domain, info.reason) == ("gonghai", refusal.reason.value)
    assert [any_.TypeName() for any_ in status.details[1:]] == [
        DETAILS[name].DESCRIPTOR.full_name for name in details
    ]


def test_every_class_of_refusal_is_tried_above() -> None:
    abstract = {"Refusal", "PeerRefused"}
    classes = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Refusal)
    }
    parameters = test_each_class_of_refusal_has_its_code_and_details.pytestmark[0].args[1]  # type: ignore[attr-defined]

    assert classes - abstract == {type(refusal).__name__ for refusal, _, _ in parameters}


def test_when_it_will_no_longer_stand_in_the_way_is_told_twice() -> None:
    refusal = PreconditionFailed(
        Reason.COOL_DOWN,
        "not yet",
        [
            PreconditionViolation(Reason.COOL_DOWN, CUSTOMER, "held lately", 1_767_225_600_000_000),
            PreconditionViolation(Reason.EMBARGO, CUSTOMER, "new here", 1_767_312_000_000_000),
        ],
    )
    status = status_of(refusal)
    info, failure = error_details_pb2.ErrorInfo(), error_details_pb2.PreconditionFailure()
    status.details[0].Unpack(info)
    status.details[1].Unpack(failure)

    assert info.metadata["until"] == "2026-01-02T00:00:00Z"
    assert failure.violations[0].description == "held lately (until 2026-01-01T00:00:00Z)"


def test_nobody_promises_an_end_when_one_rule_has_none() -> None:
    refusal = PreconditionFailed(
        Reason.COOL_DOWN,
        "not yet",
        [
            PreconditionViolation(Reason.COOL_DOWN, CUSTOMER, "held lately", 1_767_225_600_000_000),
            PreconditionViolation(Reason.CUSTOMER_LOCKED, CUSTOMER, "locked"),
        ],
    )
    info = error_details_pb2.ErrorInfo()
    status_of(refusal).details[0].Unpack(info)

    assert "until" not in info.metadata


texts = st.text(max_size=2000)


@given(
    st.builds(
        Refusal,
        st.sampled_from(Reason),
        texts,
        metadata=st.dictionaries(st.sampled_from(["a", "b", "c"]), texts),
        fields=st.lists(st.builds(FieldViolation, texts, texts), max_size=40),
        preconditions=st.lists(st.builds(PreconditionViolation, texts, texts, texts), max_size=40),
        quotas=st.lists(st.builds(QuotaViolation, texts, texts), max_size=40),
    )
)
def test_a_status_always_fits_the_wire_and_keeps_its_reason(refusal: Refusal) -> None:
    status = status_of(refusal)

    assert status.ByteSize() <= MAX_BYTES
    again = refusal_in(status)
    assert again is not None
    assert again.reason is refusal.reason


def test_a_list_that_is_cut_says_how_much_is_missing() -> None:
    refusal = InvalidRequest(*(FieldViolation(f"field_{n}", "x" * 300) for n in range(100)))
    bad = error_details_pb2.BadRequest()
    status_of(refusal).details[1].Unpack(bad)

    shown = len(bad.field_violations) - 1
    assert bad.field_violations[-1].description == f"and {100 - shown} more"
    assert shown >= 3


def test_a_refusal_read_back_is_the_one_that_was_sent() -> None:
    sent = LimitReached(
        Reason.CLAIM_LIMIT,
        "3 a day",
        [QuotaViolation("x:day", "3 a day", 5)],
        metadata={"rep": "x"},
    )
    back = refusal_in(status_of(sent))

    assert back is not None
    assert (back.reason, back.message, back.metadata) == (sent.reason, sent.message, {"rep": "x"})
    assert [(quota.subject, quota.message) for quota in back.quotas] == [("x:day", "3 a day")]
    assert back.retry_after == 5


def test_a_status_of_somebody_else_is_no_refusal_of_ours() -> None:
    status = status_pb2.Status(code=5, message="no")
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="X", domain="example.com"))

    assert refusal_in(status) is None
    assert refusal_in(status_pb2.Status(code=14)) is None


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (failures.StoreUnavailable(), Reason.STORE_UNAVAILABLE),
        (failures.StoreRefused(), Reason.STORE_UNAVAILABLE),
        (failures.StoreFull(), Reason.STORE_FULL),
        (failures.LeaseLost(), Reason.STORE_UNAVAILABLE),
        (failures.DeadlineExceeded(), Reason.DEADLINE_EXCEEDED),
        (failures.VersionsMoved(), Reason.CONTENTION),
        (failures.RequestReused(), Reason.REQUEST_ID_REUSED),
        (failures.CursorTooOld(Cursor("i", 4, "n")), Reason.CURSOR_TOO_OLD),
    ],
    ids=lambda value: type(value).__name__,
)
def test_failures_of_the_store_become_refusals(failure: Exception, reason: Reason) -> None:
    refusal = refusal_of(failure)

    assert refusal is not None
    assert refusal.reason is reason


def test_a_cursor_too_old_tells_the_oldest_one() -> None:
    refusal = refusal_of(failures.CursorTooOld(Cursor("i", 4, "n")))

    assert refusal is not None
    assert refusal.metadata == {"oldest_cursor": "i:4:n"}


@pytest.mark.parametrize(
    "error",
    [
        ValueError("secret"),
        failures.ScriptFailed(),
        failures.StaleStep(),
        PeerRefused("pool", NotAllowed("/x/Y", "you may not")),
        PeerRefused("pool", NotSignedIn()),
    ],
    ids=repr,
)
def test_a_fault_of_ours_is_no_refusal(error: Exception) -> None:
    assert refusal_of(error) is None
