"""What the country files share: the fields of a payment."""

from __future__ import annotations

from collections.abc import Iterator

from ...endpoint import GlobalRequest, shared
from ...errors import FieldError
from ...fields import EMAIL, URL, code, minor_units, order_id, text
from ..base import GlobalPaymentReceipt

__all__ = ["CountryPayment"]


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
