"""Authorizations of direct debits and the debits themselves, which both APIs' fakes share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs

from .merchant import Merchant, Refusal
from .payments import SITE
from .settlement import Settlement, Settles, completes

__all__ = [
    "DirectDebitRecords",
    "FakeAuthorization",
    "FakeDebit",
    "authorize",
    "cancel",
    "customer_authorizes",
    "customer_cancels",
    "customer_refuses",
    "token_fields",
    "tokens_of",
]

TEN_YEARS = 3650 * 86_400.0


@attrs.define(kw_only=True)
class FakeAuthorization:
    """What a customer was asked, and the token of a yes."""

    user_id: str
    request_id: str
    channel_code: str
    country_code: str
    pay_token: str | None = None
    expires: float = 0.0
    inactive: float | None = None
    inactive_type: str | None = None

    def ended(self, now: float) -> tuple[float, str] | None:
        """When and by whom the authorization ended, if it did."""
        if self.inactive is not None:
            return self.inactive, self.inactive_type or ""
        return (self.expires, "EXPIRED") if now >= self.expires else None


@attrs.frozen(kw_only=True)
class FakeDebit(Settles):
    """Money taken by token (or, FAILED, not taken)."""

    fields: dict[str, Any] = attrs.field(repr=False)


@attrs.define
class DirectDebitRecords:
    """Authorizations and debits. `decide` chooses how a debit ends; `settle_after` seconds later it does."""

    authorizations: dict[str, FakeAuthorization] = attrs.field(factory=dict)
    """By request id."""
    tokens: dict[str, FakeAuthorization] = attrs.field(factory=dict)
    debits: dict[str, FakeDebit] = attrs.field(factory=dict)
    """By PayCools' id."""
    order_ids: set[str] = attrs.field(factory=set)
    decide: Callable[[dict[str, Any]], Settlement] = completes
    settle_after: float = 0.0
    valid_for: float = TEN_YEARS
    """Seconds until a token expires."""


def authorize(merchant: Merchant, fields: dict[str, Any], *, code: int) -> dict[str, Any]:
    """Take up a request for a customer's yes, and give the answer's data. A repeated request is refused with `code`."""
    known = merchant.of(DirectDebitRecords).authorizations
    if fields["requestId"] in known:
        raise Refusal(code, "requestId:is repeat")
    asked = known[fields["requestId"]] = FakeAuthorization(
        user_id=fields["userId"],
        request_id=fields["requestId"],
        channel_code=fields["channelCode"],
        country_code=fields["countryCode"],
    )
    return {
        "userId": asked.user_id,
        "requestId": asked.request_id,
        "channelCode": asked.channel_code,
        "authUrl": f"{SITE}authorize/{asked.request_id}",
    }


def tokens_of(merchant: Merchant, fields: dict[str, Any]) -> Iterator[tuple[str, FakeAuthorization]]:
    """The customer's tokens, or the one that is asked for."""
    for token, authorization in merchant.of(DirectDebitRecords).tokens.items():
        if authorization.user_id == fields["userId"] and fields.get("payToken") in (None, token):
            yield token, authorization


def cancel(merchant: Merchant, fields: dict[str, Any], *, unknown: Refusal) -> None:
    """The merchant ends an authorization."""
    authorization = merchant.of(DirectDebitRecords).tokens.get(fields["payToken"])
    if authorization is None or authorization.user_id != fields["userId"]:
        raise unknown
    if authorization.ended(merchant.clock.time()) is None:
        _end(merchant, authorization, "MCH_CANCEL")


def customer_authorizes(merchant: Merchant, request_id: str) -> str:
    """The simulated customer says yes on the page of this request: the token, which the notification brings too."""
    records = merchant.of(DirectDebitRecords)
    asked = records.authorizations[request_id]
    if asked.pay_token is None:
        asked.pay_token = merchant.new_id("TK")
        asked.expires = merchant.clock.time() + records.valid_for
        records.tokens[asked.pay_token] = asked
        merchant.notify(_authorization_callback(merchant, asked, "token.create.success"))
    return asked.pay_token


def customer_refuses(merchant: Merchant, request_id: str) -> None:
    """The simulated customer says no."""
    asked = merchant.of(DirectDebitRecords).authorizations[request_id]
    merchant.notify(_authorization_callback(merchant, asked, "token.create.failed"))


def customer_cancels(merchant: Merchant, pay_token: str) -> None:
    """The simulated customer ends the authorization."""
    _end(merchant, merchant.of(DirectDebitRecords).tokens[pay_token], "USER_CANCEL")


def _end(merchant: Merchant, authorization: FakeAuthorization, by: str) -> None:
    authorization.inactive, authorization.inactive_type = merchant.clock.time(), by
    merchant.notify(_authorization_callback(merchant, authorization, "token.cancel.success"))


def token_fields(merchant: Merchant, authorization: FakeAuthorization) -> dict[str, Any]:
    """What both APIs say of a token."""
    ended = authorization.ended(merchant.clock.time())
    return {
        "tokenStatus": "INACTIVED" if ended else "ACTIVED",
        "expiresTime": merchant.when(authorization.expires),
        **({"inactiveTime": merchant.when(ended[0]), "inactiveType": ended[1]} if ended else {}),
    }


def _authorization_callback(merchant: Merchant, authorization: FakeAuthorization, event: str) -> dict[str, Any]:
    token = authorization.pay_token
    return {
        "channelCode": authorization.channel_code,
        "countryCode": authorization.country_code,
        "eventName": event,
        "requestId": authorization.request_id,
        "userId": authorization.user_id,
        **({"paytoken": token, **token_fields(merchant, authorization)} if token else {}),
    }
