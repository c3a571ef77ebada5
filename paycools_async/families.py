"""The two APIs, PH and GLOBAL: all that holds for every endpoint of one and not of the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

from .errors import ApiError, NotFound
from .result_codes import GLOBAL_CODES, PH_CODES, UNLISTED, Code
from .traits import Purpose, Wire

__all__ = ["FAMILIES", "GLOBAL", "PH", "Family", "FamilyName", "error_for"]

FamilyName = Literal["ph", "global"]


@attrs.frozen(kw_only=True)
class Family:
    """One of PayCools' two APIs."""

    name: FamilyName
    wire: Wire
    """Of its endpoints, unless one says otherwise; so are the next two."""
    success_codes: frozenset[int]
    client_fields: tuple[str, ...]
    """The wire fields that the client fills in besides `appId` and `sign`."""
    codes: Mapping[int, Code] = attrs.field(repr=False)
    """What each result code means, and which calls it refuses."""
    not_found_code: int
    also_not_found: frozenset[int] = frozenset()
    """Codes that mean `not_found_code` where the message says "not found"."""
    data_as_text: bool = False
    """Whether an answer's `data` may be JSON in a text, too."""
    untrusted_codes: frozenset[int] = frozenset()
    """The other API's success: it proves nothing here."""
    call_success_codes: frozenset[int]
    """Success for `call`, which knows no endpoint's own; `call_client_fields` likewise."""
    call_client_fields: tuple[str, ...]
    acknowledgement: bytes = attrs.field(repr=False)
    """The body that acknowledges a callback."""

    def code(self, code: int, message: str) -> Code:
        """What is known of a result code; the message decides where a code has two meanings."""
        if code in self.also_not_found and "not found" in message.lower():
            code = self.not_found_code
        return self.codes.get(code, UNLISTED)

    def error_for(self, code: int, message: str, purpose: Purpose = Purpose.READ) -> ApiError:
        """The error of a code in answer to a call of this purpose; an unlisted code's is a plain ApiError."""
        row = self.code(code, message)
        kind, refused = row.error, purpose in row.refuses
        if kind is NotFound and not refused:
            kind = ApiError  # "not found" is believed where it is the call's own code
        error = kind(code, message or row.meaning)
        if row.hint is not None:
            error = error.with_context(hint=row.hint)
        return error if refused or purpose is Purpose.READ else error.doubted()


PH = Family(
    name="ph",
    wire=Wire.FLAT,
    success_codes=frozenset({1000}),
    client_fields=(),
    codes=PH_CODES,
    not_found_code=1008,
    call_success_codes=frozenset({1, 1000}),  # checkout answers 1
    call_client_fields=("appName",),
    acknowledgement=b'{"code":1,"msg":"success","data":{}}',  # documented: code 1, not 1000, and `msg`, not `message`
)

GLOBAL = Family(
    name="global",
    wire=Wire.ENVELOPED,
    success_codes=frozenset({10000}),
    client_fields=("timestamp",),
    codes=GLOBAL_CODES,
    not_found_code=21006,
    # The code list says "the amount exceeds the limit", the sample answers of every inquiry page "transaction not
    # found". The words have to say it: an amount over the limit that passed for an unknown order would be paid again.
    also_not_found=frozenset({21010}),
    # developer.paycools.com prints it so; every other page prints an object
    data_as_text=True,
    # Two single-country pages print 1000 and "success" under a payout that was taken; it must never pass for a refusal.
    untrusted_codes=frozenset({1000}),
    call_success_codes=frozenset({10000}),
    call_client_fields=("timestamp",),
    acknowledgement=b'{"code":10000,"message":"Success"}',  # documented
)

FAMILIES: Mapping[FamilyName, Family] = {each.name: each for each in (PH, GLOBAL)}


def error_for(code: int, message: str, family: FamilyName = "ph", purpose: Purpose = Purpose.READ) -> ApiError:
    """`Family.error_for` of the API with this name."""
    return FAMILIES[family].error_for(code, message, purpose)
