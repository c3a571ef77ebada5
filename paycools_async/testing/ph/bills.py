"""The fake's bills payment (4.1 to 4.8): static virtual accounts."""

from __future__ import annotations

import json
from typing import Any

from ..server.merchant import Merchant, Refusal, handles, takes_payments
from ..server.payments import SITE
from .reusable import AccountRecords, AccountSet, FakeAccount, lists_payments

__all__ = ["BillRecords"]


class BillRecords(AccountRecords):
    """The static virtual accounts."""


def _va(owner: AccountSet, account: FakeAccount) -> dict[str, Any]:
    return {
        "mchOrderId": owner.order_id,
        "channelCode": account.channel,
        "referenceNumber": account.number,
        "biller": "SANDBOX BILLER",
    }


def _va_set(owner: AccountSet) -> dict[str, Any]:
    rows = [
        {**_va(owner, account), "guideUrl": SITE + account.number}
        for account in owner.accounts.values()
        if account.active
    ]
    return {"shortLink": SITE + owner.order_id, "paymentVaList": rows}


_VA_TAKEN = (1017, "the static virtual account exist")


@handles("ph.bills.create")
def create_va(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    owner = merchant.of(BillRecords).open(merchant, fields, Refusal(*_VA_TAKEN), "P")
    account = owner.accounts[fields["channelCode"]]
    return {**_va(owner, account), "guideUrl": SITE + account.number}


@handles("ph.bills.batch_create")
def batch_create_va(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    return _va_set(merchant.of(BillRecords).open(merchant, fields, Refusal(*_VA_TAKEN), "P"))


@handles("ph.bills.update")
def update_va(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    return _va_set(merchant.of(BillRecords).switch(merchant, fields, "P"))


@handles("ph.bills.cashier_short_url")
def cashier_short_url(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    return {"shortLink": SITE + merchant.of(BillRecords).known(fields["mchOrderId"]).order_id}


lists_payments("ph.bills.payments", BillRecords)


@handles("ph.bills.cancel")
def cancel_va(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    owner = merchant.of(BillRecords).known(fields["mchOrderId"])
    owner.cancelled = True
    for account in owner.accounts.values():
        account.active = False
    return {"paymentVaList": [{**_va(owner, account), "status": "INACTIVE"} for account in owner.accounts.values()]}


async def _ask_merchant(merchant: Merchant, owner: AccountSet, account: FakeAccount, amount: int) -> None:
    """4.6: only code 2000 accepts; silence, nonsense and every other code refuse."""
    if merchant.ask_merchant is None:
        return
    question = {
        "eventName": "payment.verification",
        "mchOrderId": owner.order_id,
        "referenceNumber": account.number,
        "amount": amount,
        "mobile": owner.mobile,
        "createTime": merchant.when(),
    }
    body = await merchant.ask_merchant(merchant.signed(question))
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or not isinstance(answer.get("code"), int):
        raise Refusal(1000, "the merchant's answer cannot be read")
    if answer["code"] != 2000:
        raise Refusal(answer["code"], str(answer.get("msg", "")))


@takes_payments
async def pay_va(merchant: Merchant, reference: str, amount: int) -> dict[str, Any] | None:
    bills = merchant.of(BillRecords)
    found = bills.owner(reference)
    if found is None:
        return None
    owner, account = found
    owner.check(merchant, account, amount)
    await _ask_merchant(merchant, owner, account, amount)
    payment = bills.receive(merchant, owner, account, amount)  # it may have been cancelled meanwhile
    callback = payment.callback(merchant, "payment.success", owner.order_id)
    merchant.notify({**callback, "codeMchOrderId": owner.order_id, "paymentCode": account.number})
    return payment.row(merchant)
