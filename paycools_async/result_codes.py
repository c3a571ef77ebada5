"""PayCools' result codes: the error class of each, and the calls that it refuses.

A call that moves money or creates something is refused only by the codes written down here for that kind of call:
the error's outcome is then REJECTED, or DUPLICATE where an earlier attempt is what stands in the way. Under any other
code the outcome is UNKNOWN: a code that does not belong to the call, or that is on no list, proves nothing.

`failedCode` of inquiries and callbacks is another list (`vocabulary.failures.FailedCode`) and is not looked up here.
"""

from __future__ import annotations

import attrs

from . import errors
from .errors import ApiError
from .traits import Purpose

__all__ = ["GLOBAL_CODES", "PH_CODES", "UNLISTED", "Code"]


@attrs.frozen
class Code:
    """One row of PayCools' lists. The meaning is in our words; the message received is on the error."""

    error: type[ApiError]
    meaning: str
    refuses: frozenset[Purpose] = frozenset()
    """The calls that this code refuses. Elsewhere it leaves the outcome unknown."""
    hint: str | None = None
    """What to do, where the error's class does not say it."""


_NONE: frozenset[Purpose] = frozenset()
_ANY = frozenset(Purpose) - {Purpose.READ}
_ORDERS = frozenset(
    {Purpose.PAYOUT, Purpose.PAYMENT, Purpose.ACCOUNT, Purpose.TRANSFER_ACCOUNT, Purpose.CODE, Purpose.OTHER}
)
_PAYOUTS = frozenset({Purpose.PAYOUT, Purpose.OTHER})
_PAYMENTS = frozenset({Purpose.PAYMENT})
_PAYS = frozenset({Purpose.PAYOUT, Purpose.REFUND, Purpose.OTHER})
"""What the merchant's balance pays for."""
_REFUNDS = frozenset({Purpose.REFUND})
_VOIDS = frozenset({Purpose.VOID})
_CHANGES = frozenset({Purpose.CHANGE})
_OF_SOMETHING = frozenset({Purpose.READ, Purpose.REFUND, Purpose.VOID, Purpose.CHANGE})
"""What names a transaction that should be there."""

# "API General Code" (doc.paycools.com). 1514 is in no copy of it.
PH_CODES: dict[int, Code] = {
    1001: Code(errors.AuthenticationError, "merchant appid is invalid", _ANY),
    1002: Code(errors.IpNotAllowedError, "merchant white ip forbidden", _ANY),
    1003: Code(errors.AuthenticationError, "request sign is invalid", _ANY),
    1004: Code(errors.MerchantUnavailable, "merchant unavailable", _ANY),
    1005: Code(errors.MerchantUnavailable, "merchant institute unavailable", _ANY),
    1006: Code(errors.InsufficientBalance, "merchant balance insufficient", _PAYS),
    1007: Code(errors.LimitExceeded, "transaction exceed limit", _ORDERS),
    1008: Code(errors.NotFound, "transaction not found", _OF_SOMETHING),
    1009: Code(errors.InvalidParameter, "request params invalid", _ANY),
    1010: Code(errors.InvalidParameter, "request bank name invalid", _PAYOUTS),
    1011: Code(errors.ChannelUnavailable, "merchant channel unavailable", _ANY),
    1012: Code(errors.DuplicateOrder, "merchant order id is repeat", _ORDERS),
    1013: Code(errors.RateLimited, "merchant access frequency limit", _ANY),
    1014: Code(errors.DuplicateOrder, "merchant payout idempotency repeat", _PAYOUTS),
    1015: Code(errors.InvalidParameter, "request email invalid", _ORDERS),
    1016: Code(errors.InvalidParameter, "request ewallet name invalid", _PAYOUTS),
    # the pages of bills and QR codes (4, 5) list it
    1017: Code(errors.AlreadyExists, "the static virtual account exist", frozenset({Purpose.ACCOUNT, Purpose.CODE})),
    1018: Code(errors.TransientError, "network failed, please retry", _NONE),
    # the page of bank transfers (6.1)
    1019: Code(errors.AlreadyExists, "the bank transfer account exist", frozenset({Purpose.TRANSFER_ACCOUNT})),
    1020: Code(errors.InvalidParameter, "dynamic qrcode amount is null", frozenset({Purpose.CODE})),
    # the refunds' part of the same page. 1501 is about the payment: no page gives it for an inquiry
    1501: Code(errors.NotFound, "the original transaction id not exist", _REFUNDS),
    1502: Code(errors.RefundRefused, "refund is processing", _REFUNDS),
    1503: Code(errors.TransientError, "system error, please contact PayCools", _NONE),
    1504: Code(errors.RefundRefused, "appId is not match", _REFUNDS),
    1505: Code(errors.RefundRefused, "refund is not allowed", _REFUNDS),
    1506: Code(errors.RefundRefused, "the refund amount is greater than the amount that can be refunded", _REFUNDS),
    1507: Code(errors.RefundRefused, "the original transaction channel does not support refunds", _REFUNDS),
    1508: Code(errors.RefundRefused, "the original transaction channel allows one refund only", _REFUNDS),
    1509: Code(errors.RefundRefused, "transactions of more than 60 days ago cannot be refunded", _REFUNDS),
    1510: Code(errors.RefundRefused, "the original transaction channel does not support refund", _REFUNDS),
    1511: Code(errors.RefundRefused, "the original transaction channel does not support partial refund", _REFUNDS),
    1512: Code(errors.RefundRefused, "a full refund must be the same amount as the original transaction", _REFUNDS),
    1513: Code(errors.RefundRefused, "refund amount invalid", _REFUNDS),
    1515: Code(errors.DuplicateOrder, "merchant refund order id is repeat", _REFUNDS),
    1516: Code(errors.RefundRefused, "the original transaction is not completed", _REFUNDS),
}

