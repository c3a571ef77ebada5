"""The fake's direct debit (10.1 to 10.7) and eKYC (11.1 to 11.3).

Their paths are unpublished: give the same `paths=` to the fake and to the client. What the fake answers beyond the
known fields, and the codes of its refusals, are this sandbox's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from ..server.merchant import Books, Fate, Refusal, plays

__all__ = [
    "DirectDebitBooks",
    "EKYCBooks",
    "FakeAuthorization",
    "FakeDebit",
    "customer_authorizes",
    "customer_cancels",
    "customer_refuses",
    "notify_ekyc",
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
class FakeDebit:
    """Money taken by token (or, FAILED, not taken)."""

    fields: dict[str, Any] = attrs.field(repr=False)
    transaction_id: str
    created: float
    settles: float
    status: str
    failed_code: int | None = None
    failed_message: str | None = None


def _paid(fields: dict[str, Any]) -> Fate:
    return "COMPLETE", None, None


@attrs.define
class DirectDebitBooks:
    """Authorizations and debits. `decide` chooses how a debit ends; `settle_after` seconds later it does."""

    authorizations: dict[str, FakeAuthorization] = attrs.field(factory=dict)
    """By request id."""
    tokens: dict[str, FakeAuthorization] = attrs.field(factory=dict)
    debits: dict[str, FakeDebit] = attrs.field(factory=dict)
    """By PayCools' id."""
    order_ids: set[str] = attrs.field(factory=set)
    decide: Callable[[dict[str, Any]], Fate] = _paid
    settle_after: float = 0.0
    valid_for: float = TEN_YEARS
    """Seconds until a token expires."""


@plays("ph.directdebit.authorize")
def authorize(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    known = books.of(DirectDebitBooks).authorizations
    if fields["requestId"] in known:
        raise Refusal(1009, "requestId:is repeat")
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
        "authUrl": f"https://sandbox.invalid/authorize/{asked.request_id}",
    }


def customer_authorizes(books: Books, request_id: str) -> str:
    """The simulated customer says yes on the page of this request: the token, which the notification brings too."""
    state = books.of(DirectDebitBooks)
    asked = state.authorizations[request_id]
    if asked.pay_token is None:
        asked.pay_token = books.new_id("TK")
        asked.expires = books.clock.time() + state.valid_for
        state.tokens[asked.pay_token] = asked
        books.notify(_authorization_callback(books, asked, "token.create.success"))
    return asked.pay_token


def customer_refuses(books: Books, request_id: str) -> None:
    """The simulated customer says no."""
    asked = books.of(DirectDebitBooks).authorizations[request_id]
    books.notify(_authorization_callback(books, asked, "token.create.failed"))


def customer_cancels(books: Books, pay_token: str) -> None:
    """The simulated customer ends the authorization."""
    _end(books, books.of(DirectDebitBooks).tokens[pay_token], "USER_CANCEL")


def _end(books: Books, authorization: FakeAuthorization, by: str) -> None:
    authorization.inactive, authorization.inactive_type = books.clock.time(), by
    books.notify(_authorization_callback(books, authorization, "token.cancel.success"))


def _token(books: Books, authorization: FakeAuthorization) -> dict[str, Any]:
    ended = authorization.ended(books.clock.time())
    return {
        "tokenStatus": "INACTIVED" if ended else "ACTIVED",
        "expiresTime": books.when(authorization.expires),
        **({"inactiveTime": books.when(ended[0]), "inactiveType": ended[1]} if ended else {}),
    }


def _authorization_callback(books: Books, authorization: FakeAuthorization, event: str) -> dict[str, Any]:
    token = authorization.pay_token
    return {
        "channelCode": authorization.channel_code,
        "countryCode": authorization.country_code,
        "eventName": event,
        "requestId": authorization.request_id,
        "userId": authorization.user_id,
        **({"paytoken": token, **_token(books, authorization)} if token else {}),
    }


