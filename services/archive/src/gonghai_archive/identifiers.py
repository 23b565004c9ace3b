"""What tells a customer apart: telephone numbers, credit codes, e-mail addresses."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import NamedTuple

import phonenumbers
from stdnum.cn import uscc
from stdnum.exceptions import InvalidChecksum, ValidationError

from gonghai_chassis.errors import FieldViolation, InvalidRequest, Reason

HOME_REGION = "CN"
"""Where a telephone number without a country code belongs."""

_EMAIL = re.compile(
    r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
)


class IdentifierKind(StrEnum):
    """What an identifier is; the value is a part of its key in the store."""

    PHONE = "phone"
    CREDIT_CODE = "unified_social_credit_code"
    EMAIL = "email"


class Identifier(NamedTuple):
    """An identifier in its normal form; unique in a tenant.

    Attributes:
        kind: what it is.
        value: E.164 (`+8613812345678`), 18 capitals and digits, or an address in lower case.
    """

    kind: str
    value: str

    def __str__(self) -> str:
        """Write kind and value, which no other identifier has."""
        return f"{self.kind}:{self.value}"


def normalise(kind: IdentifierKind, text: str, field: str) -> str:
    """Return an identifier in its normal form.

    Args:
        kind: what it is.
        text: as a person wrote it: with blanks, full-width characters, in any case.
        field: the path of the request's field, for the refusal.

    Raises:
        InvalidRequest: (INVALID_IDENTIFIER) it does not check.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    match kind:
        case IdentifierKind.PHONE:
            return _phone(plain, field)
        case IdentifierKind.CREDIT_CODE:
            return _credit_code(plain, field)
        case IdentifierKind.EMAIL:
            return _email(plain, field)


def _phone(text: str, field: str) -> str:
    try:
        number = phonenumbers.parse(text, HOME_REGION)
    except phonenumbers.NumberParseException:
        raise _refused(IdentifierKind.PHONE, field, "is no telephone number") from None
    if not phonenumbers.is_valid_number(number):
        raise _refused(IdentifierKind.PHONE, field, "is no telephone number that is in use")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _credit_code(text: str, field: str) -> str:
    kind = IdentifierKind.CREDIT_CODE
    try:
        return uscc.validate(text.upper())
    except InvalidChecksum:
        raise _refused(kind, field, "has a wrong check character (GB 32100-2015)") from None
    except ValidationError:
        message = "is no unified social credit code: 18 digits and capitals (GB 32100-2015)"
        raise _refused(kind, field, message) from None


def _email(text: str, field: str) -> str:
    address = text.lower()
    if not _EMAIL.fullmatch(address):
        raise _refused(IdentifierKind.EMAIL, field, "is no e-mail address")
    return address


def _refused(kind: IdentifierKind, field: str, message: str) -> InvalidRequest:
    return InvalidRequest(
        FieldViolation(field, message),
        reason=Reason.INVALID_IDENTIFIER,
        metadata={"identifier": kind.value},
    )
