"""PayCools' result codes and the error classes they become (PayCools, "API General Code")."""

from __future__ import annotations

from typing import Literal

from .. import errors
from ..errors import ApiError

__all__ = ["GLOBAL_CODES", "PH_CODES", "error_for"]

PH_CODES: dict[int, tuple[type[ApiError], str]] = {
    1001: (errors.AuthenticationError, "merchant appid is invalid"),
    1002: (errors.IpNotAllowedError, "merchant white ip forbidden"),
    1003: (errors.AuthenticationError, "request sign is invalid"),
    1004: (errors.MerchantUnavailable, "merchant unavailable"),
    1005: (errors.MerchantUnavailable, "merchant institute unavailable"),
    1006: (errors.InsufficientBalance, "merchant balance insufficient"),
    1007: (errors.LimitExceeded, "transaction exceed limit"),
    1008: (errors.NotFound, "transaction not found"),
    1009: (errors.InvalidParameter, "request params invalid"),
    1010: (errors.InvalidParameter, "request bank name invalid"),
    1011: (errors.ChannelUnavailable, "merchant channel unavailable"),
    1012: (errors.DuplicateOrder, "merchant order id is repeat"),
    1013: (errors.RateLimited, "merchant access frequency limit"),
    1014: (errors.DuplicateOrder, "merchant payout idempotency repeat"),
    1015: (errors.InvalidParameter, "request email invalid"),
    1016: (errors.InvalidParameter, "request ewallet name invalid"),
    1017: (errors.AlreadyExists, "the static virtual account exist"),
    1018: (errors.TransientError, "network failed, please retry"),
    1019: (errors.AlreadyExists, "the bank transfer account exist"),
    1020: (errors.InvalidParameter, "dynamic qrcode amount is null"),
    1501: (errors.NotFound, "the original transaction id not exist"),
    1502: (errors.RefundRefused, "refund is processing"),
    1503: (errors.TransientError, "system error, please contact PayCools"),
    1504: (errors.RefundRefused, "appId is not match"),
    1505: (errors.RefundRefused, "refund is not allowed"),
    1506: (errors.RefundRefused, "the refund amount is greater than the amount that can be refunded"),
    1507: (errors.RefundRefused, "the original transaction channel does not support refunds"),
    1508: (errors.RefundRefused, "the original transaction channel allows one refund only"),
    1509: (errors.RefundRefused, "transactions of more than 60 days ago cannot be refunded"),
    1510: (errors.RefundRefused, "the original transaction channel does not support refund"),
    1511: (errors.RefundRefused, "the original transaction channel does not support partial refund"),
    1512: (errors.RefundRefused, "a full refund must be the same amount as the original transaction"),
    1513: (errors.RefundRefused, "refund amount invalid"),
    1515: (errors.DuplicateOrder, "merchant refund order id is repeat"),
    1516: (errors.RefundRefused, "the original transaction is not completed"),
}
"""1514 is in no copy of the documents. Messages are ours; the one received is on the error."""

GLOBAL_CODES: dict[int, tuple[type[ApiError], str]] = {
    # "try again later" does not say that nothing was done
    21000: (errors.TransientError, "server error, please try again later"),
    21001: (errors.AuthenticationError, "request sign error"),
    21002: (errors.InvalidParameter, "request param error"),
    21003: (errors.AuthenticationError, "request appId error"),
    21004: (errors.MerchantUnavailable, "merchant is unavailable"),
    21005: (errors.ChannelUnavailable, "merchant channel is unavailable"),
    21006: (errors.NotFound, "merchant transaction not found"),
    21007: (errors.DuplicateOrder, "duplicate merchant order id"),
    21008: (errors.InvalidParameter, "request timestamp error; is this machine's clock right?"),
    21009: (errors.InvalidParameter, "request timestamp expired; is this machine's clock right?"),
    21010: (errors.LimitExceeded, "the amount exceeds the limit"),  # see _not_found
    21011: (errors.TransientError, "network error"),
    21012: (errors.InvalidParameter, "request bank code error"),
    21013: (errors.InvalidParameter, "request wallet code error"),
    21014: (errors.InsufficientBalance, "merchant balance insufficient"),
    21015: (errors.DuplicateOrder, "duplicate idempotencyId"),
    21016: (errors.IpNotAllowedError, "merchant ip forbidden"),
    21017: (errors.MerchantUnavailable, "merchant has not opened this national service"),
    21018: (errors.InvalidParameter, "request transfer code error"),
    21019: (errors.InvalidParameter, "request pay method code error"),
    21020: (errors.RateLimited, "too many requests, please retry later"),
    21021: (errors.InvalidParameter, "transaction amount invalid"),
    21022: (errors.LimitExceeded, "transaction volume limit"),
    # whether anything is left of the failed creation is not said, so its outcome is not known
    21023: (errors.TransientError, "transaction create failed"),
    21024: (errors.InvalidParameter, "invalid access token"),
    21025: (ApiError, "not allowed to cancel"),
    21026: (ApiError, "customer balance not enough"),  # the payer's, not the merchant's
    21027: (errors.LimitExceeded, "transaction creation exceeds limit"),
    21028: (ApiError, "transaction already paid or closed"),
    21401: (errors.RefundRefused, "refund is processing"),
    21402: (errors.RefundRefused, "not allowed to refund"),
    21403: (errors.RefundRefused, "transactions of more than 60 days ago cannot be refunded"),
    21404: (errors.RefundRefused, "the original transaction channel does not support full refund"),
    21405: (errors.RefundRefused, "the original transaction channel does not support partial refund"),
    21406: (errors.RefundRefused, "refund amount invalid"),
    21407: (errors.DuplicateOrder, "mchRefundOrderId is repeat"),
    21408: (errors.RefundRefused, "the original transaction is not completed"),
    21409: (errors.RefundRefused, "the original transaction has a pending refund already"),
    # voids; the Malaysian edition is said to keep 215xx for codes of its own: there the message is all there is
    21500: (errors.RefundRefused, "the original transaction was no success"),
    21501: (errors.RefundRefused, "cannot reverse"),
    21502: (errors.RefundRefused, "the original transaction has been settled"),
    21503: (errors.RefundRefused, "cannot void after the day of payment"),
    21504: (errors.RefundRefused, "the original transaction has been voided already"),
    21505: (errors.DuplicateOrder, "duplicate mchVoidOrderId"),
}
"""The Global API's ("Platform API Error Code"). Messages are ours; the one received is on the error."""


def _not_found(code: int, message: str) -> bool:
    """Whether 21010 has its older meaning.

    The code list says "the amount exceeds the limit", the sample answers of every inquiry page "transaction not found".
    The words have to say it: an amount over the limit that passed for an unknown order would be paid again.
    """
    return code == 21010 and "not found" in message.lower()


def error_for(code: int, message: str, family: Literal["ph", "global"] = "ph") -> ApiError:
    """The error of a code; an unlisted one is a plain ApiError."""
    if family == "global" and _not_found(code, message):
        return errors.NotFound(code, message)
    codes = GLOBAL_CODES if family == "global" else PH_CODES
    kind, meaning = codes.get(code, (ApiError, "unlisted code"))
    return kind(code, message or meaning)
