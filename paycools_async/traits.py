"""What a descriptor says of its endpoint: how sure it is, what a call does, what it is for, its form on the wire."""

from __future__ import annotations

import enum

__all__ = ["Effect", "Provenance", "Purpose", "Wire", "purpose_of"]


class Provenance(enum.Enum):
    """How sure the endpoint's path is."""

    DOCUMENTED = "documented"
    OBSERVED = "observed"
    """Seen in an integrator's traffic."""
    INFERRED = "inferred"
    """From a twin; the first use warns."""
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


def purpose_of(effect: Effect) -> Purpose:
    """What a call is for where nothing else says it."""
    return Purpose.READ if effect is Effect.READS else Purpose.OTHER


class Wire(enum.Enum):
    """The request's form on the wire. An endpoint knows its own; nobody chooses one by hand."""

    FLAT = "flat"
    """Flat JSON, or the query string for GET, with `appId` and `sign` among the fields."""
    HYBRID = "hybrid"
    """`{appId, param, sign}`: the request's fields travel as one JSON text, and the flat rule signs the outer ones."""
    ENVELOPED = "enveloped"
    """`{appId, param, sign}`: the request's fields travel as one JSON text, and that very text alone is signed."""
