"""What a descriptor says of its endpoint: how sure it is, what a call does, what it is for, its form on the wire."""

from __future__ import annotations

import enum
from typing import Final

__all__ = [
    "ACCOUNT",
    "CHANGE",
    "CODE",
    "CONSENT",
    "CREATES",
    "DOCUMENTED",
    "INFERRED",
    "MOVES_MONEY",
    "OBSERVED",
    "PAYMENT",
    "PAYOUT",
    "REFUND",
    "TRANSFER_ACCOUNT",
    "UNPUBLISHED",
    "Effect",
    "Provenance",
    "Purpose",
    "Wire",
    "effect_of",
    "purpose_of",
]


class Provenance(enum.Enum):
    """How sure the endpoint's path is."""

    DOCUMENTED = "documented"
    OBSERVED = "observed"
    """Seen in an integrator's traffic."""
    INFERRED = "inferred"
    """From a sibling page; the first use warns."""
    UNPUBLISHED = "unpublished"
    """In no public document; needs `paths=`."""


class Effect(enum.Enum):
    """What sending a request does; decides whether an unclear outcome may be retried."""

    READS = "reads"
    CREATES = "creates"
    MOVES_MONEY = "moves_money"


class Purpose(enum.Enum):
    """What a call is for; decides which of PayCools' codes are a refusal of it (see `result_codes`)."""

    READ = "read"
    PAYOUT = "payout"
    PAYMENT = "payment"
    """One payment by a customer, debits by token included."""
    REFUND = "refund"
    VOID = "void"
    ACCOUNT = "account"
    """A static account or code that customers pay to again and again."""
    TRANSFER_ACCOUNT = "transfer_account"
    CODE = "code"
    """A QR code of the PH API."""
    CONSENT = "consent"
    """A customer's agreement to direct debits."""
    CHANGE = "change"
    """Something that is there is closed, cancelled or updated."""
    OTHER = "other"
    """Not known: `call` without a class."""


# the members that descriptors name, so that a descriptor can be taken in at one glance
DOCUMENTED: Final = Provenance.DOCUMENTED
OBSERVED: Final = Provenance.OBSERVED
INFERRED: Final = Provenance.INFERRED
UNPUBLISHED: Final = Provenance.UNPUBLISHED
CREATES: Final = Effect.CREATES
MOVES_MONEY: Final = Effect.MOVES_MONEY
PAYOUT: Final = Purpose.PAYOUT
PAYMENT: Final = Purpose.PAYMENT
REFUND: Final = Purpose.REFUND
ACCOUNT: Final = Purpose.ACCOUNT
TRANSFER_ACCOUNT: Final = Purpose.TRANSFER_ACCOUNT
CODE: Final = Purpose.CODE
CONSENT: Final = Purpose.CONSENT
CHANGE: Final = Purpose.CHANGE


def purpose_of(effect: Effect) -> Purpose:
    """What a call is for where nothing else says it."""
    return Purpose.READ if effect is Effect.READS else Purpose.OTHER


_MAKES = frozenset({Purpose.ACCOUNT, Purpose.TRANSFER_ACCOUNT, Purpose.CODE, Purpose.CONSENT, Purpose.CHANGE})


def effect_of(purpose: Purpose) -> Effect:
    """What a call for this purpose does where nothing else says it: the most that it may do."""
    if purpose is Purpose.READ:
        return Effect.READS
    return Effect.CREATES if purpose in _MAKES else Effect.MOVES_MONEY


class Wire(enum.Enum):
    """The request's form on the wire. An endpoint knows its own; nobody chooses one by hand."""

    FLAT = "flat"
    """Flat JSON, or the query string for GET, with `appId` and `sign` among the fields."""
    HYBRID = "hybrid"
    """`{appId, param, sign}`: the request's fields travel as one JSON text, and the flat rule signs the outer ones."""
    ENVELOPED = "enveloped"
    """`{appId, param, sign}`: the request's fields travel as one JSON text, and that very text alone is signed."""
