"""What the country files share: mobile numbers, and the fields of a payment."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from ...endpoint import GlobalRequest, shared
from ...errors import FieldError
from ...fields import EMAIL, URL, code, minor_units, mobile_form, order_id, text
from ..base import GlobalPaymentReceipt

__all__ = [
    "ID_MOBILE",
    "MY_MOBILE",
    "TH_MOBILE",
    "CountryPayment",
    "id_mobile",
    "my_mobile",
    "national",
    "th_mobile",
]


def national(prefix: str, own: str) -> Callable[[Any], Any]:
    """A converter: the national form (0..) of a mobile number given with its country's prefix.

    Anything else comes back as it is and is refused by the rule: a number is never padded and never cut.
    """
    pattern = re.compile(rf"\+?{prefix}({own})", re.ASCII)

    def convert(value: Any) -> Any:
        """The national form, where the value is one of the international ones; else the value as it is."""
        match = pattern.fullmatch(value) if isinstance(value, str) else None
        return "0" + match[1] if match else value

    return convert


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


ID_MOBILE = mobile_form("08[0-9]{8,11}", "is no Indonesian mobile number (08 and 8 to 11 more digits)")
id_mobile: Callable[[Any], Any] = national("62", "8[0-9]{8,11}")

MY_MOBILE = mobile_form("01[0-9]{8,9}", "is no Malaysian mobile number (01 and 8 or 9 more digits)")
my_mobile: Callable[[Any], Any] = national("60", "1[0-9]{8,9}")

TH_MOBILE = mobile_form("0[689][0-9]{8}", "is no Thai mobile number (06, 08 or 09 and eight more digits)")
th_mobile: Callable[[Any], Any] = national("66", "[689][0-9]{8}")
