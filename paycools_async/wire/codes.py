"""PayCools' result codes and the error classes they become (PayCools, "API General Code")."""

from __future__ import annotations

from .. import errors
from ..errors import ApiError

__all__ = ["PH_CODES", "error_for"]

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


def error_for(code: int, message: str) -> ApiError:
    """The error of a code; an unlisted one is a plain ApiError."""
    kind, meaning = PH_CODES.get(code, (ApiError, "unlisted code"))
    return kind(code, message or meaning)
