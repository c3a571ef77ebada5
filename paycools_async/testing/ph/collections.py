"""The fake's standing codes: static virtual accounts (4), QR codes (5, next door) and transfer accounts (6)."""

from __future__ import annotations

import json
from typing import Any

from ..server.merchant import Books, Refusal, plays, takes_payments
from .qrcode import FakeQR, QRBooks
from .standing import LINK, AccountBooks, AccountSet, FakeAccount, ReceivedMoney, listed

__all__ = ["FakeAccount", "FakeQR", "QRBooks", "ReceivedMoney", "TransferBooks", "VABooks"]


class VABooks(AccountBooks):
    """The static virtual accounts."""


class TransferBooks(AccountBooks):
    """The transfer accounts."""


# 4. Bills payment


def _va(owner: AccountSet, account: FakeAccount) -> dict[str, Any]:
    return {
        "mchOrderId": owner.order_id,
        "channelCode": account.channel,
        "referenceNumber": account.number,
        "biller": "SANDBOX BILLER",
    }


def _va_set(owner: AccountSet) -> dict[str, Any]:
    rows = [
        {**_va(owner, account), "guideUrl": LINK + account.number}
        for account in owner.accounts.values()
        if account.active
    ]
    return {"shortLink": LINK + owner.order_id, "paymentVaList": rows}


_VA_TAKEN = (1017, "the static virtual account exist")


@plays("ph.bills.create")
def create_va(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    owner = books.of(VABooks).open(books, fields, Refusal(*_VA_TAKEN), "P")
    account = owner.accounts[fields["channelCode"]]
    return {**_va(owner, account), "guideUrl": LINK + account.number}


@plays("ph.bills.batch_create")
def batch_create_va(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    return _va_set(books.of(VABooks).open(books, fields, Refusal(*_VA_TAKEN), "P"))


@plays("ph.bills.update")
def update_va(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    return _va_set(books.of(VABooks).switch(books, fields, "P"))


@plays("ph.bills.cashier_short_url")
def cashier_short_url(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    return {"shortLink": LINK + books.of(VABooks).known(fields["mchOrderId"]).order_id}


@plays("ph.bills.payments")
def va_payments(books: Books, fields: dict[str, Any]) -> list[dict[str, Any]]:
    return listed(books, books.of(VABooks).known(fields["mchOrderId"]).payments, fields)


@plays("ph.bills.cancel")
def cancel_va(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    owner = books.of(VABooks).known(fields["mchOrderId"])
    owner.cancelled = True
    for account in owner.accounts.values():
        account.active = False
    return {"paymentVaList": [{**_va(owner, account), "status": "INACTIVE"} for account in owner.accounts.values()]}


async def _ask_merchant(books: Books, owner: AccountSet, account: FakeAccount, amount: int) -> None:
    """4.6: only code 2000 accepts; silence, nonsense and every other code refuse."""
    if books.ask_merchant is None:
        return
    question = {
        "eventName": "payment.verification",
        "mchOrderId": owner.order_id,
        "referenceNumber": account.number,
        "amount": amount,
        "mobile": owner.mobile,
        "createTime": books.when(),
    }
    body = await books.ask_merchant(books.signed(question))
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or not isinstance(answer.get("code"), int):
        raise Refusal(1000, "the merchant's answer cannot be read")
    if answer["code"] != 2000:
        raise Refusal(answer["code"], str(answer.get("msg", "")))


@takes_payments
async def pay_va(books: Books, reference: str, amount: int) -> dict[str, Any] | None:
    found = books.of(VABooks).owner(reference)
    if found is None:
        return None
    owner, account = found
    owner.check(books, account, amount)
    await _ask_merchant(books, owner, account, amount)
    owner.check(books, account, amount)  # it may have been cancelled meanwhile
    payment = ReceivedMoney(
        transaction_id=books.new_id("C"), amount=amount, channel=account.channel, paid=books.clock.time()
    )
    owner.payments.append(payment)
    callback = payment.callback(books, "payment.success", owner.order_id)
    books.notify({**callback, "codeMchOrderId": owner.order_id, "paymentCode": account.number})
    return payment.row(books)


# 6. Bank transfer


def _transfer_set(owner: AccountSet) -> dict[str, Any]:
    rows = [
        {
            "mchOrderId": owner.order_id,
            "channelCode": account.channel,
            "guideUrl": LINK + account.number,
            "receivingBank": "AllBank",
            "accountName": "PayCools",
            "accountNumber": account.number,
        }
        for account in owner.accounts.values()
        if account.active
    ]
    return {"paymentAccountList": rows, "shortLink": LINK + owner.order_id}


def _only_insta(fields: dict[str, Any]) -> None:
    if set(fields["channelCode"].split(",")) != {"INSTA_TRANSFER_ACC"}:
        raise Refusal(1011, "merchant channel unavailable")


@plays("ph.bank_transfer.batch_create")
def create_transfer_accounts(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    _only_insta(fields)
    taken = Refusal(1019, "the bank transfer account exist")
    return _transfer_set(books.of(TransferBooks).open(books, fields, taken, "9"))


@plays("ph.bank_transfer.batch_update")
def update_transfer_accounts(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    _only_insta(fields)
    return _transfer_set(books.of(TransferBooks).switch(books, fields, "9"))


@plays("ph.bank_transfer.payments")
def transfer_payments(books: Books, fields: dict[str, Any]) -> list[dict[str, Any]]:
    return listed(books, books.of(TransferBooks).known(fields["mchOrderId"]).payments, fields)


@takes_payments
async def pay_by_transfer(books: Books, reference: str, amount: int) -> dict[str, Any] | None:
    found = books.of(TransferBooks).owner(reference)
    if found is None:
        return None
    owner, account = found
    owner.check(books, account, amount)
    payment = ReceivedMoney(
        transaction_id=books.new_id("C"), amount=amount, channel=account.channel, paid=books.clock.time()
    )
    owner.payments.append(payment)
    callback = payment.callback(books, "transfer.payment.success", owner.order_id)
    books.notify({**callback, "paymentAccount": account.number})
    return payment.row(books)
