"""Rules between the fields of a request, as both APIs have them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import FieldError

__all__ = ["days_in_order", "one_given", "os_type_with_wap", "paylater_needs"]


def one_given(request: Any, *names: str) -> Iterator[FieldError]:
    """At least one of the fields has to be given."""
    if all(getattr(request, name) is None for name in names):
        yield FieldError(names[0], f"give {' or '.join(names)}")


def days_in_order(start: Any, end: Any) -> Iterator[FieldError]:
    """Days are compared as the texts that travel."""
    if isinstance(start, str) and isinstance(end, str) and start > end:
        yield FieldError("end_date", "is before start_date")


def os_type_with_wap(request: Any) -> Iterator[FieldError]:
    """A page for mobile browsers needs to know the system; one edition of the page wants it with APP too."""
    if request.terminal_type == "WAP" and request.os_type is None:
        yield FieldError("os_type", "is required when terminal_type is WAP")


def paylater_needs(request: Any) -> Iterator[FieldError]:
    """What a checkout of either API needs as soon as PAYLATER is one of its types: the payer may choose it."""
    types = request.channel_type_list
    if isinstance(types, list) and "PAYLATER" in types:
        for name in ("goods_details", "billing_address"):
            if getattr(request, name) is None:
                yield FieldError(name, "is required for PAYLATER")