# "Platform API Error Code" (docs.paycools.com; the void codes are on its newer copy only)
GLOBAL_CODES: dict[int, Code] = {
    # "try again later" does not say that nothing was done
    21000: Code(errors.TransientError, "server error, please try again later", _NONE),
    21001: Code(errors.AuthenticationError, "request sign error", _ANY),
    21002: Code(errors.InvalidParameter, "request param error", _ANY),
    21003: Code(errors.AuthenticationError, "request appId error", _ANY),
    21004: Code(errors.MerchantUnavailable, "merchant is unavailable", _ANY),
    21005: Code(errors.ChannelClosed, "merchant channel is unavailable", _ANY),
    21006: Code(errors.NotFound, "merchant transaction not found", _OF_SOMETHING),
    21007: Code(errors.DuplicateOrder, "duplicate merchant order id", _ORDERS),
    21008: Code(errors.ClockError, "request timestamp error", _ANY),
    21009: Code(errors.ClockError, "request timestamp expired", _ANY),
    21010: Code(errors.LimitExceeded, "the amount exceeds the limit", _ORDERS | _REFUNDS),  # but see families.GLOBAL
    21011: Code(errors.TransientError, "network error", _NONE),
    21012: Code(errors.InvalidParameter, "request bank code error", _PAYOUTS | _PAYMENTS),
    21013: Code(errors.InvalidParameter, "request wallet code error", _PAYOUTS | _PAYMENTS),
    21014: Code(errors.InsufficientBalance, "merchant balance insufficient", _PAYS),
    21015: Code(errors.DuplicateOrder, "duplicate idempotencyId", _PAYOUTS),
    # developer.paycools.com, technical-param-config: it is off until the merchant enables it
    21016: Code(
        errors.IpNotAllowedError,
        "merchant ip forbidden",
        _ANY,
        "you keep the list yourself, in PayCools' dashboard under Developer, App Details, API Key: "
        "add this machine's outbound IP address",
    ),
    21017: Code(errors.MerchantUnavailable, "merchant has not opened this national service", _ANY),
    21018: Code(errors.InvalidParameter, "request transfer code error", _PAYOUTS),
    21019: Code(errors.InvalidParameter, "request pay method code error", _PAYOUTS | _PAYMENTS),
    21020: Code(errors.RateLimited, "too many requests, please retry later", _ANY),
    21021: Code(errors.InvalidParameter, "transaction amount invalid", _ORDERS),
    21022: Code(errors.LimitExceeded, "transaction volume limit", _ORDERS),
    # whether anything is left of the failed creation is not said
    21023: Code(errors.TransientError, "transaction create failed", _NONE),
    21024: Code(errors.InvalidParameter, "invalid access token", _PAYMENTS | {Purpose.CHANGE, Purpose.CONSENT}),
    21025: Code(ApiError, "not allowed to cancel", _CHANGES),
    # the payer's balance; whether the payment is there, and failed, is not said
    21026: Code(ApiError, "customer balance not enough", _NONE),
    21027: Code(errors.LimitExceeded, "transaction creation exceeds limit", _ORDERS),
    21028: Code(ApiError, "transaction already paid or closed", _CHANGES),
    21401: Code(errors.RefundRefused, "refund is processing", _REFUNDS),
    21402: Code(errors.RefundRefused, "not allowed to refund", _REFUNDS),
    21403: Code(errors.RefundRefused, "transactions of more than 60 days ago cannot be refunded", _REFUNDS),
    21404: Code(errors.RefundRefused, "the original transaction channel does not support full refund", _REFUNDS),
    21405: Code(errors.RefundRefused, "the original transaction channel does not support partial refund", _REFUNDS),
    21406: Code(errors.RefundRefused, "refund amount invalid", _REFUNDS),
    21407: Code(errors.DuplicateOrder, "mchRefundOrderId is repeat", _REFUNDS),
    21408: Code(errors.RefundRefused, "the original transaction is not completed", _REFUNDS),
    21409: Code(errors.RefundRefused, "the original transaction has a pending refund already", _REFUNDS),
    # in the Malaysian edition 215xx is "server error" (docs.paycools.com.my), which proves nothing of a payout
    21500: Code(errors.RefundRefused, "the original transaction was no success", _VOIDS),
    21501: Code(errors.RefundRefused, "cannot reverse", _VOIDS),
    21502: Code(errors.RefundRefused, "the original transaction has been settled", _VOIDS),
    21503: Code(errors.RefundRefused, "cannot void after the day of payment", _VOIDS),
    21504: Code(errors.RefundRefused, "the original transaction has been voided already", _VOIDS),
    21505: Code(errors.DuplicateOrder, "duplicate mchVoidOrderId", _VOIDS),
}


UNLISTED = Code(ApiError, "unlisted code")
