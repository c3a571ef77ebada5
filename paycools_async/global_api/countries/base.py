"""What the country files share: the fields of a payment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import attrs

from ...endpoint import GlobalRequest, shared
from ...errors import FieldError
from ...fields import EMAIL, URL, code, minor_units, order_id, text
from ...vocabulary.idempotency import default_idempotency_id
from ..base import GlobalPaymentReceipt

__all__ = ["CountryPayment", "CountryPayout", "OrderInquiry"]

R = TypeVar("R")


@shared
class OrderInquiry(GlobalRequest[R]):
    """A request about an order by your id. Creation takes 1 to 32 characters, so this does, where a page says 10."""

    mch_order_id: str = order_id()


@shared
class CountryPayout(GlobalRequest[R]):
    """What a payout begins with in most countries. The pages' texts and tables differ in lengths: the wider."""

    mch_order_id: str = order_id()
    idempotency_id: str = order_id(10, 32, default=attrs.Factory(default_idempotency_id, takes_self=True))
    amount: int = minor_units(1)


@shared
class CountryPayment(GlobalRequest[GlobalPaymentReceipt]):
    """What a single payment needs in every country; each adds its own rule for `mobile`."""

    mch_order_id: str = order_id()
    amount: int = minor_units(1)
    customer_name: str = text(1, 128, personal=True)
    channel_code: str = code()
    notify_url: str = text(1, 256, pattern=URL)
    redirect_url: str | None = text(1, 512, pattern=URL, default=None)
    email: str = text(1, 128, pattern=EMAIL, personal=True)
    remark: str | None = text(1, 256, default=None)

    def _cross_checks(self) -> Iterator[FieldError]:
        # the pages require it for channels of the kind URL; that these are the codes ending in _URL is inferred
        if self.redirect_url is None and isinstance(self.channel_code, str) and self.channel_code.endswith("_URL"):
            yield FieldError("redirect_url", "is required for channels of the kind URL")