@plays("ph.directdebit.authorization_query")
def authorization_query(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    found = [
        # the spelling of the documents' table: all lower case
        {"channelcode": authorization.channel_code, "paytoken": token, **_token(books, authorization)}
        for token, authorization in books.of(DirectDebitBooks).tokens.items()
        if authorization.user_id == fields["userId"] and fields.get("payToken") in (None, token)
    ]
    return {"userId": fields["userId"], "tokenList": found}


@plays("ph.directdebit.authorization_cancel")
def authorization_cancel(books: Books, fields: dict[str, Any]) -> None:
    authorization = books.of(DirectDebitBooks).tokens.get(fields["payToken"])
    if authorization is None or authorization.user_id != fields["userId"]:
        raise Refusal(1009, "payToken:is unknown")
    if authorization.ended(books.clock.time()) is None:
        _end(books, authorization, "MCH_CANCEL")


@plays("ph.directdebit.payment_create")
def payment_create(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    state = books.of(DirectDebitBooks)
    now = books.clock.time()
    authorization = state.tokens.get(fields["payToken"])
    if authorization is None or authorization.ended(now) is not None:
        raise Refusal(1009, "payToken:is not active")
    if authorization.channel_code != fields["channelCode"]:
        raise Refusal(1011, "merchant channel unavailable")
    if books.enforce_unique and fields["mchOrderId"] in state.order_ids:
        raise Refusal(1012, "merchant order id is repeat")
    status, failed_code, failed_message = state.decide(fields)
    debit = FakeDebit(
        fields=fields,
        transaction_id=books.new_id("C"),
        created=now,
        settles=now + state.settle_after,
        status=status,
        failed_code=failed_code,
        failed_message=failed_message,
    )
    state.debits[debit.transaction_id] = debit
    state.order_ids.add(fields["mchOrderId"])
    books.notify(_debit_callback(books, debit), at=debit.settles)
    return {
        "mchOrderId": fields["mchOrderId"],
        "transactionId": debit.transaction_id,
        "transactionStatus": "PENDING",
        "channelType": "DIRECT_DEBIT",
        "channelCode": fields["channelCode"],
    }


def _debit_callback(books: Books, debit: FakeDebit) -> dict[str, Any]:
    return {
        "amount": debit.fields["amount"],
        "channelCode": debit.fields["channelCode"],
        "createTime": books.when(debit.created),
        "eventName": f"directdebit.payment.{'failed' if debit.status == 'FAILED' else 'success'}",
        "failedCode": debit.failed_code,
        "failedMessage": debit.failed_message,
        "mchOrderId": debit.fields["mchOrderId"],
        "remark": debit.fields.get("remark"),
        "returnTime": books.when(debit.settles),
        "transactionId": debit.transaction_id,
        "transactionStatus": debit.status,
    }


@plays("ph.directdebit.payment_query")
def payment_query(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    debit = books.of(DirectDebitBooks).debits.get(fields["transactionId"])
    if debit is None:
        raise Refusal(1008, "Transaction Not Found")
    final = books.clock.time() >= debit.settles
    status = "SUCCESS" if debit.status == "COMPLETE" else debit.status  # the sample's word for paid
    asked = ("mchOrderId", "amount", "customerName", "channelCode", "email", "mobile", "remark", "callbackUrl")
    return {
        **{name: debit.fields.get(name) for name in asked},
        "transactionId": debit.transaction_id,
        "transactionStatus": status if final else "PENDING",
        "createTime": books.when(debit.created),
        "returnTime": books.when(debit.settles) if final else None,
        "appName": books.app_name,
    }


@attrs.define
class EKYCBooks:
    """What was asked of eKYC, and what it answers: `answers` by endpoint id, or else an echo of what it was sent."""

    asked: list[tuple[str, dict[str, Any]]] = attrs.field(factory=list)
    answers: dict[str, Any] = attrs.field(factory=dict)


def _ekyc(endpoint_id: str) -> None:
    def play(books: Books, fields: dict[str, Any]) -> Any:
        state = books.of(EKYCBooks)
        state.asked.append((endpoint_id, fields))
        return state.answers.get(endpoint_id, fields)

    plays(endpoint_id)(play)


_ekyc("ph.ekyc.init")
_ekyc("ph.ekyc.result")


def notify_ekyc(books: Books, fields: dict[str, Any]) -> None:
    """Queue an eKYC notification; its fields are yours to choose, none is published."""
    books.notify(fields)
