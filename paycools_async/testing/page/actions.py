"""What a person does on the page, and a program by way of /_sandbox/: pay, authorize, set up a fault."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, get_args

from ..fake import FakePayCools
from ..faults import Fault, Kind
from ..server import direct_debit
from ..server.direct_debit import DirectDebitRecords
from ..server.merchant import Merchant, Refusal

__all__ = ["act", "authorize"]


class _NotDone(Exception):
    """Why nothing was done."""


async def act(fake: FakePayCools, form: Mapping[str, Any]) -> str:
    """Do what a form of the page asks for; what came of it, for people."""
    asked = {name: value for name, value in form.items() if isinstance(value, str)}
    try:
        return await _done(fake, asked)
    except _NotDone as error:
        return f"Not done: {error}"
    except LookupError as error:
        return f"Not done: {error.args[0]}"
    except Refusal as refusal:
        return f"Refused: {refusal.code} {refusal.message}"


async def _done(fake: FakePayCools, asked: dict[str, str]) -> str:
    what = asked.get("do")
    if what == "pay":
        reference, amount = asked.get("reference", ""), _number(asked, "amount", int)
        await fake.pay(reference, amount)
        return f"Paid: {amount} to {reference}"
    if what == "authorize":
        request_id, answer = asked.get("request_id", ""), asked.get("answer", "")
        authorize(fake, request_id, answer)
        return f"{'Authorized' if answer == 'yes' else 'Not authorized'}: {request_id}"
    if what == "fault":
        fault = _fault(asked)
        try:
            fake.faults.add(fault)
        except ValueError as error:
            raise _NotDone(str(error)) from None
        return f"Set up: {fault.kind}"
    if what == "clear":
        fake.faults.clear()
        return "No more faults"
    raise _NotDone("the page knows no such thing")


def authorize(fake: FakePayCools, request_id: str, answer: str) -> str | None:
    """A customer says "yes" or "no" to a direct debit: the token of a yes. Raises LookupError, ValueError."""
    if answer not in ("yes", "no"):
        raise ValueError('answer: "yes" or "no"')
    merchant = _merchant_of(fake, request_id)
    if answer == "yes":
        return direct_debit.customer_authorizes(merchant, request_id)
    direct_debit.customer_refuses(merchant, request_id)
    return None


def _merchant_of(fake: FakePayCools, request_id: str) -> Merchant:
    for merchant in fake.merchants.values():
        if request_id in merchant.of(DirectDebitRecords).authorizations:
            return merchant
    raise LookupError(f"nobody was asked to authorize {request_id!r}")


def _fault(asked: dict[str, str]) -> Fault:
    kind: Any = asked.get("kind")
    if kind not in get_args(Kind):
        raise _NotDone(f"a fault is one of {', '.join(get_args(Kind))}")
    rate = _number(asked, "rate", float)
    seconds = _number(asked, "seconds", float)
    if not 0 <= rate <= 1 or not 0 <= seconds <= 600:
        raise _NotDone("a share is 0 to 1, a delay 0 to 600 seconds")
    only = asked.get("only", "").strip() or None
    count = _number(asked, "next", int)
    if not rate and not count:
        raise _NotDone("say how often: a share, or a number of requests")
    return Fault(kind=kind, rate=rate, next=count, seconds=seconds, only=only)


def _number(asked: dict[str, str], name: str, kind: Callable[[str], Any]) -> Any:
    try:
        found = kind(asked.get(name) or "0")
    except ValueError:
        raise _NotDone(f"{name}: is no number") from None
    if not math.isfinite(found) or found < 0 or found > 10**15:
        raise _NotDone(f"{name}: is out of bounds")
    return found
