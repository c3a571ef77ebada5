"""What the country files share: rules of fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import FieldError
from .common import idempotency_id_for

__all__ = [
    "ID_MOBILE",
    "MY_MOBILE",
    "TH_MOBILE",
    "days_in_order",
    "default_idempotency_id",
    "id_mobile",
    "my_mobile",
    "national",
    "needs_redirect_url",
    "th_mobile",
]


def national(prefix: str, own: str) -> Callable[[Any], Any]:
    """A converter: the national form (0..) of a mobile number given with its country's prefix.

    Anything else comes back as it is and is refused by the rule: a number is never padded and never cut.
    """
    pattern = re.compile(rf"\+?{prefix}({own})", re.ASCII)

    def convert(value: Any) -> Any:
        match = pattern.fullmatch(value) if isinstance(value, str) else None
        return "0" + match[1] if match else value

    return convert


def default_idempotency_id(request: Any) -> str | None:
    """Made from the order id: a second attempt can never count as another payout."""
    return idempotency_id_for(request.mch_order_id) if isinstance(request.mch_order_id, str) else None


def needs_redirect_url(channel_code: Any, redirect_url: str | None) -> Iterator[FieldError]:
    """The pages require it for channels of the kind URL; that these are the codes ending in _URL is inferred."""
    if redirect_url is None and isinstance(channel_code, str) and channel_code.endswith("_URL"):
        yield FieldError("redirect_url", "is required for channels of the kind URL")


def days_in_order(start: Any, end: Any) -> Iterator[FieldError]:
    """Days are compared as the texts that travel."""
    if isinstance(start, str) and isinstance(end, str) and start > end:
        yield FieldError("end_date", "is before start_date")


ID_MOBILE = (re.compile(r"08[0-9]{8,11}", re.ASCII), "is no Indonesian mobile number (08 and 8 to 11 more digits)")
id_mobile = national("62", "8[0-9]{8,11}")

MY_MOBILE = (re.compile(r"01[0-9]{8,9}", re.ASCII), "is no Malaysian mobile number (01 and 8 or 9 more digits)")
my_mobile = national("60", "1[0-9]{8,9}")

TH_MOBILE = (re.compile(r"0[689][0-9]{8}", re.ASCII), "is no Thai mobile number (06, 08 or 09 and eight more digits)")
th_mobile = national("66", "[689][0-9]{8}")
