"""Static codes: one code, many payments of any amount. What all countries share."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypeVar

import attrs

from ...endpoint import GlobalRequest, result, shared
from ...enums import OpenEnum
from ...errors import FieldError
from ...fields import EMAIL, URL, code, day, extra_fields, order_id, text
from ...vocabulary import results
from ...vocabulary.checks import days_in_order
from ...vocabulary.statuses import TransactionStatus
from ..base import ChannelType, GlobalResult

__all__ = [
    "StaticCode",
    "StaticCodeStatus",
    "StaticPayment",
]

R = TypeVar("R")


class StaticCodeStatus(OpenEnum):
    """Whether a static code takes payments. Only CANCEL is documented; a relative of the pages has ACTIVE."""

    ACTIVE = "ACTIVE"
    CANCEL = "CANCEL"
    """What a cancellation answers."""


@result
class StaticCode(GlobalResult):
    """A code that stands for good and takes many payments.

    `pay_data` is a QR text, a virtual account's number or a URL, as `channel_type` says.
    """

    mch_order_id: str
    pay_data: str | None = None
    channel_code: str | None = None
    channel_type: ChannelType | None = None
    status: StaticCodeStatus | None = None
    create_time: datetime | None = None
    expires_time: datetime | None = None
    """In the answer of a cancellation only."""


@result
class StaticPayment(GlobalResult, results.Transaction):
    """One payment that a static code received; `transaction_id` is its key.

    No page of the static list is public: these are the fields of its relatives in Thailand and Indonesia.
    `transaction_amount` in minor units (whole rupiah in Indonesia).
    """

    transaction_amount: int | None = None
    transaction_status: TransactionStatus | None = None
    mch_order_id: str | None = None
    reference_number: str | None = attrs.field(default=None, repr=False)
    """The number paid to, in Indonesia's relative."""


@shared
class StaticCodeOrder(GlobalRequest[R]):
    """What a new static code needs in every country; each adds its own rule for `mobile`."""

    mch_order_id: str = order_id()
    customer_name: str = text(1, 128, personal=True)
    channel_code: str = code()
    # the Philippine example leaves it out, its table requires it: without it nobody would hear of the payments
    notify_url: str = text(1, 256, pattern=URL)
    email: str = text(1, 128, pattern=EMAIL, personal=True)
    remark: str | None = text(1, 256, default=None)
    pay_mode: str | None = code(default=None)


@shared
class StaticCodeInquiry(GlobalRequest[R]):
    """The fields of every country's inquiry for a code."""

    mch_order_id: str = order_id()
    extra: dict[str, Any] = extra_fields(factory=dict)


@shared
class StaticPaymentsInquiry(GlobalRequest[R]):
    """The fields of every country's inquiry for the payments on a code."""

    mch_order_id: str = order_id()
    start_date: str | None = day(default=None)
    end_date: str | None = day(default=None)
    extra: dict[str, Any] = extra_fields(factory=dict)

    def _cross_checks(self) -> Iterator[FieldError]:
        return days_in_order(self.start_date, self.end_date)
